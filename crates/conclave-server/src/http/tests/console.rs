//! What the console asks.

use serde_json::Value;

use super::*;
use crate::metrics::{Counter, LocalLatencies, Timed};

/// Nobody without `system.monitor` reads any of it.
#[tokio::test]
async fn the_console_is_for_holders_of_system_monitor() {
    let site = Site::new().await;
    let user = site.token("user").await;
    for path in ["/api/v1/figures"] {
        site.get(path).send().await.problem(401, "unauthenticated");
        let denied = site.get(path).bearer(&user).send().await;
        denied.problem(403, "forbidden");
        let line = site.audited("permission_denied").pop().expect("a line");
        assert_eq!(line["user"], "user", "{path}");
    }
}

async fn read(site: &Site, path: &str) -> Value {
    let admin = site.token("admin").await;
    let answer = site.get(path).bearer(&admin).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn figures_are_those_of_the_metrics() {
    let site = Site::new().await;
    let node = site.node();
    node.counters.add(Counter::Publications, 7);
    node.counters.add(Counter::MessagesLimited, 3);
    node.surfaces.add("topics", 2);
    let local = LocalLatencies::default();
    local.add(Timed::Command, std::time::Duration::from_millis(4));
    local.add_to(&node.latencies);
    let figures = read(&site, "/api/v1/figures").await;
    assert_eq!(figures["messages"]["published"], 7);
    assert_eq!(figures["limits_hit"]["messages"], 3);
    assert_eq!(figures["connections"]["by_surface"]["topics"], 2);
    assert_eq!(figures["everywhere"]["by_surface"]["topics"], 2);
    assert_eq!(figures["everywhere"]["nodes"], 1);
    assert_eq!(figures["sign_ins"]["ok"], 1);
    assert_eq!(figures["bus"], Value::Null);
    assert_eq!(figures["store"]["database"], "sqlite");
    assert!(figures["store"]["bytes"].as_u64().expect("a file") > 0);
    assert!(figures["memory"]["resident_bytes"].as_u64() > Some(0));
    let command = &figures["latency"]["command"];
    assert_eq!(command["count"], 1);
    assert_eq!(command["p50_ms"], 3.75);
    let buckets = command["buckets"].as_array().expect("a list");
    assert_eq!(buckets[4]["count"], 0);
    assert_eq!(buckets[5]["count"], 1);
    assert_eq!(buckets[14]["le_ms"], Value::Null);
    assert_eq!(figures["latency"]["delivery"]["p99_ms"], Value::Null);
    let metrics = site.get("/metrics").send().await;
    for line in [
        "conclave_publications_total 7",
        "conclave_messages_limited_total 3",
        "conclave_command_seconds_bucket{le=\"0.0025\"} 0",
        "conclave_command_seconds_bucket{le=\"0.005\"} 1",
        "conclave_command_seconds_bucket{le=\"+Inf\"} 1",
        "conclave_command_seconds_count 1",
        "conclave_command_seconds_sum 0.004",
    ] {
        assert!(metrics.text.contains(line), "{line}: {}", metrics.text);
    }
}
