//! One set of statements on two databases: what is asked (a [`Statement`] and its values), and
//! the [`Connection`] it is asked on.
//!
//! A statement has one text where both databases take it. Values are held until the connection
//! is known, so that whoever asks needs no word of either.

mod connection;
mod datum;

use std::borrow::Cow;
use std::marker::PhantomData;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Executor, FromRow, SqlSafeStr as _, SqlStr};

pub(crate) use connection::{Connection, Link, Side, within};
pub(crate) use datum::Datum;

/// What is asked of a database, in its words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

impl Statement {
    /// A text that both take, or one for each.
    pub(crate) const fn new(text: &'static str, postgres: &[&'static str]) -> Self {
        let postgres = match postgres {
            [own, ..] => own,
            [] => text,
        };
        Self {
            sqlite: text,
            postgres,
        }
    }
}

/// Something that can be read from a row of either database.
pub(crate) trait Record:
    Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>
{
}

impl<T> Record for T where
    T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>
{
}

/// The text of a statement.
pub(crate) enum Text {
    /// One of those that are in the program.
    Fixed(Statement),
    /// Made of the names of this crate's own tables, for both databases.
    Made(String),
}

impl From<Statement> for Text {
    fn from(statement: Statement) -> Self {
        Self::Fixed(statement)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Made(text)
    }
}

impl Text {
    fn of_sqlite(self) -> SqlStr {
        match self {
            Self::Fixed(statement) => SqlStr::from_static(statement.sqlite),
            Self::Made(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }

    fn of_postgres(self) -> SqlStr {
        match self {
            Self::Fixed(statement) => SqlStr::from_static(statement.postgres),
            Self::Made(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }
}

/// A statement with the values it was given so far.
pub(crate) struct Query<'q> {
    statement: Text,
    values: Vec<Datum<'q>>,
}

/// A statement whose rows are each a `T`.
pub(crate) struct QueryAs<'q, T> {
    query: Query<'q>,
    rows: PhantomData<fn() -> T>,
}

/// A statement whose rows have one column.
pub(crate) struct QueryScalar<'q, T>(QueryAs<'q, (T,)>);

pub(crate) fn query<'q>(statement: impl Into<Text>) -> Query<'q> {
    Query {
        statement: statement.into(),
        values: Vec::new(),
    }
}

pub(crate) fn query_as<'q, T>(statement: impl Into<Text>) -> QueryAs<'q, T> {
    QueryAs {
        query: query(statement),
        rows: PhantomData,
    }
}

pub(crate) fn query_scalar<'q, T>(statement: impl Into<Text>) -> QueryScalar<'q, T> {
    QueryScalar(query_as(statement))
}

impl<'q> Query<'q> {
    pub(crate) fn bind(mut self, value: impl Into<Datum<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Returns how many rows were touched.
    pub(crate) async fn execute(self, on: &mut Connection) -> Result<u64, sqlx::Error> {
        let (statement, values) = (self.statement, self.values);
        let patience = on.patience();
        match on.link() {
            Link::Sqlite(link) => {
                let query = sqlx::query_with(statement.of_sqlite(), of_sqlite(values)?);
                Ok(query.execute(link).await?.rows_affected())
            }
            Link::Postgres(link) => {
                let query = sqlx::query_with(statement.of_postgres(), of_postgres(values)?);
                let done = within(patience, query.execute(link)).await?;
                Ok(done.rows_affected())
            }
        }
    }
}

impl<'q, T: Record> QueryAs<'q, T> {
    pub(crate) fn bind(mut self, value: impl Into<Datum<'q>>) -> Self {
        self.query = self.query.bind(value);
        self
    }

    pub(crate) async fn fetch_all(self, on: &mut Connection) -> Result<Vec<T>, sqlx::Error> {
        let Query { statement, values } = self.query;
        let patience = on.patience();
        match on.link() {
            Link::Sqlite(link) => {
                let query = sqlx::query_as_with(statement.of_sqlite(), of_sqlite(values)?);
                query.fetch_all(link).await
            }
            Link::Postgres(link) => {
                let query = sqlx::query_as_with(statement.of_postgres(), of_postgres(values)?);
                within(patience, query.fetch_all(link)).await
            }
        }
    }

    pub(crate) async fn fetch_optional(
        self,
        on: &mut Connection,
    ) -> Result<Option<T>, sqlx::Error> {
        let Query { statement, values } = self.query;
        let patience = on.patience();
        match on.link() {
            Link::Sqlite(link) => {
                let query = sqlx::query_as_with(statement.of_sqlite(), of_sqlite(values)?);
                query.fetch_optional(link).await
            }
            Link::Postgres(link) => {
                let query = sqlx::query_as_with(statement.of_postgres(), of_postgres(values)?);
                within(patience, query.fetch_optional(link)).await
            }
        }
    }

    pub(crate) async fn fetch_one(self, on: &mut Connection) -> Result<T, sqlx::Error> {
        let row = self.fetch_optional(on).await?;
        row.ok_or(sqlx::Error::RowNotFound)
    }
}

impl<'q, T> QueryScalar<'q, T>
where
    (T,): Record,
{
    pub(crate) fn bind(mut self, value: impl Into<Datum<'q>>) -> Self {
        self.0 = self.0.bind(value);
        self
    }

    pub(crate) async fn fetch_all(self, on: &mut Connection) -> Result<Vec<T>, sqlx::Error> {
        let rows = self.0.fetch_all(on).await?;
        Ok(rows.into_iter().map(|(value,)| value).collect())
    }

    pub(crate) async fn fetch_optional(
        self,
        on: &mut Connection,
    ) -> Result<Option<T>, sqlx::Error> {
        let row = self.0.fetch_optional(on).await?;
        Ok(row.map(|(value,)| value))
    }

    pub(crate) async fn fetch_one(self, on: &mut Connection) -> Result<T, sqlx::Error> {
        let (value,) = self.0.fetch_one(on).await?;
        Ok(value)
    }
}

/// Runs a text of any number of statements, without values and without rows.
pub(crate) async fn run(
    on: &mut Connection,
    text: impl Into<Cow<'static, str>>,
) -> Result<(), sqlx::Error> {
    let patience = on.patience();
    // Every text here is one of this crate's own.
    let text = sqlx::raw_sql(AssertSqlSafe(text.into().into_owned()));
    match on.link() {
        Link::Sqlite(link) => {
            link.execute(text).await?;
        }
        Link::Postgres(link) => {
            within(patience, link.execute(text)).await?;
        }
    }
    Ok(())
}

fn of_sqlite(values: Vec<Datum<'_>>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Datum::Flag(value) => arguments.add(value),
            Datum::Integer(value) => arguments.add(value),
            Datum::Text(value) => arguments.add(value.map(Cow::into_owned)),
            Datum::Blob(value) => arguments.add(value.map(Cow::into_owned)),
            // For `json_each`.
            Datum::Texts(values) => serde_json::to_string(&values)
                .map_err(Into::into)
                .and_then(|list| arguments.add(list)),
            // Of statements that only PostgreSQL has.
            Datum::Flags(_) | Datum::Integers(_) | Datum::Blobs(_) => {
                Err("SQLite takes no such list".into())
            }
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn of_postgres(values: Vec<Datum<'_>>) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Datum::Flag(value) => arguments.add(value),
            Datum::Integer(value) => arguments.add(value),
            Datum::Text(value) => arguments.add(value),
            Datum::Blob(value) => arguments.add(value.map(Cow::into_owned)),
            Datum::Flags(values) => arguments.add(values),
            Datum::Integers(values) => arguments.add(values),
            Datum::Texts(values) => arguments.add(values),
            Datum::Blobs(values) => arguments.add(values),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
