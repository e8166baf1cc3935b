//! What is asked of a language model.

use std::time::Duration;

use async_trait::async_trait;
use conclave_protocol::{Finish, Usage};

/// Who says a line of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// An earlier answer.
    Assistant,
    /// Whoever runs the server: how answers are to be.
    System,
    /// A member of the room.
    User,
}

/// A line of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who says it.
    pub speaker: Speaker,
    /// What is said.
    pub text: Box<str>,
}

/// What a model is to go on with, oldest line first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Its lines.
    pub lines: Vec<Line>,
    /// Tokens that the answer may have, at least 1.
    pub answer_tokens: u32,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// More text, never empty: one token, or what came since the last was asked for.
    Text(Box<str>),
    /// It is whole; nothing follows.
    End(Ending),
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Why; never `Cancelled`.
    pub finish: Finish,
    /// The model, as the provider names it; at most 200 bytes.
    pub model: Box<str>,
    /// What the provider says it took, where it says so.
    pub usage: Option<Usage>,
}

/// What was waited for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// A connection to the provider, or a place among the answers that it gives at a time.
    Connect,
    /// The first token.
    First,
    /// The next token.
    Next,
    /// The whole answer.
    Whole,
}

/// Why there is no answer, or no whole one. The texts are for people, and name neither address
/// nor key of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompletionFault {
    /// The provider, or this node, has too much to do.
    #[error("the assistant has too much to do; try again later")]
    Busy {
        /// After how long to try again, where that is known.
        retry_after: Option<Duration>,
    },
    /// The answer broke off.
    #[error("the assistant's answer broke off")]
    CutOff,
    /// It took too long.
    #[error("the assistant took too long")]
    Late(Stage),
    /// What came is no answer.
    #[error("the assistant gave no proper answer")]
    Malformed,
    /// The provider does not take what it was asked, so that asking again is no use: a wrong key,
    /// model or prompt.
    #[error("the assistant does not take the question")]
    Refused,
    /// The provider is away or broken.
    #[error("the assistant is away; try again later")]
    Unavailable,
}

impl CompletionFault {
    /// The code on the wire and in metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Busy { .. } => "rate_limited",
            Self::CutOff => "cut_off",
            Self::Late(_) => "timeout",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A language model. Every wait is bounded by the implementation.
#[async_trait]
pub trait Completion: Send + Sync {
    /// Asks for an answer, whose first token may still be to come.
    async fn begin(&self, prompt: Prompt) -> Result<Box<dyn TokenStream>, CompletionFault>;
    /// How many tokens a text has, or `None` where that is more than `limit`; never looks at more
    /// of the text than it needs for that.
    fn tokens(&self, text: &str, limit: u32) -> Option<u32>;
    /// The model that is asked.
    fn model(&self) -> &str;
}

/// An answer under way. Dropping it ends it, also at the provider.
#[async_trait]
pub trait TokenStream: Send {
    /// The next part. After [`Token::End`] or a fault it is not asked again.
    async fn next(&mut self) -> Result<Token, CompletionFault>;
}
