use std::sync::Arc;

use conclave_testkit::ports;

use super::Fixture;
use crate::RoomLimits;

#[tokio::test]
async fn keeps_users_as_the_port_says() {
    ports::users_conformance(&*Fixture::new().await.store).await;
}

#[tokio::test]
async fn keeps_refresh_families_as_the_port_says() {
    ports::refresh_families_conformance(&*Fixture::new().await.store).await;
}

#[tokio::test]
async fn keeps_revocations_as_the_port_says() {
    ports::revocations_conformance(&*Fixture::new().await.store).await;
}

#[tokio::test]
async fn keeps_sessions_as_the_port_says() {
    ports::sessions_conformance(&*Fixture::new().await.store).await;
}

#[tokio::test]
async fn keeps_api_keys_as_the_port_says() {
    ports::api_keys_conformance(&*Fixture::new().await.store).await;
}

#[tokio::test]
async fn keeps_repeatable_calls_as_the_port_says() {
    ports::idempotency_conformance(&*Fixture::new().await.store).await;
}

#[tokio::test]
async fn keeps_webhooks_as_the_port_says() {
    let fixture = Fixture::new().await;
    let outlet = Arc::new(ports::Ear::default());
    let rooms = fixture.store.rooms(outlet, RoomLimits::default());
    ports::webhooks_conformance(&*fixture.store, &rooms).await;
}
