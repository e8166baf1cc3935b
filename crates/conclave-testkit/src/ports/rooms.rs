//! What every implementation of `RoomStore` does.
//!
//! Reading order: this file, `stage` (who acts, and what is heard), then one file for each part
//! of the rules; `agreement` lets chance choose the asks.

#![expect(clippy::panic, reason = "a suite fails by panicking, as a test does")]

mod agreement;
mod creation;
mod history;
mod invitations;
mod membership;
mod offline;
mod profiles;
mod receipts;
mod sending;
mod stage;

use conclave_core::RoomStore;
use conclave_protocol::Limits;

pub use agreement::rooms_agree;
pub use stage::Ear;

use stage::Stage;

/// The limits of the store that the suite is run on.
#[must_use]
pub fn room_limits() -> Limits {
    Limits {
        rooms_per_user: 12,
        members_per_room: 6,
        ..Limits::default()
    }
}

/// Runs the suite on an empty store that was made with [`room_limits`] and whose outlet is `ear`.
///
/// # Panics
/// Where the implementation differs.
pub async fn rooms_conformance(store: &dyn RoomStore, ear: &Ear) {
    let stage = Stage::new(store, ear);
    creation::all(&stage).await;
    membership::all(&stage).await;
    invitations::all(&stage).await;
    sending::all(&stage).await;
    receipts::all(&stage).await;
    offline::all(&stage).await;
    history::all(&stage).await;
    profiles::all(&stage).await;
}
