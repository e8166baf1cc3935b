//! One thread, one connection, and many writes in one commit: at once when idle; what arrives
//! while a commit runs is gathered and makes the next. A write has a savepoint, so that one that
//! is refused harms no other; one that refuses only before it changes anything may go without.
//!
//! What a transaction is, and how it is begun again, is in `line`.
//!
//! After the COMMIT the news of the writes go out in the order of the writes, and only then do
//! the callers get their answers.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::StoreError;
use crate::error::{Cause, Fault, Wrong};
use crate::line::Line;
use crate::rooms::SendAsk;
use crate::sql::Connection;

/// The way to the writing thread. Dropping it ends the thread after what is queued.
#[derive(Debug)]
pub(crate) struct Writer {
    orders: mpsc::Sender<Order>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(line: Line) -> io::Result<Self> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        if line.needs_network() {
            runtime.enable_all();
        }
        let runtime = runtime.build()?;
        let (orders, queue) = mpsc::channel(QUEUE_MAX);
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        thread.spawn(move || runtime.block_on(serve(line, queue)))?;
        Ok(Self { orders })
    }

    /// Runs an operation in a transaction and returns after its COMMIT. Once queued it runs to
    /// its end, even if the caller no longer waits.
    pub(crate) async fn write<T, F>(&self, operation: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Connection) -> Result<T, Fault> + Send + 'static,
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
        F: AsyncFn(&mut Connection) -> Result<T, E> + Send + 'static,
        N: FnOnce(&mut T) + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let pending = Pending {
            guard,
            operation,
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
#[derive(Clone, Debug)]
pub(crate) enum Guard {
    /// Nothing: it changes nothing before it is sure not to be refused. Where the database fails
    /// it half-way, the whole commit fails.
    None,
    /// A savepoint: what was changed before it was refused is taken back.
    Savepoint,
    /// As `None`; and where the network is between, this ask is done beforehand, together with
    /// those of its neighbours, in one trip.
    Together(Arc<SendAsk>),
}

enum Order {
    Close(oneshot::Sender<Result<(), sqlx::Error>>),
    Write(Box<dyn Write>),
}

async fn serve(mut line: Line, queue: mpsc::Receiver<Order>) {
    let mut intake = Intake {
        queue,
        orders: Vec::with_capacity(BATCH_MAX),
        closing: None,
    };
    let mut writes = Vec::with_capacity(BATCH_MAX);
    while intake.wait(&mut writes).await {
        if !writes.is_empty() {
            let gather = &mut |writes: &mut Vec<_>| intake.gather(writes);
            let committed = line.commit(&mut writes, gather).await.map_err(Arc::new);
            if committed.is_ok() {
                writes.iter_mut().for_each(|write| write.publish());
            }
            if line.is_unreachable() {
                // Nobody waits through one attempt after the other.
                intake.gather_all(&mut writes);
            }
            writes
                .drain(..)
                .for_each(|write| write.acknowledge(&committed));
        }
        if let Some(closed) = intake.closing {
            // A caller that no longer waits needs no answer.
            closed.send(line.close().await).ok();
            return;
        }
    }
}

/// What callers want.
struct Intake {
    queue: mpsc::Receiver<Order>,
    orders: Vec<Order>,
    closing: Option<oneshot::Sender<Result<(), sqlx::Error>>>,
}

impl Intake {
    /// Waits for something to do; false where nobody is left to want anything.
    async fn wait(&mut self, writes: &mut Vec<Box<dyn Write>>) -> bool {
        let come = self.queue.recv_many(&mut self.orders, BATCH_MAX).await;
        let orders = std::mem::take(&mut self.orders);
        orders
            .into_iter()
            .for_each(|order| self.take(order, writes));
        come > 0
    }

    fn gather_all(&mut self, writes: &mut Vec<Box<dyn Write>>) {
        while let Ok(order) = self.queue.try_recv() {
            self.take(order, writes);
        }
    }

    /// What has come while the transaction was begun goes with it.
    fn gather(&mut self, writes: &mut Vec<Box<dyn Write>>) {
        while self.closing.is_none()
            && writes.len() < BATCH_MAX
            && let Ok(order) = self.queue.try_recv()
        {
            self.take(order, writes);
        }
    }

    fn take(&mut self, order: Order, writes: &mut Vec<Box<dyn Write>>) {
        match order {
            Order::Close(closed) => self.closing = Some(closed),
            Order::Write(write) => writes.push(write),
        }
    }
}

/// What became of a write inside the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Failed(Cause),
    Refused,
}

/// One write among others. It may be run again, if the transaction was not committed.
pub(crate) trait Write: Send {
    fn guard(&self) -> &Guard;

    fn run<'a>(
        &'a mut self,
        connection: &'a mut Connection,
    ) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

    /// After the COMMIT.
    fn publish(&mut self);

    fn acknowledge(self: Box<Self>, committed: &Result<(), Arc<sqlx::Error>>);
}

struct Pending<T, E, F, N> {
    guard: Guard,
    operation: F,
    news: Option<N>,
    result: Option<Result<T, E>>,
    sender: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F, N> Write for Pending<T, E, F, N>
where
    T: Send,
    E: Wrong,
    F: AsyncFn(&mut Connection) -> Result<T, E> + Send,
    N: FnOnce(&mut T) + Send,
{
    fn guard(&self) -> &Guard {
        &self.guard
    }

    fn run<'a>(
        &'a mut self,
        connection: &'a mut Connection,
    ) -> Pin<Box<dyn Future<Output = Outcome> + 'a>> {
        Box::pin(async move {
            let result = (self.operation)(connection).await;
            let outcome = match &result {
                Ok(_) => Outcome::Done,
                Err(wrong) => wrong.cause().map_or(Outcome::Refused, Outcome::Failed),
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
