use conclave_protocol::{
    AnswerInvitation, Channel, CountOffline, CreateRoom, DeleteRoom, DeliveryState, EditMessage,
    EraseMessage, Follow, GiveReceipt, InvitationId, Invite, JoinRoom, LeaveRoom, ListOffline,
    ListPresence, ListReceipts, ListTypists, MemberRole, MessageId, MessageKind, Monitor,
    NoticeKind, Permission, Principal, ReadOwn, ReadRoom, RemoveMember, RoomId, RoomKind, SendAs,
    ServerPush, SessionKind, SetRole, SetTyping, Unfollow, UpdateProfile, UpdateRoom,
};

use super::{USER, id_of, principal, room_id, session, text, user, who};
use crate::{Denied, Guarded, HearAll, authorise};

type Ask = fn(&Principal, RoomId) -> Result<Channel, Denied>;

fn ask<C: Guarded>(who: &Principal, command: C) -> Result<Channel, Denied> {
    authorise(who, command).map(|permit| permit.channel().clone())
}

const MESSAGE: MessageId = MessageId(7);

/// What is asked; the permission it needs; whether it is about the room (`r`), oneself (`o`) or
/// everybody (`s`); then what comes of it for a user, a moderator, an admin, an admin without a
/// user, a user without permissions: `+` allowed, `a` a token is needed, `p` the permission is.
const TABLE: [(&str, Permission, &str, Ask); 32] = {
    use Permission::{
        ChatModerate, ChatSend, ConversationRead, ProfileUpdate, RoomCreate, ServerPublish,
        SystemMonitor,
    };
    [
        ("answer", ConversationRead, "o+++ap", |who, _| {
            let invitation = InvitationId(1);
            ask(
                who,
                AnswerInvitation {
                    invitation,
                    accept: true,
                },
            )
        }),
        ("count offline", ConversationRead, "o+++ap", |who, _| {
            ask(who, CountOffline)
        }),
        ("create", RoomCreate, "o+++ap", |who, _| {
            let (name, description, members) = (None, None, Vec::new());
            ask(
                who,
                CreateRoom {
                    name,
                    description,
                    kind: RoomKind::Public,
                    members,
                },
            )
        }),
        ("delete", ChatModerate, "r+++a+", |who, room| {
            ask(who, DeleteRoom { room })
        }),
        ("edit", ChatSend, "o+++ap", |who, _| {
            ask(
                who,
                EditMessage {
                    message: MESSAGE,
                    room: None,
                    content: "x".into(),
                },
            )
        }),
        ("erase", ChatSend, "o+++ap", |who, _| {
            ask(
                who,
                EraseMessage {
                    message: MESSAGE,
                    room: None,
                },
            )
        }),
        ("follow", ConversationRead, "r+++ap", |who, room| {
            ask(who, Follow { room, since: None })
        }),
        ("give receipt", ConversationRead, "o+++ap", |who, _| {
            let status = DeliveryState::Read;
            ask(
                who,
                GiveReceipt {
                    message: MESSAGE,
                    room: None,
                    status,
                },
            )
        }),
        ("hear all", ConversationRead, "o+++a+", |who, _| {
            ask(who, HearAll)
        }),
        ("invite", RoomCreate, "r+++ap", |who, room| {
            ask(
                who,
                Invite {
                    room,
                    invitee: id_of("bob"),
                },
            )
        }),
        ("join", ConversationRead, "r+++ap", |who, room| {
            ask(who, JoinRoom { room })
        }),
        ("leave", ConversationRead, "r+++ap", |who, room| {
            ask(
                who,
                LeaveRoom {
                    room,
                    delete: false,
                },
            )
        }),
        ("list offline", ConversationRead, "o+++ap", |who, _| {
            ask(
                who,
                ListOffline {
                    limit: 50,
                    after: None,
                },
            )
        }),
        ("list presence", ConversationRead, "r+++ap", |who, room| {
            ask(who, ListPresence { room })
        }),
        ("list receipts", ConversationRead, "o+++ap", |who, _| {
            ask(who, ListReceipts { message: MESSAGE })
        }),
        ("list typists", ConversationRead, "r+++ap", |who, room| {
            ask(who, ListTypists { room })
        }),
        ("monitor", SystemMonitor, "sp+++p", |who, _| {
            ask(who, Monitor)
        }),
        ("push to a room", ServerPublish, "rpp++p", |who, room| {
            ask(
                who,
                ServerPush::Room {
                    room,
                    event: "e".into(),
                    data: "1".into(),
                },
            )
        }),
        ("push to everybody", ServerPublish, "spp++p", |who, _| {
            ask(
                who,
                ServerPush::System {
                    status: "up".into(),
                    message: "m".into(),
                },
            )
        }),
        ("push to a user", ServerPublish, "upp++p", |who, _| {
            let (user, kind) = (id_of("bob"), NoticeKind::Notification);
            ask(
                who,
                ServerPush::User {
                    user,
                    kind,
                    data: "{}".into(),
                },
            )
        }),
        ("read own", ConversationRead, "o+++ap", |who, _| {
            ask(who, ReadOwn)
        }),
        ("read room", ConversationRead, "r+++ap", |who, room| {
            ask(who, ReadRoom { room })
        }),
        ("remove member", ChatModerate, "r+++a+", |who, room| {
            ask(
                who,
                RemoveMember {
                    room,
                    user: id_of("bob"),
                    ban: false,
                },
            )
        }),
        ("send", ChatSend, "r+++ap", |who, room| {
            ask(who, text(&room, "hi"))
        }),
        ("send as", ServerPublish, "rpp++p", |who, room| {
            ask(
                who,
                SendAs {
                    user: id_of("bob"),
                    message: text(&room, "hi"),
                },
            )
        }),
        ("set role", ChatModerate, "r+++a+", |who, room| {
            ask(
                who,
                SetRole {
                    room,
                    user: id_of("bob"),
                    role: MemberRole::Moderator,
                },
            )
        }),
        ("type", ChatSend, "r+++ap", |who, room| {
            ask(who, SetTyping { room, typing: true })
        }),
        ("unfollow", ConversationRead, "r+++a+", |who, room| {
            ask(who, Unfollow { room })
        }),
        ("update profile", ProfileUpdate, "o+++ap", |who, _| {
            ask(
                who,
                UpdateProfile {
                    name: None,
                    avatar: None,
                    bio: None,
                },
            )
        }),
        ("update room", ChatModerate, "r+++a+", |who, room| {
            ask(
                who,
                UpdateRoom {
                    room,
                    name: None,
                    description: None,
                    assistant: None,
                },
            )
        }),
        // By patterns: the user has the permission for another room only.
        ("send elsewhere", ChatSend, "rpp+ap", |who, _| {
            let mut narrow = who.clone();
            if !who.grants.allow(Permission::Admin, "") {
                narrow.grants = grants(&["chat:send:other"]);
            }
            ask(&narrow, text(&room_id("room"), "hi"))
        }),
        ("edit anywhere", ChatSend, "opp+ap", |who, _| {
            let mut narrow = who.clone();
            if !who.grants.allow(Permission::Admin, "") {
                narrow.grants = grants(&["chat:send:room"]);
            }
            ask(
                &narrow,
                EditMessage {
                    message: MESSAGE,
                    room: None,
                    content: "x".into(),
                },
            )
        }),
    ]
};

fn grants(names: &[&str]) -> std::sync::Arc<conclave_protocol::Grants> {
    std::sync::Arc::new(conclave_protocol::Grants::new(names))
}

#[test]
fn every_command_of_rooms_needs_its_permission() {
    let more = [&USER[..], &["system.monitor", "chat:moderate"]].concat();
    let roles = [
        user("ann"),
        who("ann", &more),
        who("ann", &["admin"]),
        principal(None, session(SessionKind::Anonymous, "a"), &["admin"]),
        who("ann", &[]),
    ];
    for (name, permission, expected, ask) in TABLE {
        let (subject, outcomes) = expected.split_at(1);
        let channel = match subject {
            "r" => Channel::Room(room_id("room")),
            "o" => Channel::User(id_of("ann")),
            "u" => Channel::User(id_of("bob")),
            _ => Channel::System,
        };
        for (role, outcome) in roles.iter().zip(outcomes.chars()) {
            let expected = match outcome {
                '+' => Ok(channel.clone()),
                'a' => Err(Denied::Anonymous),
                _ => Err(Denied::Permission(permission)),
            };
            let came = ask(role, room_id("room"));
            assert_eq!(
                came, expected,
                "{name} of {:?} {:?}",
                role.user, role.grants
            );
        }
    }
}

#[test]
fn each_permission_is_enough_for_its_own_commands() {
    for (name, permission, _, ask) in TABLE.into_iter().take(30) {
        let only = who("ann", &[permission.name()]);
        assert!(
            ask(&only, room_id("room")).is_ok(),
            "{name} with {permission:?}"
        );
    }
    // The other name of `chat:send`, and what deletes others' messages.
    let erase = EraseMessage {
        message: MESSAGE,
        room: None,
    };
    for grant in ["conversation.write", "chat:moderate"] {
        assert!(
            authorise(&who("ann", &[grant]), erase.clone()).is_ok(),
            "{grant}"
        );
    }
    assert!(authorise(&who("ann", &["chat:moderate"]), text(&room_id("room"), "x")).is_err());
}

#[test]
fn a_permit_says_what_power_its_user_has() {
    let cases: [(&[&str], bool, bool); 5] = [
        (&["conversation.read"], false, false),
        (&["conversation.read", "room.any"], true, false),
        (&["conversation.read", "chat:moderate"], false, true),
        (&["admin"], true, true),
        (
            &["conversation.read", "room.any:room", "chat:moderate:room"],
            false,
            false,
        ),
    ];
    for (grants, any, moderator) in cases {
        let actor = super::permit(&who("ann", grants), ReadOwn).actor().unwrap();
        assert_eq!((actor.any, actor.moderator), (any, moderator), "{grants:?}");
    }
}

#[test]
fn who_speaks_as_the_server_sends_and_moderates() {
    let mut word = text(&room_id("room"), "The room closes at six.");
    word.kind = MessageKind::System;
    for (grants, expected) in [
        (&["chat:send", "chat:moderate"][..], Ok(())),
        (&["chat:send"], Err(Permission::ChatModerate)),
        (&["chat:moderate"], Err(Permission::ChatSend)),
    ] {
        let came = authorise(&who("ann", grants), word.clone());
        let came = came.map(|_permit| ());
        assert_eq!(came, expected.map_err(Denied::Permission), "{grants:?}");
    }
}
