-- A message may be of the server's own word.
ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
ALTER TABLE messages ADD CONSTRAINT messages_kind_check CHECK (kind IN ('File', 'Image', 'System', 'Text'));
