//! The bounds of rooms.

use super::super::measurement::{Case, Measurement, Results};
use super::super::subject::Subject::{Conclave, Node, Store};
use super::{Figure, Unit};

/// Durable sends, Socket.IO, mixed rooms, history.
pub(super) fn figures(results: &Results) -> Vec<Figure> {
    let mut figures = durable(results);
    figures.extend(socketio(results));
    figures.extend(mixed(results));
    figures.extend(history(results));
    figures
}

/// The store's own sends are measured in the same run, once for both dialects.
fn durable(results: &Results) -> Vec<Figure> {
    let rate = |case| {
        // The store's own sends are the same for both dialects.
        let own = match case {
            Case::DurablePostgres => case,
            _ => Case::DurableMany,
        };
        results.compared(
            (case, Conclave),
            (own, Store),
            |row| row.per_second,
            |server, store| server / store,
        )
    };
    [
        (
            "durable sends, 256 senders, conversation: rate",
            Case::DurableMany,
        ),
        (
            "durable sends, 256 senders, Socket.IO: rate",
            Case::DurableSocketIoMany,
        ),
        (
            "durable sends into PostgreSQL, 256 senders: rate",
            Case::DurablePostgres,
        ),
    ]
    .map(|(name, case)| Figure::at_least(name, Unit::TimesStore, 0.7, rate(case)))
    .into()
}

fn socketio(results: &Results) -> Vec<Figure> {
    let cpu = |case| results.cpu_ratio((case, Conclave), (case, Node));
    let memory = results.compared(
        (Case::SocketIoMemory, Conclave),
        (Case::SocketIoMemory, Node),
        |row| row.bytes,
        |conclave, node| conclave / node,
    );
    [
        (
            "Socket.IO: CPU per handshake",
            0.15,
            cpu(Case::SocketIoHandshake),
        ),
        (
            "Socket.IO: CPU per delivery, one at a time",
            0.4,
            cpu(Case::SocketIoFanout),
        ),
        (
            "Socket.IO: CPU per delivery, 16 in flight",
            0.1,
            cpu(Case::SocketIoInFlight),
        ),
        ("Socket.IO: memory per idle connection", 0.25, memory),
    ]
    .map(|(name, bound, measured)| Figure::new(name, Unit::TimesNode, bound, measured))
    .into()
}

fn mixed(results: &Results) -> Vec<Figure> {
    let topic = |room, topic| results.cpu_ratio((room, Conclave), (topic, Conclave));
    [
        (
            "mixed room: CPU per delivery, one at a time",
            topic(Case::MixedRoom, Case::MixedTopic),
        ),
        (
            "mixed room: CPU per delivery, 16 in flight",
            topic(Case::MixedRoomInFlight, Case::MixedTopicInFlight),
        ),
    ]
    .map(|(name, measured)| Figure::new(name, Unit::TimesTopic, 1.3, measured))
    .into()
}

fn history(results: &Results) -> Vec<Figure> {
    let p50 = |row: &Measurement| row.latency.map(|latency| latency.p50_us / 1000.0);
    [
        (
            "newest page of 1,000,000 messages, median",
            5.0,
            (Case::HistoryNewest, Store),
        ),
        (
            "page 10,000 back, median",
            5.0,
            (Case::HistoryFarBack, Store),
        ),
        (
            "restart with 1,000,000 messages until ready",
            2000.0,
            (Case::HistoryRestart, Conclave),
        ),
    ]
    .map(|(name, bound, (case, subject))| {
        let measured = results.median(case, subject, p50);
        Figure::new(name, Unit::Milliseconds, bound, measured)
    })
    .into()
}
