-- Times are milliseconds since the Unix epoch. Hashes and ids are bytes. Lists of names are JSON arrays.
-- Texts compare byte by byte.

-- The last number given out by each sequence. A row here, and not the database's own sequence: the row is
-- held until COMMIT, so a reader never sees a number before a smaller one.
CREATE TABLE counters (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL CHECK (value >= 0)
);
INSERT INTO counters (name, value) VALUES ('family', 0), ('revocation', 0), ('user_change', 0);

CREATE TABLE users (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  password_hash TEXT COLLATE "C" NOT NULL,
  roles TEXT COLLATE "C" NOT NULL,
  permissions TEXT COLLATE "C" NOT NULL,
  disabled BOOLEAN NOT NULL
);

-- The latest change of every user there ever was; one without a row in `users` is deleted.
CREATE TABLE user_changes (
  revision BIGINT NOT NULL PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL UNIQUE,
  changed_at BIGINT NOT NULL CHECK (changed_at >= 0)
);

-- Live families only: a revoked one is deleted, its tokens with it.
CREATE TABLE refresh_families (
  id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  number BIGINT NOT NULL UNIQUE,
  user_name TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C",
  started_at BIGINT NOT NULL CHECK (started_at >= 0),
  expires_at BIGINT NOT NULL CHECK (expires_at >= 0),
  access_seconds BIGINT NOT NULL CHECK (access_seconds >= 0),
  rotations BIGINT NOT NULL CHECK (rotations >= 0)
);
CREATE INDEX refresh_families_by_user ON refresh_families (user_name, started_at, number);
CREATE INDEX refresh_families_by_end ON refresh_families (expires_at);

-- Every token a family ever had: the current one has no `used_at`.
CREATE TABLE refresh_tokens (
  hash BYTEA NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  family BYTEA NOT NULL REFERENCES refresh_families (id) ON DELETE CASCADE,
  used_at BIGINT CHECK (used_at >= 0),
  successor BYTEA CHECK (length(successor) = 32)
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family);

-- What a kind does not use is empty or zero, so that one unique index covers all kinds.
CREATE TABLE revocations (
  sequence BIGINT NOT NULL PRIMARY KEY,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('family', 'session', 'token', 'user')),
  id BYTEA NOT NULL,
  session_kind TEXT COLLATE "C" NOT NULL CHECK (session_kind IN ('', 'anonymous', 'default', 'named')),
  issuer BIGINT NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  user_name TEXT COLLATE "C" NOT NULL,
  moment BIGINT NOT NULL CHECK (moment >= 0),
  ends_at BIGINT CHECK (ends_at >= 0),
  UNIQUE (kind, id, session_kind, issuer, session, user_name)
);
CREATE INDEX revocations_by_end ON revocations (ends_at);

CREATE TABLE sessions (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  owner TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL CHECK (created_at >= 0)
);
CREATE INDEX sessions_by_owner ON sessions (owner, name);

CREATE TABLE session_shares (
  session TEXT COLLATE "C" NOT NULL REFERENCES sessions (name) ON DELETE CASCADE,
  user_name TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (session, user_name)
);
