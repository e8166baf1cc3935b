//! Keys of backends in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use conclave_protocol::Timestamp;
use parking_lot::Mutex;

use crate::{ApiKey, ApiKeyId, ApiKeys, PortError, SecretHash};

/// Keys of backends in memory.
#[derive(Debug, Default)]
pub struct MemoryApiKeys(Mutex<BTreeMap<ApiKeyId, (SecretHash, ApiKey)>>);

#[async_trait]
impl ApiKeys for MemoryApiKeys {
    async fn add_key(&self, key: &ApiKey, hash: SecretHash) -> Result<(), PortError> {
        let mut keys = self.0.lock();
        let is_taken = |(other_hash, other): &(SecretHash, ApiKey)| {
            *other_hash == hash || (other.revoked_at.is_none() && other.name == key.name)
        };
        if keys.contains_key(&key.id) || keys.values().any(is_taken) {
            return Err(PortError::Conflict);
        }
        keys.insert(key.id, (hash, key.clone()));
        Ok(())
    }

    async fn find_key(&self, hash: SecretHash) -> Result<Option<ApiKey>, PortError> {
        let keys = self.0.lock();
        let found = keys.values().find(|(kept, _)| *kept == hash);
        Ok(found.map(|(_, key)| key.clone()))
    }

    async fn list_keys(
        &self,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, PortError> {
        let keys = self.0.lock();
        let later = keys.iter().filter(|(id, _)| Some(**id) > after);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(later.take(limit).map(|(_, (_, key))| key.clone()).collect())
    }

    async fn revoke_key(&self, id: ApiKeyId, at: Timestamp) -> Result<(), PortError> {
        let mut keys = self.0.lock();
        let (_, key) = keys.get_mut(&id).ok_or(PortError::NotFound)?;
        key.revoked_at.get_or_insert(at);
        Ok(())
    }

    async fn keys_used(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), PortError> {
        let mut keys = self.0.lock();
        for (id, at) in uses {
            if let Some((_, key)) = keys.get_mut(id) {
                key.last_used = key.last_used.max(Some(*at));
            }
        }
        Ok(())
    }
}
