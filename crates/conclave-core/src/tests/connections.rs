use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use conclave_protocol::UserId;

use crate::{ConnectionBounds, ConnectionCounts, ConnectionTable, Full};

const BOUNDS: ConnectionBounds = ConnectionBounds {
    user: 2,
    address: 3,
    all: 5,
};
const UNBOUNDED: ConnectionBounds = ConnectionBounds {
    user: 0,
    address: 0,
    all: 0,
};
const EMPTY: ConnectionCounts = ConnectionCounts {
    active: 0,
    authenticated: 0,
    users: 0,
};

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn address(last: u8) -> Option<IpAddr> {
    Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
}

/// Whether no user and no address is left as a key, at 0 or otherwise, once who came and went
/// was told and looked at.
fn holds_no_key(table: &ConnectionTable) -> bool {
    table.take_changes();
    table.take_changes();
    let shown = format!("{table:?}");
    !shown.contains("192.0.2.") && !shown.contains("UserId")
}

#[test]
fn each_bound_refuses_the_connection_beyond_it() {
    let (ann, bob) = (user("ann"), user("bob"));
    // Who opens, from where; what the last of them meets.
    type Attempt<'a> = (Option<&'a UserId>, Option<IpAddr>);
    let cases: [(&[Attempt<'_>], Result<(), Full>); 7] = [
        (&[(Some(&ann), address(1)); 2], Ok(())),
        (&[(Some(&ann), address(1)); 3], Err(Full::User)),
        (&[(None, address(1)); 4], Err(Full::Address)),
        (&[(None, None); 5], Ok(())),
        (&[(None, None); 6], Err(Full::All)),
        (
            &[
                (Some(&ann), None),
                (Some(&ann), address(1)),
                (Some(&bob), address(1)),
            ],
            Ok(()),
        ),
        (
            &[
                (Some(&ann), address(1)),
                (Some(&bob), address(1)),
                (Some(&bob), address(1)),
                (Some(&ann), address(1)),
            ],
            Err(Full::Address),
        ),
    ];
    for (attempts, expected) in cases {
        let table = ConnectionTable::new();
        let ((last_user, last_address), before) = attempts.split_last().unwrap();
        let held: Vec<_> = before
            .iter()
            .map(|(user, address)| table.open(*user, *address, BOUNDS).unwrap())
            .collect();
        let counts = table.counts();
        let opened = table.open(*last_user, *last_address, BOUNDS);
        assert_eq!(
            opened.as_ref().map(|_| ()).map_err(|full| *full),
            expected,
            "{attempts:?}"
        );
        if opened.is_err() {
            assert_eq!(
                table.counts(),
                counts,
                "a refused one counts nothing: {attempts:?}"
            );
        }
        drop((opened, held));
        assert_eq!(table.counts(), EMPTY);
        assert!(holds_no_key(&table), "{table:?}");
    }
}

#[test]
fn a_bound_of_zero_is_none() {
    let table = ConnectionTable::new();
    let ann = user("ann");
    let held: Vec<_> = (0..1000)
        .map(|_| table.open(Some(&ann), address(1), UNBOUNDED).unwrap())
        .collect();
    let counts = table.counts();
    assert_eq!(
        (counts.active, counts.authenticated, counts.users),
        (1000, 1000, 1)
    );
    drop(held);
    assert!(holds_no_key(&table));
}

#[test]
fn counts_tell_users_from_connections() {
    let table = ConnectionTable::new();
    let (ann, bob) = (user("ann"), user("bob"));
    let _held = [
        table.open(Some(&ann), address(1), BOUNDS).unwrap(),
        table.open(Some(&ann), address(2), BOUNDS).unwrap(),
        table.open(Some(&bob), address(2), BOUNDS).unwrap(),
        table.open(None, address(2), BOUNDS).unwrap(),
    ];
    let counts = table.counts();
    assert_eq!(
        (counts.active, counts.authenticated, counts.users),
        (4, 3, 2)
    );
}

#[test]
fn a_dropped_guard_makes_room() {
    let table = ConnectionTable::new();
    let ann = user("ann");
    let first = table.open(Some(&ann), address(1), BOUNDS).unwrap();
    let _second = table.open(Some(&ann), address(1), BOUNDS).unwrap();
    assert_eq!(
        table.open(Some(&ann), address(1), BOUNDS).err(),
        Some(Full::User)
    );
    drop(first);
    assert!(table.open(Some(&ann), address(1), BOUNDS).is_ok());
}

#[test]
fn a_failed_open_leaves_nothing_behind() {
    let table = ConnectionTable::new();
    let ann = user("ann");
    let strict = ConnectionBounds {
        user: 1,
        ..UNBOUNDED
    };
    let held = table.open(Some(&ann), None, strict).unwrap();
    for last in 0..=u8::MAX {
        assert_eq!(
            table.open(Some(&ann), address(last), strict).err(),
            Some(Full::User)
        );
    }
    drop(held);
    assert_eq!(table.counts(), EMPTY);
    assert!(
        holds_no_key(&table),
        "the addresses of refused connections are not kept"
    );

    let none = ConnectionBounds {
        all: 1,
        ..UNBOUNDED
    };
    let held = table.open(None, None, none).unwrap();
    for last in 0..=u8::MAX {
        let name = user(&last.to_string());
        assert_eq!(
            table.open(Some(&name), address(last), none).err(),
            Some(Full::All)
        );
    }
    assert!(holds_no_key(&table));
    drop(held);
    assert_eq!(table.counts(), EMPTY);
}

/// Every thread opens and closes; a witness per bound counts what is open beside the table.
#[test]
fn bounds_hold_between_threads() {
    let table = ConnectionTable::new();
    let bounds = ConnectionBounds {
        user: 3,
        address: 4,
        all: 5,
    };
    let open: [AtomicU32; 3] = Default::default();
    let passed = AtomicU32::new(0);
    thread::scope(|scope| {
        for number in 0..4_u8 {
            let (table, open, passed) = (Arc::clone(&table), &open, &passed);
            scope.spawn(move || {
                let own = user(if number < 2 { "ann" } else { "bob" });
                let mut held = Vec::new();
                for round in 0..2000_u32 {
                    if let Ok(guard) = table.open(Some(&own), address(1), bounds) {
                        passed.fetch_add(1, Ordering::SeqCst);
                        let most = [3, 3, 4];
                        for (place, witness) in open.iter().enumerate() {
                            if place == 2 || place == usize::from(number / 2) {
                                assert!(witness.fetch_add(1, Ordering::SeqCst) < most[place]);
                            }
                        }
                        held.push(guard);
                    }
                    if (round + u32::from(number)) % 3 == 0 && !held.is_empty() {
                        open[2].fetch_sub(1, Ordering::SeqCst);
                        open[usize::from(number / 2)].fetch_sub(1, Ordering::SeqCst);
                        held.pop();
                    }
                }
                // What is still held stays counted until here.
                for _ in 0..held.len() {
                    open[2].fetch_sub(1, Ordering::SeqCst);
                    open[usize::from(number / 2)].fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert!(passed.load(Ordering::SeqCst) >= 4);
    assert_eq!(table.counts(), EMPTY);
    assert!(holds_no_key(&table));
}

/// A refused attempt never makes another one fail that has room.
#[test]
fn a_refused_open_takes_no_place_of_another() {
    let table = ConnectionTable::new();
    let bounds = ConnectionBounds {
        all: 2,
        ..UNBOUNDED
    };
    let _held = table.open(None, None, bounds).unwrap();
    let (start, done) = (Barrier::new(2), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let full = ConnectionBounds {
                all: 1,
                ..UNBOUNDED
            };
            start.wait();
            while !done.load(Ordering::SeqCst) {
                assert_eq!(table.open(None, None, full).err(), Some(Full::All));
            }
        });
        start.wait();
        let opened = (0..50_000)
            .filter(|_| table.open(None, None, bounds).is_ok())
            .count();
        done.store(true, Ordering::SeqCst);
        assert_eq!(opened, 50_000);
    });
}
