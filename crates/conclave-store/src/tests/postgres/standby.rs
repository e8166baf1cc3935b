//! A replica for pages of history.

use std::sync::Arc;

use conclave_core::{Page, RoomFault, RoomStore};
use conclave_testkit::ports::Ear;
use conclave_testkit::postgres::Server;

use crate::tests::rooms::{plain, room, say};
use crate::{Address, PostgresOptions, RoomLimits, Store};

const NEWEST: Page = Page {
    before: None,
    after: None,
    limit: 100,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_read_from_a_replica_as_far_as_it_goes() {
    let primary = Server::new("");
    let url = primary.database();
    let standby = primary.standby();
    let name = primary.name_of(&url);
    let options = PostgresOptions {
        replica: Some(Address::parse(&standby.url(name)).unwrap()),
        ..PostgresOptions::default()
    };
    let address = Address::parse(&url).unwrap();
    let store = Arc::new(Store::connect(&address, options).await.unwrap());
    let rooms = store.rooms(Arc::new(Ear::default()), RoomLimits::default());
    let room = room(&rooms, "room").await;
    for number in 1..=3 {
        say(&rooms, &room, number, "early").await;
    }
    let position = primary.say(name, "SELECT pg_current_wal_lsn()");
    let reached = format!("SELECT pg_last_wal_replay_lsn() >= '{position}'");
    while standby.say(name, &reached) != "t" {
        tokio::task::yield_now().await;
    }
    // From here on it stands still.
    standby.say(name, "SELECT pg_wal_replay_pause()");
    say(&rooms, &room, 4, "late").await;
    primary.say(
        name,
        "UPDATE messages SET content = 'changed' WHERE seq = 2",
    );
    let contents = async |page: Page| -> Vec<String> {
        let page = rooms.messages(&plain("bob"), &room, page).await.unwrap();
        let messages = page.messages.into_iter().rev();
        messages.map(|message| message.content.into()).collect()
    };
    let all = ["changed", "early", "early", "late"];
    assert_eq!(contents(NEWEST).await, all, "from the primary");
    let earlier = Page {
        before: Some(4),
        ..NEWEST
    };
    assert_eq!(
        contents(earlier).await,
        ["early", "early"],
        "from the replica"
    );
    let stranger = rooms.messages(&plain("eve"), &room, earlier).await;
    assert!(
        matches!(stranger, Err(RoomFault::Refused { .. })),
        "{stranger:?}"
    );
    standby.stop();
    assert_eq!(contents(earlier).await, all[..2], "from the primary");
}

/// One whose host takes connections and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_replica_is_left_alone() {
    let primary = Server::new("");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let replica = format!("postgres://conclave@127.0.0.1:{port}/chat?sslmode=disable");
    let options = PostgresOptions {
        replica: Some(Address::parse(&replica).unwrap()),
        ..PostgresOptions::default()
    };
    let address = Address::parse(&primary.database()).unwrap();
    let store = Arc::new(Store::connect(&address, options).await.unwrap());
    let rooms = store.rooms(Arc::new(Ear::default()), RoomLimits::default());
    let room = room(&rooms, "room").await;
    say(&rooms, &room, 1, "hello").await;
    let twenty = async {
        for _ in 0..20 {
            let page = rooms.messages(&plain("bob"), &room, NEWEST).await.unwrap();
            assert_eq!(page.messages.len(), 1);
        }
    };
    let patience = std::time::Duration::from_secs(4);
    tokio::time::timeout(patience, twenty).await.unwrap();
}
