use std::sync::Arc;
use std::time::Duration;

use conclave_auth::{RefreshFamilies, Rotation, SecretHash, Users};
use tokio::task::JoinSet;

use super::{Fixture, database, family, on_each_database, open, second, stored, token};
use crate::StoreOptions;

on_each_database! {
    of_two_hundred_rotations_of_one_token_one_rotates,
    two_hundred_adds_at_once_are_all_stored_in_one_order,
    a_caller_that_gives_up_has_its_write_done,
}

const GRACE: Duration = Duration::from_secs(10);

async fn of_two_hundred_rotations_of_one_token_one_rotates(fixture: Fixture) {
    let store = &fixture.store;
    store
        .start(&family(1), token(1), second(0), 10)
        .await
        .unwrap();
    let mut rotations = JoinSet::new();
    for number in 0..200_u8 {
        let store = Arc::clone(store);
        let successor = SecretHash([number; 32].map(|byte| byte.wrapping_add(2)));
        rotations.spawn(async move {
            store
                .rotate(token(1), successor, second(1), GRACE)
                .await
                .unwrap()
        });
    }
    let answers = rotations.join_all().await;
    let count = |wanted: &Rotation| answers.iter().filter(|answer| *answer == wanted).count();
    assert_eq!(count(&Rotation::Rotated(family(1))), 1);
    assert_eq!(count(&Rotation::Repeated(family(1))), 199);
}

async fn two_hundred_adds_at_once_are_all_stored_in_one_order(fixture: Fixture) {
    let store = &fixture.store;
    let mut adds = JoinSet::new();
    for number in 0..200 {
        let store = Arc::clone(store);
        adds.spawn(async move { store.add(&stored(&format!("{number:03}")), second(0)).await });
    }
    assert!(adds.join_all().await.iter().all(Result::is_ok));
    let revisions: Vec<_> = store
        .changes(0, 1000)
        .await
        .unwrap()
        .iter()
        .map(|change| change.revision)
        .collect();
    assert_eq!(revisions, (1..=200).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_file_may_be_opened_by_many_at_once() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let mut openings = JoinSet::new();
        for number in 0..6 {
            let path = database(folder.path());
            openings.spawn(async move {
                let store = crate::Store::open(&path, StoreOptions::default()).await?;
                store
                    .add(&stored(&format!("{number}")), second(0))
                    .await
                    .unwrap();
                store.close().await
            });
        }
        for opened in openings.join_all().await {
            opened.unwrap();
        }
        assert_eq!(
            open(&database(folder.path()))
                .await
                .list(None, 10)
                .await
                .unwrap()
                .len(),
            6
        );
    }
}

async fn a_caller_that_gives_up_has_its_write_done(fixture: Fixture) {
    let store = &fixture.store;
    let given_up = stored("given-up");
    {
        let mut adding = std::pin::pin!(store.add(&given_up, second(0)));
        // Polled once, the write is queued.
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(adding.as_mut().poll(context).is_pending())
        });
        assert!(polled.await);
    }
    store.add(&stored("after"), second(1)).await.unwrap();
    let names: Vec<_> = store.list(None, 10).await.unwrap();
    assert_eq!(names, [stored("after"), given_up]);
}
