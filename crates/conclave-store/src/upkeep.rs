//! What an administrator does with a store: check it, copy it, write it out. Each reads one
//! moment of it, beside a running server, and by its own connection: the server's readers stay
//! free.

mod backup;
mod check;
mod export;

pub use check::Finding;
pub use export::Exported;

use std::time::Duration;

use crate::sql::{self, Connection};
use crate::store::Engine;
use crate::{Store, StoreError, postgres, sqlite};

impl Store {
    /// A connection of its own that only reads, in one moment of the store.
    async fn own_view(&self) -> Result<Connection, StoreError> {
        let (mut connection, begin) = match &self.engine {
            Engine::Sqlite { path, .. } => {
                let reader = sqlite::own_reader(path).await;
                let reader = reader.map_err(|error| StoreError::Open {
                    place: self.place.clone(),
                    source: Box::new(error),
                })?;
                (reader, "BEGIN")
            }
            Engine::Postgres { address, .. } => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                (postgres::plain(address, READ_WITHIN).await?, begin)
            }
        };
        sql::run(&mut connection, begin).await.map_err(failed)?;
        Ok(connection)
    }
}

fn failed(error: sqlx::Error) -> StoreError {
    StoreError::Statement(Box::new(error))
}

/// For one statement over whole tables, whose answer comes over a network.
const READ_WITHIN: Duration = Duration::from_secs(3600);
