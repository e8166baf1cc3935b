use conclave_core::{Listen, Permit};
use conclave_protocol::Channel;

fn turn(permit: &mut Permit<Listen>, channel: Channel) {
    permit.channel = channel;
}

fn main() {}
