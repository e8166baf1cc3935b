//! What is posted, to whom, and what becomes of it when the receiver or the server fails.

use std::io::Write as _;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::http::Request;
use crate::world::{PATIENCE, Plan, Receiver, Reply, World, eventually};

const SECRET: &str = "Zt8qLw2vNc5xRb7yHd4kMf9sGj3pUa6e";

/// A table of a webhook.
fn webhook(name: &str, url: &str, events: &[&str]) -> String {
    format!(
        "[[webhooks]]\nname = '{name}'\nurl = '{url}'\nevents = {events:?}\nsecret = '{SECRET}'\n\
         allow_private = true\ntimeout_seconds = 1\n"
    )
}

fn server(receiver: &Receiver, events: &[&str]) -> World {
    Plan::new()
        .file(&webhook("hook", &receiver.url(), events))
        .start()
}

/// The same server again, after its end.
fn again(world: &World, receiver: &Receiver, events: &[&str]) -> World {
    Plan::new()
        .folder(world.folder())
        .file(&webhook("hook", &receiver.url(), events))
        .start()
}

fn room(world: &World, members: &[&str]) -> String {
    let body = json!({ "type": "PRIVATE", "name": "a room", "memberIds": members });
    let created = Request::post(world.address(), "/channels", &body);
    let created = created.bearer(&world.token("alice")).send();
    assert_eq!(created.status, 201, "{created:?}");
    created.json()["id"].as_str().expect("an id").to_owned()
}

fn send(world: &World, room: &str, content: &str) {
    let path = format!("/channels/{room}/messages");
    let sent = Request::post(world.address(), &path, &json!({ "content": content }));
    let sent = sent.bearer(&world.token("alice")).send();
    assert_eq!(sent.status, 201, "{sent:?}");
}

fn contents(events: &[Value]) -> Vec<String> {
    let contents = events
        .iter()
        .filter_map(|event| event["data"]["message"]["content"].as_str());
    contents.map(str::to_owned).collect()
}

/// Waits until these messages were taken, in this order, each at least once.
fn wait_for(receiver: &Receiver, expected: &[&str]) -> Vec<Value> {
    receiver.wait_within(PATIENCE * 2, |events| {
        let mut contents = contents(events);
        contents.dedup();
        (contents == expected).then(|| events.to_vec())
    })
}

fn metric(world: &World, name: &str) -> u64 {
    let text = Request::new(world.address(), "GET", "/metrics").send().body;
    let line = format!("{name}{{webhook=\"hook\"}} ");
    let value = text.lines().find_map(|text| text.strip_prefix(&line));
    value.and_then(|value| value.parse().ok()).expect(name)
}

#[test]
fn everything_that_was_asked_for_is_posted_in_order() {
    let receiver = Receiver::start();
    let all = ["connect", "disconnect", "message", "membership"];
    let world = server(&receiver, &all);
    let mut bob = world.connect("bob");
    bob.barrier();
    let room = room(&world, &["bob", "carol"]);
    for content in ["one", "two", "three"] {
        send(&world, &room, content);
    }
    bob.close(1000);
    let path = format!("/channels/{room}");
    let deleted = Request::new(world.address(), "DELETE", &path);
    wait_for(&receiver, &["one", "two", "three"]);
    let deleted = deleted.bearer(&world.token("alice")).send();
    assert_eq!(deleted.status, 204, "{deleted:?}");
    let events = receiver.wait(|events| (events.len() == 7).then(|| events.to_vec()));

    let of = |kind: &str| -> Vec<&Value> {
        let found = events.iter().filter(|event| event["type"] == kind);
        found.map(|event| &event["data"]).collect()
    };
    let (came, went) = (of("connect"), of("disconnect"));
    assert_eq!((came.len(), went.len()), (1, 1));
    assert_eq!(came[0]["user_id"], "bob");
    assert_eq!(came[0]["surface"], "topics");
    assert_eq!(came[0]["connection_id"], went[0]["connection_id"]);
    let membership = of("membership");
    assert_eq!(membership[0]["change"], "room_created");
    assert_eq!(membership[0]["room_id"], json!(room));
    assert_eq!(membership[0]["user_ids"], json!(["alice", "bob", "carol"]));
    assert_eq!(membership[1]["change"], "room_deleted");
    let seqs: Vec<&Value> = of("message").iter().map(|data| &data["seq"]).collect();
    assert_eq!(seqs, [2, 3, 4]);
    let mut ids: Vec<String> = events.iter().map(|event| event["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 7);
    for post in receiver.posts() {
        assert_eq!(post.header("content-type"), "application/json");
        assert!(post.header("user-agent").starts_with("conclave/"));
    }
    eventually("the count of events", || {
        (metric(&world, "conclave_webhook_events_sent_total") == 7).then_some(())
    });
    assert_eq!(metric(&world, "conclave_webhook_posts_failed_total"), 0);
}

#[test]
fn what_is_not_taken_is_posted_again_until_it_is() {
    let (receiver, elsewhere) = (Receiver::start(), Receiver::start());
    let world = server(&receiver, &["message"]);
    let room = room(&world, &[]);
    receiver.answer(vec![
        Reply::Status(500),
        Reply::Redirect(elsewhere.url()),
        Reply::Hang,
        Reply::Document(String::new()),
    ]);
    send(&world, &room, "one");
    receiver.wait_for_posts(1);
    send(&world, &room, "two");
    let events = wait_for(&receiver, &["one", "two"]);
    assert_eq!(events.len(), 2, "taken once");
    let posts = receiver.posts();
    assert!(posts.len() >= 4, "{posts:?}");
    let first = posts[0].events();
    assert!(
        posts
            .iter()
            .take(4)
            .all(|post| post.events()[0] == first[0])
    );
    assert_eq!(elsewhere.posts().len(), 0, "no redirect is followed");
    assert_eq!(metric(&world, "conclave_webhook_posts_failed_total"), 3);
    assert_eq!(metric(&world, "conclave_webhook_posts_retried_total"), 3);
    let failing: Vec<Value> = world
        .audit()
        .into_iter()
        .filter(|line| line["event"] == "webhook_failing")
        .collect();
    assert_eq!(failing.len(), 1, "{failing:?}");
    let text = world.log_text() + &failing[0].to_string();
    assert!(!text.contains("hidden") && !text.contains(SECRET), "{text}");
}

#[test]
fn a_webhook_that_hangs_holds_up_no_other() {
    let (dead, live) = (Receiver::start(), Receiver::start());
    dead.answer(vec![Reply::Hang]);
    let tables =
        webhook("dead", &dead.url(), &["message"]) + &webhook("hook", &live.url(), &["message"]);
    let world = Plan::new().file(&tables).start();
    let room = room(&world, &[]);
    send(&world, &room, "one");
    dead.wait_for_posts(1);
    send(&world, &room, "two");
    wait_for(&live, &["one", "two"]);
    assert_eq!(dead.taken(), Vec::<Value>::new());
    dead.answer(Vec::new());
    wait_for(&dead, &["one", "two"]);
}

#[test]
fn a_server_killed_before_the_post_posts_after_its_next_start() {
    let receiver = Receiver::start();
    let (address, events) = (receiver.address(), ["message", "message_offline"]);
    let mut world = server(&receiver, &events);
    let room = room(&world, &["bob"]);
    send(&world, &room, "taken");
    let both = |events: &[Value]| (events.len() == 2).then_some(());
    receiver.wait(both);
    drop(receiver);
    for content in ["one", "two", "three"] {
        send(&world, &room, content);
    }
    world.crash();
    let receiver = Receiver::at(address);
    let world = again(&world, &receiver, &events);
    let events = receiver.wait(|events| (events.len() >= 6).then(|| events.to_vec()));
    let (offline, messages): (Vec<Value>, Vec<Value>) = events
        .into_iter()
        .partition(|event| event["type"] == "message_offline");
    assert_eq!(contents(&messages), ["one", "two", "three"]);
    assert_eq!(contents(&offline), ["one", "two", "three"]);
    assert!(
        offline
            .iter()
            .all(|event| event["data"]["user_id"] == "bob")
    );
    send(&world, &room, "four");
    receiver.wait(|events| (events.len() == 8).then_some(()));
}

#[test]
fn a_receiver_that_comes_back_gets_everything_in_order() {
    let receiver = Receiver::start();
    let address = receiver.address();
    let world = Plan::new()
        .file(&webhook("hook", &receiver.url(), &["message"]))
        .set("limits.requests_per_second", 0)
        .set("limits.user_messages_per_second", 0)
        .start();
    let room = room(&world, &[]);
    send(&world, &room, "0");
    wait_for(&receiver, &["0"]);
    drop(receiver);
    let all: Vec<String> = (1..=150).map(|number| number.to_string()).collect();
    for content in &all {
        send(&world, &room, content);
    }
    eventually("a backlog", || {
        (metric(&world, "conclave_webhook_backlog") > 0).then_some(())
    });
    let receiver = Receiver::at(address);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    wait_for(&receiver, &all);
    assert!(receiver.posts().len() >= 2, "100 events in a post at most");
    eventually("no backlog", || {
        (metric(&world, "conclave_webhook_backlog") == 0).then_some(())
    });
}

#[test]
fn an_orderly_stop_keeps_the_ends_of_connections() {
    let receiver = Receiver::start();
    let address = receiver.address();
    let events = ["connect", "disconnect"];
    let mut world = server(&receiver, &events);
    let mut bob = world.connect("bob");
    bob.barrier();
    receiver.wait(|events| (events.len() == 1).then_some(()));
    drop(receiver);
    world.signal(Signal::TERM);
    bob.closed_at_last();
    assert!(world.wait(PATIENCE).success());
    let receiver = Receiver::at(address);
    let _world = again(&world, &receiver, &events);
    let event = receiver.wait(|events| events.first().cloned());
    assert_eq!(event["type"], "disconnect");
    assert_eq!(event["data"]["user_id"], "bob");
}

#[test]
fn only_who_is_away_misses_a_message() {
    let receiver = Receiver::start();
    let world = server(&receiver, &["message_offline"]);
    let room = room(&world, &["bob", "carol"]);
    let mut bob = world.connect("bob");
    bob.barrier();
    let missed = |events: &[Value]| -> Vec<String> {
        let missed = events.iter().map(|event| {
            let data = &event["data"];
            format!("{} {}", data["user_id"], data["message"]["content"])
        });
        missed.collect()
    };
    send(&world, &room, "one");
    receiver.wait(|events| (missed(events) == [r#""carol" "one""#]).then_some(()));
    bob.close(1000);
    bob.closed();
    send(&world, &room, "two");
    let carol = world.connect("carol");
    // Bob counts as present for 10 seconds more.
    receiver.wait_within(PATIENCE * 2, |events| {
        let expected = [r#""carol" "one""#, r#""bob" "two""#];
        (missed(events) == expected).then_some(())
    });
    drop(carol);
}

#[test]
fn no_post_goes_to_a_private_address() {
    let receiver = Receiver::start();
    let port = receiver.address().port();
    let table =
        |url: &str| webhook("hook", url, &["message"]).replace("allow_private = true\n", "");
    let output = Plan::new()
        .file(&table(&format!("https://127.0.0.1:{port}/")))
        .fail();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("webhooks[0].url: 127.0.0.1 given"), "{text}");

    let world = Plan::new()
        .file(&table(&format!("https://localhost:{port}/")))
        .start();
    let room = room(&world, &[]);
    send(&world, &room, "one");
    let reason = world.wait_for_audit(|line| {
        (line["event"] == "webhook_failing").then(|| line["detail"]["reason"].clone())
    });
    let reason = reason.as_str().expect("a reason");
    assert!(reason.contains("private"), "{reason}");
    assert_eq!(receiver.posts().len(), 0);
}

/// The example of the manual, on a real post.
#[test]
fn the_manuals_example_tells_posts_from_forgeries() {
    let receiver = Receiver::start();
    let world = server(&receiver, &["message"]);
    let room = room(&world, &[]);
    send(&world, &room, "gr\u{fc}\u{df}e");
    wait_for(&receiver, &["gr\u{fc}\u{df}e"]);
    let post = &receiver.posts()[0];
    let (signature, body) = (post.header("x-conclave-signature"), post.body.clone());
    let told = python(SECRET, &signature, &body);
    assert_eq!(told, Ok(serde_json::from_slice(&body).expect("JSON")));

    let forged = "the signature is not that of the server";
    let mut other = body.clone();
    other[2] ^= 1;
    let later = signature.replace("t=1", "t=2");
    for (secret, signature, body) in [
        (SECRET, signature.as_str(), other.as_slice()),
        (SECRET, later.as_str(), body.as_slice()),
        ("another secret", signature.as_str(), body.as_slice()),
        (SECRET, "", body.as_slice()),
    ] {
        assert_eq!(python(secret, signature, body), Err(forged.to_owned()));
    }
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, &[b"1000.".as_slice(), &body].concat());
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let old = python(SECRET, &format!("t=1000,v1={hex}"), &body);
    assert_eq!(old, Err("the post is too old".to_owned()));
}

/// What the manual's function gives, or why it gives nothing.
fn python(secret: &str, signature: &str, body: &[u8]) -> Result<Value, String> {
    const DRIVER: &str = "import sys\n\
        try:\n    print(json.dumps(events(sys.argv[1].encode(), sys.argv[2], sys.stdin.buffer.read())))\n\
        except ValueError as error:\n    sys.exit(str(error))\n";
    let manual = include_str!("../../../../docs/webhooks.md");
    let example = manual.split("```python\n").nth(1).expect("an example");
    let example = example.split("```").next().expect("its end");
    let mut child = Command::new("python3")
        .args(["-c", &format!("{example}\n{DRIVER}"), secret, signature])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(body).expect("an open pipe");
    drop(stdin);
    let output = child.wait_with_output().expect("its output");
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).expect("JSON"));
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

#[test]
fn of_two_nodes_one_posts_and_when_it_is_killed_the_other() {
    let has_lease = |world: &World| {
        let line = "this node has the lease";
        world.wait_for_log(|log| (log["message"] == line).then_some(()));
    };
    let receiver = Receiver::start();
    let mut one = server(&receiver, &["message"]);
    has_lease(&one);
    let mut two = again(&one, &receiver, &["message"]);
    let room = room(&one, &["bob"]);
    send(&one, &room, "1");
    send(&two, &room, "2");
    let posted = wait_for(&receiver, &["1", "2"]);
    assert_eq!(contents(&posted), ["1", "2"], "one of them posts");
    one.crash();
    send(&two, &room, "3");
    has_lease(&two);
    wait_for(&receiver, &["1", "2", "3"]);
    let three = again(&two, &receiver, &["message"]);
    two.signal(Signal::TERM);
    assert!(two.wait(PATIENCE).success());
    has_lease(&three);
    send(&three, &room, "4");
    wait_for(&receiver, &["1", "2", "3", "4"]);
}
