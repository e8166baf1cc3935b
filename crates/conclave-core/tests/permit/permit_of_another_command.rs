use conclave_core::{Permit, Subscribed, Topics};
use conclave_protocol::Unsubscribe;

fn subscribe(topics: &Topics, permit: Permit<Unsubscribe<'static>>) -> Subscribed {
    topics.subscribe(permit, 0)
}

fn main() {}
