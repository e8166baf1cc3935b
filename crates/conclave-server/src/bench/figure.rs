//! The bounds, and how the measured figures stand against them.

use std::fmt;

use serde::{Serialize, Serializer};

use super::measurement::{Case, Measurement, Results};
use super::subject::Subject::{self, Conclave, Floor, Node, Usual};

mod answers;
mod cluster;
mod rooms;

/// One bound and what was measured.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    /// Absent when its scenario did not run.
    pub(super) measured: Option<f64>,
    /// The measured value must not be larger; not smaller where `at_least`.
    pub(super) bound: f64,
    pub(super) at_least: bool,
    pub(super) unit: Unit,
    pub(super) verdict: Verdict,
}

/// What the numbers of a figure count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    Messages,
    Milliseconds,
    PercentOfCore,
    TimesAlone,
    TimesClient,
    TimesFloor,
    TimesNode,
    TimesOneWorker,
    TimesStore,
    TimesTopic,
    TimesUsual,
}

/// How a figure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Missed,
    NotMeasured,
    Ok,
}

impl Figure {
    fn new(name: &'static str, unit: Unit, bound: f64, measured: Option<f64>) -> Self {
        let verdict = match measured {
            None => Verdict::NotMeasured,
            Some(measured) if measured <= bound => Verdict::Ok,
            Some(_) => Verdict::Missed,
        };
        Self {
            name,
            measured,
            bound,
            at_least: false,
            unit,
            verdict,
        }
    }

    /// One that must not be smaller than its bound.
    fn at_least(name: &'static str, unit: Unit, bound: f64, measured: Option<f64>) -> Self {
        let verdict = match measured {
            None => Verdict::NotMeasured,
            Some(measured) if measured >= bound => Verdict::Ok,
            Some(_) => Verdict::Missed,
        };
        Self {
            at_least: true,
            verdict,
            ..Self::new(name, unit, bound, measured)
        }
    }

    /// All figures that must be reached, from the results of all runs.
    pub(super) fn all(results: &Results) -> Vec<Self> {
        let mut figures = Self::memory(results);
        figures.extend(Self::cost(results));
        figures.extend(Self::tls_and_workers(results));
        figures.extend(rooms::figures(results));
        figures.extend(cluster::figures(results));
        figures.push(Self::new(
            "100,000 wallet subscriptions: CPU per block",
            Unit::Milliseconds,
            50.0,
            results.median(Case::WalletBlock, Conclave, |row| {
                row.cpu_ns.map(|cpu| cpu / 1e6)
            }),
        ));
        figures.extend(answers::figures(results));
        figures.push(Self::new(
            "lost, duplicated, reordered",
            Unit::Messages,
            0.0,
            // Counts stay far below 2^53.
            results.wrong(Conclave).map(|wrong| wrong as f64),
        ));
        figures
    }

    fn memory(results: &Results) -> Vec<Self> {
        let bytes = |case| results.median(case, Conclave, |row| row.bytes);
        let deflate = results.compared(
            (Case::MemoryDeflate, Conclave),
            (Case::Memory, Conclave),
            |row| row.bytes,
            |deflate, plain| deflate - plain,
        );
        let idle = results.median(Case::Idle, Conclave, |row| row.idle_percent);
        vec![
            Self::new(
                "user memory per idle connection",
                Unit::Bytes,
                1536.0,
                bytes(Case::Memory),
            ),
            Self::new(
                "permessage-deflate negotiated, idle: more",
                Unit::Bytes,
                64.0,
                deflate,
            ),
            Self::new(
                "TLS: user memory per idle connection",
                Unit::Bytes,
                10_240.0,
                bytes(Case::TlsMemory),
            ),
            Self::new(
                "idle CPU at 15,000, pings included",
                Unit::PercentOfCore,
                0.8,
                idle,
            ),
        ]
    }

    fn cost(results: &Results) -> Vec<Self> {
        let floor = |case| results.cpu_ratio((case, Conclave), (case, Floor));
        let in_flight = results.cpu_ratio((Case::FanoutInFlight, Conclave), (Case::Fanout, Floor));
        let handshake = results.cpu_ratio((Case::Handshake, Conclave), (Case::Handshake, Usual));
        let p99 = |row: &Measurement| row.latency.map(|latency| latency.p99_us / 1000.0);
        vec![
            Self::new(
                "CPU per delivery, one publication at a time",
                Unit::TimesFloor,
                1.15,
                floor(Case::Fanout),
            ),
            Self::new("the same, 16 in flight", Unit::TimesFloor, 0.12, in_flight),
            Self::new(
                "9,900 subscribers",
                Unit::TimesFloor,
                1.2,
                floor(Case::FanoutWide),
            ),
            Self::new(
                "echo's p99 while a topic of 10,000 is flooded",
                Unit::Milliseconds,
                3.0,
                results.median(Case::Flood, Conclave, p99),
            ),
            Self::new(
                "CPU per authenticated handshake",
                Unit::TimesUsual,
                0.85,
                handshake,
            ),
            Self::new(
                "echo, CPU per request",
                Unit::TimesFloor,
                1.15,
                floor(Case::Echo),
            ),
        ]
    }

    fn tls_and_workers(results: &Results) -> Vec<Self> {
        let tls = results.cpu_ratio((Case::TlsFanout, Conclave), (Case::TlsFanout, Floor));
        let two = results.cpu_ratio((Case::WorkersTwo, Conclave), (Case::WorkersOne, Conclave));
        vec![
            Self::new("TLS: CPU per delivery", Unit::TimesFloor, 1.35, tls),
            Self::new(
                "two workers: CPU per delivery",
                Unit::TimesOneWorker,
                1.25,
                two,
            ),
        ]
    }

    /// The measured value with its unit, or a dash.
    pub(super) fn measured_text(&self) -> String {
        self.measured
            .map_or_else(|| "-".to_owned(), |value| self.unit.text(value))
    }

    /// The bound with its unit.
    pub(super) fn bound_text(&self) -> String {
        let relation = match (self.at_least, self.bound) {
            (true, _) => ">= ",
            (false, 0.0) => "",
            (false, _) => "<= ",
        };
        format!("{relation}{}", self.unit.text(self.bound))
    }
}

impl Unit {
    fn text(self, value: f64) -> String {
        match self {
            Self::Bytes => format!("{value:.0} B"),
            Self::Messages => format!("{value:.0}"),
            Self::Milliseconds => format!("{value:.2} ms"),
            Self::PercentOfCore => format!("{value:.2} % of a core"),
            Self::TimesFloor => format!("{value:.3} x floor"),
            Self::TimesNode => format!("{value:.3} x node"),
            Self::TimesOneWorker => format!("{value:.3} x one worker"),
            Self::TimesAlone => format!("{value:.3} x alone"),
            Self::TimesClient => format!("{value:.3} x client"),
            Self::TimesStore => format!("{value:.3} x store"),
            Self::TimesTopic => format!("{value:.3} x topic"),
            Self::TimesUsual => format!("{value:.3} x usual"),
        }
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Bytes => "bytes",
            Self::Messages => "messages",
            Self::Milliseconds => "milliseconds",
            Self::PercentOfCore => "percent_of_core",
            Self::TimesFloor => "times_floor",
            Self::TimesNode => "times_node",
            Self::TimesOneWorker => "times_one_worker",
            Self::TimesAlone => "times_alone",
            Self::TimesClient => "times_client",
            Self::TimesStore => "times_store",
            Self::TimesTopic => "times_topic",
            Self::TimesUsual => "times_usual",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Missed => "MISSED",
            Self::NotMeasured => "not measured",
            Self::Ok => "ok",
        })
    }
}

/// The floor's fan-out cost in the same results, for a row's ratio column.
pub(super) const fn yardstick(case: Case) -> Option<(Case, Subject)> {
    match case {
        Case::FanoutInFlight => Some((Case::Fanout, Floor)),
        Case::Echo
        | Case::Fanout
        | Case::FanoutWide
        | Case::Handshake
        | Case::Rooms
        | Case::TlsFanout
        | Case::Upgrade => Some((case, Floor)),
        Case::WorkersOne | Case::WorkersTwo => Some((Case::WorkersOne, Conclave)),
        Case::SocketIoHandshake | Case::SocketIoFanout | Case::SocketIoInFlight => {
            Some((case, Node))
        }
        Case::SocketIoEvent => Some((Case::SocketIoFanout, Node)),
        Case::SocketIoEventInFlight => Some((Case::SocketIoInFlight, Node)),
        Case::MixedRoom => Some((Case::MixedTopic, Conclave)),
        Case::MixedRoomInFlight => Some((Case::MixedTopicInFlight, Conclave)),
        Case::AnswerRoom | Case::AnswerTopicPaced => Some((Case::AnswerTopicPaced, Floor)),
        Case::ClusterReceiving => Some((Case::ClusterHome, Conclave)),
        Case::ClusterBus => Some((case, Floor)),
        Case::AnswerRoomMedian
        | Case::AnswerTopic
        | Case::AnswersAtOnce
        | Case::AnswersLast
        | Case::ClusterAbroad
        | Case::ClusterHome
        | Case::ClusterNear
        | Case::ClusterOne
        | Case::ClusterThree
        | Case::ClusterTwo
        | Case::WalletBlock
        | Case::DurableOne
        | Case::DurablePostgres
        | Case::DurableSixteen
        | Case::DurableMany
        | Case::DurableSocketIoOne
        | Case::DurableSocketIoSixteen
        | Case::DurableSocketIoMany
        | Case::Flood
        | Case::HistoryFarBack
        | Case::HistoryNewest
        | Case::HistoryRestart
        | Case::Idle
        | Case::Memory
        | Case::MemoryDeflate
        | Case::MixedTopic
        | Case::MixedTopicInFlight
        | Case::SocketIoMemory
        | Case::TlsMemory => None,
    }
}

#[cfg(test)]
mod tests;
