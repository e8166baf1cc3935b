use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::join;

use super::{Line, Server, client};
use crate::{Error, Outgoing, Room, RoomEvent, RoomEvents};

fn message(seq: u64) -> Value {
    json!({
        "type": "user_message", "conversation_id": "R", "message_id": format!("m{seq}"),
        "seq": seq, "user_id": "bob", "content": format!("text {seq}"), "message_type": "Text",
        "timestamp": 1.5,
    })
}

fn stored(command: &Value, seq: u64) -> Value {
    json!({
        "type": "message_status", "message_id": format!("m{seq}"), "seq": seq,
        "client_id": command["client_id"], "status": "sent", "timestamp": 1.5,
    })
}

async fn subscribed(line: &mut Line, since: Option<u64>, last_seq: u64) {
    let asked = line.json().await;
    assert_eq!(asked["type"], "subscribe_conversation");
    assert_eq!(asked["since"].as_u64(), since);
    let answer = json!({ "type": "subscribed", "conversation_id": "R", "last_seq": last_seq });
    line.tell(answer).await;
}

/// Hears a room from its event `last_seq` on.
async fn hearing(room: &Room, server: &mut Server, last_seq: u64) -> (RoomEvents, Line) {
    let (events, line) = join!(room.subscribe(), async {
        let mut line = server.greet().await;
        subscribed(&mut line, None, last_seq).await;
        line
    });
    (events.unwrap(), line)
}

async fn seq(events: &mut RoomEvents) -> u64 {
    match events.next().await {
        Some(RoomEvent::Message(message)) => message.seq,
        other => panic!("no message: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_asked_for_and_comes_once() {
    let (client, mut server) = client(|builder| builder);
    let room = client.room("R");
    let (mut events, mut line) = hearing(&room, &mut server, 5).await;
    assert_eq!(events.last_seq(), 5);
    line.tell(message(6)).await;
    assert_eq!(seq(&mut events).await, 6);
    drop(line);

    server.leave(3);
    let mut line = server.greet().await;
    subscribed(&mut line, Some(6), 8).await;
    for seq in [6, 7, 8, 7, 9] {
        line.tell(message(seq)).await;
    }
    for expected in [7, 8, 9] {
        assert_eq!(seq(&mut events).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn sends_wait_in_order_and_are_repeated_under_the_same_key() {
    let (client, mut server) = client(|builder| builder);
    server.leave(4);
    let room = client.room("R");
    let answers = [room.send("one"), room.send("two"), room.send("three")];
    let mut line = server.greet().await;
    let first = line.json().await;
    assert_eq!(
        (&first["type"], &first["content"]),
        (&json!("send_message"), &json!("one"))
    );
    // It was stored, but its sender never heard so; the next was not sent before.
    drop(line);

    let mut line = server.greet().await;
    assert_eq!(line.json().await, first);
    line.tell(stored(&first, 1)).await;
    for (content, seq) in [("two", 2), ("three", 3)] {
        let command = line.json().await;
        assert_eq!(command["content"], content);
        assert_ne!(command["client_id"], first["client_id"]);
        line.tell(stored(&command, seq)).await;
    }
    for (answer, seq) in answers.into_iter().zip(1..) {
        assert_eq!(answer.await.unwrap().seq, seq);
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_fail_one_message_and_limits_only_delay_it() {
    let (client, mut server) = client(|builder| builder);
    let room = client.room("R");
    let bad = room.send("bad");
    let good = room.send_message(Outgoing::text("good").reply_to("m1").client_id("mine"));
    let mut line = server.greet().await;
    let command = line.json().await;
    let refused = |code: &str, command: &Value| {
        json!({
            "type": "error", "code": code, "message": "no", "in_reply_to": "send_message",
            "client_id": command["client_id"], "conversation_id": "R",
        })
    };
    line.tell(refused("too_large", &command)).await;
    assert_eq!(bad.await.unwrap_err().code(), Some("too_large"));
    let first = line.json().await;
    assert_eq!(
        (&first["client_id"], &first["reply_to_id"]),
        (&json!("mine"), &json!("m1"))
    );
    line.tell(refused("rate_limited", &first)).await;
    assert_eq!(line.json().await, first);
    // An older server does not say which: it is asked on another connection.
    let vague = json!({
        "type": "error", "code": "rate_limited", "message": "no", "in_reply_to": "message",
    });
    line.tell(vague).await;
    let mut line = server.greet().await;
    assert_eq!(line.json().await, first);
    line.tell(stored(&first, 7)).await;
    assert_eq!(good.await.unwrap().seq, 7);
}

#[tokio::test(start_paused = true)]
async fn a_full_outbox_is_an_error() {
    let (client, mut server) = client(|builder| builder.outbox(2));
    let room = client.room("R");
    let (one, two, three) = (room.send("1"), room.send("2"), room.send("3"));
    assert!(matches!(three.await, Err(Error::Full)));
    let mut line = server.greet().await;
    for seq in 1..=2 {
        let command = line.json().await;
        line.tell(stored(&command, seq)).await;
    }
    assert_eq!((one.await.unwrap().seq, two.await.unwrap().seq), (1, 2));
    let four = room.send("4");
    let command = line.json().await;
    line.tell(stored(&command, 3)).await;
    assert_eq!(four.await.unwrap().seq, 3);
}

#[tokio::test(start_paused = true)]
async fn who_lags_is_told_and_goes_on() {
    let (client, mut server) = client(|builder| builder.inbox(2));
    let room = client.room("R");
    let (mut events, mut line) = hearing(&room, &mut server, 0).await;
    for seq in 1..=5 {
        line.tell(message(seq)).await;
    }
    // What comes behind has been handled once this is answered.
    let sent = room.send("mark");
    let command = line.json().await;
    line.tell(stored(&command, 6)).await;
    sent.await.unwrap();
    assert_eq!((seq(&mut events).await, seq(&mut events).await), (1, 2));
    assert!(matches!(events.next().await, Some(RoomEvent::Lagged(3))));
    line.tell(message(6)).await;
    assert_eq!(seq(&mut events).await, 6);
}

#[tokio::test(start_paused = true)]
async fn a_membership_that_ends_ends_the_stream() {
    let (client, mut server) = client(|builder| builder);
    let room = client.room("R");
    let (mut events, mut line) = hearing(&room, &mut server, 0).await;
    line.tell(json!({ "type": "unsubscribed", "conversation_id": "R" }))
        .await;
    let Some(RoomEvent::Ended(error)) = events.next().await else {
        panic!("not ended")
    };
    assert_eq!(error.code(), Some("forbidden"));
    assert!(events.next().await.is_none());
    let (refused, ()) = join!(room.subscribe(), async {
        line.json().await;
        let error = json!({
            "type": "error", "code": "forbidden", "message": "no such room",
            "in_reply_to": "subscribe_conversation", "conversation_id": "R",
        });
        line.tell(error).await;
    });
    assert_eq!(refused.unwrap_err().code(), Some("forbidden"));
}

#[tokio::test(start_paused = true)]
async fn who_listens_again_is_not_ended_by_the_answer_to_leaving() {
    let (client, mut server) = client(|builder| builder);
    let room = client.room("R");
    let (events, mut line) = join!(room.subscribe(), async {
        let mut line = server.greet().await;
        subscribed(&mut line, None, 0).await;
        line
    });
    drop(events.unwrap());
    assert_eq!(line.json().await["type"], "unsubscribe_conversation");
    let (events, ()) = join!(room.subscribe_since(0), async {
        let asked = line.json().await;
        assert_eq!(asked["type"], "subscribe_conversation");
        line.tell(json!({ "type": "unsubscribed", "conversation_id": "R" }))
            .await;
        let answer = json!({ "type": "subscribed", "conversation_id": "R", "last_seq": 1 });
        line.tell(answer).await;
        line.tell(message(1)).await;
    });
    assert_eq!(seq(&mut events.unwrap()).await, 1);
}

#[tokio::test(start_paused = true)]
async fn receipts_are_told_again_and_typing_is_not() {
    let (client, mut server) = client(|builder| builder);
    let room = client.room("R");
    room.typing(true);
    room.read("m1");
    room.read("m2");
    let mut line = server.greet().await;
    let read = json!({ "type": "message_read", "conversation_id": "R", "message_id": "m2" });
    assert_eq!(line.json().await, read);
    room.typing(true);
    assert_eq!(line.json().await["type"], "typing_start");
    room.typing(true);
    drop(line);
    let mut line = server.greet().await;
    assert_eq!(line.json().await, read);
    room.typing(false);
    assert_eq!(line.json().await["type"], "typing_stop");
}

#[tokio::test(start_paused = true)]
async fn what_happens_in_a_room_is_told() {
    let (client, mut server) = client(|builder| builder);
    let room = client.room("R");
    let (events, mut line) = join!(room.subscribe(), async {
        let mut line = server.greet().await;
        subscribed(&mut line, None, 0).await;
        line
    });
    let events = events.unwrap();
    let own = room.send("mine");
    let command = line.json().await;
    line.tell(stored(&command, 1)).await;
    own.await.unwrap();
    for frame in [
        r#"{"type":"message_updated","conversation_id":"R","message_id":"m1","seq":2,"content":"new"}"#,
        r#"{"type":"message_deleted","conversation_id":"R","message_id":"m1","seq":3}"#,
        r#"{"type":"member_joined","conversation_id":"R","user_id":"carol"}"#,
        r#"{"type":"member_left","conversation_id":"R","user_id":"carol"}"#,
        r#"{"type":"typing_indicator","conversation_id":"R","user_id":"bob","typing":true}"#,
        r#"{"type":"presence_update","user_id":"bob","is_online":false,"last_seen":1.5}"#,
        r#"{"type":"message_status","message_id":"m1","user_id":"bob","status":"read"}"#,
        r#"{"type":"event","conversation_id":"R","event":"poll","data":{"id":7}}"#,
        r#"{"type":"of tomorrow","conversation_id":"R"}"#,
        r#"{"type":"unsubscribed","conversation_id":"R"}"#,
    ] {
        line.say(frame).await;
    }
    let told: Vec<_> = events.map(|event| format!("{event:?}")).collect().await;
    let expected = [
        "Updated {",
        "Deleted {",
        "Joined(\"carol\")",
        "Left(\"carol\")",
        "Typing {",
        "Presence {",
        "Status {",
        "Pushed {",
        "Ended(",
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
}
