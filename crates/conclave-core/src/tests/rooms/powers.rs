use conclave_protocol::{
    DeleteRoom, EditMessage, EraseMessage, Invite, JoinRoom, ListReceipts, MemberRole, MessageId,
    Monitor, Principal, ReadOwn, ReadRoom, Refusal, RemoveMember, RoomId, RoomKind, SendAs,
    SetRole, UpdateRoom,
};

use super::{Stage, at, follow, id_of, now, permit, refused, room_id, text, user, who};
use crate::{Page, RoomFault, Scope};

const MODERATOR: [&str; 4] = [
    "chat:send",
    "conversation.read",
    "room.create",
    "chat:moderate",
];
const VISITOR: [&str; 4] = ["chat:send", "conversation.read", "room.create", "room.any"];

/// What came of it: the refusal, and whether a witness was told.
type Outcome = (Option<Refusal>, bool);

type Ask = fn(&Stage, &Principal, &RoomId, MessageId) -> Result<(), RoomFault>;

/// What is asked of a room and of bob's message in it.
const ASKS: [(&str, Ask); 12] = [
    ("read room", |stage, who, room, _| {
        let ask = ReadRoom { room: room.clone() };
        now(stage.rooms.room(permit(who, ask))).map(drop)
    }),
    ("list members", |stage, who, room, _| {
        let ask = ReadRoom { room: room.clone() };
        now(stage.rooms.members(permit(who, ask), None, 10)).map(drop)
    }),
    ("read messages", |stage, who, room, _| {
        let ask = ReadRoom { room: room.clone() };
        let page = Page {
            limit: 10,
            ..Page::default()
        };
        now(stage.rooms.messages(permit(who, ask), page)).map(drop)
    }),
    ("hear room", |stage, who, room, _| {
        now(stage.rooms.replay(&follow(who, room), 0, 10)).map(drop)
    }),
    ("list receipts", |stage, who, _, message| {
        now(stage.rooms.receipts(permit(who, ListReceipts { message }))).map(drop)
    }),
    ("send", |stage, who, room, _| {
        stage.send(who, text(room, "hi"), at(9)).map(drop)
    }),
    ("edit", |stage, who, _, message| {
        let ask = EditMessage {
            message,
            room: None,
            content: "mine".into(),
        };
        now(stage.rooms.edit(permit(who, ask), at(9))).map(drop)
    }),
    ("set role", |stage, who, room, _| {
        let (room, user) = (room.clone(), id_of("eve"));
        let ask = SetRole {
            room,
            user,
            role: MemberRole::Moderator,
        };
        now(stage.rooms.set_role(permit(who, ask), at(9))).map(drop)
    }),
    ("delete message", |stage, who, _, message| {
        let ask = EraseMessage {
            message,
            room: None,
        };
        now(stage.rooms.erase(permit(who, ask), at(9)))
    }),
    ("remove member", |stage, who, room, _| {
        let (room, user) = (room.clone(), id_of("eve"));
        let ask = RemoveMember {
            room,
            user,
            ban: false,
        };
        now(stage.rooms.remove(permit(who, ask), at(9)))
    }),
    ("update room", |stage, who, room, _| {
        let (room, name) = (room.clone(), Some("new".into()));
        let ask = UpdateRoom {
            room,
            name,
            description: None,
            assistant: None,
        };
        now(stage.rooms.update(permit(who, ask), at(9))).map(drop)
    }),
    ("delete room", |stage, who, room, _| {
        now(stage
            .rooms
            .delete(permit(who, DeleteRoom { room: room.clone() }), at(9)))
    }),
];

/// Each ask on a room of its own: ann's, with bob, who sent a message, and eve.
#[track_caller]
fn check(kind: RoomKind, who: &Principal, expected: [Outcome; 12]) {
    for ((what, ask), expected) in ASKS.into_iter().zip(expected) {
        let stage = Stage::new();
        let room = stage.room("room", kind, &["bob", "eve"]);
        let message = stage
            .send(&user("bob"), text(&room, "hi"), at(1))
            .unwrap()
            .message
            .id;
        let came = ask(&stage, who, &room, message)
            .err()
            .map(|fault| fault.refusal());
        let told = stage.told();
        assert_eq!(
            (came, !told.is_empty()),
            expected,
            "{what} in {kind:?} {:?}",
            who.grants
        );
        for (user, power, subject) in told {
            let of_message = ["list receipts", "edit", "delete message"].contains(&what);
            let about = if of_message {
                message.to_string()
            } else {
                room.to_string()
            };
            let by = who.user.as_ref().unwrap().to_string();
            assert_eq!((user, power, subject), (by, what, about));
        }
    }
}

const YES: Outcome = (None, false);
const TOLD: Outcome = (None, true);
const NONE: Outcome = (Some(Refusal::NotFound), false);
const NO: Outcome = (Some(Refusal::Forbidden), false);

#[test]
fn without_power_membership_alone_counts() {
    // In the order of the asks: five that read, then send, edit, and five that rule.
    check(
        RoomKind::Private,
        &user("ann"),
        [YES, YES, YES, YES, YES, YES, NO, YES, YES, YES, YES, YES],
    );
    check(
        RoomKind::Private,
        &user("bob"),
        [YES, YES, YES, YES, YES, YES, YES, NO, YES, NO, NO, NO],
    );
    check(RoomKind::Private, &user("zoe"), [NONE; 12]);
    let mut public = [NONE; 12];
    public[0] = YES;
    check(RoomKind::Public, &user("zoe"), public);
}

#[test]
fn any_opens_rooms_and_rules_none_and_is_witnessed() {
    for kind in [RoomKind::Private, RoomKind::Public] {
        let reads_alone = if kind == RoomKind::Public { YES } else { TOLD };
        check(
            kind,
            &who("zoe", &VISITOR),
            [
                reads_alone,
                TOLD,
                TOLD,
                TOLD,
                TOLD,
                TOLD,
                NO,
                NO,
                NO,
                NO,
                NO,
                NO,
            ],
        );
    }
}

#[test]
fn a_moderator_rules_every_room_and_opens_none_and_is_witnessed() {
    check(
        RoomKind::Private,
        &who("zoe", &MODERATOR),
        [
            NONE, NONE, NONE, NONE, NONE, NONE, NONE, TOLD, TOLD, TOLD, TOLD, TOLD,
        ],
    );
}

#[test]
fn power_is_not_witnessed_where_membership_is_enough() {
    check(
        RoomKind::Private,
        &who("ann", &["admin"]),
        [YES, YES, YES, YES, YES, YES, NO, YES, YES, YES, YES, YES],
    );
    check(
        RoomKind::Private,
        &who("bob", &["admin"]),
        [
            YES, YES, YES, YES, YES, YES, YES, TOLD, YES, TOLD, TOLD, TOLD,
        ],
    );
    check(
        RoomKind::Private,
        &who("zoe", &["admin"]),
        [
            TOLD, TOLD, TOLD, TOLD, TOLD, TOLD, NO, TOLD, TOLD, TOLD, TOLD, TOLD,
        ],
    );
}

#[test]
fn power_makes_nobody_a_member() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &[]);
    let root = who("root", &["admin"]);
    let join = JoinRoom { room: room.clone() };
    assert_eq!(
        refused(now(stage.rooms.join(permit(&root, join), at(1)))),
        Refusal::NotFound
    );
    let invite = Invite {
        room: room.clone(),
        invitee: id_of("root"),
    };
    let id = conclave_protocol::InvitationId(1);
    let invited = now(stage.rooms.invite(permit(&root, invite), id, at(1)));
    assert_eq!(refused(invited), Refusal::NotFound);
    let own = now(stage
        .rooms
        .list(permit(&root, ReadOwn), Scope::Own, None, 10));
    assert_eq!(own.unwrap(), []);
    assert_eq!(stage.told(), []);
}

#[test]
fn others_profiles_are_for_those_who_share_a_room() {
    let stage = Stage::new();
    stage.room("room", RoomKind::Private, &["bob"]);
    let profile = |who: &Principal, of: &str| {
        let shown = now(stage.rooms.profile(permit(who, ReadOwn), &id_of(of)));
        shown.map(|person| person.profile.name)
    };
    assert_eq!(*profile(&user("ann"), "bob").unwrap(), *"bob");
    assert_eq!(*profile(&user("zoe"), "zoe").unwrap(), *"zoe");
    assert_eq!(refused(profile(&user("zoe"), "bob")), Refusal::NotFound);
    assert_eq!(refused(profile(&user("ann"), "zoe")), Refusal::NotFound);
    assert_eq!(stage.told(), []);
    assert_eq!(*profile(&who("zoe", &VISITOR), "bob").unwrap(), *"bob");
    assert_eq!(
        stage.told(),
        [("zoe".to_owned(), "read profile", "bob".to_owned())]
    );
}

#[test]
fn a_backend_reads_and_writes_in_any_room() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &["bob"]);
    let backend = who("backend", &["server.publish", "system.monitor"]);
    let ask = SendAs {
        user: id_of("robot"),
        message: text(&room, "hi"),
    };
    let sent = now(stage
        .rooms
        .send_as(permit(&backend, ask), MessageId(5), at(1)))
    .unwrap();
    assert_eq!(sent.message.author.user, id_of("robot"));
    let page = Page {
        limit: 10,
        ..Page::default()
    };
    let read = now(stage
        .rooms
        .messages_of_any(permit(&backend, Monitor), &room, page))
    .unwrap();
    assert_eq!(read.messages.len(), 1);
    let there = now(stage
        .rooms
        .presence_of_any(permit(&backend, Monitor), &room))
    .unwrap();
    assert_eq!(there.len(), 2, "the robot is no member");
    let is_member = |name: &str| {
        let (permit, user) = (permit(&backend, Monitor), id_of(name));
        now(stage.rooms.is_member(permit, &user, &room)).unwrap()
    };
    assert_eq!([is_member("bob"), is_member("robot")], [true, false]);
    let none = room_id("none");
    let nowhere = now(stage
        .rooms
        .messages_of_any(permit(&backend, Monitor), &none, page));
    assert_eq!(refused(nowhere), Refusal::NotFound);
}
