//! Every algorithm, there and back, with another implementation as the referee.

use std::sync::LazyLock;
use std::time::Duration;

use conclave_protocol::FamilyId;

use super::world::{SECRET, second, verifier};
use crate::{
    AccessClaims, Algorithm, Issuer, Key, KeyFault, KeyName, Signer, TokenError, TokenFault,
    parse_jwks,
};

static RSA: LazyLock<rcgen::KeyPair> =
    LazyLock::new(|| rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap());

fn pair(algorithm: Algorithm) -> Option<(String, String)> {
    let by_kind = |kind| rcgen::KeyPair::generate_for(kind).unwrap();
    let pair = match algorithm {
        Algorithm::EdDsa => &by_kind(&rcgen::PKCS_ED25519),
        Algorithm::Es256 => &by_kind(&rcgen::PKCS_ECDSA_P256_SHA256),
        Algorithm::Es384 => &by_kind(&rcgen::PKCS_ECDSA_P384_SHA384),
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return None,
        _ => &*RSA,
    };
    Some((pair.serialize_pem(), pair.public_key_pem()))
}

fn claims() -> AccessClaims<'static> {
    AccessClaims {
        sub: "ann",
        sid: Some("work"),
        name: None,
        roles: &[],
        permissions: &[],
        issued_at: second(0),
        life: Duration::from_secs(60),
        id: [1; 16],
        family: Some(FamilyId([2; 16])),
    }
}

fn signer(algorithm: Algorithm, keys: Option<&(String, String)>) -> Signer {
    match keys {
        None => Signer::secret(SECRET, algorithm).unwrap(),
        Some((private, _)) => Signer::private_pem(private.as_bytes(), algorithm).unwrap(),
    }
}

/// The referee's names and keys.
fn theirs(
    algorithm: Algorithm,
    keys: Option<&(String, String)>,
) -> (
    jsonwebtoken::Algorithm,
    jsonwebtoken::EncodingKey,
    jsonwebtoken::DecodingKey,
) {
    use jsonwebtoken::{DecodingKey, EncodingKey};
    let name: jsonwebtoken::Algorithm = algorithm.name().parse().unwrap();
    let Some((private, public)) = keys else {
        return (
            name,
            EncodingKey::from_secret(SECRET),
            DecodingKey::from_secret(SECRET),
        );
    };
    let (private, public) = (private.as_bytes(), public.as_bytes());
    match algorithm {
        Algorithm::EdDsa => (
            name,
            EncodingKey::from_ed_pem(private).unwrap(),
            DecodingKey::from_ed_pem(public).unwrap(),
        ),
        Algorithm::Es256 | Algorithm::Es384 => (
            name,
            EncodingKey::from_ec_pem(private).unwrap(),
            DecodingKey::from_ec_pem(public).unwrap(),
        ),
        _ => (
            name,
            EncodingKey::from_rsa_pem(private).unwrap(),
            DecodingKey::from_rsa_pem(public).unwrap(),
        ),
    }
}

#[test]
fn every_algorithm_verifies_what_it_signed() {
    for algorithm in Algorithm::ALL {
        let keys = pair(algorithm);
        let signer = signer(algorithm, keys.as_ref());
        let token = signer.sign(&claims()).unwrap();
        let own = vec![signer.verification_key().unwrap()];
        let verified = verifier(vec![Issuer::own(own)])
            .verify(&token, second(1))
            .unwrap();
        assert_eq!(
            verified.principal.user.unwrap().as_str(),
            "ann",
            "{algorithm}"
        );
        assert_eq!(verified.principal.family, Some(FamilyId([2; 16])));

        let (start, end) = token.split_at(token.len() - 12);
        let tampered = format!("{start}AAAAAAAAAAA{}", &end[11..]);
        let own = vec![signer.verification_key().unwrap()];
        let refused = verifier(vec![Issuer::own(own)])
            .verify(&tampered, second(1))
            .unwrap_err();
        assert!(matches!(
            refused,
            TokenError::Invalid(TokenFault::Signature | TokenFault::Base64)
        ));
    }
}

#[test]
fn another_implementation_agrees() {
    for algorithm in Algorithm::ALL {
        let keys = pair(algorithm);
        let signer = signer(algorithm, keys.as_ref());
        let (name, encoding, decoding) = theirs(algorithm, keys.as_ref());

        let mut rules = jsonwebtoken::Validation::new(name);
        rules.validate_exp = false;
        let token = signer.sign(&claims()).unwrap();
        let read = jsonwebtoken::decode::<serde_json::Value>(&token, &decoding, &rules).unwrap();
        assert_eq!(read.claims["sub"], "ann", "{algorithm}");
        assert_eq!(read.claims["iat"], 1_700_000_000);
        assert_eq!(read.claims["exp"], 1_700_000_060);
        assert_eq!(read.claims["fid"], "02020202020202020202020202020202");

        let body = serde_json::json!({"sub": "bob", "exp": 1_700_000_100});
        let token =
            jsonwebtoken::encode(&jsonwebtoken::Header::new(name), &body, &encoding).unwrap();
        let key = match &keys {
            None => Key::secret(SECRET, &[algorithm]),
            Some((_, public)) => Key::public_pem(public.as_bytes(), &[algorithm]),
        };
        let verifier = verifier(vec![Issuer::own(vec![key.unwrap()])]);
        let verified = verifier.verify(&token, second(1)).unwrap();
        assert_eq!(
            verified.principal.user.unwrap().as_str(),
            "bob",
            "{algorithm}"
        );
    }
}

#[test]
fn the_published_key_set_verifies_our_tokens() {
    for algorithm in Algorithm::ALL {
        let keys = pair(algorithm);
        let signer = signer(algorithm, keys.as_ref());
        let document = signer.jwks();
        if keys.is_none() {
            assert_eq!(
                document, r#"{"keys":[]}"#,
                "a shared secret is never published"
            );
            continue;
        }
        let set = parse_jwks(document.as_bytes(), &Algorithm::ALL).unwrap();
        let token = signer.sign(&claims()).unwrap();
        let verifier = verifier(vec![Issuer::own(set)]);
        assert!(
            verifier.verify(&token, second(1)).is_ok(),
            "{algorithm}: {document}"
        );
    }
}

/// RFC 7638, section 3.1, and RFC 8037, appendix A.3: thumbprints of known keys.
#[test]
fn a_key_is_named_by_its_thumbprint() {
    let pem = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    let signer = Signer::private_pem(pem.as_bytes(), Algorithm::EdDsa).unwrap();
    let document: serde_json::Value = serde_json::from_str(&signer.jwks()).unwrap();
    let key = &document["keys"][0];
    assert_eq!(key["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(key["kid"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!((&key["use"], &key["alg"]), (&"sig".into(), &"EdDSA".into()));
}

#[test]
fn iat_is_whole_seconds_and_ims_the_milliseconds() {
    let signer = Signer::secret(SECRET, Algorithm::Hs256).unwrap();
    let verifier = verifier(vec![Issuer::own(vec![signer.verification_key().unwrap()])]);
    for millis in [0, 1, 10, 123, 500, 999] {
        let mut claims = claims();
        claims.issued_at = second(0).plus(Duration::from_millis(millis));
        let token = signer.sign(&claims).unwrap();
        let principal = verifier.verify(&token, second(1)).unwrap().principal;
        assert_eq!(principal.issued_at, Some(claims.issued_at), "{millis}");
        let body = claims_of(&token);
        assert_eq!(body["iat"], second(0).seconds());
        assert_eq!(
            body.get("ims").map_or(0, |ims| ims.as_u64().unwrap()),
            millis
        );
        assert_eq!(
            principal.expires_at,
            Some(second(65)),
            "whole seconds and the leeway"
        );
    }
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let (private, public) = pair(Algorithm::Es256).unwrap();
    for algorithm in [
        Algorithm::Es384,
        Algorithm::EdDsa,
        Algorithm::Rs256,
        Algorithm::Hs256,
    ] {
        let unfit = Signer::private_pem(private.as_bytes(), algorithm);
        assert_eq!(unfit.unwrap_err(), KeyFault::AlgorithmUnfit(algorithm));
    }
    for text in [
        public.as_str(),
        "",
        "-----BEGIN PRIVATE KEY-----",
        "nonsense",
    ] {
        let unfit = Signer::private_pem(text.as_bytes(), Algorithm::Es256);
        assert!(matches!(unfit, Err(KeyFault::Malformed(_))), "{text}");
    }
    assert!(matches!(
        Signer::secret(b"", Algorithm::Hs256),
        Err(KeyFault::Malformed(_))
    ));
    assert_eq!(
        Key::secret(SECRET, &[]).unwrap_err(),
        KeyFault::AlgorithmMissing
    );
    let unfit = Signer::secret(SECRET, Algorithm::Rs256).unwrap_err();
    assert_eq!(unfit, KeyFault::AlgorithmUnfit(Algorithm::Rs256));
}

#[test]
fn debug_shows_no_secret() {
    let key = Key::secret(SECRET, &[Algorithm::Hs256])
        .unwrap()
        .named(KeyName::Unnamed);
    let signer = Signer::secret(SECRET, Algorithm::Hs256).unwrap();
    let shown = format!("{key:?} {signer:?}");
    assert!(
        !shown.contains("thirty") && !shown.contains("116, 104"),
        "{shown}"
    );
}

fn claims_of(token: &str) -> serde_json::Value {
    use base64::Engine as _;
    let body = token.split('.').nth(1).unwrap();
    let body = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(body)
        .unwrap();
    serde_json::from_slice(&body).unwrap()
}
