//! Answers from any OpenAI-compatible `/v1/chat/completions` stream: hosted ones, vLLM,
//! llama.cpp, Ollama.
//!
//! Everything that a provider can do wrong ends in a [`conclave_core::CompletionFault`] or in an
//! answer cut at a bound: each wait has a deadline, each buffer a length.
//!
//! Tokens are counted with `bpe-openai`, the exact encoder of `OpenAI`'s models: it is a table and
//! an algorithm without further dependencies of weight, takes time in proportion to the text
//! whatever the text is (what users write is counted), and stops at a limit. For other models it
//! is an estimate, usually a little high for English; what the provider says it took is what is
//! reported.
//!
//! Reading order: `provider`, `stream`, `events` (the stream's framing), `wire` (its shapes).

mod events;
mod provider;
mod stream;
#[cfg(test)]
mod tests;
mod wire;

pub use provider::{OpenAi, Options, OptionsFault, Patience, Vocabulary};
