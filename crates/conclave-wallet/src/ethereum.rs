//! An Ethereum chain by JSON-RPC over WebSocket.
//!
//! One connection, whoever asks, and only to one chain: the one that is expected, or that was
//! reached first. New blocks and, where the node offers them, pending transactions are subscribed
//! to once; everything else is read by a block's hash, so that no answer can be of another branch
//! than was asked for. Questions leave in batches of at most 100.

mod json;
mod link;
mod notices;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use conclave_client::Address;
use conclave_core::{Block, BlockHead, Call, Chain, ChainFault, ChainNotice, Log, Outcome};
use conclave_protocol::{Amount, ChainHash, WalletAddress};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use json::{Bytes, Head, Logged, Quantity, Receipt, Small, Whole};
use link::{Answer, Ask, Error, Target, answered};
use notices::Notices;

use crate::figures::UpstreamFigures;

/// Where the chain's node is.
#[derive(Clone, Debug)]
pub struct EthereumOptions {
    /// `ws://…` or `wss://…`.
    pub address: Address,
    /// A file of certificates to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// The only chain that is heard (EIP-155); `None`: the one that is reached first.
    pub chain_id: Option<u64>,
    /// Whether to hear of transactions that are in no block, where the node tells of them.
    pub pending: bool,
}

/// A chain behind one node.
pub struct Ethereum {
    asks: mpsc::Sender<Ask>,
    notices: Arc<Notices>,
    figures: Arc<UpstreamFigures>,
}

impl Ethereum {
    /// A chain, and what keeps its connection: a task has to run that, and it ends with the chain.
    pub fn new(options: EthereumOptions) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (asks, asked) = mpsc::channel(ASKS);
        let notices = Arc::new(Notices::default());
        let target = Target {
            address: options.address,
            ca: options.ca,
            chain_id: options.chain_id,
            pending: options.pending,
        };
        let figures = Arc::new(UpstreamFigures::default());
        let run = link::run(target, asked, (Arc::clone(&notices), Arc::clone(&figures)));
        let chain = Self {
            asks,
            notices,
            figures,
        };
        (chain, run)
    }

    /// What was asked of its node.
    #[must_use]
    pub const fn figures(&self) -> &Arc<UpstreamFigures> {
        &self.figures
    }

    async fn ask(&self, questions: Vec<(&'static str, Value)>) -> Result<Vec<Answer>, ChainFault> {
        let mut all = Vec::with_capacity(questions.len());
        let mut questions = questions.into_iter().peekable();
        // Several batches are under way at once.
        let mut waiting = Vec::new();
        while questions.peek().is_some() {
            let questions: Vec<_> = questions.by_ref().take(BATCH).collect();
            self.figures.asked(questions.len());
            let (answers, answer) = oneshot::channel();
            let sent = self.asks.send(Ask { questions, answers }).await;
            sent.map_err(|_closed| ChainFault::Away)?;
            waiting.push(answer);
        }
        for answer in waiting {
            all.extend(answered(answer).await?);
        }
        Ok(all)
    }

    async fn ask_one<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, ChainFault> {
        let answers = self.ask(vec![(method, params)]).await?;
        let answer = answers.into_iter().next().ok_or(ChainFault::Away)?;
        read(answer)
    }
}

fn read<T: DeserializeOwned>(answer: Answer) -> Result<T, ChainFault> {
    let text = answer
        .map_err(|error| fault(&error))?
        .ok_or(ChainFault::Unknown)?;
    let odd = |error: serde_json::Error| ChainFault::Refused(error.to_string().into());
    serde_json::from_str(text.get()).map_err(odd)
}

/// Nodes have no common code for a block that they do not have (EIP-1898 gives two).
fn fault(error: &Error) -> ChainFault {
    let message = error.message.to_ascii_lowercase();
    let unknown = ["not found", "unknown block", "canonical", "unknown hash"];
    if error.code == -32001 || unknown.iter().any(|words| message.contains(words)) {
        return ChainFault::Unknown;
    }
    let short: String = error.message.chars().take(200).collect();
    ChainFault::Refused(format!("{} ({})", short, error.code).into())
}

/// Whether the contract failed, not the node.
fn is_revert(error: &Error) -> bool {
    let message = error.message.to_ascii_lowercase();
    let failed = ["revert", "invalid opcode", "out of gas", "stack"];
    error.code == 3 || failed.iter().any(|words| message.contains(words))
}

/// EIP-1898.
fn at(block: ChainHash) -> Value {
    json!({ "blockHash": block.to_string(), "requireCanonical": true })
}

#[async_trait]
impl Chain for Ethereum {
    async fn chain_id(&self) -> Result<u64, ChainFault> {
        let id: Small = self.ask_one("eth_chainId", json!([])).await?;
        Ok(id.0)
    }

    async fn next(&self) -> ChainNotice {
        self.notices.next().await
    }

    async fn head(&self, block: ChainHash) -> Result<BlockHead, ChainFault> {
        let params = json!([block.to_string(), false]);
        let head: Head = self.ask_one("eth_getBlockByHash", params).await?;
        Ok(head.into())
    }

    async fn block(&self, block: ChainHash) -> Result<Block, ChainFault> {
        let params = json!([block.to_string(), true]);
        let whole: Whole = self.ask_one("eth_getBlockByHash", params).await?;
        Ok(whole.into())
    }

    async fn outcomes(
        &self,
        block: ChainHash,
        transactions: &[ChainHash],
    ) -> Result<Vec<Outcome>, ChainFault> {
        let question = |hash: &ChainHash| ("eth_getTransactionReceipt", json!([hash.to_string()]));
        let answers = self
            .ask(transactions.iter().map(question).collect())
            .await?;
        let outcome = |answer| {
            let receipt: Receipt = read(answer)?;
            match receipt.block_hash.0 == block {
                true => Ok(receipt.into()),
                false => Err(ChainFault::Unknown),
            }
        };
        answers.into_iter().map(outcome).collect()
    }

    async fn logs(
        &self,
        block: ChainHash,
        contracts: &[WalletAddress],
    ) -> Result<Vec<Log>, ChainFault> {
        let addresses: Vec<String> = contracts.iter().map(ToString::to_string).collect();
        let filter = json!([{ "blockHash": block.to_string(), "address": addresses }]);
        let logged: Vec<Logged> = self.ask_one("eth_getLogs", filter).await?;
        if logged.iter().any(|logged| logged.block_hash.0 != block) {
            return Err(ChainFault::Unknown);
        }
        Ok(logged.into_iter().map(Into::into).collect())
    }

    async fn balances(
        &self,
        block: ChainHash,
        addresses: &[WalletAddress],
    ) -> Result<Vec<Amount>, ChainFault> {
        let at = at(block);
        let question =
            |address: &WalletAddress| ("eth_getBalance", json!([address.to_string(), at]));
        let answers = self.ask(addresses.iter().map(question).collect()).await?;
        let amount = |answer| read::<Quantity>(answer).map(|amount| amount.0);
        answers.into_iter().map(amount).collect()
    }

    async fn calls(
        &self,
        block: ChainHash,
        calls: &[Call],
    ) -> Result<Vec<Option<Vec<u8>>>, ChainFault> {
        let at = at(block);
        let question = |call: &Call| {
            let data = alloy_primitives::hex::encode_prefixed(&call.data);
            (
                "eth_call",
                json!([{ "to": call.to.to_string(), "data": data }, at]),
            )
        };
        let answers = self.ask(calls.iter().map(question).collect()).await?;
        let said = |answer: Answer| match answer {
            Err(error) if is_revert(&error) => Ok(None),
            answer => read::<Bytes>(answer).map(|bytes| Some(bytes.0)),
        };
        answers.into_iter().map(said).collect()
    }
}

const ASKS: usize = 16;
const BATCH: usize = 100;
