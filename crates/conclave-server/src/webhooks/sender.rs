//! One webhook: gathers a batch, posts it, tries again until it is taken or given up.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use conclave_core::{Fence, LogPart, WebhookFault, WebhookName, WebhookPlace, WebhookStore};
use conclave_protocol::Clock;
use serde_json::json;
use tokio::sync::Notify;

use super::Figures;
use super::batch::Batch;
use super::reach::Private;
use super::signature::Signer;
use crate::audit::{AuditLog, Event, Kind};
use crate::config::WebhookEvent;
use crate::node::Dice;
use crate::tenure::Tenure;

/// Where to post, and what.
pub(super) struct Target {
    pub(super) name: WebhookName,
    pub(super) url: String,
    pub(super) events: Vec<WebhookEvent>,
    pub(super) part: LogPart,
    pub(super) batch: u32,
    pub(super) signer: Signer,
    pub(super) client: reqwest::Client,
    pub(super) figures: Arc<Figures>,
}

impl Target {
    pub(super) fn wants(&self, event: WebhookEvent) -> bool {
        self.events.contains(&event)
    }
}

/// How long is waited after posts that were not taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// After the first one; each next wait is twice as long.
    pub(super) first: Duration,
    /// The longest wait.
    pub(super) most: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            most: Duration::from_secs(5 * 60),
        }
    }
}

impl Pace {
    /// Between half the wait and the whole.
    pub(super) fn wait(self, failures: u32, roll: u64) -> Duration {
        let doubled = 1_u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(doubled).min(self.most);
        let thousandths = u32::try_from(roll % 501).unwrap_or(0) + 500;
        whole.saturating_mul(thousandths) / 1000
    }
}

/// The task of one webhook.
pub(super) struct Sender {
    pub(super) target: Target,
    /// Of the lease under which it posts.
    pub(super) fence: Fence,
    pub(super) place: WebhookPlace,
    /// The number that the store has.
    pub(super) written: u64,
    pub(super) store: Arc<dyn WebhookStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) audit: Arc<AuditLog>,
    pub(super) pace: Pace,
    pub(super) dice: Dice,
    /// Posts in a row that were not taken.
    pub(super) failures: u32,
}

/// What one round came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// The post was not taken.
    Failed,
    /// Nothing is to be told.
    Idle,
    /// Something was told or passed over; there may be more.
    Moved,
}

impl Sender {
    /// Posts while this node has the lease, until the runtime ends; its bell rings when something
    /// may have happened.
    pub(super) async fn run(mut self, bells: Arc<[Notify]>, own: usize, mut tenure: Tenure) {
        let Some(bell) = bells.get(own) else { return };
        loop {
            self.fence = tenure.held().await;
            tenure.during(self.fence, self.work(bell)).await;
            self.failures = 0;
        }
    }

    /// Posts until this node turns out to have the lease no more.
    async fn work(&mut self, bell: &Notify) {
        let mut known = false;
        loop {
            let round = match known {
                true => self.round().await,
                false => self.find_place().await,
            };
            known |= round.is_ok();
            match round {
                Ok(Round::Moved) => {}
                // Either way it looks again.
                Ok(Round::Idle) => {
                    tokio::time::timeout(IDLE, bell.notified()).await.ok();
                }
                Ok(Round::Failed) => {
                    let wait = self.pace.wait(self.failures - 1, self.dice.roll());
                    tokio::time::sleep(wait).await;
                }
                Err(WebhookFault::Fenced) => return tokio::time::sleep(STORE_PAUSE).await,
                Err(WebhookFault::Unavailable(error)) => {
                    let webhook = self.target.name.as_str();
                    tracing::error!(webhook, %error, "cannot read what to post");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    /// Where whoever posted before has come to.
    async fn find_place(&mut self) -> Result<Round, WebhookFault> {
        self.place = self.store.standing(&self.target.name).await?;
        self.written = self.place.number;
        Ok(Round::Moved)
    }

    /// Gathers one batch and posts it once.
    pub(super) async fn round(&mut self) -> Result<Round, WebhookFault> {
        let target = &self.target;
        let number = self.place.number;
        let page = self.store.log(number, target.part, target.batch).await?;
        let queue = self.store.queued(&target.name, target.batch).await?;
        let batch = Batch::merge(number, page, queue, target.batch);
        if batch.events == 0 {
            return self.pass_over(&batch).await;
        }
        if self.failures > 0 {
            Figures::add(&target.figures.retried, 1);
        }
        let (events, number, queued) = (batch.events, batch.number, batch.queued);
        match self.post(batch.body).await {
            Ok(()) => {
                let name = &self.target.name;
                self.store.done(name, (number, queued), self.fence).await?;
                Figures::add(&self.target.figures.sent, events);
                self.taken(number);
                Ok(Round::Moved)
            }
            Err(reason) => {
                self.not_taken(&reason).await?;
                Ok(Round::Failed)
            }
        }
    }

    /// What there is concerns this webhook not: written down only from time to time.
    async fn pass_over(&mut self, batch: &Batch) -> Result<Round, WebhookFault> {
        let moved = batch.number > self.place.number || batch.queued > 0;
        if batch.queued > 0 || batch.number.saturating_sub(self.written) >= STEP {
            let name = &self.target.name;
            let done = (batch.number, batch.queued);
            self.store.done(name, done, self.fence).await?;
            self.written = batch.number;
        }
        self.place.number = batch.number;
        self.target.figures.backlog.store(0, Ordering::Relaxed);
        Ok(if moved { Round::Moved } else { Round::Idle })
    }

    /// Posts once; why it was not taken.
    async fn post(&self, body: Vec<u8>) -> Result<(), String> {
        let signature = self.target.signer.sign(self.clock.now(), &body);
        let request = self
            .target
            .client
            .post(&self.target.url)
            .header("Content-Type", "application/json")
            .header("X-Conclave-Signature", signature)
            .body(body);
        let mut answer = request.send().await.map_err(|error| reason(&error))?;
        let status = answer.status();
        if status.is_redirection() {
            return Err(format!("redirected ({status}), which is not followed"));
        }
        if !status.is_success() {
            return Err(format!("answered {status}"));
        }
        // Read to its end, the connection can be used again.
        let mut bytes = 0;
        while let Ok(Some(chunk)) = answer.chunk().await {
            bytes += chunk.len();
            if bytes > ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(())
    }

    fn taken(&mut self, number: u64) {
        if self.failures > 0 {
            let webhook = self.target.name.as_str();
            tracing::info!(webhook, failures = self.failures, "posts are taken again");
        }
        self.failures = 0;
        self.written = number;
        self.place = WebhookPlace {
            number,
            failing_since: None,
        };
    }

    async fn not_taken(&mut self, reason: &str) -> Result<(), WebhookFault> {
        let target = &self.target;
        let (now, webhook) = (self.clock.now(), target.name.as_str());
        Figures::add(&target.figures.failed, 1);
        self.failures = self.failures.saturating_add(1);
        if self.failures == 1 {
            tracing::warn!(webhook, reason, "a post was not taken");
            let detail = json!({ "webhook": webhook, "reason": reason });
            let event = Event::new(Kind::WebhookFailing, now).detail(detail);
            self.audit.record(event);
        } else {
            tracing::debug!(webhook, reason, "a post was not taken");
        }
        let since = match self.place.failing_since {
            Some(since) => since,
            None => {
                self.store.failing(&target.name, now, self.fence).await?;
                self.place.failing_since = Some(now);
                now
            }
        };
        if now.since(since) >= KEPT {
            self.give_up_old().await?;
        }
        let target = &self.target;
        let backlog = self
            .store
            .backlog(&target.name, target.part, self.place.number);
        target
            .figures
            .backlog
            .store(backlog.await?, Ordering::Relaxed);
        Ok(())
    }

    /// Gives up what has waited for 24 hours.
    async fn give_up_old(&mut self) -> Result<(), WebhookFault> {
        let (now, target) = (self.clock.now(), &self.target);
        let kept = u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX);
        let before = conclave_protocol::Timestamp::from_millis(now.millis().saturating_sub(kept));
        let (name, part) = (&target.name, target.part);
        let expired = self.store.expire(name, part, before, self.fence);
        let (events, place) = expired.await?;
        self.place.number = place.number.max(self.place.number);
        self.written = place.number;
        if events == 0 {
            return Ok(());
        }
        let webhook = target.name.as_str();
        tracing::warn!(webhook, events, "events were given up after 24 hours");
        Figures::add(&target.figures.dropped, events);
        let detail = json!({ "webhook": webhook, "events": events });
        let event = Event::new(Kind::WebhookDropped, now).detail(detail);
        self.audit.record_waiting(event).await;
        Ok(())
    }
}

/// Why nothing was answered, without the URL.
fn reason(error: &reqwest::Error) -> String {
    let mut source = error.source();
    let mut last = None;
    while let Some(cause) = source {
        if cause.is::<Private>() {
            return cause.to_string();
        }
        last = Some(cause.to_string());
        source = cause.source();
    }
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    last.unwrap_or_else(|| "nothing was answered".to_owned())
}

/// How long events are kept for a webhook that takes none.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Other nodes ring no bell here.
const IDLE: Duration = Duration::from_secs(1);
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// Numbers that are passed over before that is written down.
const STEP: u64 = 1000;
/// Of an answer, beyond which its connection is not used again.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
