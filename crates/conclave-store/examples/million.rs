//! How long a store of a room of a million messages takes to open, and what is read of it.
//! `million FOLDER [MESSAGES]`; the folder's database is made where it is missing.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement on a real disk, for people"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use conclave_core::{Actor, NewRoom, Origin, Outlet, Page, RoomStore, Stamp};
use conclave_protocol::{Channel, CreateRoom, Event, RoomId, RoomKind, UserId};
use conclave_store::{RoomLimits, Store, StoreOptions, StoredRooms};
use sqlx::{ConnectOptions, Connection};

struct Nobody;

impl Outlet for Nobody {
    fn publish(&self, _: Channel, _: Arc<Event>, _: Origin) {}
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap();
    let count = arguments
        .next()
        .map_or(1_000_000, |text| text.parse().unwrap());
    let path = Path::new(&folder).join("million.db");
    let ann = Actor::plain(UserId::new("user-0").unwrap());
    let room = RoomId::new("room").unwrap();
    if !path.exists() {
        let store = open(&path).await;
        create(&rooms(&store), &ann, &room).await;
        store.close().await.unwrap();
        fill(&path, count).await;
    }
    let began = Instant::now();
    let store = open(&path).await;
    let rooms = rooms(&store);
    let newest = rooms.messages(&ann, &room, page(None)).await.unwrap();
    println!("open and first page: {:?}", began.elapsed());
    let last = newest.messages.first().unwrap().seq;
    for (name, before) in [
        ("newest page", None),
        ("10,000 back", Some(last - 10_000)),
        ("oldest page", Some(60)),
    ] {
        let time = median(|| rooms.messages(&ann, &room, page(before))).await;
        println!("{name}: {time:?}");
    }
    let events = median(|| rooms.events(&ann, &room, last - 1000, 1000)).await;
    println!("the last 1,000 events: {events:?}");
    println!("the room: {:?}", median(|| rooms.room(&ann, &room)).await);
    let offline = median(|| rooms.offline_count(&ann.user)).await;
    let shown = rooms.offline_count(&ann.user).await.unwrap();
    println!("{shown} offline, counted in {offline:?}");
    let listed = median(|| rooms.offline(&ann.user, None, 500)).await;
    println!("the first 500 of them: {listed:?}");
    let began = Instant::now();
    let findings = store.check().await.unwrap();
    println!(
        "check: {} findings in {:?}",
        findings.len(),
        began.elapsed()
    );
    store.close().await.unwrap();
}

async fn open(path: &Path) -> Arc<Store> {
    let store = Store::open(path, StoreOptions::default()).await;
    Arc::new(store.unwrap())
}

fn rooms(store: &Arc<Store>) -> StoredRooms {
    store.rooms(Arc::new(Nobody), RoomLimits::default())
}

const fn page(before: Option<u64>) -> Page {
    Page {
        before,
        after: None,
        limit: 50,
    }
}

async fn median<T, E, W>(read: impl Fn() -> W) -> Duration
where
    W: Future<Output = Result<T, E>>,
    E: std::fmt::Debug,
{
    let mut times = Vec::new();
    for _ in 0..101 {
        let began = Instant::now();
        read().await.unwrap();
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[50]
}

async fn create(rooms: &StoredRooms, by: &Actor, id: &RoomId) {
    let room = CreateRoom {
        name: Some("room".into()),
        description: None,
        kind: RoomKind::Private,
        members: (1..100)
            .map(|number| UserId::new(&format!("user-{number}")).unwrap())
            .collect(),
    };
    let new = NewRoom {
        id: id.clone(),
        room,
    };
    rooms.create(by, new, Stamp::default()).await.unwrap();
}

/// Messages of all members in turn, written as the store writes them, but all at once.
async fn fill(path: &Path, count: i64) {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .pragma("cache_size", "-262144");
    let mut connection = options.connect().await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    for text in [
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1) \
         INSERT INTO messages (key, id, room, seq, ordinal, author, kind, content, client_id, \
         created_at, updated_at) SELECT n + 1, CAST(printf('%016d', n) AS BLOB), 1, n + 1, n, \
         'user-' || (n % 100), 'Text', 'message ' || n || ' of a million, of usual length', \
         'key-' || n, 1700000000000 + n, 1700000000000 + n FROM n",
    ] {
        let done = sqlx::query(text).bind(count);
        done.execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    connection.close().await.unwrap();
}
