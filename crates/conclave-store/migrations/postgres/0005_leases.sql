-- What one node does at a time. `fence` grows with each taking, `beat` while its holder lives.
CREATE TABLE leases (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  holder TEXT COLLATE "C",
  fence BIGINT NOT NULL CHECK (fence >= 1),
  beat BIGINT NOT NULL CHECK (beat >= 0)
);
