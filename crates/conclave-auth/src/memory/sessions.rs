//! Named sessions in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use conclave_protocol::{SessionName, Timestamp, UserId};
use parking_lot::Mutex;

use crate::{OwnedSession, PortError, SessionStanding, Sessions};

/// Named sessions in memory.
#[derive(Debug, Default)]
pub struct MemorySessions(Mutex<BTreeMap<SessionName, Kept>>);

#[derive(Debug)]
struct Kept {
    owner: UserId,
    created_at: Timestamp,
    shared_with: BTreeSet<UserId>,
}

#[async_trait]
impl Sessions for MemorySessions {
    async fn claim(
        &self,
        name: &SessionName,
        user: &UserId,
        at: Timestamp,
        limit: u32,
    ) -> Result<SessionStanding, PortError> {
        let mut sessions = self.0.lock();
        if let Some(kept) = sessions.get(name) {
            return Ok(if kept.owner == *user {
                SessionStanding::Owner
            } else if kept.shared_with.contains(user) {
                SessionStanding::Shared
            } else {
                SessionStanding::Stranger
            });
        }
        let owned = sessions.values().filter(|kept| kept.owner == *user).count();
        if is_full(owned, limit) {
            return Err(PortError::Full(limit));
        }
        let kept = Kept {
            owner: user.clone(),
            created_at: at,
            shared_with: BTreeSet::default(),
        };
        sessions.insert(name.clone(), kept);
        Ok(SessionStanding::Owner)
    }

    async fn owned(&self, user: &UserId) -> Result<Vec<OwnedSession>, PortError> {
        let sessions = self.0.lock();
        let owned = sessions.iter().filter(|(_, kept)| kept.owner == *user);
        Ok(owned
            .map(|(name, kept)| OwnedSession {
                name: name.clone(),
                created_at: kept.created_at,
                shared_with: kept.shared_with.iter().cloned().collect(),
            })
            .collect())
    }

    async fn delete(&self, name: &SessionName, owner: &UserId) -> Result<(), PortError> {
        let mut sessions = self.0.lock();
        of_owner(&mut sessions, name, owner)?;
        sessions.remove(name);
        Ok(())
    }

    async fn share(
        &self,
        name: &SessionName,
        owner: &UserId,
        with: &UserId,
        limit: u32,
    ) -> Result<(), PortError> {
        let mut sessions = self.0.lock();
        let kept = of_owner(&mut sessions, name, owner)?;
        if kept.shared_with.contains(with) {
            return Ok(());
        }
        if is_full(kept.shared_with.len(), limit) {
            return Err(PortError::Full(limit));
        }
        kept.shared_with.insert(with.clone());
        Ok(())
    }

    async fn unshare(
        &self,
        name: &SessionName,
        owner: &UserId,
        with: &UserId,
    ) -> Result<(), PortError> {
        let mut sessions = self.0.lock();
        let taken = of_owner(&mut sessions, name, owner)?
            .shared_with
            .remove(with);
        if taken {
            Ok(())
        } else {
            Err(PortError::NotFound)
        }
    }
}

fn of_owner<'a>(
    sessions: &'a mut BTreeMap<SessionName, Kept>,
    name: &SessionName,
    owner: &UserId,
) -> Result<&'a mut Kept, PortError> {
    sessions
        .get_mut(name)
        .filter(|kept| kept.owner == *owner)
        .ok_or(PortError::NotFound)
}

fn is_full(count: usize, limit: u32) -> bool {
    u32::try_from(count).map_or(true, |count| count >= limit)
}
