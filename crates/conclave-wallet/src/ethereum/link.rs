//! One connection to a node after the other: subscriptions, questions, answers.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use conclave_client::{Address, Incoming, Socket};
use conclave_core::{BlockHead, ChainFault, ChainNotice, Transfer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::json::{Complaint, Hash, Head, Said, Signed, Small};
use super::notices::Notices;
use crate::figures::UpstreamFigures;

/// What a node answered to one question: `None` for `null`.
pub(super) type Answer = Result<Option<Box<RawValue>>, Error>;

/// An error of the node.
#[derive(Clone, Debug)]
pub(super) struct Error {
    pub(super) code: i64,
    pub(super) message: Arc<str>,
}

/// Questions that leave as one message.
pub(super) struct Ask {
    pub(super) questions: Vec<(&'static str, Value)>,
    pub(super) answers: oneshot::Sender<Result<Vec<Answer>, ChainFault>>,
}

/// Where the node is.
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) ca: Option<PathBuf>,
    /// Every node has to be of this chain; `None`: of that of the first one.
    pub(super) chain_id: Option<u64>,
    /// Whether to hear of transactions that are in no block.
    pub(super) pending: bool,
}

/// Keeps a connection until nobody can ask any more.
pub(super) async fn run(
    target: Target,
    mut asked: mpsc::Receiver<Ask>,
    (notices, figures): (Arc<Notices>, Arc<UpstreamFigures>),
) {
    let mut failures = 0;
    let mut chain = target.chain_id;
    loop {
        let connected = {
            let connect = Socket::connect(&target.address, None, target.ca.as_deref());
            tokio::pin!(connect);
            loop {
                tokio::select! {
                    connected = &mut connect => break connected,
                    ask = asked.recv() => match ask {
                        Some(ask) => drop(ask.answers.send(Err(ChainFault::Away))),
                        None => return,
                    },
                }
            }
        };
        match connected {
            Ok(socket) => {
                let mut session = Session::new(socket, &target, (&notices, &figures));
                session.chain = chain;
                session.run(&mut asked).await;
                session.fail_all();
                if session.heard {
                    failures = 0;
                    notices.push(ChainNotice::Lost);
                }
                chain = session.chain;
                session.lament();
            }
            Err(error) => tracing::warn!(%error, "the wallet feed's chain cannot be reached"),
        }
        let pause = sleep(delay(failures));
        failures += 1;
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => break,
                ask = asked.recv() => match ask {
                    Some(ask) => drop(ask.answers.send(Err(ChainFault::Away))),
                    None => return,
                },
            }
        }
    }
}

/// Doubles from 250 ms to 30 s, of which the second half is drawn.
fn delay(failures: u32) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(failures.min(16)));
    let half = doubled.min(LONGEST) / 2;
    let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
    half + Duration::from_millis(RandomState::new().hash_one(failures) % millis.max(1))
}

struct Session<'a> {
    socket: Socket,
    notices: &'a Notices,
    figures: &'a UpstreamFigures,
    wants_pending: bool,
    next_id: u64,
    waiting: HashMap<u64, Purpose>,
    batches: HashMap<u64, Batch>,
    /// By the name that the node gave them.
    subscriptions: HashMap<String, Subscription>,
    /// Transactions that are being asked for because only their name was told.
    fetching: usize,
    newest: Option<BlockHead>,
    /// EIP-155: the node has to be of it. `None` before the first one was reached.
    chain: Option<u64>,
    /// Whether this node is of that chain. Before, nothing is asked of it.
    is_of_chain: bool,
    /// The other chain that it is of.
    stranger: Option<u64>,
    heard: bool,
    why: &'static str,
    began: Instant,
    last_word: Instant,
}

/// Why a question was asked.
enum Purpose {
    /// Part of a batch, by its number and the place in it.
    Asked(u64, usize),
    ChainId,
    Subscribe(Subscription),
    Latest,
    Fetch,
    /// The same question without the wish for whole transactions has not been asked.
    SubscribeWhole,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Subscription {
    Heads,
    Pending,
}

struct Batch {
    answers: Vec<Option<Answer>>,
    missing: usize,
    to: oneshot::Sender<Result<Vec<Answer>, ChainFault>>,
    until: Instant,
}

impl<'a> Session<'a> {
    fn new(
        socket: Socket,
        target: &Target,
        (notices, figures): (&'a Notices, &'a UpstreamFigures),
    ) -> Self {
        Self {
            socket,
            notices,
            figures,
            wants_pending: target.pending,
            next_id: 0,
            waiting: HashMap::new(),
            batches: HashMap::new(),
            subscriptions: HashMap::new(),
            fetching: 0,
            newest: None,
            chain: None,
            is_of_chain: false,
            stranger: None,
            heard: false,
            why: "it closed the connection",
            began: Instant::now(),
            last_word: Instant::now(),
        }
    }

    async fn run(&mut self, asked: &mut mpsc::Receiver<Ask>) {
        self.question("eth_chainId", json!([]), Purpose::ChainId);
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                said = self.socket.receive() => match said {
                    Ok(Incoming::Text(text)) => {
                        self.last_word = Instant::now();
                        if !self.hear(&text) {
                            return;
                        }
                    }
                    Ok(Incoming::Pong) => self.last_word = Instant::now(),
                    Ok(Incoming::Closed(_)) => return,
                    Err(error) => {
                        tracing::debug!(%error, "the chain's connection broke");
                        self.why = "the connection broke";
                        return;
                    }
                },
                ask = asked.recv(), if self.batches.len() < BATCHES_MAX => match ask {
                    Some(ask) if self.is_of_chain => self.ask(ask),
                    Some(ask) => drop(ask.answers.send(Err(ChainFault::Away))),
                    None => return,
                },
                _ = ticks.tick() => {
                    if !self.tick() {
                        return;
                    }
                }
            }
        }
    }

    /// False where the connection is of no use any more.
    fn tick(&mut self) -> bool {
        let now = Instant::now();
        if now.duration_since(self.last_word) > SILENCE {
            self.why = "it is silent";
            return false;
        }
        if !self.heard && now.duration_since(self.began) > PATIENCE {
            self.why = "it does not begin";
            return false;
        }
        let late: Vec<u64> = {
            let late = self.batches.iter().filter(|(_, batch)| batch.until <= now);
            late.map(|(number, _)| *number).collect()
        };
        for number in late {
            if let Some(batch) = self.batches.remove(&number) {
                drop(batch.to.send(Err(ChainFault::Away)));
            }
            self.waiting
                .retain(|_, purpose| !matches!(purpose, Purpose::Asked(of, _) if *of == number));
        }
        self.socket.queue_ping();
        true
    }

    fn ask(&mut self, ask: Ask) {
        let number = self.id();
        let mut text = String::from("[");
        for (place, (method, params)) in ask.questions.iter().enumerate() {
            let id = self.id();
            if place > 0 {
                text.push(',');
            }
            text.push_str(&request(id, method, params));
            self.waiting.insert(id, Purpose::Asked(number, place));
        }
        text.push(']');
        let missing = ask.questions.len();
        let batch = Batch {
            answers: (0..missing).map(|_| None).collect(),
            missing,
            to: ask.answers,
            until: Instant::now() + PATIENCE,
        };
        self.batches.insert(number, batch);
        self.socket.queue_text(&text);
    }

    fn question(&mut self, method: &str, params: Value, purpose: Purpose) {
        let id = self.id();
        self.waiting.insert(id, purpose);
        self.socket.queue_text(&request(id, method, &params));
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// False where what it says cannot be made use of.
    fn hear(&mut self, text: &str) -> bool {
        let said = match text.trim_start().starts_with('[') {
            true => serde_json::from_str::<Vec<Said<'_>>>(text),
            false => serde_json::from_str::<Said<'_>>(text).map(|said| vec![said]),
        };
        let Ok(said) = said else {
            self.why = "it said something that is no JSON-RPC";
            return false;
        };
        said.into_iter().all(|said| self.take(said))
    }

    fn take(&mut self, said: Said<'_>) -> bool {
        let Said {
            id,
            result,
            error,
            params,
        } = said;
        if let Some(told) = params {
            match self.subscriptions.get(&*told.subscription) {
                Some(Subscription::Heads) => self.head(told.result),
                Some(Subscription::Pending) => self.pending(told.result),
                None => {}
            }
            return true;
        }
        // Later than anybody waited.
        let Some(purpose) = id.and_then(|id| self.waiting.remove(&id)) else {
            return true;
        };
        let answer = match error {
            None => Ok(result.map(ToOwned::to_owned)),
            Some(Complaint { code, message }) => Err(Error {
                code,
                message: message.into(),
            }),
        };
        match purpose {
            Purpose::Asked(number, place) => self.answered(number, place, answer),
            Purpose::ChainId => return self.identified(answer),
            Purpose::Fetch => self.fetched(answer),
            Purpose::Latest => return self.begun(answer),
            Purpose::Subscribe(subscription) => return self.subscribed(subscription, answer),
            Purpose::SubscribeWhole if answer.is_err() => {
                let purpose = Purpose::Subscribe(Subscription::Pending);
                self.question("eth_subscribe", json!(["newPendingTransactions"]), purpose);
            }
            Purpose::SubscribeWhole => return self.subscribed(Subscription::Pending, answer),
        }
        true
    }

    /// What a node of another chain says would be mixed with what was told: it is not heard.
    fn identified(&mut self, answer: Answer) -> bool {
        let said = answer.ok().flatten();
        let id = said.and_then(|said| serde_json::from_str::<Small>(said.get()).ok());
        let Some(Small(id)) = id else {
            self.why = "it does not say which chain it is";
            return false;
        };
        if self.chain.is_some_and(|chain| chain != id) {
            self.stranger = Some(id);
            self.figures.met_stranger();
            return false;
        }
        self.chain = Some(id);
        self.is_of_chain = true;
        self.question(
            "eth_subscribe",
            json!(["newHeads"]),
            Purpose::Subscribe(Subscription::Heads),
        );
        true
    }

    fn subscribed(&mut self, subscription: Subscription, answer: Answer) -> bool {
        let name = answer.map(|name| name.and_then(|name| serde_json::from_str(name.get()).ok()));
        match (subscription, name) {
            (_, Ok(Some(name))) => {
                self.subscriptions.insert(name, subscription);
            }
            // Many do not offer it.
            (Subscription::Pending, Ok(None) | Err(_)) => {
                tracing::info!("the chain's node tells nothing of pending transactions");
            }
            (Subscription::Heads, Ok(None) | Err(_)) => {
                self.why = "it does not tell of new blocks";
                return false;
            }
        }
        if subscription == Subscription::Heads {
            self.question(
                "eth_getBlockByNumber",
                json!(["latest", false]),
                Purpose::Latest,
            );
            if self.wants_pending {
                let whole = json!(["newPendingTransactions", true]);
                self.question("eth_subscribe", whole, Purpose::SubscribeWhole);
            }
        }
        true
    }

    fn begun(&mut self, answer: Answer) -> bool {
        let head = answer.ok().flatten();
        let head = head.and_then(|head| serde_json::from_str::<Head>(head.get()).ok());
        let Some(head) = head else {
            self.why = "it has no newest block";
            return false;
        };
        self.heard = true;
        self.figures.connected();
        // A newer one may have been told before the answer came.
        let head = BlockHead::from(head);
        let newest = self.newest.filter(|newest| newest.number > head.number);
        self.notices
            .push(ChainNotice::Heard(newest.unwrap_or(head)));
        true
    }

    fn head(&mut self, result: &RawValue) {
        let Ok(head) = serde_json::from_str::<Head>(result.get()) else {
            return;
        };
        let head = BlockHead::from(head);
        self.newest = Some(head);
        if self.heard {
            self.notices.push(ChainNotice::Head(head));
        }
    }

    fn pending(&mut self, result: &RawValue) {
        if let Ok(signed) = serde_json::from_str::<Signed>(result.get()) {
            return self
                .notices
                .push(ChainNotice::Pending(Transfer::from(signed)));
        }
        let Ok(hash) = serde_json::from_str::<Hash>(result.get()) else {
            return;
        };
        if self.fetching < FETCHING_MAX {
            self.fetching += 1;
            let hash = json!([hash.0.to_string()]);
            self.question("eth_getTransactionByHash", hash, Purpose::Fetch);
        }
    }

    fn fetched(&mut self, answer: Answer) {
        self.fetching = self.fetching.saturating_sub(1);
        let text = answer.ok().flatten();
        if let Some(signed) = text.and_then(|text| serde_json::from_str::<Signed>(text.get()).ok())
        {
            self.notices
                .push(ChainNotice::Pending(Transfer::from(signed)));
        }
    }

    fn answered(&mut self, number: u64, place: usize, answer: Answer) {
        let Some(batch) = self.batches.get_mut(&number) else {
            return;
        };
        if let Some(empty @ None) = batch.answers.get_mut(place) {
            *empty = Some(answer);
            batch.missing -= 1;
        }
        if batch.missing == 0
            && let Some(batch) = self.batches.remove(&number)
        {
            drop(
                batch
                    .to
                    .send(Ok(batch.answers.into_iter().flatten().collect())),
            );
        }
    }

    /// Says why the connection has ended.
    fn lament(&self) {
        match (self.stranger, self.heard) {
            (Some(found), _) => {
                let expected = self.chain;
                tracing::error!(
                    expected,
                    found,
                    "the wallet feed's node is of another chain"
                );
            }
            (None, true) => tracing::warn!(why = self.why, "the wallet feed's chain is lost"),
            (None, false) => {
                tracing::warn!(why = self.why, "the wallet feed's chain cannot be followed");
            }
        }
    }

    fn fail_all(&mut self) {
        for (_, batch) in self.batches.drain() {
            drop(batch.to.send(Err(ChainFault::Away)));
        }
    }
}

fn request(id: u64, method: &str, params: &Value) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

/// Waits for an answer, a little longer than the connection does.
pub(super) async fn answered(
    answers: oneshot::Receiver<Result<Vec<Answer>, ChainFault>>,
) -> Result<Vec<Answer>, ChainFault> {
    match timeout(PATIENCE + TICK * 2, answers).await {
        Ok(Ok(answers)) => answers,
        Ok(Err(_)) | Err(_) => Err(ChainFault::Away),
    }
}

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_secs(5);
/// A node that has said nothing for so long, not even to pings, is gone.
const SILENCE: Duration = Duration::from_secs(20);
/// An answer has to come within.
const PATIENCE: Duration = Duration::from_secs(15);
/// Questions under way.
const BATCHES_MAX: usize = 64;
/// Transactions asked for by name; those told above it are passed over.
const FETCHING_MAX: usize = 256;
