//! Test tools: a fake clock, conformance suites for the ports, the layout test.
//!
//! Refuses to do: anything in a product; only tests depend on it.
//! Reading order: `clock`, `ports`.

mod clock;
pub mod ports;
#[cfg(test)]
mod tests;

pub use clock::FakeClock;
