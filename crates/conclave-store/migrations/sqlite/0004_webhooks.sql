-- Where each webhook stands: events up to `number` are done with. The empty name is who looks for messages whose
-- recipients are away.
CREATE TABLE webhooks (
  name TEXT NOT NULL PRIMARY KEY,
  number INTEGER NOT NULL CHECK (number >= 0),
  failing_since INTEGER CHECK (failing_since >= 0)
) STRICT, WITHOUT ROWID;

-- What waits to be posted and is no stored event. `number` is the event it is about and comes after, or 0.
CREATE TABLE webhook_queue (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  webhook TEXT NOT NULL REFERENCES webhooks (name) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('connect', 'disconnect', 'membership', 'message_offline')),
  number INTEGER NOT NULL CHECK (number >= 0),
  at INTEGER NOT NULL CHECK (at >= 0),
  data TEXT NOT NULL
) STRICT;
CREATE INDEX webhook_queue_by_webhook ON webhook_queue (webhook, id);
