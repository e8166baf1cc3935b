//! Rows of any table, and what tells two tables apart.

use std::borrow::Cow;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, FromRow, Row, TypeInfo as _, ValueRef as _};

use super::table::{Kind, Table};
use crate::sql::{self, Connection, Datum};

/// One row: a value for each column of its table.
pub(super) struct Cells(pub(super) Vec<Datum<'static>>);

impl FromRow<'_, SqliteRow> for Cells {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let cells = (0..row.len()).map(|index| {
            let value = row.try_get_raw(index)?;
            // Of a NULL it would give the type of the column.
            let name = value.type_info().name().to_owned();
            Ok(match name.as_str() {
                _ if value.is_null() => Datum::Integer(None),
                "INTEGER" => Datum::Integer(Some(row.try_get(index)?)),
                "BLOB" => Datum::Blob(Some(Cow::Owned(row.try_get(index)?))),
                _ => Datum::Text(Some(Cow::Owned(row.try_get(index)?))),
            })
        });
        Ok(Self(cells.collect::<Result<_, sqlx::Error>>()?))
    }
}

impl FromRow<'_, PgRow> for Cells {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let cells = row.columns().iter().map(|column| {
            let index = column.ordinal();
            Ok(match column.type_info().name() {
                "BOOL" => Datum::Flag(row.try_get(index)?),
                "INT8" => Datum::Integer(row.try_get(index)?),
                "BYTEA" => Datum::Blob(row.try_get::<Option<Vec<u8>>, _>(index)?.map(Cow::Owned)),
                _ => Datum::Text(row.try_get::<Option<String>, _>(index)?.map(Cow::Owned)),
            })
        });
        Ok(Self(cells.collect::<Result<_, sqlx::Error>>()?))
    }
}

impl Cells {
    /// As the columns of the table are in PostgreSQL; says how many texts cannot be as they are.
    fn of(mut self, table: &Table) -> (Self, u64) {
        let mut replaced = 0;
        for (cell, column) in self.0.iter_mut().zip(table.columns) {
            match (column.1, &cell) {
                (Kind::Flag, Datum::Integer(value)) => {
                    *cell = Datum::Flag(value.map(|value| value != 0));
                }
                (Kind::Text, Datum::Integer(None)) => *cell = Datum::Text(None),
                (Kind::Blob, Datum::Integer(None)) => *cell = Datum::Blob(None),
                (Kind::Text, Datum::Text(Some(text))) if text.contains('\0') => {
                    let text = text.replace('\0', "\u{fffd}");
                    *cell = Datum::Text(Some(Cow::Owned(text)));
                    replaced += 1;
                }
                _ => {}
            }
        }
        (self, replaced)
    }
}

/// A row on its way, and what was replaced in it.
pub(super) struct Arrived {
    pub(super) cells: Vec<Datum<'static>>,
    replaced: u64,
}

/// The rows after a key, in the order of the keys.
pub(super) async fn page(
    side: &mut Connection,
    table: &'static Table,
    after: Option<&[Datum<'static>]>,
) -> Result<Vec<Arrived>, sqlx::Error> {
    let mut query = sql::query_as(table.page(after.is_some()));
    for key in after.unwrap_or_default() {
        query = query.bind(key.clone());
    }
    let rows: Vec<Cells> = query.fetch_all(side).await?;
    let rows = rows.into_iter().map(|row| {
        let (Cells(cells), replaced) = row.of(table);
        Arrived { cells, replaced }
    });
    Ok(rows.collect())
}

/// A sum over rows in their order: FNV-1a in 128 bits. It tells accidents apart, nothing rests on
/// it against people.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digest {
    pub(super) rows: u64,
    pub(super) replaced: u64,
    pub(super) sum: u128,
}

impl Default for Digest {
    fn default() -> Self {
        Self {
            rows: 0,
            replaced: 0,
            sum: 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d,
        }
    }
}

impl Digest {
    pub(super) fn add(&mut self, row: &Arrived) {
        self.rows += 1;
        self.replaced += row.replaced;
        for cell in &row.cells {
            match cell {
                Datum::Flag(Some(value)) => self.value(1, &[u8::from(*value)]),
                Datum::Integer(Some(value)) => self.value(2, &value.to_be_bytes()),
                Datum::Text(Some(text)) => self.value(3, text.as_bytes()),
                Datum::Blob(Some(bytes)) => self.value(4, bytes),
                _ => self.value(0, &[]),
            }
        }
    }

    fn value(&mut self, kind: u8, bytes: &[u8]) {
        let length = bytes.len().to_be_bytes();
        for byte in [kind].iter().chain(&length).chain(bytes) {
            self.sum ^= u128::from(*byte);
            self.sum = self
                .sum
                .wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}
