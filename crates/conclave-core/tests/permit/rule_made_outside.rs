use conclave_core::{Denied, Guarded};
use conclave_protocol::{Channel, Principal};

struct Everything;

impl Guarded for Everything {
    fn check(&self, _: &Principal) -> Result<Channel, Denied> {
        Ok(Channel::Broadcast)
    }
}

fn main() {}
