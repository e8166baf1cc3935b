//! Password hashes.

use super::world::password;
use crate::password::{hash, needs_rehash, verify};
use crate::{Password, PasswordHash, PasswordJob, PasswordOutcome};

/// The hash that seed 003 prints; it is one of `secret`.
const SEED: &str = "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW";

fn stored(text: &str) -> PasswordHash {
    PasswordHash(text.to_owned())
}

fn run(text: &str, stored: Option<PasswordHash>) -> PasswordOutcome {
    PasswordJob::Verify {
        password: password(text),
        stored,
        salt: [3; 16],
    }
    .run()
}

#[test]
fn argon2id_hashes_verify_and_need_no_rehash() {
    let made = hash(&password("correct horse"), &[1; 16]).unwrap();
    assert!(
        made.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{}",
        made.0
    );
    assert!(verify(&password("correct horse"), &made));
    assert!(!verify(&password("correct horse "), &made));
    assert!(!verify(&password("Correct horse"), &made));
    assert!(!needs_rehash(&made));
    assert_ne!(
        made,
        hash(&password("correct horse"), &[2; 16]).unwrap(),
        "another salt"
    );
    assert_eq!(
        run("correct horse", Some(made)),
        PasswordOutcome::Right { rehashed: None }
    );
}

#[test]
fn the_bcrypt_hash_of_the_seed_verifies_and_is_rehashed() {
    let PasswordOutcome::Right {
        rehashed: Some(new),
    } = run("secret", Some(stored(SEED)))
    else {
        panic!("it is a hash of `secret`");
    };
    assert!(new.0.starts_with("$argon2id$") && verify(&password("secret"), &new));
    assert!(!needs_rehash(&new));
    assert_eq!(run("password", Some(stored(SEED))), PasswordOutcome::Wrong);
}

#[test]
fn bcrypt_prefixes_of_all_former_systems_verify() {
    let made = bcrypt::hash_with_salt("secret", 4, [5; 16]).unwrap();
    for version in [
        bcrypt::Version::TwoA,
        bcrypt::Version::TwoB,
        bcrypt::Version::TwoY,
    ] {
        let hash = PasswordHash(made.format_for_version(version));
        assert!(verify(&password("secret"), &hash), "{}", hash.0);
        assert!(needs_rehash(&hash));
    }
    let broken = PasswordHash(made.format_for_version(bcrypt::Version::TwoX));
    assert!(
        !verify(&password("secret"), &broken),
        "the broken variant is not taken"
    );
}

#[test]
fn passwords_that_merely_begin_like_a_bcrypt_one_are_wrong() {
    let long = "x".repeat(72);
    let hash = PasswordHash(
        bcrypt::hash_with_salt(&long, 4, [5; 16])
            .unwrap()
            .to_string(),
    );
    assert!(verify(&password(&long), &hash));
    assert!(
        !verify(&password(&format!("{long}y")), &hash),
        "bcrypt sees 72 bytes only"
    );
    let short = PasswordHash(
        bcrypt::hash_with_salt("abc", 4, [5; 16])
            .unwrap()
            .to_string(),
    );
    assert!(!verify(&password("abc\0def"), &short));
}

#[test]
fn hashes_that_are_none_or_cost_too_much_are_wrong() {
    for text in [
        "",
        "secret",
        "$2b$31$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
        "$2b$xx$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
        "$2b$12$short",
        "$argon2i$v=19$m=19456,t=2,p=1$AQEBAQEBAQEBAQEBAQEBAQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=4194304,t=2,p=1$AQEBAQEBAQEBAQEBAQEBAQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=19456,t=2,p=1$AQEBAQEBAQEBAQEBAQEBAQ",
    ] {
        assert_eq!(
            run("secret", Some(stored(text))),
            PasswordOutcome::Wrong,
            "{text}"
        );
    }
}

#[test]
fn weaker_argon2id_is_rehashed() {
    let weak = argon2::Argon2::new(
        argon2::Algorithm::Argon2id,
        argon2::Version::V0x13,
        argon2::Params::new(8192, 1, 1, None).unwrap(),
    );
    let made = argon2::PasswordHasher::hash_password_with_salt(&weak, b"secret", &[1; 16]).unwrap();
    let outcome = run("secret", Some(PasswordHash(made.to_string())));
    assert!(
        matches!(outcome, PasswordOutcome::Right { rehashed: Some(_) }),
        "{outcome:?}"
    );
}

#[test]
fn nobody_has_no_password() {
    assert_eq!(run("secret", None), PasswordOutcome::Wrong);
}

#[test]
fn passwords_are_bounded_and_never_shown() {
    assert!(Password::new(String::new()).is_none());
    assert!(Password::new("x".repeat(1025)).is_none());
    let longest = Password::new("x".repeat(1024)).unwrap();
    assert_eq!(longest.bytes(), 1024);
    assert_eq!(format!("{longest:?}"), "Password(..)");
}
