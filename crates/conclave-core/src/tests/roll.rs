//! Who is on which node, told between nodes that lose some of what is said.

use std::sync::Arc;
use std::time::Duration;

use conclave_protocol::UserId;
use proptest::prelude::*;

use crate::{
    ConnectionBounds, ConnectionGuard, ConnectionTable, Full, NodeCounts, NodeId, Notice, Roll,
};

struct Node {
    id: NodeId,
    table: Arc<ConnectionTable>,
    roll: Roll,
}

impl Node {
    fn new(number: u128) -> Self {
        let (id, table) = (NodeId(number), ConnectionTable::new());
        let roll = Roll::new(id, Arc::clone(&table));
        Self { id, table, roll }
    }

    fn open(&self, name: &str, bound: u32) -> Result<ConnectionGuard, Full> {
        let bounds = ConnectionBounds {
            user: bound,
            address: 0,
            all: 0,
        };
        self.table.open(Some(&user(name)), None, bounds)
    }

    fn tick(&self, millis: u64) -> Vec<Notice> {
        let (touched, _) = self.table.take_changes();
        let counts = || NodeCounts {
            active: self.table.counts().active,
            authenticated: self.table.counts().authenticated,
            surfaces: vec![("topics".into(), self.table.counts().active)],
        };
        self.roll.tick(at(millis), &touched, counts, true)
    }
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Everybody ticks, and all that is said arrives, answers too.
fn exchange(nodes: &[&Node], millis: u64) {
    exchange_but(nodes, millis, |_| false);
}

/// But what `lost` says is lost.
fn exchange_but(nodes: &[&Node], millis: u64, mut lost: impl FnMut(&Notice) -> bool) {
    let mut said = Vec::new();
    for node in nodes {
        said.extend(
            node.tick(millis)
                .into_iter()
                .map(|notice| (node.id, notice)),
        );
    }
    while let Some((from, notice)) = (!said.is_empty()).then(|| said.remove(0)) {
        if lost(&notice) {
            continue;
        }
        for node in nodes.iter().filter(|node| node.id != from) {
            let answer = node.roll.take(from, &notice, at(millis));
            said.extend(answer.map(|answer| (node.id, answer)));
        }
    }
}

#[test]
fn a_users_connections_are_counted_over_all_nodes() {
    let (one, two) = (Node::new(1), Node::new(2));
    let nodes = [&one, &two];
    let _here = one.open("ann", 0).unwrap();
    let there = [two.open("ann", 0).unwrap(), two.open("bob", 0).unwrap()];
    for millis in [0, 250, 500] {
        exchange(&nodes, millis);
    }
    assert_eq!(one.table.of_user(&user("ann")), 2);
    assert_eq!(one.table.of_user_here(&user("ann")), 1);
    assert_eq!(one.table.users_everywhere(), 2);
    exchange(&nodes, 1000);
    let (others, count) = one.roll.others();
    assert_eq!((others.active, others.authenticated, count), (2, 2, 1));
    assert_eq!(others.surfaces, [("topics".into(), 2)]);
    drop(there);
    exchange(&nodes, 2000);
    assert_eq!(one.table.of_user(&user("ann")), 1);
    assert_eq!(one.table.of_user(&user("bob")), 0);
    assert_eq!(one.roll.others().0.active, 0);
}

#[test]
fn the_bound_of_a_user_counts_other_nodes() {
    let (one, two) = (Node::new(1), Node::new(2));
    let _there = [two.open("ann", 3).unwrap(), two.open("ann", 3).unwrap()];
    for millis in [0, 250] {
        exchange(&[&one, &two], millis);
    }
    let _third = one.open("ann", 3).unwrap();
    assert_eq!(one.open("ann", 3).unwrap_err(), Full::User);
    assert_eq!(one.open("ann", 2).unwrap_err(), Full::User);
    one.open("ann", 0).unwrap();
    one.open("bob", 1).unwrap();
}

#[test]
fn a_silent_node_is_gone_after_four_seconds_with_its_users() {
    let (one, two) = (Node::new(1), Node::new(2));
    let _there = two.open("ann", 0).unwrap();
    for millis in [0, 250] {
        exchange(&[&one, &two], millis);
    }
    one.tick(4249);
    assert_eq!(one.table.of_user(&user("ann")), 1);
    one.tick(4250);
    assert_eq!(one.table.of_user(&user("ann")), 0);
    assert_eq!(one.roll.others().1, 0);
    let (touched, _) = one.table.take_changes();
    assert_eq!(touched, [user("ann")], "who asks is told that she went");
}

#[test]
fn that_a_node_has_fallen_silent_is_said_once() {
    let (one, two) = (Node::new(1), Node::new(2));
    exchange(&[&one, &two], 0);
    one.tick(3999);
    assert!(!one.roll.take_silence());
    one.tick(4000);
    assert!(one.roll.take_silence());
    assert!(!one.roll.take_silence());
    exchange(&[&one, &two], 5000);
    one.tick(8000);
    assert!(!one.roll.take_silence(), "it is back");
}

#[test]
fn while_nobody_can_be_heard_nobody_is_taken_to_be_gone() {
    let (one, two) = (Node::new(1), Node::new(2));
    let _there = two.open("ann", 0).unwrap();
    for millis in [0, 250] {
        exchange(&[&one, &two], millis);
    }
    let away = |millis| {
        let _told = one.roll.tick(at(millis), &[], NodeCounts::default, false);
    };
    away(60_000);
    assert_eq!(one.table.of_user(&user("ann")), 1);
    one.roll.doubt(at(61_000));
    one.tick(64_999);
    assert_eq!(one.table.of_user(&user("ann")), 1);
    one.tick(65_000);
    assert_eq!(one.table.of_user(&user("ann")), 0);
}

#[test]
fn a_node_that_comes_later_is_told_of_everybody() {
    let (one, three) = (Node::new(1), Node::new(3));
    let names: Vec<String> = (0..1200).map(|number| format!("u{number}")).collect();
    let _open: Vec<_> = names
        .iter()
        .map(|name| one.open(name, 0).unwrap())
        .collect();
    exchange(&[&one], 0);
    for millis in [1000, 1250] {
        exchange(&[&one, &three], millis);
    }
    assert_eq!(three.table.users_everywhere(), 1200);
}

proptest! {
    /// Whatever is lost: once nothing is lost any more, all agree.
    #[test]
    fn all_agree_after_losses(
        steps in proptest::collection::vec((0_usize..3, 0_usize..4, any::<bool>(), 0_u8..4), 1..60),
    ) {
        let nodes = [Node::new(1), Node::new(2), Node::new(3)];
        let all = nodes.each_ref();
        let names = ["ann", "bob", "cid", "dan"];
        let mut open: Vec<(usize, usize, ConnectionGuard)> = Vec::new();
        let mut millis = 0;
        for (node, name, comes, loss) in steps {
            if comes {
                open.push((node, name, nodes[node].open(names[name], 0).unwrap()));
            } else {
                open.retain(|(of, who, _)| (*of, *who) != (node, name));
            }
            millis += 250;
            let mut count = loss;
            exchange_but(&all, millis, |_| {
                count = count.wrapping_add(1);
                loss > 0 && count % 2 == 0
            });
        }
        for _ in 0..12 {
            millis += 250;
            exchange(&all, millis);
        }
        for (who, name) in names.iter().enumerate() {
            let due = open.iter().filter(|(_, of, _)| *of == who).count();
            for node in &nodes {
                prop_assert_eq!(node.table.of_user(&user(name)), u32::try_from(due).unwrap());
            }
        }
    }
}
