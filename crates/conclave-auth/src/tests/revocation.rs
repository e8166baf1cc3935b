//! The index of revocations, and users that changed.

use std::sync::Arc;
use std::time::Duration;

use conclave_protocol::{
    FamilyId, IssuerId, Principal, SessionId, SessionKind, SessionName, Timestamp, TokenId, UserId,
};

use super::world::second;
use crate::{
    Revocation, RevocationIndex, Revoked, Roles, Stand, Standing, TokenError, UserChange,
    UserOverlay, UserState,
};

fn work() -> SessionId {
    let name = SessionName::new("work").unwrap();
    SessionId {
        kind: SessionKind::Named,
        issuer: IssuerId(0),
        name,
    }
}

fn principal(issued_at: Option<Timestamp>) -> Principal {
    Principal {
        user: Some(UserId::new("ann").unwrap()),
        session: work(),
        session_named_by_token: true,
        name: None,
        grants: Arc::default(),
        token: Some(TokenId([1; 16])),
        family: Some(FamilyId([2; 16])),
        issued_at,
        expires_at: Some(second(3600)),
    }
}

fn of_user(name: &str, at: Timestamp) -> Revoked {
    Revoked::User {
        user: UserId::new(name).unwrap(),
        at,
    }
}

fn of_session(session: SessionId, user: Option<&str>, at: Timestamp) -> Revoked {
    Revoked::Session {
        session,
        user: user.map(|user| UserId::new(user).unwrap()),
        at,
    }
}

fn until(revoked: Revoked, seconds: u64) -> Revocation {
    Revocation {
        revoked,
        until: Some(second(seconds)),
    }
}

#[test]
fn each_kind_covers_what_it_names() {
    let mut other_kind = work();
    other_kind.kind = SessionKind::Default;
    let mut other_issuer = work();
    other_issuer.issuer = IssuerId(1);
    for (revoked, covers) in [
        (Revoked::Token(TokenId([1; 16])), true),
        (Revoked::Token(TokenId([2; 16])), false),
        (Revoked::Family(FamilyId([2; 16])), true),
        (Revoked::Family(FamilyId([1; 16])), false),
        (of_user("ann", second(10)), true),
        (of_user("ann", second(9)), false),
        (of_user("bob", second(99)), false),
        (of_session(work(), None, second(10)), true),
        (of_session(work(), None, second(9)), false),
        (of_session(work(), Some("ann"), second(10)), true),
        (of_session(work(), Some("bob"), second(99)), false),
        (of_session(other_kind, None, second(99)), false),
        (of_session(other_issuer, None, second(99)), false),
    ] {
        let index = RevocationIndex::default();
        index.apply(1, &until(revoked.clone(), 9999));
        assert_eq!(
            index.is_revoked(&principal(Some(second(10)))),
            covers,
            "{revoked:?}"
        );
    }
}

#[test]
fn tokens_without_iat_are_covered_by_every_moment() {
    for revoked in [
        of_user("ann", second(0)),
        of_session(work(), None, second(0)),
    ] {
        let index = RevocationIndex::default();
        index.apply(1, &until(revoked, 9999));
        assert!(index.is_revoked(&principal(None)));
    }
}

#[test]
fn moments_are_compared_in_milliseconds() {
    let index = RevocationIndex::default();
    let half = second(10).plus(Duration::from_millis(500));
    index.apply(1, &until(of_user("ann", half), 9999));
    assert!(
        index.is_revoked(&principal(Some(second(10)))),
        "a whole second of a foreign token"
    );
    assert!(index.is_revoked(&principal(Some(half))));
    let after = half.plus(Duration::from_millis(1));
    assert!(
        !index.is_revoked(&principal(Some(after))),
        "an own token of the same second"
    );

    let ann = UserId::new("ann").unwrap();
    assert_eq!(
        index.issue_at(&ann, &work(), half),
        after,
        "the same millisecond"
    );
    assert_eq!(index.issue_at(&ann, &work(), after), after);
    assert_eq!(
        index.issue_at(&ann, &work(), second(10)),
        second(10),
        "asked for before"
    );
}

#[test]
fn later_moments_stand() {
    let index = RevocationIndex::default();
    index.apply(1, &until(of_user("ann", second(20)), 9999));
    index.apply(2, &until(of_user("ann", second(10)), 9999));
    assert!(index.is_revoked(&principal(Some(second(15)))));
    assert_eq!(index.len(), 1);
}

#[test]
fn the_epoch_moves_with_what_is_new_and_the_sequence_with_the_store() {
    let index = RevocationIndex::default();
    let (first, second) = (
        until(Revoked::Token(TokenId([1; 16])), 99),
        until(Revoked::Token(TokenId([2; 16])), 99),
    );
    index.apply_early(&second);
    assert_eq!((index.epoch(), index.sequence(), index.len()), (1, 0, 1));
    index.apply(1, &first);
    index.apply(2, &second);
    assert_eq!((index.epoch(), index.sequence(), index.len()), (2, 2, 2));
}

#[test]
fn purging_forgets_what_has_ended() {
    let index = RevocationIndex::default();
    for (sequence, revoked) in [
        Revoked::Token(TokenId([1; 16])),
        Revoked::Family(FamilyId([2; 16])),
        of_user("ann", second(10)),
        of_session(work(), None, second(10)),
        of_session(work(), Some("ann"), second(10)),
    ]
    .into_iter()
    .enumerate()
    {
        index.apply(u64::try_from(sequence).unwrap(), &until(revoked, 100));
    }
    assert_eq!(index.len(), 5);
    index.purge(second(100));
    assert_eq!(index.len(), 5);
    index.purge(second(101));
    assert!(index.is_empty() && !index.is_revoked(&principal(None)));
    index.apply(
        9,
        &Revocation {
            revoked: of_user("ann", second(10)),
            until: None,
        },
    );
    index.purge(second(1_000_000));
    assert_eq!(index.len(), 1, "without an end it stays");
}

fn overlay() -> UserOverlay {
    UserOverlay::new("", Arc::new(Roles::default()))
}

fn change(revision: u64, at: u64, state: UserState) -> UserChange {
    UserChange {
        revision,
        at: second(at),
        name: UserId::new("ann").unwrap(),
        state,
    }
}

fn active(role: &str) -> UserState {
    UserState::Active {
        roles: vec![role.to_owned()],
        permissions: vec!["x.y".to_owned()],
    }
}

#[test]
fn users_that_were_never_stored_are_let_in() {
    assert!(matches!(overlay().of(&principal(None)), Ok(Stand::Kept)));
}

#[test]
fn disabled_and_deleted_users_are_refused() {
    for state in [UserState::Disabled, UserState::Deleted] {
        let overlay = overlay();
        overlay.apply(&change(1, 10, state));
        for issued in [None, Some(second(5)), Some(second(50))] {
            assert_eq!(
                overlay.of(&principal(issued)).unwrap_err(),
                TokenError::Revoked
            );
        }
    }
}

#[test]
fn changed_users_get_their_stored_grants() {
    let overlay = overlay();
    overlay.apply(&change(1, 10, active("moderator")));
    for issued in [None, Some(second(5)), Some(second(10))] {
        let Ok(Stand::Regranted(grants)) = overlay.of(&principal(issued)) else {
            panic!("changed since: {issued:?}");
        };
        assert!(grants.allow_named("chat:moderate", "") && grants.allow_named("x.y", ""));
    }
    assert!(matches!(
        overlay.of(&principal(Some(second(11)))),
        Ok(Stand::Kept)
    ));
    assert_eq!(
        overlay.roles(&principal(None)).unwrap().join(","),
        "moderator"
    );
    assert_eq!((overlay.revision(), overlay.epoch()), (1, 1));
}

#[test]
fn the_overlay_speaks_of_own_users_only() {
    let prefixed = UserOverlay::new("own:", Arc::new(Roles::default()));
    let plain = overlay();
    for overlay in [&prefixed, &plain] {
        overlay.apply(&change(1, 10, UserState::Deleted));
    }
    let mut theirs = principal(None);
    theirs.session.issuer = IssuerId(1);
    assert!(plain.of(&theirs).is_ok(), "another issuer's ann");
    assert!(prefixed.of(&principal(None)).is_ok(), "not `own:ann`");
    let mut own = principal(None);
    own.user = Some(UserId::new("own:ann").unwrap());
    assert!(prefixed.of(&own).is_err());
}

#[test]
fn standing_joins_both() {
    let standing = Standing {
        revocations: Arc::new(RevocationIndex::default()),
        users: Arc::new(overlay()),
    };
    let before = standing.epoch();
    standing.users.apply(&change(1, 10, active("admin")));
    let admitted = standing.admit(principal(Some(second(5)))).unwrap();
    assert!(admitted.grants.allow_named("anything", ""));
    standing
        .revocations
        .apply(1, &until(Revoked::Token(TokenId([1; 16])), 100));
    assert_eq!(
        standing.admit(principal(None)).unwrap_err(),
        TokenError::Revoked
    );
    assert_eq!(standing.epoch(), before + 2);
}
