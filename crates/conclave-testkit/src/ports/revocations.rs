//! What every implementation of `Revocations` does.

use conclave_auth::{Revocation, Revocations, Revoked};
use conclave_protocol::{FamilyId, IssuerId, SessionId, SessionKind, Timestamp, TokenId};

use super::{second, session, user};

/// Runs the suite on an empty store.
///
/// # Panics
/// Where the implementation differs.
pub async fn revocations_conformance(revocations: &dyn Revocations) {
    assert_eq!(
        revocations.after(0, 10).await.unwrap(),
        [],
        "the suite wants an empty store"
    );
    every_kind_comes_back_in_order(revocations).await;
    the_same_twice_is_kept_once(revocations).await;
    later_moments_replace_earlier_ones(revocations).await;
    different_sessions_are_kept_apart(revocations).await;
    purging_forgets_what_has_ended(revocations).await;
    numbers_are_never_used_again(revocations).await;
}

fn until(revoked: Revoked, seconds: u64) -> Revocation {
    Revocation {
        revoked,
        until: Some(second(seconds)),
    }
}

fn of_user(name: &str, at: Timestamp) -> Revoked {
    Revoked::User {
        user: user(name),
        at,
    }
}

fn of_session(kind: SessionKind, issuer: u16, name: &str, of: Option<&str>) -> Revoked {
    let session = SessionId {
        kind,
        issuer: IssuerId(issuer),
        name: session(name),
    };
    Revoked::Session {
        session,
        user: of.map(user),
        at: second(5),
    }
}

async fn every_kind_comes_back_in_order(revocations: &dyn Revocations) {
    let all = [
        until(Revoked::Token(TokenId([0xff; 16])), 100),
        until(
            of_user("kind", Timestamp::from_millis(1_700_000_000_123)),
            100,
        ),
        until(Revoked::Family(FamilyId([0; 16])), 100),
        Revocation {
            revoked: of_session(SessionKind::Named, 0, "kind", None),
            until: None,
        },
        until(
            of_session(SessionKind::Default, 65_535, "kind", Some("kind")),
            100,
        ),
        until(of_session(SessionKind::Anonymous, 1, "kind", None), 100),
    ];
    let mut numbers = Vec::new();
    for revocation in &all {
        numbers.push(revocations.revoke(revocation).await.unwrap());
    }
    assert!(
        numbers.iter().all(|&number| number > 0),
        "0 is before the first: {numbers:?}"
    );
    assert!(
        numbers.is_sorted_by(|a, b| a < b),
        "numbers grow: {numbers:?}"
    );
    let expected: Vec<_> = numbers.iter().copied().zip(all.iter().cloned()).collect();
    assert_eq!(revocations.after(0, 100).await.unwrap(), expected);
    assert_eq!(
        revocations.after(numbers[1], 2).await.unwrap(),
        expected[2..4]
    );
    assert_eq!(revocations.after(numbers[5], 2).await.unwrap(), []);
}

async fn the_same_twice_is_kept_once(revocations: &dyn Revocations) {
    let before = last(revocations).await;
    for revocation in [
        until(Revoked::Token(TokenId([1; 16])), 100),
        until(Revoked::Family(FamilyId([1; 16])), 100),
        until(of_user("twice", second(1)), 100),
        until(
            of_session(SessionKind::Named, 0, "twice", Some("twice")),
            100,
        ),
        until(of_session(SessionKind::Named, 0, "twice", None), 100),
    ] {
        revocations.revoke(&revocation).await.unwrap();
        revocations.revoke(&revocation).await.unwrap();
        let kept = revocations.after(before, 100).await.unwrap();
        let copies = kept.iter().filter(|(_, kept)| *kept == revocation).count();
        assert_eq!(copies, 1, "{revocation:?} in {kept:?}");
    }
}

async fn later_moments_replace_earlier_ones(revocations: &dyn Revocations) {
    let (early, late) = (
        until(of_user("moment", second(5)), 100),
        until(of_user("moment", second(9)), 200),
    );
    let first = revocations.revoke(&early).await.unwrap();
    let second = revocations.revoke(&late).await.unwrap();
    assert!(
        second > first,
        "readers that saw the earlier moment must see the later"
    );
    assert_eq!(
        revocations.after(first, 100).await.unwrap(),
        [(second, late.clone())]
    );
    let before = first - 1;
    assert_eq!(
        revocations.after(before, 100).await.unwrap(),
        [(second, late.clone())]
    );

    revocations.revoke(&early).await.unwrap();
    let kept = revocations.after(before, 100).await.unwrap();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0].1, late, "an earlier moment takes nothing back");
}

async fn different_sessions_are_kept_apart(revocations: &dyn Revocations) {
    let before = last(revocations).await;
    let all = [
        of_session(SessionKind::Named, 0, "apart", None),
        of_session(SessionKind::Named, 0, "apart", Some("a")),
        of_session(SessionKind::Named, 0, "apart", Some("b")),
        of_session(SessionKind::Named, 1, "apart", None),
        of_session(SessionKind::Default, 0, "apart", None),
        of_session(SessionKind::Named, 0, "Apart", None),
    ];
    for revoked in &all {
        revocations
            .revoke(&until(revoked.clone(), 100))
            .await
            .unwrap();
    }
    let kept = revocations.after(before, 100).await.unwrap();
    let kept: Vec<_> = kept
        .into_iter()
        .map(|(_, revocation)| revocation.revoked)
        .collect();
    assert_eq!(kept, all);
}

async fn purging_forgets_what_has_ended(revocations: &dyn Revocations) {
    let before = last(revocations).await;
    let ends = until(Revoked::Token(TokenId([2; 16])), 150);
    let stays = Revocation {
        revoked: of_user("purge", second(1)),
        until: None,
    };
    revocations.revoke(&ends).await.unwrap();
    revocations.revoke(&stays).await.unwrap();
    revocations.purge(second(150)).await.unwrap();
    assert_eq!(
        revocations.after(before, 100).await.unwrap().len(),
        2,
        "`until` is not past"
    );
    revocations
        .purge(Timestamp::from_millis(second(150).millis() + 1))
        .await
        .unwrap();
    let kept = revocations.after(before, 100).await.unwrap();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0].1, stays, "without `until` it stays for ever");
}

async fn numbers_are_never_used_again(revocations: &dyn Revocations) {
    let number = revocations
        .revoke(&until(Revoked::Token(TokenId([3; 16])), 300))
        .await
        .unwrap();
    revocations.purge(second(301)).await.unwrap();
    let next = revocations
        .revoke(&until(Revoked::Token(TokenId([4; 16])), 400))
        .await
        .unwrap();
    assert!(next > number, "a reader that saw {number} must see {next}");
}

async fn last(revocations: &dyn Revocations) -> u64 {
    revocations
        .after(0, u32::MAX)
        .await
        .unwrap()
        .last()
        .map_or(0, |(number, _)| *number)
}
