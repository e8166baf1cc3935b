use conclave_core::{Page, Permit, Rooms};
use conclave_protocol::ReadOwn;

async fn read(rooms: &Rooms, permit: Permit<ReadOwn>, page: Page) {
    drop(rooms.messages(permit, page).await);
}

fn main() {}
