use conclave_protocol::{Limits, Refusal, RoomKind, UserId};

use super::{Stage, at, moment, refused, text, user};
use crate::rooms::rates::Rates;

#[test]
fn a_user_sends_so_many_messages_over_all_rooms() {
    let stage = Stage::with(Limits {
        user_messages_per_second: 2,
        ..Limits::default()
    });
    let rooms = [
        stage.room("one", RoomKind::Private, &["bob"]),
        stage.room("two", RoomKind::Private, &["bob"]),
    ];
    let send = |who: &str, number: usize, millis| {
        let room = &rooms[number % rooms.len()];
        stage.send(&user(who), text(room, "x"), at(millis))
    };
    // Five seconds' worth at once.
    (0..10).for_each(|number| drop(send("ann", number, 0).unwrap()));
    let fault = send("ann", 0, 0).unwrap_err();
    assert_eq!(fault.refusal(), Refusal::RateLimited);
    assert_eq!(fault.message(), "you send at most 2 messages per second");
    send("bob", 0, 0).unwrap();
    assert_eq!(refused(send("ann", 1, 499)), Refusal::RateLimited);
    send("ann", 1, 500).unwrap();
    assert_eq!(refused(send("ann", 0, 501)), Refusal::RateLimited);
}

#[test]
fn a_room_takes_so_many_messages_of_all_its_members() {
    let stage = Stage::with(Limits {
        room_messages_per_second: 1,
        ..Limits::default()
    });
    let room = stage.room("one", RoomKind::Private, &["bob"]);
    let other = stage.room("two", RoomKind::Private, &[]);
    let send = |who: &str, millis| stage.send(&user(who), text(&room, "x"), at(millis));
    for who in ["ann", "bob", "ann", "bob", "ann"] {
        send(who, 0).unwrap();
    }
    let fault = send("bob", 0).unwrap_err();
    assert_eq!(fault.refusal(), Refusal::RateLimited);
    assert_eq!(
        fault.message(),
        "this room takes at most 1 messages per second"
    );
    stage.send(&user("ann"), text(&other, "x"), at(0)).unwrap();
    send("bob", 1000).unwrap();
}

#[test]
fn who_may_not_send_does_not_use_up_the_room() {
    let stage = Stage::with(Limits {
        room_messages_per_second: 1,
        ..Limits::default()
    });
    let room = stage.room("one", RoomKind::Public, &[]);
    for _ in 0..50 {
        let sent = stage.send(&user("eve"), text(&room, "x"), at(0));
        assert_eq!(refused(sent), Refusal::NotFound);
    }
    for _ in 0..5 {
        stage.send(&user("ann"), text(&room, "x"), at(0)).unwrap();
    }
}

#[test]
fn without_a_bound_nobody_is_too_fast() {
    let stage = Stage::with(Limits {
        user_messages_per_second: 0,
        room_messages_per_second: 0,
        ..Limits::default()
    });
    let room = stage.room("one", RoomKind::Private, &[]);
    for _ in 0..500 {
        stage.send(&user("ann"), text(&room, "x"), at(0)).unwrap();
    }
}

/// Workers read the clock before they come to the bucket, so that times are not always in order.
#[test]
fn a_time_that_goes_back_a_little_fills_no_bucket() {
    let rates: Rates<String> = Rates::new(1);
    let take = |millis| rates.take(&"ann".to_owned(), moment(millis));
    (0..5).for_each(|_| assert!(take(10_000)));
    assert!(!take(9_999));
    assert!(!take(10_000));
    assert!(!take(8_000));
    assert!(take(11_000));
    // Where the clock was set back, the bucket begins anew.
    assert!(take(1_000));
    (0..4).for_each(|_| assert!(take(1_000)));
    assert!(!take(1_000));
}

#[test]
fn buckets_that_are_full_again_are_forgotten() {
    let rates: Rates<String> = Rates::new(1);
    for number in 0..100_000 {
        rates.take(&format!("user{number}"), moment(0));
    }
    assert_eq!(rates.kept(), 100_000);
    rates.take(&"late".to_owned(), moment(4_999));
    assert_eq!(rates.kept(), 100_001, "none is full yet");
    rates.take(&"later".to_owned(), moment(5_000));
    assert_eq!(rates.kept(), 2);
    rates.give_back(&"later".to_owned());
    assert_eq!(rates.kept(), 1, "what is given back leaves no trace");
}

fn name(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

#[test]
fn what_was_taken_on_another_node_is_taken_here_too() {
    let rates: Rates<UserId> = Rates::new(2);
    rates.charge(&name("ann"), 4, at(0).at);
    let taken = |millis| rates.take(&name("ann"), at(millis).at);
    assert_eq!((0..10).filter(|_| taken(0)).count(), 6);
    // More than there is: it is owed.
    rates.charge(&name("ann"), 3, at(0).at);
    for (millis, expected) in [(500, false), (1500, false), (1999, false), (2000, true)] {
        assert_eq!(taken(millis), expected, "at {millis}");
    }
    rates.charge(&name("ann"), u32::MAX, at(2000).at);
    assert!(!taken(6999), "no more is owed than five seconds give");
    assert!(taken(7500));
}

#[test]
fn what_is_taken_here_is_told_once_where_there_are_others() {
    let alone: Rates<UserId> = Rates::new(2);
    alone.take(&name("ann"), at(0).at);
    assert!(alone.take_untold().is_empty());
    let shared: Rates<UserId> = Rates::new(2);
    shared.share();
    for who in ["ann", "bob", "ann"] {
        assert!(shared.take(&name(who), at(0).at));
    }
    shared.give_back(&name("bob"));
    shared.charge(&name("cid"), 5, at(0).at);
    assert_eq!(shared.take_untold(), [(name("ann"), 2)]);
    assert!(shared.take_untold().is_empty());
    assert!(shared.take(&name("bob"), at(0).at));
    assert_eq!(shared.take_untold(), [(name("bob"), 1)]);
}

/// Nodes that tell each other four times a second let through about what one would.
#[test]
fn the_sum_over_nodes_stays_near_the_limit() {
    let nodes: [Rates<UserId>; 3] = std::array::from_fn(|_| Rates::new(20));
    nodes.iter().for_each(Rates::share);
    let mut taken = 0_usize;
    for tick in 0..4 * 60 {
        let millis = tick * 250;
        for step in 0..25 {
            let now = at(millis + step * 10).at;
            taken += nodes
                .iter()
                .filter(|node| node.take(&name("ann"), now))
                .count();
        }
        let told: Vec<_> = nodes.iter().map(Rates::take_untold).collect();
        for (number, node) in nodes.iter().enumerate() {
            let others = told.iter().enumerate().filter(|(of, _)| *of != number);
            for (who, count) in others.flat_map(|(_, told)| told) {
                node.charge(who, *count, at(millis + 249).at);
            }
        }
    }
    // A minute's worth and what may come at once, and what three nodes give before they hear.
    assert!((1200..=1200 + 100 + 2 * 100).contains(&taken), "{taken}");
}
