mod conformance;
mod durability;
mod files;
mod migrations;
mod plans;
mod races;
mod rooms;
mod rules;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_auth::{PasswordHash, RefreshFamily, SecretHash, StoredUser};
use conclave_protocol::{FamilyId, Timestamp, UserId};
use tempfile::TempDir;

use crate::{Store, StoreOptions};

/// A store in a folder of its own, which goes with it.
struct Fixture {
    folder: TempDir,
    store: Arc<Store>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(open(&database(folder.path())).await);
        Self { folder, store }
    }

    fn database(&self) -> PathBuf {
        database(self.folder.path())
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("conclave.db")
}

async fn open(path: &Path) -> Store {
    Store::open(path, StoreOptions::default()).await.unwrap()
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn second(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

fn stored(name: &str) -> StoredUser {
    StoredUser {
        name: user(name),
        password_hash: PasswordHash("$argon2id$".to_owned()),
        roles: vec!["user".to_owned()],
        permissions: Vec::new(),
        disabled: false,
    }
}

fn family(number: u8) -> RefreshFamily {
    RefreshFamily {
        id: FamilyId([number; 16]),
        user: user("alice"),
        session: None,
        expires_at: second(86_400),
        access_seconds: 1800,
    }
}

fn token(number: u8) -> SecretHash {
    SecretHash([number; 32])
}
