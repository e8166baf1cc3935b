//! From workers to the queue in the store: workers leave a notice and go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_core::{NewQueued, QueuedKind, WebhookName, WebhookStore};
use conclave_protocol::{Clock, Timestamp};
use tokio::sync::{Notify, mpsc, watch};

use super::sender::Target;
use super::{Figures, Happened, event, ring};
use crate::audit::{AuditLog, Event, Kind};
use crate::config::WebhookEvent;
use crate::worker::Listed;

/// Something that is no stored event.
pub(super) struct Notice {
    kind: QueuedKind,
    at: Timestamp,
    data: Arc<str>,
}

/// Where workers leave notices. Bounded; what finds no room is counted and audited.
pub(super) struct Intake {
    notices: mpsc::Sender<Notice>,
    clock: Arc<dyn Clock>,
    audit: Arc<AuditLog>,
    lost: AtomicU64,
}

impl Intake {
    pub(super) const fn new(
        notices: mpsc::Sender<Notice>,
        clock: Arc<dyn Clock>,
        audit: Arc<AuditLog>,
    ) -> Self {
        Self {
            notices,
            clock,
            audit,
            lost: AtomicU64::new(0),
        }
    }

    pub(super) fn connection(&self, happened: Happened, connection: &Listed, node: Option<&str>) {
        let kind = event::connection_kind(happened);
        self.leave(kind, self.clock.now(), &event::connection(connection, node));
    }

    pub(super) fn room_deleted(&self, deleted: &conclave_protocol::Event) {
        let data = event::room_deleted(deleted);
        self.leave(QueuedKind::Membership, deleted.at, &data);
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn leave(&self, kind: QueuedKind, at: Timestamp, data: &str) {
        let notice = Notice {
            kind,
            at,
            data: data.into(),
        };
        if self.notices.try_send(notice).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            let event = Event::new(Kind::WebhookLost, self.clock.now());
            self.audit.record(event.detail(kind.name()));
        }
    }
}

/// What a webhook wants of notices.
pub(super) struct Wish {
    name: WebhookName,
    events: Vec<WebhookEvent>,
    figures: Arc<Figures>,
}

impl Wish {
    pub(super) fn of(target: &Target) -> Self {
        Self {
            name: target.name.clone(),
            events: target.events.clone(),
            figures: Arc::clone(&target.figures),
        }
    }

    fn wants(&self, kind: QueuedKind) -> bool {
        let event = match kind {
            QueuedKind::Connect => WebhookEvent::Connect,
            QueuedKind::Disconnect => WebhookEvent::Disconnect,
            QueuedKind::Membership => WebhookEvent::Membership,
            QueuedKind::MessageOffline => WebhookEvent::MessageOffline,
        };
        self.events.contains(&event)
    }
}

/// Writes notices down, many at a time.
pub(super) struct Keeper {
    pub(super) store: Arc<dyn WebhookStore>,
    pub(super) targets: Vec<Wish>,
    pub(super) bells: Arc<[Notify]>,
    pub(super) notices: mpsc::Receiver<Notice>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Keeper {
    /// Runs until it is told to stop, and then to the end of what was left.
    pub(super) async fn run(mut self) {
        let mut notices = Vec::with_capacity(AT_ONCE);
        loop {
            tokio::select! {
                biased;
                taken = self.notices.recv_many(&mut notices, AT_ONCE) => {
                    if taken == 0 {
                        return;
                    }
                }
                // Nothing comes any more; what is there is still taken.
                _ = self.stop.wait_for(|stop| *stop), if !self.notices.is_closed() => {
                    self.notices.close();
                    continue;
                }
            }
            self.keep(notices.drain(..)).await;
        }
    }

    async fn keep(&self, notices: impl Iterator<Item = Notice>) {
        let mut items = Vec::new();
        for notice in notices {
            for wish in &self.targets {
                // A webhook that is away for so long must not fill the disk.
                if !wish.wants(notice.kind) || wish.figures.backlog() > BACKLOG_MAX {
                    continue;
                }
                items.push(NewQueued {
                    webhook: wish.name.clone(),
                    kind: notice.kind,
                    number: 0,
                    at: notice.at,
                    data: Arc::clone(&notice.data),
                });
            }
        }
        while let Err(error) = self.store.push(&items, None).await {
            tracing::error!(%error, "cannot keep events for webhooks");
            if self.notices.is_closed() {
                return;
            }
            tokio::time::sleep(STORE_PAUSE).await;
        }
        ring(&self.bells);
    }
}

/// Notices that are written in one transaction.
const AT_ONCE: usize = 256;
/// Events that may wait for one webhook before connections are no longer queued for it.
const BACKLOG_MAX: u64 = 2_000_000;
const STORE_PAUSE: Duration = Duration::from_secs(1);
