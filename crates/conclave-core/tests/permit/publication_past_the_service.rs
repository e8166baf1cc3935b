use std::sync::Arc;

use conclave_core::Inbox;
use conclave_protocol::Publication;

fn push(inbox: &Inbox, publication: Arc<Publication>) {
    inbox.push(publication);
}

fn main() {}
