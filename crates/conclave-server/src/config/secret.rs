//! Secrets: never shown, and refused where everybody knows them.

use std::fmt;

use super::scalar::Scalar;
use super::value::Input;

/// A secret text. Its Debug shows nothing, it has no Display and is never written out by the
/// manual.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text as the secret; its bytes are the key.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself.
    #[must_use]
    pub const fn reveal(&self) -> &str {
        self.0.as_str()
    }

    /// Why this is no secret to sign tokens with, if so: under 32 bytes, published, or a
    /// repetition.
    #[must_use]
    pub(crate) fn weakness(&self) -> Option<String> {
        let bytes = self.0.as_bytes();
        if bytes.len() < SECRET_BYTES_MIN {
            let len = bytes.len();
            return Some(format!(
                "{len} bytes given, expected at least {SECRET_BYTES_MIN}"
            ));
        }
        let lower = self.0.to_lowercase();
        if PUBLISHED.contains(&lower.as_str()) || MARKS.iter().any(|mark| lower.contains(mark)) {
            return Some("a published sample given, expected a secret of one's own".to_owned());
        }
        let mut distinct = bytes.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        (distinct.len() < DISTINCT_BYTES_MIN)
            .then(|| "a repetition given, expected random text".to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// On a command line.
impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl Scalar for Secret {
    fn shape() -> String {
        "secret text".to_owned()
    }
    fn parse(text: &str) -> Option<Self> {
        Some(Self::new(text.to_owned()))
    }
    fn text(&self) -> Option<String> {
        None
    }
    fn given(_: Input<'_>) -> String {
        "another type".to_owned()
    }
}

/// RFC 7518, 3.2: a key as long as the hash.
pub(crate) const SECRET_BYTES_MIN: usize = 32;
const DISTINCT_BYTES_MIN: usize = 8;
/// Samples of documentation that are long enough to pass otherwise, in lower case.
const PUBLISHED: [&str; 5] = [
    "rusty_websocket_jwt_secret_key_32b",
    "a-string-secret-at-least-256-bits-long",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "0123456789abcdef0123456789abcdef",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
];
/// Parts of placeholders that were meant to be replaced.
const MARKS: [&str; 8] = [
    "your-256-bit-secret",
    "your-secret",
    "your_secret",
    "your_jwt_secret",
    "changeme",
    "change-me",
    "change_me",
    "rusty_websocket",
];
