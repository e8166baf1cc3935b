use super::*;

/// `42ACK["name",DATA]` is this command, with and without an acknowledgement.
#[track_caller]
fn asks(event: &str, expected: &RoomCommand) {
    for ack in [None, Some(0), Some(12)] {
        let number = ack.map_or(String::new(), |ack: u64| ack.to_string());
        let frame = format!("42{number}[{event}]");
        let tag = Tag {
            ack,
            ..Tag::default()
        };
        let command = Command::Room(tag, expected.clone());
        let word = serde_json::from_str::<Vec<serde_json::Value>>(&format!("[{event}]")).unwrap();
        assert_eq!(SOCKETIO.word(&command), word[0].as_str().unwrap());
        let received = SOCKETIO.decode(&mut connected(), text(&frame));
        assert_eq!(received, Received::Command(command), "{frame}");
    }
}

#[track_caller]
fn refuses(event: &str, refusal: Refusal, message: &str) {
    let frame = format!("427[{event}]");
    let mut state = connected();
    let Received::Refused(answer) = SOCKETIO.decode(&mut state, text(&frame)) else {
        panic!("{frame} was taken");
    };
    let code = match refusal {
        Refusal::UnknownCommand => "unknown_event",
        other => other.code(),
    };
    let error = serde_json::to_string(message).unwrap();
    let ack = format!(r#"437[{{"success":false,"error":{error},"code":"{code}"}}]"#);
    assert_eq!(reply(&state, &answer), Some(ack), "{frame}");
    let unasked = format!("42[{event}]");
    let Received::Refused(answer) = SOCKETIO.decode(&mut state, text(&unasked)) else {
        panic!("{unasked} was taken");
    };
    let event = format!(r#"42["error",{{"message":{error},"code":"{code}"}}]"#);
    assert_eq!(reply(&state, &answer), Some(event), "{unasked}");
}

#[track_caller]
fn ends(state: &mut DialectState, frame: Frame<'_>) {
    let expected = Received::Violation(CloseMeaning::Malformed);
    assert_eq!(SOCKETIO.decode(state, frame), expected, "{frame:?}");
}

#[test]
fn messages_are_sent() {
    let sent = SendMessage {
        room: room(),
        content: "hi".into(),
        kind: MessageKind::Text,
        reply_to: None,
        client_id: None,
        id: None,
    };
    asks(
        r#""sendMessage",{"channelId":"general","content":"hi"}"#,
        &RoomCommand::Send(sent.clone()),
    );
    // What clients in JavaScript add is no harm.
    asks(
        r#""sendMessage",{"optimistic":{"a":[1]},"content":"hi","channelId":"general","parentId":null},null,1"#,
        &RoomCommand::Send(sent),
    );
    let frame = format!(
        r#""sendMessage",{{"channelId":"general","content":"https:\/\/x/\u00e9","parentId":"{OTHER}","clientId":"k","messageType":"Image"}}"#
    );
    let full = SendMessage {
        room: room(),
        content: "https://x/é".into(),
        kind: MessageKind::Image,
        reply_to: Some(message_id(OTHER)),
        client_id: Some("k".into()),
        id: None,
    };
    asks(&frame, &RoomCommand::Send(full));
}

#[test]
fn messages_are_changed() {
    let message = message_id(MESSAGE);
    asks(
        &format!(r#""updateMessage",{{"messageId":"{MESSAGE}","content":"new"}}"#),
        &RoomCommand::Edit(EditMessage {
            message,
            room: None,
            content: "new".into(),
        }),
    );
    asks(
        &format!(r#""deleteMessage",{{"messageId":"{MESSAGE}"}}"#),
        &RoomCommand::Erase(EraseMessage {
            message,
            room: None,
        }),
    );
}

#[test]
fn receipts_are_given_and_listed() {
    let message = message_id(MESSAGE);
    for (word, status) in [
        ("message:delivered", DeliveryState::Delivered),
        ("message:seen", DeliveryState::Read),
    ] {
        let receipt = GiveReceipt {
            message,
            room: None,
            status,
        };
        asks(
            &format!(r#""{word}",{{"messageId":"{MESSAGE}"}}"#),
            &RoomCommand::Receipt(receipt),
        );
    }
    asks(
        &format!(r#""message:getStatus",{{"messageId":"{MESSAGE}"}}"#),
        &RoomCommand::Receipts(ListReceipts { message }),
    );
}

#[test]
fn offline_messages_are_counted_and_listed() {
    for data in ["", ",null", ",{}", ",7"] {
        asks(
            &format!(r#""message:getOfflineCount"{data}"#),
            &RoomCommand::OfflineCount(CountOffline),
        );
    }
    let listed = |limit, after| RoomCommand::Offline(ListOffline { limit, after });
    for data in ["", ",null", ",{}", r#",{"limit":null}"#] {
        asks(&format!(r#""message:getOffline"{data}"#), &listed(50, None));
    }
    asks(
        &format!(r#""message:getOffline",{{"limit":200,"after":"{MESSAGE}"}}"#),
        &listed(200, Some(message_id(MESSAGE))),
    );
}

#[test]
fn rooms_are_asked_about() {
    let in_room = |word: &str| format!(r#""{word}",{{"channelId":"general"}}"#);
    let typing = |typing| {
        RoomCommand::Typing(SetTyping {
            room: room(),
            typing,
        })
    };
    asks(&in_room("typing"), &typing(true));
    asks(&in_room("typing:stop"), &typing(false));
    let room = room();
    let leave = LeaveRoom {
        room: room.clone(),
        delete: false,
    };
    asks(&in_room("channel:leave"), &RoomCommand::Leave(leave));
    let join = JoinRoom { room: room.clone() };
    asks(&in_room("channel:join"), &RoomCommand::Join(join));
    let typists = ListTypists { room: room.clone() };
    asks(&in_room("typing:get"), &RoomCommand::Typists(typists));
    let presence = ListPresence { room };
    asks(&in_room("presence:get"), &RoomCommand::Presence(presence));
}

#[test]
fn wrong_fields_are_named() {
    let send = "sendMessage takes {channelId, content, parentId?, clientId?, messageType?}";
    for (data, wrong) in [
        (r#""sendMessage""#, "data is missing"),
        (r#""sendMessage",null"#, "data must be an object"),
        (r#""sendMessage","general","hi""#, "data must be an object"),
        (r#""sendMessage",[]"#, "data must be an object"),
        (r#""sendMessage",{}"#, "channelId is missing"),
        (
            r#""sendMessage",{"channelId":7,"content":"x"}"#,
            "channelId must be a string",
        ),
        (
            r#""sendMessage",{"channelId":"general"}"#,
            "content is missing",
        ),
        (
            r#""sendMessage",{"channelId":"general","content":["x"]}"#,
            "content must be a string",
        ),
        (
            r#""sendMessage",{"channelId":"general","content":"\ud800"}"#,
            "content must be a string",
        ),
        (
            r#""sendMessage",{"channelId":"general","content":"x","clientId":1}"#,
            "clientId must be a string",
        ),
        (
            r#""sendMessage",{"channelId":"general","content":"x","messageType":"TEXT"}"#,
            "messageType must be Text, Image, File or System",
        ),
        (
            r#""sendMessage",{"channelId":"general","content":"x","conten\u0074":"y"}"#,
            "data has the same member twice",
        ),
        (
            r#""sendMessage",{"\ud800":1}"#,
            "data has a name that is not Unicode text",
        ),
    ] {
        refuses(data, Refusal::BadRequest, &format!("{wrong}; {send}"));
    }
    for limit in ["0", "201", "-1", "1.5", "\"5\"", "1e99"] {
        refuses(
            &format!(r#""message:getOffline",{{"limit":{limit}}}"#),
            Refusal::BadRequest,
            "limit must be a whole number from 1 to 200; message:getOffline takes {limit?, after?}",
        );
    }
    refuses(
        r#""typing""#,
        Refusal::BadRequest,
        "data is missing; typing takes {channelId}",
    );
    refuses(
        r#""auth:refresh",{"token":""}"#,
        Refusal::BadRequest,
        "token must not be empty; auth:refresh takes {token}",
    );
}

#[test]
fn impossible_ids_are_those_of_nothing() {
    refuses(
        r#""typing",{"channelId":"a/b"}"#,
        Refusal::NotFound,
        "no such room",
    );
    refuses(
        r#""deleteMessage",{"messageId":"7"}"#,
        Refusal::NotFound,
        "no such message",
    );
}

#[test]
fn unknown_events_are_named() {
    for (event, name) in [
        (r#""nope",{"a":1}"#, "nope".to_owned()),
        ("12", "12".to_owned()),
        (r#""""#, String::new()),
        (
            &format!(r#""{}""#, "é".repeat(300)),
            format!("{}…", "é".repeat(100)),
        ),
    ] {
        let message = format!("Unknown event: {name}");
        refuses(event, Refusal::UnknownCommand, &message);
    }
}

#[test]
fn a_token_is_renewed_one_at_a_time() {
    let mut state = connected();
    let refresh = SOCKETIO.decode(&mut state, text(r#"4212["auth:refresh",{"token":"T"}]"#));
    assert_eq!(refresh, Received::Command(Command::Renew("T".into())));
    let Received::Refused(second) =
        SOCKETIO.decode(&mut state, text(r#"4213["auth:refresh",{"token":"T"}]"#))
    else {
        panic!("two at a time");
    };
    assert_eq!(
        reply(&state, &second).unwrap(),
        r#"4313[{"success":false,"error":"another auth:refresh has not been answered yet","code":"conflict"}]"#
    );
    // Neither takes the other's answer.
    assert_eq!(
        reply(&state, &Reply::Renewed).unwrap(),
        r#"4312[{"success":true,"data":true}]"#
    );
    assert_eq!(reply(&state, &Reply::Renewed), None);
    let refused = Reply::Refused {
        refusal: Refusal::Unauthenticated,
        message: "authentication failed".into(),
        command: "auth:refresh",
        topic: None,
    };
    SOCKETIO.decode(&mut state, text(r#"420["auth:refresh",{"token":"T"}]"#));
    assert_eq!(
        reply(&state, &refused).unwrap(),
        r#"430[{"success":false,"error":"authentication failed","code":"unauthenticated"}]"#
    );
    SOCKETIO.decode(&mut state, text(r#"42["auth:refresh",{"token":"T"}]"#));
    assert_eq!(
        reply(&state, &refused).unwrap(),
        r#"42["error",{"message":"authentication failed","code":"unauthenticated"}]"#
    );
}

#[test]
fn binary_data_is_refused_when_it_is_whole() {
    let mut state = connected();
    let nothing = Received::Answered(Vec::new());
    let announced =
        r#"452-9["sendMessage",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    assert_eq!(SOCKETIO.decode(&mut state, text(announced)), nothing);
    assert_eq!(SOCKETIO.decode(&mut state, Frame::Binary(&[1])), nothing);
    let Received::Refused(answer) = SOCKETIO.decode(&mut state, text("bAQID")) else {
        panic!("binary data was taken");
    };
    assert_eq!(
        reply(&state, &answer).unwrap(),
        r#"439[{"success":false,"error":"no event takes binary data","code":"bad_request"}]"#
    );
    // An acknowledgement that nobody asked for.
    let ack = r#"461-3[{"_placeholder":true,"num":0}]"#;
    assert_eq!(SOCKETIO.decode(&mut state, text(ack)), nothing);
    assert_eq!(SOCKETIO.decode(&mut state, Frame::Binary(&[1])), nothing);
    assert_eq!(SOCKETIO.decode(&mut state, text("433[1]")), nothing);
}

#[test]
fn hostile_packets_end_the_connection() {
    for frame in [
        "",
        "0{}",
        "2",
        "2probe",
        "7",
        "abc",
        "4",
        "4abc",
        "42",
        "42{}",
        "42[]",
        r#"42["connect"]"#,
        r#"42["connect_error",{}]"#,
        r#"42["disconnect"]"#,
        r#"42["disconnecting"]"#,
        r#"42["newListener"]"#,
        r#"42["removeListener"]"#,
        r#"42[{"toString":1}]"#,
        r#"42[["sendMessage"]]"#,
        r#"42[null]"#,
        r#"42abc["typing"]"#,
        r#"42007["typing"]"#,
        r#"4299999999999999999999["typing"]"#,
        r#"42/admin,["typing",{"channelId":"general"}]"#,
        "41/admin",
        "43/admin,1[]",
        "40",
        r#"40{"token":"T"}"#,
        r#"44{"message":"no"}"#,
        r#"4599999999999-["x",{"_placeholder":true,"num":0}]"#,
        r#"4511-["x"]"#,
        r#"451-["x",{"_placeholder":true,"num":1}]"#,
        r#"451-["x",{"_placeholder":true,"num":-1}]"#,
        r#"451-["x",{"_placeholder":true,"num":"0"}]"#,
        r#"451-["x"]"#,
        r#"41{"a":1}"#,
        "40[",
    ] {
        ends(&mut connected(), text(frame));
    }
    ends(&mut connected(), Frame::Binary(&[1]));
    let mut interrupted = connected();
    SOCKETIO.decode(
        &mut interrupted,
        text(r#"451-["x",{"_placeholder":true,"num":0}]"#),
    );
    ends(&mut interrupted, text(r#"42["typing:get"]"#));
}

#[test]
fn heartbeats_are_no_matter() {
    for mut state in [absent(), connected()] {
        for frame in ["3", "3probe", "5", "6"] {
            let received = SOCKETIO.decode(&mut state, text(frame));
            assert_eq!(received, Received::Answered(Vec::new()), "{frame}");
        }
        let left = Received::Violation(CloseMeaning::Left);
        assert_eq!(SOCKETIO.decode(&mut state, text("1")), left);
    }
    let heartbeat = SOCKETIO.heartbeat().unwrap();
    assert_eq!(heartbeat.text, "2");
    assert_eq!((heartbeat.every, heartbeat.patience), (25_000, 20_000));
}
