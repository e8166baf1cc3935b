//! Sockets that keep a place without a request, and sockets that do not take their answers.

use std::io::Write as _;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};

use super::scene::{SLACK, Scene, answer, pour, wait_for_end};
use crate::client::Wire;
use crate::world::{PATIENCE, eventually};

#[test]
fn silent_and_byte_a_moment_handshakes_are_ended_in_time() {
    let scene = Scene::with(&[("server.handshake_seconds", "1")]);
    let request = scene.world.dial().request().0;
    let begin = Instant::now();
    let silent: Vec<_> = [0, 1, 20, request.len() - 1]
        .into_iter()
        .map(|bytes| {
            let mut wire = scene.wire();
            wire.write_all(&request[..bytes]).expect("taken");
            wire
        })
        .collect();
    // A byte now and then does not buy time.
    let mut slow = scene.wire();
    let mut sent = 0;
    while sent < request.len() && !ended_within(&slow, Duration::from_millis(100)) {
        slow.write_all(&request[sent..=sent]).expect("taken");
        sent += 1;
    }
    assert!(sent < request.len(), "a whole request");
    let cut = begin.elapsed();
    assert!((900..5000).contains(&cut.as_millis()), "{cut:?}");
    for mut wire in silent.into_iter().chain([slow]) {
        assert_eq!(answer(&mut wire).0, 408);
    }
    scene.wait_for_lines(5, "protocol_violation", "no request in time");
    scene.end(SLACK);
}

#[test]
fn who_waits_between_two_requests_is_no_attack() {
    let scene = Scene::with(&[("server.handshake_seconds", "1")]);
    let mut wire = scene.wire();
    wire.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .expect("taken");
    let text = String::from_utf8_lossy(&wire.read_rest()).into_owned();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(!text.contains("408"), "{text}");
    let faults = scene
        .world
        .audit()
        .iter()
        .filter(|l| l["event"] == "protocol_violation")
        .count();
    assert_eq!(faults, 0);
    scene.end(SLACK);
}

#[test]
fn answers_that_nobody_reads_are_not_kept_for_ever() {
    let scene = Scene::with(&[("server.handshake_seconds", "1")]);
    let mut wires: Vec<_> = (0..20)
        .map(|_| {
            scene
                .world
                .dial()
                .receive_buffer(4096)
                .wire()
                .expect("a listening server")
        })
        .collect();
    let request = b"GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for wire in &mut wires {
        pour(wire, request, 64 * 1024);
    }
    scene.wait_for_lines(20, "protocol_violation", "answers were not read");
    for wire in &mut wires {
        wait_for_end(wire);
    }
    // Its buffers of 16 KiB, an answer, what its tasks hold.
    let cost = scene.end(20 * 64 * 1024 + SLACK);
    assert!(cost.sending <= SENDING_MAX, "{cost:?}");
    assert!(cost.receiving <= RECEIVING_MAX, "{cost:?}");
}

#[test]
fn an_address_alone_cannot_take_all_places() {
    let scene = Scene::with(&[("limits.connections_per_address", "20")]);
    let mut held: Vec<Wire> = (0..20).map(|_| scene.wire()).collect();
    // Each has been accepted once one more was turned away.
    let (status, head) = answer(&mut scene.wire());
    assert_eq!(status, 429);
    assert!(head.contains("retry-after"), "{head}");
    scene.wait_for_lines(1, "limit_hit", "unfinished handshakes of this address");
    let mut other = scene.dial("user123").from("127.0.0.2").connect();
    other.barrier();
    // A place that is given back is free.
    drop(held.pop());
    let token = scene.token("user123");
    eventually("a free place", || is_let_in(&scene, &token).then_some(()));
    scene.end(SLACK);
}

#[test]
fn a_crowd_of_silent_sockets_is_bounded_and_turned_away() {
    let files = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        rustix::process::Rlimit {
            current: files.maximum,
            ..files
        },
    )
    .expect("files enough");
    let scene = Scene::with(&[
        ("limits.connections_per_address", "0"),
        ("server.handshake_seconds", "60"),
    ]);
    let mut open = scene.connect("user123");
    let crowd: Vec<Wire> = (0..PLACES).map(|_| scene.wire()).collect();
    let (status, _) = answer(&mut scene.wire());
    assert_eq!(status, 503);
    scene.wait_for_lines(1, "limit_hit", "unfinished handshakes");
    // Whoever is in is not touched.
    open.barrier();
    // A place that is given back is free.
    drop(crowd);
    let token = scene.token("user123");
    eventually("a free place", || is_let_in(&scene, &token).then_some(()));
    open.barrier();
    scene.end(PLACES * SILENT_BYTES + SLACK);
}

fn is_let_in(scene: &Scene, token: &str) -> bool {
    let mut wire = scene.wire();
    // Who is turned away may be told so before it asks.
    wire.write_all(&scene.world.dial().token(token).request().0)
        .ok();
    answer(&mut wire).0 == 101
}

/// Whether the server has said or ended anything within this time.
fn ended_within(wire: &Wire, time: Duration) -> bool {
    wire.tcp().set_read_timeout(Some(time)).expect("a socket");
    let ended = wire.tcp().peek(&mut [0]).is_ok();
    wire.tcp()
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket");
    ended
}

/// What a silent socket costs: hyper's first buffer of 8 KiB, the tasks that wait for a request.
const SILENT_BYTES: usize = 24 * 1024;
/// Places for unfinished handshakes of one worker.
const PLACES: usize = 4096;
/// What the kernel may hold of a socket's output: 32 KiB unsent, a write's last piece, and what
/// the client's window takes.
const SENDING_MAX: usize = 256 * 1024;
/// What it may hold of its input: twice 256 KiB.
const RECEIVING_MAX: usize = 512 * 1024;
