//! One thread, one connection, and many writes in one commit: at once when idle; what arrives
//! while a commit runs is gathered and makes the next. Each write has a savepoint, so that one
//! that fails harms no other.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;
use crate::error::Fault;

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
        let (sender, receiver) = oneshot::channel();
        let pending = Pending {
            operation: Some(operation),
            result: None,
            sender,
        };
        let order = Order::Write(Box::new(pending));
        self.orders.send(order).await.or(Err(StoreError::Closed))?;
        receiver
            .await
            .unwrap_or(Err(Fault::Store(StoreError::Closed)))
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
        execute(connection, "SAVEPOINT one").await?;
        if write.run(connection).await == Outcome::Failed {
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
}

trait Write: Send {
    fn run<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

    fn acknowledge(self: Box<Self>, committed: &Result<(), Arc<sqlx::Error>>);
}

struct Pending<T, F> {
    operation: Option<F>,
    result: Option<Result<T, Fault>>,
    sender: oneshot::Sender<Result<T, Fault>>,
}

impl<T, F> Write for Pending<T, F>
where
    T: Send,
    F: AsyncFnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send,
{
    fn run<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Outcome> + 'a>> {
        Box::pin(async move {
            let Some(operation) = self.operation.take() else {
                return Outcome::Failed;
            };
            let result = operation(connection).await;
            let outcome = if result.is_ok() {
                Outcome::Done
            } else {
                Outcome::Failed
            };
            self.result = Some(result);
            outcome
        })
    }

    fn acknowledge(self: Box<Self>, committed: &Result<(), Arc<sqlx::Error>>) {
        let result = match (committed, self.result) {
            // What was refused stays refused, whatever became of the others.
            (_, Some(Err(fault))) => Err(fault),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Err(error), _) => Err(Fault::Store(StoreError::Commit(Arc::clone(error)))),
            (Ok(()), None) => Err(Fault::Store(StoreError::Closed)),
        };
        // A caller that no longer waits needs no answer.
        self.sender.send(result).ok();
    }
}

/// Writes in one commit.
const BATCH_MAX: usize = 128;

/// Writes that wait; the next caller waits for a place.
const QUEUE_MAX: usize = 1024;
