//! SIGTERM, and the one after it.

use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::{Client, Heard, publish};
use crate::world::{Plan, World, eventually};

#[test]
fn open_connections_are_told_and_the_process_ends() {
    let mut world = Plan::with("server.drain_seconds", 10).start();
    let mut clients: Vec<_> = (0..10).map(|_| world.connect("user123")).collect();
    clients.iter_mut().for_each(Client::barrier);
    let started = Instant::now();
    world.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.closed(), (1001, "Server is going away".to_owned()));
        client.close(1001);
        assert_eq!(client.next(), Heard::End);
    }
    drop(clients);
    let status = world.wait(Duration::from_secs(10));
    assert!(status.success(), "{status}");
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(world.audit().last().expect("audit lines")["event"], "stop");
    let output = world.run(&["audit", "verify"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_was_published_is_heard_before_the_end() {
    let mut world = Plan::with("limits.messages_per_second", 0).start();
    let mut subscriber = world.subscriber("user123", "T");
    let mut publisher = world.connect("user123");
    for serial in 0..200 {
        publisher.send(&publish("T", serial));
    }
    publisher.barrier();
    world.signal(Signal::TERM);
    for serial in 0..200 {
        assert_eq!(subscriber.json()["payload"], serial);
    }
    assert_eq!(subscriber.closed().0, 1001);
    drop((subscriber, publisher));
    assert!(world.wait(Duration::from_secs(10)).success());
}

#[test]
fn clients_that_do_not_answer_hold_nothing_up() {
    let mut world = Plan::with("server.drain_seconds", 5).start();
    let mut mute: Vec<_> = (0..5).map(|_| world.connect("user123")).collect();
    mute.iter_mut().for_each(Client::barrier);
    // One has begun a request and does not end it.
    let mut half = world.dial().wire().expect("a listening server");
    half.write_all(b"GET /ws HTTP/1.1\r\n")
        .expect("an open connection");
    let started = Instant::now();
    world.signal(Signal::TERM);
    assert!(world.wait(Duration::from_secs(8)).success());
    let took = started.elapsed();
    assert!(took < Duration::from_secs(6), "{took:?}");
}

#[test]
fn nobody_new_is_let_in() {
    let mut world = Plan::with("server.drain_seconds", 20).start();
    let mut mute = world.connect("user123");
    mute.barrier();
    let dial = world.dial().token(&world.token("testuser"));
    world.signal(Signal::TERM);
    world.wait_for_log(|line| {
        line["message"]
            .as_str()
            .is_some_and(|text| text.contains("draining"))
            .then_some(())
    });
    eventually("the listener closes", || dial.wire().is_err().then_some(()));
    assert!(world.wait(Duration::from_secs(20)).success());
}

#[test]
fn who_was_queued_is_answered_and_not_reset() {
    let mut world = World::start();
    let dial = world.dial().token(&world.token("user123"));
    world.signal(Signal::STOP);
    let mut queued: Vec<_> = (0..5)
        .map(|_| {
            let mut wire = dial.wire().expect("the kernel accepts");
            wire.write_all(&dial.request().0)
                .expect("an open connection");
            wire
        })
        .collect();
    world.signal(Signal::TERM);
    world.signal(Signal::CONT);
    for wire in &mut queued {
        let mut answer = Vec::new();
        while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
            assert!(
                wire.read_some(&mut answer).expect("an answer") > 0,
                "cut off without an answer"
            );
        }
        let head = String::from_utf8_lossy(&answer).into_owned();
        // Let in before the signal was seen, or told to come back.
        assert!(
            head.starts_with("HTTP/1.1 101") || head.starts_with("HTTP/1.1 503"),
            "{head}"
        );
    }
    drop(queued);
    assert!(world.wait(Duration::from_secs(10)).success());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut world = Plan::with("server.drain_seconds", 60).start();
    let mut mute = world.connect("user123");
    mute.barrier();
    world.signal(Signal::TERM);
    assert_eq!(mute.closed().0, 1001);
    let second = Instant::now();
    world.signal(Signal::TERM);
    let status = world.wait(Duration::from_secs(5));
    assert_eq!(status.code(), Some(1));
    assert!(
        second.elapsed() < Duration::from_secs(1),
        "{:?}",
        second.elapsed()
    );
}

#[test]
fn who_asks_by_the_command_line_hears_how_it_is() {
    let world = World::start();
    let address = world.address();
    let ask = |path: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_conclave"))
            .arg("health")
            .arg(format!("http://{address}{path}"))
            .output()
            .expect("a started process");
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), text)
    };
    assert_eq!(ask("/health/ready"), (Some(0), "ready\n".to_owned()));
    assert_eq!(ask("/health/live"), (Some(0), "live\n".to_owned()));
    let (code, said) = ask("/nothing/here");
    assert_eq!(code, Some(1));
    assert!(said.starts_with("conclave: 404: "), "{said}");
    drop(world);
    let (code, said) = ask("/health/ready");
    assert_eq!(code, Some(1));
    assert!(said.starts_with("conclave: "), "{said}");
}
