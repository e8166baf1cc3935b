//! What goes wrong, and what of it the ports say.

use std::path::PathBuf;
use std::sync::Arc;

use conclave_auth::PortError;

/// Why the store cannot be opened, closed or used. Each says so in one line; the cause is its
/// source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A migration that was applied is not the one this program knows.
    #[error("{}: migration {version} of the database is not that of this program", path.display())]
    Altered {
        /// The database.
        path: PathBuf,
        /// The migration.
        version: u32,
    },
    /// The final checkpoint failed. What was acknowledged is in the write-ahead log, and the
    /// next opening finds it there.
    #[error("{}: the database could not be closed cleanly", path.display())]
    Close {
        /// The database.
        path: PathBuf,
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
    #[error("{}: the file is damaged or not a database", path.display())]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What the database said.
        source: Box<sqlx::Error>,
    },
    /// The folder or the file could not be created, or its mode not be set.
    #[error("{}: the file cannot be created or kept private", path.display())]
    File {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A migration failed; the database is as it was before it.
    #[error("{}: migration {version} failed", path.display())]
    Migration {
        /// The database.
        path: PathBuf,
        /// The migration.
        version: u32,
        /// What the database said.
        source: Box<sqlx::Error>,
    },
    /// A newer version of the program wrote the database.
    #[error(
        "{}: the database is of a newer version (schema {found}, this program knows {known})",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema this program knows.
        known: u32,
    },
    /// The file could not be opened as a database.
    #[error("{}: the database cannot be opened", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// What the database said.
        source: Box<sqlx::Error>,
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
    /// Whether the rules said no, and not the database.
    fn is_refusal(&self) -> bool;
}

impl Wrong for Fault {
    fn is_refusal(&self) -> bool {
        match self {
            Self::Conflict | Self::Full(_) | Self::NotFound => true,
            Self::Store(_) => false,
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
    /// Another connection is in the way; it may be gone the next time.
    Busy,
    /// The file is damaged or no database.
    Corrupt,
    Other,
}

impl Cause {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        let code = code.and_then(|code| code.parse::<i32>().ok());
        // An extended code carries the primary one in its low byte.
        match code.map(|code| code & 0xff) {
            Some(SQLITE_BUSY) => Self::Busy,
            Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Corrupt,
            _ => Self::Other,
        }
    }
}

const SQLITE_BUSY: i32 = 5;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_NOTADB: i32 = 26;
