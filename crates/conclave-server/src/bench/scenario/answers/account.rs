//! What the hearers of answers got: whose tokens, in which order, how late.

use std::time::Instant;

use super::super::super::latency::Samples;
use super::super::super::ledger::Ledger;
use super::super::super::measurement::Measurement;
use super::provider::{Provider, Token};

/// What came of one answer in each room.
pub(super) struct Account {
    provider_began: Instant,
    rooms: usize,
    /// Tokens of each answer.
    sent: u64,
    pub(super) members: Vec<Member>,
    pub(super) last: Samples,
    pub(super) frames: u64,
    pub(super) tokens: u64,
    pub(super) ends: usize,
    pub(super) complaint: Option<String>,
}

#[derive(Default)]
pub(super) struct Member {
    pub(super) ledger: Ledger,
    pub(super) samples: Samples,
}

impl Account {
    pub(super) fn new(provider: &Provider, (rooms, members): (usize, usize), sent: u64) -> Self {
        Self {
            provider_began: provider.began(),
            rooms,
            sent,
            members: std::iter::repeat_with(Member::default)
                .take(members)
                .collect(),
            last: Samples::default(),
            frames: 0,
            tokens: 0,
            ends: 0,
            complaint: None,
        }
    }

    pub(super) fn take(&mut self, index: usize, text: &[u8], at: Instant) {
        let begins = |with: &str| text.starts_with(with.as_bytes());
        if begins(r#"{"type":"ai_response_complete""#) {
            self.ends += 1;
        } else if begins(r#"{"type":"ai_response_error""#) || begins(r#"{"type":"error""#) {
            self.complain(&String::from_utf8_lossy(text));
        }
        if !begins(r#"{"type":"ai_response_chunk""#) {
            return;
        }
        self.frames += 1;
        let after = at.duration_since(self.provider_began);
        for token in Token::all(text) {
            let own = |token: &Token| token.room == index % self.rooms;
            let member = self.members.get_mut(index);
            let (Some(token), Some(member)) = (token.filter(own), member) else {
                return self.complain(&String::from_utf8_lossy(text));
            };
            let latency = after.saturating_sub(token.written);
            self.tokens += 1;
            member.ledger.record(token.sequence);
            member.samples.push(latency);
            if token.sequence + 1 == self.sent {
                self.last.push(latency);
            }
        }
    }

    /// With how long the deliveries took, and what went wrong.
    pub(super) fn close(&self, row: Measurement) -> Measurement {
        let mut all = Samples::default();
        for member in &self.members {
            all.extend(&member.samples);
        }
        let tallies = self
            .members
            .iter()
            .map(|member| member.ledger.close(self.sent));
        Measurement {
            latency: all.percentiles(),
            tally: Some(tallies.sum()),
            ..row
        }
    }

    pub(super) fn complain(&mut self, complaint: &str) {
        self.complaint.get_or_insert_with(|| complaint.to_owned());
    }
}
