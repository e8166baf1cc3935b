//! When a key set's source is asked, and how long its keys outlive an outage.

use std::time::Duration;

use conclave_protocol::Timestamp;

use super::document::{JwksFault, parse_jwks};
use crate::algorithm::Algorithm;
use crate::key::Key;

/// The keys of one source.
#[derive(Debug, Default)]
pub struct KeySet {
    /// The keys.
    pub keys: Vec<Key>,
    /// From when on they verify nothing any more; `None` never.
    pub valid_until: Option<Timestamp>,
}

/// Why the source should be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchReason {
    /// Time has passed: the keys should be looked at again.
    Schedule,
    /// A token named a key that is not known.
    UnknownKey,
}

/// The cache rules of one JWKS URL (identity.md, "Access tokens"), without the fetching.
///
/// The server asks [`JwksState::wants_fetch`] about every unknown key, and from time to time
/// with [`FetchReason::Schedule`]; where it says yes the server fetches once and reports by
/// [`JwksState::apply`] or [`JwksState::failed`].
#[derive(Debug, Default)]
pub struct JwksState {
    asked_at: Option<Timestamp>,
    answered_at: Option<Timestamp>,
    in_flight: bool,
}

impl JwksState {
    /// Whether to fetch now; yes counts as asked. For an unknown key at most once per 30 s, by
    /// schedule every 10 minutes, after a failure every 30 s; never twice at the same time.
    pub fn wants_fetch(&mut self, reason: FetchReason, now: Timestamp) -> bool {
        let spacing = match (reason, self.is_fresh()) {
            (FetchReason::Schedule, true) => SCHEDULE,
            (FetchReason::Schedule, false) | (FetchReason::UnknownKey, _) => SPACING,
        };
        let is_due = self
            .asked_at
            .is_none_or(|asked| now.since(asked) >= spacing);
        if self.in_flight || !is_due {
            return false;
        }
        self.in_flight = true;
        self.asked_at = Some(now);
        true
    }

    /// Takes the fetched document: its keys hold for 24 hours from now. A document without a
    /// usable key counts as a failed fetch.
    ///
    /// # Errors
    /// As [`parse_jwks`]; the keys known so far stay.
    pub fn apply(
        &mut self,
        document: &[u8],
        accepted: &[Algorithm],
        now: Timestamp,
    ) -> Result<KeySet, JwksFault> {
        self.in_flight = false;
        let keys = parse_jwks(document, accepted)?;
        self.answered_at = self.asked_at.max(Some(now));
        self.asked_at = self.answered_at;
        Ok(KeySet {
            keys,
            valid_until: Some(now.plus(OUTAGE_MAX)),
        })
    }

    /// Says that the fetch failed: the keys known so far stay until their 24 hours are over.
    pub fn failed(&mut self) {
        self.in_flight = false;
    }

    /// Whether the last question was answered.
    fn is_fresh(&self) -> bool {
        self.answered_at.is_some() && self.answered_at == self.asked_at
    }
}

/// How long keys outlive the last answer.
const OUTAGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Between two questions, at least.
const SPACING: Duration = Duration::from_secs(30);
/// Between two questions, while all is well and no unknown key turns up.
const SCHEDULE: Duration = Duration::from_secs(10 * 60);
