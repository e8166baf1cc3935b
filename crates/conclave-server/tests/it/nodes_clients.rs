//! Clients that change nodes, and what is asked and bounded over all nodes.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::nodes::Pair;
use crate::rooms_world::{Gate, call, room};
use crate::world::{PATIENCE, Token, World, eventually};

fn say(world: &World, room: &str, content: &str) {
    let path = format!("/channels/{room}/messages");
    let said = call(world, "ann", "POST", &path, &json!({ "content": content }));
    assert_eq!(said.status, 201, "{said:?}");
}

/// A client of Bob's on this node that has heard one message of the room.
fn listener(world: &World, room: &str) -> Gate {
    let mut gate = Gate::of(world, "bob");
    say(world, room, "first");
    while gate.event().1["content"] != "first" {}
    gate
}

/// Comes back to this node with that `auth`; whether as itself.
fn back(world: &World, auth: &Value) -> (Gate, bool) {
    let gate = Gate::with(&Gate::dial(world), auth);
    let is_same = gate.welcome["pid"] == auth["pid"];
    (gate, is_same)
}

fn assert_next(gate: &mut Gate, contents: &[&str]) {
    for content in contents {
        let (name, data) = gate.event();
        let came = (name.as_str(), &data["content"]);
        assert_eq!(came, ("message.created", &json!(content)));
    }
}

/// Waits until each node has heard of the other.
pub(crate) fn acquainted(pair: &Pair) {
    for node in &pair.nodes {
        eventually("the nodes know each other", || {
            let metrics = Request::new(node.address(), "GET", "/metrics");
            let metrics = metrics.bearer(&node.sign(&Token::of("admin").role("admin")));
            metrics
                .send()
                .body
                .contains("conclave_nodes 2")
                .then_some(())
        });
    }
}

#[test]
fn a_client_whose_old_connection_is_still_open_is_recovered_on_the_other_node() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    acquainted(&pair);
    let id = room(one, "ann", &["bob"]);
    let old = listener(one, &id);
    let auth = old.auth(two, "bob");
    // Neither somebody else, nor the secret alone.
    let mut other = auth.clone();
    other["token"] = two.token("cid").into();
    assert!(!back(two, &other).1);
    say(two, &id, "second");
    let (mut gate, is_same) = back(two, &auth);
    assert!(is_same);
    assert_eq!(gate.welcome["sid"], old.welcome["sid"]);
    assert_next(&mut gate, &["second"]);
    say(one, &id, "third");
    assert_next(&mut gate, &["third"]);
    let mut old = old;
    while old.packet().is_some() {}
}

#[test]
fn a_client_that_was_cut_off_is_recovered_on_the_other_node_once() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    acquainted(&pair);
    let id = room(one, "ann", &["bob"]);
    let gate = listener(one, &id);
    let auth = gate.auth(one, "bob");
    drop(gate);
    for number in 0..50 {
        say(one, &id, &number.to_string());
    }
    let (mut gate, is_same) = back(two, &auth);
    assert!(is_same);
    let missed: Vec<String> = (0..50).map(|number: u32| number.to_string()).collect();
    let missed: Vec<&str> = missed.iter().map(String::as_str).collect();
    assert_next(&mut gate, &missed);
    let again = gate.auth(one, "bob");
    drop(gate);
    say(one, &id, "and back");
    let (mut gate, is_same) = back(one, &again);
    assert!(is_same, "it may go on changing nodes");
    assert_next(&mut gate, &["and back"]);
}

#[test]
fn clients_of_a_node_that_stops_are_recovered_on_the_other() {
    let mut pair = Pair::start();
    acquainted(&pair);
    let id = room(&pair.nodes[0], "ann", &["bob"]);
    let mut gate = listener(&pair.nodes[0], &id);
    let auth = gate.auth(&pair.nodes[1], "bob");
    pair.nodes[0].signal(Signal::TERM);
    while gate.packet().is_some() {}
    assert!(pair.nodes[0].wait(PATIENCE).success());
    let two = &pair.nodes[1];
    say(two, &id, "second");
    let (mut gate, is_same) = back(two, &auth);
    assert!(is_same);
    assert_next(&mut gate, &["second"]);
    let (_new, is_same) = back(
        two,
        &json!({ "token": auth["token"], "pid": "0", "offset": auth["offset"] }),
    );
    assert!(!is_same);
}

fn ask(world: &World, method: &str, path: &str, body: &Value) -> Answer {
    let mut token = Token::of("operator");
    token.roles = Vec::new();
    token.permissions = vec!["server.disconnect".to_owned(), "system.monitor".to_owned()];
    let path = format!("/api/v1/{path}");
    let request = match body {
        Value::Null => Request::new(world.address(), method, &path),
        body => Request::post(world.address(), &path, body),
    };
    request.bearer(&world.sign(&token)).send()
}

/// All connections, page by page.
fn connections(world: &World, limit: usize) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().and_then(|last| last["id"].as_str());
        let after = after.map_or_else(String::new, |id| format!("&after={id}"));
        let answer = ask(
            world,
            "GET",
            &format!("connections?limit={limit}{after}"),
            &Value::Null,
        );
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        all.extend(page.as_array().expect("a list").iter().cloned());
        if answer.header("link").is_none() {
            return all;
        }
    }
}

#[test]
fn the_connections_of_all_nodes_are_listed_and_ended_on_any_of_them() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    acquainted(&pair);
    let mut clients: Vec<_> = [one, two, two, one, two]
        .iter()
        .zip(["a", "b", "c", "d", "e"])
        .map(|(node, user)| node.connect(user))
        .collect();
    clients.iter_mut().for_each(crate::client::Client::barrier);
    let listed = connections(one, 50);
    assert_eq!(listed.len(), 5, "{listed:?}");
    for limit in 1..=4 {
        for node in [one, two] {
            let same = connections(node, limit);
            let id = |each: &Value| each["id"].clone();
            assert!(same.iter().map(id).eq(listed.iter().map(id)), "{same:?}");
        }
    }
    let of = |user: &str| {
        listed
            .iter()
            .find(|each| each["user_id"] == user)
            .expect(user)
    };
    assert_ne!(of("a")["node"], of("b")["node"]);
    assert_eq!(of("a")["node"], of("d")["node"]);
    let end = |id: &Value| {
        let wish = json!({ "connection_id": id, "code": 4321 });
        ask(one, "POST", "disconnect", &wish).json()
    };
    for (place, user) in [(0, "a"), (1, "b")] {
        assert_eq!(end(&of(user)["id"]), json!({ "closed": 1 }), "{user}");
        assert_eq!(clients[place].closed_at_last().0, 4321);
        assert_eq!(end(&of(user)["id"]), json!({ "closed": 0 }), "{user}");
    }
    let nowhere = format!("7-{:032x}", 17);
    assert_eq!(end(&json!(nowhere)), json!({ "closed": 0 }));
    assert_eq!(connections(two, 2).len(), 3);
}

#[test]
fn a_node_that_does_not_answer_is_named() {
    let mut pair = Pair::start();
    acquainted(&pair);
    let mut client = pair.nodes[1].connect("ann");
    client.barrier();
    let listed = connections(&pair.nodes[0], 50);
    let (id, name) = (listed[0]["id"].clone(), listed[0]["node"].clone());
    pair.nodes[1].crash();
    let answer = ask(&pair.nodes[0], "GET", "connections", &Value::Null);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("conclave-silent-nodes").map(Value::from),
        Some(name)
    );
    let wish = json!({ "connection_id": id });
    let answer = ask(&pair.nodes[0], "POST", "disconnect", &wish);
    assert_eq!(answer.status, 503, "{answer:?}");
}

#[test]
fn failed_sign_ins_count_on_all_nodes() {
    let pair = Pair::with(|plan| plan.set("limits.sign_in_failures_per_minute", 3));
    let [one, two] = &pair.nodes;
    acquainted(&pair);
    let admin = one.sign(&Token::of("admin").role("admin"));
    let user = json!({ "name": "user123", "password": "password" });
    let made = Request::post(one.address(), "/api/v1/users", &user);
    assert_eq!(made.bearer(&admin).send().status, 201);
    let sign_in = |world: &World, password: &str| {
        let form = format!("username=user123&password={password}");
        Request::form(world.address(), "/token", &form)
            .send()
            .status
    };
    for _ in 0..3 {
        assert_eq!(sign_in(one, "wrong"), 401);
    }
    assert_eq!(sign_in(one, "password"), 429);
    eventually("the other node refuses too", || {
        (sign_in(two, "password") == 429).then_some(())
    });
}
