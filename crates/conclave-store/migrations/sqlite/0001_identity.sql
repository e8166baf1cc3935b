-- Times are milliseconds since the Unix epoch. Hashes and ids are bytes. Lists of names are JSON arrays.
-- Texts compare byte by byte.

-- The last number given out by each sequence. A row here, and not the database's own sequence: the row is
-- held until COMMIT, so a reader never sees a number before a smaller one.
CREATE TABLE counters (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL CHECK (value >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('family', 0), ('revocation', 0), ('user_change', 0);

CREATE TABLE users (
  name TEXT NOT NULL PRIMARY KEY,
  password_hash TEXT NOT NULL,
  roles TEXT NOT NULL,
  permissions TEXT NOT NULL,
  disabled INTEGER NOT NULL CHECK (disabled IN (0, 1))
) STRICT, WITHOUT ROWID;

-- The latest change of every user there ever was; one without a row in `users` is deleted.
CREATE TABLE user_changes (
  revision INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  changed_at INTEGER NOT NULL CHECK (changed_at >= 0)
) STRICT;

-- Live families only: a revoked one is deleted, its tokens with it.
CREATE TABLE refresh_families (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  number INTEGER NOT NULL UNIQUE,
  user_name TEXT NOT NULL,
  session TEXT,
  started_at INTEGER NOT NULL CHECK (started_at >= 0),
  expires_at INTEGER NOT NULL CHECK (expires_at >= 0),
  access_seconds INTEGER NOT NULL CHECK (access_seconds >= 0),
  rotations INTEGER NOT NULL CHECK (rotations >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_families_by_user ON refresh_families (user_name, started_at, number);
CREATE INDEX refresh_families_by_end ON refresh_families (expires_at);

-- Every token a family ever had: the current one has no `used_at`.
CREATE TABLE refresh_tokens (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  family BLOB NOT NULL REFERENCES refresh_families (id) ON DELETE CASCADE,
  used_at INTEGER CHECK (used_at >= 0),
  successor BLOB CHECK (length(successor) = 32)
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family);

-- What a kind does not use is empty or zero, so that one unique index covers all kinds.
CREATE TABLE revocations (
  sequence INTEGER NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('family', 'session', 'token', 'user')),
  id BLOB NOT NULL,
  session_kind TEXT NOT NULL CHECK (session_kind IN ('', 'anonymous', 'default', 'named')),
  issuer INTEGER NOT NULL,
  session TEXT NOT NULL,
  user_name TEXT NOT NULL,
  moment INTEGER NOT NULL CHECK (moment >= 0),
  ends_at INTEGER CHECK (ends_at >= 0),
  UNIQUE (kind, id, session_kind, issuer, session, user_name)
) STRICT;
CREATE INDEX revocations_by_end ON revocations (ends_at);

CREATE TABLE sessions (
  name TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  created_at INTEGER NOT NULL CHECK (created_at >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_owner ON sessions (owner, name);

CREATE TABLE session_shares (
  session TEXT NOT NULL REFERENCES sessions (name) ON DELETE CASCADE,
  user_name TEXT NOT NULL,
  PRIMARY KEY (session, user_name)
) STRICT, WITHOUT ROWID;
