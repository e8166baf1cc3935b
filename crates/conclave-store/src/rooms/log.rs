//! All stored events of all rooms by their numbers, for webhooks.

use std::sync::Arc;

use conclave_core::{LogPage, LogPart, Logged};
use conclave_protocol::{Event, EventKind, UserId};

use super::history::{EventRow, Past};
use super::{Halt, statement};
use crate::sql::{self, Connection, Statement};
use crate::{Store, StoreError, column};

impl Store {
    /// Events with a greater number than `after`, in one moment of the store.
    pub(crate) async fn logged(
        &self,
        after: u64,
        part: LogPart,
        limit: u32,
    ) -> Result<LogPage, StoreError> {
        let page = async {
            let mut view = self.view().await?;
            page(&mut view, after, part, limit).await
        };
        page.await.map_err(broken)
    }

    /// Who is to receive the message of this event and has not got it.
    pub(crate) async fn waiting(&self, number: u64) -> Result<Vec<UserId>, StoreError> {
        let users = async {
            let mut view = self.view().await?;
            users(
                &mut view,
                statement::MEMBERS_WAITING,
                column::integer(number),
            )
            .await
        };
        users.await.map_err(broken)
    }

    /// The newest event's number.
    pub(crate) async fn newest(connection: &mut Connection) -> Result<i64, sqlx::Error> {
        let newest = sql::query_scalar(statement::EVENT_NEWEST);
        newest.fetch_one(connection).await
    }

    /// One event as it is now, if it is there.
    pub(crate) async fn event_numbered(
        connection: &mut Connection,
        number: i64,
    ) -> Result<Option<Arc<Event>>, StoreError> {
        let event = async {
            let row = sql::query_as(statement::EVENT_BY_NUMBER).bind(number);
            let row: Option<EventRow> = row.fetch_optional(connection).await?;
            let Some(row) = row else { return Ok(None) };
            let event = Past::default().event(connection, row, &nobody()?).await?;
            Ok(Some(event))
        };
        event.await.map_err(broken)
    }
}

async fn page(
    view: &mut Connection,
    after: u64,
    part: LogPart,
    limit: u32,
) -> Result<LogPage, Halt> {
    let newest = Store::newest(view).await?;
    let rows = sql::query_as(statement::EVENTS_LOGGED)
        .bind(column::integer(after))
        .bind(newest)
        .bind(part.messages)
        .bind(part.membership)
        .bind(i64::from(limit));
    let rows: Vec<EventRow> = rows.fetch_all(view).await?;
    let full = u32::try_from(rows.len()).is_ok_and(|rows| rows == limit);
    let last = rows.last().map_or(newest, |row| row.number);
    let through = column::count(if full { last } else { newest })?;
    let (mut past, viewer) = (Past::default(), nobody()?);
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let room = row.room;
        let event = past.event(view, row, &viewer).await?;
        let first_members = match event.kind {
            EventKind::Created(_) => users(view, statement::MEMBERS_FIRST, room).await?,
            _ => Vec::new(),
        };
        events.push(Logged {
            event,
            first_members,
        });
    }
    Ok(LogPage {
        events,
        through: through.max(after),
    })
}

async fn users(view: &mut Connection, statement: Statement, key: i64) -> Result<Vec<UserId>, Halt> {
    let users = sql::query_scalar(statement).bind(key);
    let users: Vec<String> = users.fetch_all(view).await?;
    let users = users.iter().map(|user| column::user(user));
    Ok(users.collect::<Result<_, _>>()?)
}

/// Whom only the author's own name for a message tells apart, and that is left out.
fn nobody() -> Result<UserId, StoreError> {
    column::user("nobody")
}

fn broken(halt: Halt) -> StoreError {
    match halt {
        Halt::Store(error) => error,
        Halt::Refused(_) => StoreError::Value("event"),
    }
}
