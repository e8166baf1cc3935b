use axum::http::Method;
use serde_json::{Value, json};

use super::Site;

#[tokio::test]
async fn a_decision_names_its_rule() {
    let site = Site::new().await;
    let key = site.key("eye", &["system.monitor", "admin"]).await.shown;
    let grant = json!({ "roles": ["user"], "permissions": ["topic.publish:orders.*"] });
    site.call(&key, Method::PUT, "users/testuser", grant).await;
    let disable = json!({ "disabled": true });
    site.call(&key, Method::PUT, "users/user123", disable).await;
    let only = json!({ "roles": [], "permissions": ["topic.publish:orders.*"] });
    site.call(&key, Method::PUT, "users/username", only).await;
    for (query, allowed, rule, membership) in CASES {
        let answer = site.call_get(&key, &format!("explain?{query}")).await;
        let told = answer.json();
        assert_eq!(told["allowed"], allowed, "{query}: {told}");
        assert_eq!(told["rule"], rule, "{query}: {told}");
        assert_eq!(told["membership"].as_str(), membership, "{query}: {told}");
        assert_eq!(told["certain"], !query.contains("stranger"), "{query}");
    }
    let told = site.call_get(
        &key,
        "explain?user=user&permission=chat:send&channel=general",
    );
    assert_eq!(
        told.await.json(),
        json!({
            "user": "user", "permission": "chat:send", "channel": "general", "allowed": true,
            "rule": "role", "role": "user", "grant": "chat:send", "membership": "member",
            "certain": true,
            "detail": "the role user grants chat:send; a member of the room",
        })
    );
}

#[tokio::test]
async fn what_cannot_be_explained_is_named() {
    let site = Site::new().await;
    let key = site.key("eye", &["system.monitor"]).await.shown;
    let cases = [
        ("permission=x", "user: missing"),
        ("user=x", "permission: missing"),
        ("user=x&permission=y&room=z", "room: unknown field"),
        (
            "user=x&permission=y&channel=a%20b",
            "channel: expected room:ID, topic:NAME, user:ID or broadcast",
        ),
    ];
    for (query, detail) in cases {
        let answer = site.call_get(&key, &format!("explain?{query}")).await;
        assert_eq!(answer.problem(400, "bad_request"), detail);
    }
    let answer = site.call_get(
        &key,
        "explain?user=user&permission=nonsense&channel=broadcast",
    );
    assert_eq!(answer.await.json()["role"], Value::Null);
}

/// A query, whether it is allowed, by which rule, and how the user is in the room.
const CASES: [(&str, bool, &str, Option<&str>); 12] = [
    ("user=user&permission=chat:send", true, "role", None),
    (
        "user=user&permission=conversation.write",
        true,
        "role",
        None,
    ),
    (
        "user=user&permission=system.monitor",
        false,
        "not_granted",
        None,
    ),
    ("user=admin&permission=system.monitor", true, "role", None),
    (
        "user=user&permission=chat:send&channel=room:general",
        true,
        "role",
        Some("member"),
    ),
    (
        "user=user&permission=chat:send&channel=general",
        true,
        "role",
        Some("member"),
    ),
    (
        "user=user&permission=conversation.read&channel=room:none",
        false,
        "not_a_member",
        Some("none"),
    ),
    (
        "user=admin&permission=conversation.read&channel=room:none",
        true,
        "role",
        Some("room.any"),
    ),
    (
        "user=username&permission=topic.publish&channel=topic:orders.new",
        true,
        "permission",
        None,
    ),
    (
        "user=username&permission=topic.publish&channel=topic:bills",
        false,
        "not_granted",
        None,
    ),
    ("user=user123&permission=chat:send", false, "disabled", None),
    (
        "user=stranger&permission=chat:send",
        true,
        "issuer_default",
        None,
    ),
];
