//! How much of everything: the full run that the bounds speak of, and the quick one.

use std::time::Duration;

use serde::Serialize;

/// Counts of one run of each scenario.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Sizes {
    /// Connections made and closed, after a tenth as many to warm up.
    pub(super) handshakes: usize,
    /// Connections where memory is read first.
    pub(super) memory_from: usize,
    /// Connections where memory is read last.
    pub(super) memory_to: usize,
    /// How long the idle process is watched.
    pub(super) idle: Duration,
    /// Subscribers of the fan-out.
    pub(super) subscribers: usize,
    /// Publications, one at a time.
    pub(super) publications: usize,
    /// Bursts of 16 publications.
    pub(super) bursts: usize,
    /// Subscribers of the wide fan-out.
    pub(super) wide_subscribers: usize,
    /// Its publications, one at a time.
    pub(super) wide_publications: usize,
    /// Subscribers of the flooded topic.
    pub(super) flood_subscribers: usize,
    /// How long it is flooded.
    pub(super) flood: Duration,
    /// Rooms of ten members.
    pub(super) rooms: usize,
    /// Publications in each room.
    pub(super) room_publications: usize,
    /// Requests of each of the echo connections.
    pub(super) echo_requests: usize,
    /// How long each number of senders sends.
    pub(super) durable: Duration,
    /// Connections made over Socket.IO, after a tenth as many to warm up.
    pub(super) socketio_handshakes: usize,
    /// Connections over Socket.IO where memory is read first.
    pub(super) socketio_memory_from: usize,
    /// Connections over Socket.IO where memory is read last.
    pub(super) socketio_memory_to: usize,
    /// Messages to a room, one at a time.
    pub(super) messages: usize,
    /// Bursts of 16 messages to a room.
    pub(super) message_bursts: usize,
    /// Messages of the room whose history is read.
    pub(super) history_messages: u64,
    /// Pages back from its newest.
    pub(super) history_pages: u64,
    /// Publications of each publisher as fast as they go through.
    pub(super) cluster_publications: u64,
    /// Publications at half that rate.
    pub(super) cluster_paced: usize,
    /// Connections that have a hundred subscriptions to wallets each.
    pub(super) wallet_connections: usize,
    /// Blocks of the chain.
    pub(super) wallet_blocks: usize,
    /// Rooms in which an answer is given at once, at most 1,000.
    pub(super) answer_rooms: usize,
    /// Tokens of each answer.
    pub(super) answer_tokens: usize,
}

impl Sizes {
    /// What the bounds speak of.
    pub(super) const FULL: Self = Self {
        handshakes: 20_000,
        memory_from: 5_000,
        memory_to: 15_000,
        idle: Duration::from_secs(30),
        subscribers: 1_000,
        publications: 1_000,
        bursts: 250,
        wide_subscribers: 9_900,
        wide_publications: 100,
        flood_subscribers: 10_000,
        flood: Duration::from_secs(5),
        rooms: 100,
        room_publications: 600,
        echo_requests: 4_000,
        durable: Duration::from_secs(4),
        socketio_handshakes: 8_000,
        socketio_memory_from: 2_000,
        socketio_memory_to: 8_000,
        messages: 400,
        message_bursts: 60,
        history_messages: 1_000_000,
        history_pages: 10_000,
        cluster_publications: 20_000,
        cluster_paced: 10_000,
        wallet_connections: 1_000,
        wallet_blocks: 100,
        answer_rooms: 1_000,
        answer_tokens: 500,
    };
    /// Shows that everything runs; no figure of it is a verdict.
    pub(super) const QUICK: Self = Self {
        handshakes: 2_000,
        memory_from: 500,
        memory_to: 1_500,
        idle: Duration::from_secs(3),
        subscribers: 200,
        publications: 200,
        bursts: 50,
        wide_subscribers: 1_000,
        wide_publications: 50,
        flood_subscribers: 1_000,
        flood: Duration::from_secs(1),
        rooms: 20,
        room_publications: 100,
        echo_requests: 300,
        durable: Duration::from_millis(500),
        socketio_handshakes: 1_000,
        socketio_memory_from: 200,
        socketio_memory_to: 800,
        messages: 100,
        message_bursts: 20,
        history_messages: 20_000,
        history_pages: 200,
        cluster_publications: 2_000,
        cluster_paced: 1_000,
        wallet_connections: 50,
        wallet_blocks: 10,
        answer_rooms: 50,
        answer_tokens: 50,
    };
}
