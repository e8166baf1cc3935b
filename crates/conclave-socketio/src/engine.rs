//! Engine.IO v4: handshake, packets, and the payloads of long-polling.
//!
//! Reading order: `handshake` (the request's query), `open` (the server's first packet), `packet`,
//! `payload`.

mod handshake;
mod open;
mod packet;
mod payload;
#[cfg(test)]
mod tests;

pub use handshake::{Arrival, Offer, Rejection, Request, Transport};
pub use open::Open;
pub use packet::{Packet, Phase, begin_message, begin_polled_message};
pub use payload::Payload;
