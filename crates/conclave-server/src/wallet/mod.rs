//! What stands behind `/api/v1/web3`: a chain, whose wallets are whose, and who hears what.
//!
//! Reading order: this file (what is asked and answered), `feed` (from a command to watches),
//! `linking` (whose a wallet is), `changes` (that this has changed), `without` (a program that was
//! built without them).

mod changes;
#[cfg(feature = "wallet")]
mod feed;
#[cfg(feature = "wallet")]
mod linking;
#[cfg(not(feature = "wallet"))]
mod without;

use std::borrow::Cow;

use conclave_core::{BlockHead, Denied};
use conclave_protocol::{Refusal, WalletAddress, WalletCommand};

pub(crate) use changes::{doubt_links, follow_links, links_changed, note_links};
#[cfg(feature = "wallet")]
pub(crate) use feed::{KnownToken, Wallets, Watching};
#[cfg(feature = "wallet")]
pub(crate) use linking::checksummed;
#[cfg(not(feature = "wallet"))]
pub(crate) use without::{KnownToken, Wallets, Watching, checksummed};

/// What a connection has begun to hear.
pub(crate) struct Watched {
    /// Its shares in watches.
    pub(crate) parts: Vec<Part>,
    /// Why it may.
    pub(crate) rests_on: Right,
    /// What only `wallet.read.any` allows: wallets of others, contracts that are not listed.
    pub(crate) beyond: Vec<WalletAddress>,
    /// The command, where it is about all wallets of the user: those of later too.
    pub(crate) follows: Option<WalletCommand>,
}

/// A share in a watch.
pub(crate) struct Part {
    /// What it is about.
    pub(crate) address: WalletAddress,
    /// It ends with this.
    pub(crate) watching: Watching,
}

impl Watched {
    /// What it is about, each named once.
    pub(crate) fn addresses(&self) -> Vec<WalletAddress> {
        let mut addresses: Vec<_> = self.parts.iter().map(|part| part.address).collect();
        addresses.dedup();
        addresses
    }
}

/// Why something of a chain may be heard.
#[cfg_attr(
    not(feature = "wallet"),
    expect(dead_code, reason = "without wallets nothing is heard of them")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// `wallet.read.any`.
    Any,
    /// The contract is one that everybody may hear of.
    Listed,
    /// The user has linked the wallets.
    Own,
}

/// Why not.
#[cfg_attr(
    not(feature = "wallet"),
    expect(dead_code, reason = "without wallets nothing is refused of them")
)]
pub(crate) enum WalletRefused {
    /// A permission is missing.
    Denied(Denied),
    /// Something else.
    Said(Refusal, Cow<'static, str>),
}

impl WalletRefused {
    /// What it is and the words for it.
    pub(crate) fn into_parts(self) -> (Refusal, Cow<'static, str>) {
        match self {
            Self::Denied(denied) => (denied.refusal(), denied.to_string().into()),
            Self::Said(refusal, words) => (refusal, words),
        }
    }
}

impl From<Denied> for WalletRefused {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

/// A wallet that was linked.
pub(crate) struct Linked {
    pub(crate) address: WalletAddress,
    pub(crate) chain_id: u64,
}

/// How the feed is.
pub(crate) struct Feed {
    /// EIP-155; `None` until the node has said it.
    pub(crate) chain_id: Option<u64>,
    /// Whether the chain is followed.
    pub(crate) is_live: bool,
    /// The newest block that was told.
    pub(crate) head: Option<BlockHead>,
    /// Subscriptions of balances.
    pub(crate) balance: usize,
    /// Subscriptions of contracts' events.
    pub(crate) contract: usize,
    /// Subscriptions of transactions.
    pub(crate) transactions: usize,
    /// Different addresses.
    pub(crate) addresses: usize,
    /// Different watches.
    pub(crate) watches: usize,
    /// Questions to the node.
    pub(crate) requests: u64,
    /// Times that the node was reached again.
    pub(crate) reconnects: u64,
    /// Times that the node was of another chain.
    pub(crate) strangers: u64,
    /// Blocks that were told.
    pub(crate) blocks: u64,
    /// Times that told blocks were taken back.
    pub(crate) reorganisations: u64,
    /// Times that missed blocks were read again.
    pub(crate) gaps_filled: u64,
}
