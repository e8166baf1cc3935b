//! What one node costs, out of the report of `conclave bench`.

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// Costs of one node. CPU is in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Costs {
    /// One delivery by a write of its own.
    pub(super) delivery: f64,
    /// One delivery, 16 publications under way.
    pub(super) merged_delivery: f64,
    /// Reading and placing one publication: what rooms of ten cost more than a topic of a thousand,
    /// per publication.
    pub(super) publication: f64,
    /// One authenticated handshake and its end.
    pub(super) handshake: f64,
    /// An idle connection, per second.
    pub(super) idle_second: f64,
    /// User memory of an idle connection.
    pub(super) connection_bytes: f64,
    /// Messages that a file's store takes per second, 256 senders.
    pub(super) stored_per_second: f64,
    /// The same of PostgreSQL, where it was measured.
    pub(super) stored_shared_per_second: Option<f64>,
    /// CPU of one stored message, its ack included.
    pub(super) stored: f64,
}

/// What clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Dialect {
    /// Socket.IO
    #[value(name = "socketio")]
    SocketIo,
    /// Plain WebSocket text
    Topics,
}

#[derive(Deserialize)]
struct Report {
    sizes: Sizes,
    medians: Vec<Row>,
}

#[derive(Deserialize)]
struct Sizes {
    memory_to: u32,
}

#[derive(Deserialize)]
struct Row {
    case: String,
    subject: String,
    cpu_ns: Option<f64>,
    per_second: Option<f64>,
    bytes: Option<f64>,
    idle_percent: Option<f64>,
}

impl Costs {
    /// Reads a report.
    ///
    /// # Errors
    /// It is no report, or names the case that is missing in it.
    pub(super) fn read(text: &str, dialect: Dialect) -> Result<Self> {
        let report: Report = serde_json::from_str(text)?;
        let figure = |case: &str, value: fn(&Row) -> Option<f64>| {
            let mut rows = report.medians.iter();
            let row = rows.find(|row| row.case == case && row.subject == "conclave");
            row.and_then(value)
                .with_context(|| format!("{case} was not measured"))
        };
        let cpu = |case: &str| Ok::<_, anyhow::Error>(figure(case, |row| row.cpu_ns)? / 1000.0);
        let (fan_out, in_flight, handshake, memory) = match dialect {
            Dialect::SocketIo => (
                "socket_io_fanout",
                "socket_io_in_flight",
                "socket_io_handshake",
                "socket_io_memory",
            ),
            Dialect::Topics => ("fanout", "fanout_in_flight", "handshake", "memory"),
        };
        let idle_cores = figure("idle", |row| row.idle_percent)? / 100.0;
        Ok(Self {
            delivery: cpu(fan_out)?,
            merged_delivery: cpu(in_flight)?,
            publication: ((cpu("rooms")? - cpu("fanout")?) * MEMBERS_OF_ROOMS).max(0.0),
            handshake: cpu(handshake)?,
            idle_second: idle_cores * 1e6 / f64::from(report.sizes.memory_to),
            connection_bytes: figure(memory, |row| row.bytes)?,
            stored_per_second: figure("durable_many", |row| row.per_second)?,
            stored_shared_per_second: figure("durable_postgres", |row| row.per_second).ok(),
            stored: cpu("durable_many")?,
        })
    }
}

/// Of the scenario `rooms`.
const MEMBERS_OF_ROOMS: f64 = 10.0;
