//! The assistant over two nodes: one answer at a time in a room, heard on both.

use std::time::Duration;

use conclave_testkit::{Beat, StreamServer};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::assistant::{asking, attached, kinds, member, messages, next, said, up_to, whole};
use crate::assistant_surfaces::streamed;
use crate::client::{Client, Heard};
use crate::http::Request;
use crate::nodes::{Pair, ready};
use crate::rooms_world::{Gate, call, greeted, send_message, token_of};
use crate::world::{World, eventually};

fn pair(provider: &StreamServer) -> Pair {
    Pair::with(|plan| asking(plan, provider))
}

/// An answer that stops after its first part until the provider goes on.
fn halting(tokens: [&'static str; 2]) -> Vec<Beat> {
    let [first, second] = tokens;
    let mut beats = vec![Beat::Head, Beat::Token(first), Beat::Wait];
    beats.extend([Beat::Token(second), Beat::Stop("stop"), Beat::End]);
    beats
}

/// What a whole answer is heard as: its parts, then one end, and nothing after it.
fn is_whole(heard: &[Value], text: &str) {
    let kinds = kinds(heard);
    let ends = ["ai_response_complete", "ai_response_error"];
    let count = kinds.iter().filter(|kind| ends.contains(kind)).count();
    assert_eq!((said(heard).as_str(), count), (text, 1), "{kinds:?}");
    let at_end = &kinds[kinds.len() - 3..];
    assert_eq!(
        at_end,
        ["ai_response_complete", "ai_typing", "context_usage"]
    );
}

/// Waits until a question has come to its turn on that node.
fn takes_turns(node: &World) {
    eventually("a question has its turn", || {
        (figures(node)["concurrency"]["running"] == 1).then_some(())
    });
}

fn figures(node: &World) -> Value {
    let monitor = token_of(node, "mona", &["system.monitor"]);
    let figures = Request::new(node.address(), "GET", "/api/v1/assistant");
    figures.bearer(&monitor).send().json()
}

#[test]
fn questions_on_two_nodes_are_answered_one_after_the_other() {
    let provider = StreamServer::start();
    provider.answer(halting(["One", " two"]));
    provider.answer(whole(&["Three", " four"]));
    let pair = pair(&provider);
    let [one, two] = &pair.nodes;
    let room = attached(one);
    let mut ann = member(one, "ann", &room);
    let mut bob = member(two, "bob", &room);
    ann.send(&send_message("First?"));
    let mut first = [&mut ann, &mut bob].map(|client| up_to(client, "ai_response_chunk"));
    bob.send(&send_message("Second?"));
    takes_turns(two);
    assert_eq!(provider.asked(1).len(), 1, "the second waits");
    provider.go_on();
    for (client, heard) in [&mut ann, &mut bob].into_iter().zip(&mut first) {
        heard.append(&mut up_to(client, "context_usage"));
        is_whole(heard, "One two");
        is_whole(&up_to(client, "context_usage"), "Three four");
    }
    assert_eq!(messages(one, &room).len(), 4);
}

#[test]
fn a_question_on_another_node_is_refused_where_the_policy_says_so() {
    let provider = StreamServer::start();
    provider.answer(halting(["One", " two"]));
    let pair = Pair::with(|plan| asking(plan, &provider).set("assistant.busy", "refuse"));
    let [one, two] = &pair.nodes;
    let room = attached(one);
    let mut ann = member(one, "ann", &room);
    let mut bob = member(two, "bob", &room);
    ann.send(&send_message("First?"));
    let mut heard = [&mut ann, &mut bob].map(|client| up_to(client, "ai_response_chunk"));
    bob.send(&send_message("Second?"));
    for (client, heard) in [&mut ann, &mut bob].into_iter().zip(&heard) {
        let error = next(client, "ai_response_error");
        assert_eq!(error["code"], "busy");
        assert_ne!(error["message_id"], heard[1]["message_id"]);
    }
    provider.go_on();
    for (client, heard) in [&mut ann, &mut bob].into_iter().zip(&mut heard) {
        heard.append(&mut up_to(client, "context_usage"));
        let typing = heard.iter().filter(|frame| frame["type"] == "ai_typing");
        let typing: Vec<_> = typing.map(|frame| frame["typing"].clone()).collect();
        assert_eq!(typing, [true, false], "the refused question types nothing");
        is_whole(heard, "One two");
    }
}

/// A room where the first node answers its first user, and the second has a member on the second
/// node; both hear it.
fn answering<'a>(pair: &'a Pair, users: [&str; 2]) -> (String, [Client; 2], [&'a World; 2]) {
    let [one, two] = &pair.nodes;
    let room = attached(one);
    let mut ann = member(one, users[0], &room);
    let mut bob = member(two, users[1], &room);
    ann.send(&send_message("Tell me"));
    for client in [&mut ann, &mut bob] {
        next(client, "ai_response_chunk");
    }
    (room, [ann, bob], [one, two])
}

#[test]
fn an_answer_is_stopped_on_the_other_node_by_who_may() {
    let provider = StreamServer::start();
    for _ in 0..2 {
        provider.answer(vec![Beat::Head, Beat::Token("Once"), Beat::Hang]);
    }
    let pair = pair(&provider);
    let (room, [mut ann, mut bob], [one, two]) = answering(&pair, ["ann", "bob"]);
    bob.send(r#"{"type":"cancel_response"}"#);
    assert_eq!(next(&mut bob, "error")["code"], "forbidden");
    let mut carol = feed(two, "carol");
    let cancel = json!({ "type": "cancel_response", "conversation_id": room }).to_string();
    carol.send(&cancel);
    assert_eq!(next(&mut carol, "error")["code"], "not_found");
    let mut own = member(two, "ann", &room);
    own.send(r#"{"type":"cancel_response"}"#);
    for client in [&mut ann, &mut bob] {
        let complete = next(client, "ai_response_complete");
        assert_eq!(
            (&complete["finish_reason"], &complete["final_content"]),
            (&json!("cancelled"), &json!("Once"))
        );
        up_to(client, "context_usage");
    }
    own.send(r#"{"type":"cancel_response"}"#);
    assert_eq!(next(&mut own, "error")["code"], "not_found");
    ann.send(&send_message("Again"));
    next(&mut bob, "ai_response_chunk");
    let moderator = token_of(two, "max", &["conversation.read", "chat:moderate"]);
    let dial = two.dial().path("/ws/max").token(&moderator);
    greeted(dial.connect()).send(&cancel);
    assert_eq!(
        next(&mut bob, "ai_response_complete")["finish_reason"],
        "cancelled"
    );
    one.wait_for_audit(|line| line.to_string().contains("cancel answer").then_some(()));
}

fn feed(node: &World, user: &str) -> Client {
    let path = format!("/ws/{user}");
    greeted(node.dial().path(&path).token(&node.token(user)).connect())
}

#[test]
fn what_is_answered_is_shown_on_every_node() {
    let provider = StreamServer::start();
    provider.answer(vec![Beat::Head, Beat::Token("Once"), Beat::Hang]);
    let pair = pair(&provider);
    let (room, _clients, nodes) = answering(&pair, ["ann", "bob"]);
    for node in nodes {
        let path = format!("/channels/{room}/assistant");
        let shown = call(node, "bob", "GET", &path, &Value::Null).json();
        assert_eq!(shown["answering"]["asked_by"], "ann", "{shown}");
        let figures = figures(node);
        let rooms = figures["rooms"].as_array().expect("a list");
        assert_eq!((rooms.len(), &rooms[0]["id"]), (1, &json!(room)));
        assert_eq!(rooms[0]["tokens"], 1);
    }
}

#[test]
fn who_comes_late_on_another_node_gets_all_so_far_and_then_the_rest() {
    let provider = StreamServer::start();
    provider.answer(halting(["One", " two"]));
    let pair = pair(&provider);
    let [one, two] = &pair.nodes;
    let room = attached(one);
    let mut ann = member(one, "ann", &room);
    ann.send(&send_message("Count"));
    next(&mut ann, "ai_response_chunk");
    // The first finds a node that has heard nothing of the answer, the second one that has.
    let mut late = ["bob", "ann"].map(|user| {
        let mut client = member(two, user, &room);
        assert_eq!(next(&mut client, "ai_response_chunk")["delta"], "One");
        client
    });
    provider.go_on();
    for client in &mut late {
        let rest = up_to(client, "context_usage");
        is_whole(&rest, " two");
        let complete = &rest[rest.len() - 3];
        assert_eq!(complete["final_content"], "One two");
    }
}

#[test]
fn who_comes_late_by_socket_io_on_another_node_gets_all_so_far_and_then_the_rest() {
    let provider = StreamServer::start();
    provider.answer(halting(["One", " two"]));
    let pair = pair(&provider);
    let [one, two] = &pair.nodes;
    // Others of the same user, in which nobody answers.
    let room = [attached(one), attached(one), attached(one)][1].clone();
    let mut ann = member(one, "ann", &room);
    ann.send(&send_message("Count"));
    next(&mut ann, "ai_response_chunk");
    let mut bob = Gate::of(two, "bob");
    let part = streamed(&mut bob);
    assert_eq!(
        (&part["delta"], &part["channelId"]),
        (&json!("One"), &json!(room))
    );
    provider.go_on();
    let rest = streamed(&mut bob);
    assert_eq!(
        (&rest["delta"], &rest["messageId"]),
        (&json!(" two"), &part["messageId"])
    );
    assert_eq!(streamed(&mut bob)["isComplete"], true);
}

#[test]
fn an_answer_longer_than_a_notice_is_learnt_piece_by_piece() {
    let provider = StreamServer::start();
    let long: Vec<&'static str> = ["a", "\u{e9}", "z"]
        .map(|letter| &*letter.repeat(100_001).leak())
        .to_vec();
    let mut beats = vec![Beat::Head];
    beats.extend(long.iter().copied().map(Beat::Token));
    beats.extend([Beat::Wait, Beat::Token("."), Beat::Stop("stop"), Beat::End]);
    provider.answer(beats);
    let pair = Pair::with(|plan| {
        asking(plan, &provider)
            .set("assistant.answer_tokens", 32_768)
            .set("limits.outbox_bytes", 8 << 20)
    });
    let [one, two] = &pair.nodes;
    let room = attached(one);
    let mut ann = member(one, "ann", &room);
    ann.send(&send_message("Tell me all"));
    let mut heard = String::new();
    while heard.len() < long.concat().len() {
        let chunk = next(&mut ann, "ai_response_chunk");
        heard += chunk["delta"].as_str().expect("text");
    }
    let mut bob = member(two, "bob", &room);
    let so_far = next(&mut bob, "ai_response_chunk");
    assert!(so_far["delta"] == long.concat(), "all of it, in order");
    provider.go_on();
    is_whole(&up_to(&mut bob, "context_usage"), ".");
}

/// What is heard of answers up to a frame of this type, however long a dead node is waited for.
fn at_last(client: &mut Client, kind: &str) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        let Some(Heard::Text(text)) = client.next_within(Duration::from_secs(60)) else {
            panic!("{kind} comes in time");
        };
        let frame: Value = serde_json::from_str(&text).expect("JSON");
        let name = frame["type"].as_str().expect("a type").to_owned();
        if name.starts_with("ai_") || name == "context_usage" {
            heard.push(frame);
        }
        if name == kind {
            return heard;
        }
    }
}

#[test]
fn the_answer_of_a_killed_node_has_one_end_and_the_next_question_an_answer() {
    let provider = StreamServer::start();
    provider.answer(vec![Beat::Head, Beat::Token("Half"), Beat::Hang]);
    provider.answer(whole(&["Whole"]));
    let mut pair = pair(&provider);
    let (room, [_, mut bob], _) = answering(&pair, ["ann", "bob"]);
    pair.nodes[0].crash();
    let heard = at_last(&mut bob, "ai_typing");
    assert_eq!(kinds(&heard), ["ai_response_error", "ai_typing"]);
    assert_eq!(
        (&heard[0]["code"], &heard[1]["typing"]),
        (&json!("interrupted"), &json!(false))
    );
    bob.send(&send_message("Once more?"));
    let heard = at_last(&mut bob, "context_usage");
    is_whole(&heard, "Whole");
    assert_eq!(messages(&pair.nodes[1], &room).len(), 3);
}

#[test]
fn a_node_that_was_stopped_completes_no_answer_whose_end_was_told() {
    let provider = StreamServer::start();
    provider.answer(halting(["Half", " whole"]));
    provider.answer(whole(&["Whole"]));
    let pair = pair(&provider);
    let (room, [mut ann, mut bob], [one, two]) = answering(&pair, ["ann", "bob"]);
    one.signal(Signal::STOP);
    let heard = at_last(&mut bob, "ai_typing");
    assert_eq!(kinds(&heard), ["ai_response_error", "ai_typing"]);
    provider.go_on();
    one.signal(Signal::CONT);
    // Who hears the node that was stopped is told by that node.
    let heard = at_last(&mut ann, "ai_response_error");
    assert_eq!(heard.last().expect("an end")["code"], "interrupted");
    assert!(!kinds(&heard).contains(&"ai_response_complete"));
    ready(one);
    bob.send(&send_message("Once more?"));
    let heard = at_last(&mut bob, "ai_response_complete");
    assert!(!kinds(&heard).contains(&"ai_response_error"), "{heard:?}");
    assert_eq!(said(&heard), "Whole");
    let heard = at_last(&mut ann, "ai_response_complete");
    assert!(!kinds(&heard).contains(&"ai_response_error"), "{heard:?}");
    assert_eq!(messages(two, &room).len(), 3);
}
