use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    ApiKeyAuthHandler, AuthError, AuthRequest, Authenticator, BasicAuthHandler, Claims, Credential,
    Gate, JwtConfigError, JwtServerAuthHandler, JwtValidator, StartError,
};
use crate::spec::{ChannelSpec, Location, OperationSpec, Requirement, Scheme, ServiceSpec};
use crate::testing::{TEST_AUDIENCE, TEST_ISSUER, TEST_SECRET, TestClock, TestToken};
use crate::{Algorithm, Clock};

const JWT: Requirement = Requirement::new("jwt", Scheme::HttpBearer);
const OAUTH: Requirement = Requirement::new("oauth", Scheme::OAuth2);
const BASIC: Requirement = Requirement::new("basic", Scheme::HttpBasic);
const KEY: Requirement = Requirement::new("key", Scheme::ApiKeyHeader("X-Key"));
const COOKIE: Requirement = Requirement::new("cookie", Scheme::ApiKeyCookie("sid"));

const CHANNELS: &[ChannelSpec] = &[ChannelSpec::new("c", "c")];

fn validator() -> Arc<JwtValidator> {
    let validator = JwtValidator::hmac(TEST_SECRET)
        .unwrap()
        .issuer(TEST_ISSUER)
        .audience(TEST_AUDIENCE)
        .clock(TestClock::new())
        .build();
    Arc::new(validator.unwrap())
}

/// argon2id of `secret`, made by the crate that verifies it.
fn password_hash() -> String {
    let password = conclave_auth::Password::new("secret".to_owned()).unwrap();
    conclave_auth::password::hash(&password, &[7; 16])
        .unwrap()
        .0
}

fn authenticator(requirement: Requirement) -> Arc<dyn Authenticator> {
    match requirement.scheme() {
        scheme if scheme.is_token() => Arc::new(JwtServerAuthHandler::new(validator())),
        Scheme::HttpBasic => Arc::new(BasicAuthHandler::new([(
            Claims::new("ann").with_permissions(["p"]),
            password_hash(),
        )])),
        _ => Arc::new(ApiKeyAuthHandler::new([("k1", Claims::new("app"))])),
    }
}

fn gate(spec: &'static ServiceSpec, schemes: &[Requirement]) -> Result<Gate, StartError> {
    let authenticators: BTreeMap<_, _> = schemes
        .iter()
        .map(|by| (by.name().to_owned(), authenticator(*by)))
        .collect();
    Gate::new(spec, authenticators)
}

fn token() -> TestToken {
    TestToken::at(TestClock::new().now())
}

fn bearer(token: &TestToken) -> AuthRequest {
    AuthRequest::new("/").with_header("Authorization", format!("Bearer {}", token.mint()))
}

#[tokio::test]
async fn any_of_the_alternatives_will_do_and_all_that_is_in_it() {
    static SPEC: ServiceSpec = ServiceSpec::new("t", "1").security(&[&[JWT, KEY], &[BASIC]]);
    let gate = gate(&SPEC, &[JWT, KEY, BASIC]).unwrap();
    let only_token = bearer(&token());
    assert_eq!(
        gate.admit(&only_token).await.unwrap_err(),
        AuthError::Missing
    );
    let both = bearer(&token()).with_header("x-key", "k1");
    let identity = gate.admit(&both).await.unwrap();
    assert_eq!(
        identity.claims().unwrap().subject(),
        "ann",
        "the token speaks, not the key"
    );
    let wrong_key = bearer(&token()).with_header("x-key", "k2");
    assert!(matches!(
        gate.admit(&wrong_key).await,
        Err(AuthError::Invalid(_))
    ));
    let basic = AuthRequest::new("/").with_header("authorization", "basic YW5uOnNlY3JldA==");
    assert!(
        gate.admit(&basic)
            .await
            .unwrap()
            .claims()
            .unwrap()
            .has_permission("p")
    );
    for wrong in [
        "Basic YW5uOndyb25n",
        "Basic Ym9iOnNlY3JldA==",
        "Basic !",
        "Basic YW5u",
    ] {
        let request = AuthRequest::new("/").with_header("Authorization", wrong);
        assert!(
            matches!(gate.admit(&request).await, Err(AuthError::Invalid(_))),
            "{wrong}"
        );
    }
    // A token of one user beside the password of another.
    let other = AuthRequest::new(&format!("/?token={}", token().user("bob").mint()))
        .with_header("Authorization", "Basic YW5uOnNlY3JldA==");
    assert_eq!(
        gate.admit(&other).await.unwrap_err(),
        AuthError::Conflicting
    );
}

#[tokio::test]
async fn a_credential_that_is_there_and_wrong_refuses_even_where_none_is_needed() {
    static SPEC: ServiceSpec = ServiceSpec::new("t", "1")
        .channels(CHANNELS)
        .security(&[&[], &[JWT]])
        .operations(&[
            OperationSpec::receive("open", 0),
            OperationSpec::receive("closed", 0).permissions(&["p"]),
            OperationSpec::receive("signed", 0).security(&[&[JWT]]),
        ]);
    let gate = gate(&SPEC, &[JWT]).unwrap();
    let anonymous = gate.admit(&AuthRequest::new("/")).await.unwrap();
    assert_eq!(*gate.granted(&anonymous), [true, false, false]);
    let expired = bearer(&token().expired());
    assert_eq!(gate.admit(&expired).await.unwrap_err(), AuthError::Expired);
    let identity = gate
        .admit(&bearer(&token().permissions(["p"])))
        .await
        .unwrap();
    assert_eq!(*gate.granted(&identity), [true, true, true]);
}

#[tokio::test]
async fn scopes_are_asked_for_where_the_document_names_them_and_are_no_permissions() {
    const READ: Requirement = OAUTH.scopes(&["read"]);
    const WRITE: Requirement = OAUTH.scopes(&["read", "write"]);
    static SPEC: ServiceSpec = ServiceSpec::new("t", "1")
        .channels(CHANNELS)
        .security(&[&[READ]])
        .operations(&[
            OperationSpec::receive("write", 0).security(&[&[WRITE]]),
            OperationSpec::receive("permitted", 0).permissions(&["write"]),
        ]);
    let gate = gate(&SPEC, &[OAUTH]).unwrap();
    let without = gate.admit(&bearer(&token())).await;
    assert!(matches!(without, Err(AuthError::Forbidden(_))));
    let reader = gate
        .admit(&bearer(&token().scopes(["read"])))
        .await
        .unwrap();
    assert_eq!(*gate.granted(&reader), [false, false]);
    let both = bearer(&token().scopes(["read", "write"]));
    let writer = gate.admit(&both).await.unwrap();
    assert_eq!(*gate.granted(&writer), [true, false]);
}

#[tokio::test]
async fn cookies_count_only_where_the_origin_was_checked() {
    static SPEC: ServiceSpec = ServiceSpec::new("t", "1").security(&[&[COOKIE]]);
    let gate = gate(&SPEC, &[COOKIE]).unwrap();
    let request = AuthRequest::new("/").with_header("Cookie", "a=b; sid=k1");
    assert_eq!(gate.admit(&request).await.unwrap_err(), AuthError::Missing);
    assert!(gate.admit(&request.with_cookies_counted()).await.is_ok());
}

#[test]
fn a_service_whose_security_cannot_be_checked_does_not_start() {
    static SPEC: ServiceSpec = ServiceSpec::new("t", "1").security(&[&[JWT], &[KEY]]);
    let fault = |spec, schemes: &[Requirement]| gate(spec, schemes).err().unwrap();
    assert_eq!(
        fault(&SPEC, &[JWT]),
        StartError::AuthenticatorMissing("key".to_owned())
    );
    assert_eq!(
        fault(&SPEC, &[JWT, KEY, BASIC]),
        StartError::SchemeUnknown("basic".to_owned())
    );
    static OPERATION: ServiceSpec = ServiceSpec::new("t", "1")
        .channels(CHANNELS)
        .operations(&[OperationSpec::send("s", 0).security(&[&[OAUTH]])]);
    assert_eq!(
        fault(&OPERATION, &[]),
        StartError::AuthenticatorMissing("oauth".to_owned())
    );
    static TWICE: ServiceSpec = ServiceSpec::new("t", "1")
        .channels(CHANNELS)
        .operations(&[OperationSpec::receive("o", 0), OperationSpec::send("o", 0)]);
    static NOWHERE: ServiceSpec =
        ServiceSpec::new("t", "1").operations(&[OperationSpec::receive("o", 0)]);
    static UNSOUND: ServiceSpec =
        ServiceSpec::new("t", "1").channels(&[ChannelSpec::new("c", "a/{x}{y}")]);
    static PATH: ServiceSpec = ServiceSpec::new("t", "1").path("chat");
    static LOCATION: ServiceSpec = ServiceSpec::new("t", "1")
        .channels(&[ChannelSpec::new("c", "a/{x}").locations(&[("y", Location::Payload("/y"))])]);
    for spec in [&TWICE, &NOWHERE, &UNSOUND, &PATH, &LOCATION] {
        assert!(matches!(fault(spec, &[]), StartError::Spec(_)));
    }
}

#[test]
fn two_credentials_that_differ_are_refused_and_the_same_twice_is_one() {
    let twice = AuthRequest::new("/?token=a").with_header("Authorization", "Bearer a");
    let one = twice.credential(Scheme::HttpBearer).unwrap();
    assert!(one == Some(Credential::Token("a".to_owned())));
    for request in [
        AuthRequest::new("/?token=a&token=b"),
        AuthRequest::new("/?token=a").with_header("authorization", "bearer b"),
    ] {
        let refused = request.credential(Scheme::HttpBearer).unwrap_err();
        assert_eq!(refused, AuthError::Conflicting);
    }
    let shown = format!("{twice:?} {one:?}");
    assert!(
        !shown.contains("token=") && !shown.contains("\"a\""),
        "{shown}"
    );
}

#[test]
fn tokens_of_public_keys_and_key_sets_are_verified() {
    use conclave_auth::{AccessClaims, Signer};
    let clock = TestClock::new();
    for (algorithm, kind) in [
        (Algorithm::Es256, &rcgen::PKCS_ECDSA_P256_SHA256),
        (Algorithm::Es384, &rcgen::PKCS_ECDSA_P384_SHA384),
        (Algorithm::EdDsa, &rcgen::PKCS_ED25519),
        (Algorithm::Rs256, &rcgen::PKCS_RSA_SHA256),
        (Algorithm::Ps512, &rcgen::PKCS_RSA_SHA256),
    ] {
        let pair = rcgen::KeyPair::generate_for(kind).unwrap();
        let signer = Signer::private_pem(pair.serialize_pem().as_bytes(), algorithm).unwrap();
        let claims = AccessClaims {
            sub: "ann",
            sid: None,
            name: Some("Ann"),
            roles: &["user".to_owned()],
            permissions: &["p".to_owned()],
            issued_at: clock.now(),
            life: std::time::Duration::from_secs(60),
            id: [1; 16],
            family: None,
        };
        let token = signer.sign(&claims).unwrap();
        let pem = pair.public_key_pem();
        let by_key = JwtValidator::public_key_pem(pem.as_bytes(), &[algorithm]).unwrap();
        let jwks = signer.jwks();
        let by_set = JwtValidator::jwks(jwks.as_bytes(), &[algorithm]).unwrap();
        for builder in [by_key, by_set] {
            let clock = Arc::clone(&clock) as Arc<dyn Clock>;
            let validator = builder.role("user", &["q"]).clock(clock).build().unwrap();
            let claims = validator.validate_token(&token).unwrap();
            assert_eq!((claims.subject(), claims.name()), ("ann", Some("Ann")));
            assert!(claims.has_permission("p") && claims.has_permission("q"));
            assert!(claims.has_role("user") && !claims.has_role("q"));
        }
        // Another key's set, put in place of the first, knows the token no more.
        let other = rcgen::KeyPair::generate_for(kind).unwrap();
        let other = Signer::private_pem(other.serialize_pem().as_bytes(), algorithm).unwrap();
        let replaced = JwtValidator::jwks(jwks.as_bytes(), &[algorithm]).unwrap();
        let replaced = replaced.clock(Arc::clone(&clock) as _).build().unwrap();
        assert!(replaced.validate_token(&token).is_ok());
        replaced.replace_jwks(other.jwks().as_bytes()).unwrap();
        assert!(replaced.validate_token(&token).is_err());
    }
}

#[test]
fn tokens_grant_what_they_say_and_nothing_by_default() {
    let bare = TestToken::at(TestClock::new().now());
    let claims = validator().validate_token(&bare.mint()).unwrap();
    assert_eq!(claims.permissions().count() + claims.roles().count(), 0);
    let admin = bare.permissions(["admin", "chat:send:a*"]).mint();
    let claims = validator().validate_token(&admin).unwrap();
    assert!(claims.has_permission("admin"));
    assert!(
        !claims.has_permission("chat:send"),
        "each stands for itself"
    );
}

#[test]
fn whom_conclave_proved_is_read_as_its_own_dialects_read_them() {
    use conclave_protocol::{
        Grants, IssuerId, Principal, SessionId, SessionKind, SessionName, UserId,
    };
    let principal = |user: Option<&str>, permission: &str| Principal {
        user: user.map(|user| UserId::new(user).unwrap()),
        session: SessionId {
            kind: SessionKind::Default,
            issuer: IssuerId(0),
            name: SessionName::new("ann").unwrap(),
        },
        session_named_by_token: false,
        name: None,
        grants: Arc::new(Grants::new([permission])),
        token: None,
        family: None,
        issued_at: None,
        expires_at: None,
    };
    let claims = |permission| Claims::of_principal(&principal(Some("ann"), permission), None);
    assert!(claims("admin").unwrap().has_permission("profile:update"));
    let writer = claims("conversation.write").unwrap();
    assert!(
        writer.has_permission("chat:send"),
        "one is the other's name"
    );
    assert!(!writer.has_permission("profile:update"));
    assert!(Claims::of_principal(&principal(None, "admin"), None).is_none());
}

#[test]
fn weak_and_unfit_keys_are_refused() {
    assert_eq!(
        JwtValidator::hmac(&[1; 31]).unwrap_err(),
        JwtConfigError::SecretShort
    );
    let pem = b"-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n 0123456789";
    assert!(matches!(
        JwtValidator::hmac(pem),
        Err(JwtConfigError::Key(_))
    ));
    let leeway = JwtValidator::hmac(&[1; 32])
        .unwrap()
        .leeway(std::time::Duration::from_secs(61));
    assert!(matches!(leeway.build(), Err(JwtConfigError::Issuer(_))));
}
