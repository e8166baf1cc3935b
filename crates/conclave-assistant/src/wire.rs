//! The shapes of requests and events. What is not named here is not looked at.

use serde::{Deserialize, Serialize};

/// What is posted.
#[derive(Debug, Serialize)]
pub(crate) struct Ask<'a> {
    pub(crate) model: &'a str,
    pub(crate) messages: Vec<Said<'a>>,
    pub(crate) max_tokens: u32,
    pub(crate) stream: bool,
    pub(crate) stream_options: StreamOptions,
}

/// What the stream is to tell beside the answer.
#[derive(Debug, Serialize)]
pub(crate) struct StreamOptions {
    pub(crate) include_usage: bool,
}

/// A line of the prompt.
#[derive(Debug, Serialize)]
pub(crate) struct Said<'a> {
    pub(crate) role: &'static str,
    pub(crate) content: &'a str,
}

/// An event of the stream.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    #[serde(default)]
    pub(crate) model: Option<String>,
    #[serde(default)]
    pub(crate) choices: Vec<Choice>,
    #[serde(default)]
    pub(crate) usage: Option<Took>,
    /// Anything here says that the answer failed.
    #[serde(default)]
    pub(crate) error: Option<serde::de::IgnoredAny>,
}

/// One of the answers that were asked for, which is one.
#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    #[serde(default)]
    pub(crate) index: u32,
    #[serde(default)]
    pub(crate) delta: Option<Delta>,
    #[serde(default)]
    pub(crate) finish_reason: Option<String>,
}

/// What is new of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Delta {
    #[serde(default)]
    pub(crate) content: Option<String>,
}

/// What the answer took.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Took {
    #[serde(default)]
    pub(crate) prompt_tokens: u64,
    #[serde(default)]
    pub(crate) completion_tokens: u64,
}
