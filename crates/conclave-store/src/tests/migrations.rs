use std::error::Error;

use sqlx::ConnectOptions;

use super::{database, open};
use crate::migration::{SQLITE as MIGRATIONS, apply_all};
use crate::sql::{self, Connection, Side, Statement};
use crate::{Store, StoreError, StoreOptions};

const SECOND: &str = "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT";
const BROKEN: &str = "CREATE TABLE half (id INTEGER PRIMARY KEY) STRICT; CREATE NONSENSE";

async fn connect(path: &std::path::Path) -> Connection {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    Connection::new(Side::Sqlite(options.connect().await.unwrap()))
}

async fn tables(connection: &mut Connection) -> Vec<String> {
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    sql::query_scalar(Statement::new(names, &[]))
        .fetch_all(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_empty_file_gets_all_tables_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    for _ in 0..2 {
        open(&path).await.close().await.unwrap();
        let mut connection = connect(&path).await;
        let tables = tables(&mut connection).await;
        assert!(tables.contains(&"users".to_owned()), "{tables:?}");
        let versions = Statement::new("SELECT version FROM schema_versions", &[]);
        let versions = sql::query_scalar(versions).fetch_all(&mut connection).await;
        let versions: Vec<i64> = versions.unwrap();
        assert_eq!(versions.len(), MIGRATIONS.len());
    }
}

#[tokio::test]
async fn a_later_step_is_added_to_an_older_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let mut connection = connect(&path).await;
    apply_all(&mut connection, "place", &MIGRATIONS[..1])
        .await
        .unwrap();
    apply_all(&mut connection, "place", &[MIGRATIONS[0], SECOND])
        .await
        .unwrap();
    assert!(tables(&mut connection).await.contains(&"later".to_owned()));
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let mut connection = connect(&path).await;
    let newer = [MIGRATIONS, &[SECOND]].concat();
    apply_all(&mut connection, "place", &newer).await.unwrap();
    connection.close().await.unwrap();

    let error = Store::open(&path, StoreOptions::default())
        .await
        .unwrap_err();
    let known = MIGRATIONS.len();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: the database is of a newer version (schema {}, this program knows {known})",
            path.display(),
            known + 1,
        )
    );
}

#[tokio::test]
async fn an_altered_step_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let mut connection = connect(&path).await;
    apply_all(&mut connection, "place", &[SECOND])
        .await
        .unwrap();
    let error = apply_all(&mut connection, "place", MIGRATIONS)
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::Altered { version: 1, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_failed_step_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let mut connection = connect(&path).await;
    let error = apply_all(&mut connection, "place", &[SECOND, BROKEN])
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::Migration { version: 2, .. }),
        "{error:?}"
    );
    assert!(error.source().is_some(), "the cause is kept");
    assert_eq!(tables(&mut connection).await, ["later", "schema_versions"]);
}

#[tokio::test]
async fn messages_keep_their_kinds_when_there_is_one_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let mut connection = connect(&path).await;
    apply_all(&mut connection, "place", &MIGRATIONS[..8])
        .await
        .unwrap();
    for (number, kind) in ["Text", "Image", "File"].iter().enumerate() {
        let insert = format!(
            "INSERT INTO messages (key, id, room, seq, ordinal, author, kind, content, \
             created_at, updated_at) VALUES ({number} + 1, x'{number:032}', 1, \
             {number} + 1, {number} + 1, 'ann', '{kind}', 'said', 1, 1)"
        );
        sql::run(&mut connection, insert).await.unwrap();
    }
    apply_all(&mut connection, "place", MIGRATIONS)
        .await
        .unwrap();
    let kinds = Statement::new("SELECT kind FROM messages ORDER BY key", &[]);
    let kinds: Vec<String> = sql::query_scalar(kinds)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(kinds, ["Text", "Image", "File"]);
}
