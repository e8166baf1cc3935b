//! Socket.IO by long-polling, and the change to a WebSocket.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::http::{Answer, Request};
use crate::rooms_world::{conversation, greeted, room, send_message, unlimited};
use crate::world::{Plan, Token, World, eventually};

#[test]
fn a_revoked_token_ends_a_session_whose_poll_waits() {
    let world = polling().start();
    let sid = session(&world, "bob");
    let admin = world.sign(&Token::of("admin").role("admin"));
    let (heard, took) = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut heard = String::new();
            loop {
                let answer = poll(&world, &sid);
                heard.push_str(&answer.body);
                if answer.status != 200 || answer.body.contains("41") {
                    return (heard, Instant::now());
                }
            }
        });
        let revoke = Request::post(
            world.address(),
            "/auth/revoke",
            &json!({ "user_id": "bob" }),
        );
        assert_eq!(revoke.bearer(&admin).send().status, 204);
        let at = Instant::now();
        let (heard, end) = waiting.join().expect("polls");
        (heard, end.saturating_duration_since(at))
    });
    assert!(heard.contains("authentication"), "{heard}");
    assert!(took < Duration::from_millis(250) + SLACK, "{took:?}");
    eventually("the session is forgotten", || {
        (poll(&world, &sid).status == 400).then_some(())
    });
}

#[test]
fn who_guesses_the_names_of_sessions_is_refused_handshakes() {
    let world = polling()
        .set("limits.refused_handshakes_per_minute", 5)
        .start();
    for number in 0..5 {
        let answer = poll(&world, &format!("AAAAAAAAAAAAAAAAAAAA{number}Q"));
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.json()["code"], 1);
    }
    world.wait_for_audit(|line| {
        (line["event"] == "handshake_refused" && line["detail"] == "Session ID unknown")
            .then_some(())
    });
    assert_eq!(open(&world).status, 429);
}

#[test]
fn a_page_that_is_not_on_the_list_opens_no_session() {
    let world = polling().start();
    let request = Request::new(world.address(), "GET", PATH);
    let answer = request.header("Origin", "https://evil.example").send();
    assert_eq!(answer.status, 403, "{answer:?}");
}

#[test]
fn posts_at_the_same_time_do_not_mix() {
    let world = polling().start();
    let room = room(&world, "bob", &[]);
    let sid = session(&world, "bob");
    let packet = |number: usize| {
        let content = number.to_string().repeat(1900);
        format!(
            r#"42{}"#,
            json!(["sendMessage", { "channelId": room, "content": content }])
        )
    };
    let body = (0..10).map(packet).collect::<Vec<_>>().join("\u{1e}");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let answer = post(&world, &sid, &body);
                assert_eq!(answer.body, "ok", "{answer:?}");
            });
        }
        let mut heard = 0;
        while heard < 80 {
            let answer = poll(&world, &sid);
            assert_eq!(answer.status, 200, "{answer:?}");
            heard += answer.body.matches("message.created").count();
            if answer.body == "2" {
                post(&world, &sid, "3");
            }
        }
    });
}

#[test]
fn one_websocket_at_a_time_asks_to_take_over() {
    let world = polling().start();
    let sid = session(&world, "bob");
    let mut first = upgrade(&world, &sid);
    first.send("2probe");
    assert_eq!(first.text(), "3probe");
    let mut second = upgrade(&world, &sid);
    assert_eq!(second.closed().0, 1008);
    first.send("5");
    first.send(r#"421["message:getOfflineCount"]"#);
    loop {
        let text = first.text();
        if text.starts_with("431") {
            assert!(text.contains("\"count\":0"), "{text}");
            break;
        }
    }
    assert_eq!(poll(&world, &sid).status, 400);
}

#[test]
fn who_reads_nothing_after_the_change_keeps_no_socket() {
    let world = polling().set("limits.outbox_bytes", 64 * 1024).start();
    let room = room(&world, "ann", &["bob"]);
    let sid = session(&world, "bob");
    let mut client = upgrade_by(&world, &sid, Some(4096));
    client.send("2probe");
    assert_eq!(client.text(), "3probe");
    client.send("5");
    let mut ann = greeted(conversation(&world, "ann", &room).connect());
    let content = "\u{1}".repeat(1990);
    let is_slow = |line: &serde_json::Value| {
        line["user"] == "bob" && line["detail"] == "closed with 1013: SlowReader"
    };
    while !world.audit().iter().any(is_slow) {
        for _ in 0..20 {
            ann.send(&send_message(&content));
        }
        let mut stored = 0;
        while stored < 20 {
            stored += usize::from(ann.json()["type"] == "message_status");
        }
    }
    ann.close(1000);
    ann.closed_at_last();
    // It has read nothing, and still does not: the server ends the socket by itself.
    let port = client.wire().tcp().local_addr().expect("a socket").port();
    eventually("the socket is closed", || {
        (!holds_socket(world.address().port(), port)).then_some(())
    });
}

/// Whether a process holds the server's side of a connection: proc(5), `/proc/net/tcp`; a socket
/// that nobody holds has the inode 0.
fn holds_socket(server: u16, client: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the sockets");
    table.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let port = |field: &str| {
            let (_, port) = field.rsplit_once(':')?;
            u16::from_str_radix(port, 16).ok()
        };
        let is_it = port(fields[1]) == Some(server) && port(fields[2]) == Some(client);
        is_it && fields[9] != "0"
    })
}

fn polling() -> Plan {
    unlimited().set("socketio.polling", true)
}

/// A session of a user: its name.
fn session(world: &World, user: &str) -> String {
    let opened = open(world);
    assert_eq!(opened.status, 200, "{opened:?}");
    let packet: serde_json::Value =
        serde_json::from_str(opened.body.strip_prefix('0').expect("an open packet")).expect("JSON");
    let sid = packet["sid"].as_str().expect("a name").to_owned();
    let connect = format!("40{}", json!({ "token": world.token(user) }));
    assert_eq!(post(world, &sid, &connect).body, "ok");
    let mut heard = String::new();
    while !heard.contains("offline.end") {
        heard.push_str(&poll(world, &sid).body);
    }
    sid
}

fn open(world: &World) -> Answer {
    Request::new(world.address(), "GET", PATH).send()
}

fn poll(world: &World, sid: &str) -> Answer {
    Request::new(world.address(), "GET", &format!("{PATH}&sid={sid}")).send()
}

fn post(world: &World, sid: &str, body: &str) -> Answer {
    Request::text(world.address(), &format!("{PATH}&sid={sid}"), body).send()
}

fn upgrade(world: &World, sid: &str) -> Client {
    upgrade_by(world, sid, None)
}

fn upgrade_by(world: &World, sid: &str, receive_buffer: Option<usize>) -> Client {
    let dial = world.dial().path("/socket.io/").query("EIO=4");
    let dial = dial
        .query("transport=websocket")
        .query(&format!("sid={sid}"));
    match receive_buffer {
        Some(bytes) => dial.receive_buffer(bytes).connect(),
        None => dial.connect(),
    }
}

const PATH: &str = "/socket.io/?EIO=4&transport=polling";
/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(750);
