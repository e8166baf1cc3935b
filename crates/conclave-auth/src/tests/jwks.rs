//! Key sets: which keys are taken, and what an outage means.

use std::time::Duration;

use conclave_protocol::{IssuerId, Timestamp};

use super::world::{encode, own_issuer, second, verifier};
use crate::{
    AccessClaims, Algorithm, FetchReason, Issuer, JwksFault, JwksState, KeySet, Signer, TokenError,
    TokenFault, Verifier, parse_jwks,
};

const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const URL: &str = "https://id.example";

fn signer() -> Signer {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let signer = Signer::private_pem(pair.serialize_pem().as_bytes(), Algorithm::EdDsa).unwrap();
    signer.naming(Some(URL.to_owned()), None)
}

fn token(signer: &Signer, at: Timestamp) -> String {
    let claims = AccessClaims {
        sub: "ann",
        sid: None,
        name: None,
        roles: &[],
        permissions: &[],
        issued_at: at,
        life: Duration::from_secs(3600),
        id: [1; 16],
        family: None,
    };
    signer.sign(&claims).unwrap()
}

fn usable(key: &str) -> usize {
    let document = format!(r#"{{"keys":[{key}]}}"#);
    parse_jwks(document.as_bytes(), &Algorithm::ALL).map_or(0, |keys| keys.len())
}

#[test]
fn only_public_signature_keys_are_taken() {
    let okp = |rest: &str| {
        usable(&format!(
            r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{rest}}}"#
        ))
    };
    assert_eq!(okp(""), 1);
    assert_eq!(
        okp(r#","kid":"a","use":"sig","alg":"EdDSA","key_ops":["verify"]"#),
        1
    );
    for rest in [
        r#","use":"enc""#,
        r#","use":7"#,
        r#","key_ops":["sign"]"#,
        r#","key_ops":"verify""#,
        r#","alg":"ES256""#,
        r#","alg":"none""#,
        r#","alg":7"#,
        r#","kid":7"#,
        r#","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A""#,
    ] {
        assert_eq!(okp(rest), 0, "{rest}");
    }
    assert_eq!(
        usable(r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAA","alg":"HS256"}"#),
        0
    );
    assert_eq!(
        usable(&format!(r#"{{"kty":"OKP","crv":"Ed448","x":"{X}"}}"#)),
        0
    );
    assert_eq!(
        usable(&format!(
            r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"{X}"}}"#
        )),
        0
    );
    assert_eq!(usable(r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#), 0);
    assert_eq!(
        usable(&format!(r#"{{"kty":"RSA","n":"{X}","e":"AQAB"}}"#)),
        1,
        "size is checked by use"
    );
    assert_eq!(usable(r#"{"kty":"RSA","e":"AQAB"}"#), 0);
}

#[test]
fn small_rsa_keys_verify_nothing() {
    let n = encode([0xff; 128]);
    let document = format!(r#"{{"keys":[{{"kty":"RSA","n":"{n}","e":"AQAB"}}]}}"#);
    let keys = parse_jwks(document.as_bytes(), &[Algorithm::Rs256]).unwrap();
    let verifier = verifier(vec![Issuer::own(keys)]);
    let signed = format!(
        "{}.{}",
        encode(r#"{"alg":"RS256"}"#),
        encode(r#"{"sub":"a","exp":9}"#)
    );
    for signature in [vec![0; 128], vec![0xff; 128], vec![0; 256]] {
        let forged = format!("{signed}.{}", encode(signature));
        let refused = verifier.verify(&forged, second(0)).unwrap_err();
        assert_eq!(refused, TokenError::Invalid(TokenFault::Signature));
    }
}

#[test]
fn documents_are_bounded() {
    let key = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"}}"#);
    let of = |count| format!(r#"{{"keys":[{}]}}"#, vec![key.clone(); count].join(","));
    let parse = |text: &str| parse_jwks(text.as_bytes(), &Algorithm::ALL).map(|keys| keys.len());
    assert_eq!(parse(&of(100)), Ok(100));
    assert_eq!(parse(&of(101)), Err(JwksFault::TooLarge));
    assert_eq!(parse(&" ".repeat(300_000)), Err(JwksFault::TooLarge));
    assert_eq!(parse(r#"{"keys":[]}"#), Err(JwksFault::Unusable));
    for text in [
        "",
        "[]",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        "<html>",
    ] {
        assert_eq!(parse(text), Err(JwksFault::Malformed), "{text}");
    }
}

#[test]
fn an_unknown_kid_is_worth_a_question_only_where_keys_come_by_url() {
    let signer = signer();
    let token = token(&signer, second(0));
    let mut by_url = Issuer::external(IssuerId(1), URL, Vec::new());
    by_url.keys_by_url = true;
    let refused = verifier(vec![own_issuer(), by_url])
        .verify(&token, second(0))
        .unwrap_err();
    assert_eq!(
        refused,
        TokenError::UnknownKey {
            issuer: IssuerId(1)
        }
    );
    let by_file = Issuer::external(IssuerId(1), URL, Vec::new());
    let refused = verifier(vec![own_issuer(), by_file])
        .verify(&token, second(0))
        .unwrap_err();
    assert_eq!(refused, TokenError::Invalid(TokenFault::Key));
}

fn by_url() -> Verifier {
    let mut issuer = Issuer::external(IssuerId(1), URL, Vec::new());
    issuer.keys_by_url = true;
    verifier(vec![own_issuer(), issuer])
}

#[test]
fn keys_outlive_an_outage_by_a_day_and_then_fail_closed() {
    let (signer, verifier, mut state) = (signer(), by_url(), JwksState::default());
    let unknown = Err(TokenError::UnknownKey {
        issuer: IssuerId(1),
    });
    let verify = |at| verifier.verify(&token(&signer, at), at).map(|_| ());
    assert_eq!(verify(second(0)), unknown);
    assert!(state.wants_fetch(FetchReason::UnknownKey, second(0)));
    let set = state
        .apply(signer.jwks().as_bytes(), &[Algorithm::EdDsa], second(1))
        .unwrap();
    verifier.replace_keys(IssuerId(1), set);
    assert_eq!(verify(second(2)), Ok(()));

    let day = 24 * 60 * 60;
    for at in (700..day).step_by(3600) {
        assert!(state.wants_fetch(FetchReason::Schedule, second(at)));
        state.failed();
        assert_eq!(verify(second(at)), Ok(()), "known keys outlive the outage");
    }
    assert_eq!(verify(second(day)), Ok(()));
    assert_eq!(
        verify(second(day + 1)),
        unknown,
        "after 24 hours they do not"
    );

    assert!(state.wants_fetch(FetchReason::UnknownKey, second(day + 40)));
    let set = state
        .apply(
            signer.jwks().as_bytes(),
            &[Algorithm::EdDsa],
            second(day + 41),
        )
        .unwrap();
    verifier.replace_keys(IssuerId(1), set);
    assert_eq!(verify(second(day + 42)), Ok(()), "the source is back");
}

#[test]
fn unknown_keys_are_asked_for_once_in_30_seconds() {
    let mut state = JwksState::default();
    assert!(state.wants_fetch(FetchReason::UnknownKey, second(0)));
    assert!(
        !state.wants_fetch(FetchReason::UnknownKey, second(1)),
        "one is under way"
    );
    assert!(
        !state.wants_fetch(FetchReason::UnknownKey, second(100)),
        "still under way"
    );
    state.failed();
    assert!(state.wants_fetch(FetchReason::UnknownKey, second(100)));
    state.failed();
    assert!(!state.wants_fetch(FetchReason::UnknownKey, second(129)));
    assert!(!state.wants_fetch(FetchReason::Schedule, second(129)));
    assert!(
        state.wants_fetch(FetchReason::Schedule, second(130)),
        "a failure is retried soon"
    );
    let set = state
        .apply(signer().jwks().as_bytes(), &[Algorithm::EdDsa], second(131))
        .unwrap();
    assert_eq!(
        (set.keys.len(), set.valid_until),
        (1, Some(second(131 + 24 * 60 * 60)))
    );
    assert!(!state.wants_fetch(FetchReason::UnknownKey, second(160)));
    assert!(state.wants_fetch(FetchReason::UnknownKey, second(161)));
}

#[test]
fn while_all_is_well_the_schedule_is_slow() {
    let mut state = JwksState::default();
    assert!(state.wants_fetch(FetchReason::Schedule, second(0)));
    state
        .apply(signer().jwks().as_bytes(), &[Algorithm::EdDsa], second(1))
        .unwrap();
    assert!(!state.wants_fetch(FetchReason::Schedule, second(600)));
    assert!(state.wants_fetch(FetchReason::Schedule, second(601)));
    let unusable = state.apply(br#"{"keys":[]}"#, &[Algorithm::EdDsa], second(602));
    assert_eq!(unusable.map(|_| ()), Err(JwksFault::Unusable));
    assert!(
        state.wants_fetch(FetchReason::Schedule, second(631)),
        "that counts as a failure"
    );
}

#[test]
fn replaced_keys_are_gone() {
    let (old, new, verifier) = (signer(), signer(), by_url());
    let set = |signer: &Signer| KeySet {
        keys: parse_jwks(signer.jwks().as_bytes(), &Algorithm::ALL).unwrap(),
        valid_until: None,
    };
    verifier.replace_keys(IssuerId(1), set(&old));
    let token = token(&old, second(0));
    assert!(verifier.verify(&token, second(0)).is_ok());
    verifier.replace_keys(IssuerId(1), set(&new));
    let refused = verifier.verify(&token, second(0)).unwrap_err();
    assert_eq!(
        refused,
        TokenError::UnknownKey {
            issuer: IssuerId(1)
        }
    );
    verifier.replace_keys(IssuerId(9), set(&old));
}
