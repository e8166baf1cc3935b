use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Site};
use crate::http::tests::text;

#[tokio::test]
async fn a_user_is_added_once_and_signs_in() {
    let site = Site::new().await;
    let key = site.key("hr", &["admin"]).await.shown;
    let answer = add(&site, &key).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(
        answer.header("location"),
        Some("/api/v1/users/ann%20%C3%A9")
    );
    let account = json!({
        "name": "ann é", "roles": ["moderator", "user"], "permissions": ["topic.publish:x"],
        "disabled": false,
    });
    assert_eq!(answer.json(), account);
    let taken = add(&site, &key).await;
    assert_eq!(
        taken.problem(409, "conflict"),
        "name: there is such a user already"
    );
    let signed = site.post("/auth/token").json(&wish()).send().await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.text);
}

#[tokio::test]
async fn a_user_is_changed_and_removed() {
    let mut site = Site::new().await;
    let key = site.key("hr", &["admin"]).await.shown;
    add(&site, &key).await;
    let signed = site.post("/auth/token").json(&wish()).send().await;
    let token = text(&signed.json(), "token");

    let path = "users/ann%20%C3%A9";
    let change = json!({ "roles": [], "permissions": ["chat:send"], "disabled": true });
    let changed = site.call(&key, Method::PUT, path, change).await;
    assert_eq!(changed.json()["disabled"], true, "{}", changed.text);
    assert_eq!(changed.json()["roles"], json!([]));
    let again = site.post("/auth/token").json(&wish()).send().await;
    again.problem(401, "unauthenticated");
    let change = json!({ "password": "another horse", "disabled": false });
    let changed = site.call(&key, Method::PUT, path, change).await;
    assert_eq!(
        changed.json()["permissions"],
        json!(["chat:send"]),
        "{}",
        changed.text
    );
    assert!(
        site.reviewed(),
        "connections of the old password are looked at"
    );
    let me = site.get("/auth/me").bearer(&token).send().await;
    me.problem(401, "unauthenticated");

    let removed = site.call(&key, Method::DELETE, path, Value::Null).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.text);
    let removed = site.call(&key, Method::DELETE, path, Value::Null).await;
    assert_eq!(removed.problem(404, "not_found"), "no such user");
    let change = json!({ "disabled": true });
    let changed = site.call(&key, Method::PUT, path, change).await;
    changed.problem(404, "not_found");

    let lines = site.audited("admin_action");
    let actions = lines.iter().map(|line| line["detail"]["action"].clone());
    let actions: Vec<Value> = actions.filter(|action| !action.is_null()).collect();
    let expected = [
        "user_add",
        "user_disable",
        "user_passwd",
        "user_enable",
        "user_remove",
    ];
    assert_eq!(actions, expected);
    let lines = format!("{lines:?}{:?}", site.audited("role_change"));
    assert!(lines.contains("user_grant") && !lines.contains("horse"));
}

async fn add(site: &Site, key: &str) -> Answer {
    let user = json!({
        "name": "ann é", "password": "correct horse", "roles": ["moderator", "user"],
        "permissions": ["topic.publish:x"],
    });
    site.call_post(key, "users", user).await
}

fn wish() -> Value {
    json!({ "username": "ann é", "password": "correct horse" })
}

#[tokio::test]
async fn users_are_listed_in_pages() {
    let site = Site::new().await;
    let key = site.key("hr", &["admin"]).await.shown;
    let page = site.call_get(&key, "users?limit=3").await;
    let names = |list: &Value| -> Vec<Value> {
        let list = list.as_array().expect("a list");
        list.iter().map(|user| user["name"].clone()).collect()
    };
    assert_eq!(names(&page.json()), ["admin", "testuser", "user"]);
    let link = page.header("link").expect("more");
    assert_eq!(link, "</api/v1/users?limit=3&after=user>; rel=\"next\"");
    let page = site.call_get(&key, "users?limit=3&after=user").await;
    assert_eq!(names(&page.json()), ["user123", "username"]);
    assert_eq!(page.header("link"), None);
}

#[tokio::test]
async fn what_is_no_user_is_named() {
    let site = Site::new().await;
    let key = site.key("hr", &["admin"]).await.shown;
    let long = "a long password";
    let cases = [
        (json!({ "password": long }), "name: missing"),
        (json!({ "name": "x" }), "password: missing"),
        (
            json!({ "name": "", "password": long }),
            "name: must not be empty",
        ),
        (
            json!({ "name": "x", "password": "short" }),
            "password: the new password is too short",
        ),
        (
            json!({ "name": "x", "password": long, "roles": ["king"] }),
            "roles: \"king\" given, expected some of admin, moderator, user",
        ),
        (
            json!({ "name": "x", "password": long, "permissions": [""] }),
            "permissions: must not be empty",
        ),
        (
            json!({ "name": "x", "password": long, "disabled": true }),
            "disabled: unknown field",
        ),
    ];
    for (user, detail) in cases {
        let answer = site.call_post(&key, "users", user).await;
        assert_eq!(answer.problem(400, "bad_request"), detail);
    }
    let nothing = site.call(&key, Method::PUT, "users/user", json!({})).await;
    assert_eq!(
        nothing.problem(400, "bad_request"),
        "expected one of password, roles, permissions, disabled"
    );
}
