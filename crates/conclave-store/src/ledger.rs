//! What answers of the assistant took, by room and by user.

use async_trait::async_trait;
use conclave_core::{AnswerLedger, AnswerTotals, RoomFault, Spending};
use conclave_protocol::{RoomId, Usage, UserId};

use crate::error::Fault;
use crate::sql::{self, Connection};
use crate::{Store, StoreError, column, statement};

#[async_trait]
impl AnswerLedger for Store {
    async fn enter(
        &self,
        room: &RoomId,
        user: &UserId,
        taken: AnswerTotals,
        window: u64,
    ) -> Result<(), RoomFault> {
        let (room, user) = (room.clone(), user.clone());
        let entered = self.writer().write(async move |connection| {
            enter(connection, (&room, &user), taken, window).await?;
            Ok(())
        });
        entered.await.map_err(away)
    }

    async fn of_room(&self, room: &RoomId) -> Result<AnswerTotals, RoomFault> {
        let row = sql::query_as(statement::ANSWERS_OF_ROOM).bind(room.as_str());
        let mut connection = self.glance().await.map_err(unread)?;
        let row: Option<(i64, i64, i64)> = row
            .fetch_optional(&mut connection)
            .await
            .map_err(|error| away(error.into()))?;
        row.map_or_else(
            || Ok(AnswerTotals::default()),
            |row| totals(row).map_err(unread),
        )
    }

    async fn of_user(&self, user: &UserId, window: u64) -> Result<Spending, RoomFault> {
        let row = sql::query_as(statement::ANSWERS_OF_USER)
            .bind(user.as_str())
            .bind(column::integer(window));
        let mut connection = self.glance().await.map_err(unread)?;
        let row: Option<(i64, i64, i64, i64)> = row
            .fetch_optional(&mut connection)
            .await
            .map_err(|error| away(error.into()))?;
        let Some((answers, prompt, completion, in_window)) = row else {
            return Ok(Spending::default());
        };
        Ok(Spending {
            totals: totals((answers, prompt, completion)).map_err(unread)?,
            in_window: column::count(in_window).map_err(unread)?,
        })
    }
}

async fn enter(
    connection: &mut Connection,
    (room, user): (&RoomId, &UserId),
    taken: AnswerTotals,
    window: u64,
) -> Result<(), Fault> {
    let number = |count: u64| column::integer(count.min(MOST));
    let (answers, prompt, completion) = (
        number(taken.answers),
        number(taken.usage.prompt),
        number(taken.usage.completion),
    );
    let row = sql::query(statement::ANSWERS_ADD_TO_ROOM)
        .bind(room.as_str())
        .bind(answers)
        .bind(prompt)
        .bind(completion);
    row.execute(connection).await?;
    let row = sql::query(statement::ANSWERS_ADD_TO_USER)
        .bind(user.as_str())
        .bind(answers)
        .bind(prompt)
        .bind(completion)
        .bind(column::integer(window))
        .bind(prompt.saturating_add(completion));
    row.execute(connection).await?;
    Ok(())
}

fn totals((answers, prompt, completion): (i64, i64, i64)) -> Result<AnswerTotals, StoreError> {
    Ok(AnswerTotals {
        answers: column::count(answers)?,
        usage: Usage {
            prompt: column::count(prompt)?,
            completion: column::count(completion)?,
        },
    })
}

fn unread(error: StoreError) -> RoomFault {
    RoomFault::Unavailable(Box::new(error))
}

fn away(fault: Fault) -> RoomFault {
    unread(match fault {
        Fault::Store(error) => error,
        Fault::Conflict | Fault::Full(_) | Fault::NotFound => StoreError::Value("sum of answers"),
    })
}

/// Of one entry, whatever a provider says: so many of them never pass what a column holds.
const MOST: u64 = 1 << 40;
