//! Topics on two nodes of one bus.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use conclave_protocol::{Body, Channel, Limits, Position, Publication, Timestamp, TopicMessage};

use super::{broadcast, member, message, publish, publisher, subscribe};
use crate::{
    Arrival, Bus, Directory, Feed, Listen, MemoryBus, MemoryFeed, NodeId, Notice, Place, Topics,
    authorise,
};

pub(super) struct Node {
    pub(super) topics: Topics,
    bus: Arc<dyn Bus>,
    feed: MemoryFeed,
}

impl Node {
    fn join(bus: &Arc<MemoryBus>, number: u128) -> Self {
        Self::join_with(bus, number, &Limits::default())
    }

    pub(super) fn join_with(bus: &Arc<MemoryBus>, number: u128, limits: &Limits) -> Self {
        let (end, feed) = bus.join(NodeId(number));
        let bus: Arc<dyn Bus> = end;
        let directory = Directory::new(1, limits, 1000).with_bus(Arc::clone(&bus));
        let mut node = Self {
            topics: Topics::new(Arc::new(directory)),
            bus,
            feed,
        };
        node.take_arrivals();
        node
    }

    pub(super) fn bus(&self) -> &Arc<dyn Bus> {
        &self.bus
    }

    /// Hands what has come from the bus to the directory; the notices among it.
    pub(super) fn take_arrivals(&mut self) -> Vec<Notice> {
        let mut arrived = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        let _pending = pin!(self.feed.next(&mut arrived)).poll(&mut context);
        let mut notices = Vec::new();
        for arrival in arrived {
            if let Arrival::Notice { notice, .. } = &arrival {
                notices.push(notice.clone());
            }
            self.topics.directory().arrive(arrival);
        }
        notices
    }

    pub(super) fn hear(&self, who: &str, name: &str, since: Option<Position>) -> crate::Subscribed {
        let permit = authorise(&member(who), subscribe(name, since)).unwrap();
        self.topics.subscribe(permit, 0)
    }

    pub(super) fn say(&self, who: &str, name: &str, payload: &str) {
        let who = member(who);
        let permit = authorise(&who, publish(name, payload)).unwrap();
        self.topics
            .publish(permit, publisher(&who), Timestamp::from_millis(5));
    }

    pub(super) fn heard(&mut self) -> Vec<Arc<Publication>> {
        self.take_arrivals();
        let mut taken = Vec::new();
        self.topics.directory().inbox(0).unwrap().take(&mut taken);
        taken
    }

    /// Payload and offset of what the worker got.
    fn payloads(&mut self) -> Vec<(String, u64)> {
        let heard = self.heard();
        let shown = |p: &Arc<Publication>| match &p.body {
            Body::Topic(message) => (message.payload.to_string(), p.position.offset),
            Body::Broadcast { members, .. } => (members.to_string(), p.position.offset),
            Body::Event(_) | Body::Wallet(_) => panic!("no event was published"),
        };
        heard.iter().map(shown).collect()
    }
}

fn two() -> (Arc<MemoryBus>, Node, Node) {
    let bus = MemoryBus::new();
    let (one, two) = (Node::join(&bus, 1), Node::join(&bus, 2));
    (bus, one, two)
}

fn texts(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter()
        .map(|(text, offset)| ((*text).to_owned(), *offset))
        .collect()
}

#[test]
fn a_topic_is_heard_on_the_other_node_once_and_in_order() {
    let (_bus, mut one, mut two) = two();
    let (_here, _there) = (one.hear("ann", "t", None), two.hear("ann", "t", None));
    for payload in ["1", "2", "3"] {
        one.say("ann", "t", payload);
    }
    let expected = texts(&[("1", 1), ("2", 2), ("3", 3)]);
    assert_eq!(one.payloads(), expected, "the publisher's own node");
    assert_eq!(two.payloads(), expected, "the other node");
    assert_eq!(two.payloads(), [], "once");
}

#[test]
fn what_comes_from_another_node_carries_its_author_and_no_connection_of_this_one() {
    let (_bus, one, mut two) = two();
    let _heard = two.hear("ann", "t", None);
    one.say("ann", "t", "1");
    let heard = two.heard();
    let publication = heard.first().unwrap();
    assert_eq!(publication.origin, 0);
    assert_eq!(publication.at, Timestamp::from_millis(5));
    let Body::Topic(TopicMessage { user, .. }) = &publication.body else {
        panic!("a topic's message")
    };
    assert_eq!(user.as_ref().map(|user| user.as_str()), Some("ann"));
}

#[test]
fn a_broadcast_reaches_listeners_of_every_node() {
    let (_bus, one, mut two) = two();
    let _heard = two
        .topics
        .listen(authorise(&member("bob"), Listen).unwrap(), 0);
    let ann = member("ann");
    let permit = authorise(&ann, broadcast(r#""a":1"#)).unwrap();
    one.topics
        .broadcast(permit, publisher(&ann), Timestamp::from_millis(0), 7);
    assert_eq!(two.payloads(), texts(&[(r#""a":1"#, 1)]));
}

#[test]
fn sessions_stay_apart_between_nodes() {
    let (_bus, one, mut two) = two();
    let _heard = two.hear("bob", "t", None);
    one.say("ann", "t", "1");
    assert_eq!(two.payloads(), []);
}

#[test]
fn a_node_asks_for_a_channel_while_somebody_there_hears_it() {
    let (bus, _one, two) = two();
    let first = two.hear("ann", "t", None);
    let channel = Arc::clone(&first.channel);
    let _second = two.hear("ann", "t", None);
    assert!(bus.is_asked_for(&channel));
    let directory = two.topics.directory();
    directory.unsubscribe(&channel, 0);
    assert!(bus.is_asked_for(&channel), "one still hears it");
    directory.unsubscribe(&channel, 0);
    assert!(!bus.is_asked_for(&channel));
}

#[test]
fn while_the_bus_is_away_a_node_goes_on_and_later_the_gap_is_seen() {
    let (bus, mut one, mut two) = two();
    let (_here, _there) = (one.hear("ann", "t", None), two.hear("ann", "t", None));
    one.say("ann", "t", "1");
    assert_eq!(two.payloads(), texts(&[("1", 1)]));
    bus.cut();
    one.say("ann", "t", "2");
    one.say("ann", "t", "3");
    assert_eq!(one.payloads(), texts(&[("1", 1), ("2", 2), ("3", 3)]));
    assert_eq!(two.payloads(), []);
    bus.mend();
    one.say("ann", "t", "4");
    // One for the interruption itself, and the two that are known to be missing.
    assert_eq!(two.payloads(), texts(&[("4", 5)]));
    two.say("ann", "t", "5");
    assert_eq!(two.payloads(), texts(&[("5", 6)]));
}

#[test]
fn who_comes_back_after_an_interruption_is_told_of_a_gap() {
    let (bus, _one, mut two) = two();
    let started = two.hear("ann", "t", None);
    bus.cut();
    bus.mend();
    two.take_arrivals();
    let again = two.hear("ann", "t", Some(started.position));
    assert!(again.gap);
}

#[test]
fn a_loss_on_the_way_out_is_seen_even_by_who_heard_nothing_before() {
    let (bus, one, mut two) = two();
    bus.cut();
    one.say("ann", "t", "lost");
    bus.mend();
    two.take_arrivals();
    let _heard = two.hear("ann", "t", None);
    one.say("ann", "t", "2");
    assert_eq!(two.payloads(), texts(&[("2", 2)]));
}

#[test]
fn what_arrives_twice_or_late_is_heard_once() {
    let (_bus, _one, mut two) = two();
    let subscribed = two.hear("ann", "t", None);
    let arrival = |epoch: u64, seq: u64| Arrival::Publication {
        from: NodeId(9),
        channel: Arc::clone(&subscribed.channel),
        place: Place {
            epoch,
            seq,
            after_loss: false,
        },
        at: Timestamp::from_millis(0),
        body: Body::Topic(message(&format!("{epoch}.{seq}"))),
    };
    for (epoch, seq) in [(1, 5), (1, 5), (1, 4), (1, 7), (2, 2), (1, 8), (2, 3)] {
        two.topics.directory().arrive(arrival(epoch, seq));
    }
    let expected = texts(&[("1.5", 1), ("1.7", 3), ("2.2", 5), ("2.3", 6)]);
    assert_eq!(two.payloads(), expected);
}

#[test]
fn a_body_that_does_not_belong_into_its_channel_is_passed_over() {
    let (_bus, _one, mut two) = two();
    let heard = two
        .topics
        .listen(authorise(&member("bob"), Listen).unwrap(), 0);
    two.topics.directory().arrive(Arrival::Publication {
        from: NodeId(9),
        channel: heard.channel,
        place: Place::NONE,
        at: Timestamp::from_millis(0),
        body: Body::Topic(message("1")),
    });
    assert_eq!(two.payloads(), []);
}

#[test]
fn what_nobody_hears_is_counted_for_a_while_and_then_forgotten() {
    let (_bus, one, _two) = two();
    one.say("ann", "t", "1");
    let directory = one.topics.directory();
    assert_eq!(directory.channels(), 1);
    directory.expire(Timestamp::from_seconds(300));
    assert_eq!(directory.channels(), 1);
    directory.expire(Timestamp::from_seconds(301));
    assert_eq!(directory.channels(), 0);
}

#[test]
fn a_notice_reaches_all_other_nodes_and_no_worker() {
    let (_bus, mut one, mut two) = two();
    assert!(one.bus.tell(Notice::Changed));
    assert_eq!(two.take_arrivals(), [Notice::Changed]);
    assert_eq!(one.take_arrivals(), []);
    assert_eq!(two.payloads(), []);
}

#[test]
fn publications_of_an_unheard_channel_do_not_come() {
    let (_bus, one, mut two) = two();
    one.say("ann", "t", "1");
    let mut arrived = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    let pending = pin!(two.feed.next(&mut arrived))
        .poll(&mut context)
        .is_pending();
    assert!(pending, "{arrived:?}");
    let channel = Channel::Broadcast;
    let reached = one.topics.directory().poll_reached(&channel, &context);
    assert!(reached.is_ready());
}
