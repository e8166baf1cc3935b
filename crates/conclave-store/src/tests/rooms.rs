//! Rooms: the suite of the port, and what is this store's own.

use std::sync::Arc;

use conclave_core::MemoryRooms;
use conclave_testkit::ports::{Ear, room_limits, rooms_agree, rooms_conformance};

use super::Fixture;
use crate::{RoomLimits, SqliteRooms};

fn rooms(fixture: &Fixture) -> (SqliteRooms, Arc<Ear>) {
    let ear = Arc::new(Ear::default());
    let outlet = Arc::clone(&ear);
    let limits = RoomLimits::of(&room_limits());
    (fixture.store.rooms(outlet, limits), ear)
}

#[tokio::test]
async fn keeps_rooms_as_the_port_says() {
    let fixture = Fixture::new().await;
    let (rooms, ear) = rooms(&fixture);
    rooms_conformance(&rooms, &ear).await;
}

#[tokio::test]
async fn says_what_the_rooms_in_memory_say() {
    for seed in 1..=6 {
        let fixture = Fixture::new().await;
        let (rooms, ear) = rooms(&fixture);
        let plain_ear = Arc::new(Ear::default());
        let outlet = Arc::clone(&plain_ear);
        let plain = MemoryRooms::new(outlet, &room_limits());
        rooms_agree((&plain, &plain_ear), (&rooms, &ear), seed, 500).await;
    }
}
