//! Sessions that try each other's names.

use serde_json::json;

use super::scene::{SLACK, Scene, text};
use crate::client::Client;
use crate::world::Token;

#[test]
fn sessions_of_equal_names_never_hear_each_other() {
    let scene = Scene::with(&[("topics.anonymous", "true")]);
    let sign = |token: &Token| scene.keep_secret(scene.world.sign(token));
    let by_token = |token: &Token| scene.world.dial().token(&sign(token)).connect();
    // All of them are shown as `session-x`.
    let mut sessions: Vec<(&str, Client)> = vec![
        ("default", by_token(&Token::of("x"))),
        ("named", by_token(&Token::of("y").session("session-x"))),
        ("by name", anonymous(&scene, &["register-name:x"])),
        ("other", by_token(&Token::of("z"))),
    ];
    let mut chosen = anonymous(&scene, &["register-session:chosen"]);
    let mut chosen_by_topic = anonymous(&scene, &["subscribe:T|chosen too"]);
    for (_, client) in &mut sessions {
        client.send("subscribe:T");
        client.barrier();
    }
    chosen.send("subscribe:T");
    chosen.barrier();
    for (name, client) in &mut sessions {
        client.send(&format!(
            "publish-json:{}",
            json!({ "topic": "T", "payload": name })
        ));
        assert_eq!(client.json()["payload"], *name);
        client.send("presence:T");
        assert_eq!(
            client.json()["clients"].as_array().map(Vec::len),
            Some(1),
            "{name}"
        );
    }
    for (_, client) in &mut sessions {
        client.barrier();
    }
    chosen.barrier();
    chosen_by_topic.barrier();
    scene.end(SLACK);
}

#[test]
fn another_session_is_refused_however_it_is_named() {
    let scene = Scene::with(&[("topics.anonymous", "true")]);
    let mut victim = scene.subscriber("victim", "T");
    let sign = |token: &Token| scene.keep_secret(scene.world.sign(token));
    let named = sign(&Token::of("named").session("mine"));
    let mut attackers = [
        ("attacker", scene.connect("attacker")),
        ("named", scene.world.dial().token(&named).connect()),
    ];
    for (user, client) in &mut attackers {
        for session in [
            "session-victim",
            "victim",
            "",
            "SESSION-VICTIM",
            "*",
            "0:session-victim",
        ] {
            refuse(client, &format!("subscribe:T|{session}"), "forbidden");
            refuse(client, &format!("unsubscribe:T|{session}"), "forbidden");
            let object = json!({ "topic": "T", "payload": 1, "session_id": session });
            refuse(client, &format!("publish-json:{object}"), "forbidden");
        }
        let object =
            json!({ "topic": "T", "payload": 1, "session_id": { "sid": "session-victim" } });
        refuse(client, &format!("publish-json:{object}"), "bad_request");
        let line = scene.wait_for_line_of(user, "permission_denied");
        assert!(line.contains("not the session"), "{line}");
    }
    let (_, attacker) = &mut attackers[0];
    refuse(attacker, "register-session:session-victim", "forbidden");
    // Who has no token has sessions of another kind, and once subscribed no other one.
    let mut nobody = anonymous(&scene, &["subscribe:T|session-victim"]);
    refuse(&mut nobody, "subscribe:U|session-attacker", "forbidden");
    refuse(
        &mut nobody,
        r#"publish-json:{"topic":"T","session_id":"session-attacker"}"#,
        "forbidden",
    );
    let object = json!({ "topic": "T", "payload": "from nobody", "user": "victim" });
    nobody.send(&format!("publish-json:{object}"));
    let own = nobody.json();
    assert_eq!(
        (&own["payload"], &own["user"]),
        (&json!("from nobody"), &json!(null))
    );
    victim.barrier();
    scene.end(SLACK);
}

#[test]
fn who_has_no_token_hears_no_broadcast_and_sends_none() {
    let scene = Scene::with(&[("topics.anonymous", "true")]);
    let mut nobody = anonymous(&scene, &["register-name:x"]);
    let mut somebody = scene.connect("user123");
    somebody.barrier();
    somebody.send(r#"{"type":"test","user":"admin","requestId":"mine","timestamp":0}"#);
    let heard = somebody.json();
    assert_eq!(heard["user"], "user123");
    assert_ne!(heard["requestId"], "mine");
    refuse(&mut nobody, r#"{"type":"test"}"#, "unknown_command");
    nobody.barrier();
    // As the first frame it ends the connection.
    for first in [r#"{"type":"test"}"#, "hello", "subscribe", ""] {
        let mut client = scene.world.dial().connect();
        client.send(first);
        assert_eq!(
            client.closed(),
            (1008, "Missing authentication token".to_owned()),
            "{first}"
        );
    }
    scene.wait_for_lines(4, "protocol_violation", "MissingToken");
    scene.end(SLACK);
}

fn anonymous(scene: &Scene, commands: &[&str]) -> Client {
    let mut client = scene.world.dial().connect();
    commands.iter().for_each(|command| client.send(command));
    client.barrier();
    client
}

fn refuse(client: &mut Client, command: &str, code: &str) {
    client.send(command);
    let error = client.json();
    assert_eq!(
        (text(&error["type"]), text(&error["code"])),
        ("error".into(), code.into()),
        "{command}"
    );
}
