//! Refresh families in memory.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use conclave_protocol::{FamilyId, SessionName, Timestamp, UserId};
use parking_lot::Mutex;

use crate::{PortError, RefreshFamilies, RefreshFamily, Rotation, SecretHash};

/// Refresh families in memory.
#[derive(Debug, Default)]
pub struct MemoryRefreshFamilies(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    families: HashMap<FamilyId, Kept>,
    tokens: HashMap<SecretHash, FamilyId>,
    /// Starts so far; orders families that started in the same millisecond.
    starts: u64,
}

#[derive(Debug)]
struct Kept {
    family: RefreshFamily,
    started: (Timestamp, u64),
    revoked: bool,
    current: SecretHash,
    /// The token that `current` replaced, and when.
    previous: Option<(SecretHash, Timestamp)>,
}

impl Kept {
    fn is_live(&self, at: Timestamp) -> bool {
        !self.revoked && at < self.family.expires_at
    }
}

impl State {
    fn revoke(&mut self, mut which: impl FnMut(&RefreshFamily) -> bool) {
        for kept in self
            .families
            .values_mut()
            .filter(|kept| which(&kept.family))
        {
            kept.revoked = true;
        }
    }

    fn revoke_beyond(&mut self, user: &UserId, at: Timestamp, limit: u32) {
        let mut live: Vec<_> = self
            .families
            .values()
            .filter(|kept| kept.family.user == *user && kept.is_live(at))
            .map(|kept| (kept.started, kept.family.id))
            .collect();
        live.sort_unstable();
        let beyond = live
            .len()
            .saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        for (_, id) in live.into_iter().take(beyond) {
            self.revoke(|family| family.id == id);
        }
    }
}

#[async_trait]
impl RefreshFamilies for MemoryRefreshFamilies {
    async fn start(
        &self,
        family: &RefreshFamily,
        token: SecretHash,
        at: Timestamp,
        limit: u32,
    ) -> Result<(), PortError> {
        let mut state = self.0.lock();
        if state.families.contains_key(&family.id) || state.tokens.contains_key(&token) {
            return Err(PortError::Conflict);
        }
        state.starts += 1;
        let kept = Kept {
            family: family.clone(),
            started: (at, state.starts),
            revoked: false,
            current: token,
            previous: None,
        };
        state.families.insert(family.id, kept);
        state.tokens.insert(token, family.id);
        state.revoke_beyond(&family.user, at, limit);
        Ok(())
    }

    async fn rotate(
        &self,
        token: SecretHash,
        successor: SecretHash,
        at: Timestamp,
        grace: Duration,
    ) -> Result<Rotation, PortError> {
        let mut state = self.0.lock();
        let State {
            families, tokens, ..
        } = &mut *state;
        let Some(kept) = tokens.get(&token).and_then(|id| families.get_mut(id)) else {
            return Ok(Rotation::Unknown);
        };
        if !kept.is_live(at) {
            return Ok(Rotation::Unknown);
        }
        if kept.current == token {
            kept.previous = Some((token, at));
            kept.current = successor;
            tokens.insert(successor, kept.family.id);
            return Ok(Rotation::Rotated(kept.family.clone()));
        }
        match kept.previous {
            Some((previous, used)) if previous == token && at.since(used) < grace => {
                Ok(Rotation::Repeated(kept.family.clone()))
            }
            _ => {
                kept.revoked = true;
                Ok(Rotation::Reused(kept.family.clone()))
            }
        }
    }

    async fn revoke_family(&self, family: FamilyId) -> Result<(), PortError> {
        self.0.lock().revoke(|kept| kept.id == family);
        Ok(())
    }

    async fn revoke_user(&self, user: &UserId) -> Result<(), PortError> {
        self.0.lock().revoke(|kept| kept.user == *user);
        Ok(())
    }

    async fn revoke_session(&self, user: &UserId, session: &SessionName) -> Result<(), PortError> {
        self.0
            .lock()
            .revoke(|kept| kept.user == *user && kept.session.as_ref() == Some(session));
        Ok(())
    }

    async fn purge(&self, at: Timestamp) -> Result<(), PortError> {
        let mut state = self.0.lock();
        let State {
            families, tokens, ..
        } = &mut *state;
        families.retain(|_, kept| kept.family.expires_at >= at);
        tokens.retain(|_, id| families.contains_key(id));
        Ok(())
    }
}
