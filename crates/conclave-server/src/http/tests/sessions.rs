use axum::http::{Method, StatusCode};
use serde_json::json;

use super::Site;

#[tokio::test]
async fn sessions_are_listed_shared_unshared_and_deleted() {
    let mut site = Site::new().await;
    let owner = site.session_token("user", "team/one").await;
    let list = site
        .get("/auth/sessions")
        .bearer(&owner)
        .send()
        .await
        .json();
    assert_eq!(list["sessions"][0]["name"], "team/one");
    assert_eq!(list["sessions"][0]["shared_with"], json!([]));

    let wish = json!({ "username": "testuser", "password": "password", "session_id": "team/one" });
    site.post("/auth/token")
        .json(&wish)
        .send()
        .await
        .problem(403, "forbidden");
    let share = "/auth/sessions/team%2Fone/users/testuser";
    let answer = site.ask(Method::PUT, share).bearer(&owner).send().await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    let guest = site.session_token("testuser", "team/one").await;
    let list = site
        .get("/auth/sessions")
        .bearer(&owner)
        .send()
        .await
        .json();
    assert_eq!(list["sessions"][0]["shared_with"], json!(["testuser"]));

    site.reviewed();
    let answer = site.ask(Method::DELETE, share).bearer(&owner).send().await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(site.reviewed());
    site.get("/auth/me")
        .bearer(&guest)
        .send()
        .await
        .problem(401, "unauthenticated");
    site.ask(Method::DELETE, share)
        .bearer(&owner)
        .send()
        .await
        .problem(404, "not_found");

    let path = "/auth/sessions/team%2Fone";
    let answer = site.ask(Method::DELETE, path).bearer(&owner).send().await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    site.get("/auth/me")
        .bearer(&owner)
        .send()
        .await
        .problem(401, "unauthenticated");
    assert_eq!(site.audited("role_change").len(), 1);
    assert_eq!(site.audited("revocation").len(), 2);
}

#[tokio::test]
async fn a_session_of_somebody_else_looks_like_none() {
    let site = Site::new().await;
    site.session_token("user", "standup").await;
    let stranger = site.token("testuser").await;
    for session in ["standup", "no-such-session"] {
        for (method, path) in [
            (Method::DELETE, format!("/auth/sessions/{session}")),
            (
                Method::PUT,
                format!("/auth/sessions/{session}/users/testuser2"),
            ),
            (
                Method::DELETE,
                format!("/auth/sessions/{session}/users/user"),
            ),
        ] {
            let answer = site.ask(method, &path).bearer(&stranger).send().await;
            assert_eq!(answer.problem(404, "not_found"), "not found", "{path}");
        }
    }
    let list = site
        .get("/auth/sessions")
        .bearer(&stranger)
        .send()
        .await
        .json();
    assert_eq!(list, json!({ "sessions": [] }));
    site.get("/auth/sessions")
        .send()
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn bad_names_in_paths_are_refused() {
    let site = Site::new().await;
    let owner = site.session_token("user", "standup").await;
    let check = async |method, path: &str, status, code: &str| {
        site.ask(method, path)
            .bearer(&owner)
            .send()
            .await
            .problem(status, code);
    };
    check(Method::DELETE, "/auth/sessions/%ff", 400, "bad_request").await;
    check(
        Method::PUT,
        "/auth/sessions/standup/users/a%00b",
        400,
        "bad_request",
    )
    .await;
    check(
        Method::PUT,
        "/auth/sessions/standup/users/user",
        400,
        "bad_request",
    )
    .await;
    let long = format!("/auth/sessions/{}", "x".repeat(300));
    check(Method::DELETE, &long, 404, "not_found").await;
}
