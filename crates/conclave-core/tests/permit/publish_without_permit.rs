use conclave_core::{Publisher, Topics};
use conclave_protocol::{Publish, Timestamp};

fn publish(topics: &Topics, command: Publish<'static>, from: Publisher<'_>, at: Timestamp) {
    topics.publish(command, from, at);
}

fn main() {}
