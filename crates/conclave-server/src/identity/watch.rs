//! What other processes stored: the command line, and other nodes, revoke and disable in the
//! same store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use conclave_auth::{ApiKeys, Idempotency, PortError, RefreshFamilies, Revocations, Users};
use conclave_protocol::Timestamp;

use crate::node::Node;
use crate::stored::Stored;

/// Where changes are read from.
pub(crate) struct Sources {
    pub(crate) users: Arc<dyn Users>,
    pub(crate) families: Arc<dyn RefreshFamilies>,
    pub(crate) revocations: Arc<dyn Revocations>,
    pub(crate) keys: Arc<dyn ApiKeys>,
    pub(crate) calls: Arc<dyn Idempotency>,
}

/// Whether the store's file may have been written since the last look, by size and time of the
/// file and of its log, one of which every commit moves. Two commits within the clock tick of
/// the file system may look like one, so it does not replace reading now and then.
struct Trace {
    files: Option<[PathBuf; 2]>,
    seen: Option<[Mark; 2]>,
}

type Mark = Option<(u64, SystemTime)>;

impl Trace {
    /// Of what is in a database there is no trace: it may have moved at any time.
    fn new(file: Option<&PathBuf>) -> Self {
        let files = file.map(|file| {
            let mut log = file.clone().into_os_string();
            log.push("-wal");
            [file.clone(), log.into()]
        });
        Self { files, seen: None }
    }

    /// Take it before reading: what is written meanwhile is seen by the next look.
    fn has_moved(&mut self) -> bool {
        let Some(files) = &self.files else {
            return true;
        };
        let now = files.each_ref().map(|file| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.len(), metadata.modified().ok()?))
        });
        self.seen.replace(now) != Some(now)
    }
}

/// Looks twice a second for changes and makes them count on open connections.
pub(crate) async fn watch(node: Arc<Node>, sources: Sources) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut rounds: u64 = 0;
    let mut failing = false;
    let stored = Stored::of(&node.setup.config).ok();
    let mut trace = Trace::new(stored.as_ref().and_then(Stored::file));
    loop {
        let told = tokio::select! {
            _ = ticks.tick() => false,
            () = node.nodes.changed() => true,
        };
        let before = node.identity.epoch();
        // A read costs a hundred times the look, on a server where nothing happens.
        if told || trace.has_moved() || rounds.is_multiple_of(READ_ROUNDS) {
            match catch_up(&node, &sources).await {
                Ok(()) if failing => {
                    tracing::info!("changes of users and revocations can be read again");
                    failing = false;
                }
                Err(error) if !failing => {
                    tracing::warn!(%error, "cannot read changes of users and revocations");
                    failing = true;
                }
                Ok(()) | Err(_) => {}
            }
        }
        if node.identity.epoch() != before {
            node.review_all();
        }
        if told {
            continue;
        }
        node.identity.refresh_keys();
        rounds += 1;
        if rounds.is_multiple_of(USES_ROUNDS)
            && let Err(error) = sources.keys.keys_used(&node.keys.take_uses()).await
        {
            tracing::warn!(%error, "cannot write down when API keys were used");
        }
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
    sources.families.purge(now).await?;
    sources.calls.purge_calls(now).await
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
/// A second and a half: with the look before it still within the two seconds that revocations
/// of other processes have.
const READ_ROUNDS: u64 = 3;
const PAGE: u32 = 1000;
const PAGE_LEN: usize = 1000;
/// A minute.
const USES_ROUNDS: u64 = 120;
/// An hour.
const PURGE_ROUNDS: u64 = 7200;
