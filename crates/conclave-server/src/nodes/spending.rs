//! What is taken of limits here, for the other nodes, and what they say was taken there.
//!
//! A limit is kept on each node, so that nothing on the way of a message waits for another
//! machine; four times a second each node tells the others what was taken, and they take it from
//! theirs too. In between, each node may give what the limit has left: with N nodes a limit lets
//! through at most N times what it allows in that quarter of a second, and then as much less.

use std::collections::HashMap;
use std::net::IpAddr;

use conclave_core::{Notice, SharedLimit, Spent};
use conclave_protocol::UserId;
use parking_lot::Mutex;

use super::Nodes;
use crate::node::Node;

/// What was taken here since the others were told.
#[derive(Debug, Default)]
pub(super) struct Spending {
    counts: Mutex<HashMap<(SharedLimit, Box<str>), u32>>,
}

impl Nodes {
    /// One was taken of a limit, by whom `key` says.
    pub(crate) fn spend(&self, limit: SharedLimit, key: impl FnOnce() -> String) {
        let Some(link) = &self.link else { return };
        let key = (limit, key().into_boxed_str());
        let mut counts = link.spending.counts.lock();
        if let Some(count) = counts.get_mut(&key) {
            *count = count.saturating_add(1);
        } else if counts.len() < KEYS_MAX {
            counts.insert(key, 1);
        }
    }

    /// Tells the others what was taken since the last time.
    pub(super) fn tell_spent(&self, node: &Node) {
        let Some(link) = &self.link else { return };
        let counts = std::mem::take(&mut *link.spending.counts.lock());
        let spent = |((limit, key), count)| Spent { limit, key, count };
        let mut list: Vec<Spent> = counts.into_iter().map(spent).collect();
        node.rooms.take_spent(&mut list);
        for part in list.chunks(PART_MAX) {
            link.bus.tell(Notice::Spent(part.to_vec()));
        }
    }
}

impl Node {
    /// Takes from this node's limits what was taken on another.
    pub(crate) fn charge(&self, list: &[Spent]) {
        let now = self.clock.monotonic();
        for Spent { limit, key, count } in list {
            match limit {
                SharedLimit::SignIns => {
                    let (address, name) = key.split_once(' ').unwrap_or((key, ""));
                    if let Ok(address) = address.parse::<IpAddr>() {
                        self.identity.attempts().charge(name, address, *count);
                    }
                }
                SharedLimit::Handshakes => {
                    if let Ok(address) = key.parse::<IpAddr>() {
                        let strikes = self.identity.refused_handshakes();
                        strikes.charge(address, *count, now);
                    }
                }
                SharedLimit::Requests => {
                    if let Ok(user) = UserId::new(key) {
                        self.identity.requests().charge(&user, *count);
                    }
                }
                SharedLimit::RoomMessages | SharedLimit::UserMessages => {
                    self.rooms.charge(*limit, key, *count, self.clock.now());
                }
            }
        }
    }
}

/// Keys of which it is told at once; of more, only this node knows.
const KEYS_MAX: usize = 10_000;
/// Keys of one notice.
const PART_MAX: usize = 500;
