-- What one node does at a time. `fence` grows with each taking, `beat` while its holder lives.
CREATE TABLE leases (
  name TEXT NOT NULL PRIMARY KEY,
  holder TEXT,
  fence INTEGER NOT NULL CHECK (fence >= 1),
  beat INTEGER NOT NULL CHECK (beat >= 0)
) STRICT;
