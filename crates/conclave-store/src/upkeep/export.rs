//! Rooms, members and messages as text.

use std::io::{self, Write};

use super::failed;
use crate::sql::{self, Connection, Statement};
use crate::{Store, StoreError};
use serde_json::{Value, json};

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
        let mut view = self.own_view().await?;
        let mut exported = Exported::default();
        let mut after = 0_i64;
        loop {
            let rooms = sql::query_as(ROOMS).bind(after).bind(PAGE);
            let rooms: Vec<RoomRow> = rooms.fetch_all(&mut view).await.map_err(failed)?;
            let Some(last) = rooms.last() else {
                break;
            };
            after = last.key;
            for room in rooms {
                write_room(&mut view, room, out, &mut exported).await?;
            }
        }
        view.close().await.map_err(failed)?;
        out.flush().map_err(StoreError::Output)?;
        Ok(exported)
    }
}

async fn write_room(
    view: &mut Connection,
    row: RoomRow,
    out: &mut (dyn Write + Send),
    exported: &mut Exported,
) -> Result<(), StoreError> {
    let (key, id) = (row.key, row.id.clone());
    line(out, room(row)).map_err(StoreError::Output)?;
    exported.rooms += 1;
    let mut after = String::new();
    loop {
        let rows = sql::query_as(MEMBERS).bind(key).bind(&after).bind(PAGE);
        let rows: Vec<MemberRow> = rows.fetch_all(view).await.map_err(failed)?;
        let Some(last) = rows.last() else {
            break;
        };
        after.clone_from(&last.user_id);
        for row in rows {
            line(out, member(row, &id)).map_err(StoreError::Output)?;
            exported.members += 1;
        }
    }
    let mut after = 0_i64;
    loop {
        let rows = sql::query_as(MESSAGES).bind(key).bind(after).bind(PAGE);
        let rows: Vec<MessageRow> = rows.fetch_all(view).await.map_err(failed)?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.seq;
        for row in rows {
            line(out, message(row, &id)?).map_err(StoreError::Output)?;
            exported.messages += 1;
        }
    }
}

fn line(out: &mut (dyn Write + Send), value: Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &value)?;
    out.write_all(b"\n")
}

#[derive(sqlx::FromRow)]
struct RoomRow {
    key: i64,
    id: String,
    kind: String,
    name: String,
    description: Option<String>,
    owner: Option<String>,
    assistant: bool,
    created_at: i64,
    last_seq: i64,
}

fn room(row: RoomRow) -> Value {
    json!({
        "type": "room",
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "description": row.description,
        "owner": row.owner,
        "assistant": row.assistant,
        "created_at_ms": row.created_at,
        "last_seq": row.last_seq,
    })
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    user_id: String,
    role: String,
    joined_at: i64,
    joined_seq: i64,
    delivered_seq: i64,
    seen_seq: i64,
}

fn member(row: MemberRow, room: &str) -> Value {
    json!({
        "type": "member",
        "room": room,
        "user": row.user_id,
        "role": row.role,
        "joined_at_ms": row.joined_at,
        "joined_seq": row.joined_seq,
        "delivered_seq": row.delivered_seq,
        "seen_seq": row.seen_seq,
    })
}

#[derive(sqlx::FromRow)]
struct MessageRow {
    id: Vec<u8>,
    seq: i64,
    author: String,
    kind: String,
    content: String,
    reply_to: Option<Vec<u8>>,
    client_id: Option<String>,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
}

fn message(row: MessageRow, room: &str) -> Result<Value, StoreError> {
    let id = |blob: &[u8]| Ok::<_, StoreError>(crate::rooms::message_id(blob)?.to_string());
    Ok(json!({
        "type": "message",
        "room": room,
        "id": id(&row.id)?,
        "seq": row.seq,
        "author": row.author,
        "kind": row.kind,
        "content": row.content,
        "reply_to": row.reply_to.as_deref().map(id).transpose()?,
        "client_id": row.client_id,
        "created_at_ms": row.created_at,
        "updated_at_ms": row.updated_at,
        "deleted_at_ms": row.deleted_at,
    }))
}

const ROOMS: Statement = Statement::new(
    "SELECT key, id, kind, name, description, owner, assistant, created_at, \
    last_seq FROM rooms WHERE key > $1 ORDER BY key LIMIT $2",
    &[],
);
const MEMBERS: Statement = Statement::new(
    "SELECT user_id, role, joined_at, joined_seq, delivered_seq, seen_seq \
    FROM members WHERE room = $1 AND user_id > $2 ORDER BY user_id LIMIT $3",
    &[],
);
const MESSAGES: Statement = Statement::new(
    "SELECT id, seq, author, kind, content, reply_to, client_id, created_at, \
    updated_at, deleted_at FROM messages WHERE room = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    &[],
);

/// Rows read at once.
const PAGE: i64 = 1000;
