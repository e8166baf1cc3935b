//! A store in one file.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::error::Cause;
use crate::line::Line;
use crate::sql::{Connection, Side};
use crate::store::Engine;
use crate::writer::Writer;
use crate::{Store, StoreError, StoreOptions, file, migration};

impl Store {
    /// Opens the database at `path`. Makes the folder (mode 0700) and the file (mode 0600) where
    /// they are missing, takes the rights of group and others from the file, and brings the
    /// tables to the newest schema.
    ///
    /// # Errors
    /// `File`, `Open`, `Corrupt`, `Newer`, `Altered` or `Migration`; the file is then as before.
    pub async fn open(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let path = file::private(path)?;
        let place: Box<str> = path.display().to_string().into();
        let connect = connect_options(&path, options);
        let connection = connect_patiently(&connect, options.busy_timeout)
            .await
            .map_err(|error| opening(&place, error))?;
        let mut connection = Connection::new(Side::Sqlite(connection));
        migration::apply(&mut connection, &place).await?;
        let writer =
            Writer::start(Line::of_file(connection)).map_err(|source| StoreError::File {
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
            .map_err(|error| opening(&place, error))?;
        Ok(Self {
            place,
            engine: Engine::Sqlite {
                path: path.into(),
                readers,
            },
            writer,
        })
    }
}

/// A connection of its own that only reads.
pub(crate) async fn own_reader(path: &Path) -> Result<Connection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging();
    Ok(Connection::new(Side::Sqlite(options.connect().await?)))
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

fn opening(place: &str, error: sqlx::Error) -> StoreError {
    let (place, cause, source) = (place.into(), Cause::of(&error), Box::new(error));
    match cause {
        Cause::Corrupt => StoreError::Corrupt { place, source },
        _ => StoreError::Open { place, source },
    }
}

const RETRY_AFTER: Duration = Duration::from_millis(20);

/// A checkpoint cuts a longer write-ahead log to this many bytes.
const WAL_BYTES_KEPT: &str = "16777216";
