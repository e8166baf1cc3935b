use conclave_core::{Publisher, Topics};
use conclave_protocol::{Broadcast, Timestamp};

fn broadcast(topics: &Topics, command: Broadcast<'static>, from: Publisher<'_>, at: Timestamp) {
    topics.broadcast(command, from, at, 0);
}

fn main() {}
