//! Revocations in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use conclave_protocol::Timestamp;
use parking_lot::Mutex;

use crate::{PortError, Revocation, Revocations, Revoked};

/// Revocations in memory.
#[derive(Debug, Default)]
pub struct MemoryRevocations(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    sequence: u64,
    kept: BTreeMap<u64, Revocation>,
}

#[async_trait]
impl Revocations for MemoryRevocations {
    async fn revoke(&self, revocation: &Revocation) -> Result<u64, PortError> {
        let mut state = self.0.lock();
        let mut next = revocation.clone();
        let found = state
            .kept
            .iter()
            .find(|(_, kept)| same_subject(&kept.revoked, &next.revoked));
        if let Some((&sequence, kept)) = found {
            next.until = later_end(kept.until, next.until);
            let covered = moment(&kept.revoked) >= moment(&next.revoked);
            if covered && next.until == kept.until {
                return Ok(sequence);
            }
            if covered {
                next.revoked = kept.revoked.clone();
            }
            state.kept.remove(&sequence);
        }
        state.sequence += 1;
        let sequence = state.sequence;
        state.kept.insert(sequence, next);
        Ok(sequence)
    }

    async fn after(&self, sequence: u64, limit: u32) -> Result<Vec<(u64, Revocation)>, PortError> {
        let state = self.0.lock();
        let later = state.kept.range(sequence.saturating_add(1)..);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(later
            .take(limit)
            .map(|(sequence, kept)| (*sequence, kept.clone()))
            .collect())
    }

    async fn purge(&self, at: Timestamp) -> Result<(), PortError> {
        self.0
            .lock()
            .kept
            .retain(|_, kept| kept.until.is_none_or(|until| until >= at));
        Ok(())
    }
}

/// Whether both revoke the same thing, whatever the moment.
fn same_subject(left: &Revoked, right: &Revoked) -> bool {
    match (left, right) {
        (
            Revoked::Session {
                session: a,
                user: of_a,
                ..
            },
            Revoked::Session {
                session: b,
                user: of_b,
                ..
            },
        ) => a == b && of_a == of_b,
        (Revoked::User { user: a, .. }, Revoked::User { user: b, .. }) => a == b,
        _ => left == right,
    }
}

fn moment(revoked: &Revoked) -> Option<Timestamp> {
    match revoked {
        Revoked::Family(_) | Revoked::Token(_) => None,
        Revoked::Session { at, .. } | Revoked::User { at, .. } => Some(*at),
    }
}

fn later_end(left: Option<Timestamp>, right: Option<Timestamp>) -> Option<Timestamp> {
    Some(left?.max(right?))
}
