use std::collections::HashSet;
use std::sync::Arc;

use conclave_core::{NodeCounts, NodeId, Notice, Place, RollPart, WholePart};
use conclave_protocol::{Channel, Position, Publication, RoomId, Timestamp, TopicName, UserId};
use conclave_testkit::ports::bus_bodies;
use proptest::prelude::*;

use super::{
    Said, WireError, channel_name, is_recorded, notices_name, read, read_recorded, read_sender,
    record_names, write_lost, write_notice, write_publication,
};

const NODE: NodeId = NodeId(0x0123_4567_89ab_cdef_0011_2233_4455_6677);

/// Every kind of message, written.
fn messages() -> Vec<Vec<u8>> {
    let place = Place {
        epoch: 1 << 50,
        seq: u64::MAX,
        after_loss: true,
    };
    let publications = bus_bodies().into_iter().map(|(channel, body)| {
        let channel = Arc::new(channel);
        let at = Timestamp::from_millis(u64::MAX);
        let publication = Publication::new(channel, Position::default(), at, body, 0);
        write_publication(NODE, place, &publication)
    });
    publications
        .chain(notices().iter().map(|notice| write_notice(NODE, notice)))
        .chain([write_lost(NODE)])
        .collect()
}

fn notices() -> [Notice; 11] {
    let user = UserId::new("ann").unwrap();
    let part = |whole, users| {
        Notice::Roll(RollPart {
            version: 300,
            whole,
            users,
        })
    };
    let (first, last) = (true, false);
    [
        Notice::Alive {
            version: 7,
            counts: NodeCounts {
                active: u32::MAX,
                authenticated: 1,
                surfaces: vec![("topics".into(), 3), ("echo".into(), 0)],
            },
        },
        Notice::Alive {
            version: 0,
            counts: NodeCounts::default(),
        },
        Notice::AskRoll { of: NODE },
        Notice::Ask {
            id: u64::MAX,
            question: "{\"ask\":1}".into(),
        },
        Notice::Answer {
            to: NODE,
            id: 7,
            answer: "".into(),
        },
        Notice::Spent(
            conclave_core::SharedLimit::ALL
                .into_iter()
                .map(|limit| conclave_core::Spent {
                    limit,
                    key: "192.0.2.1 ann".into(),
                    count: u32::MAX,
                })
                .collect(),
        ),
        part(None, vec![(user.clone(), 0), (user.clone(), 200)]),
        part(Some(WholePart { first, last }), Vec::new()),
        Notice::Changed,
        Notice::Disconnect {
            user: user.clone(),
            code: Some(u16::MAX),
            reason: Some("x".repeat(123).into()),
        },
        Notice::Disconnect {
            user,
            code: None,
            reason: None,
        },
    ]
}

#[test]
fn every_body_is_read_as_it_was_written() {
    for (channel, body) in bus_bodies() {
        let place = Place {
            epoch: 3,
            seq: 0x80,
            after_loss: false,
        };
        let at = Timestamp::from_millis(1_700_000_000_123);
        let publication =
            Publication::new(channel.into(), Position::default(), at, body.clone(), 9);
        let bytes = write_publication(NODE, place, &publication);
        assert_eq!(
            read(&bytes),
            Ok((NODE, Said::Publication { place, at, body }))
        );
        assert_eq!(read_sender(&bytes), Ok(NODE));
    }
}

#[test]
fn every_notice_is_read_as_it_was_written() {
    for notice in notices() {
        let bytes = write_notice(NODE, &notice);
        assert_eq!(read(&bytes), Ok((NODE, Said::Notice(notice))));
    }
}

#[test]
fn a_small_publication_costs_few_bytes() {
    let (channel, body) = bus_bodies().swap_remove(2);
    let at = Timestamp::from_millis(1_700_000_000_123);
    let publication = Publication::new(channel.into(), Position::default(), at, body, 0);
    let bytes = write_publication(NODE, Place::NONE, &publication);
    assert!(bytes.len() < 40, "{} bytes for `null`", bytes.len());
}

#[test]
fn what_was_cut_short_or_goes_on_is_refused() {
    for bytes in messages() {
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "{end} of {bytes:?}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(read(&longer), Err(WireError::Long), "{bytes:?}");
    }
}

#[test]
fn another_version_or_kind_is_refused() {
    let mut bytes = write_notice(NODE, &Notice::Changed);
    bytes[0] = 2;
    assert_eq!(read(&bytes), Err(WireError::Unknown));
    assert_eq!(read_sender(&bytes), Err(WireError::Unknown));
    bytes[0] = 1;
    bytes[1] = 200;
    assert_eq!(read(&bytes), Err(WireError::Unknown));
}

#[test]
fn no_two_channels_have_one_name() {
    let user = |text: &str| UserId::new(text).unwrap();
    let room = |text: &str| RoomId::new(text).unwrap();
    let own = |of: &str, who: &str| Channel::Own {
        room: room(of),
        user: user(who),
    };
    let mut channels = vec![
        Channel::User(user("r:x")),
        Channel::Room(room("x")),
        own("x", "y:z"),
        own("y", "z"),
        Channel::System,
    ];
    channels.extend(bus_bodies().into_iter().take(3).map(|(channel, _)| channel));
    let mut names: HashSet<_> = channels.iter().map(|c| channel_name("p", c)).collect();
    names.insert(notices_name("p"));
    assert_eq!(names.len(), channels.len() + 1);
}

#[test]
fn a_place_from_redis_stands_before_the_message() {
    let message = messages().swap_remove(1);
    let with = |head: &str| [head.as_bytes(), &message].concat();
    let recorded = read_recorded(&with("R17 1706091937123456 ")).unwrap();
    let expected = Position {
        offset: 17,
        epoch: 1_706_091_937_123_456,
    };
    assert_eq!((recorded.position, recorded.after_loss), (expected, true));
    assert!(is_recorded(&with("R0 0 ")) && !is_recorded(&message));
    for head in [
        "",
        "R",
        "R1",
        "R1 ",
        "R 1 ",
        "R+1 2 ",
        "R1 x ",
        "S1 2 ",
        "R1 99999999999999999999 ",
    ] {
        assert!(read_recorded(&with(head)).is_err(), "{head}");
    }
    let notice = [b"R1 2 ".as_slice(), &write_notice(NODE, &Notice::Changed)].concat();
    assert_eq!(read_recorded(&notice), Err(WireError::Value));
}

fn renamed(channel: Channel, to: &str) -> Channel {
    match channel {
        Channel::Topic { session, .. } => Channel::Topic {
            session,
            name: TopicName::new(to).unwrap(),
        },
        other => panic!("a topic: {other:?}"),
    }
}

#[test]
fn a_topic_and_its_record_have_one_tag() {
    let tag = |name: &str| {
        let (_, rest) = name.split_once('{').unwrap();
        rest.split_once('}').unwrap().0.to_owned()
    };
    for name in ["plain", "a{b}c", "}", "{}", "{", "%7D"] {
        let channel = renamed(bus_bodies().swap_remove(1).0, name);
        let of_channel = tag(&channel_name("p", &channel));
        let [head, list] = record_names("p", &channel);
        assert_ne!(head, list);
        assert!(!of_channel.is_empty());
        assert_eq!([tag(&head), tag(&list)], [of_channel.clone(), of_channel]);
    }
}

proptest! {
    #[test]
    fn any_bytes_behind_a_place_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _either = read_recorded(&[b"R1 2 ".as_slice(), &bytes].concat());
        let _or = read_recorded(&[b"R".as_slice(), &bytes].concat());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _either = read(&bytes);
    }

    #[test]
    fn a_message_with_changed_bytes_is_read_or_refused(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = which.get(&messages()).clone();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok((_, Said::Notice(notice))) = read(&bytes) {
            let again = write_notice(NODE, &notice);
            prop_assert_eq!(read(&again), Ok((NODE, Said::Notice(notice))));
        }
    }
}
