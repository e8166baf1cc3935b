//! The hub on one room's channel beside a naive model: whoever hears it, and whenever they come,
//! skip and go, gets each event after their place once and in order, and each without a place
//! that was published while they heard.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use conclave_protocol::{Body, Channel, Event, EventKind, Form, Limits, Publication, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::{id_of, room_id};
use crate::{Directory, Hub, Membership, Origin};

#[derive(Clone, Debug)]
enum Step {
    /// A connection begins to hear the room.
    Hear {
        slot: u32,
    },
    /// It has read the store: what is up to there it has, and gets no more.
    Read {
        slot: u32,
    },
    Unhear {
        slot: u32,
    },
    /// A stored event.
    Store,
    /// One without a place.
    Say,
    /// A stored one with which somebody's hearing ends.
    End,
    Take,
    /// A turn of at most so many members.
    Turn {
        members: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let slot = 0_u32..6;
    let step = prop_oneof![
        3 => slot.clone().prop_map(|slot| Step::Hear { slot }),
        3 => slot.clone().prop_map(|slot| Step::Read { slot }),
        1 => slot.prop_map(|slot| Step::Unhear { slot }),
        4 => Just(Step::Store),
        2 => Just(Step::Say),
        1 => Just(Step::End),
        3 => Just(Step::Take),
        4 => (0_usize..4).prop_map(|members| Step::Turn { members }),
    ];
    proptest::collection::vec(step, 1..120)
}

struct Listener {
    membership: Membership,
    /// Before it has, what arrives is held, and may begin anywhere.
    has_read: bool,
    /// Stored events it still has to get.
    due: VecDeque<u64>,
    /// Those without a place that it must get, by their number in `at`.
    fleeting: BTreeSet<u64>,
}

struct World {
    directory: Arc<Directory>,
    hub: Rc<Hub>,
    listeners: BTreeMap<u32, Listener>,
    last: u64,
    said: u64,
}

impl World {
    fn new() -> Self {
        let directory = Arc::new(Directory::new(1, &Limits::default(), 1));
        Self {
            hub: Hub::new(Arc::clone(&directory), 0),
            directory,
            listeners: BTreeMap::new(),
            last: 0,
            said: 0,
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Hear { slot } => {
                // The earlier one is gone before the later begins, as with a connection.
                self.listeners.remove(&slot);
                let subscribed = self.directory.hear(Channel::Room(room_id("room")), 0);
                prop_assert_eq!(subscribed.position.offset, 0);
                let listener = Listener {
                    membership: self.hub.join(&subscribed, slot),
                    has_read: false,
                    due: VecDeque::new(),
                    fleeting: BTreeSet::new(),
                };
                self.listeners.insert(slot, listener);
            }
            Step::Read { slot } => {
                if let Some(listener) = self.listeners.get_mut(&slot) {
                    listener.membership.skip_to(self.last);
                    listener.due.clear();
                    listener.has_read = true;
                }
            }
            Step::Unhear { slot } => drop(self.listeners.remove(&slot)),
            Step::Store => self.publish(EventKind::Joined { user: id_of("ann") }),
            Step::Say => {
                let user = id_of("ann");
                self.publish(EventKind::Typing { user, typing: true });
            }
            Step::End => self.publish(EventKind::Left { user: id_of("ann") }),
            Step::Take => self.take(),
            Step::Turn { members } => drop(self.turn(members)?),
        }
        Ok(())
    }

    fn publish(&mut self, kind: EventKind) {
        let stored = !matches!(kind, EventKind::Typing { .. });
        if stored {
            self.last += 1;
        } else {
            self.said += 1;
        }
        for listener in self.listeners.values_mut() {
            if stored {
                listener.due.push_back(self.last);
            } else {
                listener.fleeting.insert(self.said);
            }
        }
        let at = Timestamp::from_millis(self.said);
        let event = Event {
            room: Some(room_id("room")),
            seq: if stored { self.last } else { 0 },
            number: 0,
            at,
            kind,
        };
        let (channel, body) = (Channel::Room(room_id("room")), Body::Event(Arc::new(event)));
        let origin = Origin::default();
        self.directory.publish(channel, body, at, origin);
    }

    fn take(&self) {
        let inbox = self.directory.inbox(0).unwrap();
        let mut taken = Vec::new();
        inbox.take(&mut taken);
        for publication in taken {
            let weight = publication.weight();
            if !self.hub.offer(publication) {
                inbox.release(weight);
            }
        }
    }

    fn turn(&mut self, members: usize) -> Result<bool, TestCaseError> {
        let Some(walk) = self.hub.turn() else {
            return Ok(false);
        };
        let batch = Rc::clone(walk.batch());
        let publications = batch.publications();
        let ends = publications.iter().filter(|p| p.ends_hearing());
        let last = publications.last().unwrap();
        prop_assert_eq!(
            ends.count(),
            usize::from(last.ends_hearing()),
            "an end is the last"
        );
        prop_assert_eq!(batch.ending().is_some(), last.ends_hearing());
        for _ in 0..members {
            let Some(member) = walk.next_member() else {
                break;
            };
            let bytes = batch.bytes(Form(2), false, member.from, |publication, out| {
                out.extend_from_slice(&frame(publication));
            });
            prop_assert!(!bytes.is_empty(), "a member that has nothing to get");
            let listener = self.listeners.get_mut(&member.slot);
            prop_assert!(listener.is_some(), "{} hears no more", member.slot);
            let listener = listener.unwrap();
            for frame in bytes.as_chunks::<16>().0 {
                let (offset, said) = read(*frame);
                if offset > 0 && !listener.has_read {
                    listener.due.retain(|due| *due != offset);
                } else if offset > 0 {
                    prop_assert_eq!(listener.due.pop_front(), Some(offset), "once, in order");
                } else {
                    // One from before it heard may come too, for nobody knows when it began.
                    listener.fleeting.remove(&said);
                }
            }
        }
        if let Some(done) = self.hub.end_turn(walk) {
            self.directory.inbox(0).unwrap().release(done.weight());
        }
        Ok(true)
    }

    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.take();
        while self.turn(usize::MAX)? {}
        for (slot, listener) in &self.listeners {
            prop_assert!(
                listener.due.is_empty(),
                "{slot} never got {:?}",
                listener.due
            );
            prop_assert!(
                listener.fleeting.is_empty(),
                "{slot}: {:?}",
                listener.fleeting
            );
            let channel = listener.membership.channel();
            prop_assert_eq!(&**channel, &Channel::Room(room_id("room")));
        }
        prop_assert_eq!(self.directory.inbox(0).unwrap().outstanding(), 0);
        Ok(())
    }
}

fn frame(publication: &Publication) -> [u8; 16] {
    let mut frame = [0; 16];
    frame[..8].copy_from_slice(&publication.position.offset.to_be_bytes());
    frame[8..].copy_from_slice(&publication.at.millis().to_be_bytes());
    frame
}

fn read(frame: [u8; 16]) -> (u64, u64) {
    let both = u128::from_be_bytes(frame);
    let low = |number: u128| u64::try_from(number & u128::from(u64::MAX)).unwrap();
    (low(both >> 64), low(both))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_event_reaches_who_hears_the_room_once(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step)?;
        }
        world.settle()?;
        world.listeners.clear();
        prop_assert_eq!(world.directory.channels(), 0);
        prop_assert_eq!(world.hub.channels(), 0);
    }
}
