//! The bounds of everything that clients can grow (identity.md, "Limits").

use std::time::Duration;

use serde::Deserialize;

/// Bounds of a service. Numbers must be 1 or more, but where 0 means none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Open connections, handshakes included.
    pub connections: usize,
    /// Of one user.
    pub connections_per_user: usize,
    /// Of one address, handshakes included.
    pub connections_per_address: usize,
    /// Handshakes of one address that may be refused in a minute, before it gets no more; 0 means
    /// no limit.
    pub refused_handshakes_per_minute: u32,
    /// Bytes of one whole message.
    pub message_bytes: usize,
    /// Frames of one message.
    pub fragments_per_message: u32,
    /// Messages per second of one connection; 0 means no limit.
    pub messages_per_second: u32,
    /// Messages that may come at once after a pause.
    pub messages_burst: u32,
    /// Subscriptions of one connection.
    pub subscriptions_per_connection: usize,
    /// Bytes queued for one connection before it counts as slow.
    pub outbox_bytes: usize,
    /// Seconds in which a handshake must be done.
    pub handshake_seconds: u64,
    /// Seconds between two pings.
    pub ping_seconds: u64,
    /// Seconds of silence after which a connection ends.
    pub silence_seconds: u64,
    /// Seconds that a handler may take before the client is answered with `unavailable`.
    pub handler_seconds: u64,
    /// Seconds that a full socket may take nothing.
    pub write_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_user: 10,
            connections_per_address: 100,
            refused_handshakes_per_minute: 30,
            message_bytes: 64 * 1024,
            fragments_per_message: 1024,
            messages_per_second: 50,
            messages_burst: 100,
            subscriptions_per_connection: 128,
            outbox_bytes: 1024 * 1024,
            handshake_seconds: 5,
            ping_seconds: 25,
            silence_seconds: 60,
            handler_seconds: 30,
            write_seconds: 10,
        }
    }
}

impl Limits {
    /// The first setting that is 0 and must not be.
    pub(crate) fn zero(&self) -> Option<&'static str> {
        let numbers = [
            ("connections", self.connections == 0),
            ("connections_per_user", self.connections_per_user == 0),
            ("connections_per_address", self.connections_per_address == 0),
            ("message_bytes", self.message_bytes == 0),
            ("fragments_per_message", self.fragments_per_message == 0),
            ("messages_burst", self.messages_burst == 0),
            ("outbox_bytes", self.outbox_bytes == 0),
            ("handshake_seconds", self.handshake_seconds == 0),
            ("ping_seconds", self.ping_seconds == 0),
            ("silence_seconds", self.silence_seconds == 0),
            ("handler_seconds", self.handler_seconds == 0),
            ("write_seconds", self.write_seconds == 0),
        ];
        numbers
            .into_iter()
            .find_map(|(name, is_zero)| is_zero.then_some(name))
    }
}

/// A connection's allowance of messages.
#[derive(Debug)]
pub(crate) struct Allowance {
    per_second: u32,
    burst_nanos: u128,
    /// When the bucket would be full again.
    full_at: u128,
    strikes: u32,
    strikes_since: Duration,
}

/// What the next message is met with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Fine,
    TooFast,
    /// It was told so 100 times in 10 s.
    Hopeless,
}

impl Allowance {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            per_second: limits.messages_per_second,
            burst_nanos: u128::from(limits.messages_burst.max(1)),
            full_at: 0,
            strikes: 0,
            strikes_since: Duration::ZERO,
        }
    }

    pub(crate) fn take(&mut self, now: impl FnOnce() -> Duration) -> Pace {
        if self.per_second == 0 {
            return Pace::Fine;
        }
        let now = now();
        let price = 1_000_000_000 / u128::from(self.per_second);
        let start = self.full_at.max(now.as_nanos());
        let debt = start.saturating_sub(now.as_nanos()).saturating_add(price);
        if debt <= price.saturating_mul(self.burst_nanos) {
            self.full_at = start.saturating_add(price);
            return Pace::Fine;
        }
        if now.saturating_sub(self.strikes_since) > STRIKES_SPAN {
            (self.strikes, self.strikes_since) = (0, now);
        }
        self.strikes = self.strikes.saturating_add(1);
        if self.strikes >= STRIKES_MAX {
            Pace::Hopeless
        } else {
            Pace::TooFast
        }
    }
}

const STRIKES_MAX: u32 = 100;
const STRIKES_SPAN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Allowance, Limits, Pace};

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let limits = Limits {
            messages_per_second: 10,
            messages_burst: 3,
            ..Limits::default()
        };
        let mut allowance = Allowance::new(&limits);
        let mut take = |millis| allowance.take(|| Duration::from_millis(millis));
        for _ in 0..3 {
            assert_eq!(take(1000), Pace::Fine);
        }
        assert_eq!(take(1000), Pace::TooFast);
        assert_eq!(take(1099), Pace::TooFast);
        assert_eq!(take(1100), Pace::Fine);
        assert_eq!(take(1100), Pace::TooFast);
        for _ in 0..3 {
            assert_eq!(take(90_000), Pace::Fine);
        }
        for _ in 0..99 {
            assert_eq!(take(90_000), Pace::TooFast);
        }
        assert_eq!(take(90_000), Pace::Hopeless);
        assert_eq!(take(u64::MAX / 2_000_000), Pace::Fine);
    }

    #[test]
    fn zero_means_no_rate_but_no_other_limit_may_be_zero() {
        let mut allowance = Allowance::new(&Limits {
            messages_per_second: 0,
            ..Limits::default()
        });
        for _ in 0..1000 {
            assert_eq!(allowance.take(|| Duration::ZERO), Pace::Fine);
        }
        assert_eq!(Limits::default().zero(), None);
        let none = Limits {
            outbox_bytes: 0,
            ..Limits::default()
        };
        assert_eq!(none.zero(), Some("outbox_bytes"));
    }
}
