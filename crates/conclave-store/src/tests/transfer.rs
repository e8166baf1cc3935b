use std::sync::Arc;

use conclave_auth::{Revocation, Revocations, Revoked, Users};
use conclave_core::{MemoryRooms, RoomStore};
use conclave_protocol::TokenId;
use conclave_testkit::ports::{Ear, room_limits, rooms_agree};
use conclave_testkit::postgres::Database;
use tokio::sync::Notify;

use super::rooms::{plain, room, say, stamp};
use super::{Fixture, connect, count, second, stored, user};
use crate::transfer::TABLES;
use crate::{Address, Progress, RoomLimits, Step, StoreError, Transferred, sql, transfer};

/// Rooms as chance would have them, one with many messages, and users.
async fn lived_in() -> Fixture {
    let fixture = Fixture::new().await;
    let (ear, plain_ear) = (Arc::new(Ear::default()), Arc::new(Ear::default()));
    let rooms = fixture
        .store
        .rooms(ear.clone(), RoomLimits::of(&room_limits()));
    let in_memory = MemoryRooms::new(plain_ear.clone(), &room_limits());
    rooms_agree((&in_memory, &plain_ear), (&rooms, &ear), 11, 400).await;
    let large = room(&rooms, "large").await;
    rooms
        .fill(&large, vec![user("ann"), user("bob")], 2500, stamp(1))
        .await
        .unwrap();
    let store = &fixture.store;
    store.add(&stored("alice"), second(0)).await.unwrap();
    let mut disabled = stored("zoë");
    disabled.disabled = true;
    store.add(&disabled, second(0)).await.unwrap();
    store.remove(&user("alice"), second(1)).await.unwrap();
    let revoked = Revoked::Token(TokenId([7; 16]));
    let until = None;
    store.revoke(&Revocation { revoked, until }).await.unwrap();
    store.close().await.unwrap();
    fixture
}

async fn run(fixture: &Fixture, database: &Database) -> Result<Transferred, StoreError> {
    let to = Address::parse(database.url()).unwrap();
    transfer(&fixture.database(), &to, &mut |_| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_postgresql_is_the_one_that_was_in_the_file() {
    let (fixture, database) = (lived_in().await, Database::new());
    let done = run(&fixture, &database).await.unwrap();
    assert_eq!(usize::try_from(done.tables).unwrap(), TABLES.len());
    assert_eq!(done.replaced, 0);
    let (before, after) = (fixture.again().await, connect(database.url()).await);
    assert_eq!(after.check().await.unwrap(), []);
    let (mut one, mut other) = (Vec::new(), Vec::new());
    before.export(&mut one).await.unwrap();
    after.export(&mut other).await.unwrap();
    assert!(one.len() > 100_000);
    assert_eq!(one, other);
    assert_eq!(
        after.list(None, 10).await.unwrap(),
        before.list(None, 10).await.unwrap()
    );
    assert_eq!(
        after.changes(0, 10).await.unwrap(),
        before.changes(0, 10).await.unwrap()
    );
    assert_eq!(
        after.after(0, 10).await.unwrap(),
        before.after(0, 10).await.unwrap()
    );
    // Numbers go on where they were.
    let last = count(&before, "SELECT MAX(number) FROM events").await;
    let keys = count(
        &before,
        "SELECT seq FROM sqlite_sequence WHERE name = 'rooms'",
    )
    .await;
    let after = Arc::new(after);
    let rooms = after.rooms(Arc::new(Ear::default()), RoomLimits::default());
    let next = room(&rooms, "next").await;
    say(&rooms, &next, 1 << 100, "hello").await;
    let replay = rooms.events(&plain("ann"), &next, 0, 9).await.unwrap();
    let numbers: Vec<u64> = replay.events.iter().map(|event| event.number).collect();
    let last = u64::try_from(last).unwrap();
    assert_eq!(numbers, [last + 1, last + 2]);
    assert_eq!(
        count(&after, "SELECT MAX(key) FROM rooms").await,
        keys + 1,
        "no key of a room that was is used again"
    );
    before.close().await.unwrap();
    let again = run(&fixture, &database).await.unwrap_err();
    assert!(matches!(again, StoreError::NotEmpty { .. }), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_transfer_goes_on_and_no_store_opens_before_its_end() {
    let (fixture, database) = (lived_in().await, Database::new());
    let to = Address::parse(database.url()).unwrap();
    let interrupt = Arc::new(Notify::new());
    let interrupted = interrupt.clone();
    let mut seen = |progress: Progress| {
        if progress.table == "messages" {
            interrupted.notify_one();
        }
    };
    let path = fixture.database();
    tokio::select! {
        biased;
        () = interrupt.notified() => {}
        done = transfer(&path, &to, &mut seen) => panic!("{done:?}"),
    }
    let opened = crate::Store::connect(&to, crate::PostgresOptions::default()).await;
    let error = opened.unwrap_err();
    assert!(matches!(error, StoreError::Unfinished { .. }), "{error:?}");
    let mut first = None;
    let mut seen = |progress: Progress| {
        if progress.table == "messages" && progress.step == Step::Copy {
            first.get_or_insert(progress.rows);
        }
    };
    // What held the file and the database a moment ago may not have ended yet.
    let done = loop {
        match transfer(&path, &to, &mut seen).await {
            Err(StoreError::InUse { .. }) => tokio::task::yield_now().await,
            done => break done.unwrap(),
        }
    };
    assert!(first.unwrap() > 1000, "{first:?}");
    assert!(done.rows > 5000);
    assert_eq!(connect(database.url()).await.check().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrives_otherwise_is_found() {
    let (fixture, database) = (lived_in().await, Database::new());
    let to = Address::parse(database.url()).unwrap();
    let address = to.clone();
    let meddle = async || {
        let patience = std::time::Duration::from_secs(5);
        let mut other = crate::postgres::plain(&address, patience).await.unwrap();
        let wrong = "UPDATE messages SET content = content || '!' WHERE seq = 900";
        sql::run(&mut other, wrong).await.unwrap();
    };
    let mut first = true;
    let mut progress = |progress: Progress| {
        if progress.step == Step::Compare && std::mem::take(&mut first) {
            // Nothing is compared meanwhile.
            let here = tokio::runtime::Handle::current();
            tokio::task::block_in_place(|| here.block_on(meddle()));
        }
    };
    let path = fixture.database();
    let error = transfer(&path, &to, &mut progress).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Differs {
                table: "messages",
                ..
            }
        ),
        "{error:?}"
    );
    let opened = crate::Store::connect(&to, crate::PostgresOptions::default()).await;
    assert!(matches!(opened, Err(StoreError::Unfinished { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_a_server_has_open_is_left_alone() {
    let (fixture, database) = (Fixture::new().await, Database::new());
    let error = run(&fixture, &database).await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nul_that_postgresql_cannot_keep_is_replaced_and_counted() {
    let (fixture, database) = (Fixture::new().await, Database::new());
    let rooms = fixture.rooms(Arc::new(Ear::default()));
    let id = room(&rooms, "room").await;
    say(&rooms, &id, 1, "a\0b").await;
    fixture.store.close().await.unwrap();
    let done = run(&fixture, &database).await.unwrap();
    assert_eq!(done.replaced, 1);
    let mut out = Vec::new();
    connect(database.url())
        .await
        .export(&mut out)
        .await
        .unwrap();
    assert!(String::from_utf8(out).unwrap().contains("a\u{fffd}b"));
}

/// The columns of all tables, as a database says.
async fn columns(fixture: &Fixture, statement: &'static str) -> Vec<(String, String)> {
    let mut glance = fixture.store.glance().await.unwrap();
    let columns = sql::query_as(sql::Statement::new(statement, &[]));
    columns.fetch_all(&mut glance).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_of_every_table_is_brought_over() {
    let of_sqlite = "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c \
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let of_postgres = "SELECT table_name::text, column_name::text \
        FROM information_schema.columns WHERE table_schema = 'public'";
    let mut known: Vec<(String, String)> = TABLES
        .iter()
        .flat_map(|table| {
            let columns = table.columns.iter();
            columns.map(|(column, _)| (table.name.to_owned(), (*column).to_owned()))
        })
        .collect();
    known.sort_unstable();
    for (fixture, statement) in [
        (Fixture::new().await, of_sqlite),
        (Fixture::in_postgres().await, of_postgres),
    ] {
        let mut found = columns(&fixture, statement).await;
        found.retain(|(table, _)| table != "schema_versions" && table != "leases");
        found.sort_unstable();
        assert_eq!(found, known);
    }
}
