//! Commands and objects that are legal frames and nothing else.

use serde_json::json;

use super::scene::{SLACK, Scene, text};
use crate::client::{Client, publish};

#[test]
fn json_that_two_parsers_could_read_differently_is_refused() {
    let scene = Scene::with(&[]);
    let mut heard = scene.subscriber("user123", "T");
    let mut users = Vec::new();
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let unclosed = "[".repeat(60_000);
    let objects = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let members: String = (0..5000)
        .map(|member| format!(r#""{member}":1,"#))
        .collect();
    for (number, body) in [
        format!(r#"{{"topic":"T","payload":{deep}}}"#),
        format!(r#"{{"topic":"T","payload":{unclosed}"#),
        format!(r#"{{"topic":"T","payload":{objects}}}"#),
        format!(r#"{{{members}"0":1,"topic":"T"}}"#),
        r#"{"topic":"T","topic":"T","payload":1}"#.to_owned(),
        r#"{"topic":"T","\u0074opic":"U","payload":1}"#.to_owned(),
        r#"{"topic":"T","session_id":"session-user123","session_id":"x"}"#.to_owned(),
        r#"{"topic":"T","payload":"\ud800"#.to_owned(),
        r#"{"topic":"\ud800","payload":1}"#.to_owned(),
        r#"{"topic":"T","payload":1}{"topic":"T"}"#.to_owned(),
        r#"{"topic":"T","payload":NaN}"#.to_owned(),
        r#"{"topic":"T","payload":01}"#.to_owned(),
        r#"{"topic":"T","payload":1,}"#.to_owned(),
        r#"{"topic":["T"],"payload":1}"#.to_owned(),
        r#"{"topic":"T","publisher_name":{},"payload":1}"#.to_owned(),
        r#"["topic","T"]"#.to_owned(),
        String::new(),
        "\u{feff}{}".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let user = format!("sender-{number}");
        let mut client = scene.connect(&user);
        refuse(&mut client, &format!("publish-json:{body}"), "bad_request");
        users.push(user);
        let user = format!("broadcaster-{number}");
        let mut client = scene.connect(&user);
        let is_publication_only = body.contains(r#"["T"]"#)
            || body.contains("publisher_name")
            || body.contains(r#""\ud800","#);
        if !is_publication_only {
            refuse(&mut client, &body, "bad_request");
            users.push(user);
        }
    }
    for user in users {
        scene.wait_for_line_of(&user, "protocol_violation");
    }
    heard.barrier();
    scene.end(SLACK);
}

#[test]
fn what_is_deep_but_legal_passes_as_it_was_sent() {
    let scene = Scene::with(&[]);
    let mut client = scene.subscriber("user123", "T");
    let deep = format!("{}{}", "[".repeat(127), "]".repeat(127));
    for payload in [
        &deep,
        "1e999999",
        r#""\u0000\u2028</script>""#,
        "-0.0",
        "123456789012345678901",
    ] {
        client.send(&publish("T", payload));
        let message = client.text();
        assert!(
            message.contains(&format!(r#""payload":{payload}"#)),
            "{message}"
        );
    }
    scene.end(SLACK);
}

#[test]
fn names_out_of_bounds_are_refused() {
    let scene = Scene::with(&[("topics.anonymous", "true")]);
    let (more, giant) = ("x".repeat(256), "x".repeat(65_000));
    // 256 bytes of 128 characters.
    let wide = "\u{e9}".repeat(128);
    let mut client = scene.connect("user123");
    let mut anonymous = scene.world.dial().query("ack=1").connect();
    for name in [
        &more, &giant, &wide, "", "a\u{0}b", "a\nb", "a\u{7f}b", "a\u{9b}b",
    ] {
        for word in ["subscribe", "unsubscribe", "presence"] {
            refuse(&mut client, &format!("{word}:{name}"), "bad_request");
        }
        refuse(&mut client, &publish_to(name), "bad_request");
        for word in ["register-name", "register-session"] {
            refuse(&mut anonymous, &format!("{word}:{name}"), "bad_request");
        }
    }
    refuse(&mut client, &publish_to("a|b"), "bad_request");
    let giant = format!("auth:{}", "x".repeat(60_000));
    refuse(&mut client, &giant, "unauthenticated");
    scene.wait_for_lines(40, "protocol_violation", "");
    scene.end(SLACK);
}

#[test]
fn names_within_bounds_are_taken_as_they_are() {
    let scene = Scene::with(&[("topics.anonymous", "true")]);
    let most = "x".repeat(255);
    let mut client = scene.connect("user123");
    for name in [
        &most,
        "T",
        "\u{202e}\u{1f600}",
        " ",
        "*",
        "../..",
        "session-user123",
    ] {
        client.send(&format!("subscribe:{name}"));
        client.send(&publish_to(name));
        assert_eq!(client.json()["topic"], name);
    }
    let mut anonymous = scene.world.dial().query("ack=1").connect();
    for word in ["register-name", "register-session"] {
        anonymous.send(&format!("{word}:{most}"));
        assert_eq!(anonymous.json(), json!({ "type": "ack", "command": word }));
    }
    scene.end(SLACK);
}

/// The command that publishes to a topic of whatever name.
fn publish_to(name: &str) -> String {
    format!("publish-json:{}", json!({ "topic": name, "payload": 1 }))
}

fn refuse(client: &mut Client, command: &str, code: &str) {
    client.send(command);
    let error = client.json();
    let shown: String = command.chars().take(80).collect();
    assert_eq!(
        (text(&error["type"]), text(&error["code"])),
        ("error".into(), code.into()),
        "{shown}"
    );
}
