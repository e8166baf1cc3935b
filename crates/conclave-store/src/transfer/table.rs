//! The tables, in an order in which each refers only to those before it.

use super::cells::{Arrived, Cells};
use crate::sql::{self, Connection, Datum};

/// A table that both databases have.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// Of the columns, those in whose order the rows are: the first ones.
    keys: usize,
    /// The column whose numbers the database gives out.
    pub(super) counts_by: Option<&'static str>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Blob,
    Flag,
    Integer,
    Text,
}

impl Table {
    /// Whether it has rows from the beginning, which are written over.
    pub(super) fn is_prepared(&self) -> bool {
        self.name == "counters"
    }

    pub(super) async fn count(&self, side: &mut Connection) -> Result<u64, sqlx::Error> {
        let count = format!("SELECT COUNT(*) FROM {}", self.name);
        let count: i64 = sql::query_scalar(count).fetch_one(side).await?;
        Ok(count.unsigned_abs())
    }

    /// The key of the last row.
    pub(super) async fn last_key(
        &self,
        side: &mut Connection,
    ) -> Result<Option<Vec<Datum<'static>>>, sqlx::Error> {
        let last = format!(
            "SELECT {keys} FROM {name} ORDER BY {order} LIMIT 1",
            keys = self.names(self.keys),
            name = self.name,
            order = self.names(self.keys).replace(", ", " DESC, ") + " DESC",
        );
        let last = sql::query_as(last).fetch_optional(side);
        Ok(last.await?.map(|Cells(key)| key))
    }

    pub(super) fn key_of(&self, row: &Arrived) -> Vec<Datum<'static>> {
        row.cells.iter().take(self.keys).cloned().collect()
    }

    /// The first rows, or those after a key, which is then bound.
    pub(super) fn page(&self, after_key: bool) -> String {
        let keys = self.names(self.keys);
        let places: Vec<String> = (1..=self.keys).map(|place| format!("${place}")).collect();
        let after = if after_key {
            format!("WHERE ({keys}) > ({})", places.join(", "))
        } else {
            String::new()
        };
        format!(
            "SELECT {columns} FROM {name} {after} ORDER BY {keys} LIMIT {PAGE_ROWS}",
            columns = self.names(self.columns.len()),
            name = self.name,
        )
    }

    /// Into PostgreSQL, in one transaction.
    pub(super) async fn insert(
        &self,
        target: &mut Connection,
        rows: Vec<Arrived>,
    ) -> Result<(), sqlx::Error> {
        let columns = self.names(self.columns.len());
        let places: Vec<String> = (1..=self.columns.len())
            .map(|place| format!("${place}"))
            .collect();
        let over = if self.is_prepared() {
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        } else {
            ""
        };
        let mut insert = sql::query(format!(
            "INSERT INTO {name} ({columns}) SELECT * FROM UNNEST({places}) {over}",
            name = self.name,
            places = places.join(", "),
        ));
        let mut lists: Vec<Vec<Datum<'static>>> = self.columns.iter().map(|_| Vec::new()).collect();
        for row in rows {
            for (list, cell) in lists.iter_mut().zip(row.cells) {
                list.push(cell);
            }
        }
        for (list, (_, kind)) in lists.into_iter().zip(self.columns) {
            insert = insert.bind(kind.list(list)?);
        }
        insert.execute(target).await?;
        Ok(())
    }

    fn names(&self, first: usize) -> String {
        let names = self.columns.iter().take(first).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(", ")
    }
}

impl Kind {
    /// The values of a column as one.
    fn list(self, values: Vec<Datum<'static>>) -> Result<Datum<'static>, sqlx::Error> {
        let mut list = match self {
            Self::Blob => Datum::Blobs(Vec::new()),
            Self::Flag => Datum::Flags(Vec::new()),
            Self::Integer => Datum::Integers(Vec::new()),
            Self::Text => Datum::Texts(Vec::new()),
        };
        for value in values {
            match (&mut list, value) {
                (Datum::Blobs(list), Datum::Blob(value)) => {
                    list.push(value.map(std::borrow::Cow::into_owned));
                }
                (Datum::Flags(list), Datum::Flag(value)) => list.push(value),
                (Datum::Integers(list), Datum::Integer(value)) => list.push(value),
                (Datum::Texts(list), Datum::Text(value)) => {
                    list.push(value.map(std::borrow::Cow::into_owned));
                }
                _ => return Err(sqlx::Error::Encode("a value of another kind".into())),
            }
        }
        Ok(list)
    }
}

const PAGE_ROWS: u32 = 1000;

macro_rules! tables {
    ($($name:ident [$keys:literal$(, $counts:ident)?] $($column:ident $kind:ident),+;)*) => {
        /// All of them but that of the schema's versions.
        pub(crate) const TABLES: &[Table] = &[$(Table {
            name: stringify!($name),
            columns: &[$((stringify!($column), Kind::$kind)),+],
            keys: $keys,
            counts_by: first(&[$(stringify!($counts))?]),
        }),*];
    };
}

const fn first(names: &[&'static str]) -> Option<&'static str> {
    match names {
        [name, ..] => Some(name),
        [] => None,
    }
}

// The number is that of the columns of the key, and a name that of the column which counts.
tables! {
    counters [1] name Text, value Integer;
    users [1] name Text, password_hash Text, roles Text, permissions Text, disabled Flag;
    user_changes [1] revision Integer, name Text, changed_at Integer;
    refresh_families [1] id Blob, number Integer, user_name Text, session Text,
        started_at Integer, expires_at Integer, access_seconds Integer, rotations Integer;
    refresh_tokens [1] hash Blob, family Blob, used_at Integer, successor Blob;
    revocations [1] sequence Integer, kind Text, id Blob, session_kind Text, issuer Integer,
        session Text, user_name Text, moment Integer, ends_at Integer;
    sessions [1] name Text, owner Text, created_at Integer;
    session_shares [2] session Text, user_name Text;
    api_keys [1] id Blob, hash Blob, name Text, permissions Text, created_at Integer,
        expires_at Integer, revoked_at Integer, last_used Integer;
    repeatable_calls [1] id Blob, body_hash Blob, began_at Integer, ends_at Integer,
        status Integer, headers Text, body Blob;
    rooms [1, key] key Integer, id Text, kind Text, name Text, description Text, owner Text,
        assistant Flag, created_at Integer, last_seq Integer, sent Integer, messages Integer,
        members Integer, answers Integer, answer_prompt Integer, answer_completion Integer;
    members [2] room Integer, user_id Text, room_id Text, role Text, joined_at Integer,
        joined_seq Integer, delivered_seq Integer, delivered_ordinal Integer, seen_seq Integer,
        seen_ordinal Integer, last_viewed_at Integer;
    messages [1] key Integer, id Blob, room Integer, seq Integer, ordinal Integer, author Text,
        kind Text, content Text, fingerprint Integer, reply_to Blob, client_id Text,
        created_at Integer, updated_at Integer, deleted_at Integer, answer Text;
    events [1] number Integer, room Integer, seq Integer, kind Text, at Integer, target Integer,
        user_id Text, role Text;
    receipt_log [4] room Integer, user_id Text, status Integer, seq Integer, at Integer;
    invitations [1, key] key Integer, id Blob, room Integer, inviter Text, invitee Text,
        state Text, created_at Integer;
    bans [2] room Integer, user_id Text, at Integer;
    dm_pairs [2] one Text, other Text, room Integer;
    room_remains [1] room Integer;
    profiles [1] user_id Text, name Text, token_name Text, avatar Text, last_seen Integer,
        bio Text, joined_at Integer;
    wallets [2] user_name Text, address Blob, chain_id Integer, linked_at Integer;
    wallet_nonces [1] hash Blob, user_name Text, expires_at Integer;
    answer_sums [1] user_id Text, answers Integer, prompt Integer, completion Integer,
        period Integer, in_period Integer;
    webhooks [1] name Text, number Integer, failing_since Integer;
    webhook_queue [1, id] id Integer, webhook Text, kind Text, number Integer, at Integer,
        data Text;
}
