//! A clock that stands still, and an audit that remembers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_protocol::{Clock, Timestamp};
use parking_lot::Mutex;

use crate::{Audit, AuditEvent, AuditKind, ErrorCode};

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct TestClock {
    millis: AtomicU64,
}

impl TestClock {
    /// The 14th of November 2023, 22:13:20 UTC.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            millis: AtomicU64::new(START_SECONDS * 1000),
        })
    }

    /// Moves it forward by whole milliseconds.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.millis.load(Ordering::SeqCst))
    }
}

const START_SECONDS: u64 = 1_700_000_000;

/// An audit event, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// What happened.
    pub kind: AuditKind,
    /// Who.
    pub user: Option<String>,
    /// What was asked for.
    pub operation: Option<String>,
    /// Of the message.
    pub correlation_id: Option<String>,
    /// What the client was told.
    pub code: Option<ErrorCode>,
    /// What exactly was wrong.
    pub detail: String,
}

/// An audit that remembers.
#[derive(Clone, Debug, Default)]
pub struct Witness(Arc<Mutex<Vec<Remembered>>>);

impl Witness {
    /// Everything so far.
    #[must_use]
    pub fn events(&self) -> Vec<Remembered> {
        self.0.lock().clone()
    }

    /// Whether something of this kind was told.
    #[must_use]
    pub fn saw(&self, kind: AuditKind, code: Option<ErrorCode>) -> bool {
        let events = self.0.lock();
        events
            .iter()
            .any(|event| event.kind == kind && event.code == code)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.0.lock().clear();
    }
}

impl Audit for Witness {
    fn record(&self, event: &AuditEvent<'_>) {
        let own = |text: Option<&str>| text.map(str::to_owned);
        self.0.lock().push(Remembered {
            kind: event.kind,
            user: own(event.user),
            operation: own(event.operation),
            correlation_id: own(event.correlation_id),
            code: event.code,
            detail: event.detail.to_owned(),
        });
    }
}
