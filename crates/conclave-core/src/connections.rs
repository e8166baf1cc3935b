//! How many connections each user and address has.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use conclave_protocol::UserId;
use parking_lot::Mutex;

/// Which bound a new connection would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Of its address.
    Address,
    /// Of the server.
    All,
    /// Of its user.
    User,
}

/// How many connections there may be; 0 means no bound.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionBounds {
    /// Of one user.
    pub user: u32,
    /// Of one address.
    pub address: u32,
    /// Of all.
    pub all: u32,
}

/// What the statistics show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Open connections.
    pub active: u32,
    /// Of these, with a token.
    pub authenticated: u32,
    /// Different users among them.
    pub users: usize,
}

/// Open connections by user and by address, for the whole node.
#[derive(Debug, Default)]
pub struct ConnectionTable {
    users: Sharded<UserId>,
    addresses: Sharded<IpAddr>,
    all: AtomicU32,
    authenticated: AtomicU32,
}

impl ConnectionTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Counts a connection, for as long as the guard lives. `address` is `None` where addresses
    /// are not counted (loopback peers in dev mode).
    ///
    /// # Errors
    /// The bound it would pass; then nothing is counted.
    pub fn open(
        self: &Arc<Self>,
        user: Option<&UserId>,
        address: Option<IpAddr>,
        bounds: ConnectionBounds,
    ) -> Result<ConnectionGuard, Full> {
        let take = |count| (bounds.all == 0 || count < bounds.all).then_some(count + 1);
        if self
            .all
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_err()
        {
            return Err(Full::All);
        }
        let mut guard = ConnectionGuard {
            table: Arc::clone(self),
            user: None,
            address: None,
        };
        if let Some(address) = address {
            if !self.addresses.add(&address, bounds.address) {
                return Err(Full::Address);
            }
            guard.address = Some(address);
        }
        if let Some(user) = user {
            if !self.users.add(user, bounds.user) {
                return Err(Full::User);
            }
            self.authenticated.fetch_add(1, Ordering::Relaxed);
            guard.user = Some(user.clone());
        }
        Ok(guard)
    }

    /// For the statistics.
    #[must_use]
    pub fn counts(&self) -> ConnectionCounts {
        ConnectionCounts {
            active: self.all.load(Ordering::Relaxed),
            authenticated: self.authenticated.load(Ordering::Relaxed),
            users: self.users.len(),
        }
    }
}

/// A counted connection; dropping it takes it off the table.
#[derive(Debug)]
pub struct ConnectionGuard {
    table: Arc<ConnectionTable>,
    user: Option<UserId>,
    address: Option<IpAddr>,
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.table.all.fetch_sub(1, Ordering::Relaxed);
        if let Some(user) = &self.user {
            self.table.authenticated.fetch_sub(1, Ordering::Relaxed);
            self.table.users.remove(user);
        }
        if let Some(address) = &self.address {
            self.table.addresses.remove(address);
        }
    }
}

#[derive(Debug)]
struct Sharded<K> {
    shards: Box<[Mutex<HashMap<K, u32>>]>,
    hasher: RandomState,
}

impl<K> Default for Sharded<K> {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl<K: Hash + Eq + Clone> Sharded<K> {
    fn add(&self, key: &K, bound: u32) -> bool {
        let mut shard = self.shard(key).lock();
        let count = shard.entry(key.clone()).or_insert(0);
        let room = bound == 0 || *count < bound;
        if room {
            *count += 1;
        }
        room
    }

    fn remove(&self, key: &K) {
        if let Entry::Occupied(mut entry) = self.shard(key).lock().entry(key.clone()) {
            *entry.get_mut() = entry.get().saturating_sub(1);
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }

    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn shard(&self, key: &K) -> &Mutex<HashMap<K, u32>> {
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        #[expect(
            clippy::indexing_slicing,
            reason = "the hash is taken modulo the length"
        )]
        let shard = &self.shards[index];
        shard
    }
}

const SHARDS: usize = 16;
