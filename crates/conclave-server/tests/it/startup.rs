//! Starts that fail, and starts after a crash.

use std::fs;
use std::process::Output;

use rustix::process::Signal;

use crate::client::publish;
use crate::world::{Plan, World, eventually};

#[test]
fn a_taken_port_is_named_in_one_line() {
    let world = World::start();
    let address = world.address().to_string();
    let line = failure(&Plan::new().listen(&[&address]).fail(), 1);
    assert!(
        line.contains("server.listen[0]") && line.contains(&address),
        "{line}"
    );
    let line = failure(&Plan::new().listen(&["127.0.0.1:0", &address]).fail(), 1);
    assert!(
        line.contains("server.listen[1]") && line.contains(&address),
        "{line}"
    );
    world.connect("user123").barrier();
}

#[test]
fn an_address_of_another_machine_is_named() {
    let line = failure(&Plan::new().listen(&["192.0.2.1:0"]).fail(), 1);
    assert!(
        line.contains("server.listen[0]") && line.contains("192.0.2.1"),
        "{line}"
    );
}

#[test]
fn an_unusable_data_folder_is_named() {
    let plan = Plan::new();
    fs::write(plan.path().join("data"), "a file").expect("writable");
    let path = plan.path().join("data").display().to_string();
    let line = failure(&plan.fail(), 1);
    assert!(
        line.contains("server.data_dir") && line.contains(&path),
        "{line}"
    );
}

#[test]
fn a_broken_store_is_named() {
    let plan = Plan::new().users(&[("user123", "user")]);
    let path = plan.path().join("data/conclave.db");
    fs::write(
        &path,
        "this is no database, however long one looks at it".repeat(100),
    )
    .expect("ok");
    let line = failure(&plan.fail(), 1);
    assert!(line.contains(&path.display().to_string()), "{line}");
}

#[test]
fn two_servers_on_one_data_folder_keep_one_audit_chain() {
    let first = World::start();
    let second = Plan::new().folder(first.folder()).start();
    for _ in 0..20 {
        first.connect("user123").barrier();
        second.connect("user123").barrier();
    }
    first.dial().token("garbage").connect().closed();
    second.dial().token("garbage").connect().closed();
    let is_refusal = |line: &&serde_json::Value| line["event"] == "handshake_refused";
    eventually("both refusals are written", || {
        (first.audit().iter().filter(is_refusal).count() == 2).then_some(())
    });
    let output = first.run(&["audit", "verify"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_wrong_configuration_is_told_line_by_line() {
    let output = Plan::with("limits.conections_per_user", 1)
        .set("server.drain_seconds", "soon")
        .fail();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(
        text.contains("CONNECTIONS_PER_USER"),
        "the nearest name: {text}"
    );
    assert!(text.contains("CONCLAVE_SERVER__DRAIN_SECONDS"), "{text}");
}

#[test]
fn weak_and_published_secrets_are_refused() {
    for secret in ["short", "a-string-secret-at-least-256-bits-long"] {
        let output = Plan::new().variable("JWT_SECRET_KEY", secret).fail();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            text.contains("JWT_SECRET_KEY") || text.contains("auth.secret"),
            "{text}"
        );
        assert!(!text.contains(secret), "the secret is shown: {text}");
    }
}

#[test]
fn dev_mode_refuses_a_public_address() {
    let output = Plan::new().listen(&["0.0.0.0:0"]).argument("--dev").fail();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("server.listen"), "{text}");
}

#[test]
fn users_of_dev_mode_do_not_go_into_production() {
    let mut dev = Plan::new().argument("--dev").start();
    dev.signal(Signal::TERM);
    assert!(dev.wait(std::time::Duration::from_secs(10)).success());
    let line = failure(&Plan::new().folder(dev.folder()).fail(), 1);
    assert!(
        line.contains("store.path") && line.contains("passwd"),
        "{line}"
    );
}

#[test]
fn the_audit_chain_outlives_crashes() {
    let mut world = Plan::with("limits.messages_per_second", 0).start();
    for round in 1..=3 {
        let mut subscriber = world.subscriber("user123", "T");
        let mut publisher = world.connect("user123");
        for serial in 0..100 {
            publisher.send(&publish("T", serial));
            assert_eq!(subscriber.json()["payload"], serial);
        }
        world.dial().token("garbage").connect().closed();
        // A warning is durable once it is written, and so is all before it.
        eventually("the refusal is written", || {
            let lines = world.audit();
            let refused = lines
                .iter()
                .filter(|line| line["event"] == "handshake_refused");
            (refused.count() == round).then_some(())
        });
        world.crash();
        world = Plan::with("limits.messages_per_second", 0)
            .folder(world.folder())
            .start();
    }
    eventually("every start is written", || {
        let lines = world.audit();
        let starts = lines.iter().filter(|line| line["event"] == "start");
        (starts.count() == 4).then_some(())
    });
    let output = world.run(&["audit", "verify"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains("the chain holds"),
        "{output:?}"
    );
}

#[test]
fn a_byte_cut_out_of_the_audit_is_found() {
    let mut world = World::start();
    world.connect("user123").barrier();
    world.connect("testuser").barrier();
    world.signal(Signal::TERM);
    assert!(world.wait(std::time::Duration::from_secs(10)).success());
    let path = world.data_dir().join("audit.log");
    let mut text = fs::read_to_string(&path).expect("readable");
    let second_line = text.find('\n').expect("a line") + 1;
    text.remove(second_line + 20);
    fs::write(&path, text).expect("writable");
    let output = world.run(&["audit", "verify"]);
    assert_eq!(output.status.code(), Some(1));
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(line.contains("line 2"), "{line}");
}

/// The one line that a failed start prints.
fn failure(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(output.stdout.is_empty());
    text
}
