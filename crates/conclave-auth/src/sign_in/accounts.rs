//! Own users: their passwords, and their end.

use conclave_protocol::{Principal, Timestamp, UserId};

use super::{SignIn, SignInError};
use crate::password::{Password, PasswordJob, PasswordOutcome};
use crate::random::bytes;
use crate::{PasswordHash, Revocation};

impl SignIn {
    /// Changes the password of the principal's user: `POST /auth/password`. Every sign-in and
    /// token of the user until now ends, this one too; the user signs in again.
    ///
    /// # Errors
    /// `Forbidden` where the old one is wrong or the user is not stored here; `BadRequest` where
    /// the new one is too short; `Conflict` where it changed at the same time; `Busy`,
    /// `Unavailable`, `Internal`.
    pub async fn change_password(
        &self,
        principal: &Principal,
        old: Password,
        new: Password,
        now: Timestamp,
    ) -> Result<Vec<Revocation>, SignInError> {
        let name = self.own_name(principal)?;
        self.check_new(&new)?;
        let user = match self.user_with_password(name.as_str(), old).await {
            Err(SignInError::Unauthenticated) => return Err(SignInError::Forbidden),
            user => user?,
        };
        self.replace_password(&user.name, &user.password_hash, new, now)
            .await
    }

    /// Gives an own user another password without the old one, for an administrator whose
    /// permission the caller has checked. Every sign-in and token of the user ends.
    ///
    /// # Errors
    /// `NotFound`; `BadRequest` where it is too short; `Conflict`, `Busy`, `Unavailable`,
    /// `Internal`.
    pub async fn reset_password(
        &self,
        name: &UserId,
        new: Password,
        now: Timestamp,
    ) -> Result<Vec<Revocation>, SignInError> {
        self.check_new(&new)?;
        let user = self
            .parts
            .users
            .find(name)
            .await?
            .ok_or(SignInError::NotFound)?;
        self.replace_password(name, &user.password_hash, new, now)
            .await
    }

    /// Deletes an own user, for an administrator whose permission the caller has checked. Its
    /// tokens from before stay refused, even where the name is added again.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn remove_user(
        &self,
        name: &UserId,
        now: Timestamp,
    ) -> Result<Vec<Revocation>, SignInError> {
        self.parts.users.remove(name, now).await?;
        Ok(vec![self.revoke_user(&self.user_id(name)?, now).await?])
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// `BadRequest` where it is too short; `Busy`, `Internal`.
    pub async fn hash_password(&self, new: Password) -> Result<PasswordHash, SignInError> {
        self.check_new(&new)?;
        let salt = bytes(&*self.parts.random);
        match self
            .parts
            .passwords
            .run(PasswordJob::Hash {
                password: new,
                salt,
            })
            .await?
        {
            PasswordOutcome::Hashed(hash) => Ok(hash),
            PasswordOutcome::Failed | PasswordOutcome::Right { .. } | PasswordOutcome::Wrong => {
                Err(SignInError::Internal)
            }
        }
    }

    async fn replace_password(
        &self,
        name: &UserId,
        stored: &PasswordHash,
        new: Password,
        now: Timestamp,
    ) -> Result<Vec<Revocation>, SignInError> {
        let hash = self.hash_password(new).await?;
        self.parts
            .users
            .set_password_hash(name, stored, &hash)
            .await?;
        Ok(vec![self.revoke_user(&self.user_id(name)?, now).await?])
    }

    fn check_new(&self, new: &Password) -> Result<(), SignInError> {
        if new.bytes() < self.parts.policy.password_bytes_min {
            return Err(SignInError::BadRequest("the new password is too short"));
        }
        Ok(())
    }
}
