//! Several issuers side by side.

use std::time::Duration;

use conclave_protocol::{IssuerId, Permission};

use super::world::{SECRET, own_issuer, second, token_signed, verifier};
use crate::{
    Algorithm, Allowance, Issuer, IssuerFault, Key, Roles, TokenError, TokenFault, Verified,
    Verifier,
};

const THEIRS: &[u8] = b"a secret of the identity provider";

fn provider() -> Issuer {
    let key = Key::secret(THEIRS, &[Algorithm::Hs256]).unwrap();
    Issuer::external(IssuerId(1), "https://id.example", vec![key])
}

fn read(issuer: Issuer, claims: &str) -> Result<Verified, TokenError> {
    let claims = format!(r#"{{"iss":"https://id.example","exp":1700003600,{claims}}}"#);
    let token = token_signed(THEIRS, r#"{"alg":"HS256"}"#, &claims);
    verifier(vec![own_issuer(), issuer]).verify(&token, second(0))
}

#[test]
fn only_listed_roles_and_permissions_of_others_count() {
    let mut issuer = provider();
    issuer.allowance = Allowance::Listed {
        roles: vec!["user".to_owned()],
        permissions: vec!["system.monitor".to_owned(), "topic.publish".to_owned()],
    };
    let claims = r#""sub":"ann","roles":["admin","moderator"],
        "permissions":["admin","system.monitor","topic.publish:orders.*","topic.subscribe"]"#;
    let verified = read(issuer, claims).unwrap();
    let grants: Vec<_> = verified.principal.grants.iter().collect();
    assert_eq!(grants, ["system.monitor", "topic.publish:orders.*"]);
    assert!(verified.access.roles.is_empty());
}

#[test]
fn nobody_spells_the_users_of_another_issuer() {
    let sub = format!(
        r#"{{"exp":1700003600,"sub":"{}ann"}}"#,
        provider().user_prefix
    );
    let token = token_signed(SECRET, r#"{"alg":"HS256"}"#, &sub);
    let own = verifier(vec![own_issuer(), provider()]);
    assert_eq!(
        own.verify(&token, second(0)).unwrap_err(),
        TokenError::Payload
    );
    let theirs = read(provider(), r#""sub":"ann""#).unwrap();
    let user = theirs.principal.user.unwrap();
    assert_eq!(user.as_str(), "https://id.example|ann");
}

#[test]
fn admin_never_comes_from_others_by_default() {
    for claims in [
        r#""sub":"ann","roles":["admin"]"#,
        r#""sub":"ann","role":"admin""#,
        r#""sub":"ann","permissions":["admin"]"#,
        r#""sub":"ann","scope":"admin""#,
    ] {
        let mut issuer = provider();
        issuer.scopes_as_permissions = true;
        let grants = read(issuer, claims).unwrap().principal.grants;
        assert!(!grants.allow(Permission::Admin, ""), "{claims}");
    }
}

#[test]
fn scopes_count_as_permissions_only_where_configured() {
    let mut issuer = provider();
    issuer.scopes_as_permissions = true;
    issuer.allowance = Allowance::Listed {
        roles: Vec::new(),
        permissions: vec!["chat:send".to_owned()],
    };
    let verified = read(issuer, r#""sub":"ann","roles":[],"scope":"chat:send x""#).unwrap();
    assert_eq!(
        verified.principal.grants.iter().collect::<Vec<_>>(),
        ["chat:send"]
    );
}

#[test]
fn audiences_are_exact() {
    for (aud, is_accepted) in [
        (r#""aud":"conclave""#, true),
        (r#""aud":["other","conclave"]"#, true),
        (r#""aud":"Conclave""#, false),
        (r#""aud":"conclave.example""#, false),
        (r#""aud":[]"#, false),
        (r#""aud":["conclave",7]"#, false),
        (r#""aud":7"#, false),
        (r#""x":1"#, false),
    ] {
        let mut issuer = provider();
        issuer.aud = vec!["conclave".to_owned()];
        let answer = read(issuer, &format!(r#""sub":"ann",{aud}"#)).map(|_| ());
        let refused = Err(TokenError::Invalid(TokenFault::Audience));
        assert_eq!(answer, if is_accepted { Ok(()) } else { refused }, "{aud}");
    }
}

#[test]
fn issuers_are_exact_once_the_own_one_is_named() {
    let mut own = own_issuer();
    own.iss = Some("https://conclave.example".to_owned());
    let verifier = verifier(vec![own, provider()]);
    for (iss, is_accepted) in [
        (r#""iss":"https://conclave.example","#, true),
        (r#""iss":"https://conclave.example/","#, false),
        (r#""iss":["https://conclave.example"],"#, false),
        ("", false),
    ] {
        let claims = format!(r#"{{{iss}"sub":"ann","exp":1700003600}}"#);
        let token = token_signed(SECRET, r#"{"alg":"HS256"}"#, &claims);
        let answer = verifier.verify(&token, second(0)).map(|_| ());
        let refused = Err(TokenError::Invalid(TokenFault::Issuer));
        assert_eq!(answer, if is_accepted { Ok(()) } else { refused }, "{iss}");
    }
}

#[test]
fn the_own_issuer_needs_no_iss_while_it_has_none() {
    for iss in ["", r#""iss":"whoever","#] {
        let claims = format!(r#"{{{iss}"sub":"ann","aud":"x","exp":1700003600}}"#);
        let token = token_signed(SECRET, r#"{"alg":"HS256"}"#, &claims);
        let verified = verifier(vec![own_issuer(), provider()])
            .verify(&token, second(0))
            .unwrap();
        assert_eq!(verified.issuer, IssuerId(0));
    }
}

#[test]
fn families_are_of_own_tokens_only() {
    let claims = r#""sub":"ann","fid":"02020202020202020202020202020202""#;
    assert_eq!(read(provider(), claims).unwrap().principal.family, None);
}

#[test]
fn claims_are_read_by_the_configured_names() {
    let mut issuer = provider();
    issuer.claims.user = "email".to_owned();
    issuer.claims.session = String::new();
    issuer.claims.roles = vec!["https://id.example/roles".to_owned()];
    issuer.user_prefix = "id:".to_owned();
    let claims = r#""email":"ann@x","sid":"s","https://id.example/roles":["user"]"#;
    let verified = read(issuer, claims).unwrap();
    assert_eq!(verified.principal.user.unwrap().as_str(), "id:ann@x");
    assert_eq!(verified.principal.session.shown(), "session-id:ann@x");
    assert_eq!(verified.access.roles.join(","), "user");
}

#[test]
fn issuers_that_cannot_work_together_are_refused() {
    let refuse = |issuers| {
        Verifier::new(issuers, Roles::default().into())
            .map(|_| ())
            .unwrap_err()
    };
    assert_eq!(refuse(Vec::new()), IssuerFault::None);
    assert_eq!(
        refuse(vec![provider()]),
        IssuerFault::Disordered(IssuerId(1))
    );
    let mut slow = own_issuer();
    slow.leeway = Duration::from_secs(61);
    assert_eq!(refuse(vec![slow]), IssuerFault::Leeway(IssuerId(0)));
    let mut unnamed = provider();
    unnamed.iss = None;
    assert_eq!(
        refuse(vec![own_issuer(), unnamed]),
        IssuerFault::Name(IssuerId(1))
    );
    let mut same = provider();
    same.id = IssuerId(2);
    assert_eq!(
        refuse(vec![own_issuer(), provider(), same]),
        IssuerFault::Name(IssuerId(2))
    );

    let alike = |own_shares, other_shares| {
        let (mut own, mut other) = (own_issuer(), provider());
        other.user_prefix = String::new();
        (own.shared_users, other.shared_users) = (own_shares, other_shares);
        Verifier::new(vec![own, other], Roles::default().into()).map(|_| ())
    };
    let fault = Err(IssuerFault::Prefix(IssuerId(0), IssuerId(1)));
    assert_eq!(alike(false, false), fault);
    assert_eq!(alike(true, false), fault);
    assert_eq!(alike(true, true), Ok(()));
}
