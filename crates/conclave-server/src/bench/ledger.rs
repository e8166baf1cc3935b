//! What each subscriber received, counted exactly: lost, duplicated, reordered.

use std::collections::BTreeSet;

use serde::Serialize;

/// The number of a publication: who published it, and its place among that publisher's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Index of the publisher, at most 999.
    pub(super) publisher: usize,
    /// Counts from 0.
    pub(super) sequence: u64,
}

impl Stamp {
    /// The 64 bytes of payload that carry the stamp: `~`, 3 digits, 16 digits, padding.
    pub(super) fn payload(self) -> String {
        format!(
            "{MARK}{:03}{:016}{:x<44}",
            self.publisher, self.sequence, ""
        )
    }

    /// Reads the stamp out of a delivered message, wherever in it the payload stands.
    pub(super) fn find(message: &[u8]) -> Option<Self> {
        let mark = message.iter().position(|byte| *byte == MARK_BYTE)?;
        let digits = message.get(mark + 1..mark + 1 + DIGITS)?;
        let (publisher, sequence) = digits.split_at_checked(PUBLISHER_DIGITS)?;
        Some(Self {
            publisher: usize::try_from(number(publisher)?).ok()?,
            sequence: number(sequence)?,
        })
    }

    /// Writes the stamp over the one in `message`, for the floor, which repeats a delivered message.
    pub(super) fn overwrite(self, message: &mut [u8]) {
        let Some(mark) = message.iter().position(|byte| *byte == MARK_BYTE) else {
            return;
        };
        let digits = format!("{:03}{:016}", self.publisher, self.sequence);
        if let Some(place) = message.get_mut(mark + 1..mark + 1 + DIGITS) {
            place.copy_from_slice(digits.as_bytes());
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |sum, digit| match digit {
        b'0'..=b'9' => Some(sum * 10 + u64::from(digit - b'0')),
        _ => None,
    })
}

/// One subscriber's account of one publisher.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    next: u64,
    holes: BTreeSet<u64>,
    delivered: u64,
    duplicated: u64,
    reordered: u64,
}

impl Ledger {
    /// Records a delivery. A sequence number beyond the next opens holes; one that fills a hole came
    /// late (reordered); any other old one is a duplicate.
    pub(super) fn record(&mut self, sequence: u64) {
        self.delivered += 1;
        if sequence == self.next {
            self.next += 1;
        } else if sequence > self.next {
            self.holes.extend(self.next..sequence);
            self.next = sequence + 1;
        } else if self.holes.remove(&sequence) {
            self.reordered += 1;
        } else {
            self.duplicated += 1;
        }
    }

    /// Closes the account against what was published.
    pub(super) fn close(&self, published: u64) -> Tally {
        let holes = u64::try_from(self.holes.len()).unwrap_or(u64::MAX);
        Tally {
            delivered: self.delivered,
            lost: holes + published.saturating_sub(self.next),
            duplicated: self.duplicated,
            reordered: self.reordered,
        }
    }
}

/// Deliveries of a scenario and what went wrong with them, in messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Tally {
    pub(super) delivered: u64,
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) reordered: u64,
}

impl Tally {
    /// Everything that must be zero.
    pub(super) const fn wrong(self) -> u64 {
        self.lost + self.duplicated + self.reordered
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |sum, next| Self {
            delivered: sum.delivered + next.delivered,
            lost: sum.lost + next.lost,
            duplicated: sum.duplicated + next.duplicated,
            reordered: sum.reordered + next.reordered,
        })
    }
}

const MARK: char = '~';
const MARK_BYTE: u8 = b'~';
const PUBLISHER_DIGITS: usize = 3;
const DIGITS: usize = PUBLISHER_DIGITS + 16;

#[cfg(test)]
mod tests;
