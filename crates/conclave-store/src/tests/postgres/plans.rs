//! How PostgreSQL goes about the statements.

use std::sync::Arc;

use conclave_testkit::ports::{self, Ear, room_limits};
use conclave_testkit::postgres::Database;
use sqlx::{AssertSqlSafe, Row};

use crate::error::Fault;
use crate::sql::{self, Connection, Link};
use crate::{Address, PostgresOptions, RoomLimits, Store};

/// A store whose reads all go by one connection.
async fn narrow(database: &Database) -> Arc<Store> {
    let address = Address::parse(database.url()).unwrap();
    let options = PostgresOptions {
        readers: 1,
        ..PostgresOptions::default()
    };
    Arc::new(Store::connect(&address, options).await.unwrap())
}

/// Every table is searched by an index, with a condition, whatever it is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_goes_by_a_condition_of_an_index() {
    let (database, other_database) = (Database::new(), Database::new());
    let (store, other) = (narrow(&database).await, narrow(&other_database).await);
    let ear = Arc::new(Ear::default());
    let rooms = store.rooms(ear.clone(), RoomLimits::of(&room_limits()));
    ports::rooms_conformance(&rooms, &ear).await;
    ports::users_conformance(&*store).await;
    ports::sessions_conformance(&*store).await;
    ports::refresh_families_conformance(&*store).await;
    ports::revocations_conformance(&*store).await;
    ports::api_keys_conformance(&*store).await;
    ports::idempotency_conformance(&*store).await;
    let rooms = other.rooms(ear, RoomLimits::default());
    ports::webhooks_conformance(&*other, &rooms, &*other).await;
    let mut offences = Vec::new();
    for store in [store, other] {
        offences.extend(scans(&mut store.glance().await.unwrap()).await);
        let written = store
            .writer()
            .write(async |connection| Ok::<_, Fault>(scans(connection).await));
        offences.extend(written.await.unwrap());
    }
    // In the order of the index, up to a `LIMIT`.
    offences.retain(|offence| !offence.starts_with("SELECT room FROM room_remains ORDER BY"));
    assert_eq!(offences, Vec::<String>::new());
}

/// The statements that were prepared on a connection and read a table or an index as a whole.
async fn scans(connection: &mut Connection) -> Vec<String> {
    sql::run(connection, "SET plan_cache_mode = force_generic_plan")
        .await
        .unwrap();
    let Link::Postgres(link) = connection.link() else {
        panic!("in PostgreSQL")
    };
    let prepared = "SELECT name, statement, cardinality(parameter_types) \
        FROM pg_prepared_statements WHERE statement ~ '^(SELECT|UPDATE|INSERT|DELETE|WITH)'";
    let prepared = sqlx::raw_sql(prepared).fetch_all(&mut *link).await.unwrap();
    assert!(prepared.len() > 5, "{}", prepared.len());
    let mut offences = Vec::new();
    for row in prepared {
        let (name, statement): (String, String) = (row.get(0), row.get(1));
        let nothing = vec!["NULL"; usize::try_from(row.get::<i32, _>(2)).unwrap()].join(", ");
        let nothing = if nothing.is_empty() {
            nothing
        } else {
            format!("({nothing})")
        };
        let explain = AssertSqlSafe(format!("EXPLAIN (COSTS OFF) EXECUTE {name}{nothing}"));
        let plan = sqlx::raw_sql(explain).fetch_all(&mut *link).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|line| line.get(0)).collect();
        for (at, line) in plan.iter().enumerate() {
            let by_index = line.contains("Index Scan") || line.contains("Index Only Scan");
            let bounded = plan
                .get(at + 1)
                .is_some_and(|next| next.contains("Index Cond"));
            if line.contains("Seq Scan") || by_index && !bounded {
                offences.push(format!("{statement}\n{line}"));
            }
        }
    }
    offences
}
