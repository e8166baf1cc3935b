//! How many messages a user sends, and a room takes, in a second.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use conclave_protocol::Timestamp;
use parking_lot::Mutex;

use crate::Bucket;

/// Buckets by key. A bucket that is full again is forgotten when there are too many, so that
/// what is kept is bounded by what was sent in the last seconds.
#[derive(Debug)]
pub(crate) struct Rates<K> {
    per_second: u32,
    buckets: Mutex<HashMap<K, Kept>>,
}

#[derive(Debug)]
struct Kept {
    bucket: Bucket,
    used_at: Timestamp,
}

impl<K: Hash + Eq + Clone> Rates<K> {
    /// At most `per_second` in the long run, [`BURST`] times that at once; 0 means no bound.
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            buckets: Mutex::default(),
        }
    }

    /// Takes one; whether there was one.
    pub(crate) fn take<Q: Hash + Eq + ToOwned<Owned = K>>(&self, key: &Q, now: Timestamp) -> bool
    where
        K: Borrow<Q>,
    {
        if self.per_second == 0 {
            return true;
        }
        let burst = self.per_second.saturating_mul(BURST);
        let mut buckets = self.buckets.lock();
        if buckets.len() >= KEYS_MAX && !buckets.contains_key(key) {
            buckets.retain(|_, kept| now.since(kept.used_at) < FULL_AFTER);
        }
        let kept = buckets.entry(key.to_owned()).or_insert_with(|| Kept {
            bucket: Bucket::full(burst, millis(now)),
            used_at: now,
        });
        if kept.used_at.since(now) >= FULL_AFTER {
            *kept = Kept {
                bucket: Bucket::full(burst, millis(now)),
                used_at: now,
            };
        } else {
            // Workers read the clock before they come here, so not always in order; a bucket
            // must not take a step back for the wrapping of its clock, which would fill it.
            kept.used_at = kept.used_at.max(now);
        }
        kept.bucket
            .take(self.per_second, burst, millis(kept.used_at))
    }

    /// Puts back one that was taken for what was not done.
    pub(crate) fn give_back<Q: Hash + Eq + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        let burst = self.per_second.saturating_mul(BURST);
        let mut buckets = self.buckets.lock();
        if buckets
            .get(key)
            .is_some_and(|kept| kept.bucket.give_back(burst))
        {
            buckets.remove(key);
        }
    }

    /// How many buckets there are.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.buckets.lock().len()
    }

    /// The bound.
    pub(crate) const fn per_second(&self) -> u32 {
        self.per_second
    }
}

/// The clock of a bucket.
fn millis(at: Timestamp) -> u32 {
    u32::try_from(at.millis() & u64::from(u32::MAX)).unwrap_or(0)
}

/// Seconds' worth that may come at once.
const BURST: u32 = 5;
/// When the emptiest bucket is full again.
const FULL_AFTER: Duration = Duration::from_secs(5);
const KEYS_MAX: usize = 100_000;
