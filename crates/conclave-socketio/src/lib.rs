//! Socket.IO v5 over Engine.IO v4 as a codec over text and bytes, both ways.
//!
//! What it refuses to do: no socket, no clock, no randomness (the bits of a [`Sid`] are an
//! argument), no queue, no timer. It answers no ping and closes nothing by itself: it says what
//! came, and the connection decides. An idle connection keeps a [`packet::Decoder`] of one pointer
//! and its [`packet::Namespaces`], without heap where only the main one is in use.
//!
//! Reading order:
//! 1. `violation.rs`: everything a peer can do wrong; `sid.rs`: how a session is named;
//! 2. `engine.rs`: the transport's handshake, its packets, and the payloads of long-polling;
//! 3. `packet.rs`: a packet of Socket.IO, with `packet/decode.rs` and `packet/encode.rs`;
//! 4. `packet/decoder.rs`: from a connection's messages to packets, with `packet/assembly.rs` and
//!    `packet/placeholder.rs` for those with binary attachments;
//! 5. `packet/namespaces.rs`: which packet may come when;
//! 6. `dialect`: the chat gateway, from packets to commands and from events to packets;
//! 7. `checks.rs`: what must hold for any bytes, run by the property tests and the fuzz targets.

#[cfg(any(test, feature = "checks"))]
pub mod checks;
mod dialect;
pub mod engine;
pub mod packet;
mod sid;
mod violation;

pub use dialect::{
    CONFORMANCE, Conformance, ENGINE_ECHO, SOCKETIO, SOCKETIO_EVENT_FAILURE, SocketIo,
};
pub use sid::Sid;
pub use violation::Violation;
