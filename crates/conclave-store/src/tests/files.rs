use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use conclave_auth::{PortError, Users};

use super::{Fixture, count, database, open, second, stored, user};
use crate::{Store, StoreError, StoreOptions};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn only_the_owner_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/deep/conclave.db");
    let store = open(&path).await;
    store.add(&stored("alice"), second(0)).await.unwrap();
    for (name, expected) in [
        ("", 0o600),
        ("-wal", 0o600),
        ("-shm", 0o600),
        ("/..", 0o700),
    ] {
        let name = format!("{}{name}", path.display()).replace("conclave.db/..", "");
        assert_eq!(mode(Path::new(&name)), expected, "{name}");
    }
}

#[tokio::test]
async fn rights_of_others_are_taken_from_an_old_file() {
    let Fixture { folder, store, .. } = Fixture::new().await;
    store.close().await.unwrap();
    let path = database(folder.path());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    open(&path).await;
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    std::fs::write(&path, "This is not a database. ".repeat(400)).unwrap();
    let error = Store::open(&path, StoreOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    let line = format!("{}: the file is damaged or not a database", path.display());
    assert_eq!(error.to_string(), line);
}

/// Overwrites the pages from `first`, counted from 1 as the database does, up to `end`.
fn damage(path: &Path, first: usize, end: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let end = bytes.len().min((end - 1) * PAGE_BYTES);
    bytes[(first - 1) * PAGE_BYTES..end].fill(0xa5);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn damage_is_named_at_opening() {
    let Fixture { folder, store, .. } = Fixture::new().await;
    store.close().await.unwrap();
    let path = database(folder.path());
    damage(&path, 2, 1000);
    let error = Store::open(&path, StoreOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn damage_that_is_met_later_makes_the_port_unavailable() {
    let Fixture { folder, store, .. } = Fixture::new().await;
    store.add(&stored("alice"), second(0)).await.unwrap();
    let page = "SELECT rootpage FROM sqlite_master WHERE name = 'users'";
    let page = count(&store, page).await;
    store.close().await.unwrap();
    let path = database(folder.path());
    let page = usize::try_from(page).unwrap();
    damage(&path, page, page + 1);

    let store = open(&path).await;
    let error = store.find(&user("alice")).await.unwrap_err();
    let PortError::Unavailable(source) = error else {
        panic!("{error:?}")
    };
    let cause = source.source().unwrap().to_string();
    assert!(cause.contains("malformed"), "{cause}");
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(folder.path(), StoreOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .starts_with(&folder.path().display().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn closing_leaves_one_file_and_answers_unavailable() {
    let Fixture { folder, store, .. } = Fixture::new().await;
    store.add(&stored("alice"), second(0)).await.unwrap();
    store.close().await.unwrap();
    store.close().await.unwrap();
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["conclave.db"]);
    for answer in [
        store.add(&stored("bob"), second(1)).await.unwrap_err(),
        store.find(&user("alice")).await.unwrap_err(),
    ] {
        assert_eq!(answer.to_string(), "the store is unavailable");
    }
}

const PAGE_BYTES: usize = 4096;
