use axum::http::StatusCode;
use serde_json::json;

use super::{Site, text};

async fn is_in(site: &Site, token: &str) -> bool {
    site.get("/auth/me").bearer(token).send().await.status == StatusCode::OK
}

#[tokio::test]
async fn logout_ends_the_token_and_its_sign_in() {
    let mut site = Site::new().await;
    let here = site.sign_in("user").await;
    let there = site.token("user").await;
    let token = text(&here, "token");
    site.reviewed();
    let answer = site.post("/auth/logout").bearer(&token).send().await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (StatusCode::NO_CONTENT, "")
    );
    assert!(site.reviewed());
    assert!(!is_in(&site, &token).await);
    assert!(is_in(&site, &there).await);
    let refresh = json!({ "refresh_token": text(&here, "refresh_token") });
    site.post("/auth/refresh")
        .json(&refresh)
        .send()
        .await
        .problem(401, "unauthenticated");
    let lines = site.audited("revocation");
    assert_eq!(lines[0]["detail"], json!({ "logout": "token" }));
    assert!(!lines[0].to_string().contains(&token));
}

#[tokio::test]
async fn logout_of_all_ends_every_token_and_signing_in_again_works() {
    let site = Site::new().await;
    let (here, there) = (site.token("user").await, site.token("user").await);
    let other = site.token("testuser").await;
    let ask = site
        .post("/auth/logout")
        .bearer(&here)
        .json(&json!({ "all": true }));
    assert_eq!(ask.send().await.status, StatusCode::NO_CONTENT);
    assert!(!is_in(&site, &here).await && !is_in(&site, &there).await);
    assert!(is_in(&site, &other).await);
    let again = site.token("user").await;
    assert!(is_in(&site, &again).await);
}

#[tokio::test]
async fn logout_makes_the_browser_forget_its_cookies() {
    let site = Site::new().await;
    let token = site.token("user").await;
    let ask = site
        .post("/auth/logout")
        .bearer(&token)
        .header("cookie", "access_token=x");
    let answer = ask.send().await;
    for name in ["access_token", "refresh_token"] {
        let cookie = answer.cookie(name).expect("a cookie");
        assert!(cookie.starts_with(&format!("{name}=; ")) && cookie.contains("Max-Age=0"));
    }
}

#[tokio::test]
async fn bad_logouts_end_nothing() {
    let site = Site::new().await;
    let token = site.token("user").await;
    site.post("/auth/logout")
        .send()
        .await
        .problem(401, "unauthenticated");
    let ask = site
        .post("/auth/logout")
        .bearer(&token)
        .json(&json!({ "all": "yes" }));
    let detail = ask.send().await.problem(400, "bad_request");
    assert_eq!(detail, "all: a text given, expected true or false");
    let ask = site
        .post("/auth/logout")
        .bearer(&token)
        .json(&json!({ "everything": true }));
    assert_eq!(
        ask.send().await.problem(400, "bad_request"),
        "everything: unknown field"
    );
    assert!(is_in(&site, &token).await);
}

#[tokio::test]
async fn only_an_administrator_revokes() {
    let site = Site::new().await;
    let (user, admin) = (site.token("user").await, site.token("admin").await);
    let what = json!({ "user_id": "admin" });
    let answer = site
        .post("/auth/revoke")
        .bearer(&user)
        .json(&what)
        .send()
        .await;
    assert_eq!(
        answer.problem(403, "forbidden"),
        "this needs the permission server.disconnect"
    );
    assert!(is_in(&site, &admin).await);
    assert_eq!(site.audited("permission_denied")[0]["user"], "user");
    site.post("/auth/revoke")
        .json(&what)
        .send()
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_administrator_revokes_by_token_user_and_session() {
    let mut site = Site::new().await;
    let admin = site.token("admin").await;
    let revoke = async |site: &Site, what| {
        let answer = site
            .post("/auth/revoke")
            .bearer(&admin)
            .json(&what)
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    };
    let (one, two) = (site.token("user").await, site.token("user").await);
    site.reviewed();
    revoke(&site, json!({ "token": one })).await;
    assert!(site.reviewed());
    assert!(!is_in(&site, &one).await && is_in(&site, &two).await);
    revoke(&site, json!({ "user_id": "user" })).await;
    assert!(!is_in(&site, &two).await);
    let named = site.session_token("user", "standup").await;
    let own = site.token("user").await;
    revoke(&site, json!({ "session_id": "standup" })).await;
    assert!(!is_in(&site, &named).await && is_in(&site, &own).await);
    revoke(&site, json!({ "session_id": "session-user" })).await;
    assert!(!is_in(&site, &own).await && is_in(&site, &admin).await);
    let lines = site.audited("revocation");
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line["user"] == "admin"));
    assert_eq!(
        lines[1]["detail"],
        json!({ "admin": { "user_id": "user" } })
    );
    assert!(!lines[0].to_string().contains(&one));
}

#[tokio::test]
async fn bad_revocations_name_what_is_wrong() {
    let site = Site::new().await;
    let admin = site.token("admin").await;
    let one_of = "expected one of token, user_id, session_id";
    let check = async |what, expected: &str| {
        let answer = site
            .post("/auth/revoke")
            .bearer(&admin)
            .json(&what)
            .send()
            .await;
        assert_eq!(answer.problem(400, "bad_request"), expected);
    };
    check(json!({}), one_of).await;
    check(json!({ "user_id": "a", "session_id": "b" }), one_of).await;
    check(
        json!({ "user_id": 5 }),
        "user_id: a number given, expected a text",
    )
    .await;
    check(json!({ "user": "a" }), "user: unknown field").await;
    check(json!({ "user_id": "" }), "not a user id").await;
    check(json!({ "token": "x" }), "not a valid token").await;
}
