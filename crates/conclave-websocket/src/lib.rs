//! RFC 6455 and RFC 7692 as a codec over byte slices: frames in and out, handshakes of both sides.
//!
//! What it refuses to do: no socket, no clock, no randomness (nonces and masks are arguments), no
//! queue, no policy. It answers no ping and no close by itself: it says what came, and the
//! connection decides. It keeps nothing per idle connection but a [`Decoder`] of 16 bytes; what is
//! big (the [`Inflater`], the [`Deflater`]) belongs to a worker and serves its connections in turn.
//!
//! Reading order:
//! 1. `frame.rs`: [`Opcode`] and [`Header`], the 2 to 14 bytes before a payload, both ways;
//! 2. `decode.rs`: [`Decoder::decode`], from a connection's bytes to [`Event`]s;
//! 3. `close.rs`: close codes and bodies; `violation.rs`: everything a peer can do wrong;
//! 4. `inflate.rs` and `deflate.rs`: one message at a time, no context takeover, capped;
//! 5. `encode.rs`: from payloads to frames; server frames carry no mask, so that they are shared;
//! 6. `handshake.rs`: [`handshake::accept`] for servers, then `handshake/client.rs`, with
//!    `handshake/extension.rs` and `handshake/field.rs` below both;
//! 7. `checks.rs`: what must hold for any bytes, run by the property tests and the fuzz targets.

#[cfg(any(test, feature = "checks"))]
pub mod checks;
mod close;
mod decode;
mod deflate;
mod encode;
mod frame;
pub mod handshake;
mod inflate;
mod mask;
mod violation;

pub use close::CloseCode;
pub use decode::{Decoded, Decoder, DecoderLimits, Event};
pub use deflate::Deflater;
pub use encode::{encode, encode_close, encode_deflated, encode_fragments, encode_masked};
pub use frame::{Header, Opcode, Role};
pub use inflate::Inflater;
pub use mask::apply_mask;
pub use violation::Violation;
