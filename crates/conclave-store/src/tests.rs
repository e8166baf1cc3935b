mod conformance;
mod durability;
mod files;
mod migrations;
mod plans;
mod postgres;
mod races;
mod rooms;
mod rules;
mod transfer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_auth::{PasswordHash, RefreshFamily, SecretHash, StoredUser};
use conclave_protocol::{FamilyId, Timestamp, UserId};
use conclave_testkit::postgres::Database;
use tempfile::TempDir;

use crate::sql::{self, Statement};
use crate::{Address, PostgresOptions, Store, StoreOptions};

/// Runs each of these functions as a test on a new file, and on a new database of PostgreSQL.
macro_rules! on_each_database {
    ($($name:ident,)*) => {$(
        mod $name {
            use crate::tests::Fixture;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_sqlite() {
                super::$name(Fixture::new().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_postgres() {
                super::$name(Fixture::in_postgres().await).await;
            }
        }
    )*};
}

use on_each_database;

/// A store in a folder or a database of its own, which goes with it.
struct Fixture {
    folder: TempDir,
    store: Arc<Store>,
    database: Option<Database>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(open(&database(folder.path())).await);
        Self {
            folder,
            store,
            database: None,
        }
    }

    async fn in_postgres() -> Self {
        let database = Database::new();
        Self {
            folder: tempfile::tempdir().unwrap(),
            store: Arc::new(connect(database.url()).await),
            database: Some(database),
        }
    }

    /// The same again, as another process has it.
    async fn again(&self) -> Store {
        match &self.database {
            None => open(&self.database()).await,
            Some(database) => connect(database.url()).await,
        }
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

async fn connect(url: &str) -> Store {
    let address = Address::parse(url).unwrap();
    let opened = Store::connect(&address, PostgresOptions::default());
    opened.await.unwrap()
}

/// What a statement counts.
async fn count(store: &Store, statement: &'static str) -> i64 {
    let count = sql::query_scalar(Statement::new(statement, &[]));
    count
        .fetch_one(&mut store.glance().await.unwrap())
        .await
        .unwrap()
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
