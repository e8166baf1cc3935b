//! `POST /auth/logout`, `POST /auth/revoke`.

use std::time::Duration;

use conclave_protocol::{
    IssuerId, Principal, SessionId, SessionKind, SessionName, Timestamp, UserId,
};

use super::{SignIn, SignInError};
use crate::{Revocation, Revoked, TokenError};

/// What an administrator revokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeTarget<'a> {
    /// Every token for the sessions that clients call this, of every issuer.
    Session(&'a str),
    /// One token, as it is.
    Token(&'a str),
    /// Every token of the user with this id.
    User(&'a str),
}

impl SignIn {
    /// Revokes the principal's token and the sign-in it descends from, or, with `all`, every
    /// token of its user until now. Says what to apply to live connections; it is stored, and
    /// the index of this process knows it.
    ///
    /// # Errors
    /// `Unauthenticated` where the principal is anonymous; `Unavailable`.
    pub async fn logout(
        &self,
        principal: &Principal,
        all: bool,
        now: Timestamp,
    ) -> Result<Vec<Revocation>, SignInError> {
        let (Some(user), Some(token)) = (&principal.user, principal.token) else {
            return Err(SignInError::Unauthenticated);
        };
        let mut revocations = Vec::new();
        if let Some(family) = principal.family {
            self.parts.families.revoke_family(family).await?;
            // Its other tokens were made for the same life as this one.
            let life = principal.expires_at.zip(principal.issued_at);
            let life = life.map_or(Duration::ZERO, |(end, start)| end.since(start));
            let until = Some(now.plus(life.max(Duration::from_secs(3600))));
            revocations.push(Revocation {
                revoked: Revoked::Family(family),
                until,
            });
        }
        revocations.push(Revocation {
            revoked: Revoked::Token(token),
            until: principal.expires_at,
        });
        for revocation in &revocations {
            self.store(revocation).await?;
        }
        if all {
            revocations.push(self.revoke_user(user, now).await?);
        }
        Ok(revocations)
    }

    /// Revokes for an administrator, whose permission the caller has checked. A token that has
    /// ended needs nothing.
    ///
    /// # Errors
    /// `BadRequest` for a token that is not valid, or a name that is none; `Unavailable`.
    pub async fn revoke(
        &self,
        target: RevokeTarget<'_>,
        now: Timestamp,
    ) -> Result<Vec<Revocation>, SignInError> {
        let revocations = match target {
            RevokeTarget::Session(name) => self.session_moments(name, now)?,
            RevokeTarget::Token(token) => match self.parts.verifier.verify(token, now) {
                Ok(verified) => {
                    let principal = verified.principal;
                    let token = principal.token.into_iter();
                    let until = principal.expires_at;
                    token
                        .map(|id| Revocation {
                            revoked: Revoked::Token(id),
                            until,
                        })
                        .collect()
                }
                Err(TokenError::Expired) => Vec::new(),
                Err(_) => return Err(SignInError::BadRequest("not a valid token")),
            },
            RevokeTarget::User(id) => {
                let user =
                    UserId::new(id).map_err(|_unfit| SignInError::BadRequest("not a user id"))?;
                return Ok(vec![self.revoke_user(&user, now).await?]);
            }
        };
        for revocation in &revocations {
            self.store(revocation).await?;
        }
        Ok(revocations)
    }

    /// Ends every token and sign-in of a user until now.
    pub(super) async fn revoke_user(
        &self,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Revocation, SignInError> {
        let revoked = Revoked::User {
            user: user.clone(),
            at: now,
        };
        let revocation = Revocation {
            revoked,
            until: None,
        };
        self.store(&revocation).await?;
        if let Some(name) = self.stored_name(user) {
            self.parts.families.revoke_user(&name).await?;
        }
        Ok(revocation)
    }

    /// Moments for every session that is shown by this name. The sign-ins for them end by
    /// themselves: refreshing looks at the moments.
    fn session_moments(&self, shown: &str, now: Timestamp) -> Result<Vec<Revocation>, SignInError> {
        let unfit = SignInError::BadRequest("not a session's name");
        let name = SessionName::new(shown).map_err(|_unfit| unfit)?;
        let user = shown
            .strip_prefix("session-")
            .and_then(|user| SessionName::new(user).ok());
        let moment = |kind, issuer: IssuerId, name: &SessionName| Revocation {
            revoked: Revoked::Session {
                session: SessionId {
                    kind,
                    issuer,
                    name: name.clone(),
                },
                user: None,
                at: now,
            },
            until: None,
        };
        let of_issuer = |issuer: IssuerId| {
            let named = moment(SessionKind::Named, issuer, &name);
            let default = user
                .iter()
                .map(move |user| moment(SessionKind::Default, issuer, user));
            std::iter::once(named).chain(default)
        };
        Ok(self
            .parts
            .verifier
            .issuers()
            .flat_map(|issuer| of_issuer(issuer.id))
            .collect())
    }

    /// Stores a revocation, and lets this process know at once.
    pub(super) async fn store(&self, revocation: &Revocation) -> Result<(), SignInError> {
        self.parts.revocations.revoke(revocation).await?;
        self.parts.standing.revocations.apply_early(revocation);
        Ok(())
    }

    pub(super) fn own_leeway(&self) -> Duration {
        self.parts
            .verifier
            .issuers()
            .next()
            .map_or(Duration::ZERO, |own| own.leeway)
    }
}
