//! Who may try a password now (identity.md, "Limits").

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use conclave_protocol::{Clock, UserId};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::handshake::counted_as;
use crate::strikes::Strikes;

/// Failed tries of each user from each address, of each address, and of each user over all
/// addresses. What is under way counts as if it will fail, and who would come after it waits: so
/// a thousand tries at once gain no more than one after the other.
pub(crate) struct Attempts {
    by_pair: Strikes<Pair>,
    by_address: Strikes<IpAddr>,
    by_user: Strikes<Name>,
    under_way: Mutex<UnderWay>,
    ended: Notify,
    clock: Arc<dyn Clock>,
}

/// `None` stands for every text that cannot be a user's name.
type Name = Option<UserId>;
type Pair = (Name, IpAddr);

#[derive(Default)]
struct UnderWay {
    pairs: HashMap<Pair, u32>,
    addresses: HashMap<IpAddr, u32>,
}

/// A try under way, until it is dropped.
pub(crate) struct Attempt<'a> {
    attempts: &'a Attempts,
    pair: Pair,
}

/// Whether a try may begin.
enum Turn {
    Later,
    Never(Duration),
    Now,
}

impl Attempts {
    /// At most `limit` failures a minute of a user from an address, and of an address; 0 means
    /// no limit.
    pub(crate) fn new(limit: u32, clock: Arc<dyn Clock>) -> Self {
        Self {
            by_pair: Strikes::new(limit),
            by_address: Strikes::new(limit),
            by_user: Strikes::new(limit),
            under_way: Mutex::default(),
            ended: Notify::new(),
            clock,
        }
    }

    /// Begins a try with this name, as typed, from this address; waits while as many are under
    /// way as may still fail.
    ///
    /// # Errors
    /// How long to wait, where too many have failed.
    pub(crate) async fn begin(&self, name: &str, address: IpAddr) -> Result<Attempt<'_>, Duration> {
        let pair = (UserId::new(name).ok(), counted_as(address));
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            match self.turn(&pair) {
                Turn::Later => ended.await,
                Turn::Never(wait) => return Err(wait),
                Turn::Now => {
                    return Ok(Attempt {
                        attempts: self,
                        pair,
                    });
                }
            }
        }
    }

    /// Whether answers about this name are to be slowed: it has failed too often over all
    /// addresses. Nobody is refused for it, or anybody could lock anybody out.
    pub(crate) fn is_slowed(&self, name: &str) -> bool {
        let name = UserId::new(name).ok();
        self.by_user.wait(&name, self.clock.monotonic()).is_some()
    }

    /// Counts failures of which another node has told, by what [`Attempt::failed`] gave there.
    pub(crate) fn charge(&self, name: &str, address: IpAddr, count: u32) {
        let now = self.clock.monotonic();
        let name: Name = UserId::new(name).ok();
        self.by_pair.charge((name.clone(), address), count, now);
        self.by_address.charge(address, count, now);
        self.by_user.charge(name, count, now);
    }

    /// How many users and addresses are remembered.
    pub(crate) fn keys(&self) -> usize {
        self.by_pair.keys() + self.by_address.keys() + self.by_user.keys()
    }

    fn turn(&self, pair: &Pair) -> Turn {
        let now = self.clock.monotonic();
        let address = &pair.1;
        let waits = [
            self.by_pair.wait(pair, now),
            self.by_address.wait(address, now),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Turn::Never(wait);
        }
        let mut under_way = self.under_way.lock();
        let of = |count: Option<&u32>| count.copied().unwrap_or(0);
        let has_room = of(under_way.pairs.get(pair)) < self.by_pair.left(pair, now)
            && of(under_way.addresses.get(address)) < self.by_address.left(address, now);
        if !has_room {
            return Turn::Later;
        }
        *under_way.pairs.entry(pair.clone()).or_insert(0) += 1;
        *under_way.addresses.entry(*address).or_insert(0) += 1;
        Turn::Now
    }
}

impl Attempt<'_> {
    /// Counts it as failed. What is told to other nodes: the address, a space, and the name,
    /// where it can be one.
    pub(crate) fn failed(self) -> String {
        let now = self.attempts.clock.monotonic();
        self.attempts.by_pair.strike(self.pair.clone(), now);
        self.attempts.by_address.strike(self.pair.1, now);
        self.attempts.by_user.strike(self.pair.0.clone(), now);
        let name = self.pair.0.as_ref().map_or("", |user| user.as_str());
        format!("{} {name}", self.pair.1)
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut under_way = self.attempts.under_way.lock();
        take_one(&mut under_way.pairs, self.pair.clone());
        take_one(&mut under_way.addresses, self.pair.1);
        drop(under_way);
        self.attempts.ended.notify_waiters();
    }
}

fn take_one<K: Hash + Eq>(counts: &mut HashMap<K, u32>, key: K) {
    if let Entry::Occupied(mut entry) = counts.entry(key) {
        *entry.get_mut() = entry.get().saturating_sub(1);
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}
