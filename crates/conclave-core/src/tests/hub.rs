use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::{member, say, subscribe, topics};
use crate::{Hub, Membership, Topics, Walk, authorise};
use conclave_protocol::{Channel, Form, Limits, Publication};

/// One worker, and a user who talks to itself in its session.
struct Stage {
    topics: Topics,
    hub: Rc<Hub>,
}

impl Stage {
    fn new() -> Self {
        let topics = topics(1, &Limits::default());
        let hub = Hub::new(Arc::clone(topics.directory()), 0);
        Self { topics, hub }
    }

    fn join(&self, name: &str, slot: u32) -> Membership {
        let permit = authorise(&member("ann"), subscribe(name, None)).unwrap();
        self.hub.join(&self.topics.subscribe(permit, 0), slot)
    }

    fn say(&self, name: &str, payload: &str) {
        say(&self.topics, &member("ann"), name, payload);
    }

    /// Empties the inbox into the hub; how many nobody hears.
    fn take(&self) -> usize {
        let mut taken = Vec::new();
        let inbox = self.topics.directory().inbox(0).unwrap();
        inbox.take(&mut taken);
        let unheard = taken.into_iter().filter(|publication| {
            let heard = self.hub.offer(Arc::clone(publication));
            if !heard {
                inbox.release(publication.weight());
            }
            !heard
        });
        unheard.count()
    }

    fn end_turn(&self, walk: Walk) -> bool {
        let done = self.hub.end_turn(walk);
        let inbox = self.topics.directory().inbox(0).unwrap();
        done.iter().for_each(|batch| inbox.release(batch.weight()));
        done.is_some()
    }

    /// Gives everything out; who got what, in order.
    fn deliver(&self) -> HashMap<u32, Vec<String>> {
        let mut heard: HashMap<u32, Vec<String>> = HashMap::new();
        while let Some(walk) = self.hub.turn() {
            while let Some(member) = walk.next_member() {
                let publications = walk.batch().publications().iter();
                let later = publications.filter(|p| p.position.offset > member.from);
                heard
                    .entry(member.slot)
                    .or_default()
                    .extend(later.map(|p| payload(p)));
            }
            assert!(self.end_turn(walk), "the walk was at its end");
        }
        heard
    }

    fn outstanding(&self) -> usize {
        self.topics.directory().inbox(0).unwrap().outstanding()
    }

    fn channel(&self, name: &str) -> Channel {
        authorise(&member("ann"), subscribe(name, None))
            .unwrap()
            .channel()
            .clone()
    }

    /// Places of the member list of a channel, and how many of them are holes.
    fn places(&self, name: &str) -> (usize, usize) {
        self.hub.audience(&self.channel(name)).unwrap().places()
    }
}

fn payload(publication: &Publication) -> String {
    match &publication.body {
        conclave_protocol::Body::Topic(message) => message.payload.to_string(),
        conclave_protocol::Body::Broadcast { members, .. } => members.to_string(),
        conclave_protocol::Body::Event(_) | conclave_protocol::Body::Wallet(_) => {
            panic!("not of a topic")
        }
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn members_hear_their_topic_and_no_other() {
    let stage = Stage::new();
    let _held = [
        stage.join("a", 1),
        stage.join("a", 2),
        stage.join("b", 2),
        stage.join("b", 3),
    ];
    stage.say("a", "1");
    stage.say("b", "2");
    stage.say("a", "3");
    stage.take();
    let heard = stage.deliver();
    assert_eq!(heard[&1], texts(&["1", "3"]));
    let mut both = heard[&2].clone();
    both.sort_unstable();
    assert_eq!(both, texts(&["1", "2", "3"]));
    assert_eq!(heard[&3], texts(&["2"]));
    assert_eq!(stage.outstanding(), 0);
}

#[test]
fn a_newcomer_hears_only_what_comes_after() {
    let stage = Stage::new();
    let _first = stage.join("t", 1);
    stage.say("t", "1");
    let _second = stage.join("t", 2);
    stage.say("t", "2");
    stage.take();
    let _third = stage.join("t", 3);
    let heard = stage.deliver();
    assert_eq!(heard[&1], texts(&["1", "2"]));
    assert_eq!(heard[&2], texts(&["2"]));
    assert!(!heard.contains_key(&3));
}

/// The directory forgets a channel with its last subscriber; what lies in the inbox is of the
/// epoch before, and its offsets look new to who joins then.
#[test]
fn a_newcomer_hears_nothing_of_an_epoch_before_its_own() {
    let stage = Stage::new();
    drop(stage.join("t", 1));
    let first = stage.join("t", 1);
    (0..3).for_each(|_| stage.say("t", "old"));
    drop(first);
    let _second = stage.join("t", 1);
    stage.say("t", "new");
    assert_eq!(stage.take(), 3, "nobody hears those of the old epoch");
    assert_eq!(stage.deliver()[&1], texts(&["new"]));
    assert_eq!(stage.outstanding(), 0);
}

#[test]
fn an_audience_that_left_while_queued_is_worked_off() {
    let stage = Stage::new();
    let first = stage.join("t", 1);
    stage.say("t", "old");
    stage.take();
    drop(first);
    assert_eq!(stage.hub.channels(), 0);
    let second = stage.join("t", 2);
    stage.say("t", "new");
    stage.take();
    assert_eq!(stage.deliver(), HashMap::from([(2, texts(&["new"]))]));
    assert_eq!(stage.outstanding(), 0);
    drop(second);
    assert_eq!(stage.topics.directory().channels(), 0);
    assert!(stage.hub.turn().is_none());
}

#[test]
fn an_audience_that_leaves_during_a_walk_ends_it() {
    let stage = Stage::new();
    let mut held: Vec<_> = (1..=3).map(|slot| stage.join("t", slot)).collect();
    stage.say("t", "old");
    stage.take();
    let walk = stage.hub.turn().unwrap();
    assert_eq!(walk.next_member().map(|member| member.slot), Some(1));
    held.clear();
    let _new = stage.join("t", 9);
    assert!(
        walk.next_member().is_none(),
        "who left gets nothing, nor who came"
    );
    assert!(stage.end_turn(walk));
    assert_eq!(stage.outstanding(), 0);
    stage.say("t", "new");
    stage.take();
    assert_eq!(stage.deliver(), HashMap::from([(9, texts(&["new"]))]));
}

#[test]
fn what_comes_during_a_walk_joins_it_once() {
    let stage = Stage::new();
    let _held: Vec<_> = (0..10).map(|slot| stage.join("t", slot)).collect();
    stage.say("t", "1");
    let mut walks = Vec::new();
    for said in ["2", "3", "", "", "", "", "", "", ""] {
        stage.take();
        let walk = stage.hub.turn().unwrap();
        let batch: Vec<_> = walk
            .batch()
            .publications()
            .iter()
            .map(|p| payload(p))
            .collect();
        let slots: Vec<_> = (0..3)
            .map_while(|_| walk.next_member())
            .map(|member| member.slot)
            .collect();
        if !said.is_empty() {
            stage.say("t", said);
        }
        let done = stage
            .hub
            .end_turn(walk)
            .map(|batch| batch.publications().len());
        walks.push((batch.concat(), slots, done));
    }
    let expected = [
        ("1", vec![0, 1, 2], None),
        // Who was not reached gets both by one write; only once, so that the walk comes to its end.
        ("12", vec![3, 4, 5], None),
        ("12", vec![6, 7, 8], None),
        ("12", vec![9], None),
        ("2", vec![0, 1, 2], Some(2)),
        ("3", vec![0, 1, 2], None),
        ("3", vec![3, 4, 5], None),
        ("3", vec![6, 7, 8], None),
        ("3", vec![9], Some(1)),
    ];
    let expected = expected.map(|(batch, slots, done)| (batch.to_owned(), slots, done));
    assert_eq!(walks, expected);
}

#[test]
fn channels_take_turns() {
    let stage = Stage::new();
    let mut held = Vec::new();
    for (slot, name) in ["a", "b", "c"].into_iter().enumerate() {
        held.extend((0..4).map(|_| stage.join(name, u32::try_from(slot).unwrap())));
        stage.say(name, "1");
    }
    stage.take();
    let mut order = Vec::new();
    while let Some(walk) = stage.hub.turn() {
        order.extend(
            (0..2)
                .map_while(|_| walk.next_member())
                .map(|member| member.slot),
        );
        stage.end_turn(walk);
    }
    assert_eq!(order, [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]);
}

#[test]
fn a_batch_holds_at_most_64_kibibytes_or_one_publication() {
    let stage = Stage::new();
    let _held = stage.join("t", 1);
    let sizes = [100_000, 10_000, 10_000, 30_000, 30_000, 1, 1];
    for bytes in sizes {
        stage.say("t", &"x".repeat(bytes));
    }
    stage.take();
    let mut batches = Vec::new();
    while let Some(walk) = stage.hub.turn() {
        let publications = walk.batch().publications();
        assert!(publications.len() == 1 || walk.batch().weight() <= 64 * 1024);
        batches.push(publications.len());
        while walk.next_member().is_some() {}
        stage.end_turn(walk);
    }
    assert_eq!(batches, [1, 3, 3]);
    assert_eq!(stage.outstanding(), 0);
}

#[test]
fn a_publication_is_encoded_at_most_once_per_form() {
    let stage = Stage::new();
    let _early: Vec<_> = (0..5).map(|slot| stage.join("t", slot)).collect();
    (0..3).for_each(|_| stage.say("t", "1"));
    let _late = stage.join("t", 5);
    stage.say("t", "1");
    stage.take();
    let walk = stage.hub.turn().unwrap();
    let batch = Rc::clone(walk.batch());
    let frame = |form: Form, deflated, offset: u64| {
        let offset = u8::try_from(offset).unwrap();
        [form.0, u8::from(deflated), offset]
    };
    let mut encoded: HashMap<(Form, bool, bool), usize> = HashMap::new();
    let mut shared: HashMap<(Form, bool), Vec<Rc<[u8]>>> = HashMap::new();
    while let Some(member) = walk.next_member() {
        for (form, deflated) in [(Form(0), false), (Form(0), true), (Form(1), false)] {
            let whole = member.from == 0;
            let bytes = batch.bytes(form, deflated, member.from, |publication, out| {
                *encoded.entry((form, deflated, whole)).or_default() += 1;
                out.extend(frame(form, deflated, publication.position.offset));
            });
            let offsets = if whole { 1..=4 } else { 4..=4 };
            let frames: Vec<u8> = offsets
                .flat_map(|offset| frame(form, deflated, offset))
                .collect();
            assert_eq!(*bytes, frames);
            if whole {
                shared.entry((form, deflated)).or_default().push(bytes);
            }
        }
    }
    for ((_, _, whole), times) in encoded {
        assert_eq!(times, if whole { 4 } else { 1 });
    }
    for bytes in shared.values() {
        assert_eq!(bytes.len(), 5);
        assert!(
            bytes.iter().all(|one| Rc::ptr_eq(one, &bytes[0])),
            "one copy for all"
        );
    }
    stage.end_turn(walk);
}

#[test]
fn a_form_that_no_dialect_has_is_not_kept() {
    let stage = Stage::new();
    let _held = stage.join("t", 1);
    stage.say("t", "1");
    stage.take();
    let walk = stage.hub.turn().unwrap();
    for _ in 0..2 {
        let bytes = walk
            .batch()
            .bytes(Form(u8::MAX), true, 0, |_, out| out.push(7));
        assert_eq!(*bytes, [7]);
    }
}

#[test]
fn holes_are_filled_from_the_front() {
    let stage = Stage::new();
    let mut held: HashMap<_, _> = (0..10).map(|slot| (slot, stage.join("t", slot))).collect();
    assert_eq!(stage.places("t"), (10, 0));
    [7, 2, 5].iter().for_each(|slot| drop(held.remove(slot)));
    let audience = stage.hub.audience(&stage.channel("t")).unwrap();
    assert_eq!(audience.slots(100), [0, 1, 3, 4, 6, 8, 9]);
    held.extend((20..23).map(|slot| (slot, stage.join("t", slot))));
    assert_eq!(audience.slots(100), [0, 1, 20, 3, 4, 21, 6, 22, 8, 9]);
    assert_eq!(audience.slots(3), [0, 1, 20]);
    assert_eq!(stage.places("t"), (10, 0), "no place is new");
    held.insert(30, stage.join("t", 30));
    assert_eq!(stage.places("t"), (11, 0));
}

#[test]
fn a_list_is_trimmed_when_most_of_its_end_has_left() {
    let stage = Stage::new();
    let mut held: Vec<_> = (0..1000).map(|slot| stage.join("t", slot)).collect();
    held.truncate(10);
    stage.say("t", "1");
    stage.take();
    assert_eq!(stage.deliver().len(), 10);
    assert_eq!(stage.places("t"), (10, 0));
    // Holes beyond the end are gone too: newcomers append.
    held.extend((2000..2010).map(|slot| stage.join("t", slot)));
    stage.say("t", "2");
    stage.take();
    assert_eq!(stage.deliver().len(), 20);
    assert_eq!(stage.places("t"), (20, 0));
}

#[test]
fn many_that_come_and_go_leave_no_trace() {
    let stage = Stage::new();
    let _stays = stage.join("t", 0);
    for round in 0..1000_u32 {
        let visitors: Vec<_> = (1..=5).map(|slot| stage.join("t", slot)).collect();
        stage.say("t", "1");
        if round % 7 == 0 {
            drop(visitors);
            stage.take();
            stage.deliver();
        } else {
            stage.take();
            assert_eq!(stage.deliver().len(), 6);
        }
    }
    assert!(stage.places("t").0 <= 6);
    assert_eq!(stage.topics.directory().channels(), 1);
}

#[test]
fn a_dropped_membership_ends_everywhere() {
    let stage = Stage::new();
    let held: Vec<_> = (0..3).map(|slot| stage.join("t", slot)).collect();
    assert_eq!(**held[0].channel(), stage.channel("t"));
    assert_eq!(
        stage.topics.directory().workers_of(&stage.channel("t")),
        [0]
    );
    drop(held);
    assert_eq!(stage.hub.channels(), 0);
    assert_eq!(stage.topics.directory().channels(), 0);
    assert!(
        stage
            .topics
            .directory()
            .workers_of(&stage.channel("t"))
            .is_empty()
    );
    assert!(stage.hub.audience(&stage.channel("t")).is_none());
}

#[test]
fn what_a_connection_published_is_under_way_until_everybody_has_it() {
    let stage = Stage::new();
    let _members: Vec<_> = (0..3).map(|slot| stage.join("T", slot)).collect();
    let counts = || {
        let inbox = stage.topics.directory().inbox(0).unwrap();
        (inbox.count_from(PUBLISHER), stage.hub.count_from(PUBLISHER))
    };
    stage.say("T", "1");
    stage.say("T", "2");
    assert_eq!(counts(), (2, 0));
    assert_eq!(stage.take(), 0);
    assert_eq!(counts(), (0, 2));
    assert_eq!(stage.hub.count_from(PUBLISHER + 1), 0);
    let walk = stage.hub.turn().unwrap();
    walk.next_member().unwrap();
    assert!(!stage.end_turn(walk), "two are left");
    assert_eq!(counts(), (0, 2));
    stage.deliver();
    assert_eq!(counts(), (0, 0));
}

/// The connection that says everything.
const PUBLISHER: u64 = 1;
