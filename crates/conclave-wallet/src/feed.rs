//! What is told of a chain: block after block, back and forth.
//!
//! A block is told once all of it was read, so that a node that goes away in the middle leaves
//! nothing half told. What was told of the last 256 blocks is kept, to be taken back where
//! they turn out to be of no chain.

mod balances;
mod window;

use std::collections::HashMap;
use std::sync::Arc;

use conclave_core::{BlockHead, Chain, ChainFault, ChainNotice, Transfer};
use conclave_protocol::{
    Balance, ChainHash, ContractEvent, FeedStatus, Transaction, TransactionStatus, WalletAddress,
    WalletEvent, Watch, WatchId,
};
use parking_lot::Mutex;

use crate::events::ContractAbi;
use crate::figures::{FeedFigures, WatchFigures};
use crate::tokens::Token;
use crate::watches::{Full, Watches};
use window::{Step, Told, Window};

/// Where what is told goes to. Must not wait.
pub trait Listener: Send + Sync {
    /// Tells everybody who holds this watch; [`WatchId`] 0 is everybody at all.
    fn tell(&self, watch: WatchId, event: WalletEvent);
}

/// What a feed keeps to.
#[derive(Clone, Copy, Debug)]
pub struct FeedBounds {
    /// Different watches there may be at a time.
    pub watches: usize,
    /// Different tokens there may be.
    pub tokens: usize,
    /// Blocks with and above a transaction's after which it is told once more.
    pub confirmations: u64,
    /// Blocks that are read again after the chain was lost.
    pub gap: usize,
}

/// What this node tells of a chain. Subscriptions to the chain are the same however many listen.
pub struct WalletFeed {
    chain: Arc<dyn Chain>,
    listener: Arc<dyn Listener>,
    bounds: FeedBounds,
    watches: Mutex<Watches>,
    tokens: Mutex<HashMap<WalletAddress, Token>>,
    /// The newest block that was told; balances are read after it.
    tip: Mutex<Tip>,
    figures: FeedFigures,
}

#[derive(Clone, Copy, Default)]
struct Tip {
    head: Option<BlockHead>,
    live: bool,
}

/// A share in a watch; it ends with this.
pub struct Watching {
    feed: Arc<WalletFeed>,
    id: WatchId,
}

/// Why a watch cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// No event, no ERC-20 token.
    #[error("{0}")]
    Invalid(Box<str>),
    /// There are too many.
    #[error(transparent)]
    Full(#[from] Full),
}

impl Watching {
    /// Which one.
    #[must_use]
    pub const fn id(&self) -> WatchId {
        self.id
    }

    /// What the account has now, where it is a watch of a balance.
    ///
    /// # Errors
    /// The chain does not answer, or a token is none.
    pub async fn balance(&self) -> Result<Option<Arc<Balance>>, WatchError> {
        self.feed.first_balance(self.id).await
    }

    /// The newest balance that was told or read.
    #[must_use]
    pub fn newest(&self) -> Option<Arc<Balance>> {
        self.feed.watches.lock().newest(self.id)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.feed.watches.lock().release(self.id);
    }
}

impl WalletFeed {
    /// A feed that tells nothing until [`WalletFeed::run`].
    #[must_use]
    pub fn new(
        chain: Arc<dyn Chain>,
        listener: Arc<dyn Listener>,
        bounds: FeedBounds,
    ) -> Arc<Self> {
        Arc::new(Self {
            chain,
            listener,
            bounds,
            watches: Mutex::default(),
            tokens: Mutex::default(),
            tip: Mutex::default(),
            figures: FeedFigures::default(),
        })
    }

    /// Takes a share in a watch.
    ///
    /// # Errors
    /// The event is none, or there are too many watches.
    pub fn watch(self: &Arc<Self>, watch: &Watch) -> Result<Watching, WatchError> {
        let abi = match watch {
            Watch::Contract { event, .. } => {
                let invalid = |error| WatchError::Invalid(format!("{error}").into());
                Some(ContractAbi::parse(event).map_err(invalid)?)
            }
            Watch::Balance { .. } | Watch::Transactions { .. } => None,
        };
        let watch = match (watch, &abi) {
            (Watch::Contract { address, .. }, Some(abi)) => &Watch::Contract {
                address: *address,
                event: abi.text().into(),
            },
            _ => watch,
        };
        let id = self.watches.lock().hold(watch, abi, self.bounds.watches)?;
        Ok(Watching {
            feed: Arc::clone(self),
            id,
        })
    }

    /// How many subscriptions there are.
    #[must_use]
    pub fn watches(&self) -> WatchFigures {
        self.watches.lock().figures()
    }

    /// What was told.
    #[must_use]
    pub const fn figures(&self) -> &FeedFigures {
        &self.figures
    }

    /// Whether the chain is being followed.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.tip.lock().live
    }

    /// The newest block that was told.
    #[must_use]
    pub fn newest(&self) -> Option<BlockHead> {
        self.tip.lock().head
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> &Arc<dyn Chain> {
        &self.chain
    }

    /// Follows the chain; never ends.
    pub async fn run(self: Arc<Self>) {
        let mut window = Window::default();
        loop {
            match self.chain.next().await {
                ChainNotice::Heard(head) | ChainNotice::Head(head) => {
                    self.reach(head, &mut window).await;
                }
                ChainNotice::Lost => self.set_live(FeedStatus::Degraded),
                ChainNotice::Pending(transfer) => {
                    let transaction = transaction(&transfer, TransactionStatus::Pending);
                    self.tell_transaction(&transaction, &mut Vec::new());
                }
            }
        }
    }

    async fn reach(&self, head: BlockHead, window: &mut Window) {
        match self.follow(head, window).await {
            Ok(()) => self.set_live(FeedStatus::Live),
            // The next block, or the chain's return, leads here again.
            Err(ChainFault::Unknown) => tracing::debug!(block = head.number, "overtaken"),
            Err(error) => {
                tracing::warn!(%error, block = head.number, "the wallet feed cannot follow");
                self.set_live(FeedStatus::Degraded);
            }
        }
    }

    fn set_live(&self, status: FeedStatus) {
        let live = status == FeedStatus::Live;
        let before = {
            let mut tip = self.tip.lock();
            std::mem::replace(&mut tip.live, live)
        };
        if before != live {
            self.listener
                .tell(WatchId::default(), WalletEvent::Status(status));
        }
    }

    /// From where it was to this block: back to where both part, then on.
    async fn follow(&self, head: BlockHead, window: &mut Window) -> Result<(), ChainFault> {
        let steps = match window.way_to(head) {
            Step::Known => return Ok(()),
            Step::Next => vec![head],
            Step::Apart => self.way(head, window).await?,
        };
        let ends_at = steps.first().map_or(head.parent, |first| first.parent);
        self.take_back(ends_at, window);
        if steps.len() > 1 {
            self.figures.filled_gap();
        }
        for step in steps {
            let told = self.read(step).await?;
            self.tell_block(step, told, window);
        }
        self.tell_balances(head).await
    }

    /// The blocks that lead from one that was told to this one, the lowest first.
    async fn way(
        &self,
        head: BlockHead,
        window: &mut Window,
    ) -> Result<Vec<BlockHead>, ChainFault> {
        let mut way = vec![head];
        let mut lowest = head;
        while !window.is_empty() && !window.contains(lowest.parent) {
            let below_all = window.lowest().is_some_and(|known| lowest.number <= known);
            let too_far = way.len() >= self.bounds.gap.max(1);
            if too_far && !below_all {
                // What was told may well be true still; nobody can say any more.
                window.clear();
            }
            if too_far || below_all {
                self.listener
                    .tell(WatchId::default(), WalletEvent::Status(FeedStatus::Resync));
                way.truncate(1);
                return Ok(way);
            }
            lowest = self.chain.head(lowest.parent).await?;
            way.push(lowest);
        }
        way.reverse();
        Ok(way)
    }

    /// Takes back what was told of blocks above `kept`, the newest first.
    fn take_back(&self, kept: ChainHash, window: &mut Window) {
        let mut taken = false;
        while let Some(told) = window.pop_above(kept) {
            taken = true;
            for (watch, event) in told.events.into_iter().rev() {
                let event = match event {
                    WalletEvent::Contract(event) => WalletEvent::Contract(ContractEvent {
                        removed: true,
                        ..event
                    }),
                    WalletEvent::Transaction(transaction) => {
                        WalletEvent::Transaction(Transaction {
                            status: TransactionStatus::Reorged,
                            confirmations: 0,
                            ..transaction
                        })
                    }
                    WalletEvent::Balance(_) | WalletEvent::Status(_) => continue,
                };
                self.listener.tell(watch, event);
            }
        }
        if taken {
            self.figures.reorganised();
        }
    }

    /// Everything of a block that anybody wants to know.
    async fn read(&self, head: BlockHead) -> Result<Told, ChainFault> {
        let mut events = Vec::new();
        let (wants_transactions, contracts) = {
            let watches = self.watches.lock();
            (watches.has_senders(), watches.contracts())
        };
        if wants_transactions {
            self.read_transactions(head, &mut events).await?;
        }
        for contracts in contracts.chunks(CONTRACTS_AT_ONCE) {
            self.read_logs(head, contracts, &mut events).await?;
        }
        Ok(Told { head, events })
    }

    async fn read_transactions(
        &self,
        head: BlockHead,
        events: &mut Events,
    ) -> Result<(), ChainFault> {
        let block = self.chain.block(head.hash).await?;
        let wanted: Vec<Transfer> = {
            let watches = self.watches.lock();
            let wanted = |transfer: &Transfer| {
                let to = transfer.to.and_then(|to| watches.sender(to));
                watches.sender(transfer.from).or(to).is_some()
            };
            block.transactions.into_iter().filter(wanted).collect()
        };
        if wanted.is_empty() {
            return Ok(());
        }
        let hashes: Vec<ChainHash> = wanted.iter().map(|transfer| transfer.hash).collect();
        let outcomes = self.chain.outcomes(head.hash, &hashes).await?;
        for (transfer, outcome) in wanted.iter().zip(outcomes) {
            let told = Transaction {
                block: Some(head.number),
                confirmations: 1,
                gas_used: Some(outcome.gas_used),
                ..transaction(transfer, outcome.status)
            };
            for id in self.watching_transaction(&told) {
                events.push((id, WalletEvent::Transaction(told.clone())));
            }
        }
        Ok(())
    }

    async fn read_logs(
        &self,
        head: BlockHead,
        contracts: &[WalletAddress],
        events: &mut Events,
    ) -> Result<(), ChainFault> {
        for log in self.chain.logs(head.hash, contracts).await? {
            let Some(topic) = log.topics.first() else {
                continue;
            };
            let listening = self.watches.lock().listening(log.address, topic);
            for each in listening {
                // Another event may share the first topic, with other arguments indexed.
                let Some(args) = each.abi.decode(&log) else {
                    continue;
                };
                let event = ContractEvent {
                    address: log.address,
                    event: each.abi.name().into(),
                    args,
                    transaction: log.transaction,
                    log_index: log.index,
                    block: head.number,
                    removed: false,
                };
                events.push((each.watch, WalletEvent::Contract(event)));
            }
        }
        Ok(())
    }

    fn tell_block(&self, head: BlockHead, told: Told, window: &mut Window) {
        for (watch, event) in &told.events {
            self.listener.tell(*watch, event.clone());
        }
        window.push(told);
        self.figures.told_block();
        self.tip.lock().head = Some(head);
        // What has become old enough is told once more.
        let enough = self.bounds.confirmations;
        if enough < 2 {
            return;
        }
        let deep = head.number.checked_sub(enough - 1);
        for (watch, event) in deep.map(|deep| window.at(deep)).into_iter().flatten() {
            if let WalletEvent::Transaction(transaction) = event {
                let again = Transaction {
                    confirmations: enough,
                    ..transaction.clone()
                };
                self.listener.tell(*watch, WalletEvent::Transaction(again));
            }
        }
    }

    fn watching_transaction(&self, told: &Transaction) -> Vec<WatchId> {
        let watches = self.watches.lock();
        let mut ids: Vec<_> = [Some(told.from), told.to]
            .into_iter()
            .flatten()
            .filter_map(|address| watches.sender(address))
            .collect();
        ids.dedup();
        ids
    }

    fn tell_transaction(&self, told: &Transaction, ids: &mut Vec<WatchId>) {
        ids.extend(self.watching_transaction(told));
        for id in ids {
            self.listener
                .tell(*id, WalletEvent::Transaction(told.clone()));
        }
    }
}

type Events = Vec<(WatchId, WalletEvent)>;

fn transaction(transfer: &Transfer, status: TransactionStatus) -> Transaction {
    Transaction {
        hash: transfer.hash,
        from: transfer.from,
        to: transfer.to,
        value: transfer.value,
        status,
        block: None,
        confirmations: 0,
        gas_used: None,
    }
}

const CONTRACTS_AT_ONCE: usize = 500;
#[cfg(test)]
mod tests;
