//! Wallet feeds: the ports to a chain and to what is kept of linked wallets.

mod memory_chain;
mod memory_wallets;
mod news;

use std::sync::Arc;

use async_trait::async_trait;
use conclave_protocol::{
    Amount, ChainHash, Timestamp, TransactionStatus, UserId, Wallet, WalletAddress,
};

pub use memory_chain::{Ingredients, MemoryChain};
pub use memory_wallets::MemoryWallets;
pub use news::{HearWatch, WalletNews, WatchAny, WatchOwn};

/// The head of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHead {
    /// From 0, one more for each block on top.
    pub number: u64,
    /// Its name.
    pub hash: ChainHash,
    /// The block under it.
    pub parent: ChainHash,
    /// When it was made, as it says itself.
    pub at: Timestamp,
}

/// A block with what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its head.
    pub head: BlockHead,
    /// In the order of the block.
    pub transactions: Vec<Transfer>,
}

/// A transaction as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its name.
    pub hash: ChainHash,
    /// Who signed it.
    pub from: WalletAddress,
    /// To whom; `None` where it makes a contract.
    pub to: Option<WalletAddress>,
    /// Wei.
    pub value: Amount,
}

/// What a transaction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// [`TransactionStatus::Confirmed`] or [`TransactionStatus::Failed`].
    pub status: TransactionStatus,
    /// What it cost.
    pub gas_used: u64,
}

/// What a contract logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The contract.
    pub address: WalletAddress,
    /// Up to four words, the first of which names the event.
    pub topics: Vec<[u8; 32]>,
    /// The rest of the arguments.
    pub data: Vec<u8>,
    /// The transaction that caused it.
    pub transaction: ChainHash,
    /// Its place among the logs of its block.
    pub index: u64,
}

/// A question to a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract.
    pub to: WalletAddress,
    /// What is asked, in the chain's encoding.
    pub data: Vec<u8>,
}

/// What a chain says by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainNotice {
    /// It is being heard, from this block on.
    Heard(BlockHead),
    /// It is heard no more; it is being tried again.
    Lost,
    /// A transaction that is in no block yet.
    Pending(Transfer),
    /// A new block on top; some before it may not have been told.
    Head(BlockHead),
}

/// Why a chain did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// Its node is away, or did not answer in time.
    #[error("the chain is away")]
    Away,
    /// It does not know the block, any more or yet.
    #[error("the block is unknown")]
    Unknown,
    /// Its node answered with an error, or with what is no answer.
    #[error("the chain's node said: {0}")]
    Refused(Arc<str>),
}

/// A chain of blocks. Answers are of the block that was asked for, or [`ChainFault::Unknown`]
/// where that is no part of the chain any more.
#[async_trait]
pub trait Chain: Send + Sync {
    /// EIP-155.
    async fn chain_id(&self) -> Result<u64, ChainFault>;
    /// Waits for what it says next. One asks at a time; what nobody asked for in time is dropped
    /// from the oldest on, but never that it was lost or is heard again.
    async fn next(&self) -> ChainNotice;
    /// The head of any known block.
    async fn head(&self, block: ChainHash) -> Result<BlockHead, ChainFault>;
    /// A block with its transactions.
    async fn block(&self, block: ChainHash) -> Result<Block, ChainFault>;
    /// What these transactions of one block came to, in this order.
    async fn outcomes(
        &self,
        block: ChainHash,
        transactions: &[ChainHash],
    ) -> Result<Vec<Outcome>, ChainFault>;
    /// What these contracts logged in a block, in its order.
    async fn logs(
        &self,
        block: ChainHash,
        contracts: &[WalletAddress],
    ) -> Result<Vec<Log>, ChainFault>;
    /// What these accounts have after a block, in this order.
    async fn balances(
        &self,
        block: ChainHash,
        addresses: &[WalletAddress],
    ) -> Result<Vec<Amount>, ChainFault>;
    /// What contracts answer after a block, in this order; `None` where they fail.
    async fn calls(
        &self,
        block: ChainHash,
        calls: &[Call],
    ) -> Result<Vec<Option<Vec<u8>>>, ChainFault>;
}

/// The store is away or broken; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("the store is unavailable")]
pub struct WalletFault(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What came of linking a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// The user has as many wallets as there may be.
    Full,
    /// It is linked; it may have been before.
    Linked,
    /// The nonce is not the user's, was used, or is too old.
    NonceUnknown,
}

/// Linked wallets in durable state. Each method is one transaction.
#[async_trait]
pub trait WalletStore: Send + Sync {
    /// Keeps the hash of a nonce that this user may use once, until `expires`; forgets the user's
    /// oldest where there are already [`NONCES_PER_USER`], and all that are too old at `now`.
    async fn keep_nonce(
        &self,
        user: &UserId,
        nonce: &[u8; 32],
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), WalletFault>;
    /// Uses up the nonce and links the wallet. Nothing is linked without the nonce; a nonce is
    /// used up even where the wallet is not linked.
    async fn link(&self, wallet: &Wallet, nonce: &[u8; 32]) -> Result<Linking, WalletFault>;
    /// Whether there was such a wallet.
    async fn unlink(&self, user: &UserId, address: WalletAddress) -> Result<bool, WalletFault>;
    /// A user's wallets, the oldest first.
    async fn wallets(&self, user: &UserId) -> Result<Vec<Wallet>, WalletFault>;
}

/// How many nonces a user may have at a time.
pub const NONCES_PER_USER: usize = 16;
/// How many wallets a user may have linked.
pub const WALLETS_PER_USER: usize = 32;
