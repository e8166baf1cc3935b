//! Records of channels: one order for all nodes, and the newest kept.

use std::sync::Arc;

use conclave_core::{Arrival, Keeping, Place, Record, Recorded};
use conclave_protocol::{Body, Channel, Position, SessionKind};

use super::{End, bus_bodies, hear, note, parcel, plain, take, topic};

pub(super) async fn hold(nodes: &mut [End; 3]) {
    all_nodes_get_the_same_order(nodes).await;
    the_newest_are_kept_and_read_from_where_a_node_is(nodes).await;
    a_loss_leaves_its_place_free(nodes).await;
    what_is_not_to_be_kept_has_its_place_all_the_same(nodes).await;
    a_record_comes_whole_behind_the_subscription(nodes).await;
    records_of_channels_that_look_alike_are_kept_apart(nodes).await;
}

const KEEPING: Keeping = Keeping {
    messages: 4,
    seconds: 300,
};

fn give(end: &End, channel: &Channel, text: &str, keeping: Keeping) {
    let parcel = parcel(channel, note(text), Place::NONE);
    assert!(end.bus.record(parcel, keeping), "{text} is taken");
}

/// The next one of a record.
async fn recorded(end: &mut End) -> Recorded {
    match take(end).await {
        Arrival::Recorded { recorded, .. } => recorded,
        other => panic!("one of a record comes: {other:?}"),
    }
}

async fn read(end: &mut End, channel: &Channel, since: Option<Position>) -> Record {
    let channel = Arc::new(channel.clone());
    end.bus.read_record(&channel, since);
    loop {
        match take(end).await {
            Arrival::Record {
                channel: of,
                record,
            } if of == channel => {
                return record.unwrap_or_else(|| panic!("the record can be read"));
            }
            Arrival::Recorded { .. } => {}
            other => panic!("a record comes: {other:?}"),
        }
    }
}

fn text(recorded: &Recorded) -> String {
    match &recorded.body {
        Body::Topic(message) => message.payload.to_string(),
        other => panic!("a topic's message: {other:?}"),
    }
}

/// Text and offset of each.
fn shown(record: &Record) -> Vec<(String, u64)> {
    let kept = record.kept.iter();
    kept.map(|one| (text(one), one.position.offset)).collect()
}

fn texts(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    let owned = |(text, offset): &(&str, u64)| ((*text).to_owned(), *offset);
    list.iter().map(owned).collect()
}

fn forget(nodes: &[End; 3], channel: &Channel) {
    for node in nodes {
        node.bus.unsubscribe(&Arc::new(channel.clone()));
    }
}

async fn all_nodes_get_the_same_order(nodes: &mut [End; 3]) {
    let channel = plain("order of all");
    for node in &*nodes {
        hear(node, &channel).await;
    }
    for number in 0..300_usize {
        give(&nodes[number % 3], &channel, &number.to_string(), KEEPING);
    }
    let mut orders = Vec::new();
    for node in &mut *nodes {
        let mut order = Vec::new();
        for offset in 1..=300 {
            let next = recorded(node).await;
            assert_eq!(next.position.offset, offset);
            assert_eq!(next.at, crate::ports::second(60));
            order.push((next.position, text(&next)));
        }
        orders.push(order);
    }
    assert!(orders.iter().all(|order| *order == orders[0]));
    forget(nodes, &channel);
}

async fn the_newest_are_kept_and_read_from_where_a_node_is(nodes: &mut [End; 3]) {
    let channel = plain("kept");
    hear(&nodes[1], &channel).await;
    assert_eq!(read(&mut nodes[1], &channel, None).await, Record::default());
    for number in 1..=6 {
        give(&nodes[0], &channel, &number.to_string(), KEEPING);
        recorded(&mut nodes[1]).await;
    }
    hear(&nodes[2], &channel).await;
    let whole = read(&mut nodes[2], &channel, None).await;
    let newest = [("3", 3), ("4", 4), ("5", 5), ("6", 6)];
    assert_eq!(shown(&whole), texts(&newest));
    assert_eq!(whole.head.offset, 6);
    let since = |offset| {
        Some(Position {
            offset,
            ..whole.head
        })
    };
    let part = read(&mut nodes[2], &channel, since(4)).await;
    assert_eq!(shown(&part), texts(&newest[2..]));
    let nothing = read(&mut nodes[2], &channel, since(6)).await;
    assert_eq!((shown(&nothing), nothing.head), (vec![], whole.head));
    let elsewhere = Position {
        offset: 5,
        epoch: 1,
    };
    let all = read(&mut nodes[2], &channel, Some(elsewhere)).await;
    assert_eq!(all, whole, "of another epoch nothing is known");
    forget(nodes, &channel);
}

async fn a_loss_leaves_its_place_free(nodes: &mut [End; 3]) {
    let channel = plain("after a loss");
    hear(&nodes[0], &channel).await;
    for after_loss in [false, true, false] {
        let place = Place {
            after_loss,
            ..Place::NONE
        };
        let parcel = parcel(&channel, note("x"), place);
        assert!(nodes[0].bus.record(parcel, KEEPING));
    }
    for expected in [(1, false), (3, true), (4, false)] {
        let next = recorded(&mut nodes[0]).await;
        assert_eq!((next.position.offset, next.after_loss), expected);
    }
    forget(nodes, &channel);
}

async fn what_is_not_to_be_kept_has_its_place_all_the_same(nodes: &mut [End; 3]) {
    let channel = plain("unkept");
    hear(&nodes[0], &channel).await;
    let unkept = Keeping {
        messages: 0,
        ..KEEPING
    };
    for (text, keeping) in [("1", KEEPING), ("2", unkept), ("3", KEEPING)] {
        give(&nodes[0], &channel, text, keeping);
        recorded(&mut nodes[0]).await;
    }
    let record = read(&mut nodes[0], &channel, None).await;
    assert_eq!(shown(&record), texts(&[("1", 1), ("3", 3)]));
    forget(nodes, &channel);
}

/// Nothing falls between the reading and what arrives, however the two are asked for.
async fn a_record_comes_whole_behind_the_subscription(nodes: &mut [End; 3]) {
    for round in 0..20 {
        let channel = plain(&format!("behind {round}"));
        let shared = Arc::new(channel.clone());
        let [one, two, _] = &mut *nodes;
        for number in 1..=3 {
            give(one, &channel, &number.to_string(), KEEPING);
        }
        two.bus.subscribe(&shared);
        two.bus.read_record(&shared, None);
        give(one, &channel, "4", KEEPING);
        let mut heard: Vec<u64> = Vec::new();
        let mut kept = None;
        while kept.is_none() || heard.last().copied().max(kept) != Some(4) {
            match take(two).await {
                Arrival::Recorded { recorded, .. } => heard.push(recorded.position.offset),
                Arrival::Record {
                    record: Some(record),
                    ..
                } => kept = Some(record.head.offset),
                other => panic!("of a record: {other:?}"),
            }
        }
        forget(nodes, &channel);
    }
    // What was still under way of those.
    let fence = plain("fence of records");
    let [one, two, _] = &mut *nodes;
    hear(two, &fence).await;
    give(one, &fence, "fence", KEEPING);
    while text(&recorded(two).await) != "fence" {}
    forget(nodes, &fence);
}

async fn records_of_channels_that_look_alike_are_kept_apart(nodes: &mut [End; 3]) {
    let alike = [
        topic(SessionKind::Named, 0, "a", "b{c}"),
        topic(SessionKind::Named, 0, "a", "b%7Bc%7D"),
        topic(SessionKind::Named, 0, "a", "b}c{"),
        topic(SessionKind::Default, 0, "a", "b{c}"),
        topic(SessionKind::Named, 0, "a:b", "{c}"),
    ];
    for (number, channel) in alike.iter().enumerate() {
        give(&nodes[0], channel, &number.to_string(), KEEPING);
        hear(&nodes[1], channel).await;
        let record = read(&mut nodes[1], channel, None).await;
        assert_eq!(shown(&record), texts(&[(&*number.to_string(), 1)]));
        forget(nodes, channel);
    }
    let of_topics = |(channel, _): &(Channel, Body)| matches!(channel, Channel::Topic { .. });
    for (channel, body) in bus_bodies().into_iter().filter(of_topics) {
        let given = parcel(&channel, body.clone(), Place::NONE);
        assert!(nodes[0].bus.record(given, KEEPING));
        hear(&nodes[1], &channel).await;
        let record = read(&mut nodes[1], &channel, None).await;
        assert_eq!(record.kept.last().map(|one| &one.body), Some(&body));
        forget(nodes, &channel);
    }
}
