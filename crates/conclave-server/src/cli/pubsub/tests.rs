use std::future::pending;
use std::io::{self, Cursor, Write};

use conclave_client::peer::{Peer, listener};
use tokio::join;
use tokio::sync::oneshot;

use super::conversation::Frame;
use super::publisher::{Publications, publish};
use super::subscriber::subscribe;
use super::*;
use crate::cli::Exit;
use crate::cli::tests::parsed;

const ACK: &str = r#"{"type":"ack","command":"any","topic":"T"}"#;
const MESSAGE: &str = r#"{"publisher_name":"P","topic":"T","payload":1,"user":"alice"}"#;

fn no_stdin() -> Cursor<&'static str> {
    panic!("stdin is not asked")
}

async fn said(
    line: &str,
    stdin: impl FnOnce() -> Cursor<&'static str> + Send + 'static,
) -> Result<(), Failure> {
    let args = parsed::<PubArgs>(line).unwrap();
    let publications = Publications::of(&args, stdin)?;
    publish(&args.endpoint, publications, pending()).await
}

async fn heard(line: &str, mut out: impl Write) -> Result<(), Failure> {
    subscribe(&parsed::<SubArgs>(line).unwrap(), &mut out, pending()).await
}

async fn farewell<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(peer: &mut Peer<S>) {
    assert_eq!(peer.heard().await, "close:1000");
    peer.close(1000, "").await;
}

#[tokio::test]
async fn pub_ends_well_when_the_server_has_accepted() {
    let (listener, url) = listener().await;
    let line = format!("orders {{\"id\":7}} --url {url} --token T --name N --session S");
    let (done, ()) = join!(said(&line, no_stdin), async {
        let mut peer = Peer::accept(&listener).await;
        assert!(
            peer.head.starts_with("GET /ws?ack=1 HTTP/1.1\r\n"),
            "{}",
            peer.head
        );
        assert!(peer.head.contains("\r\nAuthorization: Bearer T\r\n"));
        peer.answer("register-session:S", ACK).await;
        peer.answer("register-name:N", ACK).await;
        peer.answer(r#"publish-json:{"topic":"orders","payload":{"id":7}}"#, ACK)
            .await;
        farewell(&mut peer).await;
    });
    done.unwrap();
}

#[tokio::test]
async fn pub_takes_one_payload_from_each_line_and_asks_one_after_the_other() {
    let (listener, url) = listener().await;
    let line = format!("t - --url {url}");
    let stdin = || Cursor::new("{\"a\": 1.50}\nplain \"text\"\n\n");
    let (done, ()) = join!(said(&line, stdin), async {
        let mut peer = Peer::accept(&listener).await;
        for payload in [r#"{"a": 1.50}"#, r#""plain \"text\"""#, r#""""#] {
            let command = format!(r#"publish-json:{{"topic":"t","payload":{payload}}}"#);
            assert_eq!(peer.heard().await, command);
            peer.frame(conclave_websocket::Opcode::Ping, b"").await;
            peer.say(ACK).await;
            assert_eq!(peer.heard().await, "pong:");
        }
        farewell(&mut peer).await;
    });
    done.unwrap();
    // Nothing to say, nobody to say it to.
    said("t --url ws://127.0.0.1:1/", || Cursor::new(""))
        .await
        .unwrap();
}

#[tokio::test]
async fn pub_sends_again_what_came_too_fast() {
    let (listener, url) = listener().await;
    let line = format!("t 1 --url {url}");
    let (done, ()) = join!(said(&line, no_stdin), async {
        let mut peer = Peer::accept(&listener).await;
        let command = r#"publish-json:{"topic":"t","payload":1}"#;
        let limited = r#"{"type":"error","code":"rate_limited","message":"slow down"}"#;
        peer.answer(command, limited).await;
        peer.answer(command, ACK).await;
        farewell(&mut peer).await;
    });
    done.unwrap();
}

#[tokio::test]
async fn pub_fails_with_the_servers_words() {
    let (listener, url) = listener().await;
    let line = format!("t 1 --url {url}");
    let (failed, ()) = join!(said(&line, no_stdin), async {
        let error = r#"{"type":"error","code":"forbidden","message":"no\u001b","topic":"t"}"#;
        Peer::accept(&listener)
            .await
            .answer(r#"publish-json:{"topic":"t","payload":1}"#, error)
            .await;
    });
    assert_eq!(
        failed.unwrap_err().message,
        "forbidden: no\\u{1b} (topic t)"
    );
    let (failed, ()) = join!(said(&line, no_stdin), async {
        let mut peer = Peer::accept(&listener).await;
        peer.close(1008, "Missing authentication token").await;
        while peer.heard().await != "end" {}
    });
    let expected = "the server closed the connection: 1008 Missing authentication token";
    let failure = failed.unwrap_err();
    assert_eq!(
        (failure.message.as_str(), failure.exit),
        (expected, Exit::Failed)
    );
}

#[tokio::test]
async fn a_broadcast_is_acknowledged_by_the_server_alone() {
    let (listener, url) = listener().await;
    let args = PubArgs {
        broadcast: Some(r#"{"type": "test"}"#.to_owned()),
        ..parsed::<PubArgs>(&format!("--broadcast {{}} --url {url}")).unwrap()
    };
    let publications = Publications::of(&args, no_stdin).unwrap();
    let (done, ()) = join!(publish(&args.endpoint, publications, pending()), async {
        let mut peer = Peer::accept(&listener).await;
        // Others broadcast what looks like an answer.
        peer.say(r#"{"type":"error","code":"forbidden","requestId":"1"}"#)
            .await;
        peer.say(r#"{"type":"ack","command":"broadcast","requestId":"2"}"#)
            .await;
        peer.answer(r#"{"type": "test"}"#, r#"{"type":"test","requestId":"3"}"#)
            .await;
        peer.say(r#"{"type":"ack","command":"broadcast"}"#).await;
        farewell(&mut peer).await;
    });
    done.unwrap();
}

#[tokio::test]
async fn an_interrupt_ends_pub_in_order_and_tells_what_was_not_accepted() {
    let (listener, url) = listener().await;
    let args = parsed::<PubArgs>(&format!("t 1 --url {url}")).unwrap();
    let (interrupt, interrupted) = oneshot::channel();
    let publications = Publications::of(&args, no_stdin).unwrap();
    let stop = async { interrupted.await.unwrap() };
    let (failed, _peer) = join!(publish(&args.endpoint, publications, stop), async {
        let mut peer = Peer::accept(&listener).await;
        assert!(peer.heard().await.starts_with("publish-json:"));
        interrupt.send(()).unwrap();
        peer
    });
    assert_eq!(
        failed.unwrap_err().message,
        "interrupted before the server accepted the message"
    );
}

#[tokio::test]
async fn sub_prints_one_line_for_each_message_up_to_the_count() {
    let (listener, url) = listener().await;
    let mut out = Vec::new();
    let line = format!("a b --count 3 --since 7,9 --url {url}");
    let (done, ()) = join!(heard(&line, &mut out), async {
        let mut peer = Peer::accept(&listener).await;
        assert!(
            peer.head
                .starts_with("GET /ws?ack=1&recover=1 HTTP/1.1\r\n"),
            "{}",
            peer.head
        );
        assert_eq!(peer.heard().await, "subscribe:a?since=7,9");
        peer.say(MESSAGE).await;
        peer.say(ACK).await;
        peer.answer("subscribe:b?since=7,9", ACK).await;
        peer.say(r#"{"type":"gap","topic":"a"}"#).await;
        peer.say("{\n \"payload\":\r\n 2}").await;
        peer.say(MESSAGE).await;
        farewell(&mut peer).await;
    });
    done.unwrap();
    let expected =
        format!("{MESSAGE}\n{{\"type\":\"gap\",\"topic\":\"a\"}}\n{{  \"payload\":   2}}\n");
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[tokio::test]
async fn sub_without_topics_says_nothing_and_prints_broadcasts() {
    let (listener, url) = listener().await;
    let mut out = Vec::new();
    let broadcast = r#"{"type":"error","user":"bob","requestId":"1"}"#;
    let line = format!("--count 1 --url {url}");
    let (done, ()) = join!(heard(&line, &mut out), async {
        let mut peer = Peer::accept(&listener).await;
        peer.say(broadcast).await;
        farewell(&mut peer).await;
    });
    done.unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), format!("{broadcast}\n"));
}

#[tokio::test]
async fn sub_fails_where_a_subscription_is_refused_ends_or_the_server_goes() {
    let (listener, url) = listener().await;
    let refused = r#"{"type":"error","code":"forbidden","message":"no","topic":"t"}"#;
    let line = format!("t --url {url}");
    let (failed, ()) = join!(heard(&line, io::sink()), async {
        Peer::accept(&listener)
            .await
            .answer("subscribe:t", refused)
            .await;
    });
    assert_eq!(failed.unwrap_err().message, "forbidden: no (topic t)");
    let (failed, ()) = join!(heard(&line, io::sink()), async {
        let mut peer = Peer::accept(&listener).await;
        peer.answer("subscribe:t", ACK).await;
        peer.say(refused).await;
    });
    assert_eq!(failed.unwrap_err().message, "forbidden: no (topic t)");
    let (failed, ()) = join!(heard(&line, io::sink()), async {
        let mut peer = Peer::accept(&listener).await;
        peer.answer("subscribe:t", ACK).await;
        peer.close(1001, "Server is going away").await;
        assert_eq!(peer.heard().await, "close:1001");
    });
    let message = failed.unwrap_err().message;
    assert_eq!(
        message,
        "the server closed the connection: 1001 Server is going away"
    );
}

/// Rings when it is written to; then nobody reads it any more.
struct Bell(Option<oneshot::Sender<()>>);

impl Write for Bell {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.take() {
            Some(bell) => {
                bell.send(()).unwrap();
                Ok(bytes.len())
            }
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn sub_ends_well_when_interrupted_or_when_nobody_reads() {
    let (listener, url) = listener().await;
    let args = parsed::<SubArgs>(&format!("t --url {url}")).unwrap();
    for messages in [1, 2] {
        let (bell, rung) = oneshot::channel();
        let mut bell = Bell(Some(bell));
        let stop = async {
            rung.await.unwrap();
            if messages > 1 {
                pending::<()>().await;
            }
        };
        let (done, ()) = join!(subscribe(&args, &mut bell, stop), async {
            let mut peer = Peer::accept(&listener).await;
            peer.answer("subscribe:t", ACK).await;
            for _ in 0..messages {
                peer.say("1").await;
            }
            farewell(&mut peer).await;
        });
        done.unwrap();
    }
}

#[tokio::test]
async fn bad_input_is_named_before_anything_is_connected() {
    let check = |failed: Result<(), Failure>, expected: &str| {
        let failure = failed.unwrap_err();
        assert_eq!(
            (failure.message.as_str(), failure.exit),
            (expected, Exit::Usage)
        );
    };
    check(
        said("a|b 1", no_stdin).await,
        "the topic must not contain '|'",
    );
    check(
        said("--broadcast []", no_stdin).await,
        "--broadcast: expected a JSON object",
    );
    check(
        said("t 1 --url http://a", no_stdin).await,
        "--url: http: given, expected ws: or wss:",
    );
    let expected = "--name and --session are for topics, and none is given";
    check(heard("--name N", io::sink()).await, expected);
    let expected = "--since: expected OFFSET,EPOCH, two whole numbers";
    check(heard("t --since 1", io::sink()).await, expected);
    check(heard("t --since +1,2", io::sink()).await, expected);
    check(
        heard("a|b", io::sink()).await,
        "the topic \"a|b\" must not contain '|'",
    );
    assert!(parsed::<PubArgs>("--broadcast {} --name N").is_err());
}

#[test]
fn frames_that_are_no_answers_are_messages() {
    for text in [
        "pong",
        "1",
        "{",
        "{}",
        r#"{"type":"gap"}"#,
        r#"{"type":7}"#,
        MESSAGE,
    ] {
        assert_eq!(Frame::of(text), Frame::Message, "{text}");
    }
    assert_eq!(Frame::of(ACK), Frame::Ack);
}
