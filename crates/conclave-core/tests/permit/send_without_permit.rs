use conclave_core::{Rooms, Stamp};
use conclave_protocol::{MessageId, SendMessage};

async fn send(rooms: &Rooms, command: SendMessage, id: MessageId, stamp: Stamp) {
    drop(rooms.send(command, id, stamp).await);
}

fn main() {}
