//! A store moves from a file into PostgreSQL.
//!
//! Tables are copied in the order of their keys, a page in each transaction: where it was
//! interrupted it goes on behind the last row that arrived. At the end both are read from end to
//! end and compared. Until then a table in the database says that it is not finished, and no
//! server starts on it.

mod cells;
mod table;

use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};

use crate::error::Cause;
use crate::sql::{self, Connection, Side, Statement};
use crate::{Address, StoreError, migration, postgres};
use cells::{Digest, page};
pub(crate) use table::TABLES;
use table::Table;

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is done with the table.
    pub step: Step,
    /// The table.
    pub table: &'static str,
    /// Rows of it that are done.
    pub rows: u64,
    /// Rows that it has.
    pub of: u64,
}

/// What a transfer does with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its rows are written.
    Copy,
    /// Its rows are read from both sides and compared.
    Compare,
}

/// What a transfer has brought over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Rows of all tables.
    pub rows: u64,
    /// Tables; each has the same rows on both sides.
    pub tables: u32,
    /// Texts with a U+0000, which PostgreSQL cannot keep; each such character is now a U+FFFD.
    pub replaced: u64,
}

/// Copies all of the store in the file `from` into the database at `to`, which is empty, or to
/// which a transfer of the same file was begun. No server may use either meanwhile.
///
/// # Errors
/// `InUse` where another process has the file open; `NotEmpty`; `Differs` where the copy is not
/// the same at the end; `Open`, `Corrupt`, `Newer`, `Altered`, `Migration`, `Statement`. Called
/// again it goes on where it was.
pub async fn transfer(
    from: &Path,
    to: &Address,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Transferred, StoreError> {
    let mut source = source(from).await?;
    let mut target = postgres::plain(to, ANSWER_WITHIN).await?;
    begin(&mut target, &to.to_string()).await?;
    let mut done = Transferred::default();
    for table in TABLES {
        copy(&mut source, &mut target, (table, progress)).await?;
    }
    for table in TABLES {
        let replaced = compare(&mut source, &mut target, (table, progress)).await?;
        done.rows += replaced.rows;
        done.replaced += replaced.replaced;
        done.tables += 1;
    }
    number_on(&mut source, &mut target).await?;
    // What the planner knows of tables comes late otherwise.
    sql::run(&mut target, "ANALYZE").await?;
    sql::run(&mut target, FINISH).await?;
    target.close().await?;
    source.close().await?;
    Ok(done)
}

/// The file, for this process alone.
async fn source(path: &Path) -> Result<Connection, StoreError> {
    let place: Box<str> = path.display().to_string().into();
    let opening = |error: sqlx::Error| {
        let (place, source) = (place.clone(), Box::new(error));
        match Cause::of(&source) {
            Cause::Busy => StoreError::InUse { place },
            Cause::Corrupt => StoreError::Corrupt { place, source },
            _ => StoreError::Open { place, source },
        }
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .locking_mode(SqliteLockingMode::Exclusive)
        .busy_timeout(BUSY_FOR)
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging();
    let link = options.connect().await.map_err(opening)?;
    let mut source = Connection::new(Side::Sqlite(link));
    sql::run(&mut source, "BEGIN IMMEDIATE; COMMIT")
        .await
        .map_err(opening)?;
    migration::apply(&mut source, &place).await?;
    sql::run(&mut source, "BEGIN").await.map_err(opening)?;
    Ok(source)
}

/// Makes the tables, and marks them as unfinished; or finds them so.
async fn begin(target: &mut Connection, place: &str) -> Result<(), StoreError> {
    let alone: bool = sql::query_scalar(ALONE).fetch_one(target).await?;
    if !alone {
        return Err(StoreError::InUse {
            place: place.into(),
        });
    }
    if is_unfinished(target).await? {
        return Ok(());
    }
    migration::apply(target, place).await?;
    for table in TABLES.iter().filter(|table| !table.is_prepared()) {
        if table.count(target).await? > 0 {
            return Err(StoreError::NotEmpty {
                place: place.into(),
            });
        }
    }
    Ok(sql::run(target, BEGIN).await?)
}

/// Whether a transfer into this database was begun and not ended.
pub(crate) async fn is_unfinished(target: &mut Connection) -> Result<bool, sqlx::Error> {
    sql::query_scalar(UNFINISHED).fetch_one(target).await
}

async fn copy(
    source: &mut Connection,
    target: &mut Connection,
    (table, progress): (&'static Table, &mut (dyn FnMut(Progress) + Send)),
) -> Result<(), StoreError> {
    let of = table.count(source).await?;
    let mut rows = if table.is_prepared() {
        0
    } else {
        table.count(target).await?
    };
    let mut last = match rows {
        0 => None,
        _ => table.last_key(target).await?,
    };
    loop {
        let page = page(source, table, last.as_deref()).await?;
        let Some(end) = page.last() else {
            return Ok(());
        };
        last = Some(table.key_of(end));
        rows += u64::try_from(page.len()).unwrap_or(u64::MAX);
        table.insert(target, page).await?;
        progress(Progress {
            step: Step::Copy,
            table: table.name,
            rows,
            of,
        });
    }
}

async fn compare(
    source: &mut Connection,
    target: &mut Connection,
    (table, progress): (&'static Table, &mut (dyn FnMut(Progress) + Send)),
) -> Result<Digest, StoreError> {
    let of = table.count(source).await?;
    let mut digests = [Digest::default(), Digest::default()];
    for (digest, side) in digests.iter_mut().zip([source, target]) {
        let mut last = None;
        loop {
            let page = page(side, table, last.as_deref()).await?;
            let Some(end) = page.last() else {
                break;
            };
            last = Some(table.key_of(end));
            page.iter().for_each(|row| digest.add(row));
            progress(Progress {
                step: Step::Compare,
                table: table.name,
                rows: digest.rows,
                of,
            });
        }
    }
    let [wanted, found] = digests;
    if (wanted.rows, wanted.sum) == (found.rows, found.sum) {
        return Ok(wanted);
    }
    Err(StoreError::Differs {
        table: table.name,
        wanted: wanted.rows,
        found: found.rows,
    })
}

/// Numbers that were used once are not used again.
async fn number_on(source: &mut Connection, target: &mut Connection) -> Result<(), StoreError> {
    for table in TABLES {
        let Some(column) = table.counts_by else {
            continue;
        };
        let used = format!(
            "SELECT MAX(COALESCE((SELECT MAX({column}) FROM {name}), 0), \
             COALESCE((SELECT seq FROM sqlite_sequence WHERE name = '{name}'), 0))",
            name = table.name
        );
        let used: i64 = sql::query_scalar(used).fetch_one(source).await?;
        let name = table.name;
        let number_on = format!(
            "SELECT setval(pg_get_serial_sequence('{name}', '{column}'), {next}, FALSE)",
            next = used.saturating_add(1)
        );
        sql::run(target, number_on).await?;
    }
    Ok(())
}

/// The number is any that nobody else locks; the lock is held as long as the connection.
const ALONE: Statement = Statement::new("", &["SELECT pg_try_advisory_lock(7165437410962384746)"]);
const UNFINISHED: Statement =
    Statement::new("", &["SELECT to_regclass('import_unfinished') IS NOT NULL"]);
const BEGIN: &str = "CREATE TABLE import_unfinished ()";
const FINISH: &str = "DROP TABLE import_unfinished";

/// For one page, or the count of a whole table.
const ANSWER_WITHIN: Duration = Duration::from_secs(3600);
const BUSY_FOR: Duration = Duration::from_secs(1);
