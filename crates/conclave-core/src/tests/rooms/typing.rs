use conclave_protocol::{
    JoinRoom, LeaveRoom, ListTypists, Refusal, RemoveMember, RoomKind, SendAs, UserId,
};

use super::{Stage, at, by, id_of, moment, now, permit, refused, room_id, text, user, who};
use crate::rooms::typing::Typing;

fn names(users: Vec<UserId>) -> Vec<String> {
    users.iter().map(ToString::to_string).collect()
}

fn said(user: &str, typing: bool) -> Vec<(String, bool)> {
    vec![(user.to_owned(), typing)]
}

#[test]
fn typing_is_told_once_and_ends_by_itself_after_5_seconds() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &["bob"]);
    let (ann, bob) = (user("ann"), user("bob"));
    let _hears = stage.hear(&bob, &room, 1);
    let typists = |millis| {
        let ask = ListTypists { room: room.clone() };
        names(stage.rooms.typists(&permit(&bob, ask), moment(millis)))
    };
    stage.type_in(&ann, &room, true, at(0));
    assert_eq!(stage.typed(), said("ann", true));
    assert_eq!(typists(0), ["ann"]);
    stage.type_in(&ann, &room, true, at(2000));
    assert_eq!(stage.typed(), [], "it is no news");
    stage.rooms.expire_typing(moment(6999));
    assert_eq!(stage.typed(), [], "it was said again at 2 seconds");
    assert_eq!(typists(6999), ["ann"]);
    assert_eq!(typists(7000), [""; 0], "ended, though not yet told");
    stage.rooms.expire_typing(moment(7000));
    assert_eq!(stage.typed(), said("ann", false));
    stage.rooms.expire_typing(moment(9000));
    assert_eq!(stage.typed(), []);
    // What has ended and was not told yet is news when it begins again.
    stage.type_in(&ann, &room, true, at(10_000));
    stage.type_in(&ann, &room, true, at(15_000));
    assert_eq!(
        stage.typed(),
        [said("ann", true), said("ann", true)].concat()
    );
    stage.type_in(&ann, &room, false, at(15_001));
    stage.type_in(&ann, &room, false, at(15_002));
    assert_eq!(stage.typed(), said("ann", false), "once");
}

#[test]
fn typing_ends_on_send() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &["bob"]);
    let other = stage.room("other", RoomKind::Private, &["bob"]);
    let ann = user("ann");
    let _hears = [stage.hear(&ann, &room, 1), stage.hear(&ann, &other, 1)];
    stage.type_in(&ann, &room, true, at(0));
    stage.type_in(&ann, &other, true, at(0));
    assert_eq!(stage.typed().len(), 2);
    stage.send(&ann, text(&room, "hi"), at(1)).unwrap();
    assert_eq!(stage.typed(), said("ann", false));
    stage.send(&ann, text(&room, "hi"), at(2)).unwrap();
    assert_eq!(stage.typed(), []);
    // Also where a backend sends in one's name; not where nothing was sent.
    let refused_one = stage.send(&ann, text(&other, ""), at(3));
    assert_eq!(refused(refused_one), Refusal::BadRequest);
    assert_eq!(stage.typed(), []);
    let ask = SendAs {
        user: id_of("ann"),
        message: text(&other, "hi"),
    };
    let backend = who("backend", &["server.publish"]);
    let id = conclave_protocol::MessageId(99);
    now(stage.rooms.send_as(permit(&backend, ask), id, at(4))).unwrap();
    assert_eq!(stage.typed(), said("ann", false));
}

#[test]
fn typing_ends_on_leave_and_removal() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Public, &["bob"]);
    let (ann, bob) = (user("ann"), user("bob"));
    let _hears = stage.hear(&ann, &room, 1);
    stage.type_in(&bob, &room, true, at(0));
    let leave = LeaveRoom {
        room: room.clone(),
        delete: false,
    };
    now(stage.rooms.leave(permit(&bob, leave), at(1))).unwrap();
    assert_eq!(
        stage.typed(),
        [said("bob", true), said("bob", false)].concat()
    );
    let join = JoinRoom { room: room.clone() };
    now(stage.rooms.join(permit(&bob, join), at(2))).unwrap();
    stage.type_in(&bob, &room, true, at(3));
    let remove = RemoveMember {
        room: room.clone(),
        user: id_of("bob"),
        ban: false,
    };
    now(stage.rooms.remove(permit(&ann, remove), at(4))).unwrap();
    assert_eq!(
        stage.typed(),
        [said("bob", true), said("bob", false)].concat()
    );
}

#[test]
fn typing_ends_with_its_connection() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &["bob"]);
    let other = stage.room("other", RoomKind::Private, &["bob"]);
    let (ann, bob) = (user("ann"), user("bob"));
    let _hears = [stage.hear(&ann, &room, 1), stage.hear(&ann, &other, 1)];
    stage.type_in(&ann, &room, true, by(7, 0));
    stage.type_in(&ann, &other, true, by(7, 0));
    stage.type_in(&bob, &room, true, by(8, 0));
    stage.typed();
    // The user types on from another connection.
    stage.type_in(&ann, &room, true, by(9, 1));
    stage.rooms.end_typing_of(7, moment(2));
    let told = stage.arrived();
    assert_eq!(told.len(), 1);
    assert_eq!(super::event(&told[0]).room, Some(other));
    stage.rooms.end_typing_of(7, moment(3));
    assert_eq!(stage.typed(), []);
    stage.rooms.end_typing_of(9, moment(3));
    assert_eq!(stage.typed(), said("ann", false));
}

#[test]
fn who_types_is_bounded_by_room_and_in_all() {
    let typing = Typing::default();
    let room = room_id("room");
    for number in 0..200 {
        assert!(typing.begin(&room, &id_of(&format!("user{number}")), 1, moment(0)));
    }
    assert!(
        !typing.begin(&room, &id_of("late"), 1, moment(0)),
        "never shown"
    );
    assert!(!typing.end(&room, &id_of("late")));
    assert_eq!(typing.list(&room, moment(0)).len(), 200);
    for number in 1..10_000 {
        let room = room_id(&format!("room{number}"));
        assert!(typing.begin(&room, &id_of("ann"), 1, moment(0)));
    }
    let more = room_id("more");
    assert!(!typing.begin(&more, &id_of("ann"), 1, moment(0)));
    assert!(typing.end(&room_id("room1"), &id_of("ann")));
    assert!(
        typing.begin(&more, &id_of("ann"), 1, moment(0)),
        "there is a place again"
    );
    assert_eq!(typing.expire(moment(4999)).len(), 0);
    assert_eq!(typing.expire(moment(5000)).len(), 200 + 9_999);
    assert_eq!(typing.list(&room, moment(5000)), []);
}
