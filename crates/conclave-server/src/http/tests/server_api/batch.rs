use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Site;

#[tokio::test]
async fn calls_are_answered_one_by_one() {
    let site = Site::with(&[("CONCLAVE_LIMITS__REQUESTS_PER_SECOND", "1")]).await;
    let key = site.key("bot", &["server.publish"]).await.shown;
    let say = |content: &str| json!({ "user_id": "user", "content": content });
    let calls = json!([
        { "call": "rooms/general/messages", "body": say("one") },
        { "call": "/api/v1/rooms/general/messages", "method": "POST", "body": say("two") },
        { "call": "rooms/nowhere/messages", "body": say("x") },
        { "call": "users/user/push", "body": { "type": "notification" } },
        { "call": "connections", "method": "GET" },
        { "call": "nothing", "method": "GET" },
        { "call": "system-status", "method": "PUT" },
        { "call": "batch", "body": [] },
        { "call": 5 },
        { "body": {} },
        { "call": "system-status", "surprise": 1 },
        7,
        { "call": "rooms/general/messages" },
        { "call": "a b" },
        { "call": "users/user", "method": "a b" },
    ]);
    let answer = site.call_post(&key, "batch", calls).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let answers = answer.json();
    let statuses = answers.as_array().expect("a list").iter();
    let statuses: Vec<_> = statuses.map(|answer| answer["status"].clone()).collect();
    let expected = [
        201, 201, 404, 204, 403, 404, 405, 404, 400, 400, 400, 400, 400, 400, 400,
    ];
    assert_eq!(statuses, expected, "{answers}");
    assert_eq!(answers[0]["body"]["content"], "one");
    assert_eq!(answers[1]["body"]["seq"], 3);
    assert_eq!(answers[2]["body"]["detail"], "no such room");
    assert_eq!(answers[3]["body"], Value::Null);
    assert_eq!(answers[4]["body"]["code"], "forbidden");
    assert_eq!(answers[12]["body"]["detail"], "user_id: missing");
}

#[tokio::test]
async fn a_batch_of_a_user_counts_once() {
    let site = Site::with(&[("CONCLAVE_LIMITS__REQUESTS_PER_SECOND", "1")]).await;
    let token = site.token("admin").await;
    let call = json!({ "call": "users/user", "method": "GET" });
    let calls = Value::Array(vec![call; 30]);
    let answer = site.call_post(&token, "batch", calls.clone()).await;
    let answers = answer.json();
    let answers = answers.as_array().expect("a list");
    assert!(answers.iter().all(|answer| answer["status"] == 200));
    let again = site.call_post(&token, "batch", calls).await;
    again.problem(429, "rate_limited");
}

#[tokio::test]
async fn a_batch_has_a_bound() {
    let site = Site::new().await;
    let key = site.key("bot", &["server.publish"]).await.shown;
    let call = json!({ "call": "nothing", "method": "GET" });
    let most = site
        .call_post(&key, "batch", Value::Array(vec![call.clone(); 1000]))
        .await;
    assert_eq!(most.json().as_array().expect("a list").len(), 1000);
    let over = site
        .call_post(&key, "batch", Value::Array(vec![call; 1001]))
        .await;
    assert_eq!(over.problem(413, "too_large"), "at most 1000 calls");
    // Larger than other bodies may be.
    let text = json!([{ "call": "x", "body": "y".repeat(100_000) }]);
    assert_eq!(
        site.call_post(&key, "batch", text).await.status,
        StatusCode::OK
    );
    let text = json!([{ "call": "x", "body": "y".repeat(5_000_000) }]);
    site.call_post(&key, "batch", text)
        .await
        .problem(413, "too_large");
    for wrong in [json!({}), json!("x"), json!(null)] {
        let ask = site.post("/api/v1/batch").bearer(&key).json(&wrong);
        let detail = ask.send().await.problem(400, "bad_request");
        assert_eq!(detail, "the body must be a JSON list");
    }
    let ask = site
        .post("/api/v1/batch")
        .bearer(&key)
        .raw("text/plain", "[]");
    ask.send().await.problem(415, "bad_request");
}
