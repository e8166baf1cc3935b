//! How many connections each user and address has.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

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
    /// On other nodes.
    elsewhere: Sharded<UserId>,
    /// Whether anybody ever was there: without others, that is all that is looked at.
    has_elsewhere: AtomicBool,
    changes: Mutex<Changes>,
}

/// Users whose connections opened or ended.
#[derive(Debug, Default)]
struct Changes {
    new: HashSet<UserId>,
    /// What was taken last: whoever took it may not have looked at it yet.
    taken: HashSet<UserId>,
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
            if !self.add(user, bounds.user) {
                return Err(Full::User);
            }
            self.authenticated.fetch_add(1, Ordering::Relaxed);
            guard.user = Some(user.clone());
            self.came_or_went(user);
        }
        Ok(guard)
    }

    /// How many connections a user has, on all nodes.
    #[must_use]
    pub fn of_user(&self, user: &UserId) -> u32 {
        self.users
            .count(user)
            .saturating_add(self.of_user_elsewhere(user))
    }

    /// How many a user has on this node.
    #[must_use]
    pub fn of_user_here(&self, user: &UserId) -> u32 {
        self.users.count(user)
    }

    /// Different users on all nodes.
    #[must_use]
    pub fn users_everywhere(&self) -> usize {
        let elsewhere = self.elsewhere.keys();
        let only = elsewhere.iter().filter(|user| self.users.count(user) == 0);
        self.users.len() + only.count()
    }

    /// Another node had so many connections of a user, and has so many now.
    pub(crate) fn elsewhere(&self, user: &UserId, before: u32, now: u32) {
        if before == now {
            return;
        }
        self.has_elsewhere.store(true, Ordering::Relaxed);
        self.elsewhere.change(user, before, now);
        self.came_or_went(user);
    }

    fn of_user_elsewhere(&self, user: &UserId) -> u32 {
        match self.has_elsewhere.load(Ordering::Relaxed) {
            true => self.elsewhere.count(user),
            false => 0,
        }
    }

    /// Counts a connection where the user's bound allows one more. What was opened on two nodes
    /// at the same moment may pass it.
    fn add(&self, user: &UserId, bound: u32) -> bool {
        match (bound, self.of_user_elsewhere(user)) {
            (0, _) | (_, 0) => self.users.add(user, bound),
            (bound, elsewhere) => elsewhere < bound && self.users.add(user, bound - elsewhere),
        }
    }

    /// The users whose connections opened or ended since the last call, each once. Where they were
    /// too many to list, the second is `true` and the first are all who have connections: then
    /// whoever was there before has to be looked at too.
    pub fn take_changes(&self) -> (Vec<UserId>, bool) {
        let mut changes = self.changes.lock();
        changes.taken = std::mem::take(&mut changes.new);
        if changes.taken.len() >= CHANGES_MAX {
            drop(changes);
            let mut users = self.users.keys();
            users.extend(self.elsewhere.keys());
            return (users, true);
        }
        (changes.taken.iter().cloned().collect(), false)
    }

    /// Whether a user is among the changes that were taken last, or that nobody took yet.
    pub(crate) fn has_changed(&self, user: &UserId) -> bool {
        let changes = self.changes.lock();
        changes.new.contains(user) || changes.taken.contains(user)
    }

    fn came_or_went(&self, user: &UserId) {
        let new = &mut self.changes.lock().new;
        if new.len() < CHANGES_MAX {
            new.insert(user.clone());
        }
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

impl ConnectionGuard {
    /// Counts the connection for a user who was not known when it was opened. Once.
    ///
    /// # Errors
    /// `User` where the user has `bound` connections; 0 means no bound.
    pub fn identify(&mut self, user: &UserId, bound: u32) -> Result<(), Full> {
        if self.user.is_some() {
            return Ok(());
        }
        if !self.table.add(user, bound) {
            return Err(Full::User);
        }
        self.table.authenticated.fetch_add(1, Ordering::Relaxed);
        self.user = Some(user.clone());
        self.table.came_or_went(user);
        Ok(())
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.table.all.fetch_sub(1, Ordering::Relaxed);
        if let Some(user) = &self.user {
            self.table.authenticated.fetch_sub(1, Ordering::Relaxed);
            self.table.users.remove(user);
            self.table.came_or_went(user);
        }
        if let Some(address) = &self.address {
            self.table.addresses.remove(address);
        }
    }
}

#[derive(Debug)]
struct Sharded<K> {
    shards: Box<[Mutex<HashMap<K, u32>>]>,
}

impl<K> Default for Sharded<K> {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

/// Keys that say cheaply which shard they are in. Who chooses keys to meet in one shard gains
/// only that they wait for each other: inside, a keyed hash tells them apart.
trait Spread {
    fn spread(&self) -> usize;
}

impl Spread for UserId {
    fn spread(&self) -> usize {
        let bytes = self.as_str().bytes().rev().take(4);
        bytes.fold(0, |sum, byte| sum * 5 + usize::from(byte))
    }
}

impl Spread for IpAddr {
    fn spread(&self) -> usize {
        let [.., third, last] = match self {
            Self::V4(v4) => v4.octets(),
            // What is counted of an IPv6 address is its /64.
            Self::V6(v6) => {
                let [_, _, _, _, a, b, c, d, ..] = v6.octets();
                [a, b, c, d]
            }
        };
        usize::from(third) * 5 + usize::from(last)
    }
}

impl<K: Hash + Eq + Clone + Spread> Sharded<K> {
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

    fn change(&self, key: &K, before: u32, now: u32) {
        let mut shard = self.shard(key).lock();
        let count = shard.get(key).copied().unwrap_or(0);
        match count.saturating_sub(before).saturating_add(now) {
            0 => shard.remove(key),
            count => shard.insert(key.clone(), count),
        };
    }

    fn count(&self, key: &K) -> u32 {
        self.shard(key).lock().get(key).copied().unwrap_or(0)
    }

    fn keys(&self) -> Vec<K> {
        let shards = self.shards.iter();
        let keys = |shard: &Mutex<HashMap<K, u32>>| {
            let shard = shard.lock();
            shard.keys().cloned().collect::<Vec<K>>()
        };
        shards.flat_map(keys).collect()
    }

    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn shard(&self, key: &K) -> &Mutex<HashMap<K, u32>> {
        #[expect(
            clippy::indexing_slicing,
            reason = "the number is taken modulo the length"
        )]
        let shard = &self.shards[key.spread() % SHARDS];
        shard
    }
}

const SHARDS: usize = 16;
/// Changes kept for who asks; then it is told that there were more.
const CHANGES_MAX: usize = 100_000;
