//! PostgreSQL for tests: a server of its own, from the machine's own binaries, on a socket in a
//! folder that nobody else uses. Tests that need it fail where it cannot be had.
//!
//! [`Database`] is an empty database on a server that all tests share, whatever process they
//! run in: the first one starts it, and a watch ends it soon after the last one. [`Server`] is
//! one of the test alone, to be stopped and started.
#![expect(
    clippy::panic,
    reason = "without PostgreSQL the tests that need it fail, and say why"
)]

mod server;
mod shared;

use std::fs::File;
use std::sync::atomic::{AtomicU32, Ordering};

pub use server::Server;

/// An empty database, for one test.
#[derive(Debug)]
pub struct Database {
    url: String,
    /// As long as this lock is held the server goes on.
    _used: File,
}

impl Database {
    /// Makes one on the shared server.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed or does not start; says what to do.
    #[must_use]
    pub fn new() -> Self {
        let (server, used) = shared::server();
        Self {
            url: server.database(),
            _used: used,
        }
    }

    /// The URL of the database.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

/// A name that no other test of the machine has.
fn unique_name() -> String {
    let number = NAMES.fetch_add(1, Ordering::Relaxed);
    format!("test_{}_{number}", std::process::id())
}

fn fail(what: &str) -> ! {
    panic!("PostgreSQL for the tests: {what}")
}

static NAMES: AtomicU32 = AtomicU32::new(0);
