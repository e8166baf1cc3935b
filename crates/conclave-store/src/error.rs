//! What goes wrong, and what of it the ports say.

use std::path::PathBuf;
use std::sync::Arc;

use conclave_auth::PortError;
use sqlx::postgres::PgDatabaseError;

/// Why the store cannot be opened, closed or used. Each says so in one line; the cause is its
/// source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A migration that was applied is not the one this program knows.
    #[error("{place}: migration {version} of the database is not that of this program")]
    Altered {
        /// The database: its file, or its address without a password.
        place: Box<str>,
        /// The migration.
        version: u32,
    },
    /// The final checkpoint failed. What was acknowledged is in the write-ahead log, and the
    /// next opening finds it there.
    #[error("{place}: the database could not be closed cleanly")]
    Close {
        /// The database: its file, or its address without a password.
        place: Box<str>,
        /// What the database said.
        source: Box<sqlx::Error>,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// A transaction was not committed; nothing of it is stored. Shared by all writes in it.
    #[error("a transaction of the store failed")]
    Commit(#[source] Arc<sqlx::Error>),
    /// The file is damaged or not a database.
    #[error("{place}: the file is damaged or not a database")]
    Corrupt {
        /// The database: its file, or its address without a password.
        place: Box<str>,
        /// What the database said.
        source: Box<sqlx::Error>,
    },
    /// What was copied is not what there was.
    #[error(
        "{table}: {found} rows arrived that differ from the {wanted} there were; \
         begin again with an empty database"
    )]
    Differs {
        /// The table.
        table: &'static str,
        /// Rows of the file.
        wanted: u64,
        /// Rows of the database.
        found: u64,
    },
    /// The folder or the file could not be created, or its mode not be set.
    #[error("{}: the file cannot be created or kept private", path.display())]
    File {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process has it open that must not.
    #[error("{place}: another process has it open; a server must be stopped first")]
    InUse {
        /// The database: its file, or its address without a password.
        place: Box<str>,
    },
    /// A migration failed; the database is as it was before it.
    #[error("{place}: migration {version} failed")]
    Migration {
        /// The database: its file, or its address without a password.
        place: Box<str>,
        /// The migration.
        version: u32,
        /// What the database said.
        source: Box<sqlx::Error>,
    },
    /// A newer version of the program wrote the database.
    #[error(
        "{place}: the database is of a newer version (schema {found}, this program knows {known})"
    )]
    Newer {
        /// The database: its file, or its address without a password.
        place: Box<str>,
        /// Its schema.
        found: u32,
        /// The newest schema this program knows.
        known: u32,
    },
    /// Where a store was to go there is one.
    #[error("{place}: the database is not empty")]
    NotEmpty {
        /// The database: its file, or its address without a password.
        place: Box<str>,
    },
    /// There is no file to copy: the store is in `PostgreSQL`, whose own tools make backups.
    #[error("{place}: a backup of PostgreSQL is made with pg_dump")]
    NoFile {
        /// The database.
        place: Box<str>,
    },
    /// The file could not be opened as a database, or the database not be reached.
    #[error("{place}: the database cannot be opened")]
    Open {
        /// The database: its file, or its address without a password.
        place: Box<str>,
        /// What the database said.
        source: Box<sqlx::Error>,
    },
    /// A store is being copied into the database, or was and did not arrive.
    #[error("{place}: 'conclave store migrate' into this database is not finished; run it again")]
    Unfinished {
        /// The database: its file, or its address without a password.
        place: Box<str>,
    },
    /// What was to be written out could not be.
    #[error("the output cannot be written")]
    Output(#[source] std::io::Error),
    /// A statement failed.
    #[error("a statement of the store failed")]
    Statement(#[source] Box<sqlx::Error>),
    /// A stored value is none that this program writes.
    #[error("the store holds a {0} that cannot be read")]
    Value(&'static str),
}

/// Why a write did not do what was asked.
pub(crate) trait Wrong: From<StoreError> + Send {
    /// What the database said; nothing where the rules said no.
    fn cause(&self) -> Option<Cause>;
}

impl Wrong for Fault {
    fn cause(&self) -> Option<Cause> {
        match self {
            Self::Conflict | Self::Full(_) | Self::NotFound => None,
            Self::Store(error) => Some(error.cause()),
        }
    }
}

impl StoreError {
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Statement(error) => Cause::of(error),
            _ => Cause::Other,
        }
    }
}

/// Why one operation did not do what was asked. Inside this crate only: [`PortError`] cannot
/// take a `sqlx::Error` by itself.
#[derive(Debug)]
pub(crate) enum Fault {
    Conflict,
    Full(u32),
    NotFound,
    Store(StoreError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(StoreError::Statement(Box::new(error)))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Statement(Box::new(error))
    }
}

impl From<StoreError> for PortError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<Fault> for PortError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Conflict => Self::Conflict,
            Fault::Full(limit) => Self::Full(limit),
            Fault::NotFound => Self::NotFound,
            Fault::Store(error) => Self::Unavailable(Box::new(error)),
        }
    }
}

/// What the code of an error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The database chose this transaction to end, so that another could go on.
    Again,
    /// Another connection is in the way; it may be gone the next time.
    Busy,
    /// The file is damaged or no database.
    Corrupt,
    /// The connection is of no more use.
    Lost,
    Other,
}

impl Cause {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        let Some(said) = error.as_database_error() else {
            return match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::WorkerCrashed => Self::Lost,
                _ => Self::Other,
            };
        };
        let code = said.code().unwrap_or_default();
        if said.try_downcast_ref::<PgDatabaseError>().is_some() {
            return Self::of_postgres(&code);
        }
        // An extended code carries the primary one in its low byte.
        match code.parse::<i32>().map(|code| code & 0xff) {
            Ok(SQLITE_BUSY) => Self::Busy,
            Ok(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Corrupt,
            _ => Self::Other,
        }
    }

    fn of_postgres(code: &str) -> Self {
        match code {
            SERIALIZATION_FAILURE | DEADLOCK_DETECTED => Self::Again,
            LOCK_NOT_AVAILABLE | QUERY_CANCELED => Self::Busy,
            IDLE_IN_TRANSACTION => Self::Lost,
            // Shut down, crashed, starting up; and what concerns the connection.
            code if code.starts_with("57P") || code.starts_with("08") => Self::Lost,
            _ => Self::Other,
        }
    }
}

const SQLITE_BUSY: i32 = 5;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_NOTADB: i32 = 26;

const DEADLOCK_DETECTED: &str = "40P01";
const IDLE_IN_TRANSACTION: &str = "25P03";
const LOCK_NOT_AVAILABLE: &str = "55P03";
const QUERY_CANCELED: &str = "57014";
const SERIALIZATION_FAILURE: &str = "40001";
