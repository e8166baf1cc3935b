//! How long sockets that say nothing are waited for: one look a tick instead of a timer each.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use conclave_protocol::Clock;
use tokio::sync::{Notify, watch};

/// The sockets of one worker whose first bytes have not come.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    waits: RefCell<Waits>,
    begun: Notify,
    stopping: Cell<bool>,
}

#[derive(Debug, Default)]
struct Waits {
    places: Vec<Option<Wait>>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Wait {
    /// By the monotonic clock.
    until: Duration,
    is_over: bool,
    waker: Option<Waker>,
}

/// Why a wait ends before anything has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Its time is up.
    Late,
    /// The server is going away.
    Stopping,
}

/// A socket that is waited for, until it is dropped.
pub(super) struct Waiting {
    patience: Rc<Patience>,
    place: usize,
}

impl Patience {
    /// Begins a wait that ends at `until` of the monotonic clock, up to a tick later.
    pub(super) fn begin(self: &Rc<Self>, until: Duration) -> Waiting {
        let wait = Some(Wait {
            until,
            is_over: false,
            waker: None,
        });
        let mut waits = self.waits.borrow_mut();
        let place = match waits.free.pop() {
            Some(place) => {
                if let Some(empty) = waits.places.get_mut(place) {
                    *empty = wait;
                }
                place
            }
            None => {
                waits.places.push(wait);
                waits.places.len() - 1
            }
        };
        if waits.free.len() + 1 == waits.places.len() {
            self.begun.notify_one();
        }
        Waiting {
            patience: Rc::clone(self),
            place,
        }
    }

    /// Wakes those whose time is up, and all when `stop` says so. Sleeps while nobody waits.
    pub(crate) async fn watch(self: Rc<Self>, mut stop: watch::Receiver<bool>, clock: &dyn Clock) {
        loop {
            tokio::select! {
                // The sender is gone only with the server.
                _ = stop.wait_for(|stopping| *stopping) => break,
                () = self.tick() => self.wake(|wait| wait.until <= clock.monotonic()),
            }
        }
        self.stopping.set(true);
        self.wake(|_| true);
    }

    async fn tick(&self) {
        while self.waits.borrow().is_empty() {
            self.begun.notified().await;
        }
        tokio::time::sleep(TICK).await;
    }

    fn wake(&self, is_over: impl Fn(&Wait) -> bool) {
        let mut waits = self.waits.borrow_mut();
        for wait in waits.places.iter_mut().flatten() {
            if is_over(wait) {
                wait.is_over = true;
                if let Some(waker) = wait.waker.take() {
                    waker.wake();
                }
            }
        }
    }
}

impl Waits {
    fn is_empty(&self) -> bool {
        self.free.len() == self.places.len()
    }
}

impl Waiting {
    /// Whether the wait is over; where it is not, the task is woken when it is.
    pub(super) fn poll(&self, context: &Context<'_>) -> Option<Over> {
        if self.patience.stopping.get() {
            return Some(Over::Stopping);
        }
        let mut waits = self.patience.waits.borrow_mut();
        let wait = waits.places.get_mut(self.place)?.as_mut()?;
        if wait.is_over {
            return Some(Over::Late);
        }
        if !wait
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(context.waker()))
        {
            wait.waker = Some(context.waker().clone());
        }
        None
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waits = self.patience.waits.borrow_mut();
        if let Some(place) = waits.places.get_mut(self.place) {
            *place = None;
            waits.free.push(self.place);
        }
    }
}

/// How late the end of a wait may be noticed.
const TICK: Duration = Duration::from_millis(100);
