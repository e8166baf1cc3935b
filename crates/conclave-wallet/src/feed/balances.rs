//! What accounts have, of the chain's own coin and of tokens, after a block.

use std::collections::HashMap;
use std::sync::Arc;

use conclave_core::{BlockHead, ChainFault};
use conclave_protocol::{
    Amount, Balance, TokenBalance, WalletAddress, WalletEvent, Watch, WatchId,
};

use super::{WalletFeed, WatchError};
use crate::tokens::{self, KnownToken, Token};
use crate::watches::Full;

impl WalletFeed {
    pub(super) async fn tell_balances(&self, head: BlockHead) -> Result<(), ChainFault> {
        let wanted = self.watches.lock().balances();
        if wanted.is_empty() {
            return Ok(());
        }
        let read = self.read_balances(head, &wanted).await?;
        for (id, balance) in read {
            let balance = Arc::new(balance);
            let news = self.watches.lock().learn(id, &balance);
            if news {
                self.listener
                    .tell(id, WalletEvent::Balance((*balance).clone()));
            }
        }
        Ok(())
    }

    /// Each account and each of its tokens is asked for once, however many watch it.
    async fn read_balances(
        &self,
        head: BlockHead,
        wanted: &[(WatchId, WalletAddress, Box<[WalletAddress]>)],
    ) -> Result<Vec<(WatchId, Balance)>, ChainFault> {
        let mut accounts: Vec<WalletAddress> = wanted.iter().map(|(_, of, _)| *of).collect();
        let pairs = |(_, of, tokens): &(_, WalletAddress, Box<[WalletAddress]>)| {
            let of = *of;
            tokens
                .iter()
                .map(move |token| (*token, of))
                .collect::<Vec<_>>()
        };
        let mut pairs: Vec<_> = wanted.iter().flat_map(pairs).collect();
        accounts.sort_unstable();
        accounts.dedup();
        pairs.sort_unstable();
        pairs.dedup();
        let native = self.chain.balances(head.hash, &accounts).await?;
        let native: HashMap<_, _> = accounts.into_iter().zip(native).collect();
        let calls: Vec<_> = pairs
            .iter()
            .map(|(token, of)| tokens::balance_of(*token, *of))
            .collect();
        let answers = match calls.is_empty() {
            true => Vec::new(),
            false => self.chain.calls(head.hash, &calls).await?,
        };
        let amounts = answers.into_iter().map(|answer| tokens::amount(&answer?));
        let held: HashMap<_, Option<Amount>> = pairs.into_iter().zip(amounts).collect();
        let known = self.tokens.lock();
        let balance = |(id, of, wanted): &(WatchId, WalletAddress, Box<[WalletAddress]>)| {
            let token = |token: &WalletAddress| {
                let Token { symbol, decimals } = known.get(token)?.clone();
                let raw = held
                    .get(&(*token, *of))
                    .copied()
                    .flatten()
                    .unwrap_or_default();
                Some(TokenBalance {
                    token: *token,
                    symbol,
                    decimals,
                    raw,
                })
            };
            // A watch whose tokens are not known yet is told by who began it.
            let tokens: Option<Box<[_]>> = wanted.iter().map(token).collect();
            let balance = Balance {
                address: *of,
                native: native.get(of).copied()?,
                tokens: tokens?,
                block: head.number,
                block_hash: head.hash,
            };
            Some((*id, balance))
        };
        Ok(wanted.iter().filter_map(balance).collect())
    }

    /// What is known, or is read now; who comes meanwhile waits for the same.
    pub(super) async fn first_balance(
        &self,
        id: WatchId,
    ) -> Result<Option<Arc<Balance>>, WatchError> {
        let watch = self.watches.lock().watch(id).cloned();
        let Some(Watch::Balance { address, tokens }) = watch else {
            return Ok(None);
        };
        let reading = self.watches.lock().reading(id).unwrap_or_default();
        let _reading = reading.lock().await;
        if let Some(newest) = self.watches.lock().newest(id) {
            return Ok(Some(newest));
        }
        for attempt in 0..TRIES {
            let Some(head) = self.newest() else {
                return Err(ChainFault::Away.into());
            };
            let read = self.read_first(head, (id, address, &tokens)).await;
            match read {
                Err(WatchError::Chain(ChainFault::Unknown)) if attempt + 1 < TRIES => {
                    tokio::task::yield_now().await;
                }
                Err(error) => return Err(error),
                Ok(balance) => {
                    let mut watches = self.watches.lock();
                    if let Some(newer) = watches.newest(id) {
                        return Ok(Some(newer));
                    }
                    watches.learn(id, &balance);
                    return Ok(Some(balance));
                }
            }
        }
        Err(ChainFault::Unknown.into())
    }

    async fn read_first(
        &self,
        head: BlockHead,
        (id, address, tokens): (WatchId, WalletAddress, &[WalletAddress]),
    ) -> Result<Arc<Balance>, WatchError> {
        self.introduce(head, tokens).await?;
        let wanted = [(id, address, tokens.into())];
        let read = self.read_balances(head, &wanted).await?;
        let balance = read
            .into_iter()
            .next()
            .map(|(_, balance)| Arc::new(balance));
        balance.ok_or_else(|| ChainFault::Away.into())
    }

    /// Learns what tokens are called, so that balances of them can be told.
    ///
    /// # Errors
    /// The chain does not answer, or a token is none.
    pub async fn introduce_tokens(&self, tokens: &[WalletAddress]) -> Result<(), WatchError> {
        let known = |token: &WalletAddress| self.tokens.lock().contains_key(token);
        if tokens.iter().all(known) {
            return Ok(());
        }
        let head = self.newest().ok_or(ChainFault::Away)?;
        self.introduce(head, tokens).await
    }

    /// The tokens among these contracts, in their order.
    ///
    /// # Errors
    /// The chain does not answer.
    pub async fn tokens(&self, contracts: &[WalletAddress]) -> Result<Vec<KnownToken>, WatchError> {
        let mut tokens = Vec::new();
        for contract in contracts {
            match self.introduce_tokens(&[*contract]).await {
                Err(WatchError::Invalid(_)) => continue,
                introduced => introduced?,
            }
            let known = self.tokens.lock().get(contract).cloned();
            tokens.extend(known.map(|Token { symbol, decimals }| KnownToken {
                address: *contract,
                symbol,
                decimals,
            }));
        }
        Ok(tokens)
    }

    /// Asks tokens that are not known who they are.
    async fn introduce(&self, head: BlockHead, wanted: &[WalletAddress]) -> Result<(), WatchError> {
        let unknown: Vec<WalletAddress> = {
            let known = self.tokens.lock();
            let unknown = |token: &&WalletAddress| !known.contains_key(*token);
            wanted.iter().filter(unknown).copied().collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        let calls: Vec<_> = unknown
            .iter()
            .copied()
            .flat_map(tokens::introduction)
            .collect();
        let answers = self.chain.calls(head.hash, &calls).await?;
        for (token, both) in unknown.iter().zip(answers.as_chunks::<2>().0) {
            let [decimals, symbol] = both;
            let found = tokens::introduced(decimals.as_deref(), symbol.as_deref());
            let found = found
                .ok_or_else(|| WatchError::Invalid(format!("{token} is no ERC-20 token").into()))?;
            let mut known = self.tokens.lock();
            if known.len() >= self.bounds.tokens {
                return Err(Full.into());
            }
            known.insert(*token, found);
        }
        Ok(())
    }
}

/// The newest block may be taken back while a balance is read.
const TRIES: usize = 5;
