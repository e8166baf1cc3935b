//! What webhooks ask of durable state. Messages and what happens to rooms and members are read
//! from the store's own events by their numbers; everything else waits in a queue, one for each
//! webhook.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use conclave_protocol::{Event, Timestamp, UserId};

use crate::Fence;

/// Names a webhook in the store: 1 to 2,048 bytes, chosen by the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookName(Box<str>);

impl WebhookName {
    /// A name; `None` where it is empty or longer than 2,048 bytes.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        (1..=NAME_BYTES_MAX)
            .contains(&name.len())
            .then(|| Self(name.into()))
    }

    /// The place of who looks for messages whose recipients are away; no webhook's name.
    #[must_use]
    pub fn lookout() -> Self {
        Self(Box::default())
    }

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebhookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookFault {
    /// Another node has taken the lease since.
    #[error("another node posts")]
    Fenced,
    /// The store is away or broken.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where a webhook stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookPlace {
    /// Stored events up to this number are done with.
    pub number: u64,
    /// Since when nothing could be posted.
    pub failing_since: Option<Timestamp>,
}

/// Which stored events are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// Messages stored, edited, deleted.
    pub messages: bool,
    /// Rooms created and changed, members who came, left, changed role.
    pub membership: bool,
}

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// As it is now: of a deleted message without its text.
    pub event: Arc<Event>,
    /// Of a created room those who have been members since, by id; empty otherwise.
    pub first_members: Vec<UserId>,
}

/// Some stored events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// By number.
    pub events: Vec<Logged>,
    /// Every event up to this number was looked at; never less than was asked from.
    pub through: u64,
}

/// What waits in the queue of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueuedKind {
    /// A connection opened.
    Connect,
    /// A connection ended.
    Disconnect,
    /// A membership event that is not stored: a room was deleted.
    Membership,
    /// A message was stored while these recipients were away.
    MessageOffline,
}

impl QueuedKind {
    /// As the store spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
            Self::Membership => "membership",
            Self::MessageOffline => "message_offline",
        }
    }

    /// Reads [`QueuedKind::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Connect,
            Self::Disconnect,
            Self::Membership,
            Self::MessageOffline,
        ]
        .into_iter()
        .find(|kind| kind.name() == text)
    }
}

/// Something for the queue of one webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewQueued {
    /// Whose queue.
    pub webhook: WebhookName,
    /// What it is.
    pub kind: QueuedKind,
    /// The stored event it is about and comes after; 0 for none.
    pub number: u64,
    /// When it happened.
    pub at: Timestamp,
    /// JSON text; of `MessageOffline` the recipients' ids as an array.
    pub data: Arc<str>,
}

/// Something in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its place: grows, and is never used twice.
    pub id: u64,
    /// What it is.
    pub kind: QueuedKind,
    /// The stored event it is about and comes after; 0 for none.
    pub number: u64,
    /// When it happened.
    pub at: Timestamp,
    /// As it was pushed.
    pub data: String,
    /// The stored event of that number as it is now; `None` where there is none any more.
    pub event: Option<Arc<Event>>,
}

/// Durable state of webhooks. Each method is one transaction, but for [`WebhookStore::expire`].
/// Where a webhook stands is moved by one node at a time: by who holds [`crate::LeaseName::WEBHOOKS`],
/// with its fence.
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Begins: who is not known yet stands at the newest stored event, and who is known and not
    /// in the list is forgotten with their queue.
    async fn open(&self, webhooks: &[WebhookName]) -> Result<(), WebhookFault>;
    /// Where a webhook stands; one that is not known begins.
    async fn standing(&self, webhook: &WebhookName) -> Result<WebhookPlace, WebhookFault>;
    /// Stored events with a greater number, of the parts that are wanted.
    async fn log(&self, after: u64, part: LogPart, limit: u32) -> Result<LogPage, WebhookFault>;
    /// Members who are to receive the message of this event and have not got it: others than its
    /// author, who joined before it. By id; empty where it is no message, or a deleted one.
    async fn recipients(&self, number: u64) -> Result<Vec<UserId>, WebhookFault>;
    /// Puts something into queues, in this order. What is for a webhook that is not known is
    /// left out. With `looked` the lookout stands at this event from then on.
    async fn push(
        &self,
        items: &[NewQueued],
        looked: Option<(u64, Fence)>,
    ) -> Result<(), WebhookFault>;
    /// The first of a queue, in order.
    async fn queued(&self, webhook: &WebhookName, limit: u32) -> Result<Vec<Queued>, WebhookFault>;
    /// What was posted is done with: stored events up to `number`, and of the queue up to the
    /// place `queued`. The webhook does not fail any more.
    async fn done(
        &self,
        webhook: &WebhookName,
        (number, queued): (u64, u64),
        fence: Fence,
    ) -> Result<(), WebhookFault>;
    /// The webhook fails since then, unless it did before.
    async fn failing(
        &self,
        webhook: &WebhookName,
        since: Timestamp,
        fence: Fence,
    ) -> Result<(), WebhookFault>;
    /// Gives up what happened before `before`, from the front: how many events and entries, and
    /// where the webhook stands then.
    async fn expire(
        &self,
        webhook: &WebhookName,
        part: LogPart,
        before: Timestamp,
        fence: Fence,
    ) -> Result<(u64, WebhookPlace), WebhookFault>;
    /// About how much waits for a webhook that stands at `number`.
    async fn backlog(
        &self,
        webhook: &WebhookName,
        part: LogPart,
        number: u64,
    ) -> Result<u64, WebhookFault>;
}

const NAME_BYTES_MAX: usize = 2048;
