//! `[wallet]`: what happens on an Ethereum chain.

use std::path::PathBuf;

use super::Secret;
use super::section::section;

section! {
    /// `[wallet]`.
    pub struct Wallet {
        /// Whether the surface and the calls of wallets are served.
        pub enabled: bool = false,
        /// The path that `/{user_id}` is below.
        pub path: String = "/api/v1/web3/ws".to_owned(),
        /// Where a node of the chain is, which speaks Ethereum JSON-RPC over WebSocket:
        /// `wss://host/path`, or `ws://host:8545` beside it. What it holds is kept secret. Better in
        /// `CONCLAVE_WALLET__RPC_URL`. Required where enabled.
        pub rpc_url: Option<Secret> = None,
        /// The chain that the node has to be of (EIP-155; Ethereum's main one is 1), 1 to
        /// 2,147,483,647; another is not heard. Unset: since each start, the one that is reached
        /// first.
        pub chain_id: Option<u32> = None,
        /// A file of certificates to trust there instead of the system's.
        pub ca_file: Option<PathBuf> = None,
        /// Whether transactions are told that are in no block yet, where the node offers them.
        pub pending: bool = true,
        /// Contracts and tokens that everybody with `wallet.read` may hear of, as `0x` and 40
        /// hexadecimal digits; others need `wallet.read.any`.
        pub contracts: Vec<String> = Vec::new(),
        /// Blocks that hold a transaction, its own included, after which it is told once more; 0 or
        /// 1: it is told once.
        pub confirmations: u32 = 12,
        /// Blocks that are read again after the node was away, 1 to 256; where it were more,
        /// clients are told `resync`.
        pub gap_blocks: u32 = 256,
        /// Who may ask wallets to sign (EIP-4361): the hosts of the application's pages, with the
        /// port where it is not the usual one. At least one where enabled.
        pub domains: Vec<String> = Vec::new(),
        /// The URI that is signed for; unset: any page of the domain.
        pub uri: Option<String> = None,
        /// Seconds within which a nonce has to come back signed; 30 to 3,600.
        pub nonce_seconds: u32 = 300,
        /// Addresses and events that one connection may hear of; 1 to 10,000.
        pub subscriptions_per_connection: u32 = 100,
        /// Different addresses and events that are heard of in all, whoever shares them; 1 to
        /// 1,000,000.
        pub watches: u32 = 10_000,
        /// Different tokens that are asked for; 1 to 100,000.
        pub tokens: u32 = 1_000,
    }
}
