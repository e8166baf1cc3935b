//! One thread, one connection, and many writes in one commit: at once when idle; what arrives
//! while a commit runs is gathered and makes the next. A write has a savepoint, so that one that
//! is refused harms no other; one that refuses only before it changes anything may go without.
//!
//! After the COMMIT the news of the writes go out in the order of the writes, and only then do
//! the callers get their answers.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;
use crate::error::{Fault, Wrong};

/// The way to the writing thread. Dropping it ends the thread after what is queued.
#[derive(Debug)]
pub(crate) struct Writer {
    orders: mpsc::Sender<Order>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(connection: SqliteConnection) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let (orders, queue) = mpsc::channel(QUEUE_MAX);
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        thread.spawn(move || runtime.block_on(serve(connection, queue)))?;
        Ok(Self { orders })
    }

    /// Runs an operation in a transaction and returns after its COMMIT. Once queued it runs to
    /// its end, even if the caller no longer waits.
    pub(crate) async fn write<T, F>(&self, operation: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send + 'static,
    {
        self.write_then(Guard::Savepoint, operation, |_| ()).await
    }

    /// As [`Writer::write`]; `news` is called after the COMMIT with what the operation gave, on
    /// the writing thread, in the order of the writes, before any caller of the commit has its
    /// answer. Not called where nothing was stored. It must not wait.
    pub(crate) async fn write_then<T, E, F, N>(
        &self,
        guard: Guard,
        operation: F,
        news: N,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Wrong + 'static,
        F: AsyncFnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
        N: FnOnce(&mut T) + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let pending = Pending {
            guard,
            operation: Some(operation),
            news: Some(news),
            result: None,
            sender,
        };
        let order = Order::Write(Box::new(pending));
        self.orders.send(order).await.or(Err(StoreError::Closed))?;
        receiver.await.unwrap_or(Err(E::from(StoreError::Closed)))
    }

    /// Ends the thread after what is queued; the write-ahead log is then in the database, unless
    /// another process still reads.
    pub(crate) async fn close(&self) -> Result<(), sqlx::Error> {
        let (sender, receiver) = oneshot::channel();
        if self.orders.send(Order::Close(sender)).await.is_err() {
            return Ok(());
        }
        receiver.await.unwrap_or(Ok(()))
    }
}

/// What a write has around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Nothing: it changes nothing before it is sure not to be refused. Where the database fails
    /// it half-way, the whole commit fails.
    None,
    /// A savepoint: what was changed before it was refused is taken back.
    Savepoint,
}

enum Order {
    Close(oneshot::Sender<Result<(), sqlx::Error>>),
    Write(Box<dyn Write>),
}

async fn serve(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Order>) {
    let mut orders = Vec::with_capacity(BATCH_MAX);
    let mut writes = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut orders, BATCH_MAX).await > 0 {
        let mut closing = Vec::new();
        for order in orders.drain(..) {
            match order {
                Order::Close(closed) => closing.push(closed),
                Order::Write(write) => writes.push(write),
            }
        }
        if !writes.is_empty() {
            let committed = commit(&mut connection, &mut writes).await.map_err(Arc::new);
            if committed.is_ok() {
                writes.iter_mut().for_each(|write| write.publish());
            }
            writes
                .drain(..)
                .for_each(|write| write.acknowledge(&committed));
        }
        if let Some(closed) = closing.pop() {
            // A caller that no longer waits needs no answer.
            closed.send(finish(connection).await).ok();
            return;
        }
    }
}

/// On an error nothing of the batch is stored. The transaction is opened and ended by plain
/// statements: sqlx counts its own, and would count on after an error (a full disk) by which
/// the database itself ended one.
async fn commit(
    connection: &mut SqliteConnection,
    writes: &mut [Box<dyn Write>],
) -> Result<(), sqlx::Error> {
    let committed = transaction(connection, writes).await;
    if committed.is_err() {
        // Where the database has rolled back already, this is refused.
        execute(connection, "ROLLBACK").await.ok();
    }
    committed
}

async fn transaction(
    connection: &mut SqliteConnection,
    writes: &mut [Box<dyn Write>],
) -> Result<(), sqlx::Error> {
    execute(connection, "BEGIN IMMEDIATE").await?;
    for write in writes {
        if write.guard() == Guard::None {
            if write.run(connection).await == Outcome::Failed {
                let told = "a write that shares the transaction failed";
                return Err(sqlx::Error::Protocol(told.to_owned()));
            }
            continue;
        }
        execute(connection, "SAVEPOINT one").await?;
        if write.run(connection).await != Outcome::Done {
            // Fails if the database has ended the whole transaction, so that nobody is told
            // that their write is stored.
            execute(connection, "ROLLBACK TO one").await?;
        }
        execute(connection, "RELEASE one").await?;
    }
    execute(connection, "COMMIT").await
}

async fn execute(
    connection: &mut SqliteConnection,
    statement: &'static str,
) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(connection).await?;
    Ok(())
}

async fn finish(mut connection: SqliteConnection) -> Result<(), sqlx::Error> {
    execute(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
    connection.close().await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Failed,
    Refused,
}

trait Write: Send {
    fn guard(&self) -> Guard;

    fn run<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

    /// After the COMMIT.
    fn publish(&mut self);

    fn acknowledge(self: Box<Self>, committed: &Result<(), Arc<sqlx::Error>>);
}

struct Pending<T, E, F, N> {
    guard: Guard,
    operation: Option<F>,
    news: Option<N>,
    result: Option<Result<T, E>>,
    sender: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F, N> Write for Pending<T, E, F, N>
where
    T: Send,
    E: Wrong,
    F: AsyncFnOnce(&mut SqliteConnection) -> Result<T, E> + Send,
    N: FnOnce(&mut T) + Send,
{
    fn guard(&self) -> Guard {
        self.guard
    }

    fn run<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Outcome> + 'a>> {
        Box::pin(async move {
            let Some(operation) = self.operation.take() else {
                return Outcome::Failed;
            };
            let result = operation(connection).await;
            let outcome = match &result {
                Ok(_) => Outcome::Done,
                Err(wrong) if wrong.is_refusal() => Outcome::Refused,
                Err(_) => Outcome::Failed,
            };
            self.result = Some(result);
            outcome
        })
    }

    fn publish(&mut self) {
        if let (Some(news), Some(Ok(value))) = (self.news.take(), &mut self.result) {
            news(value);
        }
    }

    fn acknowledge(self: Box<Self>, committed: &Result<(), Arc<sqlx::Error>>) {
        let result = match (committed, self.result) {
            // What was refused stays refused, whatever became of the others.
            (_, Some(Err(wrong))) => Err(wrong),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Err(error), _) => Err(E::from(StoreError::Commit(Arc::clone(error)))),
            (Ok(()), None) => Err(E::from(StoreError::Closed)),
        };
        // A caller that no longer waits needs no answer.
        self.sender.send(result).ok();
    }
}

/// Writes in one commit.
const BATCH_MAX: usize = 128;

/// Writes that wait; the next caller waits for a place.
const QUEUE_MAX: usize = 1024;
