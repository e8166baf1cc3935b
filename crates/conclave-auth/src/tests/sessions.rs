//! Named sessions: claimed, shared, taken back.

use conclave_protocol::{IssuerId, Principal, Refusal, SessionKind};

use super::world::{World, claiming, second};
use crate::{SignInError, SignedIn, TokenError};

async fn principal(world: &World, name: &str) -> Principal {
    let signed_in = world.sign_in(name, None, second(0)).await.unwrap();
    world
        .admit(&signed_in.access_token, second(0))
        .unwrap()
        .principal
}

fn refusal<T>(answer: Result<T, SignInError>) -> Option<Refusal> {
    answer.err().map(|error| error.refusal())
}

#[tokio::test]
async fn the_first_to_ask_owns_a_name() {
    let world = World::new().await;
    let ann = world.sign_in("ann", Some("work"), second(0)).await.unwrap();
    assert_eq!(
        (ann.session.kind, ann.session.name.as_str()),
        (SessionKind::Named, "work")
    );
    assert!(world.sign_in("ann", Some("work"), second(1)).await.is_ok());
    let bob = world.sign_in("bob", Some("work"), second(1)).await;
    assert_eq!(refusal(bob), Some(Refusal::Forbidden));
    let wrong = world
        .sign_in_with("bob", "wrong", Some("free"), second(1))
        .await;
    assert_eq!(refusal(wrong), Some(Refusal::Unauthenticated));
    let bob = world.sign_in("bob", Some("free"), second(1)).await;
    assert_eq!(refusal(bob), None, "a wrong password claims nothing");
    for name in ["", "a\nb", &*"x".repeat(256)] {
        let answer = world.sign_in("ann", Some(name), second(1)).await;
        assert_eq!(refusal(answer), Some(Refusal::BadRequest), "{name:?}");
    }
}

#[tokio::test]
async fn ones_own_default_session_can_be_asked_for_by_name() {
    let world = World::new().await;
    let ann = world
        .sign_in("ann", Some("session-ann"), second(0))
        .await
        .unwrap();
    assert_eq!(ann.session.kind, SessionKind::Default);
    let principal = world.admit(&ann.access_token, second(1)).unwrap().principal;
    assert_eq!(principal.session, ann.session);
    assert!(principal.session_named_by_token);
    let refreshed = world
        .service
        .refresh(&ann.refresh_token, second(2))
        .await
        .unwrap();
    assert_eq!(refreshed.session, ann.session);
    let bob = world.sign_in("bob", Some("session-ann"), second(0)).await;
    assert_eq!(
        refusal(bob),
        Some(Refusal::Forbidden),
        "another user's default session"
    );
    let nobody = world.sign_in("bob", Some("session-zoe"), second(0)).await;
    assert_eq!(
        refusal(nobody),
        Some(Refusal::Forbidden),
        "nor one of a user to come"
    );
}

#[tokio::test]
async fn shared_sessions_are_entered_until_unshared() {
    let world = World::new().await;
    let (ann, bob) = (
        principal(&world, "ann").await,
        principal(&world, "bob").await,
    );
    world.sign_in("ann", Some("work"), second(0)).await.unwrap();
    let service = &world.service;
    assert_eq!(
        refusal(service.share_session(&bob, "work", "root").await),
        Some(Refusal::NotFound)
    );
    let own = service.share_session(&ann, "work", "ann").await;
    assert_eq!(refusal(own), Some(Refusal::BadRequest));
    service.share_session(&ann, "work", "bob").await.unwrap();
    let listed = service.owned_sessions(&ann).await.unwrap();
    assert_eq!(listed[0].shared_with[0].as_str(), "bob");

    let inside = world.sign_in("bob", Some("work"), second(1)).await.unwrap();
    let elsewhere = world.sign_in("bob", None, second(1)).await.unwrap();
    let owner = world.sign_in("ann", Some("work"), second(1)).await.unwrap();
    let revoked = service
        .unshare_session(&ann, "work", "bob", second(2))
        .await
        .unwrap();
    assert_eq!(revoked.len(), 1);
    let is_in = |who: &SignedIn| world.admit(&who.access_token, second(3)).is_ok();
    assert!(!is_in(&inside) && is_in(&elsewhere) && is_in(&owner));
    let ended = service.refresh(&inside.refresh_token, second(3)).await;
    assert_eq!(refusal(ended), Some(Refusal::Unauthenticated));
    let again = world.sign_in("bob", Some("work"), second(3)).await;
    assert_eq!(refusal(again), Some(Refusal::Forbidden));
    let twice = service
        .unshare_session(&ann, "work", "bob", second(3))
        .await;
    assert_eq!(refusal(twice), Some(Refusal::NotFound));

    service.share_session(&ann, "work", "bob").await.unwrap();
    let back = world.sign_in("bob", Some("work"), second(4)).await.unwrap();
    assert!(world.admit(&back.access_token, second(4)).is_ok());
    assert!(!is_in(&inside), "a token from before stays out");
}

#[tokio::test]
async fn whoever_claims_a_deleted_name_is_alone_in_it() {
    let world = World::new().await;
    let (ann, bob) = (
        principal(&world, "ann").await,
        principal(&world, "bob").await,
    );
    let owner = world.sign_in("ann", Some("work"), second(0)).await.unwrap();
    world
        .service
        .share_session(&ann, "work", "bob")
        .await
        .unwrap();
    let guest = world.sign_in("bob", Some("work"), second(1)).await.unwrap();
    let stranger = world.service.delete_session(&bob, "work", second(2)).await;
    assert_eq!(refusal(stranger), Some(Refusal::NotFound));
    assert!(
        world.admit(&guest.access_token, second(2)).is_ok(),
        "nothing was revoked by that"
    );
    world
        .service
        .delete_session(&ann, "work", second(2))
        .await
        .unwrap();
    for before in [&owner, &guest] {
        let refused = world.admit(&before.access_token, second(3)).unwrap_err();
        assert_eq!(refused, TokenError::Revoked);
        let ended = world
            .service
            .refresh(&before.refresh_token, second(3))
            .await;
        assert_eq!(refusal(ended), Some(Refusal::Unauthenticated));
    }
    let next = world
        .sign_in("root", Some("work"), second(3))
        .await
        .unwrap();
    assert!(world.admit(&next.access_token, second(3)).is_ok());
    assert_eq!(
        refusal(world.sign_in("ann", Some("work"), second(4)).await),
        Some(Refusal::Forbidden)
    );
}

#[tokio::test]
async fn a_connection_changes_to_where_signing_in_would_lead() {
    let world = World::new().await;
    let (ann, bob) = (
        principal(&world, "ann").await,
        principal(&world, "bob").await,
    );
    let enter = async |who: &Principal, name: &str| {
        let answer = world.service.may_enter(who, name, second(5)).await;
        answer
            .map(|session| session.kind)
            .map_err(|error| error.refusal())
    };
    assert_eq!(
        enter(&ann, "work").await,
        Ok(SessionKind::Named),
        "free: now it is ann's"
    );
    assert_eq!(enter(&bob, "work").await, Err(Refusal::Forbidden));
    assert_eq!(enter(&ann, "session-ann").await, Ok(SessionKind::Default));
    assert_eq!(enter(&bob, "session-ann").await, Err(Refusal::Forbidden));
    assert_eq!(enter(&bob, "").await, Err(Refusal::BadRequest));

    world
        .service
        .share_session(&ann, "work", "bob")
        .await
        .unwrap();
    assert_eq!(enter(&bob, "work").await, Ok(SessionKind::Named));
    world
        .service
        .unshare_session(&ann, "work", "bob", second(6))
        .await
        .unwrap();
    world
        .service
        .share_session(&ann, "work", "bob")
        .await
        .unwrap();
    assert_eq!(
        enter(&bob, "work").await,
        Err(Refusal::Forbidden),
        "a token from before"
    );

    let undated = claiming(r#"{"sub":"ann","exp":1700003600}"#);
    let undated = world.admit(&undated, second(7)).unwrap().principal;
    assert_eq!(enter(&undated, "work").await, Err(Refusal::Forbidden));
    let mut theirs = ann.clone();
    theirs.session.issuer = IssuerId(1);
    assert_eq!(enter(&theirs, "other").await, Err(Refusal::Forbidden));
    assert_eq!(
        enter(&theirs, "session-ann").await,
        Ok(SessionKind::Default)
    );
}

#[tokio::test]
async fn named_sessions_are_bounded() {
    let world = World::new().await;
    let ann = principal(&world, "ann").await;
    for number in 0..100 {
        world
            .service
            .may_enter(&ann, &format!("s{number}"), second(1))
            .await
            .unwrap();
    }
    let full = world.service.may_enter(&ann, "one more", second(1)).await;
    assert!(matches!(full, Err(SignInError::TooMany(100))), "{full:?}");
    assert!(world.service.may_enter(&ann, "s7", second(1)).await.is_ok());
}
