//! Wire formats: frames to commands, replies and publications to frames.
//!
//! What it refuses to do: I/O, async, clocks, randomness, and any decision about permissions.
//!
//! Reading order: `object`, what clients send; `topics` with its `codes`, `decode`, `wire` and
//! `encode`; `conversation` and `wallet`, likewise; then `checks`, what must hold for any frame, run by the
//! property tests and the fuzz targets.

#[cfg(any(test, feature = "checks"))]
pub mod checks;
mod conversation;
mod object;
mod topics;
mod wallet;

pub use conversation::{CONVERSATION, Conversation, FEED};
pub use topics::{TOPICS, Topics};
pub use wallet::{WALLET, WalletDialect};
