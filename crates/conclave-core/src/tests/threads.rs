//! The directory between threads: each worker has one, publishers have others.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use conclave_protocol::{Limits, Position, Publication};

use super::{member, say, subscribe, topics};
use crate::{Hub, Inbox, Subscribed, Topics, authorise};

const EACH: u64 = 2000;
const PUBLISHERS: u64 = 2;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread until `poll` is ready.
fn wait(mut poll: impl FnMut(&mut Context<'_>) -> Poll<()>) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    while poll(&mut Context::from_waker(&waker)).is_pending() {
        thread::park();
    }
}

/// A worker's thread. When it ends, by a failed assertion too, nobody waits for it any more.
struct Working<'a> {
    inbox: &'a Inbox,
    others: &'a AtomicUsize,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.others.fetch_sub(1, Ordering::SeqCst);
        self.inbox.release(self.inbox.outstanding());
    }
}

fn hear(topics: &Topics, worker: usize) -> Subscribed {
    topics.subscribe(
        authorise(&member("ann"), subscribe("t", None)).unwrap(),
        worker,
    )
}

/// Takes what there is into the hub, and gives it to the members; their publications in order.
fn deliver(hub: &Hub, inbox: &Inbox) -> Vec<Arc<Publication>> {
    let mut taken = Vec::new();
    wait(|context| inbox.poll_take(context, &mut taken));
    for publication in taken {
        let weight = publication.weight();
        if !hub.offer(publication) {
            inbox.release(weight);
        }
    }
    let mut heard = Vec::new();
    while let Some(walk) = hub.turn() {
        while let Some(member) = walk.next_member() {
            let publications = walk.batch().publications().iter();
            heard.extend(
                publications
                    .filter(|p| p.position.offset > member.from)
                    .cloned(),
            );
        }
        let batch = hub.end_turn(walk).unwrap();
        inbox.release(batch.weight());
    }
    heard
}

/// Publishes the numbers of one publisher, whenever no worker is behind.
fn publish_own(topics: &Topics, first: u64) {
    let ann = member("ann");
    for number in 0..EACH {
        wait(|context| topics.directory().poll_clear(context));
        let number = number * PUBLISHERS + first;
        say(topics, &ann, "t", &number.to_string());
    }
}

#[test]
fn all_workers_see_one_order() {
    // So low that the publishers have to wait for the workers.
    let limits = Limits {
        inbox_bytes: 16 * 1024,
        ..Limits::default()
    };
    let topics = topics(3, &limits);
    let (ready, started) = mpsc::channel();
    let working = AtomicUsize::new(3);
    let orders: Vec<Vec<(Position, u64)>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|worker| {
                let (topics, ready, working) = (topics.clone(), ready.clone(), &working);
                scope.spawn(move || {
                    let inbox = topics.directory().inbox(worker).unwrap();
                    let _working = Working {
                        inbox,
                        others: working,
                    };
                    let hub = Hub::new(Arc::clone(topics.directory()), worker);
                    let subscribed = hear(&topics, worker);
                    let _held = hub.join(&subscribed, 0);
                    ready.send(()).unwrap();
                    let mut order = Vec::new();
                    while order.len() < usize::try_from(EACH * PUBLISHERS).unwrap() {
                        let heard = deliver(&hub, inbox);
                        order.extend(heard.iter().map(|p| (p.position, super::model::number(p))));
                    }
                    assert_eq!(inbox.outstanding(), 0);
                    order
                })
            })
            .collect();
        (0..3).for_each(|_| started.recv().unwrap());
        for first in 0..PUBLISHERS {
            let topics = &topics;
            scope.spawn(move || publish_own(topics, first));
        }
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .collect()
    });
    assert_eq!(orders[0], orders[1]);
    assert_eq!(orders[0], orders[2]);
    let offsets = orders[0].iter().map(|(position, _)| position.offset);
    assert!(offsets.eq(1..=EACH * PUBLISHERS), "each once, in order");
    for publisher in 0..PUBLISHERS {
        let numbers = orders[0].iter().map(|(_, number)| *number);
        let own = numbers.filter(|number| number % PUBLISHERS == publisher);
        assert!(own.is_sorted(), "in its publisher's order");
    }
    assert_eq!(topics.directory().channels(), 0);
}

/// Subscribers come and go while another thread publishes, so that the channel is forgotten and
/// begins anew all the time.
#[test]
fn an_answered_subscription_hears_every_later_publication() {
    let limits = Limits {
        inbox_bytes: 16 * 1024,
        ..Limits::default()
    };
    let topics = topics(2, &limits);
    let working = AtomicUsize::new(2);
    thread::scope(|scope| {
        for worker in 0..2 {
            let (topics, working) = (topics.clone(), &working);
            scope.spawn(move || {
                let inbox = topics.directory().inbox(worker).unwrap();
                let _working = Working {
                    inbox,
                    others: working,
                };
                let hub = Hub::new(Arc::clone(topics.directory()), worker);
                for round in 0..300_u64 {
                    let subscribed = hear(&topics, worker);
                    let membership = hub.join(&subscribed, 0);
                    let Position { offset, epoch } = subscribed.position;
                    let mut next = offset + 1;
                    while next <= offset + 1 + round % 3 {
                        for publication in deliver(&hub, inbox) {
                            assert_eq!(
                                publication.position,
                                Position {
                                    offset: next,
                                    epoch
                                }
                            );
                            next += 1;
                        }
                    }
                    drop(membership);
                }
                // What came after the last round belongs to nobody.
                let mut rest = Vec::new();
                inbox.take(&mut rest);
                inbox.release(rest.iter().map(|publication| publication.weight()).sum());
                assert_eq!(inbox.outstanding(), 0);
                assert_eq!(Rc::strong_count(&hub), 1);
            });
        }
        scope.spawn(|| {
            let ann = member("ann");
            while working.load(Ordering::SeqCst) > 0 {
                wait(|context| topics.directory().poll_clear(context));
                if say(&topics, &ann, "t", "1").workers == 0 {
                    thread::yield_now();
                }
            }
        });
    });
    assert_eq!(topics.directory().channels(), 0);
}

#[test]
fn the_places_for_history_hold_between_threads() {
    const PLACES: usize = 100;
    let limits = Limits {
        history_messages: 1,
        history_topics: PLACES,
        ..Limits::default()
    };
    for _ in 0..50 {
        let topics = topics(1, &limits);
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for first in 0..4 {
                let (topics, start) = (&topics, &start);
                scope.spawn(move || {
                    let ann = member("ann");
                    start.wait();
                    for number in 0..PLACES {
                        say(topics, &ann, &format!("{first} {number}"), "1");
                    }
                });
            }
        });
        assert_eq!(topics.directory().channels(), PLACES);
    }
}
