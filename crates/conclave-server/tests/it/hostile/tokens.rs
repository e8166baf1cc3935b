//! Tokens with the attacks of RFC 8725, over the wire.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};

use super::scene::{SLACK, Scene, text};
use crate::world::{Plan, SECRET};

#[test]
fn attacks_on_the_signature_are_refused_in_every_place() {
    let (scene, pair) = with_issuer();
    let (pem, der) = (pair.public_key_pem(), pair.subject_public_key_info());
    let own = hs256(SECRET.as_bytes(), r#"{"alg":"HS256"}"#, CLAIMS);
    let mut client = scene.world.dial().token(&own).connect();
    client.barrier();
    let mut forged = headers();
    forged.extend(shapes(&own));
    let external = [
        hs256(pem.as_bytes(), r#"{"alg":"HS256"}"#, EXTERNAL),
        hs256(&der, r#"{"alg":"HS256"}"#, EXTERNAL),
        hs256(SECRET.as_bytes(), r#"{"alg":"HS256"}"#, EXTERNAL),
        // A signature of r = s = 0, and one of the wrong length.
        unsigned(r#"{"alg":"ES256"}"#, EXTERNAL, &[0; 64]),
        unsigned(r#"{"alg":"ES256"}"#, EXTERNAL, &[1; 63]),
        unsigned(r#"{"alg":"ES256"}"#, EXTERNAL, b""),
        unsigned(r#"{"alg":"ES256"}"#, CLAIMS, &[0; 64]),
    ];
    forged.extend(external);
    let count = forged.len();
    for token in forged {
        scene.keep_secret(token.clone());
        let query = scene
            .world
            .dial()
            .query(&format!("token={}", percent(&token)));
        let mut refused = query.connect();
        assert_eq!(refused.closed(), invalid(), "{token}");
        if token.trim_end() == own {
            // A text command may end in a newline.
            continue;
        }
        // In-band it is an error, and the good token stays in force.
        client.send(&format!("auth:{token}"));
        let error = client.json();
        assert_eq!(text(&error["code"]), "unauthenticated", "{token}");
        client.barrier();
    }
    scene.wait_for_lines(count, "handshake_refused", "InvalidToken");
    scene.wait_for_lines(1, "permission_denied", "auth: ");
    // The same by the header.
    for token in headers() {
        let dial = scene
            .world
            .dial()
            .header("Authorization", &format!("Bearer {token}"));
        assert_eq!(dial.connect().closed(), invalid(), "{token}");
    }
    scene.end(SLACK);
}

#[test]
fn claims_that_are_signed_but_prove_nothing_are_refused() {
    let (scene, _) = with_issuer();
    let invalid = [
        r#"{"sub":"user123"}"#,
        r#"{"sub":"user123","exp":1}"#,
        r#"{"sub":"user123","exp":"9999999999"}"#,
        r#"{"sub":"user123","exp":null}"#,
        r#"{"sub":"user123","exp":[9999999999]}"#,
        r#"{"sub":"user123","exp":-1}"#,
        r#"{"sub":"user123","exp":9999999999,"nbf":9999999998}"#,
        r#"{"sub":"user123","exp":9999999999,"nbf":"0"}"#,
        r#"{"sub":"user123","exp":9999999999,"exp":1}"#,
        r#"{"sub":"user123","sub":"admin","exp":9999999999}"#,
        r#"{"sub":"user123","\u0073ub":"admin","exp":9999999999}"#,
        r#"{"sub":"user123","exp":9999999999,"iss":"https://issuer.example"}"#,
        r#"["sub","user123"]"#,
        "null",
        "",
    ];
    for claims in invalid {
        refuse(&scene, claims, "Invalid or expired token");
    }
    let long = "x".repeat(256);
    let payload = [
        r#"{"exp":9999999999}"#.to_owned(),
        r#"{"sub":"","exp":9999999999}"#.to_owned(),
        r#"{"sub":7,"exp":9999999999}"#.to_owned(),
        r#"{"sub":"a\nb","exp":9999999999}"#.to_owned(),
        format!(r#"{{"sub":"{long}","exp":9999999999}}"#),
        r#"{"sub":"user123","sid":7,"exp":9999999999}"#.to_owned(),
        r#"{"sub":"user123","sid":"","exp":9999999999}"#.to_owned(),
        r#"{"sub":"user123","roles":"admin","exp":9999999999,"permissions":{}}"#.to_owned(),
    ];
    for claims in &payload {
        refuse(&scene, claims, "Invalid token payload");
    }
    scene.wait_for_lines(invalid.len(), "handshake_refused", "InvalidToken");
    scene.wait_for_lines(payload.len(), "handshake_refused", "InvalidPayload");
    scene.end(SLACK);
}

#[test]
fn oversize_tokens_cost_nothing() {
    let scene = Scene::with(&[("limits.refused_handshakes_per_minute", "0")]);
    let padding = "x".repeat(6200);
    let claims = format!(r#"{{"sub":"user123","exp":9999999999,"x":"{padding}"}}"#);
    let oversize = hs256(SECRET.as_bytes(), r#"{"alg":"HS256"}"#, &claims);
    assert!(oversize.len() > 8192);
    let dots = ".".repeat(8000);
    let deep = unsigned(&"[".repeat(2000), &"{\"a\":".repeat(700), b"x");
    for token in [&oversize, &dots, &deep] {
        for _ in 0..30 {
            let mut refused = scene.world.dial().token(token).connect();
            assert_eq!(refused.closed(), invalid());
        }
    }
    scene.wait_for_lines(90, "handshake_refused", "InvalidToken");
    scene.end(SLACK);
}

fn refuse(scene: &Scene, claims: &str, reason: &str) {
    let token = hs256(SECRET.as_bytes(), r#"{"alg":"HS256"}"#, claims);
    scene.keep_secret(token.clone());
    let mut client = scene.world.dial().token(&token).connect();
    assert_eq!(client.closed(), (1008, reason.to_owned()), "{claims}");
}

/// Headers that ask for something else than the key that is configured.
fn headers() -> Vec<String> {
    let secret = SECRET.as_bytes();
    let mut tokens: Vec<String> = ["none", "None", "NONE", "nOnE", ""]
        .into_iter()
        .flat_map(|algorithm| {
            let header = format!(r#"{{"alg":"{algorithm}"}}"#);
            [
                unsigned(&header, CLAIMS, b""),
                hs256(secret, &header, CLAIMS),
            ]
        })
        .collect();
    let key = URL_SAFE_NO_PAD.encode("the attacker's own key, which is long enough");
    let jwk = format!(r#"{{"alg":"HS256","jwk":{{"kty":"oct","k":"{key}"}}}}"#);
    let own = b"the attacker's own key, which is long enough";
    tokens.push(hs256(own, &jwk, CLAIMS));
    tokens.push(hs256(secret, &jwk, CLAIMS));
    tokens.push(hs256(b"", r#"{"alg":"HS256"}"#, CLAIMS));
    tokens.push(hs256(
        b"\0",
        r#"{"alg":"HS256","kid":"../../../../dev/null"}"#,
        CLAIMS,
    ));
    for more in [
        r#""jku":"http://127.0.0.1:1/keys""#,
        r#""x5u":"http://127.0.0.1:1/cert""#,
        r#""x5c":["MIIB"]"#,
        r#""kid":"../secret.key""#,
        r#""kid":"' OR 1=1 --""#,
        r#""kid":"a|b;c`d`""#,
        r#""crit":["exp"]"#,
        r#""crit":["b64"],"b64":false"#,
        r#""alg":"HS256""#,
        r#""alg":"none""#,
    ] {
        tokens.push(hs256(
            secret,
            &format!(r#"{{"alg":"HS256",{more}}}"#),
            CLAIMS,
        ));
    }
    for algorithm in ["HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"] {
        tokens.push(hs256(
            secret,
            &format!(r#"{{"alg":"{algorithm}"}}"#),
            CLAIMS,
        ));
    }
    tokens
}

/// A good token, bent.
fn shapes(good: &str) -> Vec<String> {
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("three parts")
    };
    let admin = URL_SAFE_NO_PAD.encode(r#"{"sub":"user123","roles":["admin"],"exp":9999999999}"#);
    // The last character holds four bits that no byte needs.
    let last = signature.chars().last().expect("a signature");
    let next = char::from(u8::try_from(last).expect("ASCII") + 1);
    let loose = format!(
        "{header}.{claims}.{}{next}",
        &signature[..signature.len() - 1]
    );
    vec![
        format!("{header}.{admin}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{}", &signature[..20]),
        format!("{header}.{claims}.{signature}="),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{claims}.{signature}.."),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("Bearer {good}"),
        format!(r#"{{"protected":"{header}","payload":"{claims}","signature":"{signature}"}}"#),
        loose,
        "null".to_owned(),
        "undefined".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "\u{1f600}".to_owned(),
        "%00".to_owned(),
        "\u{0}".to_owned(),
    ]
}

/// A server that also trusts an issuer with an ES256 key, and that key.
fn with_issuer() -> (Scene, KeyPair) {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    let plan = Plan::with("server.workers", 1).set("limits.refused_handshakes_per_minute", 0);
    let plan = plan.set("limits.messages_per_second", 0);
    let path = plan.path().join("issuer.pem");
    std::fs::write(&path, pair.public_key_pem()).expect("writable");
    let plan = plan.file(&format!(
        "[[auth.issuers]]\nname = \"external\"\niss = \"https://issuer.example\"\n\
         aud = [\"conclave\"]\nalgorithms = [\"ES256\"]\nuser_prefix = \"external|\"\n\
         pem_files = [{path:?}]\n"
    ));
    (Scene::of(plan), pair)
}

fn hs256(secret: &[u8], header: &str, claims: &str) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret),
        signed.as_bytes(),
    );
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

fn unsigned(header: &str, claims: &str, signature: &[u8]) -> String {
    [header.as_bytes(), claims.as_bytes(), signature]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".")
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// What a bad token is told.
fn invalid() -> (u16, String) {
    (1008, "Invalid or expired token".to_owned())
}

const CLAIMS: &str = r#"{"sub":"user123","exp":9999999999}"#;
const EXTERNAL: &str =
    r#"{"iss":"https://issuer.example","aud":"conclave","sub":"user123","exp":9999999999}"#;
