//! What other processes stored: the command line revokes and disables in the same file.

use std::sync::Arc;
use std::time::Duration;

use conclave_auth::{PortError, RefreshFamilies, Revocations, Users};

use conclave_protocol::Timestamp;

use crate::node::Node;

/// Where changes are read from.
pub(crate) struct Sources {
    pub(crate) users: Arc<dyn Users>,
    pub(crate) families: Arc<dyn RefreshFamilies>,
    pub(crate) revocations: Arc<dyn Revocations>,
}

/// Reads changes twice a second and makes them count on open connections.
pub(crate) async fn watch(node: Arc<Node>, sources: Sources) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut rounds: u64 = 0;
    loop {
        ticks.tick().await;
        let before = node.identity.epoch();
        if let Err(error) = catch_up(&node, &sources).await {
            tracing::warn!(%error, "cannot read changes of users and revocations");
        }
        if node.identity.epoch() != before {
            node.review_all();
        }
        node.identity.refresh_keys().await;
        rounds += 1;
        if rounds.is_multiple_of(PURGE_ROUNDS) {
            let now = node.clock.now();
            node.identity.standing().revocations.purge(now);
            if let Err(error) = purge(&sources, now).await {
                tracing::warn!(%error, "cannot forget what has ended");
            }
        }
    }
}

async fn purge(sources: &Sources, now: Timestamp) -> Result<(), PortError> {
    sources.revocations.purge(now).await?;
    sources.families.purge(now).await
}

/// Applies everything that is not applied yet; called at the start too, before any socket.
pub(crate) async fn catch_up(node: &Node, sources: &Sources) -> Result<(), PortError> {
    let standing = node.identity.standing();
    loop {
        let changes = sources
            .users
            .changes(standing.users.revision(), PAGE)
            .await?;
        changes
            .iter()
            .for_each(|change| standing.users.apply(change));
        if changes.len() < PAGE_LEN {
            break;
        }
    }
    loop {
        let sequence = standing.revocations.sequence();
        let revocations = sources.revocations.after(sequence, PAGE).await?;
        for (sequence, revocation) in &revocations {
            standing.revocations.apply(*sequence, revocation);
        }
        if revocations.len() < PAGE_LEN {
            return Ok(());
        }
    }
}

const INTERVAL: Duration = Duration::from_millis(500);
const PAGE: u32 = 1000;
const PAGE_LEN: usize = 1000;
/// An hour.
const PURGE_ROUNDS: u64 = 7200;
