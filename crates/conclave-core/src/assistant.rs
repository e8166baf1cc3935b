//! The assistant of rooms: answers that a language model gives token by token.
//!
//! A message of a member with `assistant.use`, in a room where the assistant is attached, is a
//! question. One is answered at a time in a room, others wait. The parts of an answer are told to
//! all who hear the room and are stored nowhere; what is stored is the whole answer, as a message
//! of the user `assistant`. So each answer has one end: that message, or
//! [`conclave_protocol::EventKind::AnswerFailed`].
//!
//! Reading order: `completion` (the port: what is asked of a model), this file, `turns` (whose
//! question is answered when), `answering` (how), `context` (what the model is told), `ledger` and
//! `budget` (what users took and may take), `attached` (where), `memory` (a model for tests).

mod answering;
mod attached;
mod budget;
mod completion;
mod context;
mod ledger;
mod memory;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_protocol::{
    AskAssistant, CancelAnswer, Clock, Finish, MemberRole, Message, MessageId, MessageKind,
    Refusal, RoomId, Usage, UserId,
};

pub use attached::AnsweredRooms;
pub use completion::{
    Completion, CompletionFault, Ending, Line, Prompt, Speaker, Stage, Token, TokenStream,
};
pub use ledger::{AnswerLedger, AnswerTotals, MemoryLedger, Spending};
pub use memory::MemoryCompletion;
pub use turns::Running;

use crate::{Actor, Fence, LeaseName, Permit, RoomFault, Rooms};
use answering::Failure;
use attached::Attached;
use budget::Budgets;
use turns::{Admission, Question, Stop, Turns};

/// What the assistant is told, and what it may take.
#[derive(Clone, Debug)]
pub struct AnswerPolicy {
    /// In whose name answers are stored.
    pub user: UserId,
    /// What the model is told first; empty for nothing.
    pub system: Box<str>,
    /// Tokens that the model may be told, at least 1.
    pub context_tokens: u32,
    /// Tokens that an answer may have, at least 1.
    pub answer_tokens: u32,
    /// Questions that wait in a room; one more is refused.
    pub waiting_per_room: usize,
    /// Questions that are answered or wait, in all rooms.
    pub questions: usize,
    /// Tokens that a user's questions may take in a window, prompts included; 0 means no bound.
    pub user_tokens: u64,
    /// Seconds of a window, at least 1.
    pub window_seconds: u64,
    /// Where it answers, if it is attached.
    pub rooms: AnsweredRooms,
}

/// Who is told of what does not go over the wire.
pub trait AnswerWitness: Send + Sync {
    /// The first token of an answer came so long after its turn began.
    fn began(&self, after: Duration);
    /// A question was refused.
    fn refused(&self, user: &UserId, room: &RoomId, code: &'static str);
    /// What a user's question took could not be kept.
    fn uncounted(&self, user: &UserId, room: &RoomId, usage: Usage);
}

/// What an assistant works with.
#[derive(Clone)]
pub struct AnswerParts {
    /// The model.
    pub completion: Arc<dyn Completion>,
    /// Where it answers.
    pub rooms: Arc<Rooms>,
    /// Where it is kept what answers took.
    pub ledger: Arc<dyn AnswerLedger>,
    /// Who is told.
    pub witness: Arc<dyn AnswerWitness>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The service of answers.
pub struct Assistant {
    parts: AnswerParts,
    policy: AnswerPolicy,
    turns: Turns,
    budgets: Budgets,
    attached: Attached,
    counts: Counts,
}

impl std::fmt::Debug for Assistant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assistant").finish_non_exhaustive()
    }
}

/// What has been counted since the start, and what is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerFigures {
    /// Answers that were begun.
    pub started: u64,
    /// Those that the model ended.
    pub stopped: u64,
    /// Those that ended at their length.
    pub cut: u64,
    /// Those that somebody stopped, and that are kept as far as they were.
    pub cancelled: u64,
    /// Answers that failed, and questions that were refused.
    pub failed: u64,
    /// What they all took.
    pub usage: Usage,
    /// Answers under way.
    pub running: usize,
    /// Questions that wait.
    pub waiting: usize,
}

/// What a user's questions took, and may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Taken, ever and in this window.
    pub spent: Spending,
    /// Tokens of a window; `None` for no bound.
    pub tokens: Option<u64>,
    /// Seconds until the next window begins.
    pub renews_in: u64,
}

#[derive(Debug, Default)]
struct Counts {
    started: AtomicU64,
    stopped: AtomicU64,
    cut: AtomicU64,
    cancelled: AtomicU64,
    failed: AtomicU64,
    prompt: AtomicU64,
    completion: AtomicU64,
}

impl Counts {
    fn ended(&self, finish: Finish) {
        let count = match finish {
            Finish::Cancelled => &self.cancelled,
            Finish::Length => &self.cut,
            Finish::Stop => &self.stopped,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// A question whose turn it is. Somebody has to give it to [`Assistant::answer`]; dropped, before
/// or while it is answered, it and those of its room that wait have failed.
#[derive(Debug)]
pub struct Turn {
    question: Question,
    stop: Arc<Stop>,
    under: Option<(LeaseName, Fence)>,
    held: Held,
}

impl Turn {
    /// The same, answered under a lease: what it comes to is stored only while that is held.
    #[must_use]
    pub fn under(self, lease: LeaseName, fence: Fence) -> Self {
        Self {
            under: Some((lease, fence)),
            ..self
        }
    }

    /// Where the question was asked.
    #[must_use]
    pub const fn room(&self) -> &RoomId {
        &self.question.room
    }

    /// Refuses it, and those of its room that wait: another node answers there.
    pub fn refuse_busy(mut self) {
        self.held.failure = Failure::BUSY;
    }
}

/// That a room is answered.
#[derive(Debug)]
struct Held {
    assistant: Option<Arc<Assistant>>,
    room: RoomId,
    /// Why its questions fail when it is dropped.
    failure: Failure,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(assistant) = self.assistant.take() {
            assistant.abandon(&self.room, &self.failure);
        }
    }
}

impl Assistant {
    /// The service.
    #[must_use]
    pub fn new(parts: AnswerParts, policy: AnswerPolicy) -> Self {
        Self {
            parts,
            turns: Turns::new(policy.waiting_per_room, policy.questions),
            budgets: Budgets::new(policy.user_tokens, policy.window_seconds),
            attached: Attached::default(),
            policy,
            counts: Counts::default(),
        }
    }

    /// What it is told, and what it may take.
    #[must_use]
    pub const fn policy(&self) -> &AnswerPolicy {
        &self.policy
    }

    /// The model that answers.
    #[must_use]
    pub fn model(&self) -> &str {
        self.parts.completion.model()
    }

    /// How many tokens a text has.
    #[must_use]
    pub fn tokens(&self, text: &str) -> u32 {
        let tokens = self.parts.completion.tokens(text, u32::MAX);
        tokens.unwrap_or(u32::MAX)
    }

    /// What there is to be counted.
    #[must_use]
    pub fn figures(&self) -> AnswerFigures {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (running, waiting) = self.turns.counts();
        AnswerFigures {
            started: of(&self.counts.started),
            stopped: of(&self.counts.stopped),
            cut: of(&self.counts.cut),
            cancelled: of(&self.counts.cancelled),
            failed: of(&self.counts.failed),
            usage: Usage {
                prompt: of(&self.counts.prompt),
                completion: of(&self.counts.completion),
            },
            running,
            waiting,
        }
    }

    /// What a room's questions took.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn spent_in(&self, room: &RoomId) -> Result<AnswerTotals, RoomFault> {
        self.parts.ledger.of_room(room).await
    }

    /// What a user's questions took and may take.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn budget_of(&self, user: &UserId) -> Result<Budget, RoomFault> {
        let now = self.parts.clock.now();
        let window = self.budgets.window(now);
        Ok(Budget {
            spent: self.parts.ledger.of_user(user, window).await?,
            tokens: self.budgets.bound(),
            renews_in: self.budgets.renews_in(now),
        })
    }

    /// The answer that is under way in a room.
    #[must_use]
    pub fn running_in(&self, room: &RoomId) -> Option<Running> {
        self.turns.running_in(room)
    }

    /// Answers under way, at most `limit`, in no order.
    #[must_use]
    pub fn running(&self, limit: usize) -> Vec<Running> {
        self.turns.running(limit)
    }

    /// Whether the assistant is attached to a room, where that was asked lately.
    #[must_use]
    pub fn known_to_be_in(&self, room: &RoomId) -> Option<bool> {
        self.attached.known(room, self.parts.clock.monotonic())
    }

    /// Whether the assistant is attached to a room, and answers in rooms like that.
    ///
    /// # Errors
    /// What keeps the room from being read.
    pub async fn is_in(&self, room: &RoomId) -> Result<bool, RoomFault> {
        if let Some(known) = self.known_to_be_in(room) {
            return Ok(known);
        }
        let now = self.parts.clock.monotonic();
        let rooms = &self.parts.rooms;
        let found = rooms.seen_by_assistant(&self.policy.user, room).await?;
        let is_in = found.assistant && self.policy.rooms.have(room, found.kind);
        self.attached.learn(room, is_in, now);
        Ok(is_in)
    }

    /// A room has changed, or is gone.
    pub fn look_again(&self, room: &RoomId) {
        self.attached.forget(room);
    }

    /// Takes a stored message as a question, where it is one: a text, in a room where the
    /// assistant is attached. `answer` is a fresh id. What is given back is to be answered now;
    /// where others come first nothing is, and the room hears of a question that is refused.
    ///
    /// # Errors
    /// What keeps the room from being read.
    pub async fn ask(
        self: &Arc<Self>,
        permit: Permit<AskAssistant>,
        sent: &Message,
        answer: MessageId,
    ) -> Result<Option<Turn>, RoomFault> {
        let Some(actor) = permit.actor() else {
            return Ok(None);
        };
        let room = &permit.command().room;
        let is_question = sent.room == *room
            && sent.author.user == actor.user
            && sent.kind == MessageKind::Text
            && sent.answer.is_none();
        if !is_question || !self.is_in(room).await? {
            return Ok(None);
        }
        let question = Question {
            room: room.clone(),
            message: sent.id,
            seq: sent.seq,
            asker: actor.user,
            answer,
        };
        match self.turns.ask(&question, self.parts.clock.monotonic()) {
            Admission::Now(stop) => Ok(Some(Turn {
                held: Held {
                    assistant: Some(Arc::clone(self)),
                    room: question.room.clone(),
                    failure: Failure::INTERRUPTED,
                },
                question,
                stop,
                under: None,
            })),
            Admission::Waits => Ok(None),
            Admission::Full => {
                self.refuse(&question, &Failure::BUSY).await;
                Ok(None)
            }
        }
    }

    /// Answers a question, and then those of its room that wait.
    pub async fn answer(self: Arc<Self>, turn: Turn) {
        let Turn {
            mut question,
            mut stop,
            under,
            mut held,
        } = turn;
        loop {
            self.answer_one(&question, &stop, under).await;
            let now = self.parts.clock.monotonic();
            match self.turns.next(&question.room, now) {
                Some(next) => (question, stop) = next,
                None => break,
            }
        }
        // Another question may be under way there by now.
        held.assistant = None;
    }

    /// Stops the answer that is under way in a room. The asker, the room's owner and moderators
    /// of the server may.
    ///
    /// # Errors
    /// `not_found` where no answer is under way, or the room is none of the user's; `forbidden`.
    pub async fn cancel(&self, permit: Permit<CancelAnswer>) -> Result<(), RoomFault> {
        let actor = permit.actor().ok_or_else(none_running)?;
        self.cancel_for(&actor, &permit.command().room).await
    }

    /// The same, for who has a permit for it on this node or on another.
    ///
    /// # Errors
    /// As [`Assistant::cancel`].
    pub async fn cancel_for(&self, actor: &Actor, room: &RoomId) -> Result<(), RoomFault> {
        let none = none_running;
        let running = self.turns.running_in(room).ok_or_else(none)?;
        if running.asker != actor.user {
            let owns = self.owns(actor, room).await?;
            if !owns && !actor.moderator {
                return Err(Self::may_not_stop());
            }
            if !owns {
                self.parts.rooms.witness_cancel(&actor.user, room);
            }
        }
        if self.turns.stop(room, running.message) {
            Ok(())
        } else {
            Err(none())
        }
    }

    /// Whether somebody owns a room; in the words of who finds no answer, where it is not theirs
    /// to see.
    async fn owns(&self, actor: &Actor, room: &RoomId) -> Result<bool, RoomFault> {
        match self.parts.rooms.seen_by(actor, room).await {
            Ok(seen) if seen.role == Some(MemberRole::Owner) => Ok(true),
            Ok(seen) if seen.role.is_none() && !actor.moderator => Err(none_running()),
            Ok(_) => Ok(false),
            Err(fault) if fault.refusal() == Refusal::NotFound && actor.moderator => Ok(false),
            Err(fault) if fault.refusal() == Refusal::NotFound => Err(none_running()),
            Err(fault) => Err(fault),
        }
    }

    /// Of who wants to stop an answer that another node may give.
    ///
    /// # Errors
    /// `not_found` where the room is none of the user's; `Unavailable`.
    pub async fn may_see(&self, actor: &Actor, room: &RoomId) -> Result<(), RoomFault> {
        self.owns(actor, room).await.map(drop)
    }

    /// That an answer is not for somebody to stop.
    #[must_use]
    pub const fn may_not_stop() -> RoomFault {
        let message = "only who asked, the owner or a moderator stops an answer";
        RoomFault::refused(Refusal::Forbidden, message)
    }
}

fn none_running() -> RoomFault {
    RoomFault::refused(Refusal::NotFound, "no answer is running")
}
