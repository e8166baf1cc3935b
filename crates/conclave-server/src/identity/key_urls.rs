//! Keys that come from a URL: fetched by the rules of `JwksState`, on the background runtime.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use conclave_auth::{Algorithm, FetchReason, JwksState, Verifier};
use conclave_protocol::{IssuerId, Timestamp};
use tokio::sync::Mutex;

use crate::config::Issuer;

/// The issuers whose keys are fetched.
pub(super) struct KeyUrls {
    sources: Vec<Arc<Source>>,
    background: tokio::runtime::Handle,
}

struct Source {
    issuer: IssuerId,
    url: String,
    accepted: Vec<Algorithm>,
    state: Mutex<JwksState>,
    client: reqwest::Client,
    verifier: Arc<Verifier>,
}

impl KeyUrls {
    pub(super) fn new(
        issuers: &[Issuer],
        verifier: Arc<Verifier>,
        background: tokio::runtime::Handle,
    ) -> anyhow::Result<Self> {
        let mut sources = Vec::new();
        for (index, issuer) in issuers.iter().enumerate() {
            let Some(url) = issuer.keys_url() else {
                continue;
            };
            sources.push(Arc::new(Source {
                issuer: IssuerId(u16::try_from(index + 1).context("auth.issuers: too many")?),
                url,
                accepted: issuer.accepted_algorithms(),
                state: Mutex::default(),
                client: client().context("auth.issuers.jwks_url")?,
                verifier: Arc::clone(&verifier),
            }));
        }
        Ok(Self {
            sources,
            background,
        })
    }

    /// Has what is due fetched, without waiting: a source that hangs must not keep the caller.
    pub(super) fn refresh_due(&self, now: Timestamp) {
        for source in &self.sources {
            // Held while a fetch is under way.
            if source.state.try_lock().is_ok() {
                let fetch = Arc::clone(source).refresh(FetchReason::Schedule, now);
                self.background.spawn(fetch);
            }
        }
    }

    /// Fetches because a key is not known, where the rules allow it; who comes while a fetch is
    /// under way waits for it.
    pub(super) async fn refresh_unknown(&self, issuer: IssuerId, now: Timestamp) {
        let Some(source) = self.sources.iter().find(|source| source.issuer == issuer) else {
            return;
        };
        let fetch = Arc::clone(source).refresh(FetchReason::UnknownKey, now);
        // A panic in the fetch leaves the key unknown, which fails closed.
        self.background.spawn(fetch).await.ok();
    }
}

impl Source {
    async fn refresh(self: Arc<Self>, reason: FetchReason, now: Timestamp) {
        let mut state = self.state.lock().await;
        if !state.wants_fetch(reason, now) {
            return;
        }
        let document = match self.fetch().await {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(issuer = self.issuer.0, error = %error.without_url(), "no keys");
                state.failed();
                return;
            }
        };
        match state.apply(&document, &self.accepted, now) {
            Ok(keys) => self.verifier.replace_keys(self.issuer, keys),
            Err(error) => {
                tracing::warn!(issuer = self.issuer.0, %error, "unusable keys");
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<u8>, reqwest::Error> {
        let mut answer = self
            .client
            .get(&self.url)
            .send()
            .await?
            .error_for_status()?;
        let mut document = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            document.extend_from_slice(&chunk);
            if document.len() > DOCUMENT_BYTES_MAX {
                // Cut off, it does not parse.
                break;
            }
        }
        Ok(document)
    }
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIME)
        .timeout(FETCH_TIME)
        .build()
}

const CONNECT_TIME: Duration = Duration::from_secs(3);
const FETCH_TIME: Duration = Duration::from_secs(5);
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
