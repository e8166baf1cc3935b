use conclave_core::Actor;
use conclave_protocol::UserId;

fn make(user: UserId) -> Actor {
    Actor { user, any: true, moderator: true }
}

fn main() {}
