use serde_json::json;
use tokio::join;
use tokio::sync::mpsc;

use super::client;
use crate::WsClient;

const ACK: &str = r#"{"type":"ack","command":"any","topic":"T"}"#;

#[tokio::test(start_paused = true)]
async fn handlers_get_every_message_of_their_topic() {
    let (modern, mut server) = client(|builder| builder.name("Client1"));
    let (opened, mut line) = join!(WsClient::open(modern), async {
        let mut line = server.accept().await;
        line.answer("register-name:Client1", ACK).await;
        line
    });
    let mut client = opened.unwrap();
    let (said, mut heard) = mpsc::unbounded_channel();

    let (subscribed, ()) = join!(
        client.subscribe("Client1", "T", "no-payload"),
        line.answer("subscribe:T", ACK)
    );
    subscribed.result().unwrap();
    for payload in [json!("a text"), json!({ "id": 7 })] {
        let message = json!({ "publisher_name": "P", "topic": "T", "payload": payload });
        line.tell(message).await;
    }
    // They waited for somebody to take them.
    let first = said.clone();
    client.on_message("T", move |message| {
        first.send(format!("{message}")).unwrap();
    });
    assert_eq!(heard.recv().await.unwrap(), "a text");
    assert_eq!(heard.recv().await.unwrap(), r#"{"id":7}"#);

    // Set before the subscription, and a second one for the same topic.
    for _ in 0..2 {
        let said = said.clone();
        client.on_message("U", move |message| {
            said.send(message.publisher_name.clone().unwrap()).unwrap();
        });
    }
    let (subscribed, ()) = join!(
        client.subscribe("Client1", "U", "no-payload"),
        line.answer("subscribe:U", ACK)
    );
    subscribed.result().unwrap();
    let message = json!({ "publisher_name": "P", "topic": "U", "payload": 1 });
    line.tell(message).await;
    assert_eq!(heard.recv().await.unwrap(), "P");
    assert_eq!(heard.recv().await.unwrap(), "P");
}

#[tokio::test(start_paused = true)]
async fn what_is_published_says_who_and_when() {
    let (modern, mut server) = client(|builder| builder);
    let (opened, mut line) = join!(WsClient::open(modern), async {
        let mut line = server.accept().await;
        line.answer("ping", "pong").await;
        line
    });
    let mut client = opened.unwrap();
    let (published, ()) = join!(client.publish("Client1", "T", "text", "today"), async {
        let expected = r#"publish-json:{"publisher_name":"Client1","topic":"T","payload":"text","timestamp":"today"}"#;
        line.answer(expected, ACK).await;
    });
    published.unwrap();
    let (refused, ()) = join!(client.subscribe("Client1", "T", ""), async {
        let refusal = r#"{"type":"error","code":"forbidden","message":"no","command":"subscribe","topic":"T"}"#;
        line.answer("subscribe:T", refusal).await;
    });
    assert_eq!(refused.result().unwrap_err().code(), Some("forbidden"));
    assert!(client.is_authenticated());
    assert_eq!(client.get_token().as_deref(), Some("T"));
    assert!(!client.refresh_token_if_needed().await.unwrap());
}
