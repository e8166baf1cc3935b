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
    buckets: Mutex<Buckets<K>>,
}

#[derive(Debug)]
struct Buckets<K> {
    by_key: HashMap<K, Kept>,
    /// Of which something was taken here that other nodes do not know of; `None` where there are
    /// no others.
    untold: Option<Vec<K>>,
}

#[derive(Debug)]
struct Kept {
    bucket: Bucket,
    used_at: Timestamp,
    /// How many were taken here that other nodes do not know of.
    untold: u32,
    /// How many were taken on other nodes and not from this bucket yet.
    owed: u32,
}

impl<K: Hash + Eq + Clone> Rates<K> {
    /// At most `per_second` in the long run, [`BURST`] times that at once; 0 means no bound.
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            buckets: Mutex::new(Buckets {
                by_key: HashMap::new(),
                untold: None,
            }),
        }
    }

    /// From now on what is taken is remembered for other nodes.
    pub(crate) fn share(&self) {
        self.buckets.lock().untold.get_or_insert_default();
    }

    /// Takes one; whether there was one.
    pub(crate) fn take<Q: Hash + Eq + ToOwned<Owned = K>>(&self, key: &Q, now: Timestamp) -> bool
    where
        K: Borrow<Q>,
    {
        if self.per_second == 0 {
            return true;
        }
        let mut buckets = self.buckets.lock();
        let Buckets { by_key, untold } = &mut *buckets;
        let kept = self.kept_of(by_key, key, now);
        let taken = self.pay(kept) && self.take_from(kept);
        if taken && let Some(untold) = untold {
            if kept.untold == 0 {
                untold.push(key.to_owned());
            }
            kept.untold += 1;
        }
        taken
    }

    fn kept_of<'a, Q: Hash + Eq + ToOwned<Owned = K>>(
        &self,
        by_key: &'a mut HashMap<K, Kept>,
        key: &Q,
        now: Timestamp,
    ) -> &'a mut Kept
    where
        K: Borrow<Q>,
    {
        if by_key.len() >= KEYS_MAX && !by_key.contains_key(key) {
            by_key.retain(|_, kept| now.since(kept.used_at) < FULL_AFTER);
        }
        let burst = self.burst();
        let full = || Bucket::full(burst, millis(now));
        let kept = by_key.entry(key.to_owned()).or_insert_with(|| Kept {
            bucket: full(),
            used_at: now,
            untold: 0,
            owed: 0,
        });
        if kept.used_at.since(now) >= FULL_AFTER {
            kept.bucket = full();
            kept.used_at = now;
        } else {
            // Workers read the clock before they come here, so not always in order; a bucket
            // must not take a step back for the wrapping of its clock, which would fill it.
            kept.used_at = kept.used_at.max(now);
        }
        kept
    }

    /// Takes what is owed, as far as there is something; whether nothing is owed then.
    fn pay(&self, kept: &mut Kept) -> bool {
        while kept.owed > 0 && self.take_from(kept) {
            kept.owed -= 1;
        }
        kept.owed == 0
    }

    fn take_from(&self, kept: &Kept) -> bool {
        let now = millis(kept.used_at);
        kept.bucket.take(self.per_second, self.burst(), now)
    }

    const fn burst(&self) -> u32 {
        self.per_second.saturating_mul(BURST)
    }

    /// Takes what was taken on another node: now, or as soon as there is something.
    pub(crate) fn charge<Q: Hash + Eq + ToOwned<Owned = K>>(
        &self,
        key: &Q,
        count: u32,
        now: Timestamp,
    ) where
        K: Borrow<Q>,
    {
        if self.per_second > 0 {
            let mut buckets = self.buckets.lock();
            let kept = self.kept_of(&mut buckets.by_key, key, now);
            kept.owed = kept.owed.saturating_add(count).min(self.burst());
            self.pay(kept);
        }
    }

    /// What was taken here since the last call.
    pub(crate) fn take_untold(&self) -> Vec<(K, u32)> {
        let mut buckets = self.buckets.lock();
        let Buckets { by_key, untold } = &mut *buckets;
        let keys = untold.as_mut().map(std::mem::take).unwrap_or_default();
        let told = keys.into_iter().filter_map(|key| {
            let count = std::mem::take(&mut by_key.get_mut(&key)?.untold);
            (count > 0).then_some((key, count))
        });
        told.collect()
    }

    /// Puts back one that was taken for what was not done.
    pub(crate) fn give_back<Q: Hash + Eq + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        let burst = self.per_second.saturating_mul(BURST);
        let by_key = &mut self.buckets.lock().by_key;
        let Some(kept) = by_key.get_mut(key) else {
            return;
        };
        kept.untold = kept.untold.saturating_sub(1);
        if kept.bucket.give_back(burst) && kept.untold == 0 {
            by_key.remove(key);
        }
    }

    /// How many buckets there are.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.buckets.lock().by_key.len()
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
