//! The blacklist of tokens that services of an application share: `PREFIX:blacklist:token:HASH`
//! is `1`, where HASH is SHA-256 over the token in 64 hexadecimal digits, and ends with it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use conclave_auth::{PortError, SecretHash, TokenBlacklist};
use redis::Pipeline;

use crate::keys::{KeysAway, RedisKeys};

/// The list.
#[derive(Debug)]
pub struct RedisBlacklist {
    keys: Arc<RedisKeys>,
}

impl RedisBlacklist {
    /// In this Redis.
    #[must_use]
    pub const fn new(keys: Arc<RedisKeys>) -> Self {
        Self { keys }
    }

    fn key(&self, token: &SecretHash) -> String {
        self.keys.name(&format!("blacklist:token:{}", token.hex()))
    }
}

#[async_trait]
impl TokenBlacklist for RedisBlacklist {
    async fn add(&self, token: SecretHash, life: Duration) -> Result<(), PortError> {
        let key = self.key(&token);
        // Never too short: what is left of a second counts as one.
        let seconds = life.as_secs() + u64::from(life.subsec_nanos() > 0);
        let mut question = Pipeline::new();
        let set = question.cmd("SET").arg(&key).arg(1);
        set.arg("EX").arg(seconds.max(1)).ignore();
        self.keys.ask(&key, &question).await.map_err(unavailable)
    }

    async fn has(&self, token: SecretHash) -> Result<bool, PortError> {
        let key = self.key(&token);
        let mut question = Pipeline::new();
        question.cmd("EXISTS").arg(&key);
        let asked = self.keys.ask(&key, &question).await;
        let (found,): (bool,) = asked.map_err(unavailable)?;
        Ok(found)
    }
}

fn unavailable(away: KeysAway) -> PortError {
    PortError::Unavailable(Box::new(away))
}
