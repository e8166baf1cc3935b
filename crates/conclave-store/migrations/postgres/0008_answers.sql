-- Of an assistant's answer: how it came about.
ALTER TABLE messages ADD COLUMN answer TEXT COLLATE "C";

-- What answers took. A window ends the one before it.
ALTER TABLE rooms ADD COLUMN answers BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN answer_prompt BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN answer_completion BIGINT NOT NULL DEFAULT 0;
CREATE TABLE answer_sums (
  user_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  answers BIGINT NOT NULL,
  prompt BIGINT NOT NULL,
  completion BIGINT NOT NULL,
  period BIGINT NOT NULL,
  in_period BIGINT NOT NULL
);
