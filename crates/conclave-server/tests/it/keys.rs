//! Keys of backends, made and revoked by the command line beside a running server.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Heard;
use crate::http::{Answer, Request};
use crate::world::{World, eventually};

#[test]
fn a_key_of_the_command_line_counts_at_once_and_ends_when_revoked() {
    let world = World::start();
    let key = add(&world, "cutter", &["--permission", "server.disconnect"]);
    let mut alice = world.connect("alice");
    alice.barrier();
    assert_eq!(revoke(&world, &key, "alice").status, 204);
    assert_eq!(alice.closed().0, 1008);

    let listed = String::from_utf8(world.run(&["key", "list"]).stdout).expect("text");
    assert!(
        listed.contains("cutter") && listed.contains("active"),
        "{listed}"
    );
    assert!(!listed.contains(&key));
    let output = world.run(&["key", "revoke", "cutter"]);
    assert!(output.status.success(), "{output:?}");
    let revoked = Instant::now();
    eventually("a refusal", || {
        (revoke(&world, &key, "alice").status == 401).then_some(())
    });
    assert!(
        revoked.elapsed() < Duration::from_secs(2),
        "{:?}",
        revoked.elapsed()
    );
    assert_eq!(revoke(&world, &key, "alice").status, 401);
    let text = world.log_text();
    assert!(!text.contains(&key), "the log has no key");
    assert!(
        !world
            .audit()
            .iter()
            .any(|line| line.to_string().contains(&key))
    );
}

#[test]
fn a_key_may_no_more_than_it_says() {
    let world = World::start();
    let key = add(
        &world,
        "short",
        &["--permission", "server.disconnect", "--expires", "60s"],
    );
    assert_eq!(revoke(&world, &key, "alice").status, 204);
    let other = add(&world, "other", &["--permission", "server.publish"]);
    assert_eq!(revoke(&world, &other, "alice").status, 403);
}

#[test]
fn a_key_opens_no_connection() {
    let world = World::start();
    let key = add(&world, "all", &["--permission", "admin"]);
    let mut by_query = world.dial().token(&key).connect();
    assert!(matches!(by_query.next(), Heard::Close(1008, _)));
    let bearer = format!("Bearer {key}");
    let mut by_header = world.dial().header("Authorization", &bearer).connect();
    assert!(matches!(by_header.next(), Heard::Close(1008, _)));
}

#[test]
fn a_call_with_an_idempotency_key_happens_once_also_after_a_restart() {
    let mut world = World::start();
    let key = add(&world, "cutter", &["--permission", "server.disconnect"]);
    let once = |world: &World| {
        let body = json!({ "user_id": "alice" });
        let request = Request::post(world.address(), "/auth/revoke", &body)
            .bearer(&key)
            .header("Idempotency-Key", "k-1");
        request.send()
    };
    assert_eq!(once(&world).status, 204);
    world.crash();
    let world = crate::world::Plan::new().folder(world.folder()).start();
    let again = once(&world);
    assert_eq!(again.status, 204);
    assert!(
        again.head.contains("idempotency-replayed: true"),
        "{}",
        again.head
    );
    let mut alice = world.connect("alice");
    alice.barrier();
}

/// Makes a key; stdout is the key alone.
fn add(world: &World, name: &str, rest: &[&str]) -> String {
    let output = world.run(&[&["key", "add", "--name", name], rest].concat());
    assert!(output.status.success(), "{output:?}");
    let note = String::from_utf8(output.stderr).expect("text");
    let key = String::from_utf8(output.stdout).expect("text");
    let key = key.trim_end();
    assert!(key.starts_with("key_") && !key.contains('\n'), "{key}");
    assert!(note.contains(name) && !note.contains(key), "{note}");
    key.to_owned()
}

fn revoke(world: &World, key: &str, user: &str) -> Answer {
    Request::post(world.address(), "/auth/revoke", &json!({ "user_id": user }))
        .bearer(key)
        .send()
}
