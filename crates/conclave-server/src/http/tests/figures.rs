use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use conclave_core::ConnectionBounds;
use conclave_protocol::UserId;
use serde_json::json;

use super::{Site, metrics_router};
use crate::metrics::Counter;

#[tokio::test]
async fn stats_are_for_holders_of_system_monitor() {
    let site = Site::new().await;
    let (user, admin) = (site.token("user").await, site.token("admin").await);
    site.get("/ws/stats")
        .send()
        .await
        .problem(401, "unauthenticated");
    site.get("/ws/stats")
        .bearer(&user)
        .send()
        .await
        .problem(403, "forbidden");
    let types = json!({ "general": 0, "conversation": 0, "web3": 0 });
    let body = site.get("/ws/stats").bearer(&admin).send().await.json();
    let expected = json!({
        "websocket_manager":
            { "active_connections": 0, "unique_users": 0, "connection_types": types },
        "authentication": {
            "active_connections": 0, "unique_users": 0, "max_connections_per_user": 10,
            "connection_types": types,
        },
        "security": {
            "authenticated_connections": 0, "unique_authenticated_users": 0,
            "max_connections_per_user": 10,
        },
    });
    assert_eq!(body["success"], true);
    assert_eq!(body["stats"], expected);
    let seconds = body["timestamp"].as_f64().expect("a number");
    assert!((1.7e9..1e11).contains(&seconds));
}

#[tokio::test]
async fn stats_count_connections_and_users() {
    let site = Site::new().await;
    let admin = site.token("admin").await;
    let bounds = ConnectionBounds {
        user: 10,
        address: 0,
        all: 0,
    };
    let user = UserId::new("user").expect("a user");
    let table = &site.node().connections;
    let guards = [Some(&user), Some(&user), None].map(|user| table.open(user, None, bounds));
    site.node().surfaces.add("topics", 3);
    let stats = site.get("/ws/stats").bearer(&admin).send().await.json()["stats"].clone();
    assert_eq!(stats["websocket_manager"]["active_connections"], 3);
    assert_eq!(stats["authentication"]["unique_users"], 1);
    assert_eq!(stats["authentication"]["connection_types"]["topics"], 3);
    assert_eq!(stats["security"]["authenticated_connections"], 2);
    drop(guards);
    let stats = site.get("/ws/stats").bearer(&admin).send().await.json()["stats"].clone();
    assert_eq!(stats["security"]["authenticated_connections"], 0);
}

#[tokio::test]
async fn health_says_what_is_wrong() {
    let site = Site::new().await;
    let answer = site.get("/health/live").send().await;
    assert_eq!(answer.json(), json!({ "status": "live" }));
    let answer = site.get("/health/ready").send().await;
    assert_eq!(answer.json(), json!({ "status": "ready" }));
    site.node().draining.store(true, Ordering::Relaxed);
    let answer = site.get("/health/ready").send().await;
    assert_eq!(
        answer.problem(503, "unavailable"),
        "the server is going away"
    );
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(site.get("/health/live").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_closed_store_is_not_ready() {
    let site = Site::new().await;
    site.started.store.close().await.ok();
    let answer = site.get("/health/ready").send().await;
    assert_eq!(
        answer.problem(503, "unavailable"),
        "the store does not answer"
    );
    let wish = json!({ "username": "user", "password": "password" });
    let answer = site.post("/auth/token").json(&wish).send().await;
    assert_eq!(
        answer.problem(503, "unavailable"),
        "the store is unavailable"
    );
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_holders_of_system_monitor() {
    let site = Site::new().await;
    let (user, admin) = (site.token("user").await, site.token("admin").await);
    site.node().counters.add(Counter::Publications, 7);
    let answer = site.get("/metrics").send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let kind = answer.header("content-type").expect("a type");
    assert!(kind.starts_with("application/openmetrics-text"));
    for line in [
        "# TYPE conclave_publications counter",
        "conclave_publications_total 7",
        "conclave_sign_ins_total 2",
        "conclave_inbox_bytes{worker=\"0\"} 0",
        "conclave_workers 1",
        "# EOF",
    ] {
        assert!(
            answer.text.lines().any(|found| found == line),
            "{line} in {}",
            answer.text
        );
    }
    let forwarded = site.get("/metrics").header("x-forwarded-for", "192.0.2.9");
    forwarded.send().await.problem(401, "unauthenticated");
    let site = site.from([192, 0, 2, 9], true);
    site.get("/metrics")
        .send()
        .await
        .problem(401, "unauthenticated");
    site.get("/metrics")
        .bearer(&user)
        .send()
        .await
        .problem(403, "forbidden");
    let answer = site.get("/metrics").bearer(&admin).send().await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_with_an_address_of_their_own_are_only_there() {
    let site = Site::with(&[("CONCLAVE_METRICS__LISTEN", "127.0.0.1:9901")]).await;
    site.get("/metrics").send().await.problem(404, "not_found");
    let own = metrics_router(site.node());
    let answer = site.get("/metrics").send_to(own.clone()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = site.get("/auth/me").send_to(own).await;
    answer.problem(404, "not_found");
}
