-- Keys of backends. Revoked ones stay, for the record; their names are free again.
CREATE TABLE api_keys (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 8),
  hash BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
  name TEXT COLLATE "C" NOT NULL,
  permissions TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL CHECK (created_at >= 0),
  expires_at BIGINT CHECK (expires_at >= 0),
  revoked_at BIGINT CHECK (revoked_at >= 0),
  last_used BIGINT CHECK (last_used >= 0)
);
CREATE UNIQUE INDEX api_keys_by_live_name ON api_keys (name) WHERE revoked_at IS NULL;

-- Calls with an idempotency key. One without a status is under way. Not WITHOUT ROWID: a body may have 64 KiB.
CREATE TABLE repeatable_calls (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 32),
  body_hash BYTEA NOT NULL CHECK (length(body_hash) = 32),
  began_at BIGINT NOT NULL CHECK (began_at >= 0),
  ends_at BIGINT NOT NULL CHECK (ends_at >= 0),
  status BIGINT CHECK (status BETWEEN 100 AND 999),
  headers TEXT COLLATE "C",
  body BYTEA CHECK (length(body) <= 65536),
  CHECK ((status IS NULL) = (headers IS NULL) AND (status IS NULL) = (body IS NULL))
);
CREATE INDEX repeatable_calls_by_end ON repeatable_calls (ends_at);
