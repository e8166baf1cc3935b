//! Ports for processes that have to know them before they listen.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// A port of this machine that nobody listens on. It is not of those that the kernel gives to
/// connections, so that it is still free when the process comes back to it.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests that run at the same time are different processes: each begins elsewhere.
    let start = std::process::id().wrapping_mul(7919);
    for _ in 0..COUNT {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(start.wrapping_add(step) % COUNT).unwrap_or(0) + FIRST;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}

const FIRST: u16 = 20_000;
const COUNT: u32 = 11_000;
