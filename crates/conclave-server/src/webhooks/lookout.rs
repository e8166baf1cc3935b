//! Who was away when a message was stored.
//!
//! Follows the stored messages. A recipient with an open connection needs no event. One whose last
//! connection has just ended may be back at once: while they count as present (10 s, as for
//! presence) the lookout waits for what becomes of them, and so is never later than that.

use std::sync::Arc;
use std::time::Duration;

use conclave_core::{
    Fence, LogPart, NewQueued, QueuedKind, WebhookFault, WebhookName, WebhookStore,
};
use conclave_protocol::{Event, EventKind, UserId};
use tokio::sync::Notify;

use super::sender::Target;
use super::{event, ring};
use crate::config::WebhookEvent;
use crate::node::Node;
use crate::tenure::Tenure;

/// A webhook that wants to know.
pub(super) struct Reader {
    name: WebhookName,
    /// Recipients in one entry: no more than one post may hold.
    recipients_max: usize,
}

impl Reader {
    pub(super) fn of(target: &Target) -> Option<Self> {
        target.wants(WebhookEvent::MessageOffline).then(|| Self {
            name: target.name.clone(),
            recipients_max: usize::try_from(target.batch)
                .map_or(RECIPIENTS_MAX, |batch| batch.clamp(1, RECIPIENTS_MAX)),
        })
    }
}

pub(super) struct Lookout {
    pub(super) node: Arc<Node>,
    pub(super) store: Arc<dyn WebhookStore>,
    pub(super) targets: Vec<Reader>,
    /// Of the senders, and of this one at the end.
    pub(super) bells: Arc<[Notify]>,
    /// Everything up to this number was looked at.
    pub(super) place: u64,
    /// Of the lease under which it looks.
    pub(super) fence: Fence,
}

impl Lookout {
    /// Looks while this node has the lease, until the runtime ends.
    pub(super) async fn run(mut self, mut tenure: Tenure) {
        loop {
            self.fence = tenure.held().await;
            tenure.during(self.fence, self.work()).await;
        }
    }

    /// Looks until this node turns out to have the lease no more.
    async fn work(&mut self) {
        let mut known = false;
        loop {
            let looked = match known {
                true => self.look().await,
                false => self.find_place().await,
            };
            known |= looked.is_ok();
            match looked {
                Ok(Looked::All) => self.wait().await,
                Ok(Looked::Some) => {}
                Err(WebhookFault::Fenced) => return tokio::time::sleep(STORE_PAUSE).await,
                Err(WebhookFault::Unavailable(error)) => {
                    tracing::error!(%error, "cannot look who missed messages");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    /// Where whoever looked before has come to.
    async fn find_place(&mut self) -> Result<Looked, WebhookFault> {
        let place = self.store.standing(&WebhookName::lookout()).await?;
        self.place = place.number;
        Ok(Looked::Some)
    }

    async fn wait(&self) {
        let Some(bell) = self.bells.last() else {
            return tokio::time::sleep(IDLE).await;
        };
        // Either way it looks again.
        tokio::time::timeout(IDLE, bell.notified()).await.ok();
    }

    async fn look(&mut self) -> Result<Looked, WebhookFault> {
        let page = self.store.log(self.place, MESSAGES, PAGE).await?;
        let mut items = Vec::new();
        for logged in &page.events {
            let event = &logged.event;
            if !matches!(&event.kind, EventKind::Message(_)) {
                continue;
            }
            let recipients = self.store.recipients(event.number).await?;
            while recipients.iter().any(|user| self.lingers(user)) {
                self.push(&mut items, event.number - 1).await?;
                tokio::time::sleep(LINGER_LOOK).await;
            }
            let away = recipients.into_iter().filter(|user| self.is_away(user));
            self.add(event, &away.collect::<Vec<_>>(), &mut items);
            if items.len() >= ITEMS_AT_ONCE {
                self.push(&mut items, event.number).await?;
            }
        }
        let moved = page.through.saturating_sub(self.place);
        if !items.is_empty() || moved >= STEP {
            self.push(&mut items, page.through).await?;
        }
        self.place = page.through;
        Ok(if page.events.is_empty() {
            Looked::All
        } else {
            Looked::Some
        })
    }

    fn add(&self, event: &Event, away: &[UserId], items: &mut Vec<NewQueued>) {
        for target in &self.targets {
            for users in away.chunks(target.recipients_max) {
                items.push(NewQueued {
                    webhook: target.name.clone(),
                    kind: QueuedKind::MessageOffline,
                    number: event.number,
                    at: event.at,
                    data: event::recipients(users).into(),
                });
            }
        }
    }

    async fn push(&mut self, items: &mut Vec<NewQueued>, number: u64) -> Result<(), WebhookFault> {
        if items.is_empty() && number <= self.place {
            return Ok(());
        }
        let looked = Some((number, self.fence));
        self.store.push(items, looked).await?;
        self.place = number;
        items.clear();
        ring(&self.bells);
        Ok(())
    }

    fn lingers(&self, user: &UserId) -> bool {
        self.is_away(user) && self.node.rooms.is_online(user)
    }

    fn is_away(&self, user: &UserId) -> bool {
        self.node.connections.of_user(user) == 0
    }
}

/// How far it looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looked {
    All,
    Some,
}

const MESSAGES: LogPart = LogPart {
    messages: true,
    membership: false,
};
const PAGE: u32 = 100;
const ITEMS_AT_ONCE: usize = 256;
const RECIPIENTS_MAX: usize = 100;
/// Events without anybody away before the place is written down.
const STEP: u64 = 1000;
/// Other nodes ring no bell here.
const IDLE: Duration = Duration::from_secs(1);
const LINGER_LOOK: Duration = Duration::from_millis(250);
const STORE_PAUSE: Duration = Duration::from_secs(1);
