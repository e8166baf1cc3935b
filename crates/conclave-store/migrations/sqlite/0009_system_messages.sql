-- A message may be of the server's own word. A check cannot be changed where it stands.
ALTER TABLE messages ADD COLUMN sort TEXT NOT NULL DEFAULT 'Text' CHECK (sort IN ('File', 'Image', 'System', 'Text'));
UPDATE messages SET sort = kind WHERE kind <> 'Text';
ALTER TABLE messages DROP COLUMN kind;
ALTER TABLE messages RENAME COLUMN sort TO kind;
