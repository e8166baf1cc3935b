//! What one node does at a time for all: each such thing has a lease in the store.
//!
//! No wall clock is compared. The holder lets its lease beat; who waits for it takes it once the
//! beat has been the same for [`SILENCE`] by their own monotonic clock, and the holder has stopped
//! [`TRUST`] after it asked for the last beat that it knows of, which is earlier. A holder that was
//! stopped meanwhile and does not know it is kept out by its [`Fence`]: what it does to the store
//! goes with the fence, and the store refuses an old one.

mod memory;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::NodeId;
pub use memory::MemoryLeases;

/// Names what is done by one node at a time: 1 to 256 bytes, chosen by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseName {
    what: &'static str,
    /// Where there are many of a kind.
    which: Option<u128>,
}

impl LeaseName {
    /// Posting to webhooks, and looking who missed messages.
    pub const WEBHOOKS: Self = Self {
        what: "webhooks",
        which: None,
    };

    /// Answering in a room, by a hash of its id; rooms of one hash would take turns.
    #[must_use]
    pub const fn answers(room: u128) -> Self {
        Self {
            what: "answers",
            which: Some(room),
        }
    }
}

/// Which taking of a lease: from 1, grows with each, and is never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// What a holder shows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    /// Which taking.
    pub fence: Fence,
    /// How often it was renewed.
    pub beat: u64,
}

/// Who has a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Who asked: it was free, or theirs, or its holder was silent.
    Own(Fence),
    /// Another node.
    Other(Sign),
}

/// The store is away or broken; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("the store is unavailable")]
pub struct LeaseFault(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Leases in durable state. Each method is one transaction.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes a lease that is free, renews one that is this node's, and takes one away from a
    /// holder that still shows no more than `silent`.
    async fn hold(
        &self,
        lease: LeaseName,
        node: NodeId,
        silent: Option<Sign>,
    ) -> Result<Hold, LeaseFault>;
    /// Gives it back, if it is this node's.
    async fn release(&self, lease: LeaseName, node: NodeId) -> Result<(), LeaseFault>;
    /// Those of them that other nodes have, or had and did not give back.
    async fn of_others(
        &self,
        leases: &[LeaseName],
        node: NodeId,
    ) -> Result<Vec<LeaseName>, LeaseFault>;
}

/// What a node knows of a lease that it holds or waits for. Times are monotonic.
#[derive(Clone, Copy, Debug, Default)]
pub struct Term {
    /// Until when it may be acted on.
    held: Option<(Fence, Duration)>,
    /// Another's, and since when it shows the same.
    seen: Option<(Sign, Duration)>,
}

impl Term {
    /// What another node has shown for so long that its lease may be taken.
    #[must_use]
    pub fn silent(&self, now: Duration) -> Option<Sign> {
        let (sign, since) = self.seen?;
        (now.saturating_sub(since) >= SILENCE).then_some(sign)
    }

    /// The store said so, asked at `asked`.
    pub fn learn(&mut self, hold: Hold, asked: Duration, now: Duration) {
        match hold {
            Hold::Own(fence) => {
                self.held = Some((fence, asked + TRUST));
                self.seen = None;
            }
            Hold::Other(sign) => {
                self.held = None;
                if self.seen.is_none_or(|(seen, _)| seen != sign) {
                    self.seen = Some((sign, now));
                }
            }
        }
    }

    /// The fence of a lease that is held, and until when.
    #[must_use]
    pub fn held(&self, now: Duration) -> Option<(Fence, Duration)> {
        self.held.filter(|(_, until)| now < *until)
    }
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        match self.which {
            Some(which) => write!(f, ":{which:032x}"),
            None => Ok(()),
        }
    }
}

/// A lease whose holder has shown nothing new for so long is taken.
pub const SILENCE: Duration = Duration::from_secs(8);
/// For so long from when it was asked for, a lease that was granted is acted on.
pub const TRUST: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    use super::*;

    const fn second(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    const fn sign(fence: u64, beat: u64) -> Sign {
        Sign {
            fence: Fence(fence),
            beat,
        }
    }

    #[test]
    fn a_silent_holder_is_given_up_later_than_it_gives_up_itself() {
        let (mut holder, mut waiting) = (Term::default(), Term::default());
        holder.learn(Hold::Own(Fence(1)), second(10), second(11));
        waiting.learn(Hold::Other(sign(1, 0)), second(10), second(11));
        for now in 11..60 {
            let (now, taken) = (second(now), waiting.silent(second(now)));
            assert!(holder.held(now).is_none() || taken.is_none());
        }
        assert_eq!(holder.held(second(15)), Some((Fence(1), second(16))));
        assert_eq!(holder.held(second(16)), None);
        assert_eq!(waiting.silent(second(18)), None);
        assert_eq!(waiting.silent(second(19)), Some(sign(1, 0)));
    }

    #[test]
    fn a_beat_begins_the_silence_anew() {
        let mut waiting = Term::default();
        waiting.learn(Hold::Other(sign(1, 0)), second(0), second(0));
        waiting.learn(Hold::Other(sign(1, 1)), second(7), second(7));
        assert_eq!(waiting.silent(second(14)), None);
        waiting.learn(Hold::Other(sign(1, 1)), second(14), second(14));
        assert_eq!(waiting.silent(second(15)), Some(sign(1, 1)));
    }

    #[test]
    fn what_another_took_is_held_no_more() {
        let mut term = Term::default();
        term.learn(Hold::Own(Fence(1)), second(0), second(0));
        term.learn(Hold::Other(sign(2, 0)), second(1), second(1));
        assert_eq!(term.held(second(1)), None);
        term.learn(Hold::Own(Fence(3)), second(2), second(2));
        assert_eq!(term.held(second(3)), Some((Fence(3), second(8))));
        assert_eq!(term.silent(second(100)), None);
    }
}
