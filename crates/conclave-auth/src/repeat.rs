//! Which calls are the same call (server.md, `Idempotency-Key`).

use std::time::Duration;

use aws_lc_rs::digest;

use crate::secret::secret_hash;
use crate::{CallId, SecretHash};

/// How long an answer is kept for those who repeat the call.
pub const ANSWER_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a call may be under way. One that a crash ended counts as never begun after that.
pub const CALL_TIME_MAX: Duration = Duration::from_secs(5 * 60);

impl CallId {
    /// Of this caller (a text that no other caller has), method, path and key.
    #[must_use]
    pub fn new(caller: &str, method: &str, path: &str, key: &str) -> Self {
        let parts = [caller, method, path, key];
        Self(hash_of(parts.iter().map(|part| part.as_bytes())))
    }
}

/// The hash of what a call asks: the query of its URL, and its body.
#[must_use]
pub fn hash_call_body(query: &str, body: &[u8]) -> SecretHash {
    hash_of([query.as_bytes(), body].into_iter())
}

/// Lengths are hashed too, so that no two lists of parts run together into the same bytes.
fn hash_of<'a>(parts: impl Iterator<Item = &'a [u8]>) -> SecretHash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        context.update(&length.to_be_bytes());
        context.update(part);
    }
    secret_hash(&context.finish())
}
