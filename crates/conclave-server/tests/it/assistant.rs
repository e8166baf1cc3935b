//! The assistant: a server, a provider that does what it is told, and who hears the answers.

use conclave_testkit::{Beat, StreamServer};
use serde_json::{Value, json};

use crate::client::{Client, Heard};
use crate::http::Request;
use crate::rooms_world::{
    Gate, call, conversation, greeted, room, send_message, token_of, unlimited,
};
use crate::world::{Plan, World, eventually};

/// A server whose assistant asks that provider.
pub(crate) fn plan(provider: &StreamServer) -> Plan {
    asking(unlimited(), provider)
}

/// The same server, with an assistant that asks that provider.
pub(crate) fn asking(plan: Plan, provider: &StreamServer) -> Plan {
    plan.set("assistant.enabled", true)
        .set("assistant.base_url", provider.base_url())
        .set("assistant.model", "stage")
        .set("assistant.api_key_env", "PROVIDER_KEY")
        .variable("PROVIDER_KEY", "sk-of-the-test")
        .set("assistant.first_token_seconds", 30)
}

/// A room of ann's with bob, where the assistant is attached.
pub(crate) fn attached(world: &World) -> String {
    let room = room(world, "ann", &["bob"]);
    let body = json!({ "assistant": true });
    let answer = call(world, "ann", "PUT", &format!("/channels/{room}"), &body);
    assert_eq!(
        (answer.status, &answer.json()["assistant"]),
        (200, &json!(true))
    );
    room
}

pub(crate) fn member(world: &World, user: &str, room: &str) -> Client {
    greeted(conversation(world, user, room).connect())
}

pub(crate) fn whole(tokens: &[&'static str]) -> Vec<Beat> {
    let mut beats = vec![Beat::Head];
    beats.extend(tokens.iter().copied().map(Beat::Token));
    beats.extend([Beat::Stop("stop"), Beat::End]);
    beats
}

/// What is heard from now on up to a frame of this type, what is said of the assistant alone.
pub(crate) fn up_to(client: &mut Client, kind: &str) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        let frame = client.json();
        let name = frame["type"].as_str().expect("a type").to_owned();
        if name.starts_with("ai_") || name == "context_usage" || name == "error" {
            heard.push(frame);
        }
        if name == kind {
            return heard;
        }
    }
}

pub(crate) fn next(client: &mut Client, kind: &str) -> Value {
    up_to(client, kind).pop().expect("the frame")
}

pub(crate) fn kinds(frames: &[Value]) -> Vec<&str> {
    let kinds = frames.iter().map(|frame| &frame["type"]);
    kinds.filter_map(Value::as_str).collect()
}

pub(crate) fn said(frames: &[Value]) -> String {
    let chunks = frames.iter().filter_map(|frame| frame["delta"].as_str());
    chunks.collect()
}

pub(crate) fn messages(world: &World, room: &str) -> Vec<Value> {
    let path = format!("/channels/{room}/messages");
    let answer = call(world, "ann", "GET", &path, &Value::Null).json();
    answer.as_array().expect("a list").clone()
}

#[test]
fn a_question_is_answered_token_by_token_to_all_who_hear_the_room() {
    let provider = StreamServer::start();
    provider.answer(whole(&["It", " is", " seven."]));
    let world = plan(&provider).start();
    let room = attached(&world);
    let mut bob = member(&world, "bob", &room);
    let mut gate = Gate::of(&world, "bob");
    let mut ann = member(&world, "ann", &room);
    ann.send(&send_message("How many?"));
    for client in [&mut ann, &mut bob] {
        let heard = up_to(client, "context_usage");
        let kinds = kinds(&heard);
        assert_eq!(kinds[0], "ai_typing");
        assert_eq!(
            kinds[kinds.len() - 3..],
            ["ai_response_complete", "ai_typing", "context_usage"]
        );
        let ends = kinds.iter().filter(|kind| **kind == "ai_response_complete");
        assert_eq!((said(&heard).as_str(), ends.count()), ("It is seven.", 1));
        let complete = &heard[heard.len() - 3];
        assert_eq!(complete["final_content"], "It is seven.");
        assert_eq!(complete["model_used"], "stage-1");
        assert_eq!(complete["finish_reason"], "stop");
        let usage = json!({ "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10 });
        assert_eq!(complete["usage"], usage);
        assert_eq!(heard[1]["message_id"], complete["message_id"]);
    }
    let mut streamed = String::new();
    let created = loop {
        let (name, data) = gate.event();
        match name.as_str() {
            "message.stream" => streamed.push_str(data["delta"].as_str().expect("text")),
            "message.created" if data["userId"] == "assistant" => break data,
            _ => {}
        }
    };
    assert_eq!(
        (streamed.as_str(), &created["content"]),
        ("It is seven.", &json!("It is seven."))
    );
    assert_eq!(gate.event().1["isComplete"], true);
    let asked = provider.asked(1);
    assert!(asked[0].body.contains("ann: How many?"), "{asked:?}");
    assert!(
        asked[0]
            .head
            .contains(&"authorization: Bearer sk-of-the-test".to_owned())
    );
    let stored = messages(&world, &room);
    assert_eq!(
        (stored.len(), &stored[0]["usage"]["total_tokens"]),
        (2, &json!(10))
    );
    assert_eq!(
        (&stored[0]["model"], &stored[0]["finish_reason"]),
        (&json!("stage-1"), &json!("stop"))
    );
    assert!(!world.log_text().contains("sk-of-the-test"));
    let metrics = Request::new(world.address(), "GET", "/metrics").send();
    let counted = "conclave_answers_total{outcome=\"stop\"} 1";
    assert!(metrics.body.contains(counted), "{}", metrics.body);
}

#[test]
fn who_comes_late_gets_the_answer_so_far_and_then_the_rest() {
    let provider = StreamServer::start();
    let mut beats = vec![
        Beat::Head,
        Beat::Token("One"),
        Beat::Token(" two"),
        Beat::Wait,
    ];
    beats.extend([Beat::Token(" three"), Beat::Stop("stop"), Beat::End]);
    provider.answer(beats);
    let world = plan(&provider).start();
    let room = attached(&world);
    let mut ann = member(&world, "ann", &room);
    ann.send(&send_message("Count"));
    let mut heard = String::new();
    while heard != "One two" {
        heard += next(&mut ann, "ai_response_chunk")["delta"]
            .as_str()
            .expect("text");
    }
    let mut bob = member(&world, "bob", &room);
    assert_eq!(next(&mut bob, "ai_response_chunk")["delta"], "One two");
    provider.go_on();
    let rest = up_to(&mut bob, "ai_response_complete");
    assert_eq!(said(&rest), " three");
    assert_eq!(
        rest.last().expect("an end")["final_content"],
        "One two three"
    );
}

#[test]
fn an_answer_is_cancelled_by_the_asker_and_kept_as_far_as_it_was() {
    let provider = StreamServer::start();
    provider.answer(vec![Beat::Head, Beat::Token("Once"), Beat::Hang]);
    let world = plan(&provider).start();
    let room = attached(&world);
    let mut bob = member(&world, "bob", &room);
    let mut ann = member(&world, "ann", &room);
    bob.send(&send_message("Tell me a story"));
    next(&mut bob, "ai_response_chunk");
    let mut carol = greeted(
        world
            .dial()
            .path("/ws/carol")
            .token(&world.token("carol"))
            .connect(),
    );
    carol.send(&json!({ "type": "cancel_response", "conversation_id": room }).to_string());
    assert_eq!(next(&mut carol, "error")["code"], "not_found");
    bob.send(r#"{"type":"cancel_response"}"#);
    let complete = next(&mut ann, "ai_response_complete");
    assert_eq!(
        (&complete["finish_reason"], &complete["final_content"]),
        (&json!("cancelled"), &json!("Once"))
    );
    provider.left(1);
    bob.send(r#"{"type":"cancel_response"}"#);
    assert_eq!(next(&mut bob, "error")["code"], "not_found");
}

#[test]
fn every_fault_of_the_provider_ends_in_one_error() {
    let provider = StreamServer::start();
    let world = plan(&provider).set("assistant.idle_seconds", 1).start();
    let room = attached(&world);
    let mut ann = member(&world, "ann", &room);
    let faults: [(&str, Vec<Beat>); 5] = [
        ("cut_off", vec![Beat::Head, Beat::Token("It")]),
        (
            "malformed",
            vec![
                Beat::Head,
                Beat::Token("It"),
                Beat::Event("{no".into()),
                Beat::Hang,
            ],
        ),
        ("refused", vec![Beat::Status(401, "", "{}")]),
        (
            "rate_limited",
            vec![Beat::Status(429, "retry-after: 3600\r\n", "{}")],
        ),
        ("timeout", vec![Beat::Head, Beat::Token("It"), Beat::Hang]),
    ];
    for (code, beats) in faults {
        provider.answer(beats);
        ann.send(&send_message("And now?"));
        let heard = up_to(&mut ann, "ai_response_error");
        assert_eq!(heard.last().expect("an end")["code"], code);
        assert!(!kinds(&heard).contains(&"ai_response_complete"));
        assert_eq!(next(&mut ann, "ai_typing")["typing"], false);
    }
    provider.answer(whole(&["Well."]));
    ann.send(&send_message("And now?"));
    assert_eq!(
        next(&mut ann, "ai_response_complete")["final_content"],
        "Well."
    );
    let stored = messages(&world, &room);
    let answers = stored
        .iter()
        .filter(|message| message["userId"] == "assistant");
    assert_eq!(
        (stored.len(), answers.count()),
        (7, 1),
        "nothing of a failed answer is stored"
    );
}

#[test]
fn a_busy_provider_is_asked_again_when_it_says_so() {
    let provider = StreamServer::start();
    provider.answer(vec![Beat::Status(429, "retry-after: 0\r\n", "{}")]);
    provider.answer(whole(&["Here."]));
    let world = plan(&provider).start();
    let room = attached(&world);
    let mut ann = member(&world, "ann", &room);
    ann.send(&send_message("There?"));
    assert_eq!(
        next(&mut ann, "ai_response_complete")["final_content"],
        "Here."
    );
    assert_eq!(provider.asked(2).len(), 2);
}

#[test]
fn an_answer_without_end_is_cut_at_its_length() {
    let provider = StreamServer::start();
    provider.answer(vec![Beat::Head, Beat::Forever("on and ")]);
    let world = plan(&provider).set("assistant.answer_tokens", 64).start();
    let room = attached(&world);
    let mut ann = member(&world, "ann", &room);
    ann.send(&send_message("Go on"));
    let complete = next(&mut ann, "ai_response_complete");
    assert_eq!(complete["finish_reason"], "length");
    let content = complete["final_content"].as_str().expect("text");
    assert!(content.len() <= 64 * 16, "{} bytes", content.len());
    provider.left(1);
}

#[test]
fn slow_bytes_make_whole_tokens() {
    let provider = StreamServer::start();
    let event = format!("data: {}\n\n", conclave_testkit::token("wörd 🙂"));
    let mut beats = vec![Beat::Head, Beat::Slowly(event)];
    beats.extend([Beat::Stop("stop"), Beat::End]);
    provider.answer(beats);
    let world = plan(&provider).start();
    let room = attached(&world);
    let mut ann = member(&world, "ann", &room);
    ann.send(&send_message("Slowly"));
    assert_eq!(
        next(&mut ann, "ai_response_complete")["final_content"],
        "wörd 🙂"
    );
}

#[test]
fn a_crash_leaves_no_half_answer() {
    let provider = StreamServer::start();
    provider.answer(vec![Beat::Head, Beat::Token("Half"), Beat::Hang]);
    let plan_of = plan(&provider);
    let mut world = plan_of.start();
    let room = attached(&world);
    let mut ann = member(&world, "ann", &room);
    ann.send(&send_message("All of it"));
    next(&mut ann, "ai_response_chunk");
    world.crash();
    let folder = world.folder().clone();
    let again = plan(&provider).folder(&folder).start();
    let stored = messages(&again, &room);
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert_eq!(stored[0]["userId"], "ann");
    let mut ann = greeted(
        conversation(&again, "ann", &room)
            .query("since=0")
            .connect(),
    );
    provider.answer(whole(&["Whole."]));
    ann.send(&send_message("Again"));
    assert_eq!(
        next(&mut ann, "ai_response_complete")["final_content"],
        "Whole."
    );
}

#[test]
fn a_server_that_stops_says_that_the_answer_is_interrupted() {
    let provider = StreamServer::start();
    provider.answer(vec![Beat::Head, Beat::Token("Half"), Beat::Hang]);
    let world = plan(&provider).start();
    let room = attached(&world);
    let mut ann = member(&world, "ann", &room);
    ann.send(&send_message("All of it"));
    next(&mut ann, "ai_response_chunk");
    world.signal(rustix::process::Signal::TERM);
    let heard = up_to(&mut ann, "ai_response_error");
    assert_eq!(heard.last().expect("an end")["code"], "interrupted");
    loop {
        match ann.next() {
            Heard::Text(text) => assert!(!text.contains("ai_response_complete"), "{text}"),
            Heard::Close(code, _) => return assert_eq!(code, 1001),
            Heard::End => return,
            _ => {}
        }
    }
}

#[test]
fn a_user_with_no_budget_left_is_refused() {
    let provider = StreamServer::start();
    provider.answer(whole(&["One."]));
    provider.answer(whole(&["Two."]));
    let world = plan(&provider).set("assistant.user_tokens", 10).start();
    let room = attached(&world);
    let mut ann = member(&world, "ann", &room);
    ann.send(&send_message("One?"));
    next(&mut ann, "context_usage");
    ann.send(&send_message("Two?"));
    let sent = ann.json();
    assert_eq!(sent["type"], "message_status");
    let error = next(&mut ann, "ai_response_error");
    assert_eq!(
        (&error["code"], &error["message_id"]),
        (&json!("budget_exhausted"), &sent["message_id"])
    );
    let refused = |line: &Value| {
        line["detail"]
            .as_str()?
            .contains("budget_exhausted")
            .then_some(())
    };
    world.wait_for_audit(refused);
    let mut bob = member(&world, "bob", &room);
    bob.send(&send_message("And I?"));
    assert_eq!(
        next(&mut bob, "ai_response_complete")["final_content"],
        "Two."
    );
    let mine = call(&world, "ann", "GET", "/users/me/assistant", &Value::Null).json();
    assert_eq!(
        (&mine["budget_tokens"], &mine["used_tokens"]),
        (&json!(10), &json!(10))
    );
    assert_eq!(mine["usage"]["answers"], 1);
    let path = format!("/channels/{room}/assistant");
    let all = call(&world, "ann", "GET", &path, &Value::Null).json();
    let usage =
        json!({ "answers": 2, "prompt_tokens": 14, "completion_tokens": 6, "total_tokens": 20 });
    assert_eq!(
        (&all["attached"], &all["answering"], &all["usage"]),
        (&json!(true), &Value::Null, &usage)
    );
}

#[test]
fn a_second_question_waits_for_its_turn() {
    let provider = StreamServer::start();
    provider.answer(vec![
        Beat::Head,
        Beat::Token("One"),
        Beat::Wait,
        Beat::Stop("stop"),
        Beat::End,
    ]);
    provider.answer(whole(&["Two"]));
    let world = plan(&provider).set("assistant.waiting_per_room", 1).start();
    let room = attached(&world);
    let mut ann = member(&world, "ann", &room);
    ann.send(&send_message("One?"));
    next(&mut ann, "ai_response_chunk");
    let path = format!("/channels/{room}/assistant");
    let now = call(&world, "ann", "GET", &path, &Value::Null).json();
    assert_eq!(now["answering"]["asked_by"], "ann");
    let mut bob = member(&world, "bob", &room);
    bob.send(&send_message("Two?"));
    let monitor = token_of(&world, "mona", &["system.monitor"]);
    eventually("the second question waits", || {
        let figures = Request::new(world.address(), "GET", "/api/v1/assistant");
        let figures = figures.bearer(&monitor).send().json();
        (figures["concurrency"]["waiting"] == 1).then_some(())
    });
    bob.send(&send_message("Three?"));
    let error = next(&mut bob, "ai_response_error");
    assert_eq!(error["code"], "busy");
    assert_eq!(provider.asked(1).len(), 1);
    provider.go_on();
    assert_eq!(
        next(&mut ann, "ai_response_complete")["final_content"],
        "One"
    );
    assert_eq!(
        next(&mut ann, "ai_response_complete")["final_content"],
        "Two"
    );
}

#[test]
fn a_second_question_is_refused_where_the_policy_says_so() {
    let provider = StreamServer::start();
    provider.answer(vec![Beat::Head, Beat::Token("One"), Beat::Hang]);
    let world = plan(&provider).set("assistant.busy", "refuse").start();
    let room = attached(&world);
    let mut ann = member(&world, "ann", &room);
    ann.send(&send_message("One?"));
    next(&mut ann, "ai_response_chunk");
    ann.send(&send_message("Two?"));
    assert_eq!(next(&mut ann, "ai_response_error")["code"], "busy");
}

#[test]
fn who_may_not_use_the_assistant_is_not_answered() {
    let provider = StreamServer::start();
    provider.answer(whole(&["Hello ann."]));
    let world = plan(&provider).start();
    let room = attached(&world);
    let token = token_of(&world, "bob", &["chat:send", "conversation.read"]);
    let path = format!("/ws/conversation/bob/{room}");
    let mut bob = greeted(world.dial().path(&path).token(&token).connect());
    bob.send(&send_message("Hello?"));
    let denied = |line: &Value| {
        line["detail"]
            .as_str()?
            .contains("assistant.use")
            .then_some(())
    };
    world.wait_for_audit(denied);
    let mut ann = member(&world, "ann", &room);
    ann.send(&send_message("Hello!"));
    let heard = up_to(&mut bob, "ai_response_complete");
    assert_eq!(said(&heard), "Hello ann.");
    assert_eq!(provider.asked(1).len(), 1, "bob's message was no question");
}

#[test]
fn only_where_the_configuration_allows_it_is_it_attached() {
    let provider = StreamServer::start();
    let world = plan(&provider).set("assistant.rooms", "PUBLIC").start();
    let room = room(&world, "ann", &["bob"]);
    let path = format!("/channels/{room}");
    let attach = json!({ "assistant": true });
    assert_eq!(call(&world, "ann", "PUT", &path, &attach).status, 403);
    let own = json!({ "name": "mine", "type": "PUBLIC", "memberIds": ["bob"] });
    let public = call(&world, "ann", "POST", "/channels", &own).json();
    let path = format!("/channels/{}", public["id"].as_str().expect("an id"));
    assert_eq!(
        call(&world, "bob", "PUT", &path, &attach).status,
        403,
        "no owner"
    );
    assert_eq!(call(&world, "ann", "PUT", &path, &attach).status, 200);
    let off = World::start();
    let room = crate::rooms_world::room(&off, "ann", &[]);
    let path = format!("/channels/{room}");
    assert_eq!(call(&off, "ann", "PUT", &path, &attach).status, 503);
}

#[test]
fn nobody_is_the_assistant_but_the_assistant() {
    let world = World::start();
    let dial = world
        .dial()
        .path("/ws/assistant")
        .token(&world.token("assistant"));
    assert_eq!(dial.connect().closed().0, 4001);
    let members = json!({ "name": "x", "type": "PRIVATE", "memberIds": ["assistant"] });
    assert_eq!(
        call(&world, "ann", "POST", "/channels", &members).status,
        400
    );
}

#[test]
fn an_assistant_that_cannot_be_asked_keeps_the_server_from_starting() {
    let provider = StreamServer::start();
    let wrong = [
        ("assistant.base_url", "ftp://x"),
        ("assistant.model", ""),
        ("assistant.api_key_env", "NO_SUCH_KEY"),
        ("assistant.context_limit", "1"),
    ];
    for (key, value) in wrong {
        let output = plan(&provider).set(key, value).fail();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && stderr.contains(key),
            "{key}: {stderr}"
        );
    }
}
