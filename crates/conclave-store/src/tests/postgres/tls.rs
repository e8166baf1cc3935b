//! A connection that nobody else reads.

use std::path::PathBuf;

use conclave_auth::Users;
use conclave_testkit::postgres::Server;

use crate::tests::{second, stored};
use crate::{Address, PostgresOptions, Store, StoreError};

/// Makes a certificate of `localhost` that is its own root.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

async fn connect(url: &str) -> Result<Store, StoreError> {
    let address = Address::parse(url).unwrap();
    Store::connect(&address, PostgresOptions::default()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_believed_by_its_certificate_and_name() {
    let (own, key) = certificate();
    let (stranger, _) = certificate();
    let (server, port) = Server::encrypted(&own, &key);
    let url = server.database();
    let name = server.name_of(&url).to_owned();
    let folder = tempfile::tempdir().unwrap();
    let root = |file: &str, text: &str| -> PathBuf {
        let path = folder.path().join(file);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (own, stranger) = (root("own.pem", &own), root("stranger.pem", &stranger));
    let url = |host: &str, mode: &str, root: &PathBuf| {
        let root = root.display();
        format!("postgres://conclave@{host}:{port}/{name}?sslmode={mode}&sslrootcert={root}")
    };
    let store = connect(&url("localhost", "verify-full", &own))
        .await
        .unwrap();
    store.add(&stored("alice"), second(0)).await.unwrap();
    store.list(None, 10).await.unwrap();
    let encrypted = "SELECT bool_and(ssl) AND COUNT(*) >= 2 FROM pg_stat_ssl \
        JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL";
    assert_eq!(server.say(&name, encrypted), "t");
    connect(&url("127.0.0.1", "verify-ca", &own)).await.unwrap();
    for (host, mode, root) in [
        ("localhost", "verify-full", &stranger),
        ("localhost", "verify-ca", &stranger),
        ("127.0.0.1", "verify-full", &own),
    ] {
        let refused = connect(&url(host, mode, root)).await;
        assert!(
            matches!(refused, Err(StoreError::Open { .. })),
            "{host} {mode}: {refused:?}"
        );
    }
}
