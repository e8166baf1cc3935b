use super::*;

fn event(kind: EventKind) -> Event {
    Event {
        room: Some(room("R")),
        seq: 5,
        number: 50,
        at: AT,
        kind,
    }
}

/// How `kind` looks to those who hear it on `channel`; empty where they are shown nothing.
fn shown(channel: Channel, kind: EventKind) -> String {
    let publication = Publication::new(
        Arc::new(channel),
        Position::default(),
        AT,
        Body::Event(Arc::new(event(kind))),
        0,
    );
    let mut texts = [(&FEED, feed()), (&CONVERSATION, conversation())].map(|(dialect, state)| {
        let mut out = Vec::new();
        let kind = dialect.encode_publication(dialect.form(&state), &publication, &mut out);
        assert_eq!(kind.is_some(), !out.is_empty());
        String::from_utf8(out).unwrap()
    });
    assert_eq!(texts[0], texts[1]);
    std::mem::take(&mut texts[0])
}

fn in_room(kind: EventKind) -> String {
    shown(Channel::Room(room("R")), kind)
}

fn message() -> Message {
    Message {
        id: id(M1),
        room: room("R"),
        seq: 3,
        author: Profile {
            user: user("alice"),
            name: "Alice".into(),
            avatar: None,
        },
        kind: MessageKind::Text,
        content: "say \"hi\"\n".into(),
        reply_to: None,
        client_id: Some("k1".into()),
        created_at: Timestamp::from_millis(1_649_123_456_001),
        updated_at: AT,
        deleted_at: None,
        status: DeliveryState::Sent,
    }
}

fn a_room() -> Box<Room> {
    Box::new(Room {
        id: room("R"),
        name: "r".into(),
        description: None,
        kind: RoomKind::Public,
        owner: None,
        assistant: false,
        created_at: AT,
        last_seq: 1,
        unread: 0,
        role: None,
        members: 1,
        messages: 0,
    })
}

#[test]
fn messages_are_shown() {
    let plain = format!(
        r#"{{"type":"user_message","conversation_id":"R","message_id":"{M1}","seq":3,"user_id":"alice","content":"say \"hi\"\n","message_type":"Text","timestamp":1649123456.001}}"#
    );
    assert_eq!(in_room(EventKind::Message(Box::new(message()))), plain);
    let reply = Message {
        reply_to: Some(id(M2)),
        kind: MessageKind::File,
        ..message()
    };
    let expected = format!(
        r#"{{"type":"user_message","conversation_id":"R","message_id":"{M1}","seq":3,"user_id":"alice","content":"say \"hi\"\n","reply_to_id":"{M2}","message_type":"File","timestamp":1649123456.001}}"#
    );
    assert_eq!(in_room(EventKind::Message(Box::new(reply))), expected);
}

#[test]
fn deleted_messages_keep_their_place() {
    let tombstone = || {
        Box::new(Message {
            content: "".into(),
            deleted_at: Some(AT),
            ..message()
        })
    };
    let expected = format!(
        r#"{{"type":"user_message","conversation_id":"R","message_id":"{M1}","seq":3,"user_id":"alice","content":"","message_type":"Text","deleted_at":1649123456.789,"timestamp":1649123456.001}}"#
    );
    assert_eq!(in_room(EventKind::Message(tombstone())), expected);
    let expected = format!(
        r#"{{"type":"message_updated","conversation_id":"R","message_id":"{M1}","seq":5,"user_id":"alice","content":"","deleted_at":1649123456.789,"timestamp":1649123456.789}}"#
    );
    assert_eq!(in_room(EventKind::Edited(tombstone())), expected);
}

#[test]
fn only_the_author_is_shown_the_client_id() {
    let event = event(EventKind::Message(Box::new(message())));
    for (own, says) in [(true, true), (false, false)] {
        let mut out = Vec::new();
        CONVERSATION.encode_event(&conversation(), &event, own, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.contains(r#","client_id":"k1","#), says, "{text}");
    }
}

#[test]
fn edits_and_deletions_take_the_next_place() {
    let expected = format!(
        r#"{{"type":"message_updated","conversation_id":"R","message_id":"{M1}","seq":5,"user_id":"alice","content":"say \"hi\"\n","timestamp":1649123456.789}}"#
    );
    assert_eq!(in_room(EventKind::Edited(Box::new(message()))), expected);
    let erased = EventKind::Erased {
        message: id(M1),
        by: user("mod"),
    };
    let expected = format!(
        r#"{{"type":"message_deleted","conversation_id":"R","message_id":"{M1}","seq":5,"timestamp":1649123456.789}}"#
    );
    assert_eq!(in_room(erased), expected);
}

#[test]
fn comings_goings_and_typing_are_shown() {
    let alice = || user("alice");
    for (kind, expected) in [
        (
            EventKind::Joined { user: alice() },
            r#"{"type":"member_joined","conversation_id":"R","user_id":"alice","timestamp":1649123456.789}"#,
        ),
        (
            EventKind::Left { user: alice() },
            r#"{"type":"member_left","conversation_id":"R","user_id":"alice","timestamp":1649123456.789}"#,
        ),
        (
            EventKind::Typing {
                user: alice(),
                typing: true,
            },
            r#"{"type":"typing_indicator","conversation_id":"R","user_id":"alice","typing":true,"timestamp":1649123456.789}"#,
        ),
        (
            EventKind::Typing {
                user: alice(),
                typing: false,
            },
            r#"{"type":"typing_indicator","conversation_id":"R","user_id":"alice","typing":false,"timestamp":1649123456.789}"#,
        ),
        (
            EventKind::Presence(Presence {
                user: alice(),
                online: true,
                last_seen: None,
            }),
            r#"{"type":"presence_update","user_id":"alice","is_online":true,"last_seen":null,"timestamp":1649123456.789}"#,
        ),
        (
            EventKind::Presence(Presence {
                user: alice(),
                online: false,
                last_seen: Some(Timestamp::from_seconds(1)),
            }),
            r#"{"type":"presence_update","user_id":"alice","is_online":false,"last_seen":1.000,"timestamp":1649123456.789}"#,
        ),
    ] {
        assert_eq!(in_room(kind), expected);
    }
}

#[test]
fn receipts_are_shown_once() {
    let receipt = |status| {
        EventKind::Receipt(Receipt {
            message: id(M1),
            recipient: user("bob"),
            status,
            at: AT,
        })
    };
    let own = || Channel::Own {
        room: room("R"),
        user: user("alice"),
    };
    for (status, word) in [
        (DeliveryState::Delivered, "delivered"),
        (DeliveryState::Read, "read"),
    ] {
        let expected = format!(
            r#"{{"type":"message_status","message_id":"{M1}","user_id":"bob","status":"{word}","timestamp":1649123456.789}}"#
        );
        assert_eq!(shown(own(), receipt(status)), expected);
        assert_eq!(shown(Channel::User(user("alice")), receipt(status)), "");
    }
    assert_eq!(shown(own(), receipt(DeliveryState::Sent)), "");
}

#[test]
fn pushes_of_backends_are_shown() {
    let named = EventKind::Named {
        event: "order".into(),
        data: r#"{"id":1}"#.into(),
    };
    assert_eq!(
        in_room(named),
        r#"{"type":"event","conversation_id":"R","event":"order","data":{"id":1}}"#
    );
    for (kind, word) in [
        (NoticeKind::Notification, "notification"),
        (NoticeKind::LiveUpdate, "live_update"),
    ] {
        let notice = EventKind::Notice {
            kind,
            data: r#"{"type":"t"}"#.into(),
        };
        let expected =
            format!(r#"{{"type":"{word}","data":{{"type":"t"}},"timestamp":1649123456.789}}"#);
        assert_eq!(shown(Channel::User(user("alice")), notice), expected);
    }
    let status = EventKind::SystemStatus {
        status: "degraded".into(),
        message: "store \"away\"".into(),
    };
    assert_eq!(
        shown(Channel::System, status),
        r#"{"type":"system_status","status":"degraded","message":"store \"away\""}"#
    );
}

#[test]
fn changes_of_the_room_itself_are_not_shown() {
    let invitation = Invitation {
        id: InvitationId(1),
        room: room("R"),
        inviter: user("alice"),
        invitee: user("bob"),
        state: InvitationState::Pending,
        created_at: AT,
    };
    for kind in [
        EventKind::Created(a_room()),
        EventKind::Updated(a_room()),
        EventKind::RoleChanged {
            user: user("alice"),
            role: MemberRole::Owner,
        },
        EventKind::Deleted,
        EventKind::Entered { seq: 1 },
        EventKind::Invited(invitation),
    ] {
        assert_eq!(in_room(kind), "");
    }
}

#[test]
fn other_publications_are_not_shown() {
    let broadcast = Body::Broadcast {
        members: "".into(),
        user: user("alice"),
        request: 0,
    };
    let channel = Arc::new(Channel::Broadcast);
    let publication = Publication::new(channel, Position::default(), AT, broadcast, 0);
    let mut out = Vec::new();
    assert_eq!(
        FEED.encode_publication(Form(2), &publication, &mut out),
        None
    );
    assert_eq!(out, b"");
}
