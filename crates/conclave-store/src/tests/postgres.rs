//! What only PostgreSQL has: several stores on one database, a database that goes away and comes
//! back, a standby.

mod kill;
mod nodes;
mod outage;
mod plans;
mod standby;
mod tls;

use std::sync::Arc;

use conclave_core::Outlet;
use conclave_testkit::ports::Ear;

use super::connect;
use crate::{RoomLimits, StoredRooms};

/// A node's rooms in a database.
async fn node(url: &str, outlet: Arc<dyn Outlet>) -> StoredRooms {
    let store = Arc::new(connect(url).await);
    store.rooms(outlet, RoomLimits::default())
}

/// As [`node`], for one whose events nobody hears.
async fn deaf_node(url: &str) -> StoredRooms {
    node(url, Arc::new(Ear::default())).await
}
