//! Where the ports leave room, what this implementation does.

use std::sync::Arc;
use std::time::Duration;

use conclave_auth::{
    PortError, RefreshFamilies, RefreshFamily, Revocation, Revocations, Revoked, Rotation,
    SecretHash, Sessions, Users,
};
use conclave_protocol::{FamilyId, SessionName, Timestamp, TokenId};

use tokio::task::JoinSet;

use super::{Fixture, count, family, on_each_database, second, stored, token, user};
use crate::{Store, sql};

on_each_database! {
    a_removed_user_takes_the_refresh_families_along,
    a_family_started_when_the_clock_went_back_lives,
    a_known_family_or_token_is_not_started_again,
    a_family_ends_at_the_bound_of_its_rotations,
    a_revocation_takes_a_new_number_only_when_it_grows,
    a_long_purge_goes_on_to_its_end,
    sharing_with_oneself_changes_nothing,
    the_end_of_time_is_the_greatest_stored_time,
}

async fn rotate(store: &Store, from: u8, to: u8) -> Rotation {
    store
        .rotate(token(from), token(to), second(9), Duration::from_secs(10))
        .await
        .unwrap()
}

async fn a_removed_user_takes_the_refresh_families_along(fixture: Fixture) {
    let store = &fixture.store;
    store.add(&stored("alice"), second(0)).await.unwrap();
    store
        .start(&family(1), token(1), second(0), 10)
        .await
        .unwrap();
    store.remove(&user("alice"), second(1)).await.unwrap();
    store.add(&stored("alice"), second(2)).await.unwrap();
    assert_eq!(rotate(store, 1, 2).await, Rotation::Unknown);
}

async fn a_family_started_when_the_clock_went_back_lives(fixture: Fixture) {
    let store = &fixture.store;
    store
        .start(&family(1), token(1), second(5), 1)
        .await
        .unwrap();
    store
        .start(&family(2), token(2), second(4), 1)
        .await
        .unwrap();
    assert_eq!(rotate(store, 1, 11).await, Rotation::Unknown);
    assert_eq!(rotate(store, 2, 12).await, Rotation::Rotated(family(2)));
}

async fn a_known_family_or_token_is_not_started_again(fixture: Fixture) {
    let store = &fixture.store;
    store
        .start(&family(1), token(1), second(0), 10)
        .await
        .unwrap();
    for (family, token) in [(family(1), token(2)), (family(2), token(1))] {
        let again = store.start(&family, token, second(1), 1).await;
        assert!(matches!(again, Err(PortError::Conflict)), "{again:?}");
    }
    assert_eq!(
        rotate(store, 1, 3).await,
        Rotation::Rotated(family(1)),
        "nothing was revoked"
    );
}

async fn a_family_ends_at_the_bound_of_its_rotations(fixture: Fixture) {
    let store = &fixture.store;
    store
        .start(&family(1), token(1), second(0), 10)
        .await
        .unwrap();
    let near_the_bound = store.writer().write(async |connection| {
        sql::run(connection, "UPDATE refresh_families SET rotations = 49999").await?;
        Ok(())
    });
    near_the_bound.await.unwrap();
    assert_eq!(rotate(store, 1, 2).await, Rotation::Rotated(family(1)));
    assert_eq!(rotate(store, 2, 3).await, Rotation::Unknown);
    assert_eq!(
        rotate(store, 1, 2).await,
        Rotation::Unknown,
        "it is gone with all its tokens"
    );
}

async fn a_revocation_takes_a_new_number_only_when_it_grows(fixture: Fixture) {
    let store = &fixture.store;
    let revoke = async |until: Option<u64>| {
        let revoked = Revoked::Token(TokenId([1; 16]));
        store
            .revoke(&Revocation {
                revoked,
                until: until.map(second),
            })
            .await
            .unwrap()
    };
    let mut numbers = Vec::new();
    for until in [Some(5), Some(5), Some(4), Some(6), None, Some(7)] {
        numbers.push(revoke(until).await);
    }
    assert_eq!(numbers, [1, 1, 1, 2, 3, 3]);
    let kept = store.after(0, 10).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].1.until, None, "the later end stands");
}

async fn a_long_purge_goes_on_to_its_end(fixture: Fixture) {
    let store = &fixture.store;
    let mut writes = JoinSet::new();
    for number in 0..600_u16 {
        let [high, low] = number.to_be_bytes();
        let mut id = [0; 16];
        (id[0], id[1]) = (high, low);
        let mut hash = [0; 32];
        (hash[0], hash[1]) = (high, low);
        let ended = RefreshFamily {
            id: FamilyId(id),
            expires_at: second(1),
            ..family(0)
        };
        let store = Arc::clone(store);
        writes.spawn(async move {
            store
                .start(&ended, SecretHash(hash), second(0), 1000)
                .await
                .unwrap();
            let revoked = Revoked::Family(ended.id);
            store
                .revoke(&Revocation {
                    revoked,
                    until: Some(second(1)),
                })
                .await
                .unwrap();
        });
    }
    writes.join_all().await;
    RefreshFamilies::purge(&**store, second(2)).await.unwrap();
    Revocations::purge(&**store, second(2)).await.unwrap();
    assert_eq!(store.after(0, 1000).await.unwrap(), []);
    for table in [
        "SELECT COUNT(*) FROM refresh_families",
        "SELECT COUNT(*) FROM refresh_tokens",
    ] {
        assert_eq!(count(store, table).await, 0, "{table}");
    }
}

async fn sharing_with_oneself_changes_nothing(fixture: Fixture) {
    let store = &fixture.store;
    let (name, owner) = (SessionName::new("work").unwrap(), user("alice"));
    store.claim(&name, &owner, second(0), 10).await.unwrap();
    store.share(&name, &owner, &owner, 10).await.unwrap();
    assert_eq!(store.owned(&owner).await.unwrap()[0].shared_with, []);
}

async fn the_end_of_time_is_the_greatest_stored_time(fixture: Fixture) {
    let store = &fixture.store;
    store
        .add(&stored("alice"), Timestamp::from_millis(u64::MAX))
        .await
        .unwrap();
    let latest = u64::try_from(i64::MAX).unwrap();
    assert_eq!(
        store.changes(0, 10).await.unwrap()[0].at,
        Timestamp::from_millis(latest)
    );
    assert_eq!(store.changes(u64::MAX, 10).await.unwrap(), []);
}
