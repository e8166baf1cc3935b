//! A connection to either database.

use std::future::Future;
use std::io;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};

/// A connection, by itself or of a pool, perhaps inside a transaction that ends with it.
#[derive(Debug)]
pub(crate) enum Side {
    Sqlite(SqliteConnection),
    SqliteReader(PoolConnection<Sqlite>),
    SqliteView(Transaction<'static, Sqlite>),
    Postgres(PgConnection),
    PostgresReader(PoolConnection<Postgres>),
    PostgresView(Transaction<'static, Postgres>),
}

/// What a statement is asked on.
#[derive(Debug)]
pub(crate) struct Connection {
    side: Side,
    patience: Option<Duration>,
}

/// The connection behind a [`Connection`].
pub(crate) enum Link<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Connection {
    pub(crate) const fn new(side: Side) -> Self {
        Self {
            side,
            patience: None,
        }
    }

    /// With a bound to the wait for each answer from over a network. A connection that was given
    /// up is not usable any more.
    pub(crate) fn within(self, patience: Duration) -> Self {
        Self {
            patience: Some(patience),
            ..self
        }
    }

    pub(crate) fn link(&mut self) -> Link<'_> {
        match &mut self.side {
            Side::Sqlite(link) => Link::Sqlite(link),
            Side::SqliteReader(link) => Link::Sqlite(link),
            Side::SqliteView(link) => Link::Sqlite(link),
            Side::Postgres(link) => Link::Postgres(link),
            Side::PostgresReader(link) => Link::Postgres(link),
            Side::PostgresView(link) => Link::Postgres(link),
        }
    }

    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(
            self.side,
            Side::Postgres(_) | Side::PostgresReader(_) | Side::PostgresView(_)
        )
    }

    pub(crate) const fn patience(&self) -> Option<Duration> {
        self.patience
    }

    /// Says farewell, where it is a connection by itself.
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        match self.side {
            Side::Sqlite(link) => sqlx::Connection::close(link).await,
            Side::Postgres(link) => sqlx::Connection::close(link).await,
            Side::SqliteReader(_)
            | Side::SqliteView(_)
            | Side::PostgresReader(_)
            | Side::PostgresView(_) => Ok(()),
        }
    }
}

/// Waits for an answer as long as there is patience.
pub(crate) async fn within<T>(
    patience: Option<Duration>,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let Some(patience) = patience else {
        return answer.await;
    };
    tokio::time::timeout(patience, answer)
        .await
        .unwrap_or_else(|_elapsed| {
            let told = "the database gave no answer in time";
            Err(io::Error::new(io::ErrorKind::TimedOut, told).into())
        })
}
