//! Requests that are HTTP, but no WebSocket handshake.

use std::io::Write as _;

use super::scene::{SLACK, Scene, answer};
use crate::client::{Client, header};
use crate::world::{Plan, eventually};

#[test]
fn malformed_upgrades_get_a_status_and_a_line() {
    let scene = Scene::with(&[("limits.refused_handshakes_per_minute", "0")]);
    let token = scene.token("user123");
    let long = format!("Sec-WebSocket-Protocol: {}", "x".repeat(5000));
    let offers = format!("Sec-WebSocket-Extensions: {}", "x,".repeat(20));
    let mut lines = 0;
    for (status, drop, add) in [
        (400, "Sec-WebSocket-Key", ""),
        (
            400,
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ",
        ),
        (
            400,
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==",
        ),
        (
            400,
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=",
        ),
        (400, "Sec-WebSocket-Key", "Sec-WebSocket-Key: c2hvcnQ="),
        (400, "", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        (426, "Sec-WebSocket-Version", ""),
        (426, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"),
        (426, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 13, 8"),
        (426, "", "Sec-WebSocket-Version: 13"),
        (400, "Upgrade", ""),
        (400, "Upgrade", "Upgrade: h2c"),
        (400, "Connection", ""),
        (400, "Connection", "Connection: keep-alive"),
        (400, "", "Sec-WebSocket-Extensions: permessage-deflate; ="),
        (400, "", &offers),
        (400, "", "Sec-WebSocket-Protocol: a b"),
        (431, "", &long),
        (403, "", "Origin: https://evil.example"),
        (403, "", "Origin: null"),
        (403, "", "Origin: \u{80}"),
    ] {
        let request = request(&token, "GET", "HTTP/1.1", drop, add);
        let head = refused(&scene, &request, status);
        if status == 426 {
            assert_eq!(
                header(&head, "sec-websocket-version").as_deref(),
                Some("13"),
                "{head}"
            );
        }
        lines += 1;
    }
    let head = refused(&scene, &request(&token, "POST", "HTTP/1.1", "", ""), 405);
    assert_eq!(header(&head, "allow").as_deref(), Some("GET"), "{head}");
    refused(&scene, &request(&token, "GET", "HTTP/1.0", "", ""), 400);
    let two = "Origin: https://a.example\r\nOrigin: https://b.example";
    refused(&scene, &request(&token, "GET", "HTTP/1.1", "", two), 403);
    scene.wait_for_lines(lines + 3, "handshake_refused", "");
    scene.end(SLACK);
}

#[test]
fn an_address_that_is_refused_too_often_waits_and_others_do_not() {
    let scene = Scene::with(&[]);
    let token = scene.token("user123");
    for _ in 0..30 {
        refused(
            &scene,
            &request(&token, "GET", "HTTP/1.1", "Upgrade", ""),
            400,
        );
    }
    scene.wait_for_lines(1, "limit_hit", "refused handshakes of this address");
    let waiting = scene.world.dial().token(&token).try_connect();
    let waiting = waiting.err().expect("a refusal");
    assert_eq!(waiting.status, 429);
    assert!(
        header(&waiting.head, "retry-after").is_some(),
        "{}",
        waiting.head
    );
    scene.wait_for_lines(1, "limit_hit", "too many refused handshakes");
    scene
        .world
        .dial()
        .token(&token)
        .from("127.0.0.2")
        .connect()
        .barrier();
    scene.end(SLACK);
}

#[test]
fn credentials_that_contradict_each_other_are_refused() {
    let scene = Scene::with(&[("limits.refused_handshakes_per_minute", "0")]);
    let (one, other) = (scene.token("one"), scene.token("other"));
    let bearer = |token: &str| format!("Bearer {token}");
    let dial = || scene.world.dial();
    for dial in [
        dial().token(&one).token(&other),
        dial().token(&one).header("Authorization", &bearer(&other)),
        dial()
            .header("Authorization", &bearer(&one))
            .header("Authorization", &bearer(&other)),
        dial().token(&one).query("ticket=x"),
        dial().header("Authorization", &format!("Basic {one}")),
        dial().header("Authorization", "Bearer "),
        dial().query("token=%ff"),
        dial().query("ticket=%00"),
    ] {
        let mut client = dial.connect();
        assert_eq!(
            client.closed(),
            (1008, "Invalid or expired token".to_owned())
        );
    }
    // A cookie alone proves nothing where no allowed page sends it.
    let mut client = dial()
        .header("Cookie", &format!("access_token={one}"))
        .connect();
    assert_eq!(
        client.closed(),
        (1008, "Missing authentication token".to_owned())
    );
    scene.wait_for_lines(9, "handshake_refused", "");
    scene.end(SLACK);
}

/// A good request without the lines of one name, with another line.
fn request(token: &str, method: &str, version: &str, drop: &str, add: &str) -> Vec<u8> {
    let mut text = format!("{method} /ws?token={token} {version}\r\n");
    for line in [
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        add,
    ] {
        let is_dropped = line != add && line.split(':').next() == Some(drop);
        if !is_dropped && !line.is_empty() {
            text.push_str(line);
            text.push_str("\r\n");
        }
    }
    text.push_str("\r\n");
    text.into_bytes()
}

fn refused(scene: &Scene, request: &[u8], expected: u16) -> String {
    let mut wire = scene.wire();
    wire.write_all(request).expect("taken");
    let (status, head) = answer(&mut wire);
    assert_eq!(
        status,
        expected,
        "{}\n{head}",
        String::from_utf8_lossy(request)
    );
    head
}

#[test]
fn a_head_in_pieces_and_what_comes_behind_it_are_read_as_a_whole_one_is() {
    let scene = Scene::with(&[]);
    let token = scene.token("user123");
    let whole = request(&token, "GET", "HTTP/1.1", "", "");
    // A masked `ping`, the mask being zero.
    let ping = b"\x81\x84\0\0\0\0ping";
    for cut in [0, 1, 30, whole.len() - 1, whole.len()] {
        let mut wire = scene.wire();
        let (one, other) = whole.split_at(cut);
        wire.write_all(one).expect("taken");
        if cut > 0 {
            std::thread::yield_now();
        }
        wire.write_all(&[other, ping].concat()).expect("taken");
        wire.tcp()
            .shutdown(std::net::Shutdown::Write)
            .expect("a socket");
        let text = String::from_utf8_lossy(&wire.read_rest()).into_owned();
        assert!(text.starts_with("HTTP/1.1 101 "), "{cut}: {text}");
        assert!(text.ends_with("\u{4}pong"), "{cut}: {text}");
    }
    scene.end(SLACK);
}

#[test]
fn who_comes_with_too_many_others_is_told_when_and_not_blamed() {
    let world = Plan::with("server.workers", 1)
        .set("limits.handshakes_per_second", 1)
        .set("limits.connections_per_user", 0)
        .set("limits.refused_handshakes_per_minute", 1)
        .start();
    let dial = world.dial().token(&world.token("user123"));
    let mut admitted = Vec::new();
    let turned_away = loop {
        match dial.try_connect() {
            Ok(client) => admitted.push(client),
            Err(refused) => break refused,
        }
    };
    assert!(admitted.len() >= 5, "five seconds' worth come at once");
    assert_eq!(turned_away.status, 503, "{turned_away:?}");
    let wait = header(&turned_away.head, "retry-after").expect("when to come back");
    assert!((1..=30).contains(&wait.parse().unwrap_or(0)), "{wait}");
    let text = "too many clients come at once";
    world.wait_for_audit(|line| (line["detail"] == text).then_some(()));
    admitted.iter_mut().for_each(Client::barrier);
    eventually("there is room again", || dial.try_connect().ok()).barrier();
}
