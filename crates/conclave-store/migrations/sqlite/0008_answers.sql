-- Of an assistant's answer: how it came about.
ALTER TABLE messages ADD COLUMN answer TEXT;

-- What answers took. A window ends the one before it.
ALTER TABLE rooms ADD COLUMN answers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN answer_prompt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN answer_completion INTEGER NOT NULL DEFAULT 0;
CREATE TABLE answer_sums (
  user_id TEXT NOT NULL PRIMARY KEY,
  answers INTEGER NOT NULL,
  prompt INTEGER NOT NULL,
  completion INTEGER NOT NULL,
  period INTEGER NOT NULL,
  in_period INTEGER NOT NULL
) STRICT;
