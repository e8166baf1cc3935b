//! The tables, made and upgraded step by step. Each step is one transaction, so that a crash or
//! another process in between leaves a whole version.

use std::path::Path;

use sqlx::migrate::{Migration, MigrationType};
use sqlx::{Connection, Executor, SqlStr, SqliteConnection};

use crate::StoreError;
use crate::error::Cause;

/// Brings a database to the newest schema.
pub(crate) async fn apply(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), StoreError> {
    apply_all(connection, path, MIGRATIONS).await
}

/// As [`apply`], with other steps. A step's version is its place in the list, from 1.
pub(crate) async fn apply_all(
    connection: &mut SqliteConnection,
    path: &Path,
    texts: &[&'static str],
) -> Result<(), StoreError> {
    let path = || path.to_owned();
    let failed = |version| {
        move |error: sqlx::Error| match Cause::of(&error) {
            Cause::Corrupt => StoreError::Corrupt {
                path: path(),
                source: Box::new(error),
            },
            Cause::Busy | Cause::Other => StoreError::Migration {
                path: path(),
                version,
                source: Box::new(error),
            },
        }
    };
    let known = u32::try_from(texts.len()).unwrap_or(u32::MAX);
    for (text, version) in texts.iter().zip(1..) {
        let step = step(version, text);
        // The write lock is taken first: of two processes the second finds the step done.
        let mut transaction = connection
            .begin_with(BEGIN)
            .await
            .map_err(failed(version))?;
        let applied = applied(&mut transaction).await.map_err(failed(version))?;
        let found = u32::try_from(applied.len()).unwrap_or(u32::MAX);
        if found > known {
            return Err(StoreError::Newer {
                path: path(),
                found,
                known,
            });
        }
        match applied
            .into_iter()
            .nth(usize::try_from(version - 1).unwrap_or(usize::MAX))
        {
            Some(checksum) if checksum == *step.checksum => {}
            Some(_) => {
                return Err(StoreError::Altered {
                    path: path(),
                    version,
                });
            }
            None => run(&mut transaction, &step)
                .await
                .map_err(failed(version))?,
        }
        transaction.commit().await.map_err(failed(version))?;
    }
    Ok(())
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
async fn applied(connection: &mut SqliteConnection) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    connection.execute(VERSIONS).await?;
    sqlx::query_scalar(APPLIED).fetch_all(connection).await
}

async fn run(connection: &mut SqliteConnection, step: &Migration) -> Result<(), sqlx::Error> {
    connection.execute(step.sql.clone()).await?;
    let row = sqlx::query(RECORD)
        .bind(step.version)
        .bind(step.checksum.as_ref());
    row.execute(connection).await?;
    Ok(())
}

/// In order; never edit one that was released, add the next.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_identity.sql"),
    include_str!("../migrations/sqlite/0002_api_keys.sql"),
    include_str!("../migrations/sqlite/0003_rooms.sql"),
    include_str!("../migrations/sqlite/0004_webhooks.sql"),
];

const BEGIN: &str = "BEGIN IMMEDIATE";
const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_versions (\
    version INTEGER NOT NULL PRIMARY KEY, checksum BLOB NOT NULL) STRICT";
const APPLIED: &str = "SELECT checksum FROM schema_versions ORDER BY version";
const RECORD: &str = "INSERT INTO schema_versions (version, checksum) VALUES ($1, $2)";
