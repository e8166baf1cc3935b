//! Where a handshake carries its token, from which pages, and how a refusal is told.

use serde_json::{Value, json};

use crate::client::{Client, Dial, Heard};
use crate::http::Request;
use crate::world::{Plan, Token, World};

#[test]
fn a_token_counts_in_the_query_and_in_the_header() {
    let world = World::start();
    let (token, other) = (world.token("user123"), world.token("user123"));
    let bearer = |token: &str| format!("Bearer {token}");
    let check = |dial: Dial, expected: Expected| check(&dial, expected);
    let dial = || world.dial();
    check(dial().token(&token), Ok("user123"));
    check(
        dial().header("Authorization", &bearer(&token)),
        Ok("user123"),
    );
    check(
        dial().header("Authorization", &format!("bEaReR  {token}")),
        Ok("user123"),
    );
    check(dial().query("x=1").token(&token).query("y"), Ok("user123"));
    check(dial().token(&token.replace('.', "%2E")), Ok("user123"));
    // The same one twice is one.
    check(
        dial()
            .token(&token)
            .header("Authorization", &bearer(&token)),
        Ok("user123"),
    );
    check(dial().token(&token).token(&token), Ok("user123"));
    // Two that differ contradict each other, whichever is good.
    check(dial().token(&token).token(&other), INVALID);
    check(
        dial()
            .token(&token)
            .header("Authorization", &bearer(&other)),
        INVALID,
    );
    check(
        dial()
            .token(&token)
            .header("Authorization", "Bearer garbage"),
        INVALID,
    );
    check(
        dial()
            .token("garbage")
            .header("Authorization", &bearer(&token)),
        INVALID,
    );
    check(
        dial()
            .token(&token)
            .header("Authorization", "Basic dXNlcjpwYXNz"),
        INVALID,
    );
    check(dial().token(&token).query("ticket=garbage"), INVALID);
    check(dial(), MISSING);
    check(dial().query("token="), MISSING);
    check(dial().query("Token=x"), MISSING);
}

#[test]
fn tokens_that_do_not_hold_are_refused() {
    let world = unstruck();
    let expired = Token {
        issued_at: crate::world::now(),
        ..Token::of("user123").seconds(0)
    };
    let mut long_ago = expired.clone();
    long_ago.issued_at = conclave_protocol::Timestamp::from_seconds(1_600_000_000);
    check(&world.dial().token(&world.sign(&long_ago)), INVALID);
    let foreign = crate::world::signer("another secret, just as long as the tests' own one is");
    check(
        &world.dial().token(&Token::of("user123").sign(&foreign)),
        INVALID,
    );
    check(&world.dial().token(&world.sign(&Token::of(""))), PAYLOAD);
    check(
        &world.dial().token(&world.sign(&Token::of("line\nend"))),
        PAYLOAD,
    );
    check(
        &world
            .dial()
            .token(&world.sign(&Token::of(&"x".repeat(256)))),
        PAYLOAD,
    );
    check(
        &world
            .dial()
            .token(&world.sign(&Token::of(&"x".repeat(255)))),
        Ok("x"),
    );
}

#[test]
fn the_cookie_counts_only_from_an_allowed_page_and_alone() {
    let plan = Plan::with("auth.origins", "https://app.example.com");
    let world = plan.set("limits.refused_handshakes_per_minute", 0).start();
    let token = world.token("user123");
    let own = format!("http://{}", world.address());
    let with_cookie = || {
        world
            .dial()
            .header("Cookie", &format!("a=b; access_token={token}"))
    };
    let from = |page: &str| with_cookie().header("Origin", page);
    check(&with_cookie(), MISSING);
    check(&from("https://app.example.com"), Ok("user123"));
    check(&from("https://APP.example.com"), Ok("user123"));
    check(&from(&own), Ok("user123"));
    for page in [
        "https://evil.example.com",
        "http://app.example.com",
        "null",
        "",
        "https://app.example.com.evil",
    ] {
        check(&from(page), FORBIDDEN);
        // The page is refused, whatever the credential.
        check(
            &world.dial().header("Origin", page).token(&token),
            FORBIDDEN,
        );
    }
    check(&from(&own).header("Origin", &own), FORBIDDEN);
    // An explicit one, even a bad one, keeps the cookie unread.
    check(&from(&own).token("garbage"), INVALID);
    let other = world.token("testuser");
    check(&from(&own).token(&other), Ok("testuser"));
    check(
        &world.dial().header("Origin", &own).token(&token),
        Ok("user123"),
    );
}

#[test]
fn dev_mode_checks_host_and_page() {
    let world = Plan::new().argument("--dev").start();
    let token = world.token("user123");
    let dial = || world.dial().token(&token);
    for host in [
        "localhost",
        "LOCALHOST:8081",
        "127.0.0.1",
        "127.1.2.3:1",
        "[::1]:8081",
    ] {
        check(&dial().host(host), Ok("user123"));
    }
    for host in [
        "evil.example.com",
        "localhost.evil.example.com",
        "10.0.0.1:8081",
    ] {
        check(&dial().host(host), FORBIDDEN);
        let answer = Request::to(&world.dial().host(host), "GET", "/test-token").send();
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    for page in [
        "http://localhost:5173",
        "https://127.0.0.1:3000",
        "http://[::1]:1",
    ] {
        check(&dial().header("Origin", page), Ok("user123"));
    }
    check(
        &dial().header("Origin", "https://evil.example.com"),
        FORBIDDEN,
    );
}

#[test]
fn a_ticket_stands_for_its_token_once_and_under_its_page() {
    let world = unstruck();
    let token = world.sign(&Token::of("user123").session("s1"));
    let own = format!("http://{}", world.address());
    let ticket = |origin: Option<&str>| -> String {
        let mut request = Request::post(world.address(), "/auth/ticket", &json!({})).bearer(&token);
        if let Some(origin) = origin {
            request = request.header("Origin", origin);
        }
        let answer = request.send();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["expires_in"], 30);
        answer.json()["ticket"]
            .as_str()
            .expect("a ticket")
            .to_owned()
    };
    let show = |ticket: &str| world.dial().query(&format!("ticket={ticket}"));
    let first = ticket(None);
    let mut client = show(&first).connect();
    client.send(r#"publish-json:{"topic":"T","session_id":"s1","payload":1}"#);
    client.barrier();
    check(&show(&first), INVALID);
    check(
        &show(&ticket(Some(&own))).header("Origin", &own),
        Ok("user123"),
    );
    check(&show(&ticket(Some(&own))), INVALID);
    // Revoked with its token.
    let second = ticket(None);
    assert_eq!(
        Request::post(world.address(), "/auth/logout", &json!({}))
            .bearer(&token)
            .send()
            .status,
        204
    );
    check(&show(&second), INVALID);
}

#[test]
fn forwarded_addresses_are_believed_of_proxies_only() {
    let plan = Plan::with("server.trusted_proxies", "127.0.0.1,10.0.0.0/8");
    let world = plan.set("limits.connections_per_user", 0).start();
    let token = world.token("user123");
    let seen = |dial: Dial, agent: &str| -> String {
        dial.token(&token)
            .header("User-Agent", agent)
            .connect()
            .barrier();
        world.wait_for_audit(|line| {
            let is_it = line["event"] == "handshake_ok" && line["user_agent"] == agent;
            is_it.then(|| line["ip"].as_str().unwrap_or_default().to_owned())
        })
    };
    let cases = [
        ("127.0.0.1", "X-Forwarded-For", "203.0.113.7", "203.0.113.7"),
        (
            "127.0.0.1",
            "X-Forwarded-For",
            "198.51.100.1, 203.0.113.7",
            "203.0.113.7",
        ),
        (
            "127.0.0.1",
            "X-Forwarded-For",
            "203.0.113.7, 10.1.2.3, 127.0.0.1",
            "203.0.113.7",
        ),
        (
            "127.0.0.1",
            "X-Forwarded-For",
            "203.0.113.7, garbage",
            "127.0.0.1",
        ),
        (
            "127.0.0.1",
            "Forwarded",
            r#"for="[2001:db8::1]:80";proto=https"#,
            "2001:db8::1",
        ),
        ("127.0.0.2", "X-Forwarded-For", "203.0.113.7", "127.0.0.2"),
    ];
    for (number, (from, name, value, expected)) in cases.into_iter().enumerate() {
        let dial = world.dial().from(from).header(name, value);
        assert_eq!(
            seen(dial, &format!("case {number}")),
            expected,
            "{name}: {value}"
        );
    }
    assert_eq!(seen(world.dial(), "none"), "127.0.0.1");
}

#[test]
fn refusals_are_told_by_http_where_it_is_asked_for() {
    let plan = Plan::with("auth.reject", "http")
        .set("limits.connections_per_user", 1)
        .set("dialects.topics.require", "system.monitor");
    let world = plan.start();
    let status = |dial: Dial| -> (u16, Value) {
        let refused = dial.try_connect().err().expect("a refusal");
        assert!(
            refused
                .head
                .to_lowercase()
                .contains("application/problem+json"),
            "{refused:?}"
        );
        let problem: Value = serde_json::from_str(&refused.body).expect("JSON");
        (refused.status, problem["detail"].clone())
    };
    let admin = || {
        world
            .dial()
            .token(&world.sign(&Token::of("admin").role("admin")))
    };
    assert_eq!(
        status(world.dial()),
        (401, json!("Missing authentication token"))
    );
    assert_eq!(
        status(world.dial().token("garbage")),
        (401, json!("Invalid or expired token"))
    );
    let nobody = world.sign(&Token::of(""));
    assert_eq!(
        status(world.dial().token(&nobody)),
        (401, json!("Invalid token payload"))
    );
    assert_eq!(status(world.dial().token(&world.token("user123"))).0, 403);
    let mut first = admin().connect();
    first.barrier();
    assert_eq!(status(admin()), (429, json!("Too many connections")));
}

#[test]
fn a_surface_may_ask_for_a_permission() {
    let world = Plan::with("dialects.topics.require", "system.monitor").start();
    let closed = world.connect("user123").closed();
    assert_eq!(closed, (1008, "Not allowed here".to_owned()));
    world
        .dial()
        .token(&world.sign(&Token::of("admin").role("admin")))
        .connect()
        .barrier();
}

#[test]
fn tokens_reach_neither_log_nor_audit() {
    let world = Plan::with("log.level", "trace").start();
    let token = world.token("user123");
    let expired = world.sign(&Token::of("user123").seconds(0));
    world.dial().token(&token).connect().barrier();
    world
        .dial()
        .token("garbage-that-nobody-shall-see")
        .connect()
        .closed();
    world
        .dial()
        .token(&expired)
        .header("Authorization", "Bearer other-garbage")
        .connect()
        .closed();
    let answer = Request::new(world.address(), "GET", &format!("/nowhere?token={token}")).send();
    assert_eq!(answer.status, 404);
    let mut client = world.connect("user123");
    client.send(&format!("auth:{token}"));
    assert_eq!(client.json()["type"], "auth_success");
    world.wait_for_audit(|line| (line["event"] == "handshake_refused").then_some(()));
    let written = world.log_text()
        + &world
            .audit()
            .iter()
            .map(Value::to_string)
            .collect::<String>();
    let signature = |token: &str| token.rsplit('.').next().unwrap_or_default().to_owned();
    for secret in [
        signature(&token),
        signature(&expired),
        "nobody-shall-see".into(),
        "other-garbage".into(),
    ] {
        assert!(!written.contains(&secret), "{secret} was written down");
    }
}

type Expected = Result<&'static str, (u16, &'static str)>;

const INVALID: Expected = Err((1008, "Invalid or expired token"));
const MISSING: Expected = Err((1008, "Missing authentication token"));
const PAYLOAD: Expected = Err((1008, "Invalid token payload"));
/// By HTTP, before any upgrade.
const FORBIDDEN: Expected = Err((403, ""));

/// Connects, and compares the user that a broadcast shows (its start), or the refusal.
#[track_caller]
fn check(dial: &Dial, expected: Expected) {
    let outcome = match dial.try_connect() {
        Ok(client) => user_of(client),
        Err(refused) => Err((refused.status, String::new())),
    };
    match (&outcome, expected) {
        (Ok(user), Ok(start)) if user.starts_with(start) => {}
        (Err((code, reason)), Err((wanted, text))) if *code == wanted && reason == text => {}
        _ => panic!("expected {expected:?}, was {outcome:?}"),
    }
}

fn user_of(mut client: Client) -> Result<String, (u16, String)> {
    // A refused connection may be closed already.
    let frame = crate::client::text(r#"{"type":"who"}"#);
    std::io::Write::write_all(client.wire(), &frame).ok();
    match client.next() {
        Heard::Text(text) => {
            let object: Value = serde_json::from_str(&text).expect("JSON");
            Ok(object["user"].as_str().expect("a user").to_owned())
        }
        Heard::Close(code, reason) => Err((code, reason)),
        other => panic!("heard {other:?}"),
    }
}

/// A server that forgives refused handshakes.
fn unstruck() -> World {
    Plan::with("limits.refused_handshakes_per_minute", 0).start()
}
