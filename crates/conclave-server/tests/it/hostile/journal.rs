//! Inputs that try to write lines of the audit, and secrets that must not get into it.

use std::io::Write as _;

use serde_json::{Value, json};

use super::scene::{SLACK, Scene, answer};
use crate::client::{Client, Heard, text};
use crate::http::Request;
use crate::world::Token;

#[test]
fn no_input_forges_a_line() {
    let scene = Scene::with(&[
        ("limits.refused_handshakes_per_minute", "0"),
        ("limits.sign_in_failures_per_minute", "0"),
        ("topics.anonymous", "true"),
        ("server.trusted_proxies", "127.0.0.1/32"),
    ]);
    let address = scene.world.address();
    for forged in forgeries() {
        // A name that somebody signs in by.
        let body = json!({ "username": forged, "password": FORGED, "session_id": forged });
        Request::post(address, "/auth/token", &body).send();
        // A user, a session and a name that a token names.
        let mut token = Token::of(&forged).session(&forged);
        token.name = Some(forged.clone());
        let token = scene.keep_secret(scene.world.sign(&token));
        let mut client = scene.world.dial().token(&token).connect();
        client.send_raw(&text(&format!("subscribe:{forged}|{forged}")));
        drain(&mut client);
        // Whatever a request may hold.
        let agent = forged.replace(['\r', '\n', '\0'], "\t");
        let head = format!(
            "GET /ws?{query} HTTP/1.1\r\nhost: localhost\r\nuser-agent: {agent}\r\n\
             x-forwarded-for: {agent}\r\nforwarded: for=\"{agent}\"\r\n\r\n",
            query = percent(&forged),
        );
        let mut wire = scene.wire();
        wire.write_all(head.as_bytes()).expect("taken");
        answer(&mut wire);
        let mut anonymous = scene.world.dial().connect();
        anonymous.send(&format!("register-name:{forged}"));
        anonymous.send(&format!("subscribe:T|{forged}"));
        anonymous.send(&format!("subscribe:U|{forged} "));
        anonymous.send("subscribe:");
        drain(&mut anonymous);
    }
    // Bytes that are no text.
    let mut wire = scene.wire();
    wire.write_all(b"GET /ws HTTP/1.1\r\nuser-agent: \xff\xfe\"}\\\r\n\r\n")
        .expect("taken");
    assert_eq!(answer(&mut wire).0, 400);
    scene.wait_for_lines(forgeries().len(), "sign_in_failed", "");
    scene.wait_for_lines(6, "handshake_refused", "");

    let audit = std::fs::read_to_string(scene.world.data_dir().join("audit.log")).expect("text");
    for (number, line) in audit.lines().enumerate() {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        assert_eq!(line["seq"], number + 1);
        assert_ne!(line["event"], "forged");
        assert_ne!(line["level"], "forged");
        assert_ne!(line["ip"], "203.0.113.66");
    }
    assert!(
        !audit.contains(['\u{2028}', '\u{0}', '\u{1b}', '\u{9b}']),
        "raw control characters"
    );
    scene.end(PASSWORD_BYTES + SLACK);
}

#[test]
fn secrets_stay_out_of_the_audit_and_the_log() {
    let scene = Scene::with(&[
        ("log.level", "trace"),
        ("limits.refused_handshakes_per_minute", "0"),
    ]);
    let address = scene.world.address();
    let password = scene.keep_secret("correct-horse-battery-staple".to_owned());
    let mut expired = Token::of("expired").seconds(1);
    expired.issued_at = conclave_protocol::Timestamp::from_millis(1_000_000_000_000);
    let expired = scene.keep_secret(scene.world.sign(&expired));
    let good = scene.token("user123");
    let garbage = scene.keep_secret("not-a-token-but-somebody's-secret".to_owned());
    for token in [&expired, &good, &garbage] {
        let bearer = format!("Bearer {token}");
        for dial in [
            scene.world.dial().token(token),
            scene.world.dial().header("Authorization", &bearer),
            scene.world.dial().query(&format!("ticket={token}")),
            scene.world.dial().token(token).query("token=other"),
            scene
                .world
                .dial()
                .token(token)
                .header("Origin", "https://evil.example"),
            scene.world.dial().path("/nowhere").token(token),
            scene
                .world
                .dial()
                .token(token)
                .header("Referer", &format!("http://x/?token={token}")),
        ] {
            if let Ok(mut client) = dial.try_connect() {
                client.send_raw(&text(&format!("auth:{token}")));
                drain(&mut client);
            }
        }
        for path in ["/auth/me", "/ws/stats", "/auth/ticket", "/nowhere"] {
            Request::new(address, "GET", &format!("{path}?token={token}"))
                .bearer(token)
                .send();
        }
        let body = json!({ "refresh_token": token });
        Request::post(address, "/auth/refresh", &body).send();
        Request::post(address, "/auth/revoke", &json!({ "token": token }))
            .bearer(token)
            .send();
    }
    let body = json!({ "username": "user123", "password": password });
    assert_eq!(
        Request::post(address, "/auth/token", &body).send().status,
        401
    );
    // A whole head in a request that is no HTTP.
    let mut wire = scene.wire();
    wire.write_all(format!("GET /ws?token={good} HTTP/7\r\n\r\n").as_bytes())
        .expect("taken");
    assert_eq!(answer(&mut wire).0, 400);
    scene.wait_for_lines(1, "sign_in_failed", "");
    scene.end(PASSWORD_BYTES + SLACK);
}

/// Reads everything that was caused so far.
fn drain(client: &mut Client) {
    client.wire().write_all(&text("ping")).ok();
    loop {
        match client.next() {
            Heard::Text(heard) if heard != "pong" => {}
            _ => return,
        }
    }
}

/// Texts that would be lines, or would end one, where they were written as they are.
fn forgeries() -> Vec<String> {
    vec![
        format!("\n{FORGED}\n"),
        format!("\r\n{FORGED}"),
        format!("\",\"event\":\"forged\",\"x\":\"{FORGED}"),
        format!("\\\",\"event\":\"forged\"}}\n{FORGED}"),
        format!("\u{2028}{FORGED}\u{2029}\u{85}"),
        "203.0.113.66\n203.0.113.66".to_owned(),
        "\u{1b}[2J\u{9b}2J\u{0}\u{202e}".to_owned(),
        format!("\\u000a{FORGED}\\n"),
    ]
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// What argon2id takes to check a password, and its thread; one is checked at a time.
const PASSWORD_BYTES: usize = 20 << 20;
const FORGED: &str =
    r#"{"ts":"2026-01-01T00:00:00.000Z","event":"forged","level":"forged","seq":1}"#;
