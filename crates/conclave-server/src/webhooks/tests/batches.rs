use std::sync::Arc;
use std::time::Duration;

use conclave_core::{LogPage, Logged, Queued, QueuedKind};
use conclave_protocol::{
    DeliveryState, Event, EventKind, Message, MessageId, MessageKind, Profile, RoomId, Timestamp,
    UserId,
};
use serde_json::Value;

use crate::webhooks::batch::Batch;
use crate::webhooks::sender::Pace;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

fn event(number: u64, seconds: u64) -> Arc<Event> {
    let user = UserId::new("alice").unwrap();
    let message = Message {
        id: MessageId(u128::from(number)),
        room: RoomId::new("r").unwrap(),
        seq: number,
        author: Profile {
            name: user.as_str().into(),
            user,
            avatar: None,
        },
        kind: MessageKind::Text,
        content: "x".repeat(2000).into(),
        reply_to: None,
        client_id: Some("not for others".into()),
        created_at: at(seconds),
        updated_at: at(seconds),
        deleted_at: None,
        status: DeliveryState::Sent,
        answer: None,
    };
    Arc::new(Event {
        room: Some(RoomId::new("r").unwrap()),
        seq: number,
        number,
        at: at(seconds),
        kind: EventKind::Message(Box::new(message)),
    })
}

/// A page with an event at each of these seconds, numbers from 11.
fn page(seconds: &[u64], through: u64) -> LogPage {
    let events = (11..).zip(seconds).map(|(number, seconds)| Logged {
        event: event(number, *seconds),
        first_members: Vec::new(),
    });
    LogPage {
        events: events.collect(),
        through,
    }
}

/// Entries of (number, second), places from 1: connections, and with a number two recipients.
fn queue(entries: &[(u64, u64)]) -> Vec<Queued> {
    let entries = (1..).zip(entries).map(|(id, (number, seconds))| Queued {
        id,
        kind: match number {
            0 => QueuedKind::Connect,
            _ => QueuedKind::MessageOffline,
        },
        number: *number,
        at: at(*seconds),
        data: match number {
            0 => r#"{"user_id":"bob"}"#.to_owned(),
            _ => r#"["bob","carol"]"#.to_owned(),
        },
        event: (*number > 0).then(|| event(*number, *seconds)),
    });
    entries.collect()
}

/// Ids in order, and where the webhook stands then.
fn check(page: LogPage, queue: Vec<Queued>, events_max: u32, expected: (&str, u64, u64)) {
    let batch = Batch::merge(10, page, queue, events_max);
    let events: Vec<Value> = serde_json::from_slice(&batch.body).unwrap();
    let ids: Vec<&str> = events.iter().map(|e| e["id"].as_str().unwrap()).collect();
    let found = (ids.join(" "), batch.number, batch.queued);
    assert_eq!(found, (expected.0.to_owned(), expected.1, expected.2));
    assert_eq!(batch.events, u64::try_from(ids.len()).unwrap());
}

#[test]
fn nothing_makes_an_empty_batch_that_moves_on() {
    check(LogPage::default(), Vec::new(), 10, ("", 10, 0));
    check(page(&[], 50), Vec::new(), 10, ("", 50, 0));
}

#[test]
fn events_and_entries_come_by_time() {
    let both = (page(&[1, 3, 5], 20), queue(&[(0, 2), (0, 3), (0, 9)]));
    let expected = "event-11 queued-1 queued-2 event-12 event-13 queued-3";
    check(both.0, both.1, 10, (expected, 20, 3));
}

#[test]
fn who_missed_a_message_comes_after_it() {
    let both = (page(&[5, 5], 12), queue(&[(11, 5), (0, 1)]));
    let expected = "event-11 queued-1-0 queued-1-1 queued-2 event-12";
    check(both.0, both.1, 10, (expected, 12, 2));
    let unread = (page(&[5], 11), queue(&[(12, 5)]));
    check(unread.0, unread.1, 10, ("event-11", 11, 0));
    // It wants no messages, and sees only who missed them.
    let expected = "queued-1-0 queued-1-1";
    check(page(&[], 12), queue(&[(12, 5)]), 10, (expected, 12, 1));
}

#[test]
fn a_batch_has_its_bounds_and_takes_entries_whole() {
    let both = || (page(&[1, 2, 3], 13), queue(&[(11, 1)]));
    check(both().0, both().1, 1, ("event-11", 11, 0));
    check(both().0, both().1, 2, ("event-11", 11, 0));
    let three = "event-11 queued-1-0 queued-1-1";
    check(both().0, both().1, 3, (three, 11, 1));
    let alone = queue(&[(9, 1), (0, 1)]);
    check(page(&[], 10), alone, 1, ("queued-1-0 queued-1-1", 10, 1));
    let great = page(&[1; 1000], 1010);
    let batch = Batch::merge(10, great, Vec::new(), 1000);
    assert!(batch.body.len() <= 1024 * 1024, "{}", batch.body.len());
    assert!(batch.events > 400 && batch.number == 10 + batch.events);
}

#[test]
fn what_lost_its_message_is_passed_over() {
    let mut gone = queue(&[(9, 1), (0, 2)]);
    gone[0].event = None;
    check(page(&[], 10), gone, 10, ("queued-2", 10, 2));
}

#[test]
fn events_have_their_shape() {
    let batch = Batch::merge(10, page(&[1], 11), queue(&[(11, 1), (0, 2)]), 10);
    let events: Value = serde_json::from_slice(&batch.body).unwrap();
    let (message, missed, connect) = (&events[0], &events[2], &events[3]);
    assert_eq!(message["type"], "message");
    assert_eq!(message["time"], "2023-11-14T22:13:21.000Z");
    assert_eq!(message["data"]["change"], "created");
    assert_eq!(message["data"]["room_id"], "r");
    assert_eq!(message["data"]["seq"], 11);
    assert_eq!(message["data"]["message"]["user_id"], "alice");
    assert_eq!(missed["type"], "message_offline");
    assert_eq!(missed["data"]["user_id"], "carol");
    assert_eq!(missed["data"]["message"], message["data"]["message"]);
    assert_eq!(connect["type"], "connect");
    assert_eq!(connect["data"]["user_id"], "bob");
    assert!(!events.to_string().contains("not for others"));
}

#[test]
fn waits_grow_to_their_bound_and_vary_by_half() {
    let pace = Pace {
        first: Duration::from_secs(1),
        most: Duration::from_secs(60),
    };
    let millis = |failures, roll| pace.wait(failures, roll).as_millis();
    assert_eq!([millis(0, 500), millis(0, 0)], [1000, 500]);
    assert_eq!([millis(3, 500), millis(3, 0)], [8000, 4000]);
    for failures in [6, 7, 31, 32, u32::MAX] {
        assert_eq!(
            [millis(failures, 500), millis(failures, 0)],
            [60_000, 30_000]
        );
    }
}
