//! `[store]`: durable state.

use std::path::PathBuf;

use super::Secret;
use super::section::section;

section! {
    /// `[store]`.
    pub struct Store {
        /// The database file; `conclave.db` in the data folder where unset.
        pub path: Option<PathBuf> = None,
        /// A PostgreSQL database instead of a file, which several servers may share:
        /// `postgres://user:password@host:port/database`, with `?sslmode=verify-full` and
        /// `sslrootcert=FILE` for TLS. Never shown.
        pub url: Option<Secret> = None,
        /// A standby of that database, from which pages of rooms' history are read as far as it
        /// has them. Never shown.
        pub replica_url: Option<Secret> = None,
        /// Connections that read, 1 to 100; unset: 2 for a file, 8 for PostgreSQL.
        pub readers: Option<u32> = None,
        /// Milliseconds that a statement may take in PostgreSQL, and that a write to a file waits
        /// for another process; then what was asked is `unavailable`.
        pub statement_timeout_ms: u32 = 5_000,
    }
}
