//! What the console sees of live connections, rooms and topics, on one node and on two.

use serde_json::{Value, json};

use crate::client::publish;
use crate::http::{Answer, Request};
use crate::nodes::Pair;
use crate::nodes_clients::acquainted;
use crate::rooms_world::{call, conversation, fill, greeted, room, unlimited};
use crate::world::{Token, World, eventually};

fn ask(world: &World, path: &str) -> Answer {
    let mut token = Token::of("operator");
    token.roles = Vec::new();
    token.permissions = vec!["system.monitor".to_owned()];
    let path = format!("/api/v1/{path}");
    let request = Request::new(world.address(), "GET", &path);
    let answer = request.bearer(&world.sign(&token)).send();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

fn list(world: &World, path: &str) -> Vec<Value> {
    ask(world, path).json().as_array().expect("a list").clone()
}

/// One field of all that all pages have.
fn every(world: &World, path: &str, field: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut path = path.to_owned();
    loop {
        let answer = ask(world, &path);
        let page = answer.json();
        let page = page.as_array().expect("a list").iter();
        all.extend(page.map(|each| each[field].clone()));
        let Some(link) = answer.header("link") else {
            return all;
        };
        let target = link.split(['<', '>']).nth(1).expect("a target");
        path = target.trim_start_matches("/api/v1/").to_owned();
    }
}

#[test]
fn connections_are_found_by_what_is_shown_of_them() {
    let world = World::start();
    let mut alice = world.subscriber("alice", "orders");
    let mut bob = world.connect("bob");
    alice.send(&publish("orders", 1));
    alice.json();
    alice.barrier();
    bob.barrier();
    let found = |search: &str| list(&world, &format!("connections?search={search}"));
    let one = found("ALIC");
    assert_eq!(one.len(), 1, "{one:?}");
    assert_eq!(one[0]["user_id"], "alice");
    assert!(one[0]["messages_received"].as_u64() >= Some(2), "{one:?}");
    assert_eq!(one[0]["subscriptions"], 1);
    assert_eq!(one[0]["outbox_bytes"], 0);
    for (search, count) in [("topics", 2), ("127.0.0", 2), ("session-b", 1), ("eve", 0)] {
        assert_eq!(found(search).len(), count, "{search}");
    }
    let users = every(&world, "connections?search=session-&limit=1", "user_id");
    assert_eq!(users.len(), 2, "{users:?}");
}

#[test]
fn topics_are_shown_with_who_hears_them() {
    let world = World::start();
    let mut clients = [
        world.subscriber("alice", "orders"),
        world.subscriber("alice", "orders"),
        world.subscriber("alice", "prices"),
        world.subscriber("bob", "orders"),
    ];
    clients.iter_mut().for_each(crate::client::Client::barrier);
    let shown = |path: &str| {
        let list = list(&world, path);
        let part = |each: &Value| json!([each["session"], each["topic"], each["subscribers"]]);
        Value::Array(list.iter().map(part).collect())
    };
    let alice = ["orders", "prices"].map(|topic| ("session-alice", topic));
    let all = json!([
        [alice[0].0, "orders", 2],
        [alice[1].0, "prices", 1],
        ["session-bob", "orders", 1],
    ]);
    assert_eq!(shown("topics"), all);
    let topics = every(&world, "topics?limit=1&search=OR", "topic");
    assert_eq!(topics, ["orders", "orders"]);
    assert_eq!(shown("topics?search=bob"), json!([all[2]]));
    let heard = list(
        &world,
        "topics/subscribers?session=session-alice&topic=orders",
    );
    let users: Vec<_> = heard.iter().map(|each| &each["user_id"]).collect();
    assert_eq!(users, ["alice", "alice"]);
    assert_eq!(
        list(&world, "topics/subscribers?session=x&topic=orders"),
        Vec::<Value>::new()
    );
    clients[3].close(1000);
    clients[3].closed_at_last();
    eventually("the topic's end", || {
        (shown("topics?search=bob") == json!([])).then_some(())
    });
}

#[test]
fn all_rooms_are_shown_with_who_hears_them() {
    let world = unlimited().start();
    let (one, two) = (room(&world, "ann", &["bob"]), room(&world, "eve", &[]));
    fill(&world, "ann", &one, 3, "hello");
    let mut client = greeted(conversation(&world, "bob", &one).connect());
    client.json();
    let rooms = list(&world, "rooms");
    let of = |id: &str| rooms.iter().find(|each| each["id"] == id).expect(id);
    assert_eq!(
        [
            &of(&one)["owner_id"],
            &of(&one)["members"],
            &of(&one)["messages"]
        ],
        [&json!("ann"), &json!(2), &json!(3)]
    );
    assert_eq!(
        (&of(&one)["type"], &of(&one)["name"]),
        (&json!("PRIVATE"), &json!("room"))
    );
    assert_eq!(of(&two)["subscribers"], 0);
    let found = list(&world, "rooms?search=EVE");
    assert_eq!((found.len(), &found[0]["id"]), (1, &json!(two)));
    let mut ids = every(&world, "rooms?limit=1&search=room", "id");
    ids.sort_by_key(ToString::to_string);
    let mut both = [json!(one), json!(two)];
    both.sort_by_key(ToString::to_string);
    assert_eq!(ids, both);
    let heard = list(&world, &format!("rooms/{one}/subscribers"));
    assert_eq!((heard.len(), &heard[0]["user_id"]), (1, &json!("bob")));
    assert_eq!(list(&world, "rooms/none/subscribers"), Vec::<Value>::new());
}

#[test]
fn commands_and_deliveries_are_timed() {
    let world = unlimited().start();
    let id = room(&world, "ann", &[]);
    fill(&world, "ann", &id, 5, "hello");
    let count = |timed: &str| {
        let figures = ask(&world, "figures").json();
        figures["latency"][timed]["count"]
            .as_u64()
            .expect("a count")
    };
    // They are added up once a second.
    eventually("the times", || (count("command") == 5).then_some(()));
    eventually("the times", || (count("delivery") >= 5).then_some(()));
}

#[test]
fn what_is_heard_is_counted_on_all_nodes() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    acquainted(&pair);
    let id = room(one, "ann", &["bob"]);
    // Once greeted they hear the room.
    let _clients = [one, two, two].map(|node| greeted(conversation(node, "bob", &id).connect()));
    let mut topics = [(one, "orders"), (two, "orders"), (two, "prices")]
        .map(|(node, topic)| node.subscriber("bob", topic));
    topics.iter_mut().for_each(crate::client::Client::barrier);
    for node in [one, two] {
        let rooms = list(node, &format!("rooms?search={id}"));
        assert_eq!(rooms[0]["subscribers"], 3, "{rooms:?}");
        let heard = list(node, &format!("rooms/{id}/subscribers"));
        assert_eq!(heard.len(), 3, "{heard:?}");
        let topics = list(node, "topics?search=session-bob");
        let counts: Vec<_> = topics.iter().map(|each| &each["subscribers"]).collect();
        assert_eq!(counts, [&json!(2), &json!(1)], "{topics:?}");
        let names = every(node, "topics?limit=1", "topic");
        assert_eq!(names, ["orders", "prices"]);
        let heard = list(node, "topics/subscribers?session=session-bob&topic=orders");
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert_ne!(heard[0]["node"], heard[1]["node"]);
        assert_eq!(list(node, "connections?search=conversation").len(), 3);
    }
    let gone = call(one, "ann", "GET", &format!("/channels/{id}"), &Value::Null);
    assert_eq!(gone.status, 200);
}
