use std::rc::Rc;
use std::sync::Arc;

use conclave_core::{Hub, Membership, Subscribed};
use conclave_protocol::{Channel, Position};

fn join(hub: &Rc<Hub>, channel: Arc<Channel>, position: Position) -> Membership {
    hub.join(&Subscribed { channel, position, replay: Vec::new(), gap: false }, 0)
}

fn main() {}
