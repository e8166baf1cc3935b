use axum::http::StatusCode;
use serde_json::json;

use super::{Site, claims, text};
use crate::handshake::Origin;

#[tokio::test]
async fn me_says_who_the_token_proves() {
    let site = Site::new().await;
    let token = site.session_token("user", "standup").await;
    let me = site.get("/auth/me").bearer(&token).send().await.json();
    assert_eq!(me["user_id"], "user");
    assert_eq!(me["name"], "user");
    assert_eq!(me["session"], "standup");
    assert_eq!(me["roles"], json!(["user"]));
    let permissions = me["permissions"].as_array().expect("a list");
    assert!(
        permissions.contains(&json!("topic.publish")) && !permissions.contains(&json!("admin"))
    );
    let end: jiff::Timestamp = text(&me, "expires_at").parse().expect("RFC 3339");
    assert_eq!(
        end.as_second(),
        claims(&token)["exp"].as_i64().expect("exp")
    );
    let own = site.token("user").await;
    let me = site.get("/auth/me").bearer(&own).send().await.json();
    assert_eq!(me["session"], "session-user");
}

#[tokio::test]
async fn what_proves_nobody_is_refused() {
    let site = Site::new().await;
    let token = site.token("user").await;
    let missing = site
        .get("/auth/me")
        .send()
        .await
        .problem(401, "unauthenticated");
    assert_eq!(missing, "Missing authentication token");
    let answer = site.get("/auth/me").bearer("not.a.token").send().await;
    assert_eq!(
        answer.problem(401, "unauthenticated"),
        "Invalid or expired token"
    );
    let answer = site
        .get("/auth/me")
        .bearer(&token)
        .bearer("other")
        .send()
        .await;
    answer.problem(401, "unauthenticated");
    let basic = format!("Basic {token}");
    site.get("/auth/me")
        .header("authorization", &basic)
        .send()
        .await
        .problem(401, "unauthenticated");
    let cookie = format!("access_token={token}");
    let page = "http://localhost:3000";
    let ask = site
        .get("/auth/me")
        .header("cookie", &cookie)
        .header("origin", page);
    ask.send().await.problem(401, "unauthenticated");
    let path = format!("/auth/me?token={token}");
    site.get(&path).send().await.problem(401, "unauthenticated");
    assert!(!site.audited("permission_denied").is_empty());
}

#[tokio::test]
async fn a_ticket_stands_for_its_token_once_and_under_its_origin() {
    let site = Site::new().await;
    let token = site.token("user").await;
    let identity = &site.node().identity;
    let body = site.post("/auth/ticket").bearer(&token).send().await.json();
    assert_eq!(body["expires_in"], 30);
    let ticket = text(&body, "ticket");
    let principal = identity
        .redeem(&ticket, &Origin::Absent)
        .await
        .expect("a principal");
    assert_eq!(
        principal.user.as_ref().map(|user| user.as_str()),
        Some("user")
    );
    assert!(identity.redeem(&ticket, &Origin::Absent).await.is_err());
    let page = "http://localhost:3000";
    let ask = || {
        site.post("/auth/ticket")
            .bearer(&token)
            .header("origin", page)
    };
    let other = text(&ask().send().await.json(), "ticket");
    assert!(identity.redeem(&other, &Origin::Absent).await.is_err());
    let own = text(&ask().send().await.json(), "ticket");
    assert!(
        identity
            .redeem(&own, &Origin::Allowed(page.to_owned()))
            .await
            .is_ok()
    );
    let revoked = text(
        &site.post("/auth/ticket").bearer(&token).send().await.json(),
        "ticket",
    );
    site.post("/auth/logout").bearer(&token).send().await;
    assert!(identity.redeem(&revoked, &Origin::Absent).await.is_err());
    site.post("/auth/ticket")
        .send()
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_new_password_ends_every_token() {
    let mut site = Site::new().await;
    let (here, there) = (site.sign_in("user").await, site.token("user").await);
    let token = text(&here, "token");
    site.reviewed();
    let change = json!({ "old": "password", "new": "correct horse" });
    let answer = site
        .post("/auth/password")
        .bearer(&token)
        .json(&change)
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    assert!(site.reviewed());
    for token in [&token, &there] {
        site.get("/auth/me")
            .bearer(token)
            .send()
            .await
            .problem(401, "unauthenticated");
    }
    let refresh = json!({ "refresh_token": text(&here, "refresh_token") });
    site.post("/auth/refresh")
        .json(&refresh)
        .send()
        .await
        .problem(401, "unauthenticated");
    let old = json!({ "username": "user", "password": "password" });
    site.post("/auth/token")
        .json(&old)
        .send()
        .await
        .problem(401, "unauthenticated");
    let new = json!({ "username": "user", "password": "correct horse" });
    assert_eq!(
        site.post("/auth/token").json(&new).send().await.status,
        StatusCode::OK
    );
    assert_eq!(site.audited("revocation").len(), 1);
}

#[tokio::test]
async fn bad_password_changes_change_nothing() {
    let site = Site::new().await;
    let token = site.token("user").await;
    let ask = async |body| {
        site.post("/auth/password")
            .bearer(&token)
            .json(&body)
            .send()
            .await
    };
    let answer = ask(json!({ "old": "wrong", "new": "correct horse" })).await;
    assert_eq!(answer.problem(403, "forbidden"), "old: not the password");
    let detail = ask(json!({ "old": "password", "new": "short" }))
        .await
        .problem(400, "bad_request");
    assert!(detail.starts_with("new: "), "{detail}");
    let detail = ask(json!({ "old": "password", "new": "" }))
        .await
        .problem(400, "bad_request");
    assert_eq!(detail, "new: empty, or over 1024 bytes");
    let detail = ask(json!({ "old": "password" }))
        .await
        .problem(400, "bad_request");
    assert_eq!(detail, "new: missing");
    site.token("user").await;
    assert_eq!(site.audited("sign_in_failed").len(), 1);
}
