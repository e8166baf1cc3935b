//! An answer under way.

use std::time::Duration;

use async_trait::async_trait;
use conclave_core::{CompletionFault, Ending, Stage, Token, TokenStream};
use conclave_protocol::{Finish, Usage};
use reqwest::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use crate::events::Events;
use crate::wire::{Choice, Part, Took};

/// Reads an answer as it comes. What has come since it was last asked is one part: a reader that
/// is behind gets fewer and longer ones.
pub(crate) struct Answering {
    response: Response,
    events: Events,
    said: Told,
    /// Until when the next token has to come.
    by: Instant,
    /// How long each is waited for.
    next: Duration,
    /// Until when the answer has to be whole.
    whole: Instant,
    first: bool,
    /// Bytes that it may still have.
    left: usize,
    /// Given back with the answer.
    _place: OwnedSemaphorePermit,
}

/// What the events have said so far.
struct Told {
    /// Not given on yet.
    text: String,
    model: String,
    finish: Option<Finish>,
    usage: Option<Usage>,
    /// `[DONE]` has come.
    done: bool,
    fault: Option<CompletionFault>,
}

impl Answering {
    pub(crate) fn new(response: Response, model: String, place: OwnedSemaphorePermit) -> Self {
        let now = Instant::now();
        Self {
            response,
            events: Events::default(),
            said: Told {
                text: String::new(),
                model,
                finish: None,
                usage: None,
                done: false,
                fault: None,
            },
            by: now,
            next: Duration::ZERO,
            whole: now,
            first: true,
            left: 0,
            _place: place,
        }
    }

    /// Until when the first token has to come.
    pub(crate) const fn first_by(&mut self, by: Instant) {
        self.by = by;
    }

    /// How long each further one is waited for, until when all has to be there, and how many
    /// bytes that may be.
    pub(crate) const fn bounds(&mut self, next: Duration, whole: Instant, bytes: usize) {
        self.next = next;
        self.whole = whole;
        self.left = bytes;
    }

    /// What has come and was not given on; cut where the answer gets too long.
    fn text(&mut self) -> Option<Box<str>> {
        let mut text = std::mem::take(&mut self.said.text);
        if text.len() > self.left {
            text.truncate(text.floor_char_boundary(self.left));
            self.said.finish = Some(Finish::Length);
            self.said.done = true;
        }
        self.left -= text.len();
        (!text.is_empty()).then(|| text.into_boxed_str())
    }

    fn ending(&mut self) -> Result<Token, CompletionFault> {
        let finish = self.said.finish.ok_or(CompletionFault::CutOff)?;
        let mut model = std::mem::take(&mut self.said.model);
        model.truncate(model.floor_char_boundary(MODEL_BYTES_MAX));
        Ok(Token::End(Ending {
            finish,
            model: model.into_boxed_str(),
            usage: self.said.usage,
        }))
    }

    /// Waits for more; whether there was more.
    async fn read(&mut self) -> Result<bool, CompletionFault> {
        // What is said after the end is only what the answer took.
        let after_end = Instant::now() + AFTER_END;
        let by = match self.said.finish {
            Some(_) => self.by.min(after_end),
            None => self.by,
        };
        let chunk = timeout_at(by.min(self.whole), self.response.chunk()).await;
        match chunk {
            Ok(Ok(Some(bytes))) => {
                let said = &mut self.said;
                let taken = self.events.push(&bytes, |data| said.hear(data));
                taken.or(Err(CompletionFault::Malformed))?;
                Ok(true)
            }
            Ok(Ok(None)) => Ok(false),
            _ if self.said.finish.is_some() => Ok(false),
            Ok(Err(_)) => Err(CompletionFault::CutOff),
            Err(_elapsed) if Instant::now() >= self.whole => {
                Err(CompletionFault::Late(Stage::Whole))
            }
            Err(_elapsed) if self.first => Err(CompletionFault::Late(Stage::First)),
            Err(_elapsed) => Err(CompletionFault::Late(Stage::Next)),
        }
    }
}

#[async_trait]
impl TokenStream for Answering {
    async fn next(&mut self) -> Result<Token, CompletionFault> {
        loop {
            if let Some(text) = self.text() {
                self.first = false;
                self.by = Instant::now() + self.next;
                return Ok(Token::Text(text));
            }
            if let Some(fault) = self.said.fault {
                return Err(fault);
            }
            if self.said.done || !self.read().await? {
                return self.ending();
            }
        }
    }
}

impl Told {
    /// Takes one event. What comes after the end, or after a fault, says nothing.
    fn hear(&mut self, data: &[u8]) {
        if self.done || self.fault.is_some() {
            return;
        }
        if data == b"[DONE]" {
            // Some end so without a reason.
            self.finish.get_or_insert(Finish::Stop);
            self.done = true;
            return;
        }
        let Ok(part) = serde_json::from_slice::<Part>(data) else {
            self.fault = Some(CompletionFault::Malformed);
            return;
        };
        if part.error.is_some() {
            self.fault = Some(CompletionFault::Unavailable);
            return;
        }
        if let Some(model) = part.model.filter(|model| !model.is_empty()) {
            self.model = model;
        }
        self.usage = part.usage.map(used).or(self.usage);
        let own = |choice: &Choice| choice.index == 0;
        if let Some(choice) = part.choices.into_iter().find(own) {
            self.take(choice);
        }
    }

    fn take(&mut self, choice: Choice) {
        if self.finish.is_some() {
            return;
        }
        if let Some(text) = choice.delta.and_then(|delta| delta.content) {
            self.text.push_str(&text);
        }
        self.finish = choice.finish_reason.map(|reason| match reason.as_str() {
            "length" => Finish::Length,
            _ => Finish::Stop,
        });
    }
}

const fn used(took: Took) -> Usage {
    Usage {
        prompt: took.prompt_tokens,
        completion: took.completion_tokens,
    }
}

/// How long is waited for the usage once the answer has ended.
const AFTER_END: Duration = Duration::from_secs(2);
const MODEL_BYTES_MAX: usize = 200;
