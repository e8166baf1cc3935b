-- Keys of backends. Revoked ones stay, for the record; their names are free again.
CREATE TABLE api_keys (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 8),
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  name TEXT NOT NULL,
  permissions TEXT NOT NULL,
  created_at INTEGER NOT NULL CHECK (created_at >= 0),
  expires_at INTEGER CHECK (expires_at >= 0),
  revoked_at INTEGER CHECK (revoked_at >= 0),
  last_used INTEGER CHECK (last_used >= 0)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX api_keys_by_live_name ON api_keys (name) WHERE revoked_at IS NULL;

-- Calls with an idempotency key. One without a status is under way. Not WITHOUT ROWID: a body may have 64 KiB.
CREATE TABLE repeatable_calls (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
  body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),
  began_at INTEGER NOT NULL CHECK (began_at >= 0),
  ends_at INTEGER NOT NULL CHECK (ends_at >= 0),
  status INTEGER CHECK (status BETWEEN 100 AND 999),
  headers TEXT,
  body BLOB CHECK (length(body) <= 65536),
  CHECK ((status IS NULL) = (headers IS NULL) AND (status IS NULL) = (body IS NULL))
) STRICT;
CREATE INDEX repeatable_calls_by_end ON repeatable_calls (ends_at);
