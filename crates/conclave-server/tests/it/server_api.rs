//! What backends do to live connections.

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::world::{Token, World};

#[test]
fn connections_are_seen_and_ended_by_their_ids() {
    let world = World::start();
    let mut alice = world.connect("alice");
    let mut bob = world.connect("bob");
    alice.barrier();
    bob.barrier();
    let listed = connections(&world);
    let list = listed.as_array().expect("a list");
    assert_eq!(list.len(), 2, "{listed}");
    let of = |user: &str| list.iter().find(|each| each["user_id"] == user);
    let connection = of("alice").expect("alice's");
    assert_eq!(connection["session"], "session-alice");
    assert_eq!(connection["surface"], "topics");
    assert_eq!(connection["address"], "127.0.0.1");

    let wish = json!({ "connection_id": connection["id"], "code": 4321, "reason": "enough" });
    assert_eq!(disconnect(&world, &wish).json(), json!({ "closed": 1 }));
    assert_eq!(alice.closed(), (4321, "enough".to_owned()));
    assert_eq!(disconnect(&world, &wish).json(), json!({ "closed": 0 }));
    bob.barrier();

    let mut other = world.connect("bob");
    other.barrier();
    let wish = json!({ "user_id": "bob" });
    assert_eq!(disconnect(&world, &wish).json(), json!({ "closed": 2 }));
    assert_eq!((bob.closed().0, other.closed().0), (1008, 1008));
    // Nobody's token was taken away.
    world.connect("bob").barrier();
}

#[test]
fn a_backend_publishes_to_a_clients_topic() {
    let world = World::start();
    let mut alice = world.subscriber("alice", "orders");
    let mut bob = world.subscriber("bob", "orders");
    let publish = json!({
        "session": "session-alice", "topic": "orders", "payload": { "id": 7 },
        "publisher_name": "shop",
    });
    let answer = call(&world, "POST", "topics/publish", &publish);
    assert_eq!(answer.status, 204, "{}", answer.body);
    let heard = alice.json();
    assert_eq!(heard["payload"], json!({ "id": 7 }), "{heard}");
    assert_eq!(heard["publisher_name"], "shop", "{heard}");
    // In another session nothing was heard.
    bob.barrier();
}

fn connections(world: &World) -> Value {
    call(world, "GET", "connections", &Value::Null).json()
}

fn disconnect(world: &World, wish: &Value) -> Answer {
    call(world, "POST", "disconnect", wish)
}

fn call(world: &World, method: &str, path: &str, body: &Value) -> Answer {
    let token = world.sign(&Token::of("root").role("admin"));
    let path = format!("/api/v1/{path}");
    let request = match body {
        Value::Null => Request::new(world.address(), method, &path),
        body => Request::post(world.address(), &path, body),
    };
    request.bearer(&token).send()
}
