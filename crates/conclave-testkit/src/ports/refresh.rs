//! What every implementation of `RefreshFamilies` does.

use std::time::Duration;

use conclave_auth::{RefreshFamilies, RefreshFamily, Rotation, SecretHash};
use conclave_protocol::{FamilyId, Timestamp};

use super::{both, second, session, user};

/// Runs the suite on an empty store.
///
/// # Panics
/// Where the implementation differs.
pub async fn refresh_families_conformance(families: &dyn RefreshFamilies) {
    rotating(families).await;
    repeating_within_the_grace_time(families).await;
    reuse_revokes_the_family(families).await;
    the_grandparent_is_reuse_at_once(families).await;
    one_of_two_at_the_same_time_rotates(families).await;
    expiry(families).await;
    the_oldest_beyond_the_limit_are_revoked(families).await;
    only_live_families_count(families).await;
    revoking(families).await;
    purging(families).await;
}

const GRACE: Duration = Duration::from_secs(10);
const DAY: u64 = 86_400;

/// A family's id, user and the hash of its first token are made from one number.
fn family(number: u8, name: &str) -> RefreshFamily {
    RefreshFamily {
        id: FamilyId([number; 16]),
        user: user(name),
        session: None,
        expires_at: second(DAY),
        access_seconds: 1800,
    }
}

fn token(number: u8, generation: u8) -> SecretHash {
    let mut hash = [number; 32];
    hash[0] = generation;
    SecretHash(hash)
}

async fn start(families: &dyn RefreshFamilies, family: &RefreshFamily, at: Timestamp) {
    let first = token(family.id.0[0], 0);
    families.start(family, first, at, 100).await.unwrap();
}

/// Shows the token of this generation, asking for the next.
async fn show(
    families: &dyn RefreshFamilies,
    number: u8,
    generation: u8,
    at: Timestamp,
) -> Rotation {
    let successor = token(number, generation + 1);
    families
        .rotate(token(number, generation), successor, at, GRACE)
        .await
        .unwrap()
}

async fn rotating(families: &dyn RefreshFamilies) {
    assert_eq!(show(families, 1, 0, second(0)).await, Rotation::Unknown);
    let mut named = family(1, "rotate");
    (named.session, named.access_seconds) = (Some(session("work")), 3600);
    start(families, &named, second(0)).await;
    assert_eq!(
        show(families, 1, 1, second(1)).await,
        Rotation::Unknown,
        "not yet given"
    );
    assert_eq!(
        show(families, 1, 0, second(1)).await,
        Rotation::Rotated(named.clone())
    );
    assert_eq!(
        show(families, 1, 1, second(1)).await,
        Rotation::Rotated(named.clone())
    );
    assert_eq!(
        show(families, 1, 2, second(500)).await,
        Rotation::Rotated(named)
    );
}

async fn repeating_within_the_grace_time(families: &dyn RefreshFamilies) {
    let kept = family(2, "repeat");
    start(families, &kept, second(0)).await;
    assert_eq!(
        show(families, 2, 0, second(1)).await,
        Rotation::Rotated(kept.clone())
    );
    for at in [
        second(1),
        second(5),
        Timestamp::from_millis(second(11).millis() - 1),
    ] {
        let answer = show(families, 2, 0, at).await;
        assert_eq!(
            answer,
            Rotation::Repeated(kept.clone()),
            "shown again at {at:?}"
        );
    }
    assert_eq!(
        show(families, 2, 1, second(300)).await,
        Rotation::Rotated(kept),
        "the successor still is current"
    );
}

async fn reuse_revokes_the_family(families: &dyn RefreshFamilies) {
    let stolen = family(3, "reuse");
    let other = family(4, "reuse");
    start(families, &stolen, second(0)).await;
    start(families, &other, second(0)).await;
    assert_eq!(
        show(families, 3, 0, second(1)).await,
        Rotation::Rotated(stolen.clone())
    );
    assert_eq!(
        show(families, 3, 0, second(11)).await,
        Rotation::Reused(stolen)
    );
    for generation in [0, 1, 2] {
        let answer = show(families, 3, generation, second(12)).await;
        assert_eq!(answer, Rotation::Unknown, "the family is revoked");
    }
    assert_eq!(
        show(families, 4, 0, second(12)).await,
        Rotation::Rotated(other)
    );
}

async fn the_grandparent_is_reuse_at_once(families: &dyn RefreshFamilies) {
    let kept = family(5, "grandparent");
    start(families, &kept, second(0)).await;
    assert_eq!(
        show(families, 5, 0, second(1)).await,
        Rotation::Rotated(kept.clone())
    );
    assert_eq!(
        show(families, 5, 1, second(2)).await,
        Rotation::Rotated(kept.clone())
    );
    assert_eq!(
        show(families, 5, 1, second(3)).await,
        Rotation::Repeated(kept.clone())
    );
    let answer = show(families, 5, 0, second(3)).await;
    assert_eq!(
        answer,
        Rotation::Reused(kept),
        "its successor was used: somebody else has it"
    );
    assert_eq!(show(families, 5, 2, second(4)).await, Rotation::Unknown);
}

async fn one_of_two_at_the_same_time_rotates(families: &dyn RefreshFamilies) {
    let kept = family(6, "same-time");
    start(families, &kept, second(0)).await;
    let answers = both(
        show(families, 6, 0, second(1)),
        show(families, 6, 0, second(1)),
    )
    .await;
    let (rotated, repeated) = (Rotation::Rotated(kept.clone()), Rotation::Repeated(kept));
    assert!(
        answers == (rotated.clone(), repeated.clone()) || answers == (repeated, rotated),
        "{answers:?}"
    );
}

async fn expiry(families: &dyn RefreshFamilies) {
    let mut short = family(7, "expiry");
    short.expires_at = second(100);
    start(families, &short, second(0)).await;
    assert_eq!(
        show(families, 7, 0, second(99)).await,
        Rotation::Rotated(short)
    );
    assert_eq!(
        show(families, 7, 1, second(100)).await,
        Rotation::Unknown,
        "it has ended"
    );
    assert_eq!(
        show(families, 7, 0, second(100)).await,
        Rotation::Unknown,
        "repeats end too"
    );
}

async fn the_oldest_beyond_the_limit_are_revoked(families: &dyn RefreshFamilies) {
    start(families, &family(10, "limit-other"), second(0)).await;
    // Started out of the order of their ids; the oldest is the one with the earliest `at`.
    for (number, at) in [(13, 1), (11, 2), (12, 3), (14, 4)] {
        let next = family(number, "limit");
        families
            .start(&next, token(number, 0), second(at), 3)
            .await
            .unwrap();
    }
    assert_eq!(
        show(families, 13, 0, second(5)).await,
        Rotation::Unknown,
        "the oldest is gone"
    );
    for number in [11, 12, 14, 10] {
        let answer = show(families, number, 0, second(5)).await;
        assert!(
            matches!(answer, Rotation::Rotated(_)),
            "{number} lives: {answer:?}"
        );
    }
    families
        .start(&family(15, "limit"), token(15, 0), second(6), 1)
        .await
        .unwrap();
    for number in [11, 12, 14] {
        let answer = show(families, number, 1, second(7)).await;
        assert_eq!(
            answer,
            Rotation::Unknown,
            "{number} is beyond the limit of 1"
        );
    }
    assert!(matches!(
        show(families, 15, 0, second(7)).await,
        Rotation::Rotated(_)
    ));
}

async fn only_live_families_count(families: &dyn RefreshFamilies) {
    let mut ended = family(16, "live");
    ended.expires_at = second(10);
    start(families, &family(17, "live"), second(0)).await;
    start(families, &ended, second(1)).await;
    start(families, &family(18, "live"), second(2)).await;
    families.revoke_family(FamilyId([18; 16])).await.unwrap();
    families
        .start(&family(19, "live"), token(19, 0), second(20), 2)
        .await
        .unwrap();
    for number in [17, 19] {
        let answer = show(families, number, 0, second(21)).await;
        assert!(
            matches!(answer, Rotation::Rotated(_)),
            "{number} lives: {answer:?}"
        );
    }
}

async fn revoking(families: &dyn RefreshFamilies) {
    for (number, name, named) in [
        (20, "revoke-a", None),
        (21, "revoke-a", Some("work")),
        (22, "revoke-a", Some("home")),
        (23, "revoke-a", None),
        (24, "revoke-b", Some("work")),
    ] {
        let mut next = family(number, name);
        next.session = named.map(session);
        start(families, &next, second(0)).await;
    }
    let live = async |generation| {
        let mut live = Vec::new();
        for number in 20..=24 {
            if let Rotation::Rotated(family) = show(families, number, generation, second(1)).await {
                assert_eq!(family.id, FamilyId([number; 16]));
                live.push(number);
            }
        }
        live
    };
    assert_eq!(live(0).await, [20, 21, 22, 23, 24]);
    families.revoke_family(FamilyId([20; 16])).await.unwrap();
    families.revoke_family(FamilyId([99; 16])).await.unwrap();
    assert_eq!(live(1).await, [21, 22, 23, 24]);
    assert_eq!(
        show(families, 20, 0, second(2)).await,
        Rotation::Unknown,
        "no repeats either"
    );
    families
        .revoke_session(&user("revoke-a"), &session("work"))
        .await
        .unwrap();
    assert_eq!(live(2).await, [22, 23, 24], "of one user, for one session");
    families.revoke_user(&user("revoke-a")).await.unwrap();
    families.revoke_user(&user("nobody")).await.unwrap();
    assert_eq!(live(3).await, [24]);
}

async fn purging(families: &dyn RefreshFamilies) {
    let mut short = family(30, "purge");
    short.expires_at = second(100);
    start(families, &short, second(0)).await;
    let long = family(31, "purge");
    start(families, &long, second(0)).await;
    families.purge(second(100)).await.unwrap();
    assert_eq!(
        show(families, 30, 0, second(99)).await,
        Rotation::Rotated(short)
    );
    families.purge(second(101)).await.unwrap();
    assert_eq!(
        show(families, 30, 1, second(99)).await,
        Rotation::Unknown,
        "it is forgotten"
    );
    assert_eq!(
        show(families, 31, 0, second(102)).await,
        Rotation::Rotated(long)
    );
}
