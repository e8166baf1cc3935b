use conclave_core::{Rooms, Subscribed};
use conclave_protocol::Follow;

fn hear(rooms: &Rooms, command: &Follow) -> Subscribed {
    rooms.hear(command, 0)
}

fn main() {}
