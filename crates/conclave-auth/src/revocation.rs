//! What is revoked, in memory: asked on every handshake, filled from the store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use conclave_protocol::{FamilyId, Principal, SessionId, Timestamp, TokenId, UserId};
use parking_lot::RwLock;

use crate::{Revocation, Revoked};

/// All revocations of the store that still matter. Holds no more than the store does.
///
/// A moment covers tokens whose `iat` is at or before it, compared in milliseconds, and tokens
/// without `iat`. A foreign `iat` is a whole second and so lies before all that happens in that
/// second: a token of the same second is refused. Own tokens carry milliseconds, and
/// [`RevocationIndex::issue_at`] puts them after the moment, so that signing in again works at
/// once.
#[derive(Debug, Default)]
pub struct RevocationIndex {
    state: RwLock<State>,
    entries: AtomicUsize,
    epoch: AtomicU64,
    sequence: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    families: HashMap<FamilyId, Option<Timestamp>>,
    sessions: HashMap<SessionId, SessionMoments>,
    tokens: HashMap<TokenId, Option<Timestamp>>,
    users: HashMap<UserId, Moment>,
}

#[derive(Debug, Default)]
struct SessionMoments {
    of_all: Option<Moment>,
    of_user: HashMap<UserId, Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    at: Timestamp,
    until: Option<Timestamp>,
}

impl RevocationIndex {
    /// Takes a revocation as the store lists it; the sequence is where the next reading of the
    /// store goes on.
    pub fn apply(&self, sequence: u64, revocation: &Revocation) {
        self.apply_early(revocation);
        self.sequence.fetch_max(sequence, Ordering::AcqRel);
    }

    /// Takes a revocation that was just stored here, before the store lists it. The place where
    /// the next reading goes on stays: others may have stored before.
    pub fn apply_early(&self, revocation: &Revocation) {
        let mut state = self.state.write();
        if state.insert(revocation) {
            self.entries.store(state.entries(), Ordering::Release);
            // Inside the lock: who sees the new epoch also finds the entry.
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// The last sequence number that was applied.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// Moves with each revocation that was not known before.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// How many revocations are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the token that proved this principal is revoked.
    #[must_use]
    pub fn is_revoked(&self, principal: &Principal) -> bool {
        if self.is_empty() {
            return false;
        }
        let state = self.state.read();
        let covers = |moment: Moment| principal.issued_at.is_none_or(|at| at <= moment.at);
        principal
            .token
            .is_some_and(|token| state.tokens.contains_key(&token))
            || principal
                .family
                .is_some_and(|family| state.families.contains_key(&family))
            || state
                .moments(principal.user.as_ref(), &principal.session)
                .any(covers)
    }

    /// Whether a sign-in of that moment is covered by a revocation of its user or session.
    pub(crate) fn covers(&self, user: &UserId, session: &SessionId, at: Timestamp) -> bool {
        self.state
            .read()
            .moments(Some(user), session)
            .any(|moment| at <= moment.at)
    }

    /// The `iat` for an own token asked for at `now`: a millisecond later where its user or
    /// session was revoked in that very millisecond. A moment after `now` does cover it: the
    /// password was shown before.
    #[must_use]
    pub fn issue_at(&self, user: &UserId, session: &SessionId, now: Timestamp) -> Timestamp {
        let state = self.state.read();
        let is_now = state
            .moments(Some(user), session)
            .any(|moment| moment.at == now);
        if is_now {
            now.plus(Duration::from_millis(1))
        } else {
            now
        }
    }

    /// Forgets what ended before `now`.
    pub fn purge(&self, now: Timestamp) {
        let mut state = self.state.write();
        let is_kept = |until: Option<Timestamp>| until.is_none_or(|until| until >= now);
        state.tokens.retain(|_, until| is_kept(*until));
        state.families.retain(|_, until| is_kept(*until));
        state.users.retain(|_, moment| is_kept(moment.until));
        state.sessions.retain(|_, moments| {
            moments.of_all = moments.of_all.filter(|moment| is_kept(moment.until));
            moments.of_user.retain(|_, moment| is_kept(moment.until));
            moments.of_all.is_some() || !moments.of_user.is_empty()
        });
        self.entries.store(state.entries(), Ordering::Release);
    }
}

impl State {
    /// Whether anything changed by it.
    fn insert(&mut self, revocation: &Revocation) -> bool {
        let until = revocation.until;
        match &revocation.revoked {
            Revoked::Family(family) => self
                .families
                .insert(*family, until)
                .is_none_or(|before| before != until),
            Revoked::Token(token) => self
                .tokens
                .insert(*token, until)
                .is_none_or(|before| before != until),
            Revoked::User { user, at } => {
                let moment = self.users.get(user).copied();
                let (moment, is_new) = later(moment, Moment { at: *at, until });
                self.users.insert(user.clone(), moment);
                is_new
            }
            Revoked::Session { session, user, at } => {
                let moments = self.sessions.entry(session.clone()).or_default();
                let next = Moment { at: *at, until };
                match user {
                    None => {
                        let (moment, is_new) = later(moments.of_all, next);
                        moments.of_all = Some(moment);
                        is_new
                    }
                    Some(user) => {
                        let (moment, is_new) = later(moments.of_user.get(user).copied(), next);
                        moments.of_user.insert(user.clone(), moment);
                        is_new
                    }
                }
            }
        }
    }

    fn moments(
        &self,
        user: Option<&UserId>,
        session: &SessionId,
    ) -> impl Iterator<Item = Moment> + use<> {
        let of_session = self.sessions.get(session);
        let moments = [
            user.and_then(|user| self.users.get(user)).copied(),
            of_session.and_then(|moments| moments.of_all),
            of_session
                .zip(user)
                .and_then(|(moments, user)| moments.of_user.get(user))
                .copied(),
        ];
        moments.into_iter().flatten()
    }

    fn entries(&self) -> usize {
        let of_session = |moments: &SessionMoments| {
            moments.of_user.len() + usize::from(moments.of_all.is_some())
        };
        self.families.len()
            + self.tokens.len()
            + self.users.len()
            + self.sessions.values().map(of_session).sum::<usize>()
    }
}

/// The later moment, and whether that is `next`.
fn later(before: Option<Moment>, next: Moment) -> (Moment, bool) {
    match before {
        Some(before) if before.at >= next.at => (before, false),
        _ => (next, true),
    }
}
