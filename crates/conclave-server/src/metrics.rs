//! What is counted. Names are one enum, so that none can be mistyped.

mod latency;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use latency::{Latencies, LocalLatencies, Timed};

macro_rules! counters {
    ($( $(#[doc = $doc:literal])+ $counter:ident = $name:literal; )*) => {
        /// A number that only grows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Counter {
            $( $(#[doc = $doc])+ $counter, )*
        }

        impl Counter {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$( Self::$counter, )*];

            /// Its Prometheus name, without the `_total` that the format adds.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $( Self::$counter => $name, )*
                }
            }

            /// What it counts.
            pub(crate) const fn help(self) -> &'static str {
                match self {
                    $( Self::$counter => concat!($($doc),+), )*
                }
            }

            const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

counters! {
    /// WebSocket connections closed
    ConnectionsClosed = "conclave_connections_closed";
    /// WebSocket connections opened
    ConnectionsOpened = "conclave_connections_opened";
    /// Handshakes refused
    HandshakesRefused = "conclave_handshakes_refused";
    /// HTTP requests answered
    HttpRequests = "conclave_http_requests";
    /// API keys that were refused
    KeysRefused = "conclave_api_keys_refused";
    /// Clients turned away because there were too many connections
    ConnectionsLimited = "conclave_connections_limited";
    /// Handshakes put off because too many came, or too many of an address were refused
    HandshakesLimited = "conclave_handshakes_limited";
    /// Messages over the rate of a connection, a user or a room
    MessagesLimited = "conclave_messages_limited";
    /// Commands that asked for more than a bound allows
    SizesLimited = "conclave_sizes_limited";
    /// Tries of passwords put off because too many failed
    SignInsLimited = "conclave_sign_ins_limited";
    /// Tickets not given because too many wait
    TicketsLimited = "conclave_tickets_limited";
    /// Messages received from clients
    MessagesReceived = "conclave_messages_received";
    /// Deliveries to clients, merged ones counted once
    MessagesSent = "conclave_messages_sent";
    /// Sockets dropped because too many handshakes were under way
    OverflowedSockets = "conclave_sockets_overflowed";
    /// Publications taken
    Publications = "conclave_publications";
    /// Commands refused
    Refusals = "conclave_refusals";
    /// HTTP requests over a limit of a user or an address
    RequestsLimited = "conclave_requests_limited";
    /// Sign-ins with the right password
    SignIns = "conclave_sign_ins";
    /// Sign-ins and changes of passwords with a wrong one
    SignInsFailed = "conclave_sign_ins_failed";
    /// Readers closed because they did not read
    SlowReaders = "conclave_slow_readers";
    /// Breaches of the WebSocket protocol
    Violations = "conclave_violations";
}

/// The counters of the process.
#[derive(Debug, Default)]
pub(crate) struct Counters([AtomicU64; COUNT]);

impl Counters {
    /// Adds to one.
    pub(crate) fn add(&self, counter: Counter, count: u64) {
        if let Some(place) = self.0.get(counter.index()) {
            place.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Its present value.
    pub(crate) fn value(&self, counter: Counter) -> u64 {
        self.0
            .get(counter.index())
            .map_or(0, |place| place.load(Ordering::Relaxed))
    }
}

/// The counters of one worker since they were last added to the process's.
#[derive(Debug, Default)]
pub(crate) struct LocalCounters([Cell<u64>; COUNT]);

impl LocalCounters {
    /// Adds to one.
    pub(crate) fn add(&self, counter: Counter, count: u64) {
        if let Some(place) = self.0.get(counter.index()) {
            place.set(place.get() + count);
        }
    }

    /// Moves everything to the process's counters.
    pub(crate) fn add_to(&self, all: &Counters) {
        for counter in Counter::ALL {
            let Some(place) = self.0.get(counter.index()) else {
                continue;
            };
            let count = place.take();
            if count > 0 {
                all.add(*counter, count);
            }
        }
    }
}

const COUNT: usize = Counter::ALL.len();
