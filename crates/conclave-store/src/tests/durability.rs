use std::path::Path;
use std::sync::Arc;

use conclave_auth::{RefreshFamilies, Revocation, Revocations, Revoked, Users};
use conclave_protocol::TokenId;
use tokio::task::JoinSet;

use super::{Fixture, database, family, on_each_database, open, second, stored, token, user};
use crate::error::Fault;
use crate::{StoreError, sql};

on_each_database! {
    dropping_the_store_loses_nothing,
    another_opening_sees_a_change_at_once,
    a_transaction_that_the_database_ends_fails_for_all_in_it,
    one_failing_write_harms_no_other,
}

/// What a crash leaves: the database and its log at one moment, without a word to the store.
pub(super) fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        std::fs::copy(name(from), name(to)).unwrap();
    }
}

#[tokio::test]
async fn acknowledged_is_stored_at_any_moment() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let mut writes = JoinSet::new();
    for number in 0..120_u8 {
        let store = Arc::clone(store);
        writes.spawn(async move {
            store
                .add(&stored(&format!("user-{number}")), second(0))
                .await
                .unwrap();
            let until = Some(second(9));
            let revoked = Revoked::Token(TokenId([number; 16]));
            store.revoke(&Revocation { revoked, until }).await.unwrap();
            number
        });
    }
    let mut acknowledged = Vec::new();
    while let Some(number) = writes.join_next().await {
        acknowledged.push(number.unwrap());
        if !acknowledged.len().is_multiple_of(30) {
            continue;
        }
        // Others are still writing.
        let crashed = tempfile::tempdir().unwrap();
        let path = database(crashed.path());
        copy(&database(fixture.folder.path()), &path);
        let after = open(&path).await;
        let revocations = after.after(0, 1000).await.unwrap();
        for &number in &acknowledged {
            let name = user(&format!("user-{number}"));
            assert!(
                after.find(&name).await.unwrap().is_some(),
                "{name} was acknowledged"
            );
            let revoked = Revoked::Token(TokenId([number; 16]));
            assert!(
                revocations
                    .iter()
                    .any(|(_, stored)| stored.revoked == revoked)
            );
        }
    }
    assert_eq!(acknowledged.len(), 120);
}

async fn dropping_the_store_loses_nothing(fixture: Fixture) {
    let mut fixture = fixture;
    fixture
        .store
        .add(&stored("alice"), second(0))
        .await
        .unwrap();
    fixture
        .store
        .start(&family(1), token(1), second(0), 10)
        .await
        .unwrap();
    fixture.store = Arc::new(fixture.again().await);
    let again = &fixture.store;
    assert_eq!(
        again.find(&user("alice")).await.unwrap(),
        Some(stored("alice"))
    );
    let grace = std::time::Duration::ZERO;
    let rotated = again
        .rotate(token(1), token(2), second(1), grace)
        .await
        .unwrap();
    assert_eq!(rotated, conclave_auth::Rotation::Rotated(family(1)));
}

/// The command line works beside a running server.
async fn another_opening_sees_a_change_at_once(fixture: Fixture) {
    let other = fixture.again().await;
    assert_eq!(other.changes(0, 10).await.unwrap(), []);
    fixture
        .store
        .add(&stored("alice"), second(0))
        .await
        .unwrap();
    let seen = other.changes(0, 10).await.unwrap();
    assert_eq!(seen.len(), 1);
    other
        .set_disabled(&user("alice"), true, second(1))
        .await
        .unwrap();
    assert!(
        fixture
            .store
            .find(&user("alice"))
            .await
            .unwrap()
            .unwrap()
            .disabled
    );
    assert_eq!(
        fixture
            .store
            .changes(seen[0].revision, 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_ends_with_it() {
    let fixture = Fixture::new().await;
    let pages = async |text: &'static str| {
        let set = fixture.store.writer().write(async move |connection| {
            sql::run(connection, text).await?;
            Ok(())
        });
        set.await.unwrap();
    };
    pages("PRAGMA max_page_count = 1").await;
    let mut large = stored("large");
    large.permissions = vec!["x".repeat(100_000)];
    let refused = fixture.store.add(&large, second(0)).await.unwrap_err();
    assert_eq!(refused.to_string(), "the store is unavailable");
    pages("PRAGMA max_page_count = 1000000").await;
    fixture.store.add(&large, second(0)).await.unwrap();
    assert_eq!(fixture.store.list(None, 10).await.unwrap(), [large]);
}

/// Some errors end the transaction of all writes that share it: none of them may be told that
/// it is stored, and the next must find the connection usable.
async fn a_transaction_that_the_database_ends_fails_for_all_in_it(fixture: Fixture) {
    let ended = fixture.store.writer().write(async |connection| {
        sql::run(connection, "ROLLBACK").await?;
        Ok(())
    });
    let ended: Result<(), Fault> = ended.await;
    assert!(
        matches!(ended, Err(Fault::Store(StoreError::Commit(_)))),
        "{ended:?}"
    );
    fixture
        .store
        .add(&stored("alice"), second(0))
        .await
        .unwrap();
    assert_eq!(
        fixture.store.list(None, 10).await.unwrap(),
        [stored("alice")]
    );
}

async fn one_failing_write_harms_no_other(fixture: Fixture) {
    let store = &fixture.store;
    let mut writes = JoinSet::new();
    for number in 0..100 {
        let store = Arc::clone(store);
        // Of every name two are added; one of each must fail.
        writes.spawn(async move {
            store
                .add(&stored(&format!("{}", number / 2)), second(0))
                .await
        });
    }
    let answers = writes.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 50);
    assert_eq!(store.list(None, 100).await.unwrap().len(), 50);
    assert_eq!(
        store.changes(0, 100).await.unwrap().len(),
        50,
        "and no change of those that failed"
    );
}
