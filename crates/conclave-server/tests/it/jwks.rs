//! Keys of other issuers, fetched from a URL that rotates, fails, recovers and redirects.

use std::time::{Duration, Instant};

use conclave_auth::{Algorithm, Signer};
use rcgen::{KeyPair, PKCS_ED25519};

use crate::client::{Dial, Heard};
use crate::world::{KeyServer, Plan, Reply, Token, World};

#[test]
fn keys_rotate_outlive_outages_and_are_asked_for_every_30_s_at_most() {
    let (a, b) = (ed25519("https://rotating"), ed25519("https://rotating"));
    let (known, never) = (ed25519("https://failing"), ed25519("https://failing"));
    let late = ed25519("https://recovering");
    let rotating = KeyServer::start(Reply::keys(&[&a]));
    let failing = KeyServer::start(Reply::keys(&[&known]));
    let recovering = KeyServer::start(Reply::Status(503));
    let servers = [
        ("rotating", &rotating),
        ("failing", &failing),
        ("recovering", &recovering),
    ];
    let world = world(
        &servers
            .map(|(name, server)| eddsa_issuer(name, server))
            .concat(),
    );
    let accepts =
        |signer: &Signer| is_accepted(world.dial().token(&Token::of("alice").sign(signer)));

    let started = Instant::now();
    assert!(accepts(&a) && accepts(&known));
    assert!(!accepts(&late));
    rotating.serve(Reply::keys(&[&a, &b]));
    failing.serve(Reply::Status(500));
    recovering.serve(Reply::keys(&[&late]));
    for _ in 0..5 {
        assert!(!accepts(&b) && !accepts(&never) && !accepts(&late));
    }
    assert_eq!(servers.map(|(_, server)| server.asked()), [1, 1, 1]);

    // An unknown key asks again, 30 s after the last time.
    let end = started + Duration::from_secs(45);
    while !(accepts(&b) && accepts(&late) && failing.asked() == 2) {
        assert!(!accepts(&never));
        assert!(
            Instant::now() < end,
            "{:?}",
            servers.map(|(_, server)| server.asked())
        );
        std::thread::park_timeout(Duration::from_millis(200));
    }
    assert!(
        started.elapsed() > Duration::from_secs(25),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(servers.map(|(_, server)| server.asked()), [2, 2, 2]);
    assert!(accepts(&a), "the old key is still served");
    assert!(accepts(&known), "a known key outlives the outage");
    assert!(!accepts(&never), "an unknown key fails closed");
}

#[test]
fn a_key_that_is_gone_from_the_set_verifies_nothing() {
    let (old, new) = (ed25519("https://keys"), ed25519("https://keys"));
    let server = KeyServer::start(Reply::keys(&[&new]));
    let world = world(&eddsa_issuer("keys", &server));
    assert!(is_accepted(
        world.dial().token(&Token::of("alice").sign(&new))
    ));
    assert!(!is_accepted(
        world.dial().token(&Token::of("alice").sign(&old))
    ));
    // Another issuer's key is no key here, whatever the token says of itself.
    let own = world.token("alice");
    assert!(is_accepted(world.dial().token(&own)));
    let claimed = Token::of("alice").sign(
        &crate::world::signer("not the secret of anybody here, but long")
            .naming(Some("https://keys".to_owned()), Some("conclave".to_owned())),
    );
    assert!(!is_accepted(world.dial().token(&claimed)));
}

#[test]
fn redirects_are_not_followed() {
    let key = ed25519("https://moved");
    let target = KeyServer::start(Reply::keys(&[&key]));
    let server = KeyServer::start(Reply::Redirect(target.url()));
    let world = world(&eddsa_issuer("moved", &server));
    assert!(!is_accepted(
        world.dial().token(&Token::of("alice").sign(&key))
    ));
    assert_eq!((server.asked(), target.asked()), (1, 0));
}

#[test]
fn users_of_another_issuer_are_others_and_may_no_more_than_is_allowed() {
    let key = ed25519("https://keys");
    let server = KeyServer::start(Reply::keys(&[&key]));
    let world = world(&eddsa_issuer("keys", &server));
    let token = Token::of("user123").role("admin").sign(&key);
    let mut theirs = world.dial().token(&token).connect();
    let mut own = world.subscriber("user123", "T");
    theirs.send(r#"{"type":"who"}"#);
    // `admin` is not among the roles it may claim; nothing is left of the token's.
    assert_eq!(theirs.json()["code"], "forbidden");
    let user = Token::of("user123").sign(&key);
    let mut theirs = world.dial().token(&user).connect();
    theirs.send("subscribe:T");
    theirs.barrier();
    own.send(&crate::client::publish("T", 1));
    assert_eq!(own.json()["user"], "user123");
    theirs.barrier();
    theirs.send(&crate::client::publish("T", 2));
    assert_eq!(theirs.json()["user"], "keys:user123");
    own.barrier();
}

/// A server with these issuers. It forgives refused handshakes.
pub(crate) fn world(issuers: &str) -> World {
    Plan::with("limits.refused_handshakes_per_minute", 0)
        .set("limits.connections_per_user", 0)
        .file(issuers)
        .start()
}

fn eddsa_issuer(name: &str, server: &KeyServer) -> String {
    format!(
        "[[auth.issuers]]\nname = '{name}'\niss = 'https://{name}'\naud = ['conclave']\n\
         algorithms = ['EdDSA']\nuser_prefix = '{name}:'\njwks_url = '{}'\n",
        server.url(),
    )
}

/// A key of that issuer.
fn ed25519(iss: &str) -> Signer {
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let signer = Signer::private_pem(key.serialize_pem().as_bytes(), Algorithm::EdDsa);
    signer
        .expect("a signer")
        .naming(Some(iss.to_owned()), Some("conclave".to_owned()))
}

pub(crate) fn is_accepted(dial: Dial) -> bool {
    let mut client = dial.connect();
    // A refused connection may be closed already.
    std::io::Write::write_all(client.wire(), &crate::client::text("ping")).ok();
    match client.next() {
        Heard::Text(text) if text == "pong" => true,
        Heard::Close(1008, _) => false,
        other => panic!("heard {other:?}"),
    }
}
