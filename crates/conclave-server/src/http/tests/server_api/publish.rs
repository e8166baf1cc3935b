use axum::http::StatusCode;
use conclave_core::authorise;
use conclave_protocol::{
    Body, Channel, EventKind, IssuerId, NoticeKind, Principal, SessionId, SessionKind, SessionName,
    Subscribe, TopicName,
};
use serde_json::json;

use super::Site;
use crate::http::tests::text;

impl Site {
    /// The one worker hears a topic of this principal's session.
    fn hear_topic(&self, principal: &Principal, topic: &str) {
        let ask = Subscribe {
            topic: TopicName::new(topic).expect("a topic"),
            session: None,
            since: None,
        };
        let permit = authorise(principal, ask).expect("a permit");
        drop(self.node().topics.subscribe(permit, 0));
    }
}

#[tokio::test]
async fn a_topic_of_any_session_is_published_to() {
    let site = Site::new().await;
    let key = site.key("orders", &["server.publish:orders.*"]).await.shown;
    let default = site.principal("user").await;
    site.hear_topic(&default, "orders.new");
    let named = site.session_token("user", "desk").await;
    let named = site
        .node()
        .identity
        .admit(&named)
        .await
        .expect("a principal");
    site.hear_topic(&named, "orders.new");
    let anonymous = Principal {
        user: None,
        session: SessionId {
            kind: SessionKind::Anonymous,
            issuer: IssuerId(0),
            name: SessionName::new("desk").expect("a name"),
        },
        ..Principal::clone(&default)
    };
    site.hear_topic(&anonymous, "orders.new");

    let sessions = [
        (json!({ "session": "session-user" }), &default.session),
        (json!({ "session": "desk" }), &named.session),
        (
            json!({ "session": "desk", "anonymous": true }),
            &anonymous.session,
        ),
    ];
    for (wish, session) in sessions {
        let wish = wish.to_string();
        // As it is sent, to the last digit.
        let members = r#""topic":"orders.new","payload":{"b":1.50, "a":12345678901234567890123}"#;
        let body = format!("{},{members}}}", wish.trim_end_matches('}'));
        let ask = site.post("/api/v1/topics/publish").bearer(&key);
        let answer = ask.raw("application/json", &body).send().await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
        let heard = site.heard();
        assert_eq!(heard.len(), 1);
        let Channel::Topic { session: of, name } = &*heard[0].channel else {
            panic!("{:?}", heard[0].channel);
        };
        assert_eq!((of, name.as_str()), (session, "orders.new"));
        let Body::Topic(message) = &heard[0].body else {
            panic!("{:?}", heard[0].body);
        };
        assert_eq!(
            &*message.payload,
            r#"{"b":1.50, "a":12345678901234567890123}"#
        );
        assert_eq!(message.publisher_name.as_deref(), Some("orders"));
        assert_eq!(message.user, None);
    }
    let other = json!({ "session": "desk", "topic": "bills.new", "payload": 1 });
    let answer = site.call_post(&key, "topics/publish", other).await;
    answer.problem(403, "forbidden");
    assert!(site.heard().is_empty());
}

#[tokio::test]
async fn what_is_no_publication_is_named() {
    let site = Site::new().await;
    let key = site.key("all", &["server.publish"]).await.shown;
    let cases = [
        (json!({ "topic": "t", "payload": 1 }), "session: missing"),
        (json!({ "session": "s", "payload": 1 }), "topic: missing"),
        (json!({ "session": "s", "topic": "t" }), "payload: missing"),
        (
            json!({ "session": "s", "topic": "a|b", "payload": 1 }),
            "topic: must not contain '|'",
        ),
        (
            json!({ "session": "", "topic": "t", "payload": 1 }),
            "session: must not be empty",
        ),
        (
            json!({ "session": "s", "topic": "t", "payload": 1, "issuer": "x" }),
            "issuer: none that is configured",
        ),
        (
            json!({ "session": "s", "topic": "t", "payload": 1, "publisher_name": "x".repeat(256) }),
            "publisher_name: at most 255 bytes",
        ),
        (
            json!({ "session": "s", "topic": "t", "payload": 1, "x": 1 }),
            "x: unknown field",
        ),
    ];
    for (body, detail) in cases {
        let answer = site.call_post(&key, "topics/publish", body).await;
        assert_eq!(answer.problem(400, "bad_request"), detail);
    }
}

#[tokio::test]
async fn a_message_in_a_users_name_is_stored_and_heard() {
    let site = Site::new().await;
    let key = site.key("bot", &["server.publish"]).await.shown;
    site.hear_room("user", "general").await;
    let message = json!({
        "user_id": "robot", "content": "beep", "client_id": "c-1", "message_type": "Text",
    });
    let answer = site
        .call_post(&key, "rooms/general/messages", message.clone())
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let stored = answer.json();
    assert_eq!(
        (&stored["userId"], &stored["clientId"]),
        (&json!("robot"), &json!("c-1"))
    );
    let heard = site.heard_events();
    let [EventKind::Message(heard)] = heard.as_slice() else {
        panic!("{heard:?}");
    };
    assert_eq!(heard.id.to_string(), text(&stored, "id"));

    let again = site
        .call_post(&key, "rooms/general/messages", message)
        .await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json()["id"], stored["id"]);
    let reply = json!({ "user_id": "robot", "content": "boop", "reply_to": stored["id"] });
    let reply = site.call_post(&key, "rooms/general/messages", reply).await;
    assert_eq!(reply.json()["parentId"], stored["id"]);
    let message = json!({ "user_id": "robot", "content": "beep" });
    let nowhere = site
        .call_post(&key, "rooms/nowhere/messages", message)
        .await;
    assert_eq!(nowhere.problem(404, "not_found"), "no such room");
    let nobody = json!({ "content": "beep" });
    let nobody = site.call_post(&key, "rooms/general/messages", nobody).await;
    assert_eq!(nobody.problem(400, "bad_request"), "user_id: missing");
    let camel = json!({ "user_id": "robot", "content": "beep", "clientId": "c" });
    let camel = site.call_post(&key, "rooms/general/messages", camel).await;
    assert_eq!(camel.problem(400, "bad_request"), "clientId: unknown field");
}

#[tokio::test]
async fn a_repeated_call_stores_one_message() {
    let site = Site::new().await;
    let key = site.key("bot", &["server.publish"]).await.shown;
    let message = json!({ "user_id": "user", "content": "once" });
    let mut answers = Vec::new();
    for _ in 0..2 {
        let ask = site.post("/api/v1/rooms/general/messages").bearer(&key);
        let ask = ask.header("idempotency-key", "k-1").json(&message);
        answers.push(ask.send().await);
    }
    assert_eq!(
        answers[0].status,
        StatusCode::CREATED,
        "{}",
        answers[0].text
    );
    assert_eq!(answers[0].text, answers[1].text);
    assert_eq!(answers[1].header("idempotency-replayed"), Some("true"));
    // The message itself is named after the call.
    let name = text(&answers[0].json(), "clientId");
    assert!(name.starts_with("call-"), "{name}");
    let token = site.token("user").await;
    let all = site
        .get("/channels/general/messages")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(all.json().as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn an_event_reaches_the_room() {
    let site = Site::new().await;
    let key = site.key("bot", &["server.publish"]).await.shown;
    site.hear_room("user", "general").await;
    let event = json!({ "event": "poll:opened", "data": { "id": 7 } });
    let answer = site.call_post(&key, "rooms/general/events", event).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    let heard = site.heard_events();
    assert_eq!(
        heard,
        [EventKind::Named {
            event: "poll:opened".into(),
            data: r#"{"id":7}"#.into()
        }]
    );
    let answer = site
        .call_post(&key, "rooms/general/events", json!({ "event": "bare" }))
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let bare = EventKind::Named {
        event: "bare".into(),
        data: "null".into(),
    };
    assert_eq!(site.heard_events(), [bare]);
    let event = json!({ "event": "x" });
    let nowhere = site.call_post(&key, "rooms/nowhere/events", event).await;
    nowhere.problem(404, "not_found");
    let names = [
        "",
        "connect",
        "message.created",
        "presence.updated",
        "user:typing",
        "a b",
        "ä",
    ];
    for name in names.map(str::to_owned).into_iter().chain(["x".repeat(65)]) {
        let event = json!({ "event": name });
        let answer = site.call_post(&key, "rooms/general/events", event).await;
        let detail = answer.problem(400, "bad_request");
        assert!(detail.starts_with("event: "), "{detail}");
    }
    assert!(site.heard().is_empty());
}

#[tokio::test]
async fn a_push_reaches_its_user_and_a_status_everybody() {
    let site = Site::new().await;
    let key = site.key("bot", &["server.publish"]).await.shown;
    site.hear_feed("user").await;
    let push = json!({ "type": "live_update", "data": { "price": 1 } });
    let answer = site.call_post(&key, "users/user/push", push.clone()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    site.call_post(&key, "users/testuser/push", push).await;
    let status = json!({ "status": "maintenance", "message": "back at ten" });
    let answer = site.call_post(&key, "system-status", status).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    let kind = NoticeKind::LiveUpdate;
    assert_eq!(
        site.heard_events(),
        [
            EventKind::Notice {
                kind,
                data: r#"{"price":1}"#.into()
            },
            EventKind::SystemStatus {
                status: "maintenance".into(),
                message: "back at ten".into(),
            },
        ]
    );
    let cases = [
        (
            "users/user/push",
            json!({ "type": "x" }),
            "type: expected notification or live_update",
        ),
        (
            "users/user/push",
            json!({ "type": "notification", "data": [1] }),
            "data: expected an object",
        ),
        (
            "system-status",
            json!({ "status": "a b", "message": "" }),
            "status: expected a word of 1 to 64 letters, digits, _ and -",
        ),
        (
            "system-status",
            json!({ "status": "ok" }),
            "message: missing",
        ),
    ];
    for (path, body, detail) in cases {
        let answer = site.call_post(&key, path, body).await;
        assert_eq!(answer.problem(400, "bad_request"), detail);
    }
    assert!(site.heard().is_empty());
}
