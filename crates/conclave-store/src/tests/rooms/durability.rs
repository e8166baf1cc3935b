use std::sync::{Arc, Mutex};

use conclave_core::{NewRoom, Origin, Outlet, Page, RoomFault, RoomStore};
use conclave_protocol::{Channel, CreateRoom, DeleteRoom, EraseMessage, Event, RoomId, RoomKind};
use conclave_testkit::ports::Ear;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::{new, plain, room, say, stamp};
use crate::error::Fault;
use crate::tests::durability::copy;
use crate::tests::{Fixture, count, database, on_each_database, open, user};
use crate::{RoomLimits, Store, StoredRooms, sql};

on_each_database! {
    what_is_not_committed_is_not_told,
    a_deleted_room_leaves_nothing,
    a_closed_store_is_unavailable,
    a_dm_is_made_once_by_both_at_once,
}

async fn contents(rooms: &StoredRooms, room: &RoomId) -> Vec<(u64, String)> {
    let page = Page {
        limit: 1000,
        ..Page::default()
    };
    let page = rooms.messages(&plain("bob"), room, page).await.unwrap();
    let messages = page.messages.into_iter().rev();
    messages
        .map(|message| (message.seq, message.content.into()))
        .collect()
}

fn deaf(store: Store) -> StoredRooms {
    Arc::new(store).rooms(Arc::new(Ear::default()), RoomLimits::default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_message_is_stored_at_any_moment() {
    let fixture = Fixture::new().await;
    let rooms = fixture.rooms(Arc::new(Ear::default()));
    let room = room(&rooms, "room").await;
    let mut sends = JoinSet::new();
    for number in 0..120_u128 {
        let (rooms, room) = (rooms.clone(), room.clone());
        sends.spawn(async move { say(&rooms, &room, number, &format!("{number}")).await });
    }
    let mut acknowledged = Vec::new();
    while let Some(message) = sends.join_next().await {
        let message = message.unwrap();
        acknowledged.push((message.seq, message.content.to_string()));
        if !acknowledged.len().is_multiple_of(30) {
            continue;
        }
        // Others are still writing.
        let crashed = tempfile::tempdir().unwrap();
        let path = database(crashed.path());
        copy(&fixture.database(), &path);
        let after = open(&path).await;
        assert_eq!(after.check().await.unwrap(), []);
        let stored = contents(&deaf(after), &room).await;
        let seqs: Vec<u64> = stored.iter().map(|(seq, _)| *seq).collect();
        let last = u64::try_from(stored.len()).unwrap() + 1;
        assert_eq!(seqs, (2..=last).collect::<Vec<_>>());
        for message in &acknowledged {
            assert!(stored.contains(message), "{message:?} was acknowledged");
        }
    }
    assert_eq!(acknowledged.len(), 120);
}

#[tokio::test]
async fn dropping_the_store_keeps_rooms_and_numbers() {
    let fixture = Fixture::new().await;
    let path = fixture.database();
    let ear = Arc::new(Ear::default());
    let rooms = fixture.rooms(ear);
    let room = room(&rooms, "room").await;
    say(&rooms, &room, 1, "kept").await;
    let before = rooms.events(&plain("ann"), &room, 0, 9).await.unwrap();
    drop(rooms);
    drop(fixture.store);
    let rooms = deaf(open(&path).await);
    let after = rooms.events(&plain("ann"), &room, 0, 9).await.unwrap();
    assert_eq!(after, before);
    let again = rooms
        .send(&plain("ann"), new(&room, 2, "kept"), stamp(2))
        .await;
    let again = again.unwrap().message;
    assert_eq!(again.seq, 3);
    let repeated = rooms
        .send(&plain("ann"), new(&room, 1, "kept"), stamp(2))
        .await;
    assert!(repeated.unwrap().repeated);
}

async fn what_is_not_committed_is_not_told(fixture: Fixture) {
    let ear = Arc::new(Ear::default());
    let rooms = fixture.rooms(ear.clone());
    let room = room(&rooms, "room").await;
    say(&rooms, &room, 1, "before").await;
    // The writer is held until both of the next commit wait; one of them ends it for all.
    let writer = fixture.store.writer();
    let (begun, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begin, held) = (Arc::clone(&begun), Arc::clone(&release));
    let hold = writer.write(async move |_| {
        begin.notify_one();
        held.notified().await;
        Ok(())
    });
    let ann = plain("ann");
    let both = async {
        begun.notified().await;
        let sent = rooms.send(&ann, new(&room, 2, "lost"), stamp(2));
        let ended = writer.write(async |connection| {
            sql::run(connection, "ROLLBACK").await?;
            Ok(())
        });
        tokio::join!(sent, ended, async { release.notify_one() })
    };
    let (hold, (sent, ended, ())) = tokio::join!(hold, both);
    let (hold, ended): (Result<(), Fault>, Result<(), Fault>) = (hold, ended);
    hold.unwrap();
    assert!(ended.is_err());
    assert!(matches!(sent, Err(RoomFault::Unavailable(_))), "{sent:?}");
    let stored = contents(&rooms, &room).await;
    let told = ear.messages();
    let stored: Vec<&str> = stored.iter().map(|(_, content)| content.as_str()).collect();
    assert_eq!((told, stored), (vec!["before".to_owned()], vec!["before"]));
    say(&rooms, &room, 3, "after").await;
    assert_eq!(fixture.store.check().await.unwrap(), []);
}

/// Remembers what of a room is stored when an event of it is told.
struct Witness {
    path: std::path::PathBuf,
    seen: Mutex<Vec<(u64, u64)>>,
}

impl Outlet for Witness {
    fn publish(&self, _: Channel, event: Arc<Event>, _: Origin) {
        let path = self.path.clone();
        // Another connection sees only what is committed.
        let stored = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.unwrap().block_on(async {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
                let last = sqlx::query_scalar("SELECT COALESCE(MAX(number), 0) FROM events");
                let last: i64 = last.fetch_one(&mut connection).await.unwrap();
                u64::try_from(last).unwrap()
            })
        });
        let pair = (event.number, stored.join().unwrap());
        self.seen.lock().unwrap().push(pair);
    }
}

#[tokio::test]
async fn an_event_is_told_when_it_is_committed_and_not_before() {
    let fixture = Fixture::new().await;
    let witness = Arc::new(Witness {
        path: fixture.database(),
        seen: Mutex::default(),
    });
    let rooms = fixture.rooms(witness.clone());
    let room = room(&rooms, "room").await;
    for number in 0..5 {
        say(&rooms, &room, number, "hello").await;
    }
    let seen = witness.seen.lock().unwrap().clone();
    assert_eq!(seen.iter().filter(|(number, _)| *number > 0).count(), 6);
    assert!(
        seen.iter().all(|(number, stored)| number <= stored),
        "{seen:?}"
    );
}

/// All of the file's and its log's bytes.
fn bytes(fixture: &Fixture) -> Vec<u8> {
    let mut bytes = std::fs::read(fixture.database()).unwrap();
    let log = format!("{}-wal", fixture.database().display());
    bytes.extend(std::fs::read(log).unwrap_or_default());
    bytes
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// By another connection, as none of ours is in a transaction.
async fn checkpoint(fixture: &Fixture) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(fixture.database());
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
    done.execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_deleted_text_is_not_in_the_file() {
    let fixture = Fixture::new().await;
    let rooms = fixture.rooms(Arc::new(Ear::default()));
    let room = room(&rooms, "room").await;
    let texts = ["a secret of ann", &"a long secret of ann ".repeat(90)];
    let mut messages = Vec::new();
    for (text, number) in texts.iter().zip(1..) {
        messages.push(say(&rooms, &room, number, text).await);
    }
    say(&rooms, &room, 9, "a word that stays").await;
    assert!(
        texts
            .iter()
            .all(|text| holds(&bytes(&fixture), &text[..14]))
    );
    for message in messages {
        let ask = EraseMessage {
            message: message.id,
            room: None,
        };
        rooms.erase(&plain("ann"), ask, stamp(2)).await.unwrap();
    }
    checkpoint(&fixture).await;
    let bytes = bytes(&fixture);
    assert!(holds(&bytes, "a word that stays"));
    assert!(!holds(&bytes, "secret of ann"));
}

async fn a_deleted_room_leaves_nothing(fixture: Fixture) {
    let rooms = fixture.rooms(Arc::new(Ear::default()));
    let room = room(&rooms, "room").await;
    for number in 0..300 {
        say(&rooms, &room, number, "a word of the room").await;
    }
    let ask = DeleteRoom { room };
    rooms.delete(&plain("ann"), ask, stamp(2)).await.unwrap();
    rooms.sweep().await.unwrap();
    for table in [
        "SELECT COUNT(*) FROM rooms",
        "SELECT COUNT(*) FROM members",
        "SELECT COUNT(*) FROM messages",
        "SELECT COUNT(*) FROM events",
        "SELECT COUNT(*) FROM receipt_log",
        "SELECT COUNT(*) FROM room_remains",
    ] {
        assert_eq!(count(&fixture.store, table).await, 0, "{table}");
    }
    if fixture.database.is_none() {
        checkpoint(&fixture).await;
        assert!(!holds(&bytes(&fixture), "a word of the room"));
    }
}

/// A store that is closed answers, and tells nothing.
async fn a_closed_store_is_unavailable(fixture: Fixture) {
    let ear = Arc::new(Ear::default());
    let rooms = fixture.rooms(ear.clone());
    let room = room(&rooms, "room").await;
    fixture.store.close().await.unwrap();
    let sent = rooms
        .send(&plain("ann"), new(&room, 1, "late"), stamp(2))
        .await;
    assert!(matches!(sent, Err(RoomFault::Unavailable(_))), "{sent:?}");
    let read = rooms.room(&plain("ann"), &room).await;
    assert!(matches!(read, Err(RoomFault::Unavailable(_))), "{read:?}");
    assert!(ear.messages().is_empty());
}

async fn a_dm_is_made_once_by_both_at_once(fixture: Fixture) {
    let rooms = fixture.rooms(Arc::new(Ear::default()));
    let mut creations = JoinSet::new();
    for number in 0..40 {
        let rooms = rooms.clone();
        let (by, other) = [("ann", "bob"), ("bob", "ann")][number % 2];
        creations.spawn(async move {
            let room = CreateRoom {
                name: None,
                description: None,
                kind: RoomKind::Dm,
                members: vec![user(other)],
            };
            let id = RoomId::new(&format!("dm-{number}")).unwrap();
            let new = NewRoom { id, room };
            rooms.create(&plain(by), new, stamp(1)).await.unwrap()
        });
    }
    let created = creations.join_all().await;
    assert_eq!(
        created.iter().filter(|created| !created.existing).count(),
        1
    );
    assert!(
        created
            .iter()
            .all(|other| other.room.id == created[0].room.id)
    );
}
