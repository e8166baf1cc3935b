//! What claims make of a principal.

use std::sync::Arc;

use conclave_protocol::{IssuerId, Permission, SessionKind};

use super::world::{claiming, own_issuer, second, verifier};
use crate::{TokenError, TokenFault, Verified};

/// Claims of an own token besides `exp`.
fn read(claims: &str) -> Result<Verified, TokenError> {
    let token = claiming(&format!(r#"{{"exp":1700003600,{claims}}}"#));
    verifier(vec![own_issuer()]).verify(&token, second(0))
}

#[test]
fn claims_that_make_no_principal_are_an_invalid_payload() {
    let long = format!(r#""sub":"{}""#, "x".repeat(256));
    for claims in [
        r#""x":1"#,
        r#""sub":"""#,
        r#""sub":null"#,
        r#""sub":7"#,
        r#""sub":["ann"]"#,
        r#""sub":"a\nb""#,
        &long,
        r#""sub":"ann","sid":7"#,
        r#""sub":"ann","sid":"""#,
        r#""sub":"ann","sid":"a\u0000""#,
        r#""sub":"ann","roles":7"#,
        r#""sub":"ann","roles":["user",7]"#,
        r#""sub":"ann","roles":{"user":true}"#,
        r#""sub":"ann","permissions":"chat:send""#,
        r#""sub":"ann","permissions":[null]"#,
        r#""sub":"ann","scope":7"#,
        r#""sub":"ann","fid":"0202""#,
        r#""sub":"ann","fid":7"#,
    ] {
        assert_eq!(read(claims).unwrap_err(), TokenError::Payload, "{claims}");
    }
}

#[test]
fn the_session_follows_from_sid() {
    for (sid, kind, shown, named) in [
        ("", SessionKind::Default, "session-ann", false),
        (r#","sid":null"#, SessionKind::Default, "session-ann", false),
        (
            r#","sid":"session-ann""#,
            SessionKind::Default,
            "session-ann",
            true,
        ),
        (r#","sid":"work""#, SessionKind::Named, "work", true),
        (
            r#","sid":"session-bob""#,
            SessionKind::Named,
            "session-bob",
            true,
        ),
        (r#","sid":"ann""#, SessionKind::Named, "ann", true),
    ] {
        let principal = read(&format!(r#""sub":"ann"{sid}"#)).unwrap().principal;
        assert_eq!(principal.session.kind, kind, "{sid}");
        assert_eq!(principal.session.shown(), shown);
        assert_eq!(principal.session.issuer, IssuerId(0));
        assert_eq!(principal.session_named_by_token, named);
    }
}

#[test]
fn the_name_is_the_first_fit_text() {
    for (claims, expected) in [
        (r#""name":"Ann B""#, Some("Ann B")),
        (r#""username":"ann_b""#, Some("ann_b")),
        (r#""username":"ann_b","name":"Ann B""#, Some("Ann B")),
        (r#""name":"""#, None),
        (r#""name":"a\u0007""#, None),
        (r#""x":1"#, None),
    ] {
        let principal = read(&format!(r#""sub":"ann",{claims}"#)).unwrap().principal;
        assert_eq!(principal.name.as_deref(), expected, "{claims}");
    }
}

#[test]
fn defaults_apply_only_where_nothing_is_carried() {
    for (claims, publish, monitor) in [
        ("", true, false),
        (r#","roles":[]"#, false, false),
        (r#","permissions":[]"#, false, false),
        (r#","roles":null"#, true, false),
        (r#","role":"admin""#, true, true),
        (r#","roles":["moderator"]"#, true, true),
        (r#","roles":"moderator""#, true, true),
        (r#","roles":["nonesuch"]"#, false, false),
        (r#","permissions":["system.monitor"]"#, false, true),
        (
            r#","roles":["user"],"permissions":["system.monitor"]"#,
            true,
            true,
        ),
        (r#","scope":"system.monitor topic.publish""#, true, false),
        (
            r#","permissions":[],"scopes":["system.monitor"]"#,
            false,
            false,
        ),
    ] {
        let verified = read(&format!(r#""sub":"ann"{claims}"#)).unwrap();
        let grants = &verified.principal.grants;
        assert_eq!(
            grants.allow(Permission::TopicPublish, "x"),
            publish,
            "{claims}"
        );
        assert_eq!(
            grants.allow(Permission::SystemMonitor, ""),
            monitor,
            "{claims}"
        );
    }
    let scopes = read(r#""sub":"ann","scope":"a b  c""#)
        .unwrap()
        .access
        .scopes
        .join(",");
    assert_eq!(scopes, "a,b,c");
}

#[test]
fn tokens_that_say_the_same_share_their_grants() {
    let verifier = verifier(vec![own_issuer()]);
    let grants = |claims: &str| {
        let token = claiming(&format!(r#"{{"exp":1700003600,{claims}}}"#));
        verifier.verify(&token, second(0)).unwrap().principal.grants
    };
    let ann = grants(r#""sub":"ann","roles":["user"],"permissions":["a"]"#);
    let bob = grants(r#""sub":"bob","roles":["user"],"permissions":["a"]"#);
    assert!(Arc::ptr_eq(&ann, &bob));
    // The same texts in other lists are something else.
    let eve = grants(r#""sub":"eve","roles":["user","a"],"permissions":[]"#);
    assert!(!Arc::ptr_eq(&ann, &eve) && ann != eve);
    let zoe = grants(r#""sub":"zoe","roles":["use","ra"],"permissions":[]"#);
    assert_ne!(zoe, ann);
}

#[test]
fn times_are_checked_with_leeway() {
    let at = |claims: &str, now| {
        let token = claiming(&format!(r#"{{"sub":"ann",{claims}}}"#));
        verifier(vec![own_issuer()])
            .verify(&token, now)
            .map(|v| v.principal.expires_at)
    };
    assert_eq!(at(r#""exp":1700000010"#, second(14)), Ok(Some(second(15))));
    assert_eq!(
        at(r#""exp":1700000010"#, second(15)),
        Err(TokenError::Expired)
    );
    assert_eq!(at(r#""exp":0"#, second(0)), Err(TokenError::Expired));
    assert!(at(r#""exp":1700000010.75,"iat":1699999999.5"#, second(15)).is_ok());
    assert!(at(r#""exp":1700000100,"nbf":1700000005"#, second(0)).is_ok());
    let early = at(r#""exp":1700000100,"nbf":1700000006"#, second(0));
    assert_eq!(early, Err(TokenError::Invalid(TokenFault::NotYet)));
    assert!(at(r#""exp":1700000100,"iat":1700000005"#, second(0)).is_ok());
    let later = at(r#""exp":1700000100,"iat":1700000006"#, second(0));
    assert_eq!(later, Err(TokenError::Invalid(TokenFault::IssuedLater)));
}

#[test]
fn token_ids_follow_the_jti_or_else_the_token() {
    let id = |claims: &str| read(claims).unwrap().principal.token;
    assert_eq!(
        id(r#""sub":"ann","jti":"1""#),
        id(r#""sub":"bob","jti":"1""#)
    );
    assert_ne!(
        id(r#""sub":"ann","jti":"1""#),
        id(r#""sub":"ann","jti":"2""#)
    );
    assert_ne!(id(r#""sub":"ann""#), id(r#""sub":"ann","x":1"#));
    assert_eq!(id(r#""sub":"ann""#), id(r#""sub":"ann""#));
}
