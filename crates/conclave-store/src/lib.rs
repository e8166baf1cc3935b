//! Durable state in one `SQLite` file, behind the ports of `conclave-auth` (users, refresh
//! families, revocations, named sessions, keys of backends, answers to repeatable calls) and of
//! `conclave-core` (rooms with their messages, webhooks).
//!
//! What is acknowledged is on the disk: a write returns after the COMMIT that holds it, and
//! COMMIT waits for the disk. Another process (the command line, beside a running server) may
//! open the same file at the same time; what it commits is seen by the next read here.
//!
//! Refuses to do: time and randomness (they come as arguments), caching (the readers of the
//! feeds do that), passwords and tokens in the clear, and a file that a newer version wrote.
//!
//! Reading order: `store` (open, read, close), `writer` (one connection, many writes in one
//! commit), `statement` (every SQL text), then the ports: `users`, `refresh`, `revocations`,
//! `sessions`, `api_keys`, `idempotency`; `rooms` and `webhooks` are those of `conclave-core`.
//! `upkeep` checks, copies and writes out; `yardstick` is what a bare insert costs. `migration`
//! makes and upgrades the tables of `migrations/`; `file` sees to folder and mode; `column` turns
//! columns into the words of the protocol.
//!
//! To add a statement, name it in `statement`: a test shows that it goes by an index. To change
//! a table, add a migration; those that were released are never edited.

mod address;
mod api_keys;
mod column;
mod error;
mod file;
mod idempotency;
mod line;
mod migration;
mod postgres;
mod refresh;
mod revocations;
mod rooms;
mod sessions;
mod sql;
mod sqlite;
mod statement;
mod store;
#[cfg(test)]
mod tests;
mod transfer;
mod upkeep;
mod users;
mod webhooks;
mod writer;
mod yardstick;

pub use address::{Address, AddressFault};
pub use error::StoreError;
pub use postgres::PostgresOptions;
pub use rooms::{RoomLimits, StoredRooms};
pub use store::{Store, StoreOptions};
pub use transfer::{Progress, Step, Transferred, transfer};
pub use upkeep::{Exported, Finding};
pub use yardstick::Yardstick;
