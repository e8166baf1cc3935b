use std::sync::Arc;
use std::time::Duration;

use conclave_auth::memory::{
    MemoryApiKeys, MemoryIdempotency, MemoryRefreshFamilies, MemoryRevocations, MemorySessions,
    MemoryUsers,
};
use conclave_auth::{MemoryTickets, TicketBounds};
use conclave_core::{
    CompletionFault, Ending, MemoryBus, MemoryCompletion, MemoryLeases, MemoryLedger, MemoryRooms,
    MemoryWallets, NodeId, Token,
};
use conclave_protocol::{Clock, Finish, Timestamp, Usage};

use super::FakeClock;
use super::ports::{
    BusOrder, Ear, Joined, Prompter, api_keys_conformance, bus_conformance, completion_conformance,
    idempotency_conformance, leases_conformance, ledger_conformance, refresh_families_conformance,
    revocations_conformance, room_limits, rooms_conformance, sessions_conformance,
    tickets_conformance, users_conformance, wallets_conformance,
};

#[tokio::test]
async fn users_in_memory_conform() {
    users_conformance(&MemoryUsers::default()).await;
}

#[tokio::test]
async fn refresh_families_in_memory_conform() {
    refresh_families_conformance(&MemoryRefreshFamilies::default()).await;
}

#[tokio::test]
async fn revocations_in_memory_conform() {
    revocations_conformance(&MemoryRevocations::default()).await;
}

#[tokio::test]
async fn sessions_in_memory_conform() {
    sessions_conformance(&MemorySessions::default()).await;
}

#[tokio::test]
async fn api_keys_in_memory_conform() {
    api_keys_conformance(&MemoryApiKeys::default()).await;
}

#[tokio::test]
async fn wallets_in_memory_conform() {
    wallets_conformance(&MemoryWallets::default()).await;
}

#[tokio::test]
async fn leases_in_memory_conform() {
    leases_conformance(&MemoryLeases::default()).await;
}

#[tokio::test]
async fn sums_of_answers_in_memory_conform() {
    let rooms = MemoryRooms::new(Arc::new(Ear::default()), &room_limits());
    ledger_conformance(&MemoryLedger::default(), &rooms).await;
}

#[tokio::test]
async fn repeatable_calls_in_memory_conform() {
    idempotency_conformance(&MemoryIdempotency::default()).await;
}

#[tokio::test]
async fn rooms_in_memory_conform() {
    let ear = Arc::new(Ear::default());
    let outlet = Arc::clone(&ear);
    rooms_conformance(&MemoryRooms::new(outlet, &room_limits()), &ear).await;
}

#[tokio::test]
async fn tickets_in_memory_conform() {
    let table = MemoryTickets::new(TicketBounds {
        tickets_per_user: 3,
        ..TicketBounds::default()
    });
    tickets_conformance(&table, &table).await;
}

#[tokio::test]
async fn the_bus_in_memory_conforms() {
    let bus = MemoryBus::new();
    let next = std::cell::Cell::new(1);
    let join = async || {
        let node = NodeId(next.replace(next.get() + 1));
        let (bus, feed) = bus.join(node);
        Joined {
            node,
            bus,
            feed: Box::new(feed),
        }
    };
    bus_conformance(join, BusOrder::Whole).await;
}

#[test]
fn the_fake_clock_moves_only_when_told() {
    let clock = FakeClock::at(Timestamp::from_seconds(5));
    assert_eq!(
        (clock.now(), clock.monotonic()),
        (Timestamp::from_seconds(5), Duration::ZERO)
    );
    clock.advance(Duration::from_millis(1500));
    assert_eq!(clock.now(), Timestamp::from_millis(6500));
    assert_eq!(clock.monotonic(), Duration::from_millis(1500));
}

struct Told(MemoryCompletion);

impl Prompter for Told {
    type Asked = MemoryCompletion;

    fn completion(&self) -> &MemoryCompletion {
        &self.0
    }

    fn tell(&self, texts: &[&'static str], end: Result<Finish, CompletionFault>) {
        let usage = Usage {
            prompt: 7,
            completion: 3,
        };
        let end = end.map(|finish| {
            Token::End(Ending {
                finish,
                model: "stage-1".into(),
                usage: Some(usage),
            })
        });
        let texts = texts.iter().map(|text| Ok(Token::Text((*text).into())));
        self.0.say(texts.chain([end]));
    }
}

#[tokio::test]
async fn a_completion_in_memory_conforms() {
    let told = Told(MemoryCompletion::default());
    completion_conformance(&told).await;
    assert_eq!((told.0.asked().len(), told.0.open()), (4, 0));
}
