use axum::http::StatusCode;
use conclave_auth::{ApiKeys as _, issue_key};
use serde_json::json;

use super::Site;
use crate::identity::SystemRandom;

const REVOKE: &str = "/auth/revoke";

#[tokio::test]
async fn a_key_does_what_its_permissions_say() {
    let site = Site::new().await;
    let what = json!({ "user_id": "user" });
    let cutter = site.key("cutter", &["server.disconnect"]).await;
    let ask = site.post(REVOKE).bearer(&cutter.shown).json(&what);
    assert_eq!(ask.send().await.status, StatusCode::NO_CONTENT);
    let line = site.audited("revocation").pop().expect("a line");
    assert_eq!(line["session"], format!("key-{}", cutter.key.id));
    assert!(
        line.get("user").is_none_or(serde_json::Value::is_null),
        "{line}"
    );

    let publisher = site.key("publisher", &["server.publish"]).await;
    let ask = site.post(REVOKE).bearer(&publisher.shown).json(&what);
    let detail = ask.send().await.problem(403, "forbidden");
    assert_eq!(detail, "this needs the permission server.disconnect");
    let denied = site.audited("permission_denied").pop().expect("a line");
    assert_eq!(denied["session"], format!("key-{}", publisher.key.id));
    for line in [line, denied] {
        let text = line.to_string();
        assert!(!text.contains(&cutter.shown) && !text.contains(&publisher.shown));
    }
}

#[tokio::test]
async fn unknown_ended_and_revoked_keys_are_refused_alike() {
    let site = Site::new().await;
    let (store, node) = (&site.started.store, site.node());
    let revoked = site.key("revoked", &["admin"]).await;
    let now = node.clock.now();
    store.revoke_key(revoked.key.id, now).await.expect("stored");
    let ended = issue_key(
        conclave_auth::ApiKeyName::new("ended").expect("a name"),
        vec!["admin".to_owned()],
        Some(now),
        now,
        &SystemRandom,
    );
    store.add_key(&ended.key, ended.hash).await.expect("stored");
    let cut = &revoked.shown[..revoked.shown.len() - 1];
    for shown in [&*revoked.shown, &*ended.shown, cut, "key_", "key_x"] {
        let ask = site.post(REVOKE).bearer(shown);
        let answer = ask.json(&json!({ "user_id": "user" })).send().await;
        let detail = answer.problem(401, "unauthenticated");
        assert_eq!(detail, "Invalid or expired API key", "{shown}");
    }
    let refused = site
        .node()
        .counters
        .value(crate::metrics::Counter::KeysRefused);
    assert_eq!(refused, 5);
}

#[tokio::test]
async fn a_key_is_no_token_anywhere_else() {
    let site = Site::new().await;
    let key = site.key("all", &["admin"]).await;
    for path in ["/auth/me", "/auth/sessions", "/ws/stats"] {
        let answer = site.get(path).bearer(&key.shown).send().await;
        answer.problem(401, "unauthenticated");
    }
    for path in ["/auth/ticket", "/auth/logout"] {
        let answer = site.post(path).bearer(&key.shown).send().await;
        answer.problem(401, "unauthenticated");
    }
    assert!(site.node().identity.admit(&key.shown).await.is_err());
    let answer = site
        .post("/auth/revoke?token=")
        .header("cookie", "access_token=x");
    answer.send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn two_credentials_that_differ_are_refused() {
    let site = Site::new().await;
    let (one, two) = (site.key("one", &["admin"]).await, site.token("admin").await);
    let ask = site.post(REVOKE).bearer(&one.shown).bearer(&two);
    let answer = ask.json(&json!({ "user_id": "user" })).send().await;
    answer.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_key_is_not_shown_in_the_clear() {
    let site = Site::new().await;
    let key = site.key("one", &["admin"]).await;
    let what = json!({ "user_id": "user" });
    let site = site.from([192, 0, 2, 1], false);
    let ask = site.post(REVOKE).bearer(&key.shown).json(&what);
    ask.send().await.problem(403, "forbidden");
    let site = site.from([192, 0, 2, 1], true);
    let ask = site.post(REVOKE).bearer(&key.shown).json(&what);
    assert_eq!(ask.send().await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn uses_of_keys_are_handed_on_once() {
    let site = Site::new().await;
    let key = site.key("one", &["server.disconnect"]).await;
    let what = json!({ "user_id": "user" });
    for _ in 0..3 {
        let ask = site.post(REVOKE).bearer(&key.shown).json(&what);
        assert_eq!(ask.send().await.status, StatusCode::NO_CONTENT);
    }
    let uses = site.node().keys.take_uses();
    assert_eq!(uses.len(), 1);
    assert_eq!(uses[0].0, key.key.id);
    assert!(site.node().keys.take_uses().is_empty());
}
