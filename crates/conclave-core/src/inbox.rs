//! What a worker still has to deliver.

use std::collections::HashMap;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use conclave_protocol::Publication;
use parking_lot::Mutex;

/// A worker's queue of publications. A push never waits; its size is bounded because who
/// publishes stops being read while [`Inbox::is_over`] says so.
#[derive(Debug)]
pub struct Inbox {
    queue: Mutex<Queue>,
    /// Bytes pushed and not yet delivered, those already taken by the worker included.
    outstanding: AtomicUsize,
    mark: usize,
    /// By what makes two wakers the same, so that a task that looks often waits once.
    waiting: Mutex<HashMap<(usize, usize), Waker>>,
}

impl Inbox {
    /// An empty one; publishers wait above `mark` bytes, or never where it is 0.
    #[must_use]
    pub fn new(mark: usize) -> Self {
        Self {
            queue: Mutex::default(),
            outstanding: AtomicUsize::new(0),
            mark: if mark == 0 { usize::MAX } else { mark },
            waiting: Mutex::default(),
        }
    }

    /// Appends; wakes the worker only where the queue was empty.
    pub(crate) fn push(&self, publication: Arc<Publication>) {
        self.outstanding
            .fetch_add(publication.weight(), Ordering::Relaxed);
        let waker = {
            let mut queue = self.queue.lock();
            queue.publications.push(publication);
            queue.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Moves everything into `taken`, in order. Pending, and the worker is woken later, where
    /// there is nothing.
    pub fn poll_take(
        &self,
        context: &mut Context<'_>,
        taken: &mut Vec<Arc<Publication>>,
    ) -> Poll<()> {
        let mut queue = self.queue.lock();
        if queue.publications.is_empty() {
            queue.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        taken.append(&mut queue.publications);
        Poll::Ready(())
    }

    /// Moves what is there into `taken`, in order.
    pub fn take(&self, taken: &mut Vec<Arc<Publication>>) {
        taken.append(&mut self.queue.lock().publications);
    }

    /// How many of those that are there come from this connection.
    #[must_use]
    pub fn count_from(&self, connection: u64) -> usize {
        let queue = self.queue.lock();
        let publications = queue.publications.iter();
        publications.filter(|p| p.origin == connection).count()
    }

    /// Says that publications of this weight are delivered; wakes waiting publishers when the
    /// inbox is half empty.
    pub fn release(&self, bytes: usize) {
        let before = self.outstanding.fetch_sub(bytes, Ordering::Relaxed);
        if before.saturating_sub(bytes) > self.low() {
            return;
        }
        let waiting = {
            let mut waiting = self.waiting.lock();
            if waiting.is_empty() {
                return;
            }
            std::mem::take(&mut *waiting)
        };
        waiting.into_values().for_each(Waker::wake);
    }

    /// Bytes that are pushed and not yet delivered.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Relaxed)
    }

    /// Whether publishers have to wait.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.outstanding() > self.mark
    }

    /// Ready when publishers may go on: up to the mark, but only up to half of it while one
    /// waits, so that none overtakes it for ever.
    pub fn poll_clear(&self, context: &Context<'_>) -> Poll<()> {
        if self.outstanding() <= self.low() {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.lock();
        if waiting.is_empty() && !self.is_over() {
            return Poll::Ready(());
        }
        let waker = context.waker();
        let key = (waker.data().addr(), ptr::from_ref(waker.vtable()).addr());
        waiting.insert(key, waker.clone());
        // It may have drained between the first look and the lock; a release after this look
        // finds the waker.
        if self.outstanding() > self.low() {
            return Poll::Pending;
        }
        waiting.remove(&key);
        Poll::Ready(())
    }

    const fn low(&self) -> usize {
        self.mark / 2
    }
}

#[derive(Debug, Default)]
struct Queue {
    publications: Vec<Arc<Publication>>,
    waker: Option<Waker>,
}
