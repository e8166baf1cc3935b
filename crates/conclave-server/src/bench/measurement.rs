//! What a scenario gives back: one row per case and subject.

use std::time::Duration;

use serde::Serialize;

use super::latency::{Latency, median};
use super::ledger::Tally;
use super::subject::Subject;

/// A case: one thing measured, of which each subject has a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Case {
    Handshake,
    Upgrade,
    Memory,
    Idle,
    MemoryDeflate,
    Fanout,
    FanoutInFlight,
    FanoutWide,
    Flood,
    Rooms,
    Echo,
    WorkersOne,
    WorkersTwo,
    TlsMemory,
    TlsFanout,
    DurableOne,
    DurableSixteen,
    DurableMany,
    DurableSocketIoOne,
    DurableSocketIoSixteen,
    DurableSocketIoMany,
    DurablePostgres,
    SocketIoHandshake,
    SocketIoMemory,
    SocketIoFanout,
    SocketIoInFlight,
    SocketIoEvent,
    SocketIoEventInFlight,
    MixedTopic,
    MixedTopicInFlight,
    MixedRoom,
    MixedRoomInFlight,
    HistoryNewest,
    HistoryFarBack,
    HistoryRestart,
    ClusterHome,
    ClusterReceiving,
    ClusterNear,
    ClusterAbroad,
    ClusterOne,
    ClusterTwo,
    ClusterThree,
    ClusterBus,
    WalletBlock,
    AnswerTopic,
    AnswerTopicPaced,
    AnswerRoom,
    AnswerRoomMedian,
    AnswersAtOnce,
    AnswersLast,
}

impl Case {
    /// What is measured, and the operation that CPU is counted by.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Handshake => "handshake: connect, upgrade with a token, close; per handshake",
            Self::Upgrade => "handshake without its close; per handshake",
            Self::Memory => "memory: idle, authenticated, subscribed to one topic; per connection",
            Self::Idle => "idle: the same connections, pings included; CPU in % of a core",
            Self::MemoryDeflate => "memory with permessage-deflate negotiated; per connection",
            Self::Fanout => "fan-out, 64 B, one publication at a time; per delivery",
            Self::FanoutInFlight => "fan-out, 64 B, 16 publications in flight; per delivery",
            Self::FanoutWide => "fan-out, 64 B, wide, one publication at a time; per delivery",
            Self::Flood => "flood: echo elsewhere while a topic is flooded; per delivery",
            Self::Rooms => "rooms of ten members, one publication at a time in each; per delivery",
            Self::Echo => "echo: ping and pong; per request",
            Self::WorkersOne => "one worker, four publishers in turn; per delivery",
            Self::WorkersTwo => "two workers, four publishers in turn; per delivery",
            Self::TlsMemory => "TLS memory: as memory, over TLS; per connection",
            Self::TlsFanout => "TLS fan-out, one at a time; per delivery (floor: plain)",
            Self::DurableOne => "durable: acked sends by conversation, 1 sender; per send",
            Self::DurableSixteen => "durable: acked sends by conversation, 16 senders; per send",
            Self::DurableMany => "durable: acked sends by conversation, 256 senders; per send",
            Self::DurableSocketIoOne => "durable: acked sends by Socket.IO, 1 sender; per send",
            Self::DurableSocketIoSixteen => {
                "durable: acked sends by Socket.IO, 16 senders; per send"
            }
            Self::DurableSocketIoMany => "durable: acked sends by Socket.IO, 256 senders; per send",
            Self::DurablePostgres => "durable: acked sends into PostgreSQL, 256 senders; per send",
            Self::SocketIoHandshake => {
                "Socket.IO handshake: connect, upgrade, CONNECT with a token answered; per handshake"
            }
            Self::SocketIoMemory => "Socket.IO memory: idle, in a room of ten; per connection",
            Self::SocketIoFanout => "Socket.IO fan-out, a message to a room of 1,000; per delivery",
            Self::SocketIoInFlight => "Socket.IO fan-out, 16 messages in flight; per delivery",
            Self::SocketIoEvent => "Socket.IO fan-out, a named event; per delivery",
            Self::SocketIoEventInFlight => "Socket.IO fan-out, 16 events in flight; per delivery",
            Self::MixedTopic => "mixed: a topic of the same size for comparison; per delivery",
            Self::MixedTopicInFlight => "mixed: the same topic, 16 in flight; per delivery",
            Self::MixedRoom => {
                "mixed: a message to a room, half Socket.IO, half conversation; per delivery"
            }
            Self::MixedRoomInFlight => "mixed: the same room, 16 messages in flight; per delivery",
            Self::HistoryNewest => "history: newest page of 50 of a room of 1,000,000 messages",
            Self::HistoryFarBack => "history: a page of 50, 10,000 pages back",
            Self::HistoryRestart => "history: killed and started again, until it is ready",
            Self::ClusterHome => "nodes: a node without a bus, one at a time; per delivery",
            Self::ClusterReceiving => {
                "nodes: a node whose publisher is on another; its CPU per delivery"
            }
            Self::ClusterNear => "nodes: paced at half load, subscribers on the publisher's node",
            Self::ClusterAbroad => "nodes: paced at half load, subscribers on another node",
            Self::ClusterOne => "nodes: one, 200 B; CPU of Redis per publication",
            Self::ClusterTwo => "nodes: two, 200 B; CPU of Redis per publication",
            Self::ClusterThree => "nodes: three, 200 B; CPU of Redis per publication",
            Self::ClusterBus => "bus: three ends, 200 B; CPU of Redis (floor: the bare client)",
            Self::WalletBlock => "wallets: 100,000 subscriptions, 1,000 addresses; per block",
            Self::AnswerTopic => "answers: a topic of the same size, one at a time; per delivery",
            Self::AnswerTopicPaced => "answers: as many, 50 publications a second; per delivery",
            Self::AnswerRoom => "answers: one to a room, 50 tokens a second; per delivery",
            Self::AnswerRoomMedian => "answers: the same, latencies of the median subscriber",
            Self::AnswersAtOnce => "answers: one in each room, 50 a second each; per token",
            Self::AnswersLast => "answers: the same, last tokens; CPU in % of the one core",
        }
    }
}

/// One row. What a case does not measure is absent.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Measurement {
    pub(super) case: Case,
    pub(super) subject: Subject,
    /// CPU of the process under test per operation, in nanoseconds.
    pub(super) cpu_ns: Option<f64>,
    /// Operations per second of wall clock; the generator may be what limits it.
    pub(super) per_second: Option<f64>,
    /// User memory per connection.
    pub(super) bytes: Option<f64>,
    /// CPU of the idle process, in per cent of a core.
    pub(super) idle_percent: Option<f64>,
    pub(super) latency: Option<Latency>,
    pub(super) tally: Option<Tally>,
}

impl Measurement {
    pub(super) const fn new(case: Case, subject: Subject) -> Self {
        Self {
            case,
            subject,
            cpu_ns: None,
            per_second: None,
            bytes: None,
            idle_percent: None,
            latency: None,
            tally: None,
        }
    }

    /// With the cost of `operations` that took `cpu` and `wall`.
    pub(super) fn cost(mut self, operations: u64, cpu: Duration, wall: Duration) -> Self {
        // Counts here stay far below 2^53.
        let operations = operations as f64;
        self.cpu_ns = Some(cpu.as_secs_f64() * 1e9 / operations);
        self.per_second = Some(operations / wall.as_secs_f64());
        self
    }

    /// The median of the parts of a run. Each part's tally counts those before it too.
    pub(super) fn of_parts(parts: &[Self]) -> Option<Self> {
        let tally = parts.last()?.tally;
        Some(Self {
            tally,
            ..Self::median(parts)?
        })
    }

    /// The median of the runs, field by field; the tallies are added.
    pub(super) fn median(runs: &[Self]) -> Option<Self> {
        let first = runs.first()?;
        let field = |value: fn(&Self) -> Option<f64>| median(runs.iter().filter_map(value));
        let latency = |value: fn(&Latency) -> f64| {
            median(
                runs.iter()
                    .filter_map(|run| run.latency.as_ref())
                    .map(value),
            )
        };
        Some(Self {
            case: first.case,
            subject: first.subject,
            cpu_ns: field(|run| run.cpu_ns),
            per_second: field(|run| run.per_second),
            bytes: field(|run| run.bytes),
            idle_percent: field(|run| run.idle_percent),
            latency: latency(|latency| latency.p50_us)
                .zip(latency(|latency| latency.p99_us))
                .zip(latency(|latency| latency.p999_us))
                .map(|((p50_us, p99_us), p999_us)| Latency {
                    p50_us,
                    p99_us,
                    p999_us,
                }),
            tally: first
                .tally
                .map(|_| runs.iter().filter_map(|run| run.tally).sum()),
        })
    }
}

/// The rows of all runs, in the order in which they were measured.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// Each with the number of its run.
    rows: Vec<(usize, Measurement)>,
}

impl Results {
    pub(super) fn add(&mut self, run: usize, rows: impl IntoIterator<Item = Measurement>) {
        self.rows.extend(rows.into_iter().map(|row| (run, row)));
    }

    /// The runs of one case and subject.
    pub(super) fn runs(&self, case: Case, subject: Subject) -> Vec<Measurement> {
        let wanted = |row: &Measurement| row.case == case && row.subject == subject;
        self.rows
            .iter()
            .map(|(_, row)| *row)
            .filter(wanted)
            .collect()
    }

    /// The medians, case by case in the order of `Case`, Conclave first.
    pub(super) fn medians(&self) -> Vec<Measurement> {
        let mut keys: Vec<_> = self
            .rows
            .iter()
            .map(|(_, row)| (row.case, row.subject))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter()
            .filter_map(|(case, subject)| Measurement::median(&self.runs(case, subject)))
            .collect()
    }

    /// The median over the runs of `combine`, taken within each run.
    pub(super) fn compared(
        &self,
        left: (Case, Subject),
        right: (Case, Subject),
        value: fn(&Measurement) -> Option<f64>,
        combine: fn(f64, f64) -> f64,
    ) -> Option<f64> {
        let of = |run: usize, (case, subject): (Case, Subject)| {
            let wanted = |row: &Measurement| row.case == case && row.subject == subject;
            let row = self
                .rows
                .iter()
                .find(|(number, row)| *number == run && wanted(row));
            row.and_then(|(_, row)| value(row))
        };
        let last = self.rows.iter().map(|(run, _)| *run).max()?;
        median((0..=last).filter_map(|run| Some(combine(of(run, left)?, of(run, right)?))))
    }

    /// The median over the runs of the CPU of one as a multiple of the other's in the same run.
    pub(super) fn cpu_ratio(&self, over: (Case, Subject), under: (Case, Subject)) -> Option<f64> {
        self.compared(over, under, |row| row.cpu_ns, |over, under| over / under)
    }

    /// The median of one field of one case and subject.
    pub(super) fn median(
        &self,
        case: Case,
        subject: Subject,
        value: fn(&Measurement) -> Option<f64>,
    ) -> Option<f64> {
        median(self.runs(case, subject).iter().filter_map(value))
    }

    /// Everything lost, duplicated or reordered by `subject` in all runs; `None` if nothing counted.
    pub(super) fn wrong(&self, subject: Subject) -> Option<u64> {
        let tallies: Vec<Tally> = self
            .rows
            .iter()
            .filter(|(_, row)| row.subject == subject)
            .filter_map(|(_, row)| row.tally)
            .collect();
        (!tallies.is_empty()).then(|| tallies.into_iter().map(Tally::wrong).sum())
    }

    pub(super) fn rows(&self) -> &[(usize, Measurement)] {
        &self.rows
    }
}
