//! The writer's connection, and one transaction on it. On SQLite it is the one connection that
//! writes; on PostgreSQL it is dialled again when it was lost.
//!
//! On both databases one transaction writes at a time: on SQLite by the lock of the file, on
//! PostgreSQL by the row of the counter of events, which each transaction locks before all else
//! and holds until its COMMIT. So what a transaction has read stays true until it is committed,
//! numbers are given out in the order of the commits, and no two transactions can wait for each
//! other. Several nodes take turns, each with a whole batch.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Error};

use crate::error::Cause;
use crate::rooms::{SendAsk, send_together};
use crate::sql::{self, Connection, Side};
use crate::writer::{Guard, Outcome, Write};

/// The way to the database for writes.
#[derive(Debug)]
pub(crate) struct Line {
    connection: Option<Connection>,
    dial: Option<Dial>,
    /// Whether the last attempt to dial was in vain.
    unreachable: bool,
}

/// How a lost connection is made anew.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) options: PgConnectOptions,
    /// For the connection, and then for each answer.
    pub(crate) patience: Duration,
}

/// The writes of one transaction.
type Writes = Vec<Box<dyn Write>>;

/// Adds those that have come while the transaction was begun.
type Gather<'g> = &'g mut dyn FnMut(&mut Writes);

/// Why a transaction did not come about.
struct Broken {
    error: Error,
    cause: Cause,
    /// Whether any write had been run.
    begun: bool,
}

impl Line {
    /// The one connection to a file.
    pub(crate) const fn of_file(connection: Connection) -> Self {
        Self {
            connection: Some(connection),
            dial: None,
            unreachable: false,
        }
    }

    /// One that is dialled when it is needed.
    pub(crate) const fn dialled(dial: Dial) -> Self {
        Self {
            connection: None,
            dial: Some(dial),
            unreachable: false,
        }
    }

    /// Whether whoever waits for the database waits in vain.
    pub(crate) const fn is_unreachable(&self) -> bool {
        self.unreachable
    }

    pub(crate) const fn needs_network(&self) -> bool {
        self.dial.is_some()
    }

    /// On an error nothing of the writes is stored, unless the connection was lost during the
    /// COMMIT, when nobody can know. The transaction is opened and ended by plain statements:
    /// sqlx counts its own, and would count on after an error (a full disk) by which the database
    /// itself ended one.
    pub(crate) async fn commit(
        &mut self,
        writes: &mut Writes,
        gather: Gather<'_>,
    ) -> Result<(), Error> {
        let mut attempts = 1;
        loop {
            let Err(broken) = self.attempt(writes, gather).await else {
                return Ok(());
            };
            self.abandon(broken.cause).await;
            if attempts == ATTEMPTS_MAX || !broken.may_pass() {
                return Err(broken.error);
            }
            if self.needs_network() && matches!(broken.cause, Cause::Again) {
                // Whoever was in the way goes first.
                tokio::time::sleep(GIVE_WAY * attempts).await;
            }
            attempts += 1;
        }
    }

    async fn attempt(&mut self, writes: &mut Writes, gather: Gather<'_>) -> Result<(), Broken> {
        let fresh = self.connection.is_none();
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.dialling().await.map_err(|error| Broken {
                error,
                // There is nothing to be gained from dialling again at once.
                cause: Cause::Other,
                begun: false,
            })?,
        };
        let connection = self.connection.insert(connection);
        let begin = if connection.is_postgres() {
            BEGIN_POSTGRES
        } else {
            BEGIN_SQLITE
        };
        sql::run(connection, begin).await.map_err(|error| Broken {
            cause: match Cause::of(&error) {
                Cause::Lost if fresh => Cause::Other,
                cause => cause,
            },
            error,
            begun: false,
        })?;
        gather(writes);
        let written = written(connection, writes).await;
        written.map_err(|(error, cause)| Broken {
            error,
            cause,
            begun: true,
        })
    }

    async fn dialling(&mut self) -> Result<Connection, Error> {
        let dial = self.dial.as_ref().ok_or(Error::PoolClosed)?;
        let dialled = dial.connection().await;
        self.unreachable = dialled.is_err();
        dialled
    }

    /// Ends what is left of a transaction.
    async fn abandon(&mut self, cause: Cause) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        // Where the database has rolled back already, SQLite refuses this.
        let ended = match cause {
            Cause::Lost => Err(Error::WorkerCrashed),
            _ => sql::run(connection, "ROLLBACK").await,
        };
        if ended.is_err() && self.dial.is_some() {
            self.connection = None;
        }
    }

    /// Moves the write-ahead log into a file's database, and ends the connection.
    pub(crate) async fn close(self) -> Result<(), Error> {
        let Some(mut connection) = self.connection else {
            return Ok(());
        };
        if self.dial.is_some() {
            // What was acknowledged is committed; the farewell is a courtesy.
            connection.close().await.ok();
            return Ok(());
        }
        sql::run(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
        connection.close().await
    }
}

impl Dial {
    pub(crate) async fn connection(&self) -> Result<Connection, Error> {
        let connected = self.options.connect();
        let link = sql::within(Some(self.patience), connected).await?;
        let connection = Connection::new(Side::Postgres(link));
        let mut connection = connection.within(self.patience);
        // Acknowledged is stored, whatever is usual elsewhere on this server.
        sql::run(&mut connection, DURABLE).await?;
        Ok(connection)
    }
}

impl Broken {
    /// Whether the same may go well the next time, and was not done yet.
    const fn may_pass(&self) -> bool {
        match self.cause {
            Cause::Again => true,
            Cause::Lost => !self.begun,
            Cause::Busy | Cause::Corrupt | Cause::Other => false,
        }
    }
}

/// Everything between BEGIN and COMMIT, and that.
async fn written(
    connection: &mut Connection,
    writes: &mut [Box<dyn Write>],
) -> Result<(), (Error, Cause)> {
    let mut together = 0;
    for place in 0..writes.len() {
        if connection.is_postgres() && place >= together {
            let asks = neighbours(writes.get(place..).unwrap_or_default());
            together = place + asks.len();
            if !asks.is_empty() {
                send_together(connection, &asks).await.map_err(caused)?;
            }
        }
        if let Some(write) = writes.get_mut(place) {
            one(connection, write.as_mut()).await?;
        }
    }
    sql::run(connection, "COMMIT").await.map_err(caused)
}

async fn one(connection: &mut Connection, write: &mut dyn Write) -> Result<(), (Error, Cause)> {
    let failed = |cause| {
        let told = "a write that shares the transaction failed";
        (Error::Protocol(told.to_owned()), cause)
    };
    match write.guard() {
        Guard::None | Guard::Together(_) => match write.run(connection).await {
            Outcome::Failed(cause) => return Err(failed(cause)),
            Outcome::Done | Outcome::Refused => return Ok(()),
        },
        Guard::Savepoint => {}
    }
    sql::run(connection, "SAVEPOINT one")
        .await
        .map_err(caused)?;
    match write.run(connection).await {
        Outcome::Done => {}
        Outcome::Failed(cause @ (Cause::Again | Cause::Lost)) => return Err(failed(cause)),
        Outcome::Failed(_) | Outcome::Refused => {
            // Fails if the database has ended the whole transaction, so that nobody is told
            // that their write is stored.
            sql::run(connection, "ROLLBACK TO one")
                .await
                .map_err(caused)?;
        }
    }
    sql::run(connection, "RELEASE one").await.map_err(caused)
}

fn caused(error: Error) -> (Error, Cause) {
    let cause = Cause::of(&error);
    (error, cause)
}

/// The asks at the beginning of these writes that can be done in one trip.
fn neighbours(writes: &[Box<dyn Write>]) -> Vec<&SendAsk> {
    let mut asks: Vec<&SendAsk> = Vec::new();
    for write in writes {
        match write.guard() {
            Guard::Together(ask) if ask.goes_with(&asks) => asks.push(ask),
            Guard::Together(_) | Guard::None | Guard::Savepoint => break,
        }
    }
    asks
}

const BEGIN_SQLITE: &str = "BEGIN IMMEDIATE";
/// Whatever is read after it is read after the lock was got, by a new look at the database.
const BEGIN_POSTGRES: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
    SELECT value FROM counters WHERE name = 'event' FOR UPDATE";
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') = 'off'";

/// Before a transaction that lost a deadlock is begun again; then twice as long, and so on.
const GIVE_WAY: Duration = Duration::from_millis(20);
/// How often a transaction is begun.
const ATTEMPTS_MAX: u32 = 5;
