//! A chain of one process, whose blocks its owner makes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::{Poll, Waker};

use async_trait::async_trait;
use conclave_protocol::{Amount, ChainHash, Timestamp, WalletAddress};
use parking_lot::Mutex;

use super::{Block, BlockHead, Call, Chain, ChainFault, ChainNotice, Log, Outcome, Transfer};

/// A chain in memory: accounts have what their owner says, and there is one token, which answers
/// as ERC-20 does, called `MEM`, with 6 decimals.
#[derive(Debug)]
pub struct MemoryChain(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// All that were ever made.
    blocks: HashMap<ChainHash, Arc<Made>>,
    /// The chain, from 0.
    chain: Vec<ChainHash>,
    notices: VecDeque<ChainNotice>,
    waiting: Option<Waker>,
    away: bool,
    made: u64,
    calls: u64,
}

#[derive(Clone, Debug)]
struct Made {
    block: Block,
    outcomes: Vec<Outcome>,
    logs: Vec<Log>,
    native: HashMap<WalletAddress, Amount>,
    token: HashMap<WalletAddress, Amount>,
}

/// What a block is made of.
#[derive(Clone, Debug, Default)]
pub struct Ingredients {
    /// Transactions and what they came to.
    pub transfers: Vec<(Transfer, Outcome)>,
    /// Logs in their order.
    pub logs: Vec<Log>,
    /// What accounts have from then on.
    pub native: Vec<(WalletAddress, Amount)>,
    /// What accounts have of the token from then on.
    pub token: Vec<(WalletAddress, Amount)>,
}

impl Default for MemoryChain {
    fn default() -> Self {
        let chain = Self(Mutex::default());
        chain.mine(Ingredients::default());
        let mut inner = chain.0.lock();
        inner.notices.clear();
        let head = inner.newest();
        inner.say(ChainNotice::Heard(head));
        drop(inner);
        chain
    }
}

impl MemoryChain {
    /// The token's contract.
    pub const TOKEN: WalletAddress = WalletAddress([0x70; 20]);
    /// EIP-155.
    pub const ID: u64 = 31_337;

    /// Puts a block on top.
    pub fn mine(&self, of: Ingredients) -> BlockHead {
        let mut inner = self.0.lock();
        let head = inner.make(of);
        inner.say(ChainNotice::Head(head));
        head
    }

    /// Takes `depth` blocks away and puts others, one more than that and empty, in their place.
    pub fn reorganise(&self, depth: usize) {
        let mut inner = self.0.lock();
        let kept = inner.chain.len().saturating_sub(depth).max(1);
        inner.chain.truncate(kept);
        for _ in 0..=depth {
            let head = inner.make(Ingredients::default());
            inner.say(ChainNotice::Head(head));
        }
    }

    /// Tells of a transaction that is in no block.
    pub fn hear_of(&self, transfer: Transfer) {
        self.0.lock().say(ChainNotice::Pending(transfer));
    }

    /// Its node goes away, or comes back; blocks go on being made, but are told only then.
    pub fn set_away(&self, away: bool) {
        let mut inner = self.0.lock();
        inner.away = false;
        let notice = match away {
            true => ChainNotice::Lost,
            false => ChainNotice::Heard(inner.newest()),
        };
        inner.say(notice);
        inner.away = away;
    }

    /// How many questions were asked.
    pub fn asked(&self) -> u64 {
        self.0.lock().calls
    }

    fn of(&self, block: ChainHash) -> Result<Arc<Made>, ChainFault> {
        let mut inner = self.0.lock();
        inner.calls += 1;
        if inner.away {
            return Err(ChainFault::Away);
        }
        inner.blocks.get(&block).cloned().ok_or(ChainFault::Unknown)
    }

    /// What only blocks of the chain answer.
    fn on_chain(&self, block: ChainHash) -> Result<Arc<Made>, ChainFault> {
        let made = self.of(block)?;
        let inner = self.0.lock();
        let place = usize::try_from(made.block.head.number).unwrap_or(usize::MAX);
        match inner.chain.get(place) == Some(&block) {
            true => Ok(made),
            false => Err(ChainFault::Unknown),
        }
    }
}

impl Inner {
    fn newest(&self) -> BlockHead {
        let newest = self.chain.last().and_then(|hash| self.blocks.get(hash));
        newest.map_or(
            BlockHead {
                number: 0,
                hash: ChainHash([0; 32]),
                parent: ChainHash([0; 32]),
                at: Timestamp::default(),
            },
            |made| made.block.head,
        )
    }

    fn make(&mut self, of: Ingredients) -> BlockHead {
        self.made += 1;
        let parent = self.chain.last().copied().unwrap_or(ChainHash([0; 32]));
        let before = self.blocks.get(&parent);
        let mut native = before.map(|made| made.native.clone()).unwrap_or_default();
        let mut token = before.map(|made| made.token.clone()).unwrap_or_default();
        native.extend(of.native);
        token.extend(of.token);
        let head = BlockHead {
            number: self.chain.len().try_into().unwrap_or(u64::MAX),
            hash: ChainHash(Amount::from(self.made).0),
            parent,
            at: Timestamp::from_seconds(self.made),
        };
        let (transactions, outcomes) = of.transfers.into_iter().unzip();
        let block = Block { head, transactions };
        let made = Made {
            block,
            outcomes,
            logs: of.logs,
            native,
            token,
        };
        self.blocks.insert(head.hash, Arc::new(made));
        self.chain.push(head.hash);
        head
    }

    fn say(&mut self, notice: ChainNotice) {
        if self.away {
            return;
        }
        self.notices.push_back(notice);
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }
}

#[async_trait]
impl Chain for MemoryChain {
    async fn chain_id(&self) -> Result<u64, ChainFault> {
        match self.0.lock().away {
            true => Err(ChainFault::Away),
            false => Ok(Self::ID),
        }
    }

    async fn next(&self) -> ChainNotice {
        std::future::poll_fn(|context| {
            let mut inner = self.0.lock();
            match inner.notices.pop_front() {
                Some(notice) => Poll::Ready(notice),
                None => {
                    inner.waiting = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    async fn head(&self, block: ChainHash) -> Result<BlockHead, ChainFault> {
        self.of(block).map(|made| made.block.head)
    }

    async fn block(&self, block: ChainHash) -> Result<Block, ChainFault> {
        self.of(block).map(|made| made.block.clone())
    }

    async fn outcomes(
        &self,
        block: ChainHash,
        transactions: &[ChainHash],
    ) -> Result<Vec<Outcome>, ChainFault> {
        let made = self.on_chain(block)?;
        let of = |hash: &ChainHash| {
            let both = made.block.transactions.iter().zip(&made.outcomes);
            let mut found = both.filter(|(transfer, _)| transfer.hash == *hash);
            found
                .next()
                .map(|(_, outcome)| *outcome)
                .ok_or(ChainFault::Unknown)
        };
        transactions.iter().map(of).collect()
    }

    async fn logs(
        &self,
        block: ChainHash,
        contracts: &[WalletAddress],
    ) -> Result<Vec<Log>, ChainFault> {
        let made = self.on_chain(block)?;
        let wanted = |log: &&Log| contracts.contains(&log.address);
        Ok(made.logs.iter().filter(wanted).cloned().collect())
    }

    async fn balances(
        &self,
        block: ChainHash,
        addresses: &[WalletAddress],
    ) -> Result<Vec<Amount>, ChainFault> {
        let made = self.on_chain(block)?;
        let of = |address| made.native.get(address).copied().unwrap_or_default();
        Ok(addresses.iter().map(of).collect())
    }

    async fn calls(
        &self,
        block: ChainHash,
        calls: &[Call],
    ) -> Result<Vec<Option<Vec<u8>>>, ChainFault> {
        let made = self.on_chain(block)?;
        let answer = |call: &Call| {
            if call.to != Self::TOKEN {
                return Some(Vec::new());
            }
            match (call.data.get(..4)?, call.data.get(16..36)) {
                (BALANCE_OF, Some(address)) => {
                    let address = WalletAddress(address.try_into().ok()?);
                    Some(
                        made.token
                            .get(&address)
                            .copied()
                            .unwrap_or_default()
                            .0
                            .to_vec(),
                    )
                }
                (DECIMALS, _) => Some(Amount::from(6).0.to_vec()),
                (SYMBOL, _) => {
                    let mut text = [Amount::from(32).0, Amount::from(3).0].concat();
                    text.extend_from_slice(b"MEM");
                    text.resize(96, 0);
                    Some(text)
                }
                _ => None,
            }
        };
        Ok(calls.iter().map(answer).collect())
    }
}

const BALANCE_OF: &[u8] = &[0x70, 0xa0, 0x82, 0x31];
const DECIMALS: &[u8] = &[0x31, 0x3c, 0xe5, 0x67];
const SYMBOL: &[u8] = &[0x95, 0xd8, 0x9b, 0x41];
