use super::*;

const PLAIN: &str = r#""id":"0190163d-8694-739b-aea5-966c26f8ad91","content":"hi \"you\"","channelId":"general","userId":"alice","messageType":"Text","seq":7,"createdAt":"2024-01-24T10:25:37.123Z","updatedAt":"2024-01-24T10:25:37.123Z","deliveryStatus":"SENT""#;
const USER: &str = r#""user":{"id":"alice","name":"Alice"}"#;

#[track_caller]
fn shared(channel: Channel, event: Event) -> Option<String> {
    let mut out = Vec::new();
    let publication = published(channel, event);
    let kind = SOCKETIO.encode_publication(Form(3), &publication, &mut out);
    written(kind, out)
}

#[track_caller]
fn alone(event: &Event, own: bool) -> Option<String> {
    let mut out = Vec::new();
    let kind = SOCKETIO.encode_event(&connected(), event, own, &mut out);
    written(kind, out)
}

/// Both ways of writing it give this.
#[track_caller]
fn event(event: Event, expected: &str) {
    assert_eq!(alone(&event, false).as_deref(), Some(expected));
    let in_room = Channel::Room(room());
    assert_eq!(shared(in_room, event).as_deref(), Some(expected));
}

#[test]
fn messages_carry_their_number() {
    event(
        happened(EventKind::Message(Box::new(message())), 7, 99),
        &format!(r#"42["message.created",{{{PLAIN},{USER}}},"99"]"#),
    );
    let edited = Message {
        updated_at: Timestamp::from_millis(1_706_091_938_000),
        status: DeliveryState::Read,
        reply_to: Some(message_id(OTHER)),
        author: Profile {
            avatar: Some("https://x/a.png".into()),
            ..message().author
        },
        ..message()
    };
    event(
        happened(EventKind::Edited(Box::new(edited)), 8, 100),
        r#"42["message.updated",{"id":"0190163d-8694-739b-aea5-966c26f8ad91","content":"hi \"you\"","channelId":"general","userId":"alice","parentId":"0190163d-8694-739b-aea5-966c26f8ad92","messageType":"Text","seq":7,"createdAt":"2024-01-24T10:25:37.123Z","updatedAt":"2024-01-24T10:25:38.000Z","deliveryStatus":"READ","user":{"id":"alice","name":"Alice","avatar":"https://x/a.png"}},"100"]"#,
    );
}

#[test]
fn the_author_also_gets_the_client_id() {
    let own = happened(EventKind::Message(Box::new(message())), 7, 99);
    assert_eq!(
        alone(&own, true).unwrap(),
        format!(r#"42["message.created",{{{PLAIN},"clientId":"k1",{USER}}},"99"]"#)
    );
}

#[test]
fn offline_messages_carry_no_number() {
    let pushed = happened(EventKind::Message(Box::new(message())), 7, 0);
    assert_eq!(
        alone(&pushed, false).unwrap(),
        format!(r#"42["message.created",{{{PLAIN},{USER}}}]"#)
    );
}

#[test]
fn deleted_messages_keep_their_place() {
    let deleted = Message {
        content: "".into(),
        deleted_at: Some(moment()),
        ..message()
    };
    let replayed = happened(EventKind::Message(Box::new(deleted)), 7, 99);
    let frame = alone(&replayed, false).unwrap();
    assert!(frame.contains(r#""content":"""#));
    assert!(frame.contains(r#""deletedAt":"2024-01-24T10:25:37.123Z","deliveryStatus""#));
    event(
        happened(
            EventKind::Erased {
                message: message_id(MESSAGE),
                by: user("bob"),
            },
            9,
            101,
        ),
        r#"42["message.deleted",{"messageId":"0190163d-8694-739b-aea5-966c26f8ad91","channelId":"general"},"101"]"#,
    );
}

#[test]
fn rooms_change() {
    let shown = Room {
        id: room(),
        name: "General".into(),
        description: None,
        kind: RoomKind::Public,
        owner: Some(user("alice")),
        assistant: false,
        created_at: moment(),
        last_seq: 1,
        unread: 3,
        role: Some(MemberRole::Owner),
        members: 2,
        messages: 0,
    };
    let described = Room {
        description: Some("all".into()),
        owner: None,
        kind: RoomKind::Dm,
        ..shown.clone()
    };
    let rest = r#""assistant":false,"createdAt":"2024-01-24T10:25:37.123Z","lastSeq":1,"_count":{"members":2,"messages":0}"#;
    event(
        happened(EventKind::Created(Box::new(shown)), 1, 5),
        &format!(
            r#"42["channel.created",{{"id":"general","name":"General","type":"PUBLIC","ownerId":"alice",{rest}}},"5"]"#
        ),
    );
    event(
        happened(EventKind::Updated(Box::new(described)), 2, 6),
        &format!(
            r#"42["channel.updated",{{"id":"general","name":"General","description":"all","type":"DM","ownerId":null,{rest}}},"6"]"#
        ),
    );
    event(
        happened(EventKind::Deleted, 3, 7),
        r#"42["channel.deleted",{"channelId":"general"},"7"]"#,
    );
}

#[test]
fn members_change() {
    event(
        happened(EventKind::Joined { user: user("bob") }, 2, 6),
        r#"42["channel.member_joined",{"channelId":"general","userId":"bob"},"6"]"#,
    );
    event(
        happened(EventKind::Left { user: user("bob") }, 2, 6),
        r#"42["channel.member_left",{"channelId":"general","userId":"bob"},"6"]"#,
    );
    let promoted = EventKind::RoleChanged {
        user: user("bob"),
        role: MemberRole::Moderator,
    };
    event(
        happened(promoted, 2, 6),
        r#"42["channel.member_updated",{"channelId":"general","userId":"bob","role":"MODERATOR"},"6"]"#,
    );
    let entered = happened(EventKind::Entered { seq: 2 }, 0, 0);
    assert_eq!(alone(&entered, false), None);
    assert_eq!(shared(Channel::User(user("bob")), entered), None);
}

#[test]
fn receipts_come_by_the_feed_of_the_author() {
    for (status, expected) in [
        (DeliveryState::Sent, None),
        (
            DeliveryState::Delivered,
            Some(
                r#"42["message.delivered",{"messageId":"0190163d-8694-739b-aea5-966c26f8ad91","recipientId":"bob","status":"DELIVERED","timestamp":"2024-01-24T10:25:37.123Z"}]"#,
            ),
        ),
        (
            DeliveryState::Read,
            Some(
                r#"42["message.seen",{"messageId":"0190163d-8694-739b-aea5-966c26f8ad91","recipientId":"bob","status":"READ","timestamp":"2024-01-24T10:25:37.123Z"}]"#,
            ),
        ),
    ] {
        let receipt = Receipt {
            message: message_id(MESSAGE),
            recipient: user("bob"),
            status,
            at: moment(),
        };
        let event = || happened(EventKind::Receipt(receipt.clone()), 0, 0);
        let alice = user("alice");
        assert_eq!(
            shared(Channel::User(alice.clone()), event()).as_deref(),
            expected
        );
        let own = Channel::Own {
            room: room(),
            user: alice,
        };
        assert_eq!(shared(own, event()), None);
        assert_eq!(alone(&event(), false).as_deref(), expected);
    }
}

#[test]
fn what_is_not_stored_passes() {
    let typing = |typing| EventKind::Typing {
        user: user("bob"),
        typing,
    };
    event(
        happened(typing(true), 0, 0),
        r#"42["user:typing",{"channelId":"general","userId":"bob","isTyping":true,"timestamp":"2024-01-24T10:25:37.123Z"}]"#,
    );
    event(
        happened(typing(false), 0, 0),
        r#"42["user:typing",{"channelId":"general","userId":"bob","isTyping":false,"timestamp":"2024-01-24T10:25:37.123Z"}]"#,
    );
    let presence = |online, last_seen| {
        EventKind::Presence(Presence {
            user: user("bob"),
            online,
            last_seen,
        })
    };
    event(
        happened(presence(true, None), 0, 0),
        r#"42["presence.updated",{"userId":"bob","isOnline":true,"lastSeenAt":null}]"#,
    );
    event(
        happened(presence(false, Some(moment())), 0, 0),
        r#"42["presence.updated",{"userId":"bob","isOnline":false,"lastSeenAt":"2024-01-24T10:25:37.123Z"}]"#,
    );
    let invitation = Invitation {
        id: InvitationId::parse(OTHER).unwrap(),
        room: room(),
        inviter: user("alice"),
        invitee: user("bob"),
        state: InvitationState::Pending,
        created_at: moment(),
    };
    event(
        happened(EventKind::Invited(invitation), 0, 0),
        r#"42["invitation.created",{"id":"0190163d-8694-739b-aea5-966c26f8ad92","channelId":"general","inviterId":"alice","inviteeId":"bob","status":"PENDING","createdAt":"2024-01-24T10:25:37.123Z"}]"#,
    );
}

#[test]
fn backends_speak() {
    let notice = |kind| EventKind::Notice {
        kind,
        data: r#"{"a":[1]}"#.into(),
    };
    event(
        happened(notice(NoticeKind::Notification), 0, 0),
        r#"42["notification",{"a":[1]}]"#,
    );
    event(
        happened(notice(NoticeKind::LiveUpdate), 0, 0),
        r#"42["live_update",{"a":[1]}]"#,
    );
    let status = EventKind::SystemStatus {
        status: "maintenance".into(),
        message: "back at \"10\"".into(),
    };
    event(
        happened(status, 0, 0),
        r#"42["system_status",{"status":"maintenance","message":"back at \"10\""}]"#,
    );
    let named = |event: &str, data: &str| EventKind::Named {
        event: event.into(),
        data: data.into(),
    };
    event(
        happened(named("poll \"x\"", "[1,2]"), 0, 0),
        r#"42["poll \"x\"",[1,2]]"#,
    );
    // A string at the end would be taken for the number of a stored event.
    event(
        happened(named("poll", "\"5\""), 0, 0),
        r#"42["poll","5",null]"#,
    );
    for reserved in ["connect", "disconnect", "newListener"] {
        assert_eq!(alone(&happened(named(reserved, "1"), 0, 0), false), None);
    }
}

#[test]
fn topics_are_nothing_to_rooms() {
    let body = Body::Broadcast {
        members: "".into(),
        user: user("alice"),
        request: 0,
    };
    let publication = Publication::new(
        Arc::new(Channel::Broadcast),
        Position::default(),
        moment(),
        body,
        0,
    );
    let mut out = Vec::new();
    assert_eq!(
        SOCKETIO.encode_publication(Form(3), &publication, &mut out),
        None
    );
}

#[test]
fn an_answer_streams() {
    let message = message_id(OTHER);
    let part = AnswerPart {
        message,
        start: 0,
        delta: "Hel".into(),
        so_far: Transcript::default(),
    };
    let streamed = |delta: &str, complete: bool| {
        format!(
            r#"42["message.stream",{{"messageId":"{OTHER}","channelId":"general","delta":"{delta}","isComplete":{complete}}}]"#
        )
    };
    event(
        happened(EventKind::AnswerPart(Box::new(part)), 0, 0),
        &streamed("Hel", false),
    );
    let ended = EventKind::Answering {
        message,
        typing: false,
    };
    event(happened(ended, 0, 0), &streamed("", true));
}
