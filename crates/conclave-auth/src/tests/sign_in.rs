//! Signing in, refreshing, signing out.

use std::time::Duration;

use conclave_protocol::{Refusal, SessionKind, Timestamp, UserId};

use super::world::{World, claiming, password, second};
use crate::{
    PasswordHash, RevokeTarget, Revoked, SignInError, SignedIn, StoredUser, TokenError, Users,
};

/// What the answer says: `Ok` with the user, or the refusal.
fn verdict(answer: Result<SignedIn, SignInError>) -> Result<String, Refusal> {
    answer
        .map(|signed_in| signed_in.user.to_string())
        .map_err(|error| error.refusal())
}

#[tokio::test]
async fn a_sign_in_gives_a_token_that_verifies() {
    let world = World::new().await;
    let signed_in = world.sign_in("ann", None, second(0)).await.unwrap();
    assert_eq!(signed_in.access_life, Duration::from_secs(1800));
    assert_eq!(signed_in.refresh_until, second(30 * 86_400));
    let principal = world
        .admit(&signed_in.access_token, second(1))
        .unwrap()
        .principal;
    assert_eq!(principal.user.as_ref(), Some(&signed_in.user));
    assert_eq!(principal.session, signed_in.session);
    assert_eq!(principal.session.shown(), "session-ann");
    assert!(!principal.session_named_by_token);
    assert_eq!(principal.family, Some(signed_in.family));
    assert_eq!(principal.expires_at, Some(second(1805)));
    assert!(principal.grants.allow_named("topic.publish", "x"));
    assert!(!principal.grants.allow_named("system.monitor", ""));
    let debug = format!("{signed_in:?}");
    assert!(!debug.contains(&signed_in.access_token) && !debug.contains(&signed_in.refresh_token));
}

#[tokio::test]
async fn strangers_wrong_passwords_and_disabled_users_are_told_the_same() {
    let world = World::new().await;
    let disabled = UserId::new("bob").unwrap();
    world
        .users
        .set_disabled(&disabled, true, second(0))
        .await
        .unwrap();
    for (name, password) in [
        ("ann", "wrong"),
        ("ann", ""),
        ("ann", &*"x".repeat(2000)),
        ("nobody", "correct horse"),
        ("Ann", "correct horse"),
        ("", "correct horse"),
        ("a\nb", "correct horse"),
        ("bob", "correct horse"),
    ] {
        let answer = world.sign_in_with(name, password, None, second(1)).await;
        assert!(
            matches!(answer, Err(SignInError::Unauthenticated)),
            "{name:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_bcrypt_hash_is_replaced_on_the_way() {
    let world = World::new().await;
    let hash = bcrypt::hash_with_salt("secret", 4, [1; 16])
        .unwrap()
        .to_string();
    let name = UserId::new("old").unwrap();
    let user = StoredUser {
        name: name.clone(),
        password_hash: PasswordHash(hash),
        roles: Vec::new(),
        permissions: Vec::new(),
        disabled: false,
    };
    world.users.add(&user, second(0)).await.unwrap();
    assert!(
        world
            .sign_in_with("old", "secret", None, second(1))
            .await
            .is_ok()
    );
    let stored = world
        .users
        .find(&name)
        .await
        .unwrap()
        .unwrap()
        .password_hash;
    assert!(stored.0.starts_with("$argon2id$"));
    assert!(
        world
            .sign_in_with("old", "secret", None, second(2))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn refreshing_keeps_the_session_and_reads_the_user_anew() {
    let world = World::new().await;
    let first = world.sign_in("ann", Some("work"), second(0)).await.unwrap();
    let ann = UserId::new("ann").unwrap();
    world
        .users
        .set_grants(&ann, &["moderator".to_owned()], &[], second(5))
        .await
        .unwrap();
    let second_one = world
        .service
        .refresh(&first.refresh_token, second(10))
        .await
        .unwrap();
    assert_ne!(second_one.refresh_token, first.refresh_token);
    assert_eq!(
        (&second_one.session, second_one.family),
        (&first.session, first.family)
    );
    assert_eq!(
        second_one.refresh_until, first.refresh_until,
        "30 days from the sign-in"
    );
    let principal = world
        .admit(&second_one.access_token, second(11))
        .unwrap()
        .principal;
    assert!(principal.session_named_by_token && principal.session.shown() == "work");
    assert!(principal.grants.allow_named("chat:moderate", ""));

    world
        .users
        .set_disabled(&ann, true, second(20))
        .await
        .unwrap();
    let refused = verdict(
        world
            .service
            .refresh(&second_one.refresh_token, second(21))
            .await,
    );
    assert_eq!(refused, Err(Refusal::Unauthenticated));
}

#[tokio::test]
async fn a_repeat_within_10_seconds_gives_the_same_successor() {
    let world = World::new().await;
    let first = world.sign_in("ann", None, second(0)).await.unwrap();
    let next = world
        .service
        .refresh(&first.refresh_token, second(100))
        .await
        .unwrap();
    let again = world
        .service
        .refresh(&first.refresh_token, second(109))
        .await
        .unwrap();
    assert_eq!(again.refresh_token, next.refresh_token);
    assert!(
        world
            .service
            .refresh(&next.refresh_token, second(110))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn later_reuse_revokes_the_family_and_its_access_tokens() {
    let world = World::new().await;
    let first = world.sign_in("ann", None, second(0)).await.unwrap();
    let other = world.sign_in("ann", None, second(0)).await.unwrap();
    let next = world
        .service
        .refresh(&first.refresh_token, second(100))
        .await
        .unwrap();
    let epoch = world.standing.epoch();
    let reused = world
        .service
        .refresh(&first.refresh_token, second(110))
        .await
        .unwrap_err();
    let SignInError::Reused(revocation) = reused else {
        panic!("{reused:?}")
    };
    assert_eq!(revocation.revoked, Revoked::Family(first.family));
    assert_ne!(world.standing.epoch(), epoch, "live connections hear of it");
    for token in [&first.access_token, &next.access_token] {
        assert_eq!(
            world.admit(token, second(111)).unwrap_err(),
            TokenError::Revoked
        );
    }
    let ended = verdict(
        world
            .service
            .refresh(&next.refresh_token, second(111))
            .await,
    );
    assert_eq!(ended, Err(Refusal::Unauthenticated));
    assert!(
        world.admit(&other.access_token, second(111)).is_ok(),
        "another sign-in stays"
    );
    assert!(
        world
            .service
            .refresh(&other.refresh_token, second(111))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn refresh_tokens_end_with_their_time_and_cannot_be_altered() {
    let world = World::new().await;
    let first = world.sign_in("ann", None, second(0)).await.unwrap();
    let (start, secret) = first.refresh_token.split_once('.').unwrap();
    let later = format!("{:x}", second(50).millis());
    for altered in [
        "",
        ".",
        "x.y",
        &format!("{later}.{secret}"),
        &format!("{start}.{secret}A"),
        secret,
    ] {
        let refused = verdict(world.service.refresh(altered, second(1)).await);
        assert_eq!(refused, Err(Refusal::Unauthenticated), "{altered}");
    }
    let ended = verdict(
        world
            .service
            .refresh(&first.refresh_token, second(30 * 86_400))
            .await,
    );
    assert_eq!(ended, Err(Refusal::Unauthenticated));
}

#[tokio::test]
async fn signing_out_ends_the_token_and_its_sign_in_only() {
    let world = World::new().await;
    let here = world.sign_in("ann", None, second(0)).await.unwrap();
    let there = world.sign_in("ann", None, second(0)).await.unwrap();
    let principal = world
        .admit(&here.access_token, second(1))
        .unwrap()
        .principal;
    let revoked = world
        .service
        .logout(&principal, false, second(2))
        .await
        .unwrap();
    assert_eq!(revoked.len(), 2);
    assert_eq!(
        world.admit(&here.access_token, second(3)).unwrap_err(),
        TokenError::Revoked
    );
    let ended = verdict(world.service.refresh(&here.refresh_token, second(3)).await);
    assert_eq!(ended, Err(Refusal::Unauthenticated));
    assert!(world.admit(&there.access_token, second(3)).is_ok());
    assert!(
        world
            .service
            .refresh(&there.refresh_token, second(3))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn signing_out_everywhere_ends_all_and_signing_in_again_works_at_once() {
    let world = World::new().await;
    let here = world.sign_in("ann", None, second(0)).await.unwrap();
    let there = world.sign_in("ann", Some("work"), second(1)).await.unwrap();
    let backend = claiming(r#"{"sub":"ann","exp":1700003600,"iat":1700000002}"#);
    let undated = claiming(r#"{"sub":"ann","exp":1700003600}"#);
    let bob = world.sign_in("bob", None, second(0)).await.unwrap();

    let moment = second(2).plus(Duration::from_millis(400));
    let principal = world.admit(&here.access_token, moment).unwrap().principal;
    world
        .service
        .logout(&principal, true, moment)
        .await
        .unwrap();
    for token in [&here.access_token, &there.access_token, &backend, &undated] {
        assert_eq!(world.admit(token, moment).unwrap_err(), TokenError::Revoked);
    }
    for token in [&here.refresh_token, &there.refresh_token] {
        let ended = verdict(world.service.refresh(token, moment).await);
        assert_eq!(ended, Err(Refusal::Unauthenticated));
    }
    assert!(world.admit(&bob.access_token, moment).is_ok());

    let again = world.sign_in("ann", None, moment).await.unwrap();
    assert!(
        world.admit(&again.access_token, moment).is_ok(),
        "in the very same millisecond"
    );
    assert!(
        world
            .service
            .refresh(&again.refresh_token, moment)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_sign_in_that_began_before_the_revocation_is_covered_by_it() {
    let world = World::new().await;
    world
        .service
        .revoke(RevokeTarget::User("ann"), second(10))
        .await
        .unwrap();
    let slow = world.sign_in("ann", None, second(9)).await.unwrap();
    assert_eq!(
        world.admit(&slow.access_token, second(11)).unwrap_err(),
        TokenError::Revoked
    );
    let ended = verdict(world.service.refresh(&slow.refresh_token, second(11)).await);
    assert_eq!(ended, Err(Refusal::Unauthenticated));
}

#[tokio::test]
async fn an_administrator_revokes_tokens_users_and_sessions() {
    let world = World::new().await;
    let sign_in = async |name, session| world.sign_in(name, session, second(0)).await.unwrap();
    let (ann, bob) = (
        sign_in("ann", None).await,
        sign_in("bob", Some("work")).await,
    );
    let is_in = |signed_in: &SignedIn, at| world.admit(&signed_in.access_token, at).is_ok();

    world
        .service
        .revoke(RevokeTarget::Token(&ann.access_token), second(1))
        .await
        .unwrap();
    assert!(!is_in(&ann, second(1)) && is_in(&bob, second(1)));
    let refreshed = world
        .service
        .refresh(&ann.refresh_token, second(2))
        .await
        .unwrap();
    assert!(is_in(&refreshed, second(2)), "one token, not the sign-in");

    world
        .service
        .revoke(RevokeTarget::Session("session-ann"), second(3))
        .await
        .unwrap();
    assert!(!is_in(&refreshed, second(3)) && is_in(&bob, second(3)));
    world
        .service
        .revoke(RevokeTarget::Session("work"), second(4))
        .await
        .unwrap();
    assert!(!is_in(&bob, second(4)));
    for signed_in in [&refreshed, &bob] {
        let ended = verdict(
            world
                .service
                .refresh(&signed_in.refresh_token, second(5))
                .await,
        );
        assert_eq!(
            ended,
            Err(Refusal::Unauthenticated),
            "sign-ins from before end too"
        );
    }
    assert!(is_in(
        &world.sign_in("bob", Some("work"), second(5)).await.unwrap(),
        second(5)
    ));
}

#[tokio::test]
async fn what_cannot_be_revoked_is_said() {
    let world = World::new().await;
    for (target, expected) in [
        (RevokeTarget::Token("nonsense"), Err(Refusal::BadRequest)),
        (RevokeTarget::User(""), Err(Refusal::BadRequest)),
        (RevokeTarget::Session("a\nb"), Err(Refusal::BadRequest)),
        (
            RevokeTarget::Token(&claiming(r#"{"sub":"x","exp":1}"#)),
            Ok(0),
        ),
        (RevokeTarget::User("never-seen"), Ok(1)),
    ] {
        let answer = world.service.revoke(target, second(6)).await;
        let answer = answer
            .map(|list| list.len())
            .map_err(|error| error.refusal());
        assert_eq!(answer, expected, "{target:?}");
    }
}

#[tokio::test]
async fn a_new_password_ends_every_sign_in() {
    let world = World::new().await;
    let before = world.sign_in("ann", None, second(0)).await.unwrap();
    let principal = world
        .admit(&before.access_token, second(1))
        .unwrap()
        .principal;
    let change = async |old, new, at: Timestamp| {
        let answer = world
            .service
            .change_password(&principal, password(old), password(new), at);
        answer
            .await
            .map(|list| list.len())
            .map_err(|error| error.refusal())
    };
    let wrong = change("wrong", "battery staple", second(1)).await;
    assert_eq!(wrong, Err(Refusal::Forbidden));
    assert_eq!(
        change("correct horse", "short", second(1)).await,
        Err(Refusal::BadRequest)
    );
    assert!(world.admit(&before.access_token, second(1)).is_ok());

    assert_eq!(
        change("correct horse", "battery staple", second(2)).await,
        Ok(1)
    );
    assert_eq!(
        world.admit(&before.access_token, second(3)).unwrap_err(),
        TokenError::Revoked
    );
    let ended = verdict(
        world
            .service
            .refresh(&before.refresh_token, second(3))
            .await,
    );
    assert_eq!(ended, Err(Refusal::Unauthenticated));
    assert!(world.sign_in("ann", None, second(3)).await.is_err());
    let after = world
        .sign_in_with("ann", "battery staple", None, second(3))
        .await
        .unwrap();
    assert!(world.admit(&after.access_token, second(3)).is_ok());
}

#[tokio::test]
async fn an_administrator_resets_passwords_and_removes_users() {
    let world = World::new().await;
    let ann = UserId::new("ann").unwrap();
    let before = world.sign_in("ann", None, second(0)).await.unwrap();
    world
        .service
        .reset_password(&ann, password("battery staple"), second(1))
        .await
        .unwrap();
    assert!(world.admit(&before.access_token, second(2)).is_err());
    let signed_in = world
        .sign_in_with("ann", "battery staple", None, second(2))
        .await
        .unwrap();

    world.service.remove_user(&ann, second(3)).await.unwrap();
    world.read_changes().await;
    assert!(world.admit(&signed_in.access_token, second(4)).is_err());
    let user = world
        .users
        .find(&UserId::new("bob").unwrap())
        .await
        .unwrap()
        .unwrap();
    world
        .users
        .add(
            &StoredUser {
                name: ann.clone(),
                ..user
            },
            second(5),
        )
        .await
        .unwrap();
    world.read_changes().await;
    assert!(
        world.admit(&signed_in.access_token, second(6)).is_err(),
        "tokens from before"
    );
    let back = world.sign_in("ann", None, second(6)).await.unwrap();
    assert!(world.admit(&back.access_token, second(6)).is_ok());
    let gone = world
        .service
        .remove_user(&UserId::new("nobody").unwrap(), second(7))
        .await;
    assert!(matches!(gone, Err(SignInError::NotFound)));
}

#[tokio::test]
async fn changes_in_the_store_reach_tokens_that_are_out() {
    let world = World::new().await;
    let ann = UserId::new("ann").unwrap();
    let signed_in = world.sign_in("ann", None, second(1)).await.unwrap();
    world.read_changes().await;
    let admitted = || world.admit(&signed_in.access_token, second(9));
    let before = admitted().unwrap();
    assert!(!before.principal.grants.allow_named("system.monitor", ""));
    world
        .users
        .set_grants(&ann, &["moderator".to_owned()], &[], second(5))
        .await
        .unwrap();
    world.read_changes().await;
    let after = admitted().unwrap();
    assert!(after.principal.grants.allow_named("system.monitor", ""));
    assert_eq!(world.standing.profile(&after).unwrap().roles, ["moderator"]);
    world
        .users
        .set_disabled(&ann, true, second(6))
        .await
        .unwrap();
    world.read_changes().await;
    assert_eq!(admitted().unwrap_err(), TokenError::Revoked);
    world
        .users
        .set_disabled(&ann, false, second(7))
        .await
        .unwrap();
    world.read_changes().await;
    assert!(admitted().is_ok());
}

#[tokio::test]
async fn the_profile_says_what_the_token_says() {
    let world = World::new().await;
    let signed_in = world.sign_in("root", None, second(1)).await.unwrap();
    world.read_changes().await;
    let verified = world.admit(&signed_in.access_token, second(2)).unwrap();
    let profile = world.standing.profile(&verified).unwrap();
    assert_eq!(
        (profile.roles, profile.permissions),
        (vec!["admin".into()], vec!["admin".into()])
    );
    assert_eq!(
        (&*profile.session, profile.expires_at),
        ("session-root", Some(second(1806)))
    );
    assert_eq!(verified.principal.session.kind, SessionKind::Default);
}
