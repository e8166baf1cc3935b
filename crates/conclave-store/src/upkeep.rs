//! What an administrator does with a store: check it, copy it, write it out. Each reads one
//! moment of it, beside a running server, and by its own connection: the server's readers stay
//! free.

mod backup;
mod check;
mod export;

pub use check::Finding;
pub use export::Exported;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::{Store, StoreError};

impl Store {
    /// A connection of its own that only reads.
    async fn own_reader(&self) -> Result<SqliteConnection, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(self.path())
            .read_only(true)
            .pragma("trusted_schema", "OFF")
            .disable_statement_logging();
        options.connect().await.map_err(|error| StoreError::Open {
            path: self.path().to_owned(),
            source: Box::new(error),
        })
    }
}

fn failed(error: sqlx::Error) -> StoreError {
    StoreError::Statement(Box::new(error))
}
