//! Named sessions: who may enter them, and what their owners do with them.

use conclave_protocol::{
    IssuerId, Principal, SessionId, SessionKind, SessionName, Timestamp, UserId,
};

use super::{SignIn, SignInError};
use crate::{OwnedSession, Revocation, Revoked, SessionStanding};

impl SignIn {
    /// The session that a connection may change to by its name (topics.md, `register-session`):
    /// one's own default one, or where signing in would grant it. A name that is free becomes
    /// the user's. Users of other issuers have only their default one.
    ///
    /// # Errors
    /// `Forbidden`; `BadRequest` for a name that is none; `TooMany` named sessions;
    /// `Unavailable`.
    pub async fn may_enter(
        &self,
        principal: &Principal,
        name: &str,
        now: Timestamp,
    ) -> Result<SessionId, SignInError> {
        let user = principal.user.as_ref().ok_or(SignInError::Forbidden)?;
        if name.strip_prefix("session-") == Some(user.as_str()) {
            let name = SessionName::new(user.as_str()).map_err(unfit)?;
            let issuer = principal.session.issuer;
            return Ok(SessionId {
                kind: SessionKind::Default,
                issuer,
                name,
            });
        }
        let own = self.own_name(principal)?;
        let (session, _) = self.resolve_session(&own, Some(name), now).await?;
        // A token from before an unsharing stays out, even where it was shared again.
        let issued_at = principal.issued_at.ok_or(SignInError::Forbidden)?;
        if self
            .parts
            .standing
            .revocations
            .covers(user, &session, issued_at)
        {
            return Err(SignInError::Forbidden);
        }
        Ok(session)
    }

    /// The sessions that the principal's user owns: `GET /auth/sessions`.
    ///
    /// # Errors
    /// `Forbidden` for users of other issuers; `Unavailable`.
    pub async fn owned_sessions(
        &self,
        principal: &Principal,
    ) -> Result<Vec<OwnedSession>, SignInError> {
        Ok(self
            .parts
            .sessions
            .owned(&self.own_name(principal)?)
            .await?)
    }

    /// Deletes a session; its tokens and sign-ins end, so that the next to claim the name is
    /// alone in it: `DELETE /auth/sessions/{name}`.
    ///
    /// # Errors
    /// `NotFound` where it is not theirs; `Forbidden` for users of other issuers; `Unavailable`.
    pub async fn delete_session(
        &self,
        principal: &Principal,
        name: &str,
        now: Timestamp,
    ) -> Result<Vec<Revocation>, SignInError> {
        let owner = self.own_name(principal)?;
        let kept = self.owned_session(&owner, name).await?;
        let revocation = self.revoke_in_session(&kept.name, None, now).await?;
        self.parts.sessions.delete(&kept.name, &owner).await?;
        for user in kept.shared_with.iter().chain([&owner]) {
            self.parts.families.revoke_session(user, &kept.name).await?;
        }
        Ok(vec![revocation])
    }

    /// Shares a session with a user of the own issuer:
    /// `PUT /auth/sessions/{name}/users/{user}`.
    ///
    /// # Errors
    /// `NotFound` where it is not theirs; `BadRequest` for a user id that is none, or one's own;
    /// `TooMany` users; `Forbidden` for users of other issuers; `Unavailable`.
    pub async fn share_session(
        &self,
        principal: &Principal,
        name: &str,
        with: &str,
    ) -> Result<(), SignInError> {
        let owner = self.own_name(principal)?;
        let with = self.named_user(with)?;
        if with == owner {
            return Err(SignInError::BadRequest("the session is theirs already"));
        }
        let name = SessionName::new(name).map_err(|_unfit| SignInError::NotFound)?;
        let limit = self.parts.policy.shares_per_session;
        Ok(self
            .parts
            .sessions
            .share(&name, &owner, &with, limit)
            .await?)
    }

    /// Takes a share back; that user's tokens and sign-ins for the session end:
    /// `DELETE /auth/sessions/{name}/users/{user}`.
    ///
    /// # Errors
    /// `NotFound` where it is not theirs or not shared; `BadRequest`, `Forbidden`,
    /// `Unavailable`.
    pub async fn unshare_session(
        &self,
        principal: &Principal,
        name: &str,
        with: &str,
        now: Timestamp,
    ) -> Result<Vec<Revocation>, SignInError> {
        let owner = self.own_name(principal)?;
        let with = self.named_user(with)?;
        let kept = self.owned_session(&owner, name).await?;
        if !kept.shared_with.contains(&with) {
            return Err(SignInError::NotFound);
        }
        // Revoked first: should the process end in between, nobody is left inside.
        let user = self.user_id(&with)?;
        let revocation = self.revoke_in_session(&kept.name, Some(user), now).await?;
        self.parts
            .sessions
            .unshare(&kept.name, &owner, &with)
            .await?;
        self.parts
            .families
            .revoke_session(&with, &kept.name)
            .await?;
        Ok(vec![revocation])
    }

    async fn owned_session(&self, owner: &UserId, name: &str) -> Result<OwnedSession, SignInError> {
        let owned = self.parts.sessions.owned(owner).await?;
        let kept = owned
            .into_iter()
            .find(|session| session.name.as_str() == name);
        kept.ok_or(SignInError::NotFound)
    }

    async fn revoke_in_session(
        &self,
        name: &SessionName,
        user: Option<UserId>,
        now: Timestamp,
    ) -> Result<Revocation, SignInError> {
        let revoked = Revoked::Session {
            session: named_session(name.clone()),
            user,
            at: now,
        };
        let until = Some(now.plus(self.parts.policy.token_life_max));
        let revocation = Revocation { revoked, until };
        self.store(&revocation).await?;
        Ok(revocation)
    }

    /// The stored name of a user that a path names by id.
    fn named_user(&self, id: &str) -> Result<UserId, SignInError> {
        let unfit = SignInError::BadRequest("not a user id of this issuer");
        let id = UserId::new(id).ok().and_then(|id| self.stored_name(&id));
        id.ok_or(unfit)
    }

    /// The session that an own user gets by asking for this name, claimed where it was free, and
    /// what the token's `sid` is then.
    pub(super) async fn resolve_session(
        &self,
        name: &UserId,
        wanted: Option<&str>,
        now: Timestamp,
    ) -> Result<(SessionId, Option<SessionName>), SignInError> {
        let wanted = wanted
            .map(|wanted| SessionName::new(wanted).map_err(unfit))
            .transpose()?;
        let session = self.session_of(name, wanted.as_ref())?;
        let (SessionKind::Named, Some(claimed)) = (session.kind, &wanted) else {
            return Ok((session, wanted));
        };
        // Other users' default sessions are never named ones.
        if claimed.as_str().starts_with("session-") {
            return Err(SignInError::Forbidden);
        }
        let limit = self.parts.policy.sessions_per_user;
        match self.parts.sessions.claim(claimed, name, now, limit).await? {
            SessionStanding::Owner | SessionStanding::Shared => Ok((session, wanted)),
            SessionStanding::Stranger => Err(SignInError::Forbidden),
        }
    }

    /// The session that a token of this user with this `sid` is for.
    pub(super) fn session_of(
        &self,
        name: &UserId,
        sid: Option<&SessionName>,
    ) -> Result<SessionId, SignInError> {
        let id = self.user_id(name)?;
        let is_own = |sid: &SessionName| {
            let user = sid.as_str().strip_prefix("session-");
            user == Some(name.as_str()) || user == Some(id.as_str())
        };
        match sid {
            Some(sid) if !is_own(sid) => Ok(named_session(sid.clone())),
            _ => {
                let name = SessionName::new(id.as_str()).map_err(unfit)?;
                Ok(SessionId {
                    kind: SessionKind::Default,
                    issuer: IssuerId(0),
                    name,
                })
            }
        }
    }
}

fn named_session(name: SessionName) -> SessionId {
    SessionId {
        kind: SessionKind::Named,
        issuer: IssuerId(0),
        name,
    }
}

fn unfit(_: conclave_protocol::NameError) -> SignInError {
    SignInError::BadRequest("not a session's name")
}
