use conclave_protocol::{Limits, Position, Timestamp};

use super::{member, publish, publisher, subscribe, topics};
use crate::{Subscribed, Topics, authorise};

fn limits(messages: usize, seconds: u32, topics: usize) -> Limits {
    Limits {
        history_messages: messages,
        history_seconds: seconds,
        history_topics: topics,
        ..Limits::default()
    }
}

fn say_at(topics: &Topics, name: &str, seconds: u64) {
    let ann = member("ann");
    let permit = authorise(&ann, publish(name, "1")).unwrap();
    let _published = topics.publish(permit, publisher(&ann), Timestamp::from_seconds(seconds));
}

fn hear(topics: &Topics, name: &str, since: Option<Position>) -> Subscribed {
    topics.subscribe(
        authorise(&member("ann"), subscribe(name, since)).unwrap(),
        0,
    )
}

/// What a subscription since `offset` of the current epoch replays, and whether it has a gap.
fn replay(topics: &Topics, name: &str, offset: u64) -> (Vec<u64>, bool) {
    let Position { epoch, .. } = hear(topics, name, None).position;
    let subscribed = hear(topics, name, Some(Position { offset, epoch }));
    let offsets = subscribed
        .replay
        .iter()
        .map(|publication| publication.position.offset);
    (offsets.collect(), subscribed.gap)
}

#[test]
fn the_newest_messages_are_kept() {
    let topics = topics(1, &limits(3, 300, 1));
    (0..5).for_each(|_| say_at(&topics, "t", 0));
    let cases: [(u64, &[u64], bool); 6] = [
        (0, &[3, 4, 5], true),
        (1, &[3, 4, 5], true),
        (2, &[3, 4, 5], false),
        (4, &[5], false),
        (5, &[], false),
        (6, &[3, 4, 5], true),
    ];
    for (offset, kept, gap) in cases {
        assert_eq!(
            replay(&topics, "t", offset),
            (kept.to_vec(), gap),
            "since {offset}"
        );
    }
}

#[test]
fn messages_are_kept_so_many_seconds() {
    let topics = topics(1, &limits(100, 10, 1));
    (0..5).for_each(|second| say_at(&topics, "t", second * 5));
    assert_eq!(
        replay(&topics, "t", 1),
        (vec![3, 4, 5], true),
        "the last one forgot the first two"
    );
    topics.directory().expire(Timestamp::from_seconds(25));
    assert_eq!(replay(&topics, "t", 3), (vec![4, 5], false));
    topics.directory().expire(Timestamp::from_millis(30_000));
    assert_eq!(
        replay(&topics, "t", 4),
        (vec![5], false),
        "just old enough to stay"
    );
    topics.directory().expire(Timestamp::from_millis(30_001));
    assert_eq!(replay(&topics, "t", 4), (vec![], true));
    assert_eq!(
        replay(&topics, "t", 5),
        (vec![], false),
        "nothing is missing"
    );
}

#[test]
fn only_so_many_topics_keep_history() {
    let topics = topics(1, &limits(10, 300, 2));
    for name in ["a", "b", "c", "d"] {
        say_at(&topics, name, 0);
    }
    assert_eq!(topics.directory().channels(), 2);
    let heard = ["a", "b", "c", "d"].map(|name| hear(&topics, name, None).position.offset);
    assert_eq!(
        heard,
        [1, 1, 0, 0],
        "the others begin with their subscriber"
    );
    assert_eq!(replay(&topics, "a", 0), (vec![1], false));
    say_at(&topics, "c", 0);
    assert_eq!(
        replay(&topics, "c", 0),
        (vec![], true),
        "it has no history, and says so"
    );
}

#[test]
fn forgotten_history_makes_room_for_another_topic() {
    let topics = topics(1, &limits(10, 300, 1));
    say_at(&topics, "a", 0);
    say_at(&topics, "b", 0);
    assert_eq!(topics.directory().channels(), 1);
    topics.directory().expire(Timestamp::from_seconds(301));
    assert_eq!(topics.directory().channels(), 0);
    // Forgotten twice, it still makes room for one only.
    topics.directory().expire(Timestamp::from_seconds(302));
    say_at(&topics, "b", 302);
    say_at(&topics, "a", 302);
    assert_eq!(topics.directory().channels(), 1);
    assert_eq!(replay(&topics, "b", 0), (vec![1], false));
}

#[test]
fn an_epoch_ends_when_the_channel_is_forgotten() {
    let bounds = limits(10, 300, 1);
    let topics = topics(1, &bounds);
    say_at(&topics, "t", 0);
    let hub = crate::Hub::new(std::sync::Arc::clone(topics.directory()), 0);
    let first = hear(&topics, "t", None);
    drop(hub.join(&first, 1));
    let again = hear(&topics, "t", Some(first.position));
    assert_eq!(
        (again.position, again.gap),
        (first.position, false),
        "history keeps it"
    );
    drop(hub.join(&again, 1));
    topics.directory().expire(Timestamp::from_seconds(301));

    let new = hear(&topics, "t", Some(first.position));
    assert_ne!(new.position.epoch, first.position.epoch);
    assert_eq!((new.position.offset, new.gap), (0, true));
    assert!(new.replay.is_empty());
}

#[test]
fn a_replay_of_another_epoch_is_everything_kept_and_a_gap() {
    let topics = topics(1, &limits(10, 300, 1));
    (0..3).for_each(|_| say_at(&topics, "t", 0));
    let epoch = hear(&topics, "t", None).position.epoch + 1;
    let subscribed = hear(&topics, "t", Some(Position { offset: 2, epoch }));
    assert_eq!((subscribed.replay.len(), subscribed.gap), (3, true));
    assert_eq!(subscribed.position.offset, 3);
}

#[test]
fn the_broadcast_stream_keeps_no_history() {
    let topics = topics(1, &limits(10, 300, 10));
    let ann = member("ann");
    let permit = authorise(&ann, super::broadcast("")).unwrap();
    let _published = topics.broadcast(permit, publisher(&ann), Timestamp::from_millis(0), 0);
    assert_eq!(topics.directory().channels(), 0);
}

#[test]
fn a_clock_that_goes_back_forgets_nothing_young() {
    let topics = topics(1, &limits(10, 10, 1));
    say_at(&topics, "t", 100);
    say_at(&topics, "t", 95);
    topics.directory().expire(Timestamp::from_seconds(96));
    assert_eq!(replay(&topics, "t", 0), (vec![1, 2], false));
}
