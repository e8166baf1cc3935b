//! `X-Conclave-Signature: t=…,v1=…`.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use conclave_protocol::Timestamp;

/// Signs posts.
pub(super) struct Signer(hmac::Key);

impl Signer {
    /// With a secret, whose bytes are the key.
    pub(super) fn new(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// `t=` and the time in Unix seconds, `,v1=` and the HMAC-SHA256 of `t`, a dot and the body
    /// in small hex digits.
    pub(super) fn sign(&self, at: Timestamp, body: &[u8]) -> String {
        let seconds = at.seconds().to_string();
        let mut context = hmac::Context::with_key(&self.0);
        context.update(seconds.as_bytes());
        context.update(b".");
        context.update(body);
        let mut header = format!("t={seconds},v1=");
        for byte in context.sign().as_ref() {
            // Writing to a text does not fail.
            write!(header, "{byte:02x}").ok();
        }
        header
    }
}
