//! Test tools: a fake clock, conformance suites for the ports, a PostgreSQL server, the layout
//! test.
//!
//! Refuses to do: anything in a product; only tests depend on it.
//! Reading order: `clock`, `ports`, `postgres`.

mod clock;
pub mod ports;
pub mod postgres;
#[cfg(test)]
mod tests;

pub use clock::FakeClock;
