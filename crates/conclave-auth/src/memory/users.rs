//! Users in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use conclave_protocol::{Timestamp, UserId};
use parking_lot::Mutex;

use crate::{PasswordHash, PortError, StoredUser, UserChange, UserState, Users};

/// Users in memory.
#[derive(Debug, Default)]
pub struct MemoryUsers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    revision: u64,
    users: BTreeMap<UserId, StoredUser>,
    /// The latest change of every user that ever was.
    changes: BTreeMap<UserId, UserChange>,
}

impl State {
    fn changed(&mut self, name: &UserId, at: Timestamp) {
        self.revision += 1;
        let state = match self.users.get(name) {
            None => UserState::Deleted,
            Some(user) if user.disabled => UserState::Disabled,
            Some(user) => UserState::Active {
                roles: user.roles.clone(),
                permissions: user.permissions.clone(),
            },
        };
        let change = UserChange {
            revision: self.revision,
            at,
            name: name.clone(),
            state,
        };
        self.changes.insert(name.clone(), change);
    }

    fn change(
        &mut self,
        name: &UserId,
        at: Timestamp,
        change: impl FnOnce(&mut StoredUser),
    ) -> Result<(), PortError> {
        change(self.users.get_mut(name).ok_or(PortError::NotFound)?);
        self.changed(name, at);
        Ok(())
    }
}

#[async_trait]
impl Users for MemoryUsers {
    async fn add(&self, user: &StoredUser, at: Timestamp) -> Result<(), PortError> {
        let mut state = self.0.lock();
        if state.users.contains_key(&user.name) {
            return Err(PortError::Conflict);
        }
        state.users.insert(user.name.clone(), user.clone());
        state.changed(&user.name, at);
        Ok(())
    }

    async fn find(&self, name: &UserId) -> Result<Option<StoredUser>, PortError> {
        Ok(self.0.lock().users.get(name).cloned())
    }

    async fn list(&self, after: Option<&UserId>, limit: u32) -> Result<Vec<StoredUser>, PortError> {
        let state = self.0.lock();
        let later = state
            .users
            .values()
            .filter(|user| after.is_none_or(|after| user.name > *after));
        Ok(later.take(page(limit)).cloned().collect())
    }

    async fn set_password_hash(
        &self,
        name: &UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), PortError> {
        let mut state = self.0.lock();
        let user = state.users.get_mut(name).ok_or(PortError::NotFound)?;
        if user.password_hash != *expected {
            return Err(PortError::Conflict);
        }
        user.password_hash = new.clone();
        Ok(())
    }

    async fn set_grants(
        &self,
        name: &UserId,
        roles: &[String],
        permissions: &[String],
        at: Timestamp,
    ) -> Result<(), PortError> {
        self.0.lock().change(name, at, |user| {
            user.roles = roles.to_vec();
            user.permissions = permissions.to_vec();
        })
    }

    async fn set_disabled(
        &self,
        name: &UserId,
        disabled: bool,
        at: Timestamp,
    ) -> Result<(), PortError> {
        self.0
            .lock()
            .change(name, at, |user| user.disabled = disabled)
    }

    async fn remove(&self, name: &UserId, at: Timestamp) -> Result<(), PortError> {
        let mut state = self.0.lock();
        state.users.remove(name).ok_or(PortError::NotFound)?;
        state.changed(name, at);
        Ok(())
    }

    async fn changes(&self, revision: u64, limit: u32) -> Result<Vec<UserChange>, PortError> {
        let state = self.0.lock();
        let mut changes: Vec<UserChange> = state
            .changes
            .values()
            .filter(|change| change.revision > revision)
            .cloned()
            .collect();
        changes.sort_unstable_by_key(|change| change.revision);
        changes.truncate(page(limit));
        Ok(changes)
    }
}

fn page(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
