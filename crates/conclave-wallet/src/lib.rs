//! Wallet feeds: an Ethereum chain, what is told of it, and the proof that a wallet is somebody's.
//!
//! Refuses to do: signing, sending transactions, holding keys, starting tasks.
//! Reading order: `ethereum` (the chain behind a node), `events` (logs to JSON), `tokens`
//! (ERC-20), `watches` (who wants to be told what), `feed` (what is told), `figures` (what is counted),
//! `siwe` (EIP-4361).

mod ethereum;
mod events;
mod feed;
mod figures;
mod siwe;
mod tokens;
mod watches;

pub use ethereum::{Ethereum, EthereumOptions};
pub use events::{ContractAbi, EventError};
pub use feed::{FeedBounds, Listener, WalletFeed, WatchError, Watching};
pub use figures::{FeedFigures, UpstreamFigures, WatchFigures};
pub use siwe::{Expected, ProofError, SignInMessage, SiweError, prove, signature, with_checksum};
pub use tokens::KnownToken;
pub use watches::Full;
