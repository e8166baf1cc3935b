use std::time::Duration;

use conclave_auth::memory::{
    MemoryRefreshFamilies, MemoryRevocations, MemorySessions, MemoryUsers,
};
use conclave_protocol::{Clock, Timestamp};

use super::FakeClock;
use super::ports::{
    refresh_families_conformance, revocations_conformance, sessions_conformance, users_conformance,
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
