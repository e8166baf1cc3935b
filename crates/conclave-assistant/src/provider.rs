//! A provider: where it is, how it is asked, and how many answers it gives at a time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use conclave_core::{Completion, CompletionFault, Prompt, Speaker, Stage, TokenStream};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use crate::stream::Answering;
use crate::wire::{Ask, Said, StreamOptions};

/// How a provider is asked.
#[derive(Clone)]
pub struct Options {
    /// What comes before `/chat/completions`, as `https://api.example.com/v1`.
    pub base_url: String,
    /// What is shown as a bearer token; `None` for providers that ask for none.
    pub key: Option<String>,
    /// The model, as the provider calls it.
    pub model: String,
    /// What tokens are counted by.
    pub vocabulary: Vocabulary,
    /// How long is waited for what.
    pub patience: Patience,
    /// Answers at a time, at least 1.
    pub concurrency: usize,
    /// Bytes of an answer; what is longer is cut there and ends with `length`.
    pub answer_bytes: usize,
}

/// How long is waited, each at most as long as what is left of `whole`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the TCP and TLS connection.
    pub connect: Duration,
    /// For the first token, with the wait for a place and a refused first try.
    pub first: Duration,
    /// For each further token.
    pub next: Duration,
    /// For the whole answer.
    pub whole: Duration,
}

/// By what table texts are cut into tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vocabulary {
    /// GPT-4, GPT-3.5.
    Cl100k,
    /// GPT-4o and later; near enough to those of most open models.
    #[default]
    O200k,
}

/// What is wrong with [`Options`]; names the field and never a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsFault {
    /// No HTTP address.
    #[error("base_url: expected an http or https URL")]
    BaseUrl,
    /// It has bytes that no header may have.
    #[error("the key has characters that cannot be sent")]
    Key,
    /// The HTTP client cannot be made.
    #[error("cannot set up an HTTP client")]
    Client,
}

/// An OpenAI-compatible provider.
pub struct OpenAi {
    client: Client,
    url: Url,
    model: String,
    vocabulary: Vocabulary,
    patience: Patience,
    answer_bytes: usize,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl OpenAi {
    /// Sets up a client; nothing is asked yet. A TLS provider must have been installed for the
    /// process.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn new(options: Options) -> Result<Self, OptionsFault> {
        let url = format!(
            "{}/chat/completions",
            options.base_url.trim_end_matches('/')
        );
        let url = Url::parse(&url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or(OptionsFault::BaseUrl)?;
        let mut headers = HeaderMap::new();
        if let Some(key) = &options.key {
            let mut bearer =
                HeaderValue::from_str(&format!("Bearer {key}")).or(Err(OptionsFault::Key))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        let client = Client::builder()
            .default_headers(headers)
            .connect_timeout(options.patience.connect)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build()
            .or(Err(OptionsFault::Client))?;
        Ok(Self {
            client,
            url,
            model: options.model,
            vocabulary: options.vocabulary,
            patience: options.patience,
            answer_bytes: options.answer_bytes,
            places: Arc::new(Semaphore::new(options.concurrency.max(1))),
            waiting: AtomicUsize::new(0),
        })
    }

    /// A place among the answers that are given at a time.
    async fn place(&self, until: Instant) -> Result<OwnedSemaphorePermit, CompletionFault> {
        let busy = CompletionFault::Busy { retry_after: None };
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = Waiting::enter(&self.waiting).ok_or(busy)?;
        match timeout_at(until, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            // It is never closed.
            Ok(Err(_)) | Err(_) => Err(busy),
        }
    }

    /// Asks until the provider takes the question, it is clear that it does not, or there is no
    /// time left.
    async fn ask(&self, body: &[u8], until: Instant) -> Result<Response, CompletionFault> {
        let mut tries = 0;
        loop {
            tries += 1;
            let response = self.post(body.to_vec(), until).await?;
            let Some(fault) = refusal(&response) else {
                return Ok(response);
            };
            let CompletionFault::Busy { retry_after } = fault else {
                return Err(fault);
            };
            let pause = retry_after.unwrap_or(PAUSE);
            if tries >= TRIES_MAX || Instant::now() + pause >= until {
                return Err(fault);
            }
            drop(response);
            sleep(pause).await;
        }
    }

    async fn post(&self, body: Vec<u8>, until: Instant) -> Result<Response, CompletionFault> {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        match timeout_at(until, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() && error.is_timeout() => {
                Err(CompletionFault::Late(Stage::Connect))
            }
            Ok(Err(_)) => Err(CompletionFault::Unavailable),
            Err(_elapsed) => Err(CompletionFault::Late(Stage::First)),
        }
    }
}

#[async_trait]
impl Completion for OpenAi {
    async fn begin(&self, prompt: Prompt) -> Result<Box<dyn TokenStream>, CompletionFault> {
        let now = Instant::now();
        let whole = now + self.patience.whole;
        let first = whole.min(now + self.patience.first);
        let place = self.place(first).await?;
        let messages = prompt.lines.iter().map(|line| Said {
            role: role(line.speaker),
            content: &line.text,
        });
        let ask = Ask {
            model: &self.model,
            messages: messages.collect(),
            max_tokens: prompt.answer_tokens,
            stream: true,
            stream_options: StreamOptions {
                include_usage: true,
            },
        };
        let body = serde_json::to_vec(&ask).or(Err(CompletionFault::Refused))?;
        let response = self.ask(&body, first).await?;
        if !is_stream(&response) {
            return Err(CompletionFault::Malformed);
        }
        let mut answering = Answering::new(response, self.model.clone(), place);
        answering.first_by(first);
        answering.bounds(self.patience.next, whole, self.answer_bytes);
        Ok(Box::new(answering))
    }

    fn tokens(&self, text: &str, limit: u32) -> Option<u32> {
        let tokenizer = match self.vocabulary {
            Vocabulary::Cl100k => bpe_openai::cl100k_base(),
            Vocabulary::O200k => bpe_openai::o200k_base(),
        };
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let text = tokenizer.normalize(text);
        let count = tokenizer.count_till_limit(&text, most)?;
        u32::try_from(count).ok()
    }

    fn model(&self) -> &str {
        &self.model
    }
}

const fn role(speaker: Speaker) -> &'static str {
    match speaker {
        Speaker::Assistant => "assistant",
        Speaker::System => "system",
        Speaker::User => "user",
    }
}

/// Why the provider did not take the question.
fn refusal(response: &Response) -> Option<CompletionFault> {
    let status = response.status();
    if status == StatusCode::OK {
        return None;
    }
    Some(match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => CompletionFault::Busy {
            retry_after: retry_after(response.headers()),
        },
        StatusCode::REQUEST_TIMEOUT => CompletionFault::Unavailable,
        status if status.is_client_error() => CompletionFault::Refused,
        status if status.is_success() => CompletionFault::Malformed,
        // A server that fails, or leads elsewhere.
        _ => CompletionFault::Unavailable,
    })
}

/// Whole seconds; dates are not looked at, since two clocks would have to agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: u64 = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(RETRY_AFTER_MAX)))
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("text/event-stream")
}

/// One of those who wait for a place.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Option<Self> {
        let waiting = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < WAITING_MAX).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where a busy provider does not say when to come back.
const PAUSE: Duration = Duration::from_millis(500);
/// A day: what is longer is no use to anybody.
const RETRY_AFTER_MAX: u64 = 86_400;
const TRIES_MAX: u32 = 3;
const WAITING_MAX: usize = 1000;
