//! Two nodes over one store: a room has one order on both, whatever the bus loses.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use conclave_protocol::{
    Body, Channel, CreateRoom, DeleteRoom, Event, EventKind, Limits, MessageId, Publication,
    RoomId, RoomKind, SetTyping,
};

use super::{Told, at, follow, id_of, now, permit, room_id, text, user};
use crate::{
    Directory, Feed, HearAll, Hub, Membership, MemoryBus, MemoryFeed, MemoryRooms, NodeId, Origin,
    Outlet, Rooms,
};

struct Node {
    directory: Arc<Directory>,
    rooms: Rooms,
    hub: Rc<Hub>,
    feed: MemoryFeed,
}

/// Two nodes; what is asked of the store, the node asks whose turn it is.
struct Pair {
    nodes: [Node; 2],
    bus: Arc<MemoryBus>,
    turn: Arc<AtomicUsize>,
    next_id: Cell<u128>,
    room: RoomId,
}

/// The store's events go out on the node that stored them.
struct Turns {
    directories: [Arc<Directory>; 2],
    turn: Arc<AtomicUsize>,
}

impl Outlet for Turns {
    fn publish(&self, channel: Channel, event: Arc<Event>, origin: Origin) {
        let node = self.turn.load(Ordering::SeqCst);
        Outlet::publish(&*self.directories[node], channel, event, origin);
    }
}

impl Pair {
    fn new() -> Self {
        let bus = MemoryBus::new();
        let limits = Limits::default();
        let turn = Arc::new(AtomicUsize::new(0));
        let ends = [bus.join(NodeId(1)), bus.join(NodeId(2))];
        let [one, two] = ends.map(|(end, feed)| {
            let directory = Directory::new(1, &limits, 1000).with_bus(end);
            (Arc::new(directory), feed)
        });
        let directories = [Arc::clone(&one.0), Arc::clone(&two.0)];
        let outlet = Arc::new(Turns {
            directories,
            turn: Arc::clone(&turn),
        });
        let store = Arc::new(MemoryRooms::new(outlet, &limits));
        let nodes = [one, two].map(|(directory, feed)| Node {
            rooms: Rooms::new(
                store.clone(),
                Arc::clone(&directory),
                Arc::new(Told::default()),
                limits.clone(),
            ),
            hub: Hub::new(Arc::clone(&directory), 0),
            directory,
            feed,
        });
        let pair = Self {
            nodes,
            bus,
            turn,
            next_id: Cell::new(1),
            room: room_id("r"),
        };
        let room = CreateRoom {
            name: Some("r".into()),
            description: None,
            kind: RoomKind::Public,
            members: vec![id_of("bob")],
        };
        now(pair.nodes[0]
            .rooms
            .create(permit(&user("ann"), room), room_id("r"), at(0)))
        .unwrap();
        pair
    }

    /// A connection of bob's begins to hear the room there, all the way.
    fn hear(&self, node: usize) -> Membership {
        let node = &self.nodes[node];
        let permit = follow(&user("bob"), &self.room);
        let membership = node.hub.join(&node.rooms.hear(&permit, 0), 0);
        let read = now(node.rooms.replay(&permit, u64::MAX >> 11, 1)).unwrap();
        membership.skip_to(read.last_seq);
        membership
    }

    fn send(&self, node: usize, content: &str) {
        self.turn.store(node, Ordering::SeqCst);
        let id = MessageId(self.next_id.replace(self.next_id.get() + 1));
        let rooms = &self.nodes[node].rooms;
        now(rooms.send(permit(&user("ann"), text(&self.room, content)), id, at(1))).unwrap();
    }

    fn take_arrivals(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        let mut arrived = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        let _pending = pin!(node.feed.next(&mut arrived)).poll(&mut context);
        arrived
            .into_iter()
            .for_each(|arrival| node.directory.arrive(arrival));
    }

    fn gaps(&self, node: usize) -> Vec<RoomId> {
        let mut rooms = Vec::new();
        let context = Context::from_waker(Waker::noop());
        let _none = self.nodes[node].directory.poll_gaps(&context, &mut rooms);
        rooms
    }

    fn close_gaps(&self, node: usize) {
        for room in self.gaps(node) {
            now(self.nodes[node].rooms.close_gap(&room)).unwrap();
        }
    }

    /// Sequence number and text of what a worker got since the last look.
    fn heard(&mut self, node: usize) -> Vec<(u64, String)> {
        self.take_arrivals(node);
        let mut taken: Vec<Arc<Publication>> = Vec::new();
        self.nodes[node]
            .directory
            .inbox(0)
            .unwrap()
            .take(&mut taken);
        let shown = |p: &Arc<Publication>| match &p.body {
            Body::Event(event) => (
                event.seq,
                match &event.kind {
                    EventKind::Message(message) => message.content.to_string(),
                    EventKind::Typing { .. } => "typing".into(),
                    EventKind::Deleted => "deleted".into(),
                    other => panic!("{other:?}"),
                },
            ),
            other => panic!("{other:?}"),
        };
        taken.iter().map(shown).collect()
    }
}

fn events(list: &[(u64, &str)]) -> Vec<(u64, String)> {
    list.iter()
        .map(|(seq, text)| (*seq, (*text).to_owned()))
        .collect()
}

#[test]
fn messages_of_both_nodes_come_in_one_order_on_both() {
    let mut pair = Pair::new();
    let _hearing = [pair.hear(0), pair.hear(1)];
    for node in [0, 1] {
        pair.take_arrivals(node);
        pair.close_gaps(node);
    }
    pair.send(0, "a");
    pair.take_arrivals(1);
    pair.send(1, "b");
    pair.take_arrivals(0);
    pair.send(0, "c");
    let expected = events(&[(2, "a"), (3, "b"), (4, "c")]);
    assert_eq!(pair.heard(0), expected);
    assert_eq!(pair.heard(1), expected);
    assert_eq!(pair.gaps(1), [], "nothing was missed");
}

#[test]
fn an_event_waits_for_the_one_before_it() {
    let mut pair = Pair::new();
    let _hearing = pair.hear(1);
    pair.gaps(1);
    pair.send(0, "a");
    // Its own node stores the next before it has heard of the first.
    pair.send(1, "b");
    let inbox = pair.nodes[1].directory.inbox(0).unwrap();
    assert_eq!(inbox.outstanding(), 0, "b is held");
    assert_eq!(pair.gaps(1), [room_id("r")]);
    assert_eq!(pair.heard(1), events(&[(2, "a"), (3, "b")]));
}

#[test]
fn what_the_bus_lost_is_read_from_the_store() {
    let mut pair = Pair::new();
    let _hearing = pair.hear(1);
    pair.take_arrivals(1);
    pair.close_gaps(1);
    pair.bus.cut();
    pair.send(0, "a");
    pair.send(0, "b");
    pair.bus.mend();
    pair.send(0, "c");
    assert_eq!(pair.heard(1), [], "c waits");
    pair.close_gaps(1);
    assert_eq!(pair.heard(1), events(&[(2, "a"), (3, "b"), (4, "c")]));
    pair.close_gaps(1);
    assert_eq!(pair.heard(1), [], "once");
}

#[test]
fn after_an_interruption_the_store_is_read_though_nothing_new_comes() {
    let mut pair = Pair::new();
    let _hearing = pair.hear(1);
    pair.take_arrivals(1);
    pair.close_gaps(1);
    pair.bus.cut();
    pair.send(0, "a");
    pair.bus.mend();
    pair.take_arrivals(1);
    pair.close_gaps(1);
    assert_eq!(pair.heard(1), events(&[(2, "a")]));
}

#[test]
fn while_the_bus_is_away_a_node_hears_the_others_with_its_own_next_message() {
    let mut pair = Pair::new();
    let _hearing = pair.hear(1);
    pair.bus.cut();
    pair.send(0, "a");
    pair.send(1, "b");
    pair.close_gaps(1);
    assert_eq!(pair.heard(1), events(&[(2, "a"), (3, "b")]));
}

#[test]
fn what_comes_while_a_room_is_being_opened_is_neither_lost_nor_heard_twice() {
    let mut pair = Pair::new();
    let node = &pair.nodes[1];
    let permit = follow(&user("bob"), &pair.room);
    let membership = node.hub.join(&node.rooms.hear(&permit, 0), 0);
    pair.send(0, "before the read");
    pair.take_arrivals(1);
    let node = &pair.nodes[1];
    let read = now(node.rooms.replay(&permit, 0, 10)).unwrap();
    assert_eq!(read.last_seq, 2);
    membership.skip_to(read.last_seq);
    assert_eq!(pair.heard(1), [], "it was in what was read");
    pair.send(0, "after it");
    assert_eq!(pair.heard(1), events(&[(3, "after it")]));
}

#[test]
fn who_was_taken_into_a_room_while_the_bus_was_away_is_told_afterwards() {
    let mut pair = Pair::new();
    let node = &pair.nodes[1];
    let hears_all = permit(&user("bob"), HearAll);
    let [feed, _] = node.rooms.hear_feed(&hears_all, 0);
    let _hearing = node.hub.join(&feed, 0);
    pair.take_arrivals(1);
    pair.bus.cut();
    let room = |members: Vec<_>| CreateRoom {
        name: Some("later".into()),
        description: None,
        kind: RoomKind::Private,
        members,
    };
    for (id, members) in [("with", vec![id_of("bob")]), ("without", vec![])] {
        let ask = permit(&user("ann"), room(members));
        now(pair.nodes[0].rooms.create(ask, room_id(id), at(1))).unwrap();
    }
    pair.bus.mend();
    pair.take_arrivals(1);
    now(pair.nodes[1].rooms.tell_entered(1)).unwrap();
    let mut taken: Vec<Arc<Publication>> = Vec::new();
    pair.nodes[1].directory.inbox(0).unwrap().take(&mut taken);
    let entered = taken.iter().map(|p| match &p.body {
        Body::Event(event) => (event.room.clone(), event.kind.clone()),
        other => panic!("{other:?}"),
    });
    let due = (Some(room_id("with")), EventKind::Entered { seq: 1 });
    assert_eq!(entered.collect::<Vec<_>>(), [due]);
}

#[test]
fn typing_crosses_and_waits_for_nothing() {
    let mut pair = Pair::new();
    let _hearing = pair.hear(1);
    let room = pair.room.clone();
    let ask = SetTyping { room, typing: true };
    pair.nodes[0]
        .rooms
        .set_typing(permit(&user("ann"), ask), at(1))
        .unwrap();
    assert_eq!(pair.heard(1), events(&[(0, "typing")]));
}

#[test]
fn a_room_that_was_deleted_while_the_bus_was_away_ends() {
    let mut pair = Pair::new();
    let _hearing = pair.hear(1);
    pair.bus.cut();
    pair.send(0, "a");
    let room = pair.room.clone();
    pair.turn.store(0, Ordering::SeqCst);
    now(pair.nodes[0]
        .rooms
        .delete(permit(&user("ann"), DeleteRoom { room }), at(2)))
    .unwrap();
    pair.bus.mend();
    pair.take_arrivals(1);
    pair.close_gaps(1);
    assert_eq!(pair.heard(1), events(&[(2, "deleted")]));
}
