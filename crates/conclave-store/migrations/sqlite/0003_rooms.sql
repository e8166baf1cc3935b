-- Rooms. A room has a number (`key`) for the other tables, never used twice, and its id on the wire.
-- `last_seq` is the place of its latest event, `sent` counts all messages it ever had, `messages` those that are
-- not deleted, `members` its members.
CREATE TABLE rooms (
  key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('DM', 'PRIVATE', 'PUBLIC')),
  name TEXT NOT NULL,
  description TEXT,
  owner TEXT CHECK ((owner IS NULL) = (kind = 'DM')),
  assistant INTEGER NOT NULL DEFAULT 0 CHECK (assistant IN (0, 1)),
  created_at INTEGER NOT NULL CHECK (created_at >= 0),
  last_seq INTEGER NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
  sent INTEGER NOT NULL DEFAULT 0 CHECK (sent >= 0),
  messages INTEGER NOT NULL DEFAULT 0 CHECK (messages >= 0),
  members INTEGER NOT NULL DEFAULT 0 CHECK (members >= 0)
) STRICT;
CREATE INDEX rooms_public ON rooms (id) WHERE kind = 'PUBLIC';

-- A position is a place in the room, and beside it the number of messages up to there: so what comes after is
-- counted without being read. `room_id` is that of the room: a user's rooms come in its order.
CREATE TABLE members (
  room INTEGER NOT NULL REFERENCES rooms (key) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  room_id TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('MEMBER', 'MODERATOR', 'OWNER')),
  joined_at INTEGER NOT NULL CHECK (joined_at >= 0),
  joined_seq INTEGER NOT NULL CHECK (joined_seq >= 1),
  delivered_seq INTEGER NOT NULL CHECK (delivered_seq >= seen_seq),
  delivered_ordinal INTEGER NOT NULL CHECK (delivered_ordinal >= seen_ordinal),
  seen_seq INTEGER NOT NULL CHECK (seen_seq >= joined_seq),
  seen_ordinal INTEGER NOT NULL CHECK (seen_ordinal >= 0),
  last_viewed_at INTEGER CHECK (last_viewed_at >= 0),
  PRIMARY KEY (room, user_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX members_by_user ON members (user_id, room_id);
-- The slowest of a room come first: the state of a message is theirs.
CREATE INDEX members_by_joining ON members (room, joined_seq, user_id);
CREATE INDEX members_by_delivered ON members (room, delivered_seq, user_id);
CREATE INDEX members_by_seen ON members (room, seen_seq, user_id);

-- `key` is the number of its event. `ordinal` counts the room's messages from 1. Of a deleted message the row stays, without text. No reference to
-- `rooms`: those of a deleted room go some at a time.
CREATE TABLE messages (
  key INTEGER NOT NULL PRIMARY KEY,
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  room INTEGER NOT NULL,
  seq INTEGER NOT NULL CHECK (seq >= 1),
  ordinal INTEGER NOT NULL CHECK (ordinal >= 1),
  author TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('File', 'Image', 'Text')),
  content TEXT NOT NULL CHECK (content = '' OR deleted_at IS NULL),
  -- Of the content as it was first sent, to know a repeated ask by; gone with the text.
  fingerprint INTEGER CHECK (fingerprint IS NULL OR deleted_at IS NULL),
  reply_to BLOB CHECK (length(reply_to) = 16),
  client_id TEXT,
  created_at INTEGER NOT NULL CHECK (created_at >= 0),
  updated_at INTEGER NOT NULL CHECK (updated_at >= 0),
  deleted_at INTEGER CHECK (deleted_at >= 0),
  UNIQUE (room, seq)
) STRICT;
CREATE UNIQUE INDEX messages_by_client ON messages (room, author, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX messages_by_author ON messages (room, author, seq) WHERE deleted_at IS NULL;
CREATE INDEX messages_deleted ON messages (room, seq) WHERE deleted_at IS NOT NULL;

-- What happened, in the order of the commits: `number` grows and is never used twice. `target` is the `seq` of the
-- message it is about.
INSERT INTO counters (name, value) VALUES ('event', 0);
CREATE TABLE events (
  number INTEGER NOT NULL PRIMARY KEY,
  room INTEGER NOT NULL,
  seq INTEGER NOT NULL CHECK (seq >= 1),
  kind TEXT NOT NULL,
  at INTEGER NOT NULL CHECK (at >= 0),
  target INTEGER,
  user_id TEXT,
  role TEXT,
  UNIQUE (room, seq)
) STRICT;

-- What a new message does beside itself: so that one statement is all it takes.
CREATE TRIGGER message_stored AFTER INSERT ON messages BEGIN
  UPDATE counters SET value = NEW.key WHERE name = 'event';
  UPDATE rooms SET last_seq = NEW.seq, sent = NEW.ordinal, messages = messages + 1 WHERE key = NEW.room;
  INSERT INTO events (number, room, seq, kind, at, target)
    VALUES (NEW.key, NEW.room, NEW.seq, 'message', NEW.created_at, NEW.seq);
END;

-- When a member's position rose to `seq`; status 1 is delivered, 2 seen.
CREATE TABLE receipt_log (
  room INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  status INTEGER NOT NULL CHECK (status IN (1, 2)),
  seq INTEGER NOT NULL CHECK (seq >= 1),
  at INTEGER NOT NULL CHECK (at >= 0),
  PRIMARY KEY (room, user_id, status, seq)
) STRICT, WITHOUT ROWID;

-- `key` grows with time.
CREATE TABLE invitations (
  key INTEGER NOT NULL PRIMARY KEY,
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  room INTEGER NOT NULL REFERENCES rooms (key) ON DELETE CASCADE,
  inviter TEXT NOT NULL,
  invitee TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ACCEPTED', 'PENDING', 'REJECTED')),
  created_at INTEGER NOT NULL CHECK (created_at >= 0)
) STRICT;
CREATE INDEX invitations_by_room ON invitations (room);
CREATE UNIQUE INDEX invitations_pending ON invitations (room, invitee) WHERE state = 'PENDING';
CREATE INDEX invitations_of_user ON invitations (invitee, key) WHERE state = 'PENDING';

CREATE TABLE bans (
  room INTEGER NOT NULL REFERENCES rooms (key) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  at INTEGER NOT NULL CHECK (at >= 0),
  PRIMARY KEY (room, user_id)
) STRICT, WITHOUT ROWID;

-- `one` is before `other`.
CREATE TABLE dm_pairs (
  one TEXT NOT NULL,
  other TEXT NOT NULL CHECK (one < other),
  room INTEGER NOT NULL UNIQUE REFERENCES rooms (key) ON DELETE CASCADE,
  PRIMARY KEY (one, other)
) STRICT, WITHOUT ROWID;

-- Deleted rooms whose messages, events and receipts are still being deleted.
CREATE TABLE room_remains (
  room INTEGER NOT NULL PRIMARY KEY
) STRICT;

-- `name` is the user's own choice, `token_name` what their token says.
CREATE TABLE profiles (
  user_id TEXT NOT NULL PRIMARY KEY,
  name TEXT,
  token_name TEXT,
  avatar TEXT,
  last_seen INTEGER CHECK (last_seen >= 0)
) STRICT, WITHOUT ROWID;
