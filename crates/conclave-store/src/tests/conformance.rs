use std::sync::Arc;

use conclave_testkit::ports;

use super::{Fixture, on_each_database};
use crate::RoomLimits;

on_each_database! {
    keeps_users_as_the_port_says,
    keeps_refresh_families_as_the_port_says,
    keeps_revocations_as_the_port_says,
    keeps_sessions_as_the_port_says,
    keeps_api_keys_as_the_port_says,
    keeps_repeatable_calls_as_the_port_says,
    keeps_wallets_as_the_port_says,
    keeps_webhooks_as_the_port_says,
    keeps_what_answers_took_as_the_port_says,
}

async fn keeps_users_as_the_port_says(fixture: Fixture) {
    ports::users_conformance(&*fixture.store).await;
}

async fn keeps_refresh_families_as_the_port_says(fixture: Fixture) {
    ports::refresh_families_conformance(&*fixture.store).await;
}

async fn keeps_revocations_as_the_port_says(fixture: Fixture) {
    ports::revocations_conformance(&*fixture.store).await;
}

async fn keeps_sessions_as_the_port_says(fixture: Fixture) {
    ports::sessions_conformance(&*fixture.store).await;
}

async fn keeps_api_keys_as_the_port_says(fixture: Fixture) {
    ports::api_keys_conformance(&*fixture.store).await;
}

async fn keeps_repeatable_calls_as_the_port_says(fixture: Fixture) {
    ports::idempotency_conformance(&*fixture.store).await;
}

async fn keeps_wallets_as_the_port_says(fixture: Fixture) {
    ports::wallets_conformance(&*fixture.store).await;
}

async fn keeps_webhooks_as_the_port_says(fixture: Fixture) {
    let outlet = Arc::new(ports::Ear::default());
    let rooms = fixture.store.rooms(outlet, RoomLimits::default());
    ports::webhooks_conformance(&*fixture.store, &rooms, &*fixture.store).await;
}

async fn keeps_what_answers_took_as_the_port_says(fixture: Fixture) {
    let outlet = Arc::new(ports::Ear::default());
    let rooms = fixture.store.rooms(outlet, RoomLimits::default());
    ports::ledger_conformance(&*fixture.store, &rooms).await;
}
