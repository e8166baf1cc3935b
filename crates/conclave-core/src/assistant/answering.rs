//! One answer, from its question's turn to its end.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use conclave_protocol::{
    AnswerFailed, AnswerRecord, EventKind, Finish, MessageId, Refusal, RoomId, Usage,
};

use super::context::Context;
use super::turns::{Question, Stop};
use super::{AnswerTotals, Assistant, CompletionFault, Ending, Line, Prompt, Token};
use crate::{Fence, LeaseName, RoomFault};

/// Why an answer did not become whole.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    code: &'static str,
    text: Cow<'static, str>,
}

impl Failure {
    /// Too many questions wait.
    pub(super) const BUSY: Self = Self::of("busy", "the assistant answers another question");
    /// Whatever gave it has ended.
    pub(super) const INTERRUPTED: Self = Self::of("interrupted", "the answer was interrupted");
    const BUDGET: Self = Self::of(
        "budget_exhausted",
        "you have used up what the assistant may take for you",
    );
    const CANCELLED: Self = Self::of("cancelled", "the answer was cancelled before it began");

    const fn of(code: &'static str, text: &'static str) -> Self {
        Self {
            code,
            text: Cow::Borrowed(text),
        }
    }
}

impl From<CompletionFault> for Failure {
    fn from(fault: CompletionFault) -> Self {
        Self {
            code: fault.code(),
            text: fault.to_string().into(),
        }
    }
}

impl From<RoomFault> for Failure {
    fn from(fault: RoomFault) -> Self {
        Self {
            code: fault.refusal().code(),
            text: fault.message(),
        }
    }
}

/// What an answer has told of itself while it was given.
#[derive(Debug, Default)]
struct Progress {
    /// Tokens that the model was told.
    context: AtomicU32,
}

impl Assistant {
    pub(super) async fn answer_one(
        &self,
        question: &Question,
        stop: &Stop,
        under: Option<(LeaseName, Fence)>,
    ) {
        let window = self.budgets.window(self.parts.clock.now());
        let used = match self.parts.ledger.of_user(&question.asker, window).await {
            Ok(spent) => spent.in_window,
            Err(fault) => return self.refuse(question, &fault.into()).await,
        };
        let most = u64::from(self.policy.context_tokens) + u64::from(self.policy.answer_tokens);
        let Some(_reserved) = self.budgets.reserve(&question.asker, used, most) else {
            return self.refuse(question, &Failure::BUDGET).await;
        };
        self.counts.started.fetch_add(1, Ordering::Relaxed);
        stop.begin();
        self.say_typing(question, true).await;
        let progress = Progress::default();
        let outcome = stop.unless(self.converse(question, &progress)).await;
        let said = self.parts.rooms.end_answer(&question.room);
        let context = progress.context.into_inner();
        let ending = outcome.transpose();
        let usage = self.used(
            ending.as_ref().ok().and_then(Option::as_ref),
            context,
            &said,
        );
        // Before the end is told: who hears it may ask at once what is left.
        let will_be_kept = ending.is_ok() && !said.trim().is_empty();
        self.enter(question, usage, will_be_kept).await;
        let ended = match ending {
            Ok(ending) => {
                let record = self.record(question, ending, (usage, context));
                self.keep((question, under), said, record).await
            }
            Err(failure) => Err(failure),
        };
        match ended {
            Ok(finish) => self.counts.ended(finish),
            Err(failure) => self.fail(&question.room, question.answer, &failure).await,
        }
        self.say_typing(question, false).await;
        if context > 0 {
            let kind = EventKind::ContextUsed {
                used: context,
                limit: self.policy.context_tokens,
            };
            let now = self.parts.clock.now();
            let rooms = &self.parts.rooms;
            rooms.say_of_answer(&question.room, kind, now).await;
        }
    }

    /// Asks the model, and tells the room what it says.
    async fn converse(&self, question: &Question, progress: &Progress) -> Result<Ending, Failure> {
        let lines = self.context(question, &progress.context).await?;
        let prompt = Prompt {
            lines,
            answer_tokens: self.policy.answer_tokens,
        };
        let clock = &self.parts.clock;
        let mut began = Some(clock.monotonic());
        let mut stream = self.parts.completion.begin(prompt).await?;
        loop {
            match stream.next().await? {
                Token::End(ending) => return Ok(ending),
                Token::Text(text) => {
                    if let Some(began) = began.take() {
                        let after: Duration = clock.monotonic().saturating_sub(began);
                        self.parts.witness.began(after);
                    }
                    // Which no store keeps.
                    let text = text.replace('\0', "\u{fffd}").into_boxed_str();
                    let (rooms, room) = (&self.parts.rooms, &question.room);
                    rooms
                        .say_part(room, question.answer, text, clock.now())
                        .await;
                }
            }
        }
    }

    /// The newest messages up to the question, as many as there is room for.
    async fn context(&self, question: &Question, used: &AtomicU32) -> Result<Vec<Line>, Failure> {
        let (system, limit) = (&self.policy.system, self.policy.context_tokens);
        let completion = &*self.parts.completion;
        let context = Context::new(completion, &self.policy.user, system, limit);
        let mut context = context.ok_or(CompletionFault::Refused)?;
        let mut before = question.seq.saturating_add(1);
        loop {
            let (rooms, room) = (&self.parts.rooms, &question.room);
            let page = rooms.told_to(&self.policy.user, room, before).await?;
            let Some(oldest) = page.last() else {
                break;
            };
            before = oldest.seq;
            if !page.iter().all(|message| context.push(message)) {
                break;
            }
        }
        let (lines, tokens) = context.finish(system);
        used.store(tokens, Ordering::Relaxed);
        Ok(lines)
    }

    /// What the provider says it took; where it says nothing, what can be counted here.
    fn used(&self, ending: Option<&Ending>, context: u32, said: &str) -> Usage {
        ending.and_then(|ending| ending.usage).unwrap_or_else(|| {
            let counted = self.parts.completion.tokens(said, u32::MAX);
            Usage {
                prompt: context.into(),
                completion: counted.unwrap_or(u32::MAX).into(),
            }
        })
    }

    /// `ending` is `None` where the answer was cancelled.
    fn record(
        &self,
        question: &Question,
        ending: Option<Ending>,
        (usage, context_tokens): (Usage, u32),
    ) -> AnswerRecord {
        let (finish, model) = match ending {
            Some(ending) => (ending.finish, ending.model),
            None => (Finish::Cancelled, self.model().into()),
        };
        AnswerRecord {
            asker: question.asker.clone(),
            model,
            finish,
            usage,
            context_tokens,
            context_limit: self.policy.context_tokens,
        }
    }

    async fn keep(
        &self,
        (question, under): (&Question, Option<(LeaseName, Fence)>),
        said: String,
        record: AnswerRecord,
    ) -> Result<Finish, Failure> {
        let finish = record.finish;
        if said.trim().is_empty() {
            return Err(match finish {
                Finish::Cancelled => Failure::CANCELLED,
                Finish::Length | Finish::Stop => CompletionFault::Malformed.into(),
            });
        }
        let ids = (question.answer, question.message);
        let now = self.parts.clock.now();
        let stored = self.parts.rooms.store_answer(
            &self.policy.user,
            ids,
            (&question.room, said),
            (record, now, under),
        );
        match stored.await {
            // Another node has the lease by now, and has said that this answer ended.
            Err(fault) if under.is_some() && fault.refusal() == Refusal::Conflict => {
                Err(Failure::INTERRUPTED)
            }
            stored => Ok(stored.map(|()| finish)?),
        }
    }

    /// Keeps what a question took, and counts it.
    async fn enter(&self, question: &Question, usage: Usage, whole: bool) {
        let counts = &self.counts;
        counts.prompt.fetch_add(usage.prompt, Ordering::Relaxed);
        counts
            .completion
            .fetch_add(usage.completion, Ordering::Relaxed);
        if usage == Usage::default() && !whole {
            return;
        }
        let taken = AnswerTotals {
            answers: whole.into(),
            usage,
        };
        let window = self.budgets.window(self.parts.clock.now());
        let (room, user) = (&question.room, &question.asker);
        let entered = self.parts.ledger.enter(room, user, taken, window).await;
        if entered.is_err() {
            self.parts.witness.uncounted(user, room, usage);
        }
    }

    /// Of a question that was not begun: the failure names its message.
    pub(super) async fn refuse(&self, question: &Question, failure: &Failure) {
        let (user, room) = (&question.asker, &question.room);
        self.parts.witness.refused(user, room, failure.code);
        self.fail(room, question.message, failure).await;
    }

    async fn fail(&self, room: &RoomId, message: MessageId, failure: &Failure) {
        self.counts.failed.fetch_add(1, Ordering::Relaxed);
        let now = self.parts.clock.now();
        let rooms = &self.parts.rooms;
        rooms
            .say_of_answer(room, failed(message, failure), now)
            .await;
    }

    /// Whatever answered a room is gone: its questions have failed.
    pub(super) fn abandon(&self, room: &RoomId, failure: &Failure) {
        let rooms = &self.parts.rooms;
        rooms.end_answer(room);
        let now = self.parts.clock.now();
        let abandoned = self.turns.abandon(room);
        for (message, user) in abandoned.failed {
            self.counts.failed.fetch_add(1, Ordering::Relaxed);
            self.parts.witness.refused(&user, room, failure.code);
            rooms.say_at_once(room, failed(message, failure), now);
            if abandoned.under_way == Some(message) {
                let typing = false;
                rooms.say_at_once(room, EventKind::Answering { message, typing }, now);
            }
        }
    }

    async fn say_typing(&self, question: &Question, typing: bool) {
        let kind = EventKind::Answering {
            message: question.answer,
            typing,
        };
        let now = self.parts.clock.now();
        let rooms = &self.parts.rooms;
        rooms.say_of_answer(&question.room, kind, now).await;
    }
}

fn failed(message: MessageId, failure: &Failure) -> EventKind {
    EventKind::AnswerFailed(Box::new(AnswerFailed {
        message,
        code: failure.code.into(),
        text: failure.text.as_ref().into(),
    }))
}
