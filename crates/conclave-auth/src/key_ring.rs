//! Who an API key proves (server.md).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_protocol::{
    Grants, IssuerId, Principal, SessionId, SessionKind, SessionName, Timestamp,
};
use parking_lot::Mutex;

use crate::random::{Random, bytes};
use crate::secret::hash_secret;
use crate::{ApiKey, ApiKeyId, ApiKeyName, ApiKeys, PortError, SecretHash};

/// A key that was just made. Has no Debug: it holds the secret.
pub struct IssuedKey {
    /// What is stored.
    pub key: ApiKey,
    /// Under what it is found.
    pub hash: SecretHash,
    /// `key_` and 43 characters of base64url: shown once, stored nowhere.
    pub shown: String,
}

/// What a key that counts proves.
#[derive(Debug)]
pub struct KeyHolder {
    /// The key, as it was stored when it was last looked at.
    pub key: ApiKey,
    /// Nobody's user, with the permissions of the key; its session is anonymous and shown as
    /// `key-` and the key's id.
    pub principal: Arc<Principal>,
}

/// Why a key proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is none such, it has ended, or it was revoked; which of them is not said.
    #[error("the key is not valid")]
    Refused,
    /// The store is away.
    #[error(transparent)]
    Unavailable(#[from] PortError),
}

/// Looks keys up. A key that counts is remembered for a second, so that one in use costs the
/// store one read a second, and one that another process revoked is refused a second later at
/// most. Each answer costs one hash and, unless remembered, one read, whether the key exists or
/// not.
pub struct KeyRing {
    keys: Arc<dyn ApiKeys>,
    recent: Mutex<HashMap<SecretHash, Recent>>,
    uses: Mutex<HashMap<ApiKeyId, Timestamp>>,
}

struct Recent {
    holder: Arc<KeyHolder>,
    read_at: Timestamp,
}

/// Makes a key.
#[must_use]
pub fn issue_key(
    name: ApiKeyName,
    permissions: Vec<String>,
    expires_at: Option<Timestamp>,
    now: Timestamp,
    random: &dyn Random,
) -> IssuedKey {
    let shown = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes::<32>(random)));
    let mut permissions = permissions;
    permissions.sort_unstable();
    permissions.dedup();
    IssuedKey {
        hash: hash_secret(&shown),
        key: ApiKey {
            id: ApiKeyId(bytes(random)),
            name,
            permissions,
            created_at: now,
            expires_at,
            revoked_at: None,
            last_used: None,
        },
        shown,
    }
}

/// Whether a credential is meant to be an API key. No JWT is: those begin with an encoded `{`.
#[must_use]
pub fn looks_like_key(credential: &str) -> bool {
    credential.starts_with(PREFIX)
}

impl KeyRing {
    /// Over these keys.
    #[must_use]
    pub fn new(keys: Arc<dyn ApiKeys>) -> Self {
        Self {
            keys,
            recent: Mutex::default(),
            uses: Mutex::default(),
        }
    }

    /// Who shows this key now.
    ///
    /// # Errors
    /// It does not count, or the store cannot say.
    pub async fn admit(&self, shown: &str, now: Timestamp) -> Result<Arc<KeyHolder>, KeyError> {
        let hash = hash_secret(shown);
        let holder = match self.remembered(hash, now) {
            Some(holder) => Some(holder),
            None => {
                let found = self.keys.find_key(hash).await?;
                found.map(KeyHolder::of).map(Arc::new)
            }
        };
        let Some(holder) = holder.filter(|holder| holder.key.counts(now)) else {
            self.recent.lock().remove(&hash);
            return Err(KeyError::Refused);
        };
        self.remember(hash, &holder, now);
        Ok(holder)
    }

    /// When keys were used since the last call, for [`ApiKeys::keys_used`].
    #[must_use]
    pub fn take_uses(&self) -> Vec<(ApiKeyId, Timestamp)> {
        self.uses.lock().drain().collect()
    }

    fn remembered(&self, hash: SecretHash, now: Timestamp) -> Option<Arc<KeyHolder>> {
        let recent = self.recent.lock();
        let recent = recent.get(&hash).filter(|recent| recent.is_fresh(now))?;
        Some(Arc::clone(&recent.holder))
    }

    fn remember(&self, hash: SecretHash, holder: &Arc<KeyHolder>, now: Timestamp) {
        self.uses.lock().insert(holder.key.id, now);
        let mut recent = self.recent.lock();
        if recent.get(&hash).is_some_and(|recent| recent.is_fresh(now)) {
            return;
        }
        if recent.len() >= RECENT_MAX {
            recent.retain(|_, recent| recent.is_fresh(now));
        }
        if recent.len() >= RECENT_MAX {
            recent.clear();
        }
        let holder = Arc::clone(holder);
        recent.insert(
            hash,
            Recent {
                holder,
                read_at: now,
            },
        );
    }
}

impl ApiKey {
    /// Whether it is neither revoked nor ended.
    #[must_use]
    pub fn counts(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl KeyHolder {
    fn of(key: ApiKey) -> Self {
        let session = SessionId {
            kind: SessionKind::Anonymous,
            issuer: IssuerId(0),
            name: key.id.session(),
        };
        let principal = Principal {
            user: None,
            session,
            session_named_by_token: false,
            name: Some(Arc::from(key.name.as_str())),
            grants: Arc::new(Grants::new(&key.permissions)),
            token: None,
            family: None,
            issued_at: Some(key.created_at),
            expires_at: key.expires_at,
        };
        Self {
            key,
            principal: Arc::new(principal),
        }
    }
}

impl ApiKeyId {
    fn session(self) -> SessionName {
        #[expect(
            clippy::expect_used,
            reason = "20 letters and digits are a session's name"
        )]
        SessionName::new(&format!("key-{self}")).expect("a name")
    }
}

impl Recent {
    /// A clock that was set back makes nothing fresh.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.read_at <= now && now.since(self.read_at) < REMEMBERED
    }
}

const PREFIX: &str = "key_";
/// Half of the 2 s within which a revocation by another process counts.
const REMEMBERED: Duration = Duration::from_secs(1);
/// Keys that are remembered at the same time.
const RECENT_MAX: usize = 1024;
