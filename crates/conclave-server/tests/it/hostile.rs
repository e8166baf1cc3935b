//! Bad input: every hostile case is told a close code or an HTTP status, leaves a line in the
//! audit, is not felt by anybody else, and costs no more memory than a bound that follows from
//! the limits.
//!
//! `scene` is the server under attack with its bystanders; `meter` counts its memory; every other
//! file is a kind of attack.

mod bombs;
mod floods;
mod frames;
mod handshakes;
mod heads;
mod isolation;
mod journal;
mod meter;
mod payloads;
mod readers;
mod rooms;
mod scene;
mod silence;
mod tls;
mod tokens;
mod vanished;
