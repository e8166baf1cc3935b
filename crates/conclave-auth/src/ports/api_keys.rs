//! Keys of backends (server.md).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use conclave_protocol::{NameError, Timestamp};

use super::{PortError, SecretHash};

/// What an API key is called in lists and in the audit. Nothing is secret about it; the key
/// itself does not hold it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKeyId(pub [u8; 8]);

/// What its maker calls an API key: 1 to 255 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKeyName(Arc<str>);

/// An API key as stored: everything but its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// No two keys that are not revoked have the same.
    pub name: ApiKeyName,
    /// What its holder may do, sorted.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused; `None` never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was used last, some minutes late: uses are not written one by one.
    pub last_used: Option<Timestamp>,
}

/// The keys of backends. Revoked ones stay, for the record.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Stores a key. `Conflict` where the id or the hash is taken, or a key that is not revoked
    /// has the name.
    async fn add_key(&self, key: &ApiKey, hash: SecretHash) -> Result<(), PortError>;
    /// The key with that secret, ended or not.
    async fn find_key(&self, hash: SecretHash) -> Result<Option<ApiKey>, PortError>;
    /// Keys by id, after `after`, at most `limit`.
    async fn list_keys(
        &self,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, PortError>;
    /// Revokes; `NotFound` where there is none. Revoking again keeps the first moment.
    async fn revoke_key(&self, id: ApiKeyId, at: Timestamp) -> Result<(), PortError>;
    /// Writes down when keys were used last. An earlier moment than the stored one changes
    /// nothing; a key that does not exist is no error.
    async fn keys_used(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), PortError>;
}

impl ApiKeyId {
    /// The id that is written so: 16 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 16 || !text.bytes().all(is_hex) {
            return None;
        }
        let number = u64::from_str_radix(text, 16).ok()?;
        Some(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ApiKeyName {
    /// Checks a text.
    ///
    /// # Errors
    /// Empty, longer than 255 bytes, or with a control character.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(NameError::Long);
        }
        if text.chars().any(char::is_control) {
            return Err(NameError::Control);
        }
        Ok(Self(Arc::from(text)))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const NAME_BYTES_MAX: usize = 255;
