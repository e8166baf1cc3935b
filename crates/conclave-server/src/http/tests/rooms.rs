//! REST for rooms (socketio.md).

mod channels;
mod invitations;
mod messages;
mod profiles;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Site, text};

/// A site whose users may ask as often as they like, and some of their tokens.
struct Talk {
    site: Site,
    alice: String,
    bob: String,
    admin: String,
}

impl Talk {
    async fn new() -> Self {
        let site = Site::with(&[
            ("CONCLAVE_LIMITS__REQUESTS_PER_SECOND", "0"),
            ("CONCLAVE_LIMITS__USER_MESSAGES_PER_SECOND", "0"),
        ])
        .await;
        Self {
            alice: site.token("user").await,
            bob: site.token("testuser").await,
            admin: site.token("admin").await,
            site,
        }
    }

    async fn ask(&self, token: &str, method: Method, path: &str, body: Value) -> Answer {
        let ask = self.site.ask(method, path).bearer(token);
        let ask = if body.is_null() { ask } else { ask.json(&body) };
        ask.send().await
    }

    async fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(token, Method::GET, path, Value::Null).await
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.ask(token, Method::POST, path, body).await
    }

    async fn put(&self, token: &str, path: &str, body: Value) -> Answer {
        self.ask(token, Method::PUT, path, body).await
    }

    async fn delete(&self, token: &str, path: &str) -> Answer {
        self.ask(token, Method::DELETE, path, Value::Null).await
    }

    /// The id of a room of alice's, with these other members.
    async fn room(&self, kind: &str, members: &[&str]) -> String {
        let room = json!({ "name": "Plans", "type": kind, "memberIds": members });
        let answer = self.post(&self.alice, "/channels", room).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        text(&answer.json(), "id")
    }

    /// Says something; the message.
    async fn say(&self, token: &str, room: &str, content: &str) -> Value {
        let path = format!("/channels/{room}/messages");
        let answer = self.post(token, &path, json!({ "content": content })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()
    }
}

impl Answer {
    #[track_caller]
    fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }

    #[track_caller]
    fn done(&self) {
        assert_eq!(self.status, StatusCode::NO_CONTENT, "{}", self.text);
        assert!(self.text.is_empty());
    }

    /// The target of the `Link` with this relation.
    fn link(&self, relation: &str) -> Option<String> {
        let wanted = format!("; rel=\"{relation}\"");
        let mut lines = self.headers.get_all("link").iter();
        lines.find_map(|line| {
            let line = line.to_str().expect("text");
            let target = line.strip_suffix(&wanted)?;
            Some(target.trim_matches(['<', '>']).to_owned())
        })
    }
}

/// The members of that name of every entry.
fn each(list: &Value, name: &str) -> Vec<Value> {
    let list = list.as_array().expect("a list");
    list.iter().map(|entry| entry[name].clone()).collect()
}

#[tokio::test]
async fn every_call_wants_a_token_that_counts() {
    let site = Site::new().await;
    for (method, path) in CALLS {
        let method: Method = method.parse().expect("a method");
        let ask = site.ask(method.clone(), path);
        let detail = ask.send().await.problem(401, "unauthenticated");
        assert_eq!(detail, "Missing authentication token", "{method} {path}");
        let ask = site.ask(method, path).bearer("x.y.z");
        ask.send().await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_path_asked_by_another_method_is_a_problem() {
    let talk = Talk::new().await;
    for path in ["/channels/general/join", "/messages/x"] {
        let answer = talk.get(&talk.alice, path).await;
        answer.problem(405, "bad_request");
        assert!(answer.header("allow").is_some());
    }
}

#[tokio::test]
async fn a_users_requests_are_counted() {
    let site = Site::with(&[("CONCLAVE_LIMITS__REQUESTS_PER_SECOND", "1")]).await;
    let token = site.token("user").await;
    let ask = || site.get("/channels").bearer(&token).send();
    assert_eq!(ask().await.status, StatusCode::OK);
    let answer = ask().await;
    answer.problem(429, "rate_limited");
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn who_lacks_the_permission_is_told_which_and_audited() {
    let talk = Talk::new().await;
    let key = json!({ "permissions": ["conversation.read"], "roles": [] });
    let path = "/api/v1/users/testuser";
    talk.put(&talk.admin, path, key).await.ok();
    let bob = talk.site.token("testuser").await;
    let path = "/channels/general/messages";
    talk.get(&bob, path).await.ok();
    let cases = [
        (Method::POST, path, json!({ "content": "x" }), "chat:send"),
        (
            Method::POST,
            "/channels",
            json!({ "name": "x", "type": "PUBLIC" }),
            "room.create",
        ),
        (
            Method::POST,
            "/channels/general/invitations",
            json!({ "inviteeId": "x" }),
            "room.create",
        ),
        (
            Method::PUT,
            "/users/me",
            json!({ "name": "x" }),
            "profile:update",
        ),
    ];
    let before = talk.site.audited("permission_denied").len();
    let count = cases.len();
    for (method, path, body, permission) in cases {
        let detail = talk.ask(&bob, method, path, body).await;
        assert_eq!(
            detail.problem(403, "forbidden"),
            format!("Permission denied: {permission} required")
        );
    }
    assert_eq!(talk.site.audited("permission_denied").len(), before + count);
}

const CALLS: [(&str, &str); 24] = [
    ("GET", "/channels"),
    ("POST", "/channels"),
    ("GET", "/channels/x"),
    ("PUT", "/channels/x"),
    ("DELETE", "/channels/x"),
    ("POST", "/channels/x/join"),
    ("DELETE", "/channels/x/leave"),
    ("GET", "/channels/x/members"),
    ("PUT", "/channels/x/members/y"),
    ("DELETE", "/channels/x/members/y"),
    ("GET", "/channels/x/presence"),
    ("GET", "/channels/x/messages"),
    ("POST", "/channels/x/messages"),
    ("POST", "/channels/x/invitations"),
    ("GET", "/channels/invitations/pending"),
    ("POST", "/channels/invitations/x/accept"),
    ("POST", "/channels/invitations/x/reject"),
    ("PUT", "/messages/x"),
    ("DELETE", "/messages/x"),
    ("GET", "/messages/x/receipt"),
    ("PUT", "/messages/x/receipt"),
    ("GET", "/users/me"),
    ("PUT", "/users/me"),
    ("GET", "/users/x"),
];
