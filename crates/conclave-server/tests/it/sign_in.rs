//! From a password to an open connection.

use serde_json::json;

use crate::client::publish;
use crate::http::{Answer, Request};
use crate::world::{Plan, World};

#[test]
fn both_endpoints_and_refresh_open_connections() {
    let world = dev();
    let form = Request::form(
        world.address(),
        "/token",
        "username=user123&password=password",
    )
    .send();
    assert_eq!(form.status, 200, "{form:?}");
    assert_eq!(form.json()["token_type"], "bearer");
    assert_eq!(form.json()["expires_in"], 1800);
    let by_form = form.json()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let json = in_session(&world, "s1");
    assert_eq!(json.json()["expires_in"], 3600);
    let by_json = json.json()["token"].as_str().expect("a token").to_owned();
    let refresh = json!({ "refresh_token": json.json()["refresh_token"] });
    let refreshed = Request::post(world.address(), "/auth/refresh", &refresh).send();
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    let refreshed = refreshed.json()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned();

    let mut outside = world.dial().token(&by_form).connect();
    outside.send("subscribe:T");
    outside.barrier();
    let mut clients = [&by_json, &refreshed].map(|token| world.dial().token(token).connect());
    for client in &mut clients {
        client.send("subscribe:T|s1");
        client.barrier();
    }
    clients[1].send(&publish("T", 1));
    for client in &mut clients {
        let message = client.json();
        assert_eq!(
            (&message["session_id"], &message["payload"]),
            (&json!("s1"), &json!(1))
        );
        client.barrier();
    }
    outside.barrier();
}

#[test]
fn wrong_passwords_and_foreign_sessions_open_nothing() {
    let world = dev();
    let wrong = Request::form(world.address(), "/token", "username=user123&password=wrong").send();
    let nobody = Request::form(world.address(), "/token", "username=nobody&password=wrong").send();
    for answer in [&wrong, &nobody] {
        assert_eq!(answer.status, 401, "{answer:?}");
        assert_eq!(answer.header("www-authenticate").as_deref(), Some("Bearer"));
        assert_eq!(answer.json()["detail"], "Incorrect username or password");
    }
    assert_eq!(wrong.body, nobody.body);
    assert_eq!(in_session(&world, "mine").status, 200);
    let body = json!({ "username": "testuser", "password": "password", "session_id": "mine" });
    let foreign = Request::post(world.address(), "/auth/token", &body).send();
    assert_eq!(foreign.status, 403, "{foreign:?}");
}

#[test]
fn the_cookie_of_a_sign_in_opens_connections_of_its_page() {
    let world = dev();
    let body = json!({ "username": "user123", "password": "password" });
    let own = format!("http://{}", world.address());
    let answer = Request::post(world.address(), "/auth/token?cookie=true", &body)
        .header("Origin", &own)
        .send();
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = answer.cookie("access_token").expect("a cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let pair = cookie.split(';').next().expect("a pair");
    let dial = world.dial().header("Cookie", pair);
    dial.clone().header("Origin", &own).connect().barrier();
    let elsewhere = dial
        .header("Origin", "https://evil.example.com")
        .try_connect();
    assert_eq!(elsewhere.err().map(|refused| refused.status), Some(403));
}

#[test]
fn the_test_token_and_the_statistics_are_served() {
    let world = dev();
    let answer = Request::new(world.address(), "GET", "/test-token").send();
    let token = answer.json()["test_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let mut clients = [
        world.dial().token(&token).connect(),
        world.connect("user123"),
    ];
    clients.iter_mut().for_each(crate::client::Client::barrier);
    let stats = || Request::new(world.address(), "GET", "/ws/stats");
    assert_eq!(stats().send().status, 401);
    assert_eq!(stats().bearer(&token).send().status, 403);
    let admin = world.sign(&crate::world::Token::of("admin").role("admin"));
    let shown = stats().bearer(&admin).send().json();
    assert_eq!(
        shown["stats"]["websocket_manager"]["active_connections"], 2,
        "{shown}"
    );
    assert_eq!(
        shown["stats"]["authentication"]["unique_users"], 2,
        "{shown}"
    );
    // Outside dev mode there is no such token.
    let world = World::start();
    assert_eq!(
        Request::new(world.address(), "GET", "/test-token")
            .send()
            .status,
        404
    );
}

fn in_session(world: &World, session: &str) -> Answer {
    let body = json!({ "username": "user123", "password": "password", "session_id": session });
    Request::post(world.address(), "/auth/token", &body).send()
}

fn dev() -> World {
    Plan::new().argument("--dev").start()
}
