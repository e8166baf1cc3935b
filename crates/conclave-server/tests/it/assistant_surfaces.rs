//! The assistant over every surface: how it is asked, and how its answers are heard.

use conclave_testkit::{Beat, StreamServer};
use serde_json::{Value, json};

use crate::assistant::{attached, member, next, plan, said, up_to, whole};
use crate::rooms_world::{Gate, call, conversation, greeted, send_message};
use crate::world::World;

/// One that has said two words and waits for [`StreamServer::go_on`] before the third.
fn held_up() -> Vec<Beat> {
    let [one, two, three] = ["One", " two", " three"].map(Beat::Token);
    let begin = [Beat::Head, one, two, Beat::Wait];
    let end = [three, Beat::Stop("stop"), Beat::End];
    begin.into_iter().chain(end).collect()
}

/// Asks in the room, and gives back when two words of the answer have been heard.
fn under_way(world: &World, room: &str) -> impl Sized {
    let mut ann = member(world, "ann", room);
    ann.send(&send_message("Count"));
    let mut heard = String::new();
    while heard != "One two" {
        let chunk = next(&mut ann, "ai_response_chunk");
        heard += chunk["delta"].as_str().expect("text");
    }
    ann
}

#[test]
fn a_question_is_one_by_every_surface() {
    let provider = StreamServer::start();
    let world = plan(&provider).start();
    let room = attached(&world);
    let mut ann = member(&world, "ann", &room);
    let chat = world.dial().path("/chat").token(&world.token("bob"));
    let mut chat = chat.connect();
    let mut gate = Gate::of(&world, "bob");
    let feed = world.dial().path("/ws/bob").token(&world.token("bob"));
    let mut feed = greeted(feed.connect());
    let asks: [(&str, &mut dyn FnMut()); 4] = [
        ("by REST?", &mut || {
            let path = format!("/channels/{room}/messages");
            let body = json!({ "content": "by REST?" });
            assert_eq!(call(&world, "bob", "POST", &path, &body).status, 201);
        }),
        ("by Socket.IO?", &mut || {
            let message = json!({ "channelId": room, "content": "by Socket.IO?" });
            gate.emit(1, "sendMessage", &message);
        }),
        ("by the service?", &mut || {
            let message = json!({
                "message_id": "7f8e4d2a-3c1b-4a5e-9f60-1b2c3d4e5f60", "room_id": room,
                "user_id": "bob", "username": "bob", "content": "by the service?",
                "message_type": "Text", "timestamp": "2026-01-24T10:25:37Z",
            });
            let ask = json!({
                "operation": "sendChatMessage", "correlation_id": "1", "payload": message,
            });
            chat.send(&ask.to_string());
        }),
        ("by the feed?", &mut || {
            let ask = json!({
                "type": "send_message", "conversation_id": room, "content": "by the feed?",
            });
            feed.send(&ask.to_string());
        }),
    ];
    for (place, (question, ask)) in asks.into_iter().enumerate() {
        provider.answer(whole(&["So", " be it."]));
        ask();
        let heard = up_to(&mut ann, "context_usage");
        assert_eq!(said(&heard), "So be it.", "{question}");
        let asked = provider.asked(place + 1);
        let last = asked.last().expect("a question");
        assert!(last.body.contains(question), "{question}: {last:?}");
    }
    let mut answers = 0;
    while answers < 4 {
        let push = chat.json();
        answers += u32::from(push["payload"]["user_id"] == "assistant");
        assert!(push["error"].is_null(), "{push}");
    }
}

#[test]
fn a_part_says_all_that_came_before_to_who_wants_it() {
    let provider = StreamServer::start();
    provider.answer(held_up());
    let world = plan(&provider).start();
    let room = attached(&world);
    let mut bob = greeted(
        conversation(&world, "bob", &room)
            .query("partial=1")
            .connect(),
    );
    let _ann = under_way(&world, &room);
    let mut so_far = String::new();
    while so_far != "One two" {
        let chunk = next(&mut bob, "ai_response_chunk");
        so_far += chunk["delta"].as_str().expect("text");
        assert_eq!(chunk["partial_content"], *so_far);
    }
    let dial = world.dial().path("/ws/bob").query("partial=1");
    let mut feed = greeted(dial.token(&world.token("bob")).connect());
    let subscribe = json!({ "type": "subscribe_conversation", "conversation_id": room });
    feed.send(&subscribe.to_string());
    assert_eq!(
        next(&mut feed, "ai_response_chunk")["partial_content"],
        "One two"
    );
    provider.go_on();
    for client in [&mut bob, &mut feed] {
        let chunk = next(client, "ai_response_chunk");
        assert_eq!(
            (&chunk["delta"], &chunk["partial_content"]),
            (&json!(" three"), &json!("One two three"))
        );
        assert_eq!(chunk["conversation_id"], *room);
    }
}

#[test]
fn who_comes_late_by_socket_io_gets_the_answer_so_far_and_then_the_rest() {
    let provider = StreamServer::start();
    provider.answer(held_up());
    let world = plan(&provider).start();
    let room = attached(&world);
    let _ann = under_way(&world, &room);
    let auth = json!({ "token": world.token("bob") });
    let mut bob = Gate::with(&Gate::dial(&world), &auth);
    let part = streamed(&mut bob);
    assert_eq!(
        (&part["delta"], &part["isComplete"]),
        (&json!("One two"), &json!(false))
    );
    assert_eq!(part["channelId"], *room);
    provider.go_on();
    let rest = streamed(&mut bob);
    assert_eq!(
        (&rest["delta"], &rest["messageId"]),
        (&json!(" three"), &part["messageId"])
    );
    let created = loop {
        let (name, data) = bob.event();
        assert_ne!(name, "message.stream", "all was told");
        if name == "message.created" && data["userId"] == "assistant" {
            break data;
        }
    };
    assert_eq!(created["content"], "One two three");
    assert_eq!(streamed(&mut bob)["isComplete"], true);
}

/// The next piece of an answer.
pub(crate) fn streamed(gate: &mut Gate) -> Value {
    loop {
        let (name, data) = gate.event();
        if name == "message.stream" {
            return data;
        }
    }
}
