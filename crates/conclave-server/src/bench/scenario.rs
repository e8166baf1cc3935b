//! The scenarios, each one run of one thing for every subject that can do it.

mod answers;
mod bus;
mod cluster;
mod durable;
mod echo;
mod fanout;
mod flood;
mod handshake;
mod history;
mod memory;
mod mixed;
mod rooms;
mod socketio;
mod tls;
mod wallet;
mod workers;

use anyhow::Result;

use super::bed::Bed;
use super::measurement::Measurement;

pub(super) use cluster::measure_points;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scenario {
    /// Connect, upgrade with a token, close: CPU per handshake, limits and audit on
    Handshake,
    /// Idle connections: memory plain and with permessage-deflate, CPU with pings
    Memory,
    /// One topic: 1,000 subscribers one publication at a time and 16 in flight, then 9,900
    Fanout,
    /// Echo on other connections while a topic of 10,000 is flooded
    Flood,
    /// A hundred topics of ten members
    Rooms,
    /// Ping and pong
    Echo,
    /// Two workers against one: order and cost
    Workers,
    /// TLS: idle memory and fan-out
    Tls,
    /// Acked sends into rooms, 1, 16 and 256 senders, against the store by itself
    Durable,
    /// Socket.IO handshake, fan-out and memory, against socket.io on Node
    #[value(name = "socketio")]
    SocketIo,
    /// A room whose members are half Socket.IO, half conversation, against a topic
    Mixed,
    /// A room of 1,000,000 messages: pages and restart
    History,
    /// Several nodes over one Redis: deliveries, latency, publications
    Cluster,
    /// 100,000 subscriptions over 1,000 wallets: a block of the chain
    Wallet,
    /// Answers token by token: one that 1,000 hear, and 1,000 at once
    Answers,
}

impl Scenario {
    /// All of them, in the order in which they run.
    pub(super) const ALL: [Self; 15] = [
        Self::Handshake,
        Self::Memory,
        Self::Fanout,
        Self::Flood,
        Self::Rooms,
        Self::Echo,
        Self::Workers,
        Self::Tls,
        Self::Durable,
        Self::SocketIo,
        Self::Mixed,
        Self::History,
        Self::Cluster,
        Self::Wallet,
        Self::Answers,
    ];

    /// Runs it once.
    ///
    /// # Errors
    /// A subject does not start, refuses the generator, or ends; not a figure that misses its bound.
    pub(super) fn run(self, bed: &Bed) -> Result<Vec<Measurement>> {
        match self {
            Self::Handshake => handshake::run(bed),
            Self::Memory => memory::run(bed),
            Self::Fanout => fanout::run(bed),
            Self::Flood => flood::run(bed),
            Self::Rooms => rooms::run(bed),
            Self::Echo => echo::run(bed),
            Self::Workers => workers::run(bed),
            Self::Tls => tls::run(bed),
            Self::Durable => durable::run(bed),
            Self::SocketIo => socketio::run(bed),
            Self::Mixed => mixed::run(bed),
            Self::History => history::run(bed),
            Self::Cluster => cluster::run(bed),
            Self::Wallet => wallet::run(bed),
            Self::Answers => answers::run(bed),
        }
    }
}
