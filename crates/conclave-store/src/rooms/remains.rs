//! What is left of deleted rooms goes some rows at a time, so that other writes need not wait for
//! a room of a million messages. Nothing of it is seen any more: every read goes by the room.

use conclave_core::{RoomFault, Stamp};

use super::act::Act;
use super::{Guard, Halt, StoredRooms, statement};
use crate::sql;

impl StoredRooms {
    /// Deletes all that is left of deleted rooms. `delete` and `leave` do most of it themselves;
    /// a server calls this after its start and from time to time, for great rooms and after a
    /// crash.
    ///
    /// # Errors
    /// `Unavailable`; what went is gone.
    pub async fn sweep(&self) -> Result<(), RoomFault> {
        while self.sweep_step().await? == Remains::Some {}
        Ok(())
    }

    /// The greater part of what a deleted room leaves; a failure is left to [`StoredRooms::sweep`].
    pub(super) async fn sweep_soon(&self) {
        for _ in 0..STEPS_AT_ONCE {
            let step = self.sweep_step().await;
            if !matches!(step, Ok(Remains::Some)) {
                return;
            }
        }
    }

    async fn sweep_step(&self) -> Result<Remains, RoomFault> {
        let step = self.act(Guard::Savepoint, Stamp::default(), async |act| {
            let room = sql::query_scalar(statement::REMAINS_FIRST);
            let room: Option<i64> = room.fetch_optional(act.connection).await?;
            match room {
                None => Ok(Remains::None),
                Some(room) => step(act, room).await,
            }
        });
        step.await
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remains {
    None,
    Some,
}

/// Texts first.
async fn step(act: &mut Act<'_>, room: i64) -> Result<Remains, Halt> {
    for statement in [
        statement::REMAINS_MESSAGES,
        statement::REMAINS_EVENTS,
        statement::REMAINS_RECEIPTS,
    ] {
        let rows = sql::query(statement).bind(room).bind(STEP_ROWS);
        if rows.execute(act.connection).await? == STEP_ROWS.unsigned_abs() {
            return Ok(Remains::Some);
        }
    }
    let row = sql::query(statement::REMAINS_DONE).bind(room);
    row.execute(act.connection).await?;
    Ok(Remains::Some)
}

/// Rows of one table that one step deletes.
const STEP_ROWS: i64 = 256;

/// Steps that whoever deletes a room waits for.
const STEPS_AT_ONCE: usize = 32;
