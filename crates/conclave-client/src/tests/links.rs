use std::time::Duration;

use tokio::join;
use tokio::time::Instant;

use super::{client, tokens};
use crate::{Connection, Error};

fn bearer(head: &str) -> String {
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("Authorization: Bearer "));
    line.unwrap().rsplit('.').next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_changed_once() {
    let (client, mut server) = client(|builder| tokens(builder, Duration::from_secs(3600)));
    let answer = client.room("R").send("hello");
    for expected in ["s1", "s2"] {
        let mut line = server.accept().await;
        assert_eq!(bearer(&line.head), expected);
        line.close(4001, "Invalid or expired token").await;
    }
    let Err(Error::Unauthenticated(reason)) = answer.await else {
        panic!("not refused")
    };
    assert_eq!(&*reason, "Invalid or expired token");
    assert!(matches!(
        client.status().borrow().rooms,
        Connection::Stopped(_)
    ));
    // Whoever comes later hears the same.
    let later = client.room("R").send("hello?").await;
    assert!(matches!(later, Err(Error::Unauthenticated(_))));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_worked_may_be_changed_whenever_it_ends() {
    let (client, mut server) = client(|builder| tokens(builder, Duration::from_secs(3600)));
    let _answer = client.room("R").send("hello");
    for expected in ["s1", "s2", "s3", "s4"] {
        let mut line = server.greet().await;
        assert_eq!(bearer(&line.head), expected);
        line.json().await;
        line.close(4001, "revoked").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_without_access_stops_and_a_crowded_server_is_left_alone() {
    let (refused, mut server) = client(|builder| builder);
    let answer = refused.room("R").send("hello");
    server.accept().await.close(4003, "Not allowed here").await;
    assert!(matches!(answer.await, Err(Error::Ended(_))));

    let (patient, mut server) = client(|builder| builder);
    let _answer = patient.room("R").send("hello");
    for code in [4008, 1013] {
        let mut line = server.accept().await;
        let closed = Instant::now();
        line.close(code, "").await;
        drop(line);
        server.accept().await;
        assert!(closed.elapsed() >= Duration::from_secs(5));
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_are_renewed_in_band_before_they_end() {
    let life = Duration::from_secs(100);
    let (client, mut server) = client(|builder| tokens(builder, life));
    let began = Instant::now();
    let (connected, mut line) = join!(client.connect_topics(), async {
        let mut line = server.accept().await;
        assert_eq!(line.command().await, "ping");
        line.say("pong").await;
        line
    });
    connected.unwrap();
    for number in 2..5 {
        let renewal = line.command().await;
        assert!(renewal.starts_with("auth:h.") && renewal.ends_with(&format!(".s{number}")));
        assert!(began.elapsed() < life * (number - 1));
        line.say(r#"{"type":"auth_success"}"#).await;
    }
    assert!(client.is_authenticated());
    assert_eq!(client.token().unwrap().rsplit('.').next(), Some("s4"));
    assert!(!client.refresh_token().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_taken_for_gone() {
    let (client, mut server) = client(|builder| builder);
    let _answer = client.topic("T").publish(&1);
    let mut line = server.accept().await;
    assert_eq!(line.command().await, "ping");
    line.say("pong").await;
    line.command().await;
    line.say(r#"{"type":"ack","command":"publish-json","topic":"T"}"#)
        .await;
    // It answers pings, then no more.
    for _ in 0..3 {
        assert_eq!(line.heard().await, "ping:");
        line.frame(conclave_websocket::Opcode::Pong, b"").await;
    }
    assert_eq!(line.heard().await, "ping:");
    assert_eq!(line.heard().await, "end");
    let _publication = client.topic("T").publish(&2);
    server.accept().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_ends_the_connection() {
    let (client, mut server) = client(|builder| builder);
    let answer = client.room("R").send("hello");
    let mut line = server.greet().await;
    let command = line.json().await;
    assert_eq!(line.heard().await, "end");
    let mut line = server.greet().await;
    assert_eq!(line.json().await, command);
    line.tell(serde_json::json!({
        "type": "message_status", "message_id": "m", "seq": 1, "status": "sent",
        "client_id": command["client_id"],
    }))
    .await;
    assert_eq!(answer.await.unwrap().seq, 1);
}

#[tokio::test(start_paused = true)]
async fn status_shows_what_is_going_on() {
    let (client, mut server) = client(|builder| builder);
    let mut status = client.status();
    assert!(matches!(status.borrow().topics, Connection::Idle));
    server.leave(1);
    let failed = client.connect_topics().await;
    assert!(matches!(failed, Err(Error::Io("cannot connect", _))));
    let mut line = server.accept().await;
    line.answer("ping", "pong").await;
    status
        .wait_for(|status| status.topics.is_open())
        .await
        .unwrap();
    let closed = join!(client.close(), async {
        assert_eq!(line.heard().await, "close:1000");
        line.close(1000, "").await;
    });
    let ((), ()) = closed;
    assert!(matches!(
        status.borrow().topics,
        Connection::Stopped(Error::Closed)
    ));
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_a_client_is_closed_is_told_so() {
    let (client, _server) = client(|builder| builder);
    let room = client.room("R");
    let answer = room.send("hello");
    client.close().await;
    assert!(matches!(answer.await, Err(Error::Closed)));
    assert!(matches!(room.send("again").await, Err(Error::Closed)));
}
