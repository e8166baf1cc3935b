//! The store: one writer, some readers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_protocol::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::error::{Cause, Fault};
use crate::writer::Writer;
use crate::{StoreError, column, file, migration, statement};

/// How a store is opened.
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

/// Durable state in one `SQLite` file; implements the ports of `conclave-auth`. Share it in an
/// `Arc`. Its methods must be called inside a tokio runtime, any one of them.
///
/// Dropped without [`Store::close`] it loses nothing that was acknowledged.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    readers: SqlitePool,
    writer: Writer,
}

impl Store {
    /// Opens the database at `path`. Makes the folder (mode 0700) and the file (mode 0600) where
    /// they are missing, takes the rights of group and others from the file, and brings the
    /// tables to the newest schema.
    ///
    /// # Errors
    /// `File`, `Open`, `Corrupt`, `Newer`, `Altered` or `Migration`; the file is then as before.
    pub async fn open(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let path = file::private(path)?;
        let connect = connect_options(&path, options);
        let mut connection = connect_patiently(&connect, options.busy_timeout)
            .await
            .map_err(|error| opening(&path, error))?;
        migration::apply(&mut connection, &path).await?;
        let writer = Writer::start(connection).map_err(|source| StoreError::File {
            path: path.clone(),
            source,
        })?;
        let readers = SqlitePoolOptions::new()
            .min_connections(options.readers.max(1))
            .max_connections(options.readers.max(1))
            .acquire_timeout(options.busy_timeout)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(connect.pragma("query_only", "ON"))
            .await
            .map_err(|error| opening(&path, error))?;
        Ok(Self {
            path,
            readers,
            writer,
        })
    }

    /// Ends the readers, finishes the writes that wait, and moves the write-ahead log into the
    /// database. Every later call answers `Unavailable`; closing again is no error.
    ///
    /// # Errors
    /// `Close`.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        let closed = self.writer.close().await;
        closed.map_err(|error| StoreError::Close {
            path: self.path.clone(),
            source: Box::new(error),
        })
    }

    /// Where the database is; absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes what ended before `at`, some rows at a time, so that other writes need not wait
    /// for all of it. The statement takes the time and the greatest number of rows.
    pub(crate) async fn purge_in_steps(
        &self,
        statement: &'static str,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let at = column::millis(at);
        loop {
            let step = self.writer.write(async move |connection| {
                let step = sqlx::query(statement).bind(at).bind(PURGE_ROWS);
                Ok(step.execute(connection).await?.rows_affected())
            });
            if step.await? < PURGE_ROWS.unsigned_abs() {
                return Ok(());
            }
        }
    }

    pub(crate) const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(crate) const fn writer(&self) -> &Writer {
        &self.writer
    }
}

fn connect_options(path: &Path, options: StoreOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(options.busy_timeout)
        .pragma("trusted_schema", "OFF")
        // What is deleted is overwritten with zeros, and so is what a page leaves behind when its
        // rows move to another one. The write-ahead log holds a text until it is written anew
        // from its beginning, some megabytes later.
        .pragma("secure_delete", "ON")
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
        .disable_statement_logging()
}

/// Connects. Of two processes that turn the same new file to write-ahead logging `SQLite` sends
/// one away at once, without its busy timeout; that one comes again.
async fn connect_patiently(
    options: &SqliteConnectOptions,
    patience: Duration,
) -> Result<SqliteConnection, sqlx::Error> {
    let mut waited = Duration::ZERO;
    loop {
        match options.connect().await {
            Err(error) if Cause::of(&error) == Cause::Busy && waited < patience => {
                tokio::time::sleep(RETRY_AFTER).await;
                waited += RETRY_AFTER;
            }
            connected => return connected,
        }
    }
}

fn opening(path: &Path, error: sqlx::Error) -> StoreError {
    let (path, cause, source) = (path.to_owned(), Cause::of(&error), Box::new(error));
    match cause {
        Cause::Corrupt => StoreError::Corrupt { path, source },
        Cause::Busy | Cause::Other => StoreError::Open { path, source },
    }
}

/// The next number of a sequence; inside the caller's transaction.
pub(crate) async fn number(
    connection: &mut SqliteConnection,
    sequence: &'static str,
) -> Result<i64, Fault> {
    let next = sqlx::query_scalar(statement::NUMBER_NEXT).bind(sequence);
    Ok(next.fetch_one(connection).await?)
}

const RETRY_AFTER: Duration = Duration::from_millis(20);

/// Rows that one step of a purge deletes.
const PURGE_ROWS: i64 = 256;

/// A checkpoint cuts a longer write-ahead log to this many bytes.
const WAL_BYTES_KEPT: &str = "16777216";
