//! What is counted of one webhook.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one webhook, and its backlog.
#[derive(Debug)]
pub(crate) struct Figures {
    name: Box<str>,
    /// Events that were taken.
    pub(super) sent: AtomicU64,
    /// Posts that were not taken.
    pub(super) failed: AtomicU64,
    /// Posts after one that was not taken.
    pub(super) retried: AtomicU64,
    /// Events that were given up.
    pub(super) dropped: AtomicU64,
    /// About how many events wait.
    pub(super) backlog: AtomicU64,
}

impl Figures {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            backlog: AtomicU64::new(0),
        }
    }

    /// What the configuration calls it.
    pub(crate) const fn name(&self) -> &str {
        &self.name
    }

    /// Name, help and value of each counter.
    pub(crate) fn counters(&self) -> [(&'static str, &'static str, u64); 4] {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            (
                "conclave_webhook_events_sent",
                "Events that a webhook took",
                value(&self.sent),
            ),
            (
                "conclave_webhook_posts_failed",
                "Posts that a webhook did not take",
                value(&self.failed),
            ),
            (
                "conclave_webhook_posts_retried",
                "Posts to a webhook after one that it did not take",
                value(&self.retried),
            ),
            (
                "conclave_webhook_events_dropped",
                "Events that were given up after 24 hours",
                value(&self.dropped),
            ),
        ]
    }

    /// About how many events wait.
    pub(crate) fn backlog(&self) -> u64 {
        self.backlog.load(Ordering::Relaxed)
    }

    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
