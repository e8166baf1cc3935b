//! Clerk's session tokens, versions 1 and 2, signed by a library that is not ours.

use std::sync::LazyLock;

use conclave_protocol::{IssuerId, Permission};
use serde_json::{Value, json};

use super::world::{own_issuer, second, verifier};
use crate::{Algorithm, Issuer, Signer, TokenError, TokenFault, Verified, parse_jwks};

static RSA: LazyLock<rcgen::KeyPair> =
    LazyLock::new(|| rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap());

const KID: &str = "ins_2GIoQhbUpy0hX7B2cVkuTMinXoD";
const ISS: &str = "https://clerk.example.com";
const APP: &str = "https://app.example.com";

/// What its JWKS endpoint serves.
fn key_set() -> String {
    let signer = Signer::private_pem(RSA.serialize_pem().as_bytes(), Algorithm::Rs256).unwrap();
    let mut set: Value = serde_json::from_str(&signer.jwks()).unwrap();
    set["keys"][0]["kid"] = KID.into();
    set.to_string()
}

fn clerk(azp: &[&str]) -> Issuer {
    let azp = azp.iter().map(|&azp| azp.to_owned()).collect();
    let mut clerk = Issuer::clerk(IssuerId(1), ISS, azp);
    clerk.keys.keys = parse_jwks(key_set().as_bytes(), &[Algorithm::Rs256]).unwrap();
    clerk.user_prefix = "clerk:".to_owned();
    clerk
}

fn version_1() -> Value {
    json!({
        "azp": APP, "exp": 1_700_000_060, "iat": 1_700_000_000, "iss": ISS, "nbf": 1_699_999_990,
        "sid": "sess_2GbDB4enNdCa5vS1zpC3Xzg9tK9", "sub": "user_2GIpXOEpVyJw51rkZn9Kmnc6Sxr",
        "fva": [0, -1], "org_id": "org_123", "org_role": "org:admin", "org_slug": "acme",
        "org_permissions": ["org:teams:read", "admin"],
    })
}

fn version_2() -> Value {
    json!({
        "azp": APP, "exp": 1_700_000_060, "iat": 1_700_000_000, "iss": ISS, "nbf": 1_699_999_990,
        "sid": "sess_2GbDB4enNdCa5vS1zpC3Xzg9tK9", "sub": "user_2GIpXOEpVyJw51rkZn9Kmnc6Sxr",
        "v": 2, "jti": "1f2e3d4c5b6a79881234", "sts": "active", "fva": [7, -1],
        "o": {"id": "org_123", "slg": "acme", "rol": "admin", "per": "admin,read", "fpm": "3,2"},
        "fea": "o:dashboard,o:teams", "pla": "u:pro",
    })
}

fn with(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn sign(algorithm: jsonwebtoken::Algorithm, claims: &Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(RSA.serialize_pem().as_bytes()).unwrap();
    let mut header = jsonwebtoken::Header::new(algorithm);
    header.kid = Some(KID.to_owned());
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

fn read(issuer: Issuer, claims: &Value) -> Result<Verified, TokenError> {
    let token = sign(jsonwebtoken::Algorithm::RS256, claims);
    verifier(vec![own_issuer(), issuer]).verify(&token, second(0))
}

#[test]
fn both_versions_prove_the_user_in_the_default_session() {
    for claims in [version_1(), version_2()] {
        let principal = read(clerk(&[APP]), &claims).unwrap().principal;
        let user = "clerk:user_2GIpXOEpVyJw51rkZn9Kmnc6Sxr";
        assert_eq!(principal.user.unwrap().as_str(), user, "{claims}");
        assert_eq!(principal.session.shown(), format!("session-{user}"));
        assert!(!principal.session_named_by_token);
        assert_eq!(principal.expires_at, Some(second(65)), "leeway included");
    }
}

#[test]
fn organization_roles_and_permissions_grant_nothing() {
    for claims in [version_1(), version_2()] {
        let verified = read(clerk(&[APP]), &claims).unwrap();
        assert_eq!(verified.access.roles.join(","), "user", "{claims}");
        assert!(!verified.principal.grants.allow(Permission::Admin, ""));
        assert!(
            verified
                .principal
                .grants
                .allow(Permission::TopicPublish, "x")
        );
    }
}

#[test]
fn custom_roles_count_as_far_as_they_are_allowed() {
    let claims = with(
        version_2(),
        json!({ "roles": ["user", "moderator", "admin"] }),
    );
    let verified = read(clerk(&[APP]), &claims).unwrap();
    assert_eq!(verified.access.roles.join(","), "user");
    let mut issuer = clerk(&[APP]);
    issuer.allowance = crate::Allowance::Listed {
        roles: vec!["moderator".to_owned()],
        permissions: Vec::new(),
    };
    let verified = read(issuer, &claims).unwrap();
    assert_eq!(verified.access.roles.join(","), "moderator");
}

#[test]
fn the_party_must_be_on_the_list() {
    let party = Err(TokenError::Invalid(TokenFault::Party));
    for (changes, expected) in [
        (json!({}), Ok(())),
        (json!({ "azp": "https://evil.example.com" }), party),
        (json!({ "azp": "https://app.example.com/" }), party),
        (json!({ "azp": "" }), party),
        (json!({ "azp": null }), party),
        (json!({ "azp": [APP] }), party),
        (json!({ "azp": 7 }), party),
    ] {
        let answer = read(clerk(&[APP]), &with(version_2(), changes.clone())).map(|_| ());
        assert_eq!(answer, expected, "{changes}");
    }
}

#[test]
fn tokens_of_native_apps_need_an_empty_party_on_the_list() {
    let mut without = version_2();
    without.as_object_mut().unwrap().remove("azp");
    let refused = read(clerk(&[APP]), &without).map(|_| ());
    assert_eq!(refused, Err(TokenError::Invalid(TokenFault::Party)));
    let accepted = |changes| read(clerk(&[APP, ""]), &with(without.clone(), changes)).is_ok();
    assert!(accepted(json!({})));
    assert!(accepted(json!({ "azp": null })));
    assert!(accepted(json!({ "azp": APP })));
    assert!(!accepted(json!({ "azp": "" })));
    assert!(!accepted(json!({ "azp": "https://evil.example.com" })));
}

#[test]
fn pending_sign_ins_are_refused() {
    let pending = Err(TokenError::Invalid(TokenFault::Pending));
    for (sts, expected) in [
        (json!("active"), Ok(())),
        (json!(null), Ok(())),
        (json!("pending"), pending),
        (json!(7), pending),
        (json!(["active"]), pending),
    ] {
        let claims = with(version_2(), json!({ "sts": sts }));
        assert_eq!(read(clerk(&[APP]), &claims).map(|_| ()), expected, "{sts}");
    }
}

#[test]
fn its_keys_verify_rs256_alone() {
    use jsonwebtoken::Algorithm::{PS256, RS256, RS384, RS512};
    let verifier = verifier(vec![own_issuer(), clerk(&[APP])]);
    let accepted = |algorithm| {
        let token = sign(algorithm, &version_2());
        verifier.verify(&token, second(0)).is_ok()
    };
    assert!(accepted(RS256));
    assert!(![RS384, RS512, PS256].into_iter().any(accepted));
}

#[test]
fn times_and_issuer_are_exact() {
    for changes in [
        json!({ "exp": 1_699_999_990 }),
        json!({ "nbf": 1_700_000_010 }),
        json!({ "iat": 1_700_000_010 }),
        json!({ "exp": null }),
        json!({ "sub": "" }),
        json!({ "iss": "https://clerk.example.com/" }),
    ] {
        assert!(
            read(clerk(&[APP]), &with(version_2(), changes.clone())).is_err(),
            "{changes}"
        );
    }
}
