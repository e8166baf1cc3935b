use conclave_core::{Listen, Permit, Topics};

fn twice(topics: &Topics, permit: Permit<Listen>) {
    drop(topics.listen(permit, 0));
    drop(topics.listen(permit, 0));
}

fn main() {}
