//! The provider that the configuration names.

use std::sync::Arc;

use conclave_core::Completion;

use crate::config::Assistant;

/// Sets up the provider; nothing is asked yet.
///
/// # Errors
/// The key of the configuration that does not fit.
#[cfg(feature = "assistant")]
pub(super) fn open(config: &Assistant) -> anyhow::Result<Arc<dyn Completion>> {
    use std::time::Duration;

    use anyhow::Context as _;
    use conclave_assistant::{OpenAi, Options, Patience, Vocabulary};

    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let key = config.api_key_env.as_ref().map(|name| {
        let key = std::env::var(name).ok().filter(|key| !key.is_empty());
        key.with_context(|| format!("assistant.api_key_env: {name} is not set"))
    });
    let options = Options {
        base_url: config.base_url.clone(),
        key: key.transpose()?,
        model: config.model.clone(),
        vocabulary: match config.vocabulary {
            crate::config::Vocabulary::Cl100k => Vocabulary::Cl100k,
            crate::config::Vocabulary::O200k => Vocabulary::O200k,
        },
        patience: Patience {
            connect: seconds(config.connect_seconds),
            first: seconds(config.first_token_seconds),
            next: seconds(config.idle_seconds),
            whole: seconds(config.total_seconds),
        },
        concurrency: size(config.concurrency),
        answer_bytes: size(config.answer_tokens).saturating_mul(BYTES_PER_TOKEN),
    };
    let provider = Arc::new(OpenAi::new(options).context("assistant")?);
    let counter = Arc::clone(&provider);
    // The first count reads a great table; no question is to wait for that.
    tokio::task::spawn_blocking(move || counter.tokens("", 1));
    Ok(provider)
}

/// This program has none.
///
/// # Errors
/// Always.
#[cfg(not(feature = "assistant"))]
pub(super) fn open(_: &Assistant) -> anyhow::Result<Arc<dyn Completion>> {
    anyhow::bail!("assistant.enabled: this program was built without the feature assistant")
}

/// More than tokens of any language have on the average.
#[cfg(feature = "assistant")]
const BYTES_PER_TOKEN: usize = 16;
