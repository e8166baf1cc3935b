//! The store: one writer, some readers.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_protocol::Timestamp;
use sqlx::{PgPool, SqlitePool};
use tokio::runtime::Handle;

use crate::error::Fault;
use crate::sql::{self, Connection, Side, Statement};
use crate::writer::Writer;
use crate::{Address, StoreError, column, statement};

/// How a store in a file is opened.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// How long a write waits for another process that writes, and a reader for a free
    /// connection; default 5 s. Then the ports answer `Unavailable`.
    pub busy_timeout: Duration,
    /// Connections that read; default 2, at least 1.
    pub readers: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            readers: 2,
        }
    }
}

/// Durable state in one `SQLite` file or in a `PostgreSQL` database; implements the ports of
/// `conclave-auth`. Share it in an `Arc`. Its methods must be called inside a tokio runtime, any one
/// of them; that in which a database was connected to must go on as long as the store.
///
/// Dropped without [`Store::close`] it loses nothing that was acknowledged.
#[derive(Debug)]
pub struct Store {
    pub(crate) place: Box<str>,
    pub(crate) engine: Engine,
    pub(crate) writer: Writer,
}

/// What keeps it, and the connections that read.
#[derive(Debug)]
pub(crate) enum Engine {
    Sqlite {
        path: Box<Path>,
        readers: SqlitePool,
    },
    Postgres {
        address: Address,
        readers: Readers,
        replica: Option<Replica>,
    },
}

/// Connections to a PostgreSQL database that read. They are opened on the runtime on which the
/// store was, whoever asks for one: a connection is driven by the runtime that opened it.
#[derive(Debug)]
pub(crate) struct Readers {
    pub(crate) pool: PgPool,
    pub(crate) home: Handle,
    /// For each answer.
    pub(crate) patience: Duration,
}

impl Readers {
    /// For one statement.
    pub(crate) async fn glance(&self) -> Result<Connection, sqlx::Error> {
        let pool = self.pool.clone();
        let acquired = self.home.spawn(async move { pool.acquire().await });
        let link = Side::PostgresReader(acquired.await.or(Err(sqlx::Error::PoolClosed))??);
        Ok(Connection::new(link).within(self.patience))
    }

    /// One moment of the database.
    pub(crate) async fn view(&self) -> Result<Connection, sqlx::Error> {
        let (pool, patience) = (self.pool.clone(), self.patience);
        let begun = self
            .home
            .spawn(async move { sql::within(Some(patience), pool.begin_with(VIEW)).await });
        let link = Side::PostgresView(begun.await.or(Err(sqlx::Error::PoolClosed))??);
        Ok(Connection::new(link).within(patience))
    }
}

/// What follows the store, and may be behind it, or away.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) readers: Readers,
    /// Whether it is left alone for a while.
    pub(crate) resting: Arc<AtomicBool>,
}

impl Replica {
    /// One moment of it; nothing while it is away, or was a moment ago.
    pub(crate) async fn view(&self) -> Option<Connection> {
        if self.resting.load(Ordering::Relaxed) {
            return None;
        }
        let view = self.readers.view().await;
        if view.is_err() && !self.resting.swap(true, Ordering::Relaxed) {
            let resting = Arc::clone(&self.resting);
            // Nobody waits for it; it ends by itself.
            drop(self.readers.home.spawn(async move {
                tokio::time::sleep(REST).await;
                resting.store(false, Ordering::Relaxed);
            }));
        }
        view.ok()
    }
}

impl Store {
    /// Ends the readers and finishes the writes that wait; of a file it moves the write-ahead log
    /// into the database. Every later call answers `Unavailable`; closing again is no error.
    ///
    /// # Errors
    /// `Close`.
    pub async fn close(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite { readers, .. } => readers.close().await,
            Engine::Postgres {
                readers, replica, ..
            } => {
                readers.pool.close().await;
                if let Some(replica) = replica {
                    replica.readers.pool.close().await;
                }
            }
        }
        let closed = self.writer.close().await;
        closed.map_err(|error| StoreError::Close {
            place: self.place.clone(),
            source: Box::new(error),
        })
    }

    /// Where it is: the absolute path of the file, or `postgres://host:port/database`, without a
    /// user or a password.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether it is in `PostgreSQL`.
    #[must_use]
    pub const fn is_postgres(&self) -> bool {
        matches!(self.engine, Engine::Postgres { .. })
    }

    /// For one statement, which needs no transaction around it.
    pub(crate) async fn glance(&self) -> Result<Connection, StoreError> {
        match &self.engine {
            Engine::Sqlite { readers, .. } => {
                let link = readers.acquire().await?;
                Ok(Connection::new(Side::SqliteReader(link)))
            }
            Engine::Postgres { readers, .. } => Ok(readers.glance().await?),
        }
    }

    /// One moment of the store, for reading; it ends when dropped.
    pub(crate) async fn view(&self) -> Result<Connection, StoreError> {
        match &self.engine {
            Engine::Sqlite { readers, .. } => {
                let link = readers.begin().await?;
                Ok(Connection::new(Side::SqliteView(link)))
            }
            Engine::Postgres { readers, .. } => Ok(readers.view().await?),
        }
    }

    /// What pages of history are read from first.
    pub(crate) const fn replica(&self) -> Option<&Replica> {
        match &self.engine {
            Engine::Postgres { replica, .. } => replica.as_ref(),
            Engine::Sqlite { .. } => None,
        }
    }

    /// Deletes what ended before `at`, some rows at a time, so that other writes need not wait
    /// for all of it. The statement takes the time and the greatest number of rows.
    pub(crate) async fn purge_in_steps(
        &self,
        statement: Statement,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let at = column::millis(at);
        loop {
            let step = self.writer().write(async move |connection| {
                let step = sql::query(statement).bind(at).bind(PURGE_ROWS);
                Ok(step.execute(connection).await?)
            });
            if step.await? < PURGE_ROWS.unsigned_abs() {
                return Ok(());
            }
        }
    }

    pub(crate) const fn writer(&self) -> &Writer {
        &self.writer
    }
}

/// The next number of a sequence; inside the caller's transaction.
pub(crate) async fn number(
    connection: &mut Connection,
    sequence: &'static str,
) -> Result<i64, Fault> {
    let next = sql::query_scalar(statement::NUMBER_NEXT).bind(sequence);
    Ok(next.fetch_one(connection).await?)
}

/// Rows that one step of a purge deletes.
const PURGE_ROWS: i64 = 256;

/// A replica that failed is asked again after this.
const REST: Duration = Duration::from_secs(5);

const VIEW: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
