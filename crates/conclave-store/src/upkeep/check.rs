//! Whether a store is whole.

use super::failed;
use crate::sql::{self, Connection, Statement};
use crate::{Store, StoreError};

/// Something in a store that should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub rule: &'static str,
    /// Where: a table's row, a room's id, or the database's own words.
    pub place: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.rule, self.place)
    }
}

impl Store {
    /// Reads all of one moment of the store: of a file the pages and indices of the database and
    /// its foreign keys; and what the rules of rooms promise (sequences without gaps, counts that are right,
    /// positions inside their room). Of each rule the first 20 places. Nothing found is a whole
    /// store. Takes about a second for 100,000 messages.
    ///
    /// # Errors
    /// `Open`, or `Statement` where the damage is such that it cannot be read.
    pub async fn check(&self) -> Result<Vec<Finding>, StoreError> {
        let mut view = self.own_view().await?;
        let mut findings = Vec::new();
        let of_files = if self.is_postgres() { &[] } else { OF_FILES };
        for (rule, statement) in of_files.iter().chain(RULES) {
            findings.extend(breaches(&mut view, rule, statement).await?);
        }
        view.close().await.map_err(failed)?;
        Ok(findings)
    }
}

async fn breaches(
    view: &mut Connection,
    rule: &'static str,
    statement: &'static str,
) -> Result<Vec<Finding>, StoreError> {
    let places = sql::query_scalar(Statement::new(statement, &[]));
    let places: Vec<String> = places.fetch_all(view).await.map_err(failed)?;
    let broken = places.into_iter().filter(|place| place != WHOLE);
    Ok(broken.map(|place| Finding { rule, place }).collect())
}

/// What `integrity_check` says of a database without faults.
const WHOLE: &str = "ok";

/// What a file has beside them, and a server sees to itself.
const OF_FILES: &[(&str, &str)] = &[
    ("damaged database", "PRAGMA integrity_check(20)"),
    (
        "reference to nothing",
        "SELECT \"table\" || ' row ' || COALESCE(rowid, '?') FROM pragma_foreign_key_check LIMIT 20",
    ),
];

/// Each rule, and a statement that gives the places where it is broken.
const RULES: &[(&str, &str)] = &[
    (
        "sequence of events with a gap",
        "SELECT r.id FROM rooms r WHERE r.last_seq <> \
         (SELECT COUNT(*) FROM events e WHERE e.room = r.key) \
         OR r.last_seq <> COALESCE((SELECT MAX(e.seq) FROM events e WHERE e.room = r.key), 0) \
         LIMIT 20",
    ),
    (
        "event numbered against its sequence",
        "SELECT r.id FROM rooms r WHERE EXISTS \
         (SELECT 1 FROM (SELECT number, LAG(number) OVER (ORDER BY seq) AS before FROM events e \
          WHERE e.room = r.key) n WHERE number <= before) LIMIT 20",
    ),
    (
        "number of an event that would be used again",
        "SELECT name FROM counters WHERE name = 'event' \
         AND value < (SELECT COALESCE(MAX(number), 0) FROM events)",
    ),
    (
        "message without its event",
        "SELECT r.id || ' seq ' || m.seq FROM messages m JOIN rooms r ON r.key = m.room \
         LEFT JOIN events e ON e.room = m.room AND e.seq = m.seq AND e.kind = 'message' \
         AND e.number = m.key \
         WHERE e.number IS NULL LIMIT 20",
    ),
    (
        "event without its message",
        "SELECT r.id || ' seq ' || e.seq FROM events e JOIN rooms r ON r.key = e.room \
         LEFT JOIN messages m ON m.room = e.room AND m.seq = e.target \
         WHERE e.kind IN ('message', 'edited', 'erased') AND m.key IS NULL LIMIT 20",
    ),
    (
        "wrong count of messages",
        "SELECT r.id FROM rooms r WHERE \
         r.sent <> (SELECT COUNT(*) FROM messages m WHERE m.room = r.key) OR r.messages <> \
         (SELECT COUNT(*) FROM messages m WHERE m.room = r.key AND m.deleted_at IS NULL) LIMIT 20",
    ),
    (
        "message out of order",
        "SELECT r.id || ' seq ' || m.seq FROM rooms r JOIN \
         (SELECT room, seq, ordinal, ROW_NUMBER() OVER (PARTITION BY room ORDER BY seq) AS place \
          FROM messages) m ON m.room = r.key WHERE m.ordinal <> m.place LIMIT 20",
    ),
    (
        "deleted message with a text",
        "SELECT 'room ' || room || ' seq ' || seq FROM messages \
         WHERE deleted_at IS NOT NULL AND (content <> '' OR fingerprint IS NOT NULL) LIMIT 20",
    ),
    (
        "wrong count of members",
        "SELECT r.id FROM rooms r WHERE r.members <> \
         (SELECT COUNT(*) FROM members m WHERE m.room = r.key) LIMIT 20",
    ),
    (
        "room without its one owner",
        "SELECT r.id FROM rooms r WHERE (SELECT COUNT(*) FROM members m \
         WHERE m.room = r.key AND m.role = 'OWNER') <> CASE r.kind WHEN 'DM' THEN 0 ELSE 1 END \
         OR (r.kind <> 'DM' AND NOT EXISTS (SELECT 1 FROM members m \
         WHERE m.room = r.key AND m.user_id = r.owner AND m.role = 'OWNER')) LIMIT 20",
    ),
    (
        "member's position outside the room",
        "SELECT r.id || ' ' || m.user_id FROM members m JOIN rooms r ON r.key = m.room \
         WHERE m.room_id <> r.id OR m.delivered_seq > r.last_seq \
         OR m.seen_ordinal <> COALESCE((SELECT g.ordinal FROM messages g \
         WHERE g.room = m.room AND g.seq <= m.seen_seq ORDER BY g.seq DESC LIMIT 1), 0) \
         OR m.delivered_ordinal <> COALESCE((SELECT g.ordinal FROM messages g \
         WHERE g.room = m.room AND g.seq <= m.delivered_seq ORDER BY g.seq DESC LIMIT 1), 0) \
         LIMIT 20",
    ),
    (
        "DM without its pair",
        "SELECT r.id FROM rooms r LEFT JOIN dm_pairs d ON d.room = r.key \
         WHERE (r.kind = 'DM') <> (d.room IS NOT NULL) LIMIT 20",
    ),
    (
        "rows of no room",
        "SELECT 'messages of room ' || room FROM messages WHERE room NOT IN \
         (SELECT key FROM rooms UNION ALL SELECT room FROM room_remains) GROUP BY room \
         UNION ALL SELECT 'events of room ' || room FROM events WHERE room NOT IN \
         (SELECT key FROM rooms UNION ALL SELECT room FROM room_remains) GROUP BY room LIMIT 20",
    ),
];
