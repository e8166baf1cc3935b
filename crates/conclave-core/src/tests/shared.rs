//! Topics with history on several nodes of one bus.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Waker};

use conclave_protocol::{Body, Limits, Position, Publication};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::across::Node;
use super::{member, subscribe};
use crate::{Hub, Membership, MemoryBus, Subscribed, authorise};

fn limits() -> Limits {
    Limits {
        history_messages: 5,
        history_seconds: 300,
        history_topics: 2,
        ..Limits::default()
    }
}

fn nodes<const N: usize>() -> (Arc<MemoryBus>, [Node; N]) {
    let bus = MemoryBus::new();
    let nodes = std::array::from_fn(|number| {
        Node::join_with(&bus, 1 + u128::try_from(number).unwrap(), &limits())
    });
    (bus, nodes)
}

/// Subscribes as a connection does: once what the bus keeps is known.
fn hear(node: &mut Node, name: &str, since: Option<Position>) -> Subscribed {
    let permit = authorise(&member("ann"), subscribe(name, since)).unwrap();
    let reaching = node.topics.reach(&permit, 0);
    if let Some(reaching) = &reaching {
        let context = Context::from_waker(Waker::noop());
        assert!(reaching.poll_reached(&context).is_pending());
        node.take_arrivals();
        assert!(reaching.poll_reached(&context).is_ready());
    }
    node.topics.subscribe(permit, 0)
}

/// Payload and place, as clients see it.
fn shown(publications: &[Arc<Publication>]) -> Vec<(String, u64)> {
    let shown = |publication: &Arc<Publication>| match &publication.body {
        Body::Topic(message) => (message.payload.to_string(), publication.shown.offset),
        Body::Broadcast { .. } | Body::Event(_) | Body::Wallet(_) => panic!("no topic's message"),
    };
    publications.iter().map(shown).collect()
}

fn texts(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    let owned = |(text, offset): &(&str, u64)| ((*text).to_owned(), *offset);
    list.iter().map(owned).collect()
}

fn newest(publications: &[Arc<Publication>]) -> Position {
    publications.last().unwrap().shown
}

#[test]
fn all_nodes_see_the_places_that_the_bus_gave() {
    let (_bus, mut nodes) = nodes::<2>();
    for node in &mut nodes {
        hear(node, "t", None);
    }
    nodes[0].say("ann", "t", "a");
    nodes[1].say("ann", "t", "b");
    nodes[0].say("ann", "t", "c");
    for node in &mut nodes {
        assert_eq!(shown(&node.heard()), texts(&[("a", 1), ("b", 2), ("c", 3)]));
    }
}

#[test]
fn who_comes_back_on_another_node_gets_what_it_missed() {
    let (_bus, [mut one, mut two]) = nodes();
    hear(&mut one, "t", None);
    one.say("ann", "t", "a");
    let last = newest(&one.heard());
    one.say("ann", "t", "b");
    one.say("ann", "t", "c");
    let again = hear(&mut two, "t", Some(last));
    assert_eq!(shown(&again.replay), texts(&[("b", 2), ("c", 3)]));
    assert!(!again.gap);
    one.say("ann", "t", "d");
    assert_eq!(shown(&two.heard()), texts(&[("d", 4)]), "and then goes on");
    let known = hear(&mut two, "t", Some(last));
    assert_eq!(shown(&known.replay), texts(&[("b", 2), ("c", 3), ("d", 4)]));
}

#[test]
fn what_is_not_kept_any_more_is_a_gap() {
    let (_bus, [mut one, mut two]) = nodes();
    hear(&mut one, "t", None);
    one.say("ann", "t", "0");
    let last = newest(&one.heard());
    for payload in ["1", "2", "3", "4", "5", "6"] {
        one.say("ann", "t", payload);
    }
    let again = hear(&mut two, "t", Some(last));
    assert_eq!(again.replay.len(), 5);
    assert!(again.gap);
}

#[test]
fn a_bus_that_lost_its_records_begins_a_new_epoch() {
    let (bus, [mut one, mut two]) = nodes();
    hear(&mut one, "t", None);
    one.say("ann", "t", "a");
    let last = newest(&one.heard());
    bus.forget_records();
    one.say("ann", "t", "b");
    let heard = one.heard();
    assert_eq!(shown(&heard), texts(&[]), "it is looked into first");
    let heard = one.heard();
    assert_eq!(shown(&heard), texts(&[("b", 1)]));
    assert_ne!(newest(&heard).epoch, last.epoch);
    for node in [&mut one, &mut two] {
        let again = hear(node, "t", Some(last));
        assert_eq!(shown(&again.replay), texts(&[("b", 1)]));
        assert!(again.gap);
    }
}

#[test]
fn without_the_bus_a_node_serves_its_own_and_afterwards_all_see_the_gap() {
    let (bus, [mut one, mut two]) = nodes();
    hear(&mut one, "t", None);
    hear(&mut two, "t", None);
    one.say("ann", "t", "a");
    let last = newest(&one.heard());
    two.heard();
    bus.cut();
    one.say("ann", "t", "b");
    let heard = one.heard();
    assert_eq!(shown(&heard), texts(&[("b", 0)]));
    assert_ne!(newest(&heard).epoch, last.epoch);
    let away = hear(&mut one, "t", Some(last));
    assert!(!away.gap, "nothing else can have been published");
    let elsewhere = hear(&mut one, "t", Some(newest(&heard)));
    assert!(elsewhere.gap);
    bus.mend();
    one.take_arrivals();
    two.take_arrivals();
    one.say("ann", "t", "c");
    assert_eq!(shown(&one.heard()), texts(&[("c", 3)]));
    assert_eq!(shown(&two.heard()), texts(&[("c", 3)]));
    let again = hear(&mut two, "t", Some(last));
    assert_eq!(shown(&again.replay), texts(&[("c", 3)]));
    assert!(again.gap);
}

#[test]
fn what_others_published_during_an_interruption_is_caught_up_with() {
    let (bus, [mut one, mut two]) = nodes();
    hear(&mut two, "t", None);
    one.say("ann", "t", "a");
    assert_eq!(shown(&two.heard()), texts(&[("a", 1)]));
    let channel = hear(&mut one, "t", None).channel;
    // Its messages are lost on their way, as in an interruption of this node alone.
    two.bus().unsubscribe(&channel);
    one.say("ann", "t", "b");
    two.bus().subscribe(&channel);
    two.topics.directory().arrive(crate::Arrival::Missed);
    assert_eq!(shown(&two.heard()), texts(&[("b", 2)]));
    drop(bus);
}

#[test]
fn a_subscription_while_the_bus_is_away_is_answered_with_a_gap() {
    let (bus, [mut one]) = nodes();
    bus.cut();
    let last = Position {
        offset: 1,
        epoch: 1,
    };
    assert!(hear(&mut one, "t", Some(last)).gap);
    one.say("ann", "t", "a");
    assert_eq!(shown(&one.heard()), texts(&[("a", 0)]));
}

#[test]
fn only_so_many_topics_of_a_node_are_kept() {
    let (_bus, [one, mut two]) = nodes();
    for name in ["a", "b", "c"] {
        one.say("ann", name, "1");
    }
    let from_start = |epoch| Some(Position { offset: 0, epoch });
    for (name, epoch, kept) in [("a", 1, 1), ("b", 2, 1)] {
        let heard = hear(&mut two, name, from_start(epoch));
        assert_eq!((heard.replay.len(), heard.gap), (kept, false), "{name}");
    }
    let heard = hear(&mut two, "c", from_start(3));
    assert_eq!((heard.replay.len(), heard.gap), (0, true));
}

#[derive(Clone, Debug)]
enum Step {
    Say(usize),
    Deliver(usize),
    Come { client: usize, node: usize },
    Go(usize),
    Forget,
    Cut,
    Mend,
}

const NODES: usize = 3;
const CLIENTS: usize = 4;

fn steps(losses: bool) -> impl Strategy<Value = Vec<Step>> {
    let loss = u32::from(losses);
    let step = prop_oneof![
        8 => (0..NODES).prop_map(Step::Say),
        8 => (0..NODES).prop_map(Step::Deliver),
        4 => (0..CLIENTS, 0..NODES).prop_map(|(client, node)| Step::Come { client, node }),
        3 => (0..CLIENTS).prop_map(Step::Go),
        loss => Just(Step::Forget),
        loss => Just(Step::Cut),
        loss * 2 => Just(Step::Mend),
    ];
    proptest::collection::vec(step, 1..120)
}

/// A client and what it has seen.
#[derive(Default)]
struct Client {
    at: Option<(usize, Membership)>,
    seen: Vec<(Position, String)>,
}

struct World {
    bus: Arc<MemoryBus>,
    nodes: [Node; NODES],
    hubs: Vec<std::rc::Rc<Hub>>,
    clients: [Client; CLIENTS],
    said: usize,
    /// What stands at each place.
    places: HashMap<(u64, u64), String>,
}

impl World {
    fn new() -> Self {
        let (bus, nodes) = nodes::<NODES>();
        let hub = |node: &Node| Hub::new(Arc::clone(node.topics.directory()), 0);
        Self {
            hubs: nodes.iter().map(hub).collect(),
            bus,
            nodes,
            clients: Default::default(),
            said: 0,
            places: HashMap::new(),
        }
    }

    fn see(&mut self, client: usize, publication: &Publication) -> Result<(), TestCaseError> {
        let Body::Topic(message) = &publication.body else {
            panic!("a topic's message")
        };
        let (position, text) = (publication.shown, message.payload.to_string());
        let seen = &mut self.clients[client].seen;
        prop_assert!(
            seen.iter().all(|(_, before)| *before != text),
            "{text} reaches {client} twice"
        );
        if position.offset > 0 {
            let key = (position.epoch, position.offset);
            let stands = self.places.entry(key).or_insert_with(|| text.clone());
            prop_assert_eq!(&*stands, &text, "one place, one message");
            let last = seen.iter().rev().find(|(before, _)| before.offset > 0);
            if let Some((last, _)) = last.filter(|(last, _)| last.epoch == position.epoch) {
                prop_assert!(last.offset < position.offset, "{client} hears in order");
            }
        }
        seen.push((position, text));
        Ok(())
    }

    fn deliver(&mut self, node: usize) -> Result<(), TestCaseError> {
        for publication in self.nodes[node].heard() {
            self.hubs[node].offer(publication);
        }
        while let Some(walk) = self.hubs[node].turn() {
            while let Some(reached) = walk.next_member() {
                let client = usize::try_from(reached.slot).unwrap();
                for publication in walk.batch().publications() {
                    if publication.is_after(reached.from) {
                        self.see(client, publication)?;
                    }
                }
            }
            self.hubs[node].end_turn(walk);
        }
        Ok(())
    }

    /// Whether the client was told of no gap.
    fn come(&mut self, client: usize, node: usize) -> Result<bool, TestCaseError> {
        self.clients[client].at = None;
        let last = self.clients[client].seen.last().map(|(place, _)| *place);
        // What was on its way to others meanwhile must not be lost to them.
        self.deliver(node)?;
        let subscribed = hear(&mut self.nodes[node], "t", last);
        if subscribed.gap {
            // It is sent all that is kept, and knows that it has to begin anew.
            self.clients[client].seen.clear();
        }
        let slot = u32::try_from(client).unwrap();
        let membership = self.hubs[node].join(&subscribed, slot);
        for publication in &subscribed.replay {
            self.see(client, publication)?;
        }
        self.clients[client].at = Some((node, membership));
        Ok(!subscribed.gap)
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Say(node) => {
                self.said += 1;
                self.nodes[node].say("ann", "t", &self.said.to_string());
            }
            Step::Deliver(node) => self.deliver(node)?,
            Step::Come { client, node } => {
                self.come(client, node)?;
            }
            Step::Go(client) => self.clients[client].at = None,
            Step::Forget => self.bus.forget_records(),
            Step::Cut => self.bus.cut(),
            Step::Mend => self.bus.mend(),
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn no_client_hears_anything_twice_or_out_of_order(steps in steps(true)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step)?;
        }
    }

    #[test]
    fn on_whichever_nodes_a_client_was_it_has_all_or_knows_of_the_gap(steps in steps(false)) {
        let mut world = World::new();
        let mut whole = [true; CLIENTS];
        for step in &steps {
            if let Step::Come { client, node } = *step {
                whole[client] &= world.come(client, node)?;
            } else {
                world.step(step)?;
            }
        }
        for (client, whole) in whole.iter_mut().enumerate() {
            *whole &= world.come(client, client % NODES)?;
        }
        for node in 0..NODES {
            world.deliver(node)?;
        }
        for (client, whole) in world.clients.iter().zip(whole) {
            let offsets: Vec<_> = client.seen.iter().map(|(place, _)| place.offset).collect();
            let from = offsets.first().copied().unwrap_or(1);
            let all: Vec<_> = (from..=u64::try_from(world.said).unwrap()).collect();
            prop_assert!(!whole || offsets.is_empty() || offsets == all, "{offsets:?}");
        }
    }
}
