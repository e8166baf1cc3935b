//! Tokens that no part of an application takes any more.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::{PortError, SecretHash};

/// A list that other services of the application read and write too. What a node revokes counts
/// on all nodes without it.
#[async_trait]
pub trait TokenBlacklist: fmt::Debug + Send + Sync {
    /// Puts a token there, by SHA-256 over the whole of it, for the rest of its life: a second at
    /// least.
    async fn add(&self, token: SecretHash, life: Duration) -> Result<(), PortError>;

    /// Whether it is there.
    async fn has(&self, token: SecretHash) -> Result<bool, PortError>;
}
