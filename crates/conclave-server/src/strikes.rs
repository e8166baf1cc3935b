//! Failures per key in a window of a minute: sign-ins, refused handshakes.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use parking_lot::Mutex;

/// Counts failures of each key in the minute that began with its first one. Holds at most
/// [`KEYS_MAX`] keys; beyond, windows that are over are swept, and if none is, the new key is
/// not counted apart but under one shared count, so that a flood of keys gains nothing.
#[derive(Debug)]
pub(crate) struct Strikes<K> {
    windows: Mutex<Windows<K>>,
    limit: u32,
}

#[derive(Debug)]
struct Windows<K> {
    by_key: HashMap<K, Window>,
    others: Window,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    count: u32,
    since: Duration,
}

impl<K: Eq + Hash> Strikes<K> {
    /// At most `limit` failures a minute; 0 means no limit.
    pub(crate) fn new(limit: u32) -> Self {
        let windows = Windows {
            by_key: HashMap::new(),
            others: Window::default(),
        };
        Self {
            windows: Mutex::new(windows),
            limit,
        }
    }

    /// How long the key has to wait; `None` where it may go on. `now` is monotonic.
    pub(crate) fn wait(&self, key: &K, now: Duration) -> Option<Duration> {
        if self.limit == 0 {
            return None;
        }
        let windows = self.windows.lock();
        let full = windows.by_key.len() >= KEYS_MAX;
        let window = windows
            .by_key
            .get(key)
            .or_else(|| full.then_some(&windows.others))?;
        let over = window.since + WINDOW;
        (window.count >= self.limit && now < over).then(|| over.saturating_sub(now))
    }

    /// Counts a failure; true where it was the one that reached the limit.
    pub(crate) fn strike(&self, key: K, now: Duration) -> bool {
        self.add(key, 1, now) == self.limit && self.limit > 0
    }

    /// Counts failures of which another node has told.
    pub(crate) fn charge(&self, key: K, count: u32, now: Duration) {
        self.add(key, count, now);
    }

    /// How many the key has then; 0 where there is no limit.
    fn add(&self, key: K, count: u32, now: Duration) -> u32 {
        if self.limit == 0 {
            return 0;
        }
        let mut windows = self.windows.lock();
        if windows.by_key.len() >= KEYS_MAX && !windows.by_key.contains_key(&key) {
            windows
                .by_key
                .retain(|_, window| now < window.since + WINDOW);
        }
        let room = windows.by_key.len() < KEYS_MAX || windows.by_key.contains_key(&key);
        let window = if room {
            windows.by_key.entry(key).or_insert(Window {
                count: 0,
                since: now,
            })
        } else {
            &mut windows.others
        };
        if now >= window.since + WINDOW {
            *window = Window {
                count: 0,
                since: now,
            };
        }
        window.count = window.count.saturating_add(count);
        window.count
    }

    /// How many failures the key has left; `u32::MAX` where there is no limit.
    pub(crate) fn left(&self, key: &K, now: Duration) -> u32 {
        if self.limit == 0 {
            return u32::MAX;
        }
        let windows = self.windows.lock();
        let full = windows.by_key.len() >= KEYS_MAX;
        let window = windows
            .by_key
            .get(key)
            .or_else(|| full.then_some(&windows.others));
        let current = window.filter(|window| now < window.since + WINDOW);
        self.limit
            .saturating_sub(current.map_or(0, |window| window.count))
    }

    /// How many keys are counted.
    pub(crate) fn keys(&self) -> usize {
        self.windows.lock().by_key.len()
    }
}

const WINDOW: Duration = Duration::from_secs(60);
const KEYS_MAX: usize = 100_000;
