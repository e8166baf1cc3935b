use conclave_protocol::{
    Channel, EventKind, ListPresence, Presence, Principal, Refusal, RoomId, RoomKind,
};

use super::{Stage, event, id_of, moment, now, permit, refused, user, who};
use crate::Change;

fn change(name: &str, online: bool) -> Change {
    Change {
        user: id_of(name),
        online,
    }
}

/// The presence that has reached the worker, by room.
fn told(stage: &Stage) -> Vec<(RoomId, Presence)> {
    let arrived = stage.arrived();
    let told = arrived.iter().map(|publication| {
        assert_eq!(
            publication.position.offset, 0,
            "it has no place in the room"
        );
        let EventKind::Presence(presence) = &event(publication).kind else {
            panic!("not presence");
        };
        let Channel::Room(room) = &*publication.channel else {
            panic!("not in a room");
        };
        (room.clone(), presence.clone())
    });
    let mut told: Vec<_> = told.collect();
    told.sort_unstable_by_key(|(room, presence)| (room.clone(), presence.user.clone()));
    told
}

fn list(stage: &Stage, who: &Principal, room: &RoomId) -> Vec<(String, bool, Option<u64>)> {
    let room = room.clone();
    let presence = now(stage.rooms.presence(permit(who, ListPresence { room }))).unwrap();
    let shown = |p: Presence| {
        (
            p.user.to_string(),
            p.online,
            p.last_seen.map(|at| at.millis()),
        )
    };
    presence.into_iter().map(shown).collect()
}

#[test]
fn who_shares_a_room_is_told_who_comes_and_goes() {
    let stage = Stage::new();
    let one = stage.room("one", RoomKind::Private, &["bob"]);
    let two = stage.room("two", RoomKind::Private, &["eve"]);
    let _hears = [
        stage.hear(&user("ann"), &one, 1),
        stage.hear(&user("ann"), &two, 1),
    ];
    let presence = |name: &str, online, last_seen| Presence {
        user: id_of(name),
        online,
        last_seen,
    };
    let came = [
        change("ann", true),
        change("bob", true),
        change("nobody", true),
    ];
    now(stage.rooms.tell_presence(&came, moment(0))).unwrap();
    assert_eq!(
        told(&stage),
        [
            (one.clone(), presence("ann", true, None)),
            (one.clone(), presence("bob", true, None)),
            (two.clone(), presence("ann", true, None)),
        ]
    );
    // The last of several is what is told.
    let went = [
        change("ann", true),
        change("bob", true),
        change("bob", false),
    ];
    now(stage.rooms.tell_presence(&went, moment(9))).unwrap();
    let gone = presence("bob", false, Some(moment(9)));
    assert_eq!(told(&stage)[1], (one, gone));
}

#[test]
fn a_list_says_who_is_there_and_since_when_not() {
    let stage = Stage::new();
    let (ann, everybody) = (user("ann"), |_: &_| true);
    // Also of those who went before they had a room.
    now(stage
        .rooms
        .tell_presence(&[change("bob", false)], moment(5)))
    .unwrap();
    let room = stage.room("room", RoomKind::Private, &["bob", "eve"]);
    let long_ago = Some(moment(5).millis());
    let row = |name: &str, online, last| (name.to_owned(), online, last);
    stage
        .rooms
        .attendance()
        .update(moment(6), &[id_of("ann")], everybody);
    assert_eq!(
        list(&stage, &ann, &room),
        [
            row("ann", true, None),
            row("bob", false, long_ago),
            row("eve", false, None)
        ]
    );
    stage
        .rooms
        .attendance()
        .update(moment(7), &[id_of("bob")], everybody);
    assert_eq!(
        list(&stage, &ann, &room)[1],
        row("bob", true, None),
        "no time while there"
    );
    let stranger = permit(&user("zoe"), ListPresence { room: room.clone() });
    assert_eq!(
        refused(now(stage.rooms.presence(stranger))),
        Refusal::NotFound
    );
    let admin = who("root", &["admin"]);
    assert_eq!(list(&stage, &admin, &room).len(), 3);
    assert_eq!(
        stage.told(),
        [("root".to_owned(), "list presence", "room".to_owned())]
    );
}
