//! A database that goes away, hangs, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use conclave_auth::Users;
use conclave_core::{RoomFault, RoomStore};
use conclave_testkit::postgres::Server;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::deaf_node;
use crate::error::Fault;
use crate::sql::Statement;
use crate::tests::rooms::{new, plain, room, say, stamp};
use crate::tests::{connect, second, stored, user};
use crate::{Address, PostgresOptions, Store, StoreError, sql};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_without_a_database_is_unavailable_and_nothing_of_it_is_stored() {
    let server = Server::new("");
    let url = server.database();
    let rooms = deaf_node(&url).await;
    let users = connect(&url).await;
    let room = room(&rooms, "room").await;
    say(&rooms, &room, 1, "before").await;
    users.add(&stored("alice"), second(0)).await.unwrap();
    server.stop();
    let ann = plain("ann");
    let lost = rooms.send(&ann, new(&room, 2, "lost"), stamp(2)).await;
    assert!(matches!(lost, Err(RoomFault::Unavailable(_))), "{lost:?}");
    let read = rooms.room(&ann, &room).await;
    assert!(matches!(read, Err(RoomFault::Unavailable(_))), "{read:?}");
    assert!(users.find(&user("alice")).await.is_err());
    assert!(users.add(&stored("bob"), second(1)).await.is_err());
    server.start();
    // At once, without a failure in between.
    let after = say(&rooms, &room, 3, "after").await;
    assert_eq!(after.seq, 3, "nothing is between them");
    assert!(users.find(&user("alice")).await.unwrap().is_some());
    assert!(users.find(&user("bob")).await.unwrap().is_none());
    assert_eq!(users.check().await.unwrap(), []);
}

/// A host that takes connections and says nothing, as one behind a broken network.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_silent_database_waits_once() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://conclave@127.0.0.1:{port}/chat?sslmode=disable");
    let address = Address::parse(&url).unwrap();
    let options = PostgresOptions {
        statement_timeout: Duration::from_millis(100),
        ..PostgresOptions::default()
    };
    let store = Arc::new(Store::over(&address, options).unwrap());
    let mut adds = JoinSet::new();
    for number in 0..900 {
        let store = store.clone();
        adds.spawn(async move { store.add(&stored(&format!("{number}")), second(0)).await });
    }
    let all = tokio::time::timeout(Duration::from_secs(6), adds.join_all()).await;
    assert!(all.unwrap().iter().all(Result::is_err));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_died_while_nobody_asked_are_not_noticed() {
    let server = Server::new("");
    let url = server.database();
    let rooms = deaf_node(&url).await;
    let room = room(&rooms, "room").await;
    say(&rooms, &room, 1, "before").await;
    rooms.room(&plain("ann"), &room).await.unwrap();
    for number in 2..5 {
        server.stop();
        server.start();
        rooms.room(&plain("ann"), &room).await.unwrap();
        say(&rooms, &room, number, "after").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_hangs_inside_a_transaction_holds_nobody_for_long() {
    let server = Server::new("");
    let url = server.database();
    let address = Address::parse(&url).unwrap();
    let options = PostgresOptions {
        statement_timeout: Duration::from_millis(700),
        ..PostgresOptions::default()
    };
    let hung = Arc::new(Store::connect(&address, options).await.unwrap());
    let (begun, release) = (Arc::new(Notify::new()), hung.clone());
    let begin = begun.clone();
    let mut hanging = JoinSet::new();
    hanging.spawn(async move {
        let held = release.writer().write(async move |_| {
            begin.notify_one();
            std::future::pending::<()>().await;
            Ok::<(), Fault>(())
        });
        held.await
    });
    begun.notified().await;
    let other = connect(&url).await;
    other.add(&stored("alice"), second(0)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_long_is_ended() {
    let server = Server::new("");
    let address = Address::parse(&server.database()).unwrap();
    let options = PostgresOptions {
        statement_timeout: Duration::from_millis(300),
        ..PostgresOptions::default()
    };
    let store = Store::connect(&address, options).await.unwrap();
    let slow = store.writer().write(async |connection| {
        sql::run(connection, "SELECT pg_sleep(60)").await?;
        Ok::<(), Fault>(())
    });
    assert!(slow.await.is_err());
    let mut glance = store.glance().await.unwrap();
    let error = sql::run(&mut glance, "SELECT pg_sleep(60)").await;
    assert!(error.is_err());
    store.add(&stored("alice"), second(0)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_loses_a_deadlock_is_done_again() {
    let server = Server::new("");
    let url = server.database();
    let store = connect(&url).await;
    let other = connect(&url).await;
    store.add(&stored("alice"), second(0)).await.unwrap();
    let (attempts, holding) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    // Somebody who is no node, and takes the locks the other way about.
    let mut stranger = other.glance().await.unwrap();
    let take = "SET deadlock_timeout = '60s'; SET statement_timeout = '60s'; \
        BEGIN; SELECT 1 FROM users WHERE name = 'alice' FOR UPDATE";
    sql::run(&mut stranger, take).await.unwrap();
    let (counted, hold) = (attempts.clone(), holding.clone());
    let write = store.writer().write(async move |connection| {
        let attempt = counted.fetch_add(1, Ordering::SeqCst);
        hold.notify_one();
        // The other one must wait first: only who comes to wait last sees the deadlock.
        let waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted";
        let waiting = Statement::new(waiting, &[]);
        while attempt == 0
            && sql::query_scalar::<i64>(waiting)
                .fetch_one(connection)
                .await?
                == 0
        {}
        sql::run(
            connection,
            "UPDATE users SET disabled = TRUE WHERE name = 'alice'",
        )
        .await?;
        Ok::<(), Fault>(())
    });
    let strange = async {
        holding.notified().await;
        let take = "SELECT 1 FROM counters WHERE name = 'event' FOR UPDATE";
        sql::run(&mut stranger, take).await.unwrap();
        sql::run(&mut stranger, "ROLLBACK").await.unwrap();
    };
    let (written, ()) = tokio::join!(write, strange);
    written.unwrap();
    // On a busy machine the other one may come too late for the first time that it could go.
    assert!(attempts.load(Ordering::SeqCst) >= 2);
    assert!(store.find(&user("alice")).await.unwrap().unwrap().disabled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_there_is_named_without_its_password() {
    let url = "postgres://conclave:hunter2@127.0.0.1:1/chat";
    let address = Address::parse(url).unwrap();
    let error = Store::connect(&address, PostgresOptions::default()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    let line = "postgres://127.0.0.1:1/chat: the database cannot be opened";
    assert_eq!(error.to_string(), line);
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}
