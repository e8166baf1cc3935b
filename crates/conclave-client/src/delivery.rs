//! The bounded queue between a connection and one of its listeners.
//!
//! A listener that does not keep up misses what finds no room, and is told how much that was at
//! the place where it is missing. The connection never waits for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// The connection's end.
pub(crate) struct Inlet<T>(Arc<Mutex<Queue<T>>>);

/// The listener's end.
pub(crate) struct Outlet<T>(Arc<Mutex<Queue<T>>>);

/// What a listener gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivered<T> {
    /// So many found no room here.
    Missed(u64),
    Item(T),
}

struct Queue<T> {
    items: VecDeque<T>,
    capacity: usize,
    missed: u64,
    /// Comes after everything, even where there is no room.
    last: Option<T>,
    ended: bool,
    left: bool,
    waker: Option<Waker>,
}

/// A queue of at most `capacity` items.
pub(crate) fn queue<T>(capacity: usize) -> (Inlet<T>, Outlet<T>) {
    let queue = Arc::new(Mutex::new(Queue {
        items: VecDeque::new(),
        capacity: capacity.max(1),
        missed: 0,
        last: None,
        ended: false,
        left: false,
        waker: None,
    }));
    (Inlet(Arc::clone(&queue)), Outlet(queue))
}

impl<T> Inlet<T> {
    /// Hands an item over, or counts it as missed. What comes after a missed one is missed too,
    /// until the listener has taken everything before it: it hears of one gap, not of many.
    pub(crate) fn push(&self, item: T) {
        let waker = {
            let mut queue = self.0.lock();
            if queue.missed > 0 || queue.items.len() >= queue.capacity {
                queue.missed = queue.missed.saturating_add(1);
            } else {
                queue.items.push_back(item);
            }
            queue.waker.take()
        };
        wake(waker);
    }

    /// Hands the last item over, for which there is always room.
    pub(crate) fn end(self, last: T) {
        self.0.lock().last = Some(last);
    }

    /// Whether the listener is gone.
    pub(crate) fn is_left(&self) -> bool {
        self.0.lock().left
    }
}

impl<T> Drop for Inlet<T> {
    fn drop(&mut self) {
        let waker = {
            let mut queue = self.0.lock();
            queue.ended = true;
            queue.waker.take()
        };
        wake(waker);
    }
}

impl<T> Outlet<T> {
    /// The listener goes.
    pub(crate) fn leave(&mut self) {
        self.0.lock().left = true;
    }

    /// The next item, in order; `None` after the last.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivered<T>>> {
        let mut queue = self.0.lock();
        if let Some(item) = queue.items.pop_front() {
            return Poll::Ready(Some(Delivered::Item(item)));
        }
        if queue.missed > 0 {
            let missed = std::mem::take(&mut queue.missed);
            return Poll::Ready(Some(Delivered::Missed(missed)));
        }
        if queue.ended {
            return Poll::Ready(queue.last.take().map(Delivered::Item));
        }
        queue.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::Delivered::{Item, Missed};
    use super::*;

    fn taken(outlet: &mut Outlet<u32>) -> Vec<Delivered<u32>> {
        let mut taken = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(delivered)) = outlet.poll(&mut context) {
            taken.push(delivered);
        }
        taken
    }

    #[test]
    fn who_is_slow_hears_of_one_gap_where_it_is() {
        let (inlet, mut outlet) = queue(2);
        for item in 0..5 {
            inlet.push(item);
        }
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(outlet.poll(&mut context), Poll::Ready(Some(Item(0))));
        // There is room, but what is missing comes first.
        inlet.push(5);
        assert_eq!(taken(&mut outlet), [Item(1), Missed(4)]);
        inlet.push(6);
        assert_eq!(taken(&mut outlet), [Item(6)]);
    }

    #[test]
    fn the_last_word_finds_room() {
        let (inlet, mut outlet) = queue(1);
        inlet.push(1);
        inlet.push(2);
        assert!(!inlet.is_left());
        inlet.end(9);
        assert_eq!(taken(&mut outlet), [Item(1), Missed(1), Item(9)]);
        assert_eq!(taken(&mut outlet), []);
        let (inlet, mut outlet) = queue::<u32>(1);
        outlet.leave();
        assert!(inlet.is_left());
    }
}
