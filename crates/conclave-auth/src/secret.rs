//! Random secrets that are shown to clients and stored as hashes.

use aws_lc_rs::digest;

use crate::SecretHash;

/// SHA-256 of a secret as it is shown.
pub(crate) fn hash_secret(shown: &str) -> SecretHash {
    let hash = digest::digest(&digest::SHA256, shown.as_bytes());
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    SecretHash(bytes)
}
