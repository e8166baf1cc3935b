use conclave_core::{Listen, Subscribed, Topics};

fn listen(topics: &Topics) -> Subscribed {
    topics.listen(Listen, 0)
}

fn main() {}
