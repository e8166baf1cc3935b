//! The preset `clerk` against key sets that rotate, fail, hang, are garbage, and recover.

use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_auth::{Algorithm, Signer};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use crate::client::publish;
use crate::jwks::{is_accepted, world};
use crate::world::{KeyServer, Reply, now};

#[test]
fn session_tokens_need_their_party_and_no_pending_status() {
    let key = InstanceKey::new();
    let server = KeyServer::start(key.set());
    let world = world(&issuer("clerk", &server));
    let accepts = |changes: Value| {
        let claims = with(version_2("clerk", "user_2abc"), changes);
        is_accepted(world.dial().token(&key.sign(&claims)))
    };
    assert!(accepts(json!({})));
    assert!(is_accepted(
        world
            .dial()
            .token(&key.sign(&version_1("clerk", "user_2abc")))
    ));
    assert!(accepts(json!({ "sts": null })));
    assert!(!accepts(json!({ "sts": "pending" })));
    assert!(!accepts(json!({ "azp": "https://evil.example.com" })));
    assert!(!accepts(json!({ "azp": null })));
    assert!(!accepts(json!({ "iss": "https://clerk/" })));
    assert!(!accepts(json!({ "exp": now().seconds() - 60 })));
    assert!(!accepts(json!({ "nbf": now().seconds() + 60 })));
    assert_eq!(server.asked(), 1);
}

#[test]
fn two_browsers_of_one_user_share_the_users_session() {
    let key = InstanceKey::new();
    let server = KeyServer::start(key.set());
    let world = world(&issuer("clerk", &server));
    let browser = |user: &str, sid: &str| {
        let claims = with(version_2("clerk", user), json!({ "sid": sid }));
        world.dial().token(&key.sign(&claims)).connect()
    };
    let mut first = browser("user_2abc", "sess_1");
    let mut second = browser("user_2abc", "sess_2");
    let mut other = browser("user_2xyz", "sess_1");
    for client in [&mut first, &mut other] {
        client.send("subscribe:T");
        client.barrier();
    }
    second.send(&publish("T", 7));
    let heard = first.json();
    assert_eq!(heard["user"], "clerk:user_2abc");
    // Another user is in another session, whatever Clerk calls the sign-in.
    other.barrier();
}

#[test]
fn keys_rotate_outlive_failures_of_every_kind_and_recover() {
    let (old, new) = (InstanceKey::new(), InstanceKey::new());
    let failures = || {
        [
            ("failing", Reply::Status(500)),
            ("hanging", Reply::Hang),
            ("garbled", Reply::Document("<html>soon</html>".to_owned())),
        ]
    };
    let rotating = KeyServer::start(old.set());
    let known = failures().map(|(name, reply)| (name, KeyServer::start(old.set()), reply));
    let late = failures().map(|(name, reply)| (format!("late-{name}"), KeyServer::start(reply)));
    let mut issuers = issuer("rotating", &rotating);
    for (name, server, _) in &known {
        issuers.push_str(&issuer(name, server));
    }
    for (name, server) in &late {
        issuers.push_str(&issuer(name, server));
    }
    let started = Instant::now();
    let world = world(&issuers);
    let accepts = |key: &InstanceKey, name: &str| {
        let claims = version_2(name, "user_2abc");
        is_accepted(world.dial().token(&key.sign(&claims)))
    };
    for (name, server) in &late {
        assert!(!accepts(&old, name), "{name}");
        server.serve(old.set());
    }
    assert!(accepts(&old, "rotating"));
    rotating.serve(new.set());
    for (name, server, reply) in known {
        assert!(accepts(&old, name), "{name}");
        server.serve(reply);
        // An unknown key asks again, 30 s after the last time; it fails closed.
        wait_until(started, || {
            assert!(!accepts(&new, name), "{name}");
            server.asked() == 2
        });
        assert!(started.elapsed() > Duration::from_secs(25), "{name}");
        assert!(accepts(&old, name), "a known key outlives it: {name}");
    }
    wait_until(started, || accepts(&new, "rotating"));
    assert!(
        !accepts(&old, "rotating"),
        "a key that is gone verifies nothing"
    );
    for (name, _) in &late {
        wait_until(started, || accepts(&old, name));
    }
}

#[test]
fn a_source_that_hangs_does_not_delay_revocations() {
    let server = KeyServer::start(Reply::Hang);
    let world = world(&issuer("clerk", &server));
    while server.asked() == 0 {
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let token = world.token("alice");
    let mut client = world.dial().token(&token).connect();
    client.barrier();
    let output = world.run(&["token", "revoke", "--user", "alice"]);
    assert!(output.status.success(), "{output:?}");
    let stored = Instant::now();
    assert_eq!(client.closed().0, 1008);
    assert!(
        stored.elapsed() < Duration::from_secs(2),
        "{:?}",
        stored.elapsed()
    );
}

/// A key of a Clerk instance.
struct InstanceKey {
    pair: RsaKeyPair,
    kid: String,
    document: String,
}

impl InstanceKey {
    fn new() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
        let signer = Signer::private_pem(key.serialize_pem().as_bytes(), Algorithm::Rs256);
        let document = signer.expect("a signer").jwks();
        let set: Value = serde_json::from_str(&document).expect("JSON");
        Self {
            pair: RsaKeyPair::from_pkcs8(&key.serialize_der()).expect("a key"),
            kid: set["keys"][0]["kid"].as_str().expect("a name").to_owned(),
            document,
        }
    }

    fn set(&self) -> Reply {
        Reply::Document(self.document.clone())
    }

    /// With the header of Clerk's tokens, which names their category.
    fn sign(&self, claims: &Value) -> String {
        let header = json!({
            "alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": self.kid, "typ": "JWT",
        });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        let done = self.pair.sign(
            &RSA_PKCS1_SHA256,
            &random,
            signed.as_bytes(),
            &mut signature,
        );
        done.expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn issuer(name: &str, server: &KeyServer) -> String {
    format!(
        "[[auth.issuers]]\nname = '{name}'\npreset = 'clerk'\niss = 'https://{name}'\n\
         azp = ['https://app.example.com']\nuser_prefix = '{name}:'\njwks_url = '{}'\n",
        server.url(),
    )
}

fn version_1(issuer: &str, user: &str) -> Value {
    let at = now().seconds();
    json!({
        "azp": "https://app.example.com", "exp": at + 60, "iat": at,
        "iss": format!("https://{issuer}"), "nbf": at - 10,
        "sid": "sess_2GbDB4enNdCa5vS1zpC3Xzg9tK9", "sub": user, "fva": [0, -1],
        "org_id": "org_123", "org_role": "org:admin", "org_slug": "acme", "org_permissions": [],
    })
}

fn version_2(issuer: &str, user: &str) -> Value {
    let at = now().seconds();
    json!({
        "azp": "https://app.example.com", "exp": at + 60, "iat": at,
        "iss": format!("https://{issuer}"), "nbf": at - 10,
        "sid": "sess_2GbDB4enNdCa5vS1zpC3Xzg9tK9", "sub": user, "fva": [7, -1],
        "v": 2, "jti": "1f2e3d4c5b6a79881234", "sts": "active",
        "o": {"id": "org_123", "slg": "acme", "rol": "admin", "per": "manage", "fpm": "3"},
    })
}

fn with(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims
}

/// Asks until it is so, at most 45 s after that moment.
fn wait_until(since: Instant, mut holds: impl FnMut() -> bool) {
    let end = since + Duration::from_secs(45);
    while !holds() {
        assert!(Instant::now() < end, "{:?}", since.elapsed());
        std::thread::park_timeout(Duration::from_millis(200));
    }
}
