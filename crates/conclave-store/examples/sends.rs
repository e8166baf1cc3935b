//! How many durable messages a second a store takes, and how long each waits: at 1, 16 and 256
//! senders, beside bare inserts by the same writer. `sends FOLDER|URL SECONDS`.
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

use conclave_core::{Actor, NewMessage, NewRoom, Origin, Outlet, RoomStore, Stamp};
use conclave_protocol::{
    Channel, CreateRoom, Event, MessageId, MessageKind, RoomId, RoomKind, SendMessage, Timestamp,
    UserId,
};
use conclave_store::{
    Address, PostgresOptions, RoomLimits, Store, StoreOptions, StoredRooms, Yardstick,
};

struct Nobody;

impl Outlet for Nobody {
    fn publish(&self, _: Channel, _: Arc<Event>, _: Origin) {}
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().unwrap();
    let seconds = arguments.next().map_or(5, |text| text.parse().unwrap());
    let store = if place.contains("://") {
        let address = Address::parse(&place).unwrap();
        Store::connect(&address, PostgresOptions::default()).await
    } else {
        let path = Path::new(&place).join("sends.db");
        Store::open(&path, StoreOptions::default()).await
    };
    let store = store.unwrap();
    let store = Arc::new(store);
    let rooms = store.rooms(Arc::new(Nobody), RoomLimits::default());
    let ids = prepare(&rooms).await;
    let yardstick = Arc::new(Yardstick::new(&store).await.unwrap());
    let length = Duration::from_secs(seconds);
    for senders in [1, 16, 256] {
        let yardstick = Arc::clone(&yardstick);
        let bare = rate(senders, length, move |_, _| {
            let yardstick = Arc::clone(&yardstick);
            async move { yardstick.insert(TEXT).await.unwrap() }
        });
        println!("{senders:4} bare: {}", bare.await);
        let (rooms, ids) = (rooms.clone(), ids.clone());
        let sends = rate(senders, length, move |sender, number| {
            let (rooms, room) = (rooms.clone(), ids[sender % ids.len()].clone());
            async move { send(&rooms, room, (senders, sender, number)).await }
        });
        println!("{senders:4} send: {}", sends.await);
    }
    store.close().await.unwrap();
}

fn user(number: usize) -> UserId {
    UserId::new(&format!("user_{number:026}")).unwrap()
}

/// Sixteen rooms of everybody.
async fn prepare(rooms: &StoredRooms) -> Vec<RoomId> {
    let mut ids = Vec::new();
    for number in 0..16 {
        let id = RoomId::new(&format!("room-{number}")).unwrap();
        let room = CreateRoom {
            name: Some("room".into()),
            description: None,
            kind: RoomKind::Private,
            members: (0..256).map(user).collect(),
        };
        let new = NewRoom {
            id: id.clone(),
            room,
        };
        let by = Actor::plain(user(0));
        rooms.create(&by, new, Stamp::default()).await.unwrap();
        ids.push(id);
    }
    ids
}

async fn send(rooms: &StoredRooms, room: RoomId, (run, sender, number): (usize, usize, usize)) {
    let millis = Instant::now().elapsed().as_millis();
    let id = u128::try_from(number).unwrap() << 64
        | u128::try_from(run).unwrap() << 32
        | u128::try_from(sender).unwrap()
        | millis;
    let message = SendMessage {
        room,
        content: TEXT.into(),
        kind: MessageKind::Text,
        reply_to: None,
        client_id: Some(format!("{run}-{sender}-{number}").into()),
        id: None,
    };
    let new = NewMessage {
        answer: None,
        under: None,
        id: MessageId(id),
        message,
    };
    let stamp = Stamp {
        at: Timestamp::from_millis(1_700_000_000_000),
        ..Stamp::default()
    };
    let by = Actor::plain(user(sender));
    rooms.send(&by, new, stamp).await.unwrap();
}

/// Runs `act(sender, number)` again and again for each sender.
async fn rate<F, W>(senders: usize, length: Duration, act: F) -> String
where
    F: Fn(usize, usize) -> W + Clone + Send + 'static,
    W: Future<Output = ()> + Send,
{
    let began = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for sender in 0..senders {
        let act = act.clone();
        running.spawn(async move {
            let mut waits = Vec::new();
            while began.elapsed() < length {
                let asked = Instant::now();
                act(sender, waits.len()).await;
                waits.push(asked.elapsed());
            }
            waits
        });
    }
    let mut waits: Vec<Duration> = running.join_all().await.concat();
    let elapsed = began.elapsed();
    waits.sort_unstable();
    let at = |part: usize| waits[(waits.len() - 1) * part / 100];
    let each = elapsed / u32::try_from(waits.len()).unwrap();
    let second = 1_000_000_000 / each.as_nanos().max(1);
    format!(
        "{second} a second; waits p50 {:?}, p99 {:?}",
        at(50),
        at(99)
    )
}

const TEXT: &str = "A message of about a hundred bytes, as people write them to each other in \
    rooms where much is said.";
