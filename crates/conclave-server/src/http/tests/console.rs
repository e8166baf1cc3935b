//! What the console asks.

use serde_json::Value;

use super::*;
use crate::metrics::{Counter, LocalLatencies, Timed};

/// Nobody without `system.monitor` reads any of it.
#[tokio::test]
async fn the_console_is_for_holders_of_system_monitor() {
    let site = Site::new().await;
    let user = site.token("user").await;
    for path in [
        "/api/v1/figures",
        "/api/v1/connections",
        "/api/v1/rooms",
        "/api/v1/rooms/general/subscribers",
        "/api/v1/topics",
        "/api/v1/topics/subscribers?session=s&topic=t",
        "/api/v1/roles",
        "/api/v1/audit",
        "/api/v1/audit/state",
        "/api/v1/config",
    ] {
        site.get(path).send().await.problem(401, "unauthenticated");
        let denied = site.get(path).bearer(&user).send().await;
        denied.problem(403, "forbidden");
        let line = site.audited("permission_denied").pop().expect("a line");
        assert_eq!(line["user"], "user", "{path}");
    }
}

async fn ask(site: &Site, path: &str) -> Answer {
    let admin = site.token("admin").await;
    site.get(path).bearer(&admin).send().await
}

async fn read(site: &Site, path: &str) -> Value {
    let answer = ask(site, path).await;
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

#[tokio::test]
async fn all_rooms_are_listed() {
    let site = Site::new().await;
    let rooms = read(&site, "/api/v1/rooms").await;
    assert_eq!(rooms[0]["id"], "general", "{rooms}");
    assert_eq!(
        (&rooms[0]["type"], &rooms[0]["subscribers"]),
        (&"PUBLIC".into(), &0.into())
    );
    assert_eq!(read(&site, "/api/v1/rooms?search=GENER").await, rooms);
    assert_eq!(read(&site, "/api/v1/rooms?search=none").await, json!([]));
    assert_eq!(read(&site, "/api/v1/rooms?after=general").await, json!([]));
    let long = "x".repeat(129);
    for (query, detail) in [
        (format!("search={long}"), "search: at most 128 characters"),
        ("limit=0".to_owned(), "limit: expected 1 to 200"),
        ("limit=201".to_owned(), "limit: expected 1 to 200"),
    ] {
        let answer = ask(&site, &format!("/api/v1/rooms?{query}")).await;
        assert_eq!(answer.problem(400, "bad_request"), detail);
    }
    let answer = ask(&site, "/api/v1/topics?after=x").await;
    assert_eq!(
        answer.problem(400, "bad_request"),
        "after: expected what a list gave"
    );
    assert_eq!(read(&site, "/api/v1/topics").await, json!([]));
}

#[tokio::test]
async fn roles_are_those_that_are_configured() {
    let site = Site::new().await;
    let roles = read(&site, "/api/v1/roles").await;
    let list = roles.as_array().expect("a list");
    let admin = list.iter().find(|role| role["role"] == "admin");
    assert_eq!(admin.expect("a role")["permissions"], json!(["admin"]));
    assert!(list.iter().is_sorted_by_key(|role| role["role"].as_str()));
}

#[tokio::test]
async fn the_configuration_is_shown_without_secrets() {
    let secret = "kept by those who have to know it, 32 bytes";
    let site = Site::with(&[
        ("JWT_SECRET_KEY", secret),
        ("CONCLAVE_LIMITS__MESSAGE_BYTES", "4096"),
        ("CONCLAVE_WEBHOOKS__0__URL", "https://hooks.example/T0/B1"),
        ("CONCLAVE_WEBHOOKS__0__EVENTS", "membership"),
        (
            "CONCLAVE_WEBHOOKS__0__SECRET",
            "a third one that nobody may read, 32 bytes",
        ),
    ])
    .await;
    let answer = ask(&site, "/api/v1/config").await;
    for hidden in [secret, "nobody", "T0"] {
        assert!(!answer.text.contains(hidden), "{hidden}: {}", answer.text);
    }
    let config = answer.json();
    assert_eq!(
        (&config["profile"], &config["file"]),
        (&"dev".into(), &Value::Null)
    );
    let keys = config["keys"].as_array().expect("a list");
    let of = |name: &str| {
        let found = keys.iter().filter(|key| key["key"] == name);
        let found: Vec<_> = found.collect();
        assert_eq!(found.len(), 1, "{name}");
        let key = found[0];
        assert!(!key["about"].as_str().expect("a text").is_empty(), "{name}");
        json!([
            key["value"],
            key["secret"],
            key["set"],
            key["from"],
            key["source"]
        ])
    };
    let variable = |name: &str| json!(["environment", name]);
    let size = variable("CONCLAVE_LIMITS__MESSAGE_BYTES");
    assert_eq!(
        of("limits.message_bytes"),
        json!([4096, false, true, size[0], size[1]])
    );
    assert_eq!(
        of("auth.secret"),
        json!([null, true, true, "environment", "JWT_SECRET_KEY"])
    );
    assert_eq!(of("store.url"), json!([null, true, false, "default", null]));
    assert_eq!(of("webhooks[0].url")[0], "https://hooks.example/…");
    assert_eq!(
        of("auth.roles.admin"),
        json!([["admin"], false, true, "default", null])
    );
    assert_eq!(of("server.data_dir")[3], "flag");
    assert_eq!(of("pages.enabled")[0], true);
}

#[tokio::test]
async fn the_audit_is_read_from_its_end() {
    let site = Site::new().await;
    for name in ["nobody", "noone"] {
        let wish = json!({ "username": name, "password": "wrong" });
        site.post("/auth/token").json(&wish).send().await;
    }
    let token = site.token("admin").await;
    site.node().audit.flush().expect("a durable audit");
    let get = async |query: &str| {
        let path = format!("/api/v1/audit{query}");
        let answer = site.get(&path).bearer(&token).send().await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    };
    let all = get("").await;
    let lines = all["lines"].as_array().expect("a list").clone();
    assert_eq!(all["before"], Value::Null);
    assert_eq!(lines[0]["event"], "sign_in_ok");
    assert_eq!(lines[lines.len() - 1]["seq"], 1);
    assert!(
        lines
            .iter()
            .is_sorted_by(|one, next| one["seq"].as_u64() > next["seq"].as_u64())
    );
    let failed = get("?event=sign_in_failed").await;
    assert_eq!(failed["lines"].as_array().expect("a list").len(), 2);
    let noone = get("?user=noone&level=warning").await;
    assert_eq!(noone["lines"][0]["user"], "noone");
    assert_eq!(get("?search=NOBODY").await["lines"][0]["user"], "nobody");
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let page = get(&format!("?limit=1{before}")).await;
        seen.extend(page["lines"].as_array().expect("a list").clone());
        if page["before"].is_null() {
            break;
        }
        before = format!("&before={}", page["before"]);
    }
    assert_eq!(seen, lines);
    let wrong = site
        .get("/api/v1/audit?before=x")
        .bearer(&token)
        .send()
        .await;
    wrong.problem(400, "bad_request");
}

#[tokio::test]
async fn the_chain_is_checked_once_for_all_who_ask() {
    let site = Site::new().await;
    let token = site.token("admin").await;
    site.node().audit.flush().expect("a durable audit");
    let get = || site.get("/api/v1/audit/state").bearer(&token).send();
    let (one, other) = tokio::join!(get(), get());
    let state = one.json();
    assert_eq!(state, other.json());
    assert_eq!(
        (&state["verified"], &state["problem"]),
        (&true.into(), &Value::Null)
    );
    assert_eq!(
        (&state["first_seq"], &state["last_seq"]),
        (&1.into(), &state["lines"])
    );
    assert_eq!(state["head"].as_str().expect("a hash").len(), 64);
}

#[tokio::test]
async fn a_chain_that_was_changed_is_named_and_can_be_read() {
    let site = Site::new().await;
    let token = site.token("admin").await;
    site.node().audit.flush().expect("a durable audit");
    let path = site.node().setup.config.audit_file();
    let text = std::fs::read_to_string(&path).expect("an audit");
    std::fs::write(&path, text.replacen("\"info\"", "\"none\"", 1)).expect("a file");
    let state = site
        .get("/api/v1/audit/state")
        .bearer(&token)
        .send()
        .await
        .json();
    assert_eq!(state["verified"], false);
    assert_eq!(state["problem"], "audit.log line 1: hash does not match");
    assert_eq!(state["head"], Value::Null);
    let page = site.get("/api/v1/audit").bearer(&token).send().await.json();
    assert_eq!(
        page["lines"].as_array().expect("a list").len(),
        text.lines().count()
    );
}

#[tokio::test]
async fn an_audit_that_is_off_cannot_be_read() {
    let site = Site::with(&[("CONCLAVE_AUDIT__ENABLED", "false")]).await;
    for path in ["/api/v1/audit", "/api/v1/audit/state"] {
        let answer = ask(&site, path).await;
        assert_eq!(answer.problem(503, "unavailable"), "the audit is off");
    }
}

/// A page of the same origin does all that an administrator may, by its token alone: no cookie
/// counts, so no other page can have it done.
#[tokio::test]
async fn a_page_of_the_same_origin_acts_by_its_token_alone() {
    let site = Site::new().await;
    let admin = site.sign_in("admin").await;
    let token = text(&admin, "token");
    let acts = [
        (
            Method::POST,
            "/api/v1/users",
            json!({ "name": "new", "password": "a good one" }),
        ),
        (
            Method::PUT,
            "/api/v1/users/new",
            json!({ "disabled": true }),
        ),
        (Method::POST, "/auth/revoke", json!({ "user_id": "new" })),
        (Method::DELETE, "/api/v1/users/new", json!({})),
    ];
    for (method, path, body) in acts {
        let ask = || {
            let ask = site.ask(method.clone(), path);
            ask.header("host", "localhost:8081")
        };
        let cookie = format!("access_token={token}");
        let by_cookie = ask()
            .header("origin", "http://localhost:8081")
            .header("cookie", &cookie);
        by_cookie
            .json(&body)
            .send()
            .await
            .problem(401, "unauthenticated");
        let foreign = ask()
            .header("origin", "https://evil.example")
            .bearer(&token);
        foreign.json(&body).send().await.problem(403, "forbidden");
        let own = ask()
            .header("origin", "http://localhost:8081")
            .bearer(&token);
        let done = own.json(&body).send().await;
        assert!(done.status.is_success(), "{path}: {}", done.text);
    }
}
