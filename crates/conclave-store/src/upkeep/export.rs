//! Rooms, members and messages as text.

use std::io::{self, Write};

use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection};

use super::failed;
use crate::{Store, StoreError};

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Rooms.
    pub rooms: u64,
    /// Members of rooms.
    pub members: u64,
    /// Messages, deleted ones included.
    pub messages: u64,
}

impl Store {
    /// Writes one JSON object a line, of one moment: each room, then its members by user id, then
    /// its messages by sequence number. `{"type":"room","id",…}`, `{"type":"member","room",…}`,
    /// `{"type":"message","room","id","seq",…}`; times are milliseconds since 1970 (`…_ms`).
    /// Holds no more than a thousand rows.
    ///
    /// # Errors
    /// `Open`, `Statement`, `Value`, or `Output` with what `out` said.
    pub async fn export(&self, out: &mut (dyn Write + Send)) -> Result<Exported, StoreError> {
        let mut connection = self.own_reader().await?;
        let mut moment = connection.begin().await.map_err(failed)?;
        let mut exported = Exported::default();
        let mut after = 0_i64;
        loop {
            let rooms = sqlx::query(ROOMS).bind(after).bind(PAGE);
            let rooms = rooms.fetch_all(&mut *moment).await.map_err(failed)?;
            let Some(last) = rooms.last() else {
                break;
            };
            after = last.try_get("key").map_err(failed)?;
            for room in &rooms {
                write_room(&mut moment, room, out, &mut exported).await?;
            }
        }
        // Nothing was written to the store.
        moment.rollback().await.map_err(failed)?;
        connection.close().await.map_err(failed)?;
        out.flush().map_err(StoreError::Output)?;
        Ok(exported)
    }
}

async fn write_room(
    connection: &mut SqliteConnection,
    row: &SqliteRow,
    out: &mut (dyn Write + Send),
    exported: &mut Exported,
) -> Result<(), StoreError> {
    let key: i64 = row.try_get("key").map_err(failed)?;
    let id: String = row.try_get("id").map_err(failed)?;
    line(out, room(row, &id).map_err(failed)?).map_err(StoreError::Output)?;
    exported.rooms += 1;
    let mut after = String::new();
    loop {
        let rows = sqlx::query(MEMBERS).bind(key).bind(&after).bind(PAGE);
        let rows = rows.fetch_all(&mut *connection).await.map_err(failed)?;
        let Some(last) = rows.last() else {
            break;
        };
        after = last.try_get("user_id").map_err(failed)?;
        for row in &rows {
            line(out, member(row, &id).map_err(failed)?).map_err(StoreError::Output)?;
            exported.members += 1;
        }
    }
    let mut after = 0_i64;
    loop {
        let rows = sqlx::query(MESSAGES).bind(key).bind(after).bind(PAGE);
        let rows = rows.fetch_all(&mut *connection).await.map_err(failed)?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.try_get("seq").map_err(failed)?;
        for row in &rows {
            line(out, message(row, &id)?).map_err(StoreError::Output)?;
            exported.messages += 1;
        }
    }
}

fn line(out: &mut (dyn Write + Send), value: Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &value)?;
    out.write_all(b"\n")
}

fn room(row: &SqliteRow, id: &str) -> Result<Value, sqlx::Error> {
    Ok(json!({
        "type": "room",
        "id": id,
        "kind": row.try_get::<String, _>("kind")?,
        "name": row.try_get::<String, _>("name")?,
        "description": row.try_get::<Option<String>, _>("description")?,
        "owner": row.try_get::<Option<String>, _>("owner")?,
        "assistant": row.try_get::<bool, _>("assistant")?,
        "created_at_ms": row.try_get::<i64, _>("created_at")?,
        "last_seq": row.try_get::<i64, _>("last_seq")?,
    }))
}

fn member(row: &SqliteRow, room: &str) -> Result<Value, sqlx::Error> {
    Ok(json!({
        "type": "member",
        "room": room,
        "user": row.try_get::<String, _>("user_id")?,
        "role": row.try_get::<String, _>("role")?,
        "joined_at_ms": row.try_get::<i64, _>("joined_at")?,
        "joined_seq": row.try_get::<i64, _>("joined_seq")?,
        "delivered_seq": row.try_get::<i64, _>("delivered_seq")?,
        "seen_seq": row.try_get::<i64, _>("seen_seq")?,
    }))
}

fn message(row: &SqliteRow, room: &str) -> Result<Value, StoreError> {
    let id = |name| -> Result<Option<String>, StoreError> {
        let blob: Option<Vec<u8>> = row.try_get(name).map_err(failed)?;
        let id = blob.as_deref().map(crate::rooms::message_id).transpose()?;
        Ok(id.map(|id| id.to_string()))
    };
    let (own, reply_to) = (id("id")?, id("reply_to")?);
    let value = || {
        Ok(json!({
            "type": "message",
            "room": room,
            "id": own,
            "seq": row.try_get::<i64, _>("seq")?,
            "author": row.try_get::<String, _>("author")?,
            "kind": row.try_get::<String, _>("kind")?,
            "content": row.try_get::<String, _>("content")?,
            "reply_to": reply_to,
            "client_id": row.try_get::<Option<String>, _>("client_id")?,
            "created_at_ms": row.try_get::<i64, _>("created_at")?,
            "updated_at_ms": row.try_get::<i64, _>("updated_at")?,
            "deleted_at_ms": row.try_get::<Option<i64>, _>("deleted_at")?,
        }))
    };
    value().map_err(failed)
}

const ROOMS: &str = "SELECT key, id, kind, name, description, owner, assistant, created_at, \
    last_seq FROM rooms WHERE key > $1 ORDER BY key LIMIT $2";
const MEMBERS: &str = "SELECT user_id, role, joined_at, joined_seq, delivered_seq, seen_seq \
    FROM members WHERE room = $1 AND user_id > $2 ORDER BY user_id LIMIT $3";
const MESSAGES: &str = "SELECT id, seq, author, kind, content, reply_to, client_id, created_at, \
    updated_at, deleted_at FROM messages WHERE room = $1 AND seq > $2 ORDER BY seq LIMIT $3";

/// Rows read at once.
const PAGE: i64 = 1000;
