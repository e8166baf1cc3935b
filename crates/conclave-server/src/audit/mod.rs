//! The audit: every security event as one JSON line, chained so that a changed, removed or
//! reordered line shows (identity.md, "Audit").
//!
//! A line is `{"ts":…,"event":…,"level":…,"user":…,"session":…,"connection":…,"ip":…,
//! "user_agent":…,"path":…,"detail":…,"seq":…,"prev":…,"hash":…}`. `hash` is HMAC-SHA256, keyed
//! by a file of the data folder, over the bytes of the line before `,"hash"` and a closing brace;
//! `prev` is the hash of the line before, `seq` counts from 1. What it cannot show: the holder of
//! the key can write a new chain, and whoever can write the file can cut its end; a checkpoint
//! kept elsewhere shows that.
//!
//! Writing: [`AuditLog`] is a bounded queue to one thread. [`AuditLog::record`] never waits and
//! is for workers; what finds no room is counted, and the counts become lines later.
//! [`AuditLog::record_waiting`] and [`AuditLog::record_blocking`] wait for room and are for what
//! must not be summarised: revocations, denials, role changes, admin actions.
//!
//! Several processes may write one file (the server and `conclave user …`): each batch is written
//! under a lock, by whom finds the other's lines first.
//!
//! Reading order: `event`, `chain`, `file`, `queue`, `log`, `verify`, `trail`.

mod chain;
mod event;
mod file;
mod log;
mod queue;
#[cfg(test)]
mod tests;
mod trail;
mod verify;

pub use chain::{AuditKey, Flaw, Head};
pub use event::{Event, Kind, Level};
pub use log::{AuditLog, Options};
pub use queue::Recorded;
pub(crate) use trail::{Line, Wanted, newest};
pub use verify::{AuditError, Checkpoint, Report, checkpoint, verify};
