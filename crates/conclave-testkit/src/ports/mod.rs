//! One conformance suite per port of `conclave-auth` and `conclave-core`; every implementation runs it on an empty
//! store. A suite panics at the first difference, and says in the panic what should have been.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a suite fails by panicking, as a test does"
)]

mod api_keys;
mod bus;
mod completion;
mod idempotency;
mod leases;
mod ledger;
mod refresh;
mod revocations;
mod rooms;
mod sessions;
mod tickets;
mod users;
mod wallets;
mod webhooks;

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use conclave_protocol::{SessionName, Timestamp, UserId};

pub use api_keys::api_keys_conformance;
pub use bus::{BusOrder, Joined, bus_bodies, bus_conformance};
pub use completion::{Prompter, completion_conformance, question, whole};
pub use idempotency::idempotency_conformance;
pub use leases::leases_conformance;
pub use ledger::ledger_conformance;
pub use refresh::refresh_families_conformance;
pub use revocations::revocations_conformance;
pub use rooms::{Ear, room_limits, rooms_agree, rooms_conformance};
pub use sessions::sessions_conformance;
pub use tickets::tickets_conformance;
pub use users::users_conformance;
pub use wallets::wallets_conformance;
pub use webhooks::webhooks_conformance;

fn user(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

fn session(text: &str) -> SessionName {
    SessionName::new(text).unwrap()
}

/// Seconds on the virtual clock of the suites.
fn second(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

/// Runs two futures at the same time, as two connections do.
async fn both<A: Future, B: Future>(left: A, right: B) -> (A::Output, B::Output) {
    let (mut left, mut right) = (pin!(left), pin!(right));
    let (mut left_output, mut right_output) = (None, None);
    std::future::poll_fn(move |context| {
        if left_output.is_none()
            && let Poll::Ready(output) = left.as_mut().poll(context)
        {
            left_output = Some(output);
        }
        if right_output.is_none()
            && let Poll::Ready(output) = right.as_mut().poll(context)
        {
            right_output = Some(output);
        }
        match (left_output.take(), right_output.take()) {
            (Some(left), Some(right)) => Poll::Ready((left, right)),
            (left, right) => {
                (left_output, right_output) = (left, right);
                Poll::Pending
            }
        }
    })
    .await
}
