//! The tables, made and upgraded step by step. Each step is one transaction, so that a crash or
//! another process in between leaves a whole version. The steps of both databases have the same
//! numbers and the same meaning.

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType};

use crate::StoreError;
use crate::error::Cause;
use crate::sql::{self, Connection, Statement};

/// Brings a database to the newest schema. `place` is for errors.
pub(crate) async fn apply(connection: &mut Connection, place: &str) -> Result<(), StoreError> {
    let texts = if connection.is_postgres() {
        POSTGRES
    } else {
        SQLITE
    };
    apply_all(connection, place, texts).await
}

/// As [`apply`], with other steps. A step's version is its place in the list, from 1.
pub(crate) async fn apply_all(
    connection: &mut Connection,
    place: &str,
    texts: &[&'static str],
) -> Result<(), StoreError> {
    for (text, version) in texts.iter().zip(1..) {
        let known = u32::try_from(texts.len()).unwrap_or(u32::MAX);
        let applied = one(connection, place, (step(version, text), version, known)).await;
        if applied.is_err() {
            // Where the database has rolled back already, this is refused.
            sql::run(connection, "ROLLBACK").await.ok();
        }
        applied?;
    }
    Ok(())
}

async fn one(
    connection: &mut Connection,
    place: &str,
    (step, version, known): (Migration, u32, u32),
) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| {
        let (place, source) = (place.into(), Box::new(error));
        match Cause::of(&source) {
            Cause::Corrupt => StoreError::Corrupt { place, source },
            _ => StoreError::Migration {
                place,
                version,
                source,
            },
        }
    };
    // The lock is taken first: of two processes the second finds the step done.
    let begin = if connection.is_postgres() {
        BEGIN_POSTGRES
    } else {
        BEGIN_SQLITE
    };
    sql::run(connection, begin).await.map_err(failed)?;
    let applied = applied(connection).await.map_err(failed)?;
    let found = u32::try_from(applied.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::Newer {
            place: place.into(),
            found,
            known,
        });
    }
    let place_in_list = usize::try_from(version - 1).unwrap_or(usize::MAX);
    match applied.into_iter().nth(place_in_list) {
        Some(checksum) if checksum == *step.checksum => {}
        Some(_) => {
            return Err(StoreError::Altered {
                place: place.into(),
                version,
            });
        }
        None => make(connection, &step).await.map_err(failed)?,
    }
    sql::run(connection, "COMMIT").await.map_err(failed)
}

fn step(version: u32, text: &'static str) -> Migration {
    let text = SqlStr::from_static(text);
    Migration::new(
        i64::from(version),
        "".into(),
        MigrationType::Simple,
        text,
        false,
    )
}

/// The checksums of the steps that were applied, in order.
async fn applied(connection: &mut Connection) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    let there: bool = sql::query_scalar(VERSIONS_THERE)
        .fetch_one(connection)
        .await?;
    if !there {
        let versions = if connection.is_postgres() {
            VERSIONS.postgres
        } else {
            VERSIONS.sqlite
        };
        sql::run(connection, versions).await?;
    }
    sql::query_scalar(APPLIED).fetch_all(connection).await
}

async fn make(connection: &mut Connection, step: &Migration) -> Result<(), sqlx::Error> {
    sql::run(connection, step.sql.as_str().to_owned()).await?;
    let row = sql::query(RECORD)
        .bind(step.version)
        .bind(step.checksum.as_ref());
    row.execute(connection).await?;
    Ok(())
}

/// In order; never edit one that was released, add the next, for both.
pub(crate) const SQLITE: &[&str] = &[
    include_str!("../migrations/sqlite/0001_identity.sql"),
    include_str!("../migrations/sqlite/0002_api_keys.sql"),
    include_str!("../migrations/sqlite/0003_rooms.sql"),
    include_str!("../migrations/sqlite/0004_webhooks.sql"),
    include_str!("../migrations/sqlite/0005_leases.sql"),
    include_str!("../migrations/sqlite/0006_people.sql"),
    include_str!("../migrations/sqlite/0007_wallets.sql"),
    include_str!("../migrations/sqlite/0008_answers.sql"),
    include_str!("../migrations/sqlite/0009_system_messages.sql"),
];

/// As [`SQLITE`].
pub(crate) const POSTGRES: &[&str] = &[
    include_str!("../migrations/postgres/0001_identity.sql"),
    include_str!("../migrations/postgres/0002_api_keys.sql"),
    include_str!("../migrations/postgres/0003_rooms.sql"),
    include_str!("../migrations/postgres/0004_webhooks.sql"),
    include_str!("../migrations/postgres/0005_leases.sql"),
    include_str!("../migrations/postgres/0006_people.sql"),
    include_str!("../migrations/postgres/0007_wallets.sql"),
    include_str!("../migrations/postgres/0008_answers.sql"),
    include_str!("../migrations/postgres/0009_system_messages.sql"),
];

const BEGIN_SQLITE: &str = "BEGIN IMMEDIATE";
/// The number is any that nobody else locks.
const BEGIN_POSTGRES: &str = "BEGIN; SELECT pg_advisory_xact_lock(7165437410962384745)";
const VERSIONS: Statement = Statement::new(
    "CREATE TABLE schema_versions (\
     version INTEGER NOT NULL PRIMARY KEY, checksum BLOB NOT NULL) STRICT",
    &["CREATE TABLE schema_versions (\
       version BIGINT NOT NULL PRIMARY KEY, checksum BYTEA NOT NULL)"],
);
const VERSIONS_THERE: Statement = Statement::new(
    "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_versions')",
    &["SELECT to_regclass('schema_versions') IS NOT NULL"],
);
const APPLIED: Statement =
    Statement::new("SELECT checksum FROM schema_versions ORDER BY version", &[]);
const RECORD: Statement = Statement::new(
    "INSERT INTO schema_versions (version, checksum) VALUES ($1, $2)",
    &[],
);
