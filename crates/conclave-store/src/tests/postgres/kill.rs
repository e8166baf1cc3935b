//! A node that is killed while it writes.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use conclave_core::{Page, RoomStore};
use conclave_protocol::RoomId;
use conclave_testkit::postgres::Database;
use tokio::task::JoinSet;

use super::deaf_node;
use crate::tests::connect;
use crate::tests::rooms::{new, plain, room, say, stamp};

/// Names the database to the process that is to be killed.
const VICTIM_OF: &str = "CONCLAVE_TEST_VICTIM_OF";

/// Only as the process that the test below starts; it says what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_victim_sends_until_it_is_killed() {
    let Some(url) = std::env::var_os(VICTIM_OF) else {
        return;
    };
    let rooms = deaf_node(url.to_str().unwrap()).await;
    let room = RoomId::new("room").unwrap();
    let run = u128::from(std::process::id()) << 64;
    let mut sends = JoinSet::new();
    for sender in 0..16_u128 {
        let (rooms, room) = (rooms.clone(), room.clone());
        sends.spawn(async move {
            for number in 0.. {
                let id = run | sender << 32 | number;
                let sent = rooms
                    .send(&plain("ann"), new(&room, id, "hello"), stamp(1))
                    .await;
                println!("\nACKED {} {id} .", sent.unwrap().message.seq);
            }
        });
    }
    sends.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_loses_nothing_that_it_acknowledged() {
    let database = Database::new();
    let rooms = deaf_node(database.url()).await;
    let room = room(&rooms, "room").await;
    let mut acked: HashMap<u128, u64> = HashMap::new();
    for round in 1..=ROUNDS {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(VICTIM_OF, database.url())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        let enough = acked.len() + 97 * round;
        for line in lines.map_while(Result::ok) {
            // The last line may be cut.
            if let ["ACKED", seq, id, "."] = *line.split(' ').collect::<Vec<_>>() {
                acked.insert(id.parse().unwrap(), seq.parse().unwrap());
            }
            if acked.len() == enough {
                victim.kill().unwrap();
            }
        }
        victim.wait().unwrap();
        // The other node goes on at once.
        say(&rooms, &room, u128::try_from(round).unwrap(), "between").await;
    }
    let mut stored: HashMap<u128, u64> = HashMap::new();
    let mut after = 0;
    loop {
        let page = Page {
            after: Some(after),
            before: None,
            limit: 500,
        };
        let page = rooms.messages(&plain("bob"), &room, page).await.unwrap();
        let Some(last) = page.messages.first() else {
            break;
        };
        after = last.seq;
        for message in page.messages {
            assert_eq!(stored.insert(message.id.0, message.seq), None, "twice");
        }
    }
    assert!(acked.len() >= 97 * ROUNDS);
    for (id, seq) in acked {
        assert_eq!(stored.get(&id), Some(&seq), "{id} was acknowledged");
    }
    let store = connect(database.url()).await;
    assert_eq!(store.check().await.unwrap(), []);
}

const ROUNDS: usize = 4;
const NAME: &str = "tests::postgres::kill::the_victim_sends_until_it_is_killed";
