//! Random secrets that are shown to clients and stored as hashes.

use aws_lc_rs::digest;

use crate::SecretHash;

/// SHA-256 of a secret as it is shown.
pub(crate) fn hash_secret(shown: &str) -> SecretHash {
    secret_hash(&digest::digest(&digest::SHA256, shown.as_bytes()))
}

/// A SHA-256 that was computed.
pub(crate) fn secret_hash(digest: &digest::Digest) -> SecretHash {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    SecretHash(bytes)
}
