use conclave_core::{Listen, Permit};
use conclave_protocol::Channel;

fn make() -> Permit<Listen> {
    Permit { command: Listen, channel: Channel::Broadcast }
}

fn main() {}
