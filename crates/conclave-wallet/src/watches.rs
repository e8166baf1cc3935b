//! Who wants to be told what: an index by address, so that a block costs what is in it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use conclave_protocol::{Balance, WalletAddress, Watch, WatchId};

use crate::events::ContractAbi;
use crate::figures::WatchFigures;

/// What is watched on this node.
#[derive(Default)]
pub(crate) struct Watches {
    by_watch: HashMap<Watch, WatchId>,
    held: HashMap<WatchId, Held>,
    next: u64,
    /// Accounts of which transactions are told.
    senders: HashMap<WalletAddress, WatchId>,
    /// Contracts, and by their first topic the events of them that are told.
    contracts: HashMap<WalletAddress, HashMap<[u8; 32], Vec<Listening>>>,
    balances: BTreeSet<WatchId>,
}

/// One who listens to an event.
#[derive(Clone)]
pub(crate) struct Listening {
    pub(crate) watch: WatchId,
    pub(crate) abi: Arc<ContractAbi>,
}

struct Held {
    watch: Watch,
    /// How many subscriptions share it.
    count: usize,
    /// The newest that was told.
    newest: Option<Arc<Balance>>,
    /// Taken by who reads the first balance, so that others wait for it.
    reading: Arc<tokio::sync::Mutex<()>>,
}

/// There are as many watches as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many addresses are watched")]
pub struct Full;

impl Watches {
    /// Counts one more who wants this. `abi` is of a watch of a contract.
    pub(crate) fn hold(
        &mut self,
        watch: &Watch,
        abi: Option<ContractAbi>,
        most: usize,
    ) -> Result<WatchId, Full> {
        if let Some(id) = self.by_watch.get(watch) {
            if let Some(held) = self.held.get_mut(id) {
                held.count += 1;
            }
            return Ok(*id);
        }
        if self.held.len() >= most {
            return Err(Full);
        }
        self.next += 1;
        let id = WatchId(self.next);
        match (watch, abi) {
            (Watch::Balance { .. }, _) => drop(self.balances.insert(id)),
            (Watch::Transactions { address }, _) => drop(self.senders.insert(*address, id)),
            (Watch::Contract { address, .. }, Some(abi)) => {
                let listening = Listening {
                    watch: id,
                    abi: Arc::new(abi),
                };
                let events = self.contracts.entry(*address).or_default();
                events
                    .entry(listening.abi.topic())
                    .or_default()
                    .push(listening);
            }
            (Watch::Contract { .. }, None) => {}
        }
        self.by_watch.insert(watch.clone(), id);
        let held = Held {
            watch: watch.clone(),
            count: 1,
            newest: None,
            reading: Arc::default(),
        };
        self.held.insert(id, held);
        Ok(id)
    }

    /// Counts one less.
    pub(crate) fn release(&mut self, id: WatchId) {
        let Some(held) = self.held.get_mut(&id) else {
            return;
        };
        held.count -= 1;
        if held.count > 0 {
            return;
        }
        let Some(Held { watch, .. }) = self.held.remove(&id) else {
            return;
        };
        self.by_watch.remove(&watch);
        match watch {
            Watch::Balance { .. } => drop(self.balances.remove(&id)),
            Watch::Transactions { address } => drop(self.senders.remove(&address)),
            Watch::Contract { address, .. } => {
                if let Some(events) = self.contracts.get_mut(&address) {
                    events.retain(|_, listening| {
                        listening.retain(|each| each.watch != id);
                        !listening.is_empty()
                    });
                    if events.is_empty() {
                        self.contracts.remove(&address);
                    }
                }
            }
        }
    }

    pub(crate) fn watch(&self, id: WatchId) -> Option<&Watch> {
        self.held.get(&id).map(|held| &held.watch)
    }

    /// How many there are, and how many share them.
    pub(crate) fn figures(&self) -> WatchFigures {
        let mut figures = WatchFigures {
            watches: self.held.len(),
            ..WatchFigures::default()
        };
        let mut addresses = HashSet::new();
        for held in self.held.values() {
            let (kind, address) = match &held.watch {
                Watch::Balance { address, .. } => (&mut figures.balance, address),
                Watch::Contract { address, .. } => (&mut figures.contract, address),
                Watch::Transactions { address } => (&mut figures.transactions, address),
            };
            *kind += held.count;
            addresses.insert(address);
        }
        figures.addresses = addresses.len();
        figures
    }

    pub(crate) fn sender(&self, address: WalletAddress) -> Option<WatchId> {
        self.senders.get(&address).copied()
    }

    pub(crate) fn has_senders(&self) -> bool {
        !self.senders.is_empty()
    }

    pub(crate) fn contracts(&self) -> Vec<WalletAddress> {
        self.contracts.keys().copied().collect()
    }

    pub(crate) fn listening(&self, contract: WalletAddress, topic: &[u8; 32]) -> Vec<Listening> {
        let events = self.contracts.get(&contract);
        events
            .and_then(|events| events.get(topic))
            .cloned()
            .unwrap_or_default()
    }

    /// Every watch of a balance, with whose and which tokens.
    pub(crate) fn balances(&self) -> Vec<(WatchId, WalletAddress, Box<[WalletAddress]>)> {
        let of = |id: &WatchId| match &self.held.get(id)?.watch {
            Watch::Balance { address, tokens } => Some((*id, *address, tokens.clone())),
            Watch::Contract { .. } | Watch::Transactions { .. } => None,
        };
        self.balances.iter().filter_map(of).collect()
    }

    pub(crate) fn newest(&self, id: WatchId) -> Option<Arc<Balance>> {
        self.held.get(&id)?.newest.clone()
    }

    pub(crate) fn reading(&self, id: WatchId) -> Option<Arc<tokio::sync::Mutex<()>>> {
        self.held.get(&id).map(|held| Arc::clone(&held.reading))
    }

    /// Keeps a balance; tells whether it is news.
    pub(crate) fn learn(&mut self, id: WatchId, balance: &Arc<Balance>) -> bool {
        let Some(held) = self.held.get_mut(&id) else {
            return false;
        };
        let same = held.newest.as_ref().is_some_and(|newest| {
            newest.native == balance.native && newest.tokens == balance.tokens
        });
        held.newest = Some(Arc::clone(balance));
        !same
    }
}
