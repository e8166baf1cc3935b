//! For tests of generated services: a harness in memory or on a socket, test tokens, a clock that
//! stands still, an audit that remembers, and attacks.

mod access;
pub mod attack;
mod connection;
mod harness;
mod token;
mod witness;

pub use access::Access;
pub use attack::{Breach, Sample};
pub use connection::{Heard, TestConnection};
pub use harness::Harness;
pub use token::{TEST_AUDIENCE, TEST_ISSUER, TEST_SECRET, TestToken};
pub use witness::{Remembered, TestClock, Witness};
