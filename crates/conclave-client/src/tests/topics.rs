use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::join;

use super::{Line, client};
use crate::{Error, Subscription, TopicEvent};

const ACK: &str = r#"{"type":"ack","command":"any","topic":"T"}"#;

fn message(payload: &Value, offset: Option<u64>) -> Value {
    let mut message = json!({
        "publisher_name": "P", "topic": "T", "payload": payload, "timestamp": "now",
        "session_id": "S", "user": "bob",
    });
    if let Some(offset) = offset {
        message["offset"] = offset.into();
        message["epoch"] = 9.into();
    }
    message
}

async fn subscribed(line: &mut Line, commands: &[&str]) {
    for command in commands {
        assert_eq!(line.command().await, *command);
        line.say(if *command == "ping" { "pong" } else { ACK })
            .await;
    }
}

async fn payload(events: &mut Subscription<u32>) -> u32 {
    match events.next().await {
        Some(TopicEvent::Message(message)) => message.payload,
        other => panic!("no message: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_outlives_connections_and_goes_on_where_it_was() {
    let (client, mut server) = client(|builder| builder.name("N").session("S"));
    let topic = client.topic("T");
    let first = ["register-session:S", "register-name:N", "subscribe:T"];
    let (events, line) = join!(topic.subscribe::<u32>(), async {
        let mut line = server.accept().await;
        assert!(
            line.head
                .starts_with("GET /ws?ack=1&recover=1 HTTP/1.1\r\n"),
            "{}",
            line.head
        );
        assert!(line.head.contains("Authorization: Bearer T\r\n"));
        subscribed(&mut line, &first).await;
        line
    });
    let mut events = events.unwrap();
    drop(line);
    // Nothing was heard that the server could go on from.
    let mut line = server.accept().await;
    subscribed(&mut line, &first).await;
    assert!(matches!(events.next().await, Some(TopicEvent::Gap)));
    line.tell(message(&json!(1), Some(7))).await;
    assert_eq!(payload(&mut events).await, 1);
    drop(line);

    let mut line = server.accept().await;
    let again = [
        "register-session:S",
        "register-name:N",
        "subscribe:T?since=7,9",
    ];
    subscribed(&mut line, &again).await;
    line.tell(message(&json!(2), Some(8))).await;
    line.tell(json!({ "type": "gap", "topic": "T" })).await;
    line.tell(message(&json!("three"), None)).await;
    line.tell(message(&json!(4), None)).await;
    assert_eq!(payload(&mut events).await, 2);
    assert!(matches!(events.next().await, Some(TopicEvent::Gap)));
    assert!(matches!(
        events.next().await,
        Some(TopicEvent::Malformed(_))
    ));
    assert_eq!(payload(&mut events).await, 4);
    drop(events);
    assert_eq!(line.command().await, "unsubscribe:T");
}

#[tokio::test(start_paused = true)]
async fn a_publication_is_never_sent_twice_but_waits_while_the_server_is_away() {
    let (client, mut server) = client(|builder| builder);
    server.leave(2);
    let topic = client.topic("T");
    let (one, two) = (topic.publish(&1), topic.publish(&2));
    let mut line = server.accept().await;
    subscribed(&mut line, &["ping"]).await;
    assert_eq!(
        line.command().await,
        r#"publish-json:{"topic":"T","payload":1}"#
    );
    drop(line);
    assert!(matches!(one.await, Err(Error::Uncertain)));
    let mut line = server.accept().await;
    subscribed(&mut line, &["ping"]).await;
    let command = r#"publish-json:{"topic":"T","payload":2}"#;
    assert_eq!(line.command().await, command);
    line.say(r#"{"type":"error","code":"rate_limited","command":"message"}"#)
        .await;
    assert_eq!(line.command().await, command);
    line.say(ACK).await;
    two.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn refused_and_ended_subscriptions_are_told() {
    let (client, mut server) = client(|builder| builder);
    let topic = client.topic("T");
    let refusal =
        r#"{"type":"error","code":"forbidden","message":"no","command":"subscribe","topic":"T"}"#;
    let (refused, mut line) = join!(topic.subscribe::<u32>(), async {
        let mut line = server.accept().await;
        subscribed(&mut line, &["ping"]).await;
        line.answer("subscribe:T", refusal).await;
        line
    });
    assert_eq!(refused.unwrap_err().to_string(), "forbidden: no");
    let (events, ()) = join!(
        topic.subscribe::<u32>(),
        subscribed(&mut line, &["subscribe:T"])
    );
    line.say(refusal).await;
    let Some(TopicEvent::Ended(error)) = events.unwrap().next().await else {
        panic!("not ended")
    };
    assert_eq!(error.code(), Some("forbidden"));
}

#[tokio::test(start_paused = true)]
async fn without_its_session_a_client_stops() {
    let (client, mut server) = client(|builder| builder.session("another's"));
    let publication = client.topic("T").publish(&1);
    let mut line = server.accept().await;
    let refusal =
        r#"{"type":"error","code":"forbidden","message":"no","command":"register-session"}"#;
    line.answer("register-session:another's", refusal).await;
    assert_eq!(publication.await.unwrap_err().code(), Some("forbidden"));
    assert_eq!(
        client.topic("T").publish(&2).await.unwrap_err().code(),
        Some("forbidden")
    );
}
