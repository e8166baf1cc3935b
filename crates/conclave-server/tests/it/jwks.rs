//! Keys of other issuers, fetched from a URL that rotates, fails, recovers and redirects.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_auth::{Algorithm, Signer};
use rcgen::{KeyPair, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use crate::client::{Dial, Heard};
use crate::world::{Plan, Token, World, now};

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

#[test]
fn clerk_tokens_need_their_party_and_no_pending_status() {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
    let signer = Signer::private_pem(key.serialize_pem().as_bytes(), Algorithm::Rs256);
    let set: Value = serde_json::from_str(&signer.expect("a signer").jwks()).expect("JSON");
    let kid = set["keys"][0]["kid"].as_str().expect("a name").to_owned();
    let server = KeyServer::start(Reply::Document(set.to_string()));
    let world = world(&format!(
        "[[auth.issuers]]\nname = 'clerk'\npreset = 'clerk'\niss = 'https://clerk'\n\
         azp = ['https://app.example.com']\nuser_prefix = 'clerk:'\njwks_url = '{}'\n",
        server.url(),
    ));
    let pair = RsaKeyPair::from_pkcs8(&key.serialize_der()).expect("a key");
    let accepts = |changes: Value| {
        let at = now().seconds();
        let mut claims = json!({
            "iss": "https://clerk", "sub": "user_2abc", "azp": "https://app.example.com",
            "iat": at, "nbf": at - 5, "exp": at + 60, "sts": "active", "v": 2,
        });
        for (name, value) in changes.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        is_accepted(world.dial().token(&rs256(&pair, &kid, &claims)))
    };
    assert!(accepts(json!({})));
    assert!(accepts(json!({ "sts": null })));
    assert!(!accepts(json!({ "sts": "pending" })));
    assert!(!accepts(json!({ "azp": "https://evil.example.com" })));
    assert!(!accepts(json!({ "azp": null })));
    assert!(!accepts(json!({ "iss": "https://clerk/" })));
    assert!(!accepts(json!({ "exp": now().seconds() - 60 })));
    assert!(!accepts(json!({ "nbf": now().seconds() + 60 })));
    assert_eq!(server.asked(), 1);
}

/// A server with these issuers. It forgives refused handshakes.
fn world(issuers: &str) -> World {
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

fn rs256(pair: &RsaKeyPair, kid: &str, claims: &Value) -> String {
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": kid });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn is_accepted(dial: Dial) -> bool {
    let mut client = dial.connect();
    // A refused connection may be closed already.
    std::io::Write::write_all(client.wire(), &crate::client::text("ping")).ok();
    match client.next() {
        Heard::Text(text) if text == "pong" => true,
        Heard::Close(1008, _) => false,
        other => panic!("heard {other:?}"),
    }
}

/// What a key server answers.
enum Reply {
    Document(String),
    Redirect(String),
    Status(u16),
}

impl Reply {
    fn keys(signers: &[&Signer]) -> Self {
        let sets = signers
            .iter()
            .map(|signer| serde_json::from_str(&signer.jwks()));
        let keys: Vec<Value> = sets
            .map(|set: Result<Value, _>| set.expect("JSON")["keys"][0].clone())
            .collect();
        Self::Document(json!({ "keys": keys }).to_string())
    }

    fn text(&self) -> String {
        match self {
            Self::Document(document) => format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{document}",
                document.len(),
            ),
            Self::Redirect(to) => format!(
                "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
            ),
            Self::Status(status) => {
                format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            }
        }
    }
}

/// A server of one document, until the test ends.
struct KeyServer {
    address: SocketAddr,
    reply: Arc<Mutex<Reply>>,
    asked: Arc<AtomicU32>,
}

impl KeyServer {
    fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = Self {
            address,
            reply: Arc::new(Mutex::new(reply)),
            asked: Arc::default(),
        };
        let (reply, asked) = (Arc::clone(&server.reply), Arc::clone(&server.asked));
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(socket);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                    line.clear();
                }
                asked.fetch_add(1, Ordering::SeqCst);
                let text = reply.lock().unwrap_or_else(PoisonError::into_inner).text();
                // The asker may have given up.
                reader.into_inner().write_all(text.as_bytes()).ok();
            }
        });
        server
    }

    fn serve(&self, reply: Reply) {
        *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }
}
