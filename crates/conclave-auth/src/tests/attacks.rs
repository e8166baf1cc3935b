//! RFC 8725 and its relatives: each attack, and the fault it is refused with.

use aws_lc_rs::hmac;
use base64::Engine as _;
use conclave_protocol::IssuerId;

use super::world::{SECRET, claiming, encode, own_issuer, second, token, token_signed, verifier};
use crate::{Algorithm, Issuer, Key, KeyFault, KeyName, TokenError, TokenFault, Verifier};

const CLAIMS: &str = r#"{"sub":"ann","exp":1700003600}"#;

fn refused(verifier: &Verifier, token: &str) -> TokenError {
    verifier
        .verify(token, second(0))
        .map(|_| ())
        .expect_err(token)
}

fn check(token: &str, expected: TokenFault) {
    let refused = refused(&verifier(vec![own_issuer()]), token);
    assert_eq!(refused, TokenError::Invalid(expected), "{token}");
}

#[test]
fn the_table_starts_from_a_good_token() {
    let verified = verifier(vec![own_issuer()])
        .verify(&claiming(CLAIMS), second(0))
        .unwrap();
    assert_eq!(verified.principal.user.unwrap().as_str(), "ann");
}

#[test]
fn refuses_alg_none_in_all_spellings() {
    for spelling in [
        "none", "None", "NONE", "nOnE", "", " none", "hs256", "HS-256",
    ] {
        let header = format!(r#"{{"alg":"{spelling}"}}"#);
        check(&token(&header, CLAIMS), TokenFault::Algorithm);
        let unsigned = format!("{}.{}.", encode(&header), encode(CLAIMS));
        check(&unsigned, TokenFault::Shape);
    }
    check(&token(r#"{"typ":"JWT"}"#, CLAIMS), TokenFault::Algorithm);
    check(
        &token(r#"{"alg":["HS256"]}"#, CLAIMS),
        TokenFault::Algorithm,
    );
    check(&token(r#"{"alg":null}"#, CLAIMS), TokenFault::Algorithm);
}

#[test]
fn refuses_hmac_with_a_public_key_as_secret() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let pem = pair.public_key_pem();
    let key = Key::public_pem(pem.as_bytes(), &[Algorithm::Es256]).unwrap();
    let verifier = verifier(vec![Issuer::own(vec![key])]);
    let forged = token_signed(pem.as_bytes(), r#"{"alg":"HS256"}"#, CLAIMS);
    assert_eq!(
        refused(&verifier, &forged),
        TokenError::Invalid(TokenFault::Key)
    );
    let der = rcgen::PublicKeyData::subject_public_key_info(&pair);
    let forged = token_signed(&der, r#"{"alg":"HS256"}"#, CLAIMS);
    assert_eq!(
        refused(&verifier, &forged),
        TokenError::Invalid(TokenFault::Key)
    );

    // And the configuration mistake that would make it work.
    let mistake = Key::secret(pem.as_bytes(), &[Algorithm::Hs256]);
    assert!(matches!(mistake, Err(KeyFault::Malformed(_))));
    let mistake = Key::public_pem(pem.as_bytes(), &[Algorithm::Es256, Algorithm::Hs256]);
    assert_eq!(
        mistake.unwrap_err(),
        KeyFault::AlgorithmUnfit(Algorithm::Hs256)
    );
}

#[test]
fn the_token_only_picks_among_the_algorithms_of_the_key() {
    let key = Key::secret(SECRET, &[Algorithm::Hs512]).unwrap();
    let verifier = verifier(vec![Issuer::own(vec![key])]);
    assert_eq!(
        refused(&verifier, &claiming(CLAIMS)),
        TokenError::Invalid(TokenFault::Key)
    );
}

#[test]
fn refuses_injected_kids() {
    for kid in [
        "../../../../dev/null",
        "' UNION SELECT 'secret",
        "",
        "a\u{0}b",
        "http://x/y",
    ] {
        let kid = serde_json::to_string(kid).unwrap();
        check(
            &token(&format!(r#"{{"alg":"HS256","kid":{kid}}}"#), CLAIMS),
            TokenFault::Key,
        );
        let empty = format!(r#"{{"alg":"HS256","kid":{kid}}}"#);
        check(&token_signed(b"\0", &empty, CLAIMS), TokenFault::Key);
    }
    let long = "k".repeat(257);
    for kid in ["7", "null", "[]", &format!("\"{long}\"")] {
        check(
            &token(&format!(r#"{{"alg":"HS256","kid":{kid}}}"#), CLAIMS),
            TokenFault::Key,
        );
    }
}

#[test]
fn a_kid_is_looked_up_within_its_issuer_only() {
    let mut other = Issuer::external(IssuerId(1), "https://other", Vec::new());
    let key = Key::secret(b"the other's", &[Algorithm::Hs256]).unwrap();
    other.keys.keys.push(key.named(KeyName::Named("b".into())));
    let verifier = verifier(vec![own_issuer(), other]);
    let header = r#"{"alg":"HS256","kid":"b"}"#;
    let own = token_signed(b"the other's", header, CLAIMS);
    assert_eq!(
        refused(&verifier, &own),
        TokenError::Invalid(TokenFault::Key)
    );
    let claims = r#"{"iss":"https://other","sub":"ann","exp":1700003600}"#;
    let theirs = token_signed(b"the other's", header, claims);
    let verified = verifier.verify(&theirs, second(0)).unwrap();
    assert_eq!(
        verified.principal.user.unwrap().as_str(),
        "https://other|ann"
    );
    let crossed = token(r#"{"alg":"HS256"}"#, claims);
    assert_eq!(
        refused(&verifier, &crossed),
        TokenError::Invalid(TokenFault::Signature)
    );
}

#[test]
fn refuses_headers_that_bring_their_own_key_or_rules() {
    for member in [
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""jku":"https://evil.example/jwks.json""#,
        r#""x5u":"https://evil.example/cert.pem""#,
        r#""x5c":["MIIB"]"#,
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""b64":false"#,
        r#""enc":"A256GCM""#,
        r#""zip":"DEF""#,
    ] {
        check(
            &token(&format!(r#"{{"alg":"HS256",{member}}}"#), CLAIMS),
            TokenFault::Header,
        );
    }
    for member in [
        r#""typ":"dpop+jwt""#,
        r#""typ":"secevent+jwt""#,
        r#""typ":1"#,
        r#""cty":"JWT""#,
    ] {
        check(
            &token(&format!(r#"{{"alg":"HS256",{member}}}"#), CLAIMS),
            TokenFault::Type,
        );
    }
    for typ in ["JWT", "jwt", "at+jwt", "application/at+JWT"] {
        let good = token(&format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#), CLAIMS);
        assert!(
            verifier(vec![own_issuer()])
                .verify(&good, second(0))
                .is_ok(),
            "{typ}"
        );
    }
}

#[test]
fn refuses_duplicate_names() {
    check(
        &token(r#"{"alg":"HS256","alg":"HS256"}"#, CLAIMS),
        TokenFault::Json,
    );
    check(
        &token(r#"{"alg":"HS256","\u0061lg":"none"}"#, CLAIMS),
        TokenFault::Json,
    );
    for claims in [
        r#"{"sub":"ann","exp":1700003600,"sub":"root"}"#,
        r#"{"sub":"ann","exp":1700003600,"\u0073ub":"root"}"#,
        r#"{"sub":"ann","exp":1700003600,"x":{"a":1,"a":2}}"#,
        r#"{"sub":"ann","exp":1700003600,"x":[{"a":1,"a":1}]}"#,
    ] {
        check(&claiming(claims), TokenFault::Json);
    }
    let many: Vec<String> = (0..40).map(|n| format!(r#""c{n}":{n}"#)).collect();
    let claims = format!(
        r#"{{"sub":"ann","exp":1700003600,{},"c7":0}}"#,
        many.join(",")
    );
    check(&claiming(&claims), TokenFault::Json);
}

#[test]
fn refuses_what_is_no_json_object() {
    for claims in [
        "",
        "[]",
        "null",
        "7",
        r#""x""#,
        "{",
        r#"{"sub":"ann"}x"#,
        r#"{'sub':1}"#,
    ] {
        let token = claiming(claims);
        let fault = if claims.is_empty() {
            TokenFault::Shape
        } else {
            TokenFault::Json
        };
        check(&token, fault);
    }
    let deep = format!(
        r#"{{"sub":"ann","exp":1700003600,"x":{}1{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    check(&claiming(&deep), TokenFault::Json);
    let bytes = format!(
        "{}.{}.AAAA",
        encode(r#"{"alg":"HS256"}"#),
        encode(b"{\"sub\":\"\xff\"}")
    );
    check(&bytes, TokenFault::Json);
}

#[test]
fn refuses_wrongly_typed_times() {
    for time in [
        r#""1700003600""#,
        "-1",
        "null",
        "true",
        "[1700003600]",
        "{}",
        "1e300",
        "253402300800",
        "1700003600000",
    ] {
        check(
            &claiming(&format!(r#"{{"sub":"ann","exp":{time}}}"#)),
            TokenFault::Time,
        );
        for name in ["nbf", "iat"] {
            let claims = format!(r#"{{"sub":"ann","exp":1700003600,"{name}":{time}}}"#);
            check(&claiming(&claims), TokenFault::Time);
        }
    }
    check(&claiming(r#"{"sub":"ann"}"#), TokenFault::Time);
    for number in ["NaN", "Infinity", "1e999", "0x10", "+1"] {
        check(
            &claiming(&format!(r#"{{"sub":"ann","exp":{number}}}"#)),
            TokenFault::Json,
        );
    }
}

#[test]
fn refuses_tampered_and_cut_signatures() {
    let good = claiming(CLAIMS);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    for cut in [4, 20, 40] {
        check(
            &format!("{signed}.{}", &signature[..cut]),
            TokenFault::Signature,
        );
    }
    check(&format!("{signed}."), TokenFault::Shape);
    check(
        &format!("{signed}.{}", encode([0; 32])),
        TokenFault::Signature,
    );
    let other = encode(r#"{"sub":"root","exp":1700003600}"#);
    let (header, _) = signed.split_once('.').unwrap();
    check(
        &format!("{header}.{other}.{signature}"),
        TokenFault::Signature,
    );
}

#[test]
fn refuses_other_shapes() {
    let good = claiming(CLAIMS);
    for shape in ["", ".", "..", "...", "a.b", "a.b.c.d"] {
        check(shape, TokenFault::Shape);
    }
    check(&format!("{good}.x"), TokenFault::Shape);
    check(&format!("Bearer {good}"), TokenFault::Base64);
    let long = claiming(&format!(
        r#"{{"sub":"ann","exp":1700003600,"x":"{}"}}"#,
        "x".repeat(8192)
    ));
    check(&long, TokenFault::Size);
    let near = claiming(&format!(
        r#"{{"sub":"ann","exp":1700003600,"x":"{}"}}"#,
        "x".repeat(5900)
    ));
    assert!(
        near.len() < 8192
            && verifier(vec![own_issuer()])
                .verify(&near, second(0))
                .is_ok()
    );
}

#[test]
fn refuses_base64_that_is_not_canonical() {
    let good = claiming(CLAIMS);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    check(&format!("{good}="), TokenFault::Base64);
    check(&format!("{signed}.{signature}\n"), TokenFault::Base64);
    check(&format!("{signed}. {signature}"), TokenFault::Base64);
    // 32 bytes leave two bits of the last character unused; they must be zero.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet
        .chars()
        .nth(alphabet.find(last).unwrap() + 1)
        .unwrap();
    check(
        &format!("{signed}.{}{next}", &signature[..42]),
        TokenFault::Base64,
    );
    let usual = base64::engine::general_purpose::STANDARD.encode([0xfb; 32]);
    check(&format!("{signed}.{usual}"), TokenFault::Base64);
}

#[test]
fn refuses_ecdsa_of_zeros_and_other_curves() {
    let p256 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let key = Key::public_pem(p256.public_key_pem().as_bytes(), &[Algorithm::Es256]).unwrap();
    let verifier = verifier(vec![Issuer::own(vec![key])]);
    let signed = format!("{}.{}", encode(r#"{"alg":"ES256"}"#), encode(CLAIMS));
    for signature in [
        vec![0; 64],
        vec![0xff; 64],
        vec![0; 96],
        vec![0; 63],
        vec![1; 8],
    ] {
        let forged = format!("{signed}.{}", encode(signature));
        assert_eq!(
            refused(&verifier, &forged),
            TokenError::Invalid(TokenFault::Signature)
        );
    }
    for algorithm in [Algorithm::Es384, Algorithm::EdDsa, Algorithm::Rs256] {
        let unfit = Key::public_pem(p256.public_key_pem().as_bytes(), &[algorithm]);
        assert_eq!(unfit.unwrap_err(), KeyFault::AlgorithmUnfit(algorithm));
    }
    let unfit = Key::public_pem(p384.public_key_pem().as_bytes(), &[Algorithm::Es256]);
    assert_eq!(
        unfit.unwrap_err(),
        KeyFault::AlgorithmUnfit(Algorithm::Es256)
    );
    let private = Key::public_pem(p256.serialize_pem().as_bytes(), &[Algorithm::Es256]);
    assert!(
        matches!(private, Err(KeyFault::Malformed(_))),
        "a private key is no public one"
    );
}

#[test]
fn refuses_a_der_signature_for_ecdsa() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let key = Key::public_pem(pair.public_key_pem().as_bytes(), &[Algorithm::Es256]).unwrap();
    let signed = format!("{}.{}", encode(r#"{"alg":"ES256"}"#), encode(CLAIMS));
    let der = rcgen::SigningKey::sign(&pair, signed.as_bytes()).unwrap();
    let forged = format!("{signed}.{}", encode(der));
    let refused = refused(&verifier(vec![Issuer::own(vec![key])]), &forged);
    assert_eq!(refused, TokenError::Invalid(TokenFault::Signature));
}

#[test]
fn an_hmac_of_another_hash_is_no_signature() {
    let signed = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), encode(CLAIMS));
    for hash in [hmac::HMAC_SHA384, hmac::HMAC_SHA512] {
        let signature = hmac::sign(&hmac::Key::new(hash, SECRET), signed.as_bytes());
        check(
            &format!("{signed}.{}", encode(signature)),
            TokenFault::Signature,
        );
    }
}

#[test]
fn a_header_that_is_known_vouches_for_nothing() {
    let verifier = verifier(vec![own_issuer()]);
    let good = claiming(CLAIMS);
    verifier.verify(&good, second(0)).unwrap();
    verifier.verify(&good, second(0)).unwrap();
    let (signed, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", encode("x"));
    let expected = TokenError::Invalid(TokenFault::Signature);
    assert_eq!(refused(&verifier, &forged), expected);
    // One of the same length takes no slot before its signature was good.
    let header = r#"{"alg":"none","typ":"JWT"}"#;
    check(&token(header, CLAIMS), TokenFault::Algorithm);
    verifier.verify(&good, second(0)).unwrap();
}
