//! What one insert costs in the same file, by the same writer: for `conclave bench`, beside what
//! a message costs.

use std::sync::Arc;

use crate::error::Fault;
use crate::writer::Guard;
use crate::{Store, StoreError};

/// Bare inserts into a table of their own.
#[doc(hidden)]
#[derive(Debug)]
pub struct Yardstick {
    store: Arc<Store>,
}

impl Yardstick {
    /// Makes the table in a store that is thrown away afterwards.
    ///
    /// # Errors
    /// `Statement`, `Commit`, `Closed`.
    pub async fn new(store: &Arc<Store>) -> Result<Self, StoreError> {
        let made = store.writer().write(async |connection| {
            sqlx::query(TABLE).execute(connection).await?;
            Ok(())
        });
        made.await.map_err(unexpected)?;
        Ok(Self {
            store: Arc::clone(store),
        })
    }

    /// One row; returns when it is on the disk.
    ///
    /// # Errors
    /// `Statement`, `Commit`, `Closed`.
    pub async fn insert(&self, text: &str) -> Result<(), StoreError> {
        let text = text.to_owned();
        let inserted = self.store.writer().write_then(
            Guard::None,
            async move |connection| {
                sqlx::query(INSERT).bind(text).execute(connection).await?;
                Ok::<_, Fault>(())
            },
            |()| (),
        );
        inserted.await.map_err(unexpected)
    }
}

/// Nothing is refused here.
fn unexpected(fault: Fault) -> StoreError {
    match fault {
        Fault::Store(error) => error,
        Fault::Conflict | Fault::Full(_) | Fault::NotFound => StoreError::Value("yardstick"),
    }
}

const INSERT: &str = "INSERT INTO yardstick (text) VALUES ($1)";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS yardstick (\
    key INTEGER NOT NULL PRIMARY KEY, text TEXT NOT NULL) STRICT";
