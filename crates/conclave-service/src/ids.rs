//! Ids and times of the messages that a service sends.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conclave_auth::Random;
use conclave_protocol::{Clock, Timestamp};
use uuid::Uuid;

/// Gives every message an id, and the time. The ids of one source are its random start, counted
/// on: unique, but no secret.
#[derive(Clone)]
pub(crate) struct Stamps(Arc<Inner>);

struct Inner {
    start: u128,
    count: AtomicU64,
    clock: Arc<dyn Clock>,
}

/// The text of an id: 36 ASCII characters.
pub(crate) struct IdText([u8; 36]);

impl IdText {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Stamps {
    pub(crate) fn new(random: &dyn Random, clock: Arc<dyn Clock>) -> Self {
        let mut start = [0; 16];
        random.fill(&mut start);
        Self(Arc::new(Inner {
            start: u128::from_be_bytes(start),
            count: AtomicU64::new(0),
            clock,
        }))
    }

    /// A new id, in the form of a random UUID (RFC 9562, version 4).
    pub(crate) fn id(&self) -> IdText {
        let count = self.0.count.fetch_add(1, Ordering::Relaxed);
        // The count lands in the bits behind the variant, which the builder overwrites.
        let counted = self.0.start ^ u128::from(count);
        let id = uuid::Builder::from_random_bytes(counted.to_be_bytes()).into_uuid();
        id_text(id)
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// The time, as messages carry it.
    pub(crate) fn now(&self) -> String {
        stamp(self.0.clock.now())
    }
}

impl fmt::Debug for Stamps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stamps")
    }
}

/// `2024-01-24T10:25:37Z`.
pub(crate) fn stamp(at: Timestamp) -> String {
    let mut text = Timestamp::from_seconds(at.seconds()).rfc3339();
    if text.ends_with(".000Z") {
        text.truncate(text.len().saturating_sub(5));
        text.push('Z');
    }
    text
}

fn id_text(id: Uuid) -> IdText {
    let mut text = [0; 36];
    id.hyphenated().encode_lower(&mut text);
    IdText(text)
}
