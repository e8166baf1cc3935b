//! One of everything that can cross a bus.

use std::sync::Arc;

use conclave_protocol::{
    Body, Channel, DeliveryState, Event, EventKind, Invitation, InvitationId, InvitationState,
    MemberRole, Message, MessageId, MessageKind, NoticeKind, Presence, Profile, Receipt, Room,
    RoomId, RoomKind, SessionKind, TopicMessage,
};

use super::answers::{answer_kinds, sample_answer};
use super::topic;
use crate::ports::{second, user};

/// One body of every kind, each with a channel that it belongs into.
#[must_use]
pub fn bus_bodies() -> Vec<(Channel, Body)> {
    let mut bodies = vec![
        (
            Channel::Broadcast,
            Body::Broadcast {
                members: r#""type":"test","text":"ü\u0000""#.into(),
                user: user("ann"),
                request: u128::MAX - 7,
            },
        ),
        (
            topic(SessionKind::Named, 3, "s", "t"),
            Body::Topic(TopicMessage {
                publisher_name: Some("Ann".into()),
                payload: "{\"n\":1}".into(),
                timestamp: Some("2024-01-24T10:25:37Z".into()),
                user: Some(user("ann")),
            }),
        ),
        (
            topic(SessionKind::Anonymous, 0, "s", "t"),
            Body::Topic(TopicMessage {
                publisher_name: None,
                payload: "null".into(),
                timestamp: None,
                user: None,
            }),
        ),
    ];
    bodies.extend(
        (1..)
            .zip(event_kinds())
            .map(|(number, kind)| event_body(number, kind)),
    );
    bodies
}

fn event_body(number: u64, kind: EventKind) -> (Channel, Body) {
    let room = || RoomId::new("room-1_a").unwrap();
    let (channel, of_room) = match &kind {
        EventKind::Receipt(_) => {
            let (room, user) = (room(), user("ann"));
            (Channel::Own { room, user }, true)
        }
        EventKind::Entered { .. } => (Channel::User(user("ann")), true),
        EventKind::Invited(_) | EventKind::Notice { .. } => (Channel::User(user("ann")), false),
        EventKind::SystemStatus { .. } => (Channel::System, false),
        _ => (Channel::Room(room()), true),
    };
    let is_stored = matches!(channel, Channel::Room(_)) && number <= STORED_KINDS;
    let event = Event {
        room: of_room.then(room),
        seq: if is_stored { number } else { 0 },
        number: if is_stored { number + 1_000_000 } else { 0 },
        at: second(number),
        kind,
    };
    (channel, Body::Event(Arc::new(event)))
}

fn sample_room(owner: Option<&str>, kind: RoomKind, role: Option<MemberRole>) -> Room {
    Room {
        id: RoomId::new("room-1_a").unwrap(),
        name: "Räume".into(),
        description: owner.map(Box::from),
        kind,
        owner: owner.map(user),
        assistant: owner.is_some(),
        created_at: second(1),
        last_seq: 2,
        unread: 3,
        role,
        members: u64::MAX,
        messages: 5,
    }
}

fn sample_message(deleted: bool) -> Message {
    Message {
        id: MessageId(17),
        room: RoomId::new("room-1_a").unwrap(),
        seq: 9,
        author: Profile {
            user: user("ann"),
            name: "Ann".into(),
            avatar: (!deleted).then(|| "https://example.com/a.png".into()),
        },
        kind: if deleted {
            MessageKind::File
        } else {
            MessageKind::Text
        },
        content: if deleted { "".into() } else { "hi 👋".into() },
        reply_to: (!deleted).then_some(MessageId(u128::MAX)),
        client_id: (!deleted).then(|| "c-1".into()),
        created_at: second(4),
        updated_at: second(5),
        deleted_at: deleted.then(|| second(6)),
        status: DeliveryState::Delivered,
        answer: (!deleted).then(|| Box::new(sample_answer())),
    }
}

fn event_kinds() -> Vec<EventKind> {
    let (mut kinds, fleeting) = (stored_kinds(), fleeting_kinds());
    kinds.extend(fleeting);
    kinds.extend(answer_kinds());
    kinds
}

fn stored_kinds() -> Vec<EventKind> {
    let user = user("bob");
    vec![
        EventKind::Created(Box::new(sample_room(None, RoomKind::Dm, None))),
        EventKind::Updated(Box::new(sample_room(
            Some("ann"),
            RoomKind::Public,
            Some(MemberRole::Moderator),
        ))),
        EventKind::Message(Box::new(sample_message(false))),
        EventKind::Edited(Box::new(sample_message(true))),
        EventKind::Erased {
            message: MessageId(17),
            by: user.clone(),
        },
        EventKind::Joined { user: user.clone() },
        EventKind::Left { user: user.clone() },
        EventKind::RoleChanged {
            user: user.clone(),
            role: MemberRole::Owner,
        },
        EventKind::Deleted,
    ]
}

fn fleeting_kinds() -> Vec<EventKind> {
    let user = user("bob");
    vec![
        EventKind::Receipt(Receipt {
            message: MessageId(17),
            recipient: user.clone(),
            status: DeliveryState::Read,
            at: second(7),
        }),
        EventKind::Entered { seq: 12 },
        EventKind::Invited(Invitation {
            id: InvitationId(3),
            room: RoomId::new("room-1_a").unwrap(),
            inviter: user.clone(),
            invitee: user.clone(),
            state: InvitationState::Pending,
            created_at: second(8),
        }),
        EventKind::Typing {
            user: user.clone(),
            typing: true,
        },
        EventKind::Presence(Presence {
            user,
            online: false,
            last_seen: Some(second(9)),
        }),
        EventKind::Named {
            event: "poll".into(),
            data: "[1]".into(),
        },
        EventKind::Notice {
            kind: NoticeKind::LiveUpdate,
            data: "{}".into(),
        },
        EventKind::SystemStatus {
            status: "maintenance".into(),
            message: "soon".into(),
        },
    ]
}

/// How many kinds of events are stored.
const STORED_KINDS: u64 = 9;
