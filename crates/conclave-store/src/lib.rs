//! Durable state in one `SQLite` file or a `PostgreSQL` database, behind the ports of `conclave-auth` (users, refresh
//! families, revocations, named sessions, keys of backends, answers to repeatable calls) and of
//! `conclave-core` (rooms with their messages, webhooks, leases, wallets, what answers took).
//!
//! What is acknowledged is on the disk: a write returns after the COMMIT that holds it, and
//! COMMIT waits for the disk. Other processes (the command line beside a running server, other
//! nodes) may use the same store at the same time; what they commit is seen by the next read
//! here.
//!
//! Refuses to do: time and randomness (they come as arguments), caching (the readers of the
//! feeds do that), passwords and tokens in the clear, and a file that a newer version wrote.
//!
//! Reading order: `store` (read, close), `sqlite` and `postgres` (open), `writer` (one thread,
//! many writes in one commit), `line` (its connection, a transaction), `sql` (one statement on
//! either database), `statement` (every SQL text), then the ports: `users`, `refresh`, `revocations`,
//! `sessions`, `api_keys`, `idempotency`; `rooms`, `webhooks`, `leases`, `wallets` and `ledger` are those
//! of `conclave-core`.
//! `upkeep` checks, copies and writes out; `transfer` moves a file into PostgreSQL; `address` is
//! where a database is; `yardstick` is what a bare insert costs. `migration`
//! makes and upgrades the tables of `migrations/`; `file` sees to folder and mode; `column` turns
//! columns into the words of the protocol.
//!
//! To add a statement, name it in `statement`: a test shows that it goes by an index. To change
//! a table, add a migration for each database; those that were released are never edited. A new
//! table is also one of `transfer`, unless it is about nodes that run.

mod address;
mod api_keys;
mod column;
mod error;
mod file;
mod idempotency;
mod leases;
mod ledger;
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
mod wallets;
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
