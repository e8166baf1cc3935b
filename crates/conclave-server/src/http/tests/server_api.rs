//! What backends call (server.md).

mod accounts;
mod batch;
mod connections;
mod explain;
mod publish;
mod reading;

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use conclave_core::{HearAll, authorise};
use conclave_protocol::{Body, EventKind, Follow, Principal, Publication, RoomId};
use serde_json::{Value, json};

use super::{Answer, Site};

impl Site {
    async fn call(&self, key: &str, method: Method, path: &str, body: Value) -> Answer {
        let path = format!("/api/v1/{path}");
        let ask = self.ask(method, &path).bearer(key);
        let ask = if body.is_null() { ask } else { ask.json(&body) };
        ask.send().await
    }

    async fn call_post(&self, key: &str, path: &str, body: Value) -> Answer {
        self.call(key, Method::POST, path, body).await
    }

    async fn call_get(&self, key: &str, path: &str) -> Answer {
        self.call(key, Method::GET, path, Value::Null).await
    }

    async fn principal(&self, user: &str) -> Arc<Principal> {
        let token = self.token(user).await;
        let admitted = self.node().identity.admit(&token).await;
        admitted.expect("a principal")
    }

    /// The one worker hears a room, as one of its connections would.
    async fn hear_room(&self, user: &str, room: &str) {
        let room = RoomId::new(room).expect("an id");
        let principal = self.principal(user).await;
        let permit = authorise(&principal, Follow { room, since: None }).expect("a permit");
        drop(self.node().rooms.hear(&permit, 0));
    }

    /// The one worker hears a user's feed.
    async fn hear_feed(&self, user: &str) {
        let principal = self.principal(user).await;
        let permit = authorise(&principal, HearAll).expect("a permit");
        drop(self.node().rooms.hear_feed(&permit, 0));
    }

    /// What has arrived for the one worker.
    fn heard(&self) -> Vec<Arc<Publication>> {
        let mut taken = Vec::new();
        let directory = self.node().topics.directory();
        directory.inbox(0).expect("an inbox").take(&mut taken);
        taken
    }

    fn heard_events(&self) -> Vec<EventKind> {
        let heard = self.heard();
        let events = heard
            .iter()
            .filter_map(|publication| match &publication.body {
                Body::Event(event) => Some(event.kind.clone()),
                Body::Broadcast { .. } | Body::Topic(_) | Body::Wallet(_) => None,
            });
        events.collect()
    }
}

#[tokio::test]
async fn every_call_wants_its_permission() {
    let site = Site::new().await;
    let none = site.key("none", &["topic.publish"]).await.shown;
    let user = site.token("user").await;
    for (method, path, body, permission) in calls() {
        let all = site
            .key(&format!("{method} {path}"), &[permission])
            .await
            .shown;
        for credential in [&none, &user] {
            let answer = site
                .call(credential, method.clone(), path, body.clone())
                .await;
            let detail = answer.problem(403, "forbidden");
            assert!(detail.contains(permission), "{method} {path}: {detail}");
        }
        if path.starts_with("connections") || path == "disconnect" {
            continue;
        }
        let answer = site.call(&all, method.clone(), path, body).await;
        assert_ne!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    assert!(site.audited("permission_denied").len() >= 2 * calls().len());
}

#[tokio::test]
async fn every_call_wants_a_key_that_counts() {
    let site = Site::new().await;
    for (method, path, body, _) in calls() {
        let path = format!("/api/v1/{path}");
        let ask = site.ask(method.clone(), &path).json(&body);
        ask.send().await.problem(401, "unauthenticated");
        let ask = site.ask(method, &path).bearer("key_unknown").json(&body);
        ask.send().await.problem(401, "unauthenticated");
    }
}

fn calls() -> Vec<(Method, &'static str, Value, &'static str)> {
    let publish = json!({ "session": "s", "topic": "t", "payload": 1 });
    let message = json!({ "user_id": "user", "content": "x" });
    let add = json!({ "name": "new", "password": "a long password" });
    let push = json!({ "type": "notification", "data": {} });
    let status = json!({ "status": "ok", "message": "x" });
    let disable = json!({ "disabled": false });
    let gone = json!({ "user_id": "nobody" });
    let monitor = "system.monitor";
    vec![
        (Method::POST, "topics/publish", publish, "server.publish"),
        (
            Method::POST,
            "rooms/general/messages",
            message,
            "server.publish",
        ),
        (
            Method::POST,
            "rooms/general/events",
            json!({ "event": "x" }),
            "server.publish",
        ),
        (Method::POST, "users/user/push", push, "server.publish"),
        (Method::POST, "system-status", status, "server.publish"),
        (Method::POST, "disconnect", gone, "server.disconnect"),
        (Method::GET, "connections", Value::Null, monitor),
        (Method::GET, "rooms/general/presence", Value::Null, monitor),
        (Method::GET, "rooms/general/messages", Value::Null, monitor),
        (Method::GET, "users/user", Value::Null, monitor),
        (
            Method::GET,
            "explain?user=user&permission=chat:send",
            Value::Null,
            monitor,
        ),
        (Method::GET, "users", Value::Null, "admin"),
        (Method::POST, "users", add, "admin"),
        (Method::PUT, "users/user123", disable, "admin"),
        (Method::DELETE, "users/user123", Value::Null, "admin"),
    ]
}
