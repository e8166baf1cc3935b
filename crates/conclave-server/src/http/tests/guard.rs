use axum::http::{Method, StatusCode};
use serde_json::json;

use super::Site;
use crate::config::Profile;

const PAGE: &str = "https://app.example";

async fn outside_dev() -> Site {
    let profile = Profile::default();
    Site::of(profile, &[("CONCLAVE_AUTH__ORIGINS", PAGE)]).await
}

#[tokio::test]
async fn listed_pages_may_read_answers() {
    let site = outside_dev().await;
    let answer = site.get("/health/live").header("origin", PAGE).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(
        answer.header("access-control-allow-credentials"),
        Some("true")
    );
    assert_eq!(answer.header("vary"), Some("Origin"));
    let answer = site.get("/nothing").header("origin", PAGE).send().await;
    answer.problem(404, "not_found");
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    let answer = site.get("/health/live").send().await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn preflights_are_answered_for_listed_pages_only() {
    let site = outside_dev().await;
    let ask = |page| {
        site.ask(Method::OPTIONS, "/auth/token")
            .header("origin", page)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
    };
    let answer = ask(PAGE).send().await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(
        answer.header("access-control-allow-methods"),
        Some("GET, POST, PUT, DELETE")
    );
    let headers = answer.header("access-control-allow-headers");
    assert_eq!(
        headers,
        Some("Authorization, Content-Type, Idempotency-Key")
    );
    let answer = ask("https://evil.example").send().await;
    answer.problem(403, "forbidden");
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn other_pages_and_other_hosts_are_refused() {
    let site = outside_dev().await;
    for page in [
        "https://evil.example",
        "null",
        "https://app.example.evil.example",
    ] {
        let answer = site.get("/health/live").header("origin", page).send().await;
        answer.problem(403, "forbidden");
    }
    let own = site.get("/health/live").header("host", "chat.example");
    let answer = own.header("origin", "https://chat.example").send().await;
    assert_eq!(answer.status, StatusCode::OK);
    let dev = Site::new().await;
    let answer = dev
        .get("/test-token")
        .header("host", "rebound.example:8000")
        .send()
        .await;
    assert_eq!(
        answer.problem(403, "forbidden"),
        "this Origin or Host is not allowed"
    );
    let answer = dev
        .get("/test-token")
        .header("host", "localhost:8000")
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let site = Site::new().await;
    site.get("/unknown").send().await.problem(404, "not_found");
    site.get("/auth/sessions/a/b/c/d")
        .send()
        .await
        .problem(404, "not_found");
    let answer = site.get("/token").send().await;
    assert_eq!(
        answer.problem(405, "bad_request"),
        "GET is not a method of this path"
    );
    assert_eq!(answer.header("allow"), Some("POST"));
    let answer = site.ask(Method::DELETE, "/auth/me").send().await;
    answer.problem(405, "bad_request");
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
}

#[tokio::test]
async fn a_body_over_its_bound_is_refused() {
    let site = Site::new().await;
    let body = json!({ "username": "x".repeat(64 * 1024), "password": "y" });
    let answer = site.post("/auth/token").json(&body).send().await;
    assert_eq!(
        answer.problem(413, "too_large"),
        "the body is over 65536 bytes"
    );
    let body = json!({ "username": "x".repeat(60 * 1024), "password": "y" });
    let answer = site.post("/auth/token").json(&body).send().await;
    answer.problem(401, "unauthenticated");
}
