//! Randomness of the operating system.

use conclave_auth::Random;

/// `getrandom`, which cannot fail once the system has started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(
            clippy::expect_used,
            reason = "without randomness nothing here is secure"
        )]
        getrandom::fill(bytes).expect("the system gives random bytes");
    }
}
