//! Half-open TLS: silence, garbage and hellos that are never followed.

use std::io::Write as _;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use super::scene::{SLACK, Scene, answer, wait_for_end};
use crate::client::{Client, Dial, Wire, publish};
use crate::world::Plan;

#[test]
fn half_open_tls_handshakes_are_ended_in_time_and_written_down() {
    let (plan, trusted) = encrypted();
    let scene = Scene::of(plan.set("server.handshake_seconds", 2));
    let encrypted = scene.world.addresses[1].0;
    let wire = || Dial::new(encrypted).wire().expect("a listening server");
    let garbage = |bytes: &[u8]| {
        let mut wire = wire();
        wire.write_all(bytes).expect("taken");
        wire
    };

    let broken = [
        &b"GET /ws HTTP/1.1\r\nhost: localhost\r\n\r\n"[..],
        // A record of a reserved kind, one that is too long, an alert, a hello that lies about
        // its length, data before any key.
        b"\xff\x03\x03\x00\x01x",
        b"\x16\x03\x01\xff\xff",
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
        b"\x17\x03\x03\x00\x01x",
    ];
    for (number, bytes) in broken.iter().enumerate() {
        wait_for_end(&mut garbage(bytes));
        scene.wait_for_lines(number + 1, "protocol_violation", "no TLS handshake: ");
    }

    let mut silent: Vec<Wire> = (0..50).map(|_| wire()).collect();
    silent.extend((0..25).map(|_| garbage(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")));
    // A whole handshake, and then nothing.
    let mut idle: Vec<Wire> = (0..5)
        .map(|_| {
            Dial::new(encrypted)
                .tls(&trusted)
                .wire()
                .expect("a trusted server")
        })
        .collect();
    for wire in &mut silent {
        wait_for_end(wire);
    }
    scene.wait_for_lines(75, "protocol_violation", "no TLS handshake in time");
    for wire in &mut idle {
        assert_eq!(answer(wire).0, 408);
    }
    scene.wait_for_lines(5, "protocol_violation", "no request in time");

    let token = scene.token("user123");
    Dial::new(encrypted)
        .tls(&trusted)
        .token(&token)
        .connect()
        .barrier();
    // A session of rustls with its buffers is some 20 KiB, a record 16 KiB.
    scene.end(80 * 64 * 1024 + SLACK);
}

#[test]
fn an_address_alone_cannot_take_all_tls_handshakes() {
    let (plan, trusted) = encrypted();
    let scene = Scene::of(plan.set("limits.connections_per_address", 10));
    let encrypted = scene.world.addresses[1].0;
    let held: Vec<Wire> = (0..10)
        .map(|_| Dial::new(encrypted).wire().expect("a listening server"))
        .collect();
    wait_for_end(&mut Dial::new(encrypted).wire().expect("a listening server"));
    scene.wait_for_lines(1, "limit_hit", "unfinished handshakes of this address");
    let token = scene.token("user123");
    Dial::new(encrypted)
        .from("127.0.0.2")
        .tls(&trusted)
        .token(&token)
        .connect()
        .barrier();
    drop(held);
    scene.end(SLACK);
}

#[test]
fn readers_under_tls_that_never_read_are_closed_within_bounds() {
    let (plan, trusted) = encrypted();
    let scene = Scene::of(plan.set("limits.messages_per_second", 0));
    let encrypted = scene.world.addresses[1].0;
    let token = scene.token("user123");
    let slow: Vec<Client> = (0..READERS)
        .map(|_| {
            let dial = Dial::new(encrypted).tls(&trusted).receive_buffer(4096);
            let mut client = dial.token(&token).connect();
            client.send("subscribe:T");
            client.barrier();
            client
        })
        .collect();
    let mut publisher = scene.connect("user123");
    let padding = "x".repeat(32 * 1024);
    let is_slow = |line: &&Value| line["detail"] == "closed with 1013: SlowReader";
    let mut serial = 0;
    while scene.world.audit().iter().filter(is_slow).count() < READERS {
        assert!(serial < 2000, "nobody is slow");
        publisher.send(&publish("T", format!(r#"[{serial},"{padding}"]"#)));
        publisher.barrier();
        serial += 1;
    }
    scene.wait_for_figure("conclave_connections", 3);
    drop(slow);
    // A full outbox and a batch more, and what rustls holds of records that are not sent.
    let cost = scene.end(READERS * ((1 << 20) + 3 * 128 * 1024) + SLACK);
    assert!(cost.sending <= 256 * 1024, "{cost:?}");
}

/// A server of one worker with a plain and an encrypted listener, and what trusts it.
fn encrypted() -> (Plan, Arc<ClientConfig>) {
    let made = generate_simple_self_signed(vec!["localhost".to_owned()]);
    let CertifiedKey { cert, signing_key } = made.expect("a certificate");
    let plan = Plan::with("server.workers", 1);
    let (certificate, key) = (plan.path().join("cert.pem"), plan.path().join("key.pem"));
    std::fs::write(&certificate, cert.pem()).expect("writable");
    std::fs::write(&key, signing_key.serialize_pem()).expect("writable");
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let plan = plan
        .set("server.tls.cert", certificate.display())
        .set("server.tls.key", key.display())
        .set("server.tls.listen", "127.0.0.1:0")
        .listening_besides(1);
    (plan, Arc::new(config))
}

const READERS: usize = 3;
