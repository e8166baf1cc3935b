//! What is known of an assistant's answer beside its text.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::{MessageId, UserId};

/// Why an answer ended whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// Somebody who may stopped it; what was said until then is the answer.
    Cancelled,
    /// It was as long as answers may be.
    Length,
    /// The model had no more to say.
    Stop,
}

impl Finish {
    /// As the wire and the store spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Length => "length",
            Self::Stop => "stop",
        }
    }

    /// Reads [`Finish::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Cancelled, Self::Length, Self::Stop]
            .into_iter()
            .find(|finish| finish.name() == text)
    }
}

/// Tokens of one answer or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Usage {
    /// Those the model was given.
    pub prompt: u64,
    /// Those it gave.
    pub completion: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }

    /// This and another's.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            prompt: self.prompt.saturating_add(other.prompt),
            completion: self.completion.saturating_add(other.completion),
        }
    }
}

/// What is kept of an answer beside its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRecord {
    /// Who asked.
    pub asker: UserId,
    /// The model that answered, as the provider names it; at most 200 bytes.
    pub model: Box<str>,
    /// Why it ended.
    pub finish: Finish,
    /// What it took.
    pub usage: Usage,
    /// Tokens of the room's messages that the model was given, by the tokenizer.
    pub context_tokens: u32,
    /// Tokens that a prompt may have.
    pub context_limit: u32,
}

/// A part of an answer under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerPart {
    /// The id that the answer will have.
    pub message: MessageId,
    /// Bytes of the answer before this part.
    pub start: u64,
    /// What is new.
    pub delta: Box<str>,
    /// All that was said, maybe more than this part goes; empty where it is not known.
    pub so_far: Transcript,
}

impl AnswerPart {
    /// Bytes of the answer up to the end of this part.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.start
            .saturating_add(u64::try_from(self.delta.len()).unwrap_or(u64::MAX))
    }

    /// The answer up to the end of this part; `None` where that is not known.
    #[must_use]
    pub fn partial(&self) -> Option<String> {
        self.so_far.up_to(usize::try_from(self.end()).ok()?)
    }
}

/// What was said of an answer; it only grows. Its copies are one.
#[derive(Clone, Debug, Default)]
pub struct Transcript(Arc<RwLock<String>>);

impl Transcript {
    /// Adds a part; how many bytes were there before.
    pub fn push(&self, delta: &str) -> u64 {
        let mut said = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = said.len();
        said.push_str(delta);
        u64::try_from(before).unwrap_or(u64::MAX)
    }

    fn up_to(&self, bytes: usize) -> Option<String> {
        let said = self.0.read().unwrap_or_else(PoisonError::into_inner);
        said.get(..bytes).map(str::to_owned)
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Two are equal that are the same one; what was said may grow meanwhile.
impl PartialEq for Transcript {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.to_string() == other.to_string()
    }
}

impl Eq for Transcript {}

/// An answer that did not become whole: nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerFailed {
    /// The id that it would have had.
    pub message: MessageId,
    /// Why, in one word.
    pub code: Box<str>,
    /// Why, for people.
    pub text: Box<str>,
}
