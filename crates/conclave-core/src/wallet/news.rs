//! What is told of a chain, to whoever may hear it. It never leaves the node: each follows the
//! chain by itself.

use std::sync::Arc;

use conclave_protocol::{Body, Channel, Timestamp, WalletEvent, WatchId};

use crate::directory::Origin;
use crate::{Directory, Permit, Subscribed};

/// Hearing of one's own linked wallets and of the contracts that everybody may hear, and linking.
#[derive(Clone, Copy, Debug)]
pub struct WatchOwn;

/// Hearing of any wallet and any contract.
#[derive(Clone, Copy, Debug)]
pub struct WatchAny;

/// Hearing what is told of a watch; of [`WatchId`] 0, whether the chain is followed.
#[derive(Clone, Copy, Debug)]
pub struct HearWatch {
    /// Which.
    pub watch: WatchId,
}

/// News of a chain.
#[derive(Clone, Debug)]
pub struct WalletNews {
    directory: Arc<Directory>,
}

impl WalletNews {
    /// Over this directory.
    #[must_use]
    pub const fn new(directory: Arc<Directory>) -> Self {
        Self { directory }
    }

    /// Counts a connection that hears a watch, from what is told next.
    #[must_use]
    pub fn hear(&self, permit: Permit<HearWatch>, worker: usize) -> Subscribed {
        let (_, channel, _) = permit.into_parts();
        self.directory.subscribe(channel, worker, None)
    }

    /// Tells everybody on this node who hears the watch.
    pub fn tell(&self, watch: WatchId, event: WalletEvent, at: Timestamp) {
        let body = Body::Wallet(Arc::new(event));
        self.directory
            .publish_here(Channel::Watch(watch), body, at, Origin::default());
    }
}
