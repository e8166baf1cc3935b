//! The assistant of this node: who asks it, where its answers run, and what is counted of them.
//!
//! Every surface tells [`Answers::asked`] of the messages that it has stored; which of them are
//! questions, the core says. Answers run on the background runtime. On a bus one node answers in a
//! room at a time: it holds the room's lease.
//!
//! Reading order: this file, `provider` (the configured one), `elsewhere` (what nodes ask of each
//! other), `succession` (what becomes of the answers of a node that has gone).

mod elsewhere;
mod provider;
mod succession;

use std::sync::Arc;
use std::time::Duration;

use conclave_core::{
    AnswerParts, AnswerPolicy, AnswerWitness, AnsweredRooms, Assistant, Directory, LeaseName,
    Leases, NodeId, Permit, RoomFault, Rooms, Sent, Turn, authorise,
};
use conclave_protocol::{
    AskAssistant, CancelAnswer, Clock, Message, MessageId, Principal, Refusal, RoomId, Usage,
    UserId,
};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

pub(crate) use elsewhere::{Asked, Underway, answer as answer_node, underway};
use succession::Succession;

use crate::audit::{AuditLog, Event, Kind};
use crate::config::{self, Busy, Setup};
use crate::ids;
use crate::metrics::{Latencies, Timed};
use crate::node::{Dice, Node};
use crate::tenure::Tenant;

/// The assistant, where there is one.
#[derive(Default)]
pub(crate) struct Answers(Option<Arc<Desk>>);

/// What answers need.
struct Desk {
    assistant: Arc<Assistant>,
    /// The background runtime: an answer outlives the connection that asked.
    runtime: Handle,
    /// Of a node on a bus.
    leases: Option<(NodeId, Arc<dyn Leases>)>,
    succession: Succession,
    rooms: Arc<Rooms>,
    busy: Busy,
    clock: Arc<dyn Clock>,
    audit: Arc<AuditLog>,
    dice: Dice,
    ending: watch::Sender<bool>,
}

/// What the assistant of a node is made of.
pub(crate) struct Parts<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) ledger: Arc<dyn conclave_core::AnswerLedger>,
    pub(crate) leases: Option<(NodeId, Arc<dyn Leases>)>,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) latencies: Arc<Latencies>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Dice,
}

impl Answers {
    /// As the configuration says, on the current runtime.
    ///
    /// # Errors
    /// The key of the configuration that does not fit.
    pub(crate) fn open(parts: Parts<'_>) -> anyhow::Result<Self> {
        let config = &parts.setup.config.assistant;
        if !config.enabled {
            return Ok(Self::default());
        }
        let completion = provider::open(config)?;
        let witness = Witness {
            audit: Arc::clone(&parts.audit),
            latencies: parts.latencies,
            clock: Arc::clone(&parts.clock),
        };
        let assistant = Assistant::new(
            AnswerParts {
                completion,
                rooms: Arc::clone(&parts.rooms),
                ledger: parts.ledger,
                witness: Arc::new(witness),
                clock: Arc::clone(&parts.clock),
            },
            policy(config)?,
        );
        Ok(Self(Some(Arc::new(Desk {
            assistant: Arc::new(assistant),
            runtime: Handle::current(),
            leases: parts.leases,
            succession: Succession::default(),
            rooms: parts.rooms,
            busy: config.busy,
            clock: parts.clock,
            audit: parts.audit,
            dice: parts.dice,
            ending: watch::channel(false).0,
        }))))
    }

    /// The service, where there is one.
    pub(crate) fn service(&self) -> Option<&Arc<Assistant>> {
        self.0.as_ref().map(|desk| &desk.assistant)
    }

    /// A user has sent a message: where it is a question it is answered, without keeping anybody
    /// waiting.
    pub(crate) fn asked(&self, principal: &Arc<Principal>, sent: &Sent) {
        let Some(desk) = &self.0 else { return };
        if sent.repeated || desk.assistant.known_to_be_in(&sent.message.room) == Some(false) {
            return;
        }
        let (desk, principal) = (Arc::clone(desk), Arc::clone(principal));
        let message = sent.message.clone();
        let runtime = desk.runtime.clone();
        runtime.spawn(async move {
            if let Some(turn) = desk.turn(&principal, &message).await {
                desk.run(turn).await;
            }
        });
    }

    /// Stops the answer of a room, on whichever node it is given.
    ///
    /// # Errors
    /// What the service refuses; `not_found` where there is none, `Unavailable` where another node
    /// may give one and does not say.
    pub(crate) async fn cancel(
        &self,
        node: &Node,
        permit: Permit<CancelAnswer>,
    ) -> Result<(), RoomFault> {
        let none = || RoomFault::refused(Refusal::NotFound, "no answer is running");
        let (Some(desk), Some(actor)) = (&self.0, permit.actor()) else {
            return Err(none());
        };
        let room = permit.command().room.clone();
        match desk.assistant.cancel(permit).await {
            Err(fault) if fault.refusal() == Refusal::NotFound => {
                elsewhere::cancel(node, &desk.assistant, &actor, &room).await
            }
            done => done,
        }
    }

    /// A room has changed, or is gone.
    pub(crate) fn look_again(&self, room: &RoomId) {
        if let Some(desk) = &self.0 {
            desk.assistant.look_again(room);
        }
    }

    /// The server goes away: what is under way has failed, and so has what is asked from now on.
    /// Waits until that has been told.
    pub(crate) async fn end(&self, directory: &Directory) {
        let Some(desk) = &self.0 else { return };
        desk.ending.send_replace(true);
        let told = async {
            desk.ending.closed().await;
            let inboxes = || (0..directory.workers()).filter_map(|worker| directory.inbox(worker));
            while inboxes().any(|inbox| inbox.outstanding() > 0) {
                tokio::time::sleep(DELIVERY_LOOK).await;
            }
        };
        if tokio::time::timeout(LAST_WORDS, told).await.is_err() {
            tracing::warn!("not everybody was told that an answer was interrupted");
        }
    }
}

impl Desk {
    async fn turn(&self, principal: &Principal, message: &Message) -> Option<Turn> {
        let room = message.room.clone();
        match self.assistant.is_in(&room).await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(fault) => {
                tracing::warn!(room = room.as_str(), %fault, "cannot look whether to answer");
                return None;
            }
        }
        let permit = match authorise(principal, AskAssistant { room }) {
            Ok(permit) => permit,
            Err(denied) => {
                self.denied(principal, &denied.to_string());
                return None;
            }
        };
        let id = MessageId(ids::fresh(&*self.clock, &self.dice));
        match self.assistant.ask(permit, message, id).await {
            Ok(turn) => turn,
            Err(fault) => {
                tracing::warn!(%fault, "cannot take a question");
                None
            }
        }
    }

    fn denied(&self, principal: &Principal, why: &str) {
        let event = Event::new(Kind::PermissionDenied, self.clock.now())
            .session(&principal.session.shown())
            .detail(format!("assistant: {why}"));
        self.audit.record(match &principal.user {
            Some(user) => event.user(user.as_str()),
            None => event,
        });
    }

    /// Answers until no question of the room waits, or the server goes away.
    async fn run(&self, turn: Turn) {
        let mut ending = self.ending.subscribe();
        tokio::select! {
            biased;
            // The sender lives in the desk.
            _ = ending.wait_for(|ending| *ending) => {}
            () = self.answer(turn) => {}
        }
    }

    async fn answer(&self, turn: Turn) {
        let Some((node, leases)) = &self.leases else {
            return Arc::clone(&self.assistant).answer(turn).await;
        };
        let patience = match self.busy {
            Busy::Refuse => FOR_A_FREE_ONE,
            Busy::Wait => FOR_ANOTHER_NODE,
        };
        let until = Instant::now() + patience;
        let room = turn.room().clone();
        let lane = self.succession.lane(&room);
        match tokio::time::timeout_at(until, lane.lock()).await {
            Ok(_alone) => self.answer_under((*node, leases), turn, until).await,
            Err(_elapsed) => turn.refuse_busy(),
        }
        self.succession.leave(&room, lane);
    }

    /// Answers while this node has the room's lease.
    async fn answer_under(
        &self,
        (node, leases): (NodeId, &Arc<dyn Leases>),
        turn: Turn,
        until: Instant,
    ) {
        let room = turn.room().clone();
        let lease = LeaseName::answers(hash(&room));
        let clock = Arc::clone(&self.clock);
        let (tenant, mut tenure) = Tenant::start(lease, node, Arc::clone(leases), clock);
        match tokio::time::timeout_at(until, tenure.held()).await {
            Ok(fence) => {
                self.interrupt_gone(&room).await;
                let turn = turn.under(lease, fence);
                let answer = Arc::clone(&self.assistant).answer(turn);
                tenure.during(fence, answer).await;
            }
            Err(_elapsed) => turn.refuse_busy(),
        }
        tenant.finish().await;
    }
}

/// Tells the audit and the metrics.
struct Witness {
    audit: Arc<AuditLog>,
    latencies: Arc<Latencies>,
    clock: Arc<dyn Clock>,
}

impl Witness {
    fn note(&self, kind: Kind, user: &UserId, detail: String) {
        let event = Event::new(kind, self.clock.now()).user(user.as_str());
        self.audit.record(event.detail(detail));
    }
}

impl AnswerWitness for Witness {
    fn began(&self, after: Duration) {
        self.latencies.add(Timed::FirstToken, after);
    }

    fn refused(&self, user: &UserId, room: &RoomId, code: &'static str) {
        let detail = format!("assistant: {code} in {}", room.as_str());
        self.note(Kind::LimitHit, user, detail);
    }

    fn uncounted(&self, user: &UserId, room: &RoomId, usage: Usage) {
        let tokens = usage.total();
        let detail = format!("assistant: {tokens} tokens in {}", room.as_str());
        self.note(Kind::UsageLost, user, detail);
    }
}

fn policy(config: &config::Assistant) -> anyhow::Result<AnswerPolicy> {
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(AnswerPolicy {
        user: UserId::new(USER)?,
        system: config.told_first().into(),
        context_tokens: config.context_limit,
        answer_tokens: config.answer_tokens,
        waiting_per_room: match config.busy {
            Busy::Refuse => 0,
            Busy::Wait => size(config.waiting_per_room),
        },
        questions: size(config.questions),
        user_tokens: config.user_tokens.into(),
        window_seconds: config.window_seconds.into(),
        rooms: AnsweredRooms::new(config.rooms.iter().map(|room| room.as_str().into())),
    })
}

/// A lease's name has no room for an id.
fn hash(room: &RoomId) -> u128 {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, room.as_str().as_bytes());
    let bytes = digest.as_ref().iter().take(16);
    bytes.fold(0, |hash, byte| hash << 8 | u128::from(*byte))
}

/// In whose name answers are stored; nobody else may have it.
pub(crate) const USER: &str = "assistant";
/// Of a drain, to tell of what was interrupted.
const LAST_WORDS: Duration = Duration::from_secs(1);
const DELIVERY_LOOK: Duration = Duration::from_millis(5);
/// To take a lease that nobody has.
const FOR_A_FREE_ONE: Duration = Duration::from_secs(2);
const FOR_ANOTHER_NODE: Duration = Duration::from_secs(60);
