//! Encryption: certificates, their renewal, plain listeners beside.

use std::path::Path;
use std::sync::Arc;

use conclave_websocket::Opcode;
use rcgen::{CertificateParams, KeyPair, SerialNumber};
use rustix::process::Signal;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::client::{Client, Dial, Heard, Wire, frame, publish, text};
use crate::http::Request;
use crate::world::{Plan, World};

#[test]
fn wss_clients_talk() {
    let (plan, trusted) = encrypted(Plan::with("limits.messages_per_second", 0));
    let world = plan.start();
    assert!(world.addresses[0].1, "https");
    let mut subscriber = secure(&world, &trusted);
    let mut publisher = secure(&world, &trusted);
    subscriber.send("subscribe:T");
    subscriber.barrier();
    for bytes in [0, 1, 100, 16_000, 16_384, 17_000, 60_000] {
        let payload = "x".repeat(bytes);
        publisher.send(&publish("T", format!(r#""{payload}""#)));
        assert_eq!(subscriber.json()["payload"], payload);
    }
    let mut packet = text("subscribe:U");
    for serial in 0..50 {
        packet.extend(text(&publish("U", serial)));
    }
    packet.extend(frame(Opcode::Close, &1000_u16.to_be_bytes()));
    publisher.send_raw(&packet);
    for serial in 0..50 {
        assert_eq!(publisher.json()["payload"], serial);
    }
    assert_eq!(publisher.closed().0, 1000);
    assert_eq!(publisher.next(), Heard::End);
}

#[test]
fn a_handshake_with_early_frames_works_under_tls() {
    let (plan, trusted) = encrypted(Plan::new());
    let world = plan.start();
    let token = world.token("user123");
    let mut packet = text(r#"{"type":"test"}"#);
    packet.extend(frame(Opcode::Close, &1000_u16.to_be_bytes()));
    for _ in 0..20 {
        let dial = world.dial().tls(&trusted).token(&token);
        let mut client = dial.connect_sending(&packet).expect("accepted");
        assert_eq!(client.json()["type"], "test");
        assert_eq!(client.closed().0, 1000);
        assert_eq!(client.next(), Heard::End);
    }
}

#[test]
fn a_refused_wss_client_sees_its_close_code() {
    let (plan, trusted) = encrypted(Plan::new());
    let world = plan.start();
    let mut refused = world.dial().tls(&trusted).token("garbage").connect();
    assert_eq!(
        refused.closed(),
        (1008, "Invalid or expired token".to_owned())
    );
    assert_eq!(refused.next(), Heard::End);
}

#[test]
fn a_hangup_signal_reads_the_certificate_again() {
    let (plan, first) = encrypted(Plan::new());
    let world = plan.start();
    let folder = world.folder().path();
    let mut open = secure(&world, &first);
    open.barrier();
    assert_eq!(shown(&world, &first), certificate(folder));

    let second = renew(folder, 2);
    assert_ne!(
        shown(&world, &first),
        certificate(folder),
        "before the signal"
    );
    world.signal(Signal::HUP);
    world.wait_for_log(|line| (line["message"] == "read the certificate again").then_some(()));
    assert_eq!(shown(&world, &second), certificate(folder));
    // Who is connected stays.
    open.barrier();

    // A broken file changes nothing.
    let good = certificate(folder);
    std::fs::write(folder.join("cert.pem"), "no certificate").expect("writable");
    world.signal(Signal::HUP);
    let error = world.wait_for_log(|line| {
        let is_it = line["message"] == "the old certificate stays in use";
        is_it.then(|| line["error"].as_str().unwrap_or_default().to_owned())
    });
    assert!(error.contains("server.tls"), "{error}");
    assert_eq!(shown(&world, &second), good);
}

#[test]
fn plain_and_encrypted_listeners_stand_side_by_side() {
    let (plan, trusted) = encrypted(Plan::new());
    let world = plan
        .set("server.tls.listen", "127.0.0.1:0")
        .listening_besides(1)
        .start();
    let [(plain, false), (encrypted, true)] = world.addresses[..] else {
        panic!("{:?}", world.addresses);
    };
    let token = world.token("user123");
    let mut subscriber = Dial::new(plain).token(&token).connect();
    subscriber.send("subscribe:T");
    subscriber.barrier();
    let mut publisher = Dial::new(encrypted).tls(&trusted).token(&token).connect();
    publisher.send(&publish("T", 1));
    assert_eq!(subscriber.json()["payload"], 1);
    assert_eq!(
        Request::new(plain, "GET", "/health/live").send().status,
        200
    );
}

#[test]
fn http_1_1_is_all_that_is_agreed_on() {
    let (plan, trusted) = encrypted(Plan::new());
    let world = plan.start();
    let dial = |protocols: &[&str]| {
        let mut config = ClientConfig::clone(&trusted);
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        world.dial().tls(&Arc::new(config)).wire()
    };
    let agreed = |wire: Wire| {
        wire.session()
            .and_then(|session| session.alpn_protocol().map(Vec::from))
    };
    assert_eq!(
        agreed(dial(&["h2", "http/1.1"]).expect("a session")),
        Some(b"http/1.1".to_vec())
    );
    assert_eq!(agreed(dial(&[]).expect("a session")), None);
    assert!(dial(&["h2"]).is_err());
}

#[test]
fn plain_http_on_an_encrypted_port_is_cut_off() {
    let (plan, trusted) = encrypted(Plan::new());
    let world = plan.start();
    let mut wire = world.dial().wire().expect("a listening server");
    std::io::Write::write_all(&mut wire, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("open");
    let answer = wire.read_rest();
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    secure(&world, &trusted).barrier();
}

/// A connection of `user123` over TLS.
fn secure(world: &World, trusted: &Arc<ClientConfig>) -> Client {
    world
        .dial()
        .tls(trusted)
        .token(&world.token("user123"))
        .connect()
}

/// A plan with a certificate of its own, and what trusts it.
fn encrypted(plan: Plan) -> (Plan, Arc<ClientConfig>) {
    let trusted = renew(plan.path(), 1);
    let cert = plan.path().join("cert.pem");
    let key = plan.path().join("key.pem");
    let plan = plan
        .set("server.tls.cert", cert.display())
        .set("server.tls.key", key.display());
    (plan, trusted)
}

/// Writes a new certificate for `localhost` with this serial number.
fn renew(folder: &Path, serial: u64) -> Arc<ClientConfig> {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    params.serial_number = Some(SerialNumber::from(serial));
    let certificate = params.self_signed(&key).expect("a certificate");
    std::fs::write(folder.join("cert.pem"), certificate.pem()).expect("writable");
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).expect("writable");
    std::fs::write(folder.join("cert.der"), certificate.der()).expect("writable");
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// The certificate written last.
fn certificate(folder: &Path) -> CertificateDer<'static> {
    CertificateDer::from(std::fs::read(folder.join("cert.der")).expect("readable"))
}

/// The certificate that a new client is shown.
fn shown(world: &World, trusted: &Arc<ClientConfig>) -> CertificateDer<'static> {
    let wire = world.dial().tls(trusted).wire().expect("a trusted server");
    let certificates = wire
        .session()
        .and_then(|session| session.peer_certificates());
    certificates.expect("a certificate")[0].clone().into_owned()
}
