use conclave_core::{Subscribed, Topics};
use conclave_protocol::Subscribe;

fn subscribe(topics: &Topics, command: Subscribe<'static>) -> Subscribed {
    topics.subscribe(command, 0)
}

fn main() {}
