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
        answer: None,
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

fn part(so_far: &Transcript, delta: &str) -> EventKind {
    EventKind::AnswerPart(Box::new(AnswerPart {
        message: id(M1),
        start: so_far.push(delta),
        delta: delta.into(),
        so_far: so_far.clone(),
    }))
}

#[test]
fn an_answer_comes_in_parts() {
    let so_far = Transcript::default();
    let typing = EventKind::Answering {
        message: id(M1),
        typing: true,
    };
    assert_eq!(
        in_room(typing),
        r#"{"type":"ai_typing","conversation_id":"R","typing":true,"timestamp":1649123456.789}"#
    );
    for delta in ["Hel", "lo \"w\u{f6}rld\""] {
        let shown = serde_json::to_string(delta).unwrap();
        assert_eq!(
            in_room(part(&so_far, delta)),
            format!(
                r#"{{"type":"ai_response_chunk","conversation_id":"R","message_id":"{M1}","delta":{shown},"is_complete":false,"timestamp":1649123456.789}}"#
            )
        );
    }
}

#[test]
fn who_asks_for_it_gets_all_so_far_with_each_part() {
    let so_far = Transcript::default();
    let parts = [part(&so_far, "a"), part(&so_far, "b"), part(&so_far, "c")];
    for dialect in [&FEED, &CONVERSATION] {
        let state = dialect.open("token=x&partial=1", true);
        let form = dialect.form(&state);
        assert_ne!(form, dialect.form(&dialect.open("partial=0", true)));
        for (kind, expected) in parts.iter().zip(["a", "ab", "abc"]) {
            let body = Body::Event(Arc::new(event(kind.clone())));
            let channel = Arc::new(Channel::Room(room("R")));
            let publication = Publication::new(channel, Position::default(), AT, body, 0);
            let mut out = Vec::new();
            dialect.encode_publication(form, &publication, &mut out);
            let text = String::from_utf8(out).unwrap();
            let shown = format!(r#","partial_content":"{expected}","is_complete":false,"#);
            assert!(text.contains(&shown), "{text}");
        }
    }
}

#[test]
fn a_whole_answer_says_how_it_came_about() {
    let answer = AnswerRecord {
        asker: user("alice"),
        model: "small".into(),
        finish: Finish::Stop,
        usage: Usage {
            prompt: 7,
            completion: 3,
        },
        context_tokens: 6,
        context_limit: 4096,
    };
    let whole = Message {
        author: Profile {
            user: user("assistant"),
            ..message().author
        },
        answer: Some(Box::new(answer)),
        ..message()
    };
    assert_eq!(
        in_room(EventKind::Message(Box::new(whole.clone()))),
        format!(
            r#"{{"type":"ai_response_complete","conversation_id":"R","message_id":"{M1}","seq":3,"final_content":"say \"hi\"\n","user_id":"assistant","model_used":"small","context_tokens":6,"context_limit":4096,"finish_reason":"stop","usage":{{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}},"timestamp":1649123456.001}}"#
        )
    );
    let deleted = Message {
        content: "".into(),
        deleted_at: Some(AT),
        ..whole
    };
    let shown = in_room(EventKind::Message(Box::new(deleted)));
    assert!(shown.starts_with(r#"{"type":"user_message","#), "{shown}");
}

#[test]
fn an_answer_that_fails_says_why() {
    let failed = AnswerFailed {
        message: id(M1),
        code: "timeout".into(),
        text: "too long".into(),
    };
    assert_eq!(
        in_room(EventKind::AnswerFailed(Box::new(failed))),
        format!(
            r#"{{"type":"ai_response_error","conversation_id":"R","message_id":"{M1}","code":"timeout","message":"too long"}}"#
        )
    );
}

#[test]
fn the_use_of_the_context_is_in_percent() {
    for (used, limit, percent) in [(1, 3, 33), (4096, 4096, 100), (0, 0, 100), (0, 9, 0)] {
        assert_eq!(
            in_room(EventKind::ContextUsed { used, limit }),
            format!(
                r#"{{"type":"context_usage","conversation_id":"R","used_tokens":{used},"limit_tokens":{limit},"percent":{percent},"timestamp":1649123456.789}}"#
            )
        );
    }
}
