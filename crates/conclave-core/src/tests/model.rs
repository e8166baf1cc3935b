//! What a directory should know of one channel, kept as naively as can be.

use conclave_protocol::{Body, Limits, Position, Publication};

/// A channel from its first subscriber or kept publication on.
pub(super) struct Entry {
    /// 0 until somebody has seen it.
    pub(super) epoch: u64,
    /// All since the epoch began: number and moment.
    pub(super) log: Vec<(u64, u64)>,
    /// Whether it has one of the places for history.
    pub(super) keeps: bool,
    /// When old history was last forgotten.
    pub(super) horizon: u64,
}

impl Entry {
    pub(super) const fn new(keeps: bool) -> Self {
        Self {
            epoch: 0,
            log: Vec::new(),
            keeps,
            horizon: 0,
        }
    }

    pub(super) fn position(&self) -> Position {
        self.at(self.log.len())
    }

    /// What the history holds: the newest of the log, the young ones of these.
    pub(super) fn kept(&self, limits: &Limits) -> Vec<(u64, Position)> {
        if !self.keeps {
            return Vec::new();
        }
        let long = u64::from(limits.history_seconds) * 1000;
        let first = self.log.len().saturating_sub(limits.history_messages);
        let newest = self.log.iter().enumerate().skip(first);
        newest
            .filter(|(_, (_, moment))| moment + long >= self.horizon)
            .map(|(place, (number, _))| (*number, self.at(place + 1)))
            .collect()
    }

    /// What is replayed, and whether something asked for is missing.
    pub(super) fn replay(
        &self,
        since: Option<Position>,
        limits: &Limits,
    ) -> (Vec<(u64, Position)>, bool) {
        let Some(since) = since else {
            return (Vec::new(), false);
        };
        let mut kept = self.kept(limits);
        let newest = self.position();
        if since.epoch != newest.epoch || since.offset > newest.offset {
            return (kept, true);
        }
        kept.retain(|(_, position)| position.offset > since.offset);
        let asked: Vec<_> = (since.offset + 1..=newest.offset).collect();
        let offsets: Vec<_> = kept.iter().map(|(_, position)| position.offset).collect();
        let missing = asked != offsets;
        (kept, missing)
    }

    fn at(&self, place: usize) -> Position {
        Position {
            offset: u64::try_from(place).unwrap(),
            epoch: self.epoch,
        }
    }
}

/// The number that a test's publication begins with.
pub(super) fn number(publication: &Publication) -> u64 {
    let text = match &publication.body {
        Body::Broadcast { members, .. } => members,
        Body::Topic(message) => &message.payload,
        Body::Event(_) | Body::Wallet(_) => panic!("not of a topic"),
    };
    let (number, _) = text.split_once(' ').unwrap_or((text, ""));
    number.parse().unwrap()
}
