//! A store in PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::runtime::Handle;

use crate::line::{Dial, Line};
use crate::sql::Connection;
use crate::store::{Engine, Readers, Replica};
use crate::writer::Writer;
use crate::{Address, Store, StoreError, migration, transfer};

/// How a store in `PostgreSQL` is opened.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Connections that read; default 8, at least 1. One more writes.
    pub readers: u32,
    /// A standby of the database, for pages of rooms' history; default none.
    pub replica: Option<Address>,
    /// How long one statement may take, and how long a reader waits for a free connection;
    /// default 5 s. The server ends a statement that takes longer, and a transaction whose
    /// client is silent as long; then the ports answer `Unavailable`.
    pub statement_timeout: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            readers: 8,
            replica: None,
            statement_timeout: Duration::from_secs(5),
        }
    }
}

impl Store {
    /// Opens a database, of `PostgreSQL` 13 or newer with the encoding UTF-8, and brings its
    /// tables to the newest schema. Several processes may have it open.
    ///
    /// A connection that is lost is made anew: what is asked meanwhile is `Unavailable`, and
    /// nothing of it was acknowledged. A replica need not be there.
    ///
    /// # Errors
    /// `Open`, `Newer`, `Altered`, `Unfinished` or `Migration`; the database is then as before.
    pub async fn connect(address: &Address, options: PostgresOptions) -> Result<Self, StoreError> {
        let connection = plain(address, options.statement_timeout).await?;
        let mut connection = connection.within(MIGRATION_WITHIN);
        let place: Box<str> = address.to_string().into();
        if transfer::is_unfinished(&mut connection).await? {
            return Err(StoreError::Unfinished { place });
        }
        migration::apply(&mut connection, &place).await?;
        // The farewell is a courtesy.
        connection.close().await.ok();
        Self::over(address, options).map_err(|source| StoreError::File {
            path: place.as_ref().into(),
            source,
        })
    }

    /// On tables that are there.
    pub(crate) fn over(address: &Address, options: PostgresOptions) -> std::io::Result<Self> {
        let patience = answer_within(options.statement_timeout);
        let writer = Writer::start(Line::dialled(Dial {
            options: tuned(address, options.statement_timeout),
            patience,
        }))?;
        let readers = |address: &Address, wait| Readers {
            pool: pool(address, &options, wait),
            home: Handle::current(),
            patience,
        };
        let replica = options.replica.as_ref().map(|replica| Replica {
            readers: readers(replica, REPLICA_WITHIN.min(options.statement_timeout)),
            resting: Arc::default(),
        });
        Ok(Self {
            place: address.to_string().into(),
            engine: Engine::Postgres {
                address: address.clone(),
                readers: readers(address, options.statement_timeout),
                replica,
            },
            writer,
        })
    }
}

/// A connection of its own, with the planner as it is: for statements that read whole tables.
pub(crate) async fn plain(address: &Address, patience: Duration) -> Result<Connection, StoreError> {
    let dial = Dial {
        options: address.options().clone(),
        patience: answer_within(patience),
    };
    dial.connection().await.map_err(|error| StoreError::Open {
        place: address.to_string().into(),
        source: Box::new(error),
    })
}

fn pool(address: &Address, options: &PostgresOptions, wait: Duration) -> PgPool {
    PgPoolOptions::new()
        .min_connections(0)
        .max_connections(options.readers.max(1))
        .acquire_timeout(wait)
        .test_before_acquire(false)
        // One that has just been used is there, most likely.
        .before_acquire(|connection, known| {
            Box::pin(async move {
                let trusted = known.idle_for < TRUSTED_FOR;
                Ok(trusted || sqlx::Connection::ping(connection).await.is_ok())
            })
        })
        .connect_lazy_with(tuned(address, options.statement_timeout))
}

/// Each statement goes by an index, which a test shows for SQLite. So is the planner told, which
/// would else read small tables from end to end and keep to that when they have grown.
fn tuned(address: &Address, statement_timeout: Duration) -> PgConnectOptions {
    let millis = statement_timeout.as_millis().to_string();
    let options = address.options().clone();
    let name = options
        .get_application_name()
        .unwrap_or("conclave")
        .to_owned();
    options
        .application_name(&name)
        .statement_cache_capacity(STATEMENTS)
        .options([
            ("statement_timeout", millis.as_str()),
            // A node that hangs inside a transaction keeps no other from writing for longer.
            ("idle_in_transaction_session_timeout", millis.as_str()),
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("jit", "off"),
        ])
}

/// The server answers by then, or is not there.
const fn answer_within(statement_timeout: Duration) -> Duration {
    statement_timeout.saturating_add(Duration::from_secs(1))
}

const MIGRATION_WITHIN: Duration = Duration::from_secs(3600);

/// More than there are.
const STATEMENTS: usize = 256;

/// The primary is there meanwhile.
const REPLICA_WITHIN: Duration = Duration::from_millis(500);

/// No server is started again within this.
const TRUSTED_FOR: Duration = Duration::from_millis(50);
