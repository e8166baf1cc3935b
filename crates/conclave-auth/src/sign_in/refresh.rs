//! `POST /auth/refresh`.
//!
//! A refresh token is `START.SECRET`: the moment of the sign-in in milliseconds, hexadecimal,
//! and 32 bytes in base64url. What is stored is the hash of the whole, so nobody can change the
//! moment; with it a revocation by user or session also ends the sign-ins from before it.

use aws_lc_rs::hmac;
use conclave_protocol::Timestamp;

use super::{SignIn, SignInError, SignedIn, shown};
use crate::random::{Random, bytes};
use crate::secret::hash_secret;
use crate::{RefreshFamily, Revocation, Revoked, Rotation};

impl SignIn {
    /// New tokens for a refresh token: the session is kept, roles and the disabled flag are read
    /// anew. The token just used gives the same successor again for a while, so that a client
    /// that lost the answer can ask again.
    ///
    /// # Errors
    /// `Unauthenticated`; `Reused`, with what is now revoked; `Unavailable`, `Internal`.
    pub async fn refresh(&self, token: &str, now: Timestamp) -> Result<SignedIn, SignInError> {
        let (start, started_at) = start_of(token).ok_or(SignInError::Unauthenticated)?;
        let secret = hmac::sign(&self.refresh_key, token.as_bytes());
        let successor = format!("{start}.{}", shown(secret.as_ref()));
        let grace = self.parts.policy.refresh_grace;
        let (old, new) = (hash_secret(token), hash_secret(&successor));
        let family = match self.parts.families.rotate(old, new, now, grace).await? {
            Rotation::Rotated(family) | Rotation::Repeated(family) => family,
            Rotation::Reused(family) => return Err(self.reused(&family, now).await?),
            Rotation::Unknown => return Err(SignInError::Unauthenticated),
        };
        let Some(user) = self
            .parts
            .users
            .find(&family.user)
            .await?
            .filter(|user| !user.disabled)
        else {
            return self.end(&family).await;
        };
        let session = self.session_of(&user.name, family.session.as_ref())?;
        let id = self.user_id(&user.name)?;
        let revocations = &self.parts.standing.revocations;
        if revocations.covers(&id, &session, started_at) {
            return self.end(&family).await;
        }
        let name = family.session.as_ref().map(|name| name.as_str());
        match self.resolve_session(&user.name, name, now).await {
            Ok(_) => {}
            Err(SignInError::Forbidden | SignInError::TooMany(_)) => {
                return self.end(&family).await;
            }
            Err(error) => return Err(error),
        }
        let at = revocations.issue_at(&id, &session, now);
        self.tokens(&user, &family, successor, at)
    }

    async fn end(&self, family: &RefreshFamily) -> Result<SignedIn, SignInError> {
        self.parts.families.revoke_family(family.id).await?;
        Err(SignInError::Unauthenticated)
    }

    /// Somebody used a token of this family twice: its access tokens end too.
    async fn reused(
        &self,
        family: &RefreshFamily,
        now: Timestamp,
    ) -> Result<SignInError, SignInError> {
        let life = std::time::Duration::from_secs(u64::from(family.access_seconds));
        let until = Some(now.plus(life).plus(self.own_leeway()));
        let revocation = Revocation {
            revoked: Revoked::Family(family.id),
            until,
        };
        self.store(&revocation).await?;
        Ok(SignInError::Reused(Box::new(revocation)))
    }
}

/// The first refresh token of a sign-in at that moment.
pub(super) fn first_token(at: Timestamp, random: &dyn Random) -> String {
    format!("{:x}.{}", at.millis(), shown(&bytes::<32>(random)))
}

/// The moment of the sign-in, as written and read.
fn start_of(token: &str) -> Option<(&str, Timestamp)> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (start, _) = token.split_once('.')?;
    let millis = u64::from_str_radix(start, 16).ok()?;
    Some((start, Timestamp::from_millis(millis)))
}

/// 16 digits, a dot, 43 characters.
const TOKEN_BYTES_MAX: usize = 60;
