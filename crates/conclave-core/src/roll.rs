//! Who has connections on which node, as the nodes tell each other.
//!
//! Each node tells the others which users came and went, with a number that grows by one, and
//! every second that it is alive, with that number; who has missed one asks for the whole list. A
//! node that has not been heard for 4 seconds is gone, with all its users. The sums are in the
//! [`ConnectionTable`], where limits and presence find them. It may have stored what it told
//! nobody, so that others read their rooms then.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use conclave_protocol::UserId;
use parking_lot::Mutex;

use crate::{ConnectionTable, NodeId, Notice};

/// The lists of all nodes. Time is that of a monotonic clock.
#[derive(Debug)]
pub struct Roll {
    node: NodeId,
    table: Arc<ConnectionTable>,
    state: Mutex<State>,
}

/// What a node has, for the statistics of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeCounts {
    /// Open connections.
    pub active: u32,
    /// Of these, with a token.
    pub authenticated: u32,
    /// Of each surface, by its name.
    pub surfaces: Vec<(Box<str>, u32)>,
}

/// A part of what one node says of its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollPart {
    /// Grows by one with each part that is a change.
    pub version: u64,
    /// Whether it is a part of the whole list, which then holds as of `version`.
    pub whole: Option<WholePart>,
    /// Users and how many connections each has there; 0 for who has none any more.
    pub users: Vec<(UserId, u32)>,
}

/// Where a part of the whole list stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WholePart {
    /// What was known before is not true.
    pub first: bool,
    /// Nothing follows.
    pub last: bool,
}

#[derive(Debug, Default)]
struct State {
    version: u64,
    /// What the others were told of this node.
    told: HashMap<UserId, u32>,
    told_at: Option<Duration>,
    /// Whether somebody asks for the whole list.
    asked: bool,
    peers: HashMap<NodeId, Peer>,
    /// Whether one of them has fallen silent, and nobody asked since.
    silence: bool,
}

#[derive(Debug)]
struct Peer {
    heard_at: Duration,
    /// As of which number its list is known; `None` where it is not.
    version: Option<u64>,
    asked_at: Option<Duration>,
    users: HashMap<UserId, u32>,
    counts: NodeCounts,
}

impl Roll {
    /// Of a node without others.
    #[must_use]
    pub fn new(node: NodeId, table: Arc<ConnectionTable>) -> Self {
        Self {
            node,
            table,
            state: Mutex::default(),
        }
    }

    /// What this node has to tell the others now, of users whose connections changed and of
    /// itself. Where `there` says that the others can be heard, those who are silent are gone.
    /// Called a few times a second.
    #[must_use]
    pub fn tick(
        &self,
        now: Duration,
        touched: &[UserId],
        counts: impl FnOnce() -> NodeCounts,
        there: bool,
    ) -> Vec<Notice> {
        let mut state = self.state.lock();
        let mut notices = state.changes(touched, &self.table);
        if std::mem::take(&mut state.asked) {
            notices.extend(state.whole());
        }
        if state.told_at.is_none_or(|at| now >= at + ALIVE_EVERY) {
            state.told_at = Some(now);
            notices.push(Notice::Alive {
                version: state.version,
                counts: counts(),
            });
        }
        if there {
            let silent = |_: &NodeId, peer: &mut Peer| now >= peer.heard_at + LIFE;
            let gone: Vec<(NodeId, Peer)> = state.peers.extract_if(silent).collect();
            state.silence |= !gone.is_empty();
            for (_, peer) in gone {
                self.forget(peer.users);
            }
        }
        notices
    }

    /// Takes what another node says; what it is to be answered.
    #[must_use]
    pub fn take(&self, from: NodeId, notice: &Notice, now: Duration) -> Option<Notice> {
        let mut state = self.state.lock();
        if let Notice::AskRoll { of } = notice {
            state.asked |= *of == self.node;
        }
        if state.peers.len() >= PEERS_MAX && !state.peers.contains_key(&from) {
            return None;
        }
        let peer = state.peers.entry(from).or_insert_with(|| Peer::new(now));
        peer.heard_at = now;
        match notice {
            Notice::Alive { version, counts } => {
                peer.counts.clone_from(counts);
                if peer.version != Some(*version) {
                    peer.version = None;
                }
            }
            Notice::Roll(part) => self.take_part(peer, part),
            Notice::Answer { .. }
            | Notice::Ask { .. }
            | Notice::AskRoll { .. }
            | Notice::Changed
            | Notice::Disconnect { .. }
            | Notice::Spent(_) => {}
        }
        let asks = peer.version.is_none() && peer.asked_at.is_none_or(|at| now >= at + ASK_EVERY);
        asks.then(|| {
            peer.asked_at = Some(now);
            Notice::AskRoll { of: from }
        })
    }

    /// Something may have been missed: every list is to be asked for again, once its node is
    /// heard, and nobody was silent while nobody could be heard.
    pub fn doubt(&self, now: Duration) {
        let mut state = self.state.lock();
        state.told_at = None;
        for peer in state.peers.values_mut() {
            peer.version = None;
            peer.asked_at = None;
            peer.heard_at = now;
        }
    }

    /// Whether another node has fallen silent since this was last asked.
    #[must_use]
    pub fn take_silence(&self) -> bool {
        std::mem::take(&mut self.state.lock().silence)
    }

    /// What the other nodes have together, and how many they are.
    #[must_use]
    pub fn others(&self) -> (NodeCounts, usize) {
        let state = self.state.lock();
        let mut sum = NodeCounts::default();
        for peer in state.peers.values() {
            sum.active = sum.active.saturating_add(peer.counts.active);
            sum.authenticated = sum.authenticated.saturating_add(peer.counts.authenticated);
            for (name, count) in &peer.counts.surfaces {
                match sum.surfaces.iter_mut().find(|(known, _)| known == name) {
                    Some((_, known)) => *known = known.saturating_add(*count),
                    None => sum.surfaces.push((name.clone(), *count)),
                }
            }
        }
        (sum, state.peers.len())
    }

    /// The other nodes that are heard.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeId> {
        self.state.lock().peers.keys().copied().collect()
    }

    fn take_part(&self, peer: &mut Peer, part: &RollPart) {
        match part.whole {
            None if peer
                .version
                .is_some_and(|known| known.saturating_add(1) == part.version) =>
            {
                peer.version = Some(part.version);
            }
            // One before it was missed.
            None => {
                peer.version = None;
                return;
            }
            Some(WholePart { first, last }) => {
                if first {
                    self.forget(std::mem::take(&mut peer.users));
                }
                peer.version = last.then_some(part.version);
            }
        }
        for (user, count) in &part.users {
            let before = match *count {
                0 => peer.users.remove(user),
                count => peer.users.insert(user.clone(), count),
            };
            self.table.elsewhere(user, before.unwrap_or(0), *count);
        }
    }

    fn forget(&self, users: HashMap<UserId, u32>) {
        for (user, count) in users {
            self.table.elsewhere(&user, count, 0);
        }
    }
}

impl State {
    fn changes(&mut self, touched: &[UserId], table: &ConnectionTable) -> Vec<Notice> {
        let mut users = Vec::new();
        for user in touched {
            let count = table.of_user_here(user);
            let before = match count {
                0 => self.told.remove(user),
                count => self.told.insert(user.clone(), count),
            };
            if before.unwrap_or(0) != count {
                users.push((user.clone(), count));
            }
        }
        let parts = users.chunks(PART_MAX).map(|users| {
            self.version += 1;
            Notice::Roll(RollPart {
                version: self.version,
                whole: None,
                users: users.to_vec(),
            })
        });
        parts.collect()
    }

    fn whole(&self) -> Vec<Notice> {
        let users: Vec<(UserId, u32)> = self
            .told
            .iter()
            .map(|(user, count)| (user.clone(), *count))
            .collect();
        let parts = users.len().div_ceil(PART_MAX).max(1);
        let part = |number: usize| {
            let users = users.iter().skip(number * PART_MAX).take(PART_MAX);
            Notice::Roll(RollPart {
                version: self.version,
                whole: Some(WholePart {
                    first: number == 0,
                    last: number + 1 == parts,
                }),
                users: users.cloned().collect(),
            })
        };
        (0..parts).map(part).collect()
    }
}

impl Peer {
    fn new(now: Duration) -> Self {
        Self {
            heard_at: now,
            version: None,
            asked_at: None,
            users: HashMap::new(),
            counts: NodeCounts::default(),
        }
    }
}

const ALIVE_EVERY: Duration = Duration::from_secs(1);
/// With the 10 seconds that who has gone is still shown as there, less than 15.
const LIFE: Duration = Duration::from_secs(4);
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Users of one part.
const PART_MAX: usize = 500;
/// Nodes that are listened to.
const PEERS_MAX: usize = 1000;
