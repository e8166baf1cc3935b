//! Routes wrapped by `repeatable`, in a router of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use conclave_auth::{ANSWER_KEPT, CallId, Idempotency as _};
use serde_json::json;
use tokio::sync::Semaphore;

use super::{Answer, Site, text};
use crate::http::backend::Backend;
use crate::http::problem::Problem;
use crate::http::repeat::repeatable;

/// A site with `/things`, which counts its calls.
struct Shop {
    site: Site,
    router: Router,
    desk: Arc<Desk>,
    key: String,
}

/// What the handlers share.
struct Desk {
    calls: AtomicU32,
    /// One permit for each call that may end.
    leave: Semaphore,
    /// One permit for each call that has begun.
    entered: Semaphore,
}

impl Shop {
    async fn new() -> Self {
        let site = Site::new().await;
        let desk = Arc::new(Desk {
            calls: AtomicU32::new(0),
            leave: Semaphore::new(1000),
            entered: Semaphore::new(0),
        });
        let handler = {
            let desk = Arc::clone(&desk);
            move |_: Backend, request: Request| handle(Arc::clone(&desk), request)
        };
        let routes = Router::new()
            .route("/things", any(handler.clone()))
            .route("/others", any(handler));
        let routes = repeatable(routes, site.node(), 1024);
        let router = crate::http::finish(routes, site.node());
        let key = site.key("shop", &["server.publish"]).await.shown;
        Self {
            site,
            router,
            desk,
            key,
        }
    }

    fn calls(&self) -> u32 {
        self.desk.calls.load(Ordering::SeqCst)
    }

    async fn ask(&self, (method, path): (Method, &str), key: &str, body: &str) -> Answer {
        let ask = self.site.ask(method, path).bearer(&self.key);
        let ask = ask.header("idempotency-key", key).raw("text/plain", body);
        ask.send_to(self.router.clone()).await
    }

    async fn post(&self, key: &str, body: &str) -> Answer {
        self.ask((Method::POST, "/things"), key, body).await
    }
}

/// Answers as the body says, and how often it was called.
async fn handle(desk: Arc<Desk>, request: Request) -> Response {
    let count = desk.calls.fetch_add(1, Ordering::SeqCst) + 1;
    desk.entered.add_permits(1);
    desk.leave.acquire().await.expect("open").forget();
    let named = request.extensions().get::<CallId>().is_some();
    let what = to_bytes(request.into_body(), 2048).await.expect("a body");
    match &what[..] {
        b"bad" => Problem::bad_request("as asked").into_response(),
        b"fail" => Problem::internal().into_response(),
        b"fits" => vec![b'x'; 64 * 1024].into_response(),
        b"great" => vec![b'x'; 64 * 1024 + 1].into_response(),
        b"later" => Problem::too_often("as asked", Duration::from_secs(1)).into_response(),
        b"panic" => panic!("as asked"),
        _ => {
            let headers = [
                (LOCATION, format!("/things/{count}")),
                (CONTENT_TYPE, "application/json".to_owned()),
            ];
            let body = json!({ "count": count, "named": named }).to_string();
            (StatusCode::CREATED, headers, body).into_response()
        }
    }
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer() {
    let shop = Shop::new().await;
    let first = shop.post("a", "{}").await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(first.json(), json!({ "count": 1, "named": true }));
    assert_eq!(first.header("idempotency-replayed"), None);
    for _ in 0..2 {
        let again = shop.post("a", "{}").await;
        assert_eq!(again.status, StatusCode::CREATED);
        assert_eq!(again.text, first.text);
        for name in ["content-type", "location"] {
            assert_eq!(again.header(name), first.header(name));
        }
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.header("cache-control"), Some("no-store"));
    }
    assert_eq!(shop.calls(), 1);
}

#[tokio::test]
async fn another_key_method_path_or_caller_is_another_call() {
    let shop = Shop::new().await;
    shop.post("a", "{}").await;
    shop.post("b", "{}").await;
    shop.ask((Method::PUT, "/things"), "a", "{}").await;
    shop.ask((Method::POST, "/others"), "a", "{}").await;
    assert_eq!(shop.calls(), 4);
    let other = shop.site.key("other", &["server.publish"]).await.shown;
    let user = shop.site.token("user").await;
    for caller in [&other, &user, &user] {
        let ask = shop.site.post("/things").bearer(caller);
        let ask = ask.header("idempotency-key", "a").raw("text/plain", "{}");
        let answer = ask.send_to(shop.router.clone()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    }
    assert_eq!(shop.calls(), 6);
}

#[tokio::test]
async fn another_body_or_query_under_the_same_key_is_a_conflict() {
    let shop = Shop::new().await;
    shop.post("a", "{}").await;
    let expected = "Idempotency-Key: used before for something else";
    let answer = shop.post("a", "{ }").await;
    assert_eq!(answer.problem(409, "conflict"), expected);
    let answer = shop.ask((Method::POST, "/things?x=1"), "a", "{}").await;
    assert_eq!(answer.problem(409, "conflict"), expected);
    assert_eq!(shop.calls(), 1);
}

#[tokio::test]
async fn a_call_under_way_is_not_begun_again() {
    let shop = Shop::new().await;
    shop.desk.leave.forget_permits(1000);
    let (first, ()) = tokio::join!(shop.post("a", "{}"), async {
        shop.desk.entered.acquire().await.expect("open").forget();
        let answer = shop.post("a", "{}").await;
        let expected = "Idempotency-Key: the call is still under way";
        assert_eq!(answer.problem(409, "conflict"), expected);
        shop.desk.leave.add_permits(1);
    });
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(shop.post("a", "{}").await.text, first.text);
    assert_eq!(shop.calls(), 1);
}

#[tokio::test]
async fn a_call_whose_client_went_away_runs_to_its_end() {
    let shop = Shop::new().await;
    shop.desk.leave.forget_permits(1000);
    {
        let asked = std::pin::pin!(shop.post("a", "{}"));
        let entered = std::pin::pin!(shop.desk.entered.acquire());
        tokio::select! {
            answer = asked => panic!("{}", answer.text),
            entered = entered => entered.expect("open").forget(),
        }
    }
    shop.desk.leave.add_permits(1);
    let answer = loop {
        let answer = shop.post("a", "{}").await;
        if answer.status != StatusCode::CONFLICT {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.header("idempotency-replayed"), Some("true"));
    assert_eq!(shop.calls(), 1);
}

#[tokio::test]
async fn what_a_later_try_could_better_is_not_kept() {
    let shop = Shop::new().await;
    for (count, (key, body, status)) in [
        ("a", "fail", 500),
        ("a", "fail", 500),
        ("b", "later", 429),
        ("b", "later", 429),
        ("c", "panic", 500),
        ("c", "panic", 500),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = shop.post(key, body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        assert_eq!(answer.header("idempotency-replayed"), None);
        assert_eq!(usize::try_from(shop.calls()), Ok(count + 1), "{body}");
    }
    // Another body is a call of its own where nothing was kept.
    assert_eq!(shop.post("a", "{}").await.status, StatusCode::CREATED);
    for _ in 0..2 {
        shop.post("d", "bad").await.problem(400, "bad_request");
    }
    assert_eq!(shop.calls(), 8, "what is wrong stays wrong");
}

#[tokio::test]
async fn answers_over_64_kib_are_not_kept_and_not_made_twice() {
    let shop = Shop::new().await;
    for _ in 0..2 {
        assert_eq!(shop.post("a", "fits").await.text.len(), 64 * 1024);
    }
    let first = shop.post("b", "great").await;
    assert_eq!(first.text.len(), 64 * 1024 + 1);
    let detail = shop.post("b", "great").await.problem(409, "conflict");
    assert!(detail.ends_with("too great to be kept"), "{detail}");
    assert_eq!(shop.calls(), 2);
}

#[tokio::test]
async fn keys_and_bodies_have_bounds() {
    let shop = Shop::new().await;
    let expected = "Idempotency-Key: expected one text of 1 to 255 characters";
    for key in ["", &"x".repeat(256), "ä"] {
        let answer = shop.post(key, "{}").await;
        assert_eq!(answer.problem(400, "bad_request"), expected, "{key}");
    }
    let ask = shop.site.post("/things").bearer(&shop.key);
    let ask = ask
        .header("idempotency-key", "a")
        .header("idempotency-key", "a");
    let answer = ask.send_to(shop.router.clone()).await;
    assert_eq!(answer.problem(400, "bad_request"), expected);
    let answer = shop.post(&"x".repeat(255), &"y".repeat(1025)).await;
    assert_eq!(
        answer.problem(413, "too_large"),
        "the body is over 1024 bytes"
    );
    assert_eq!(shop.calls(), 0);
    assert_eq!(
        shop.post(&"x".repeat(255), &"y".repeat(1024)).await.status,
        201
    );
}

#[tokio::test]
async fn nobody_unproved_reads_or_begins_a_call() {
    let shop = Shop::new().await;
    shop.post("a", "{}").await;
    for credential in ["key_nobody", "x"] {
        let ask = shop.site.post("/things").bearer(credential);
        let ask = ask.header("idempotency-key", "a").raw("text/plain", "{}");
        let answer = ask.send_to(shop.router.clone()).await;
        answer.problem(401, "unauthenticated");
    }
    assert_eq!(shop.calls(), 1);
}

#[tokio::test]
async fn reading_and_calls_without_a_key_are_left_alone() {
    let shop = Shop::new().await;
    for _ in 0..2 {
        shop.ask((Method::GET, "/things"), "a", "").await;
        let ask = shop.site.post("/things").bearer(&shop.key);
        let answer = ask.send_to(shop.router.clone()).await;
        assert_eq!(answer.json()["named"], false);
    }
    assert_eq!(shop.calls(), 4);
}

#[tokio::test]
async fn answers_are_kept_for_24_hours() {
    let shop = Shop::new().await;
    shop.post("a", "{}").await;
    let now = shop.site.node().clock.now();
    let store = &shop.site.started.store;
    // Some seconds less than a day are left of it.
    let almost = now.plus(ANSWER_KEPT - Duration::from_secs(60));
    store.purge_calls(almost).await.expect("a store");
    assert_eq!(shop.post("a", "{}").await.json()["count"], 1);
    let later = now.plus(ANSWER_KEPT + Duration::from_secs(1));
    store.purge_calls(later).await.expect("a store");
    assert_eq!(shop.post("a", "{}").await.json()["count"], 2);
}

#[tokio::test]
async fn a_revocation_with_a_key_happens_once() {
    let site = Site::new().await;
    let key = site.key("cutter", &["server.disconnect"]).await;
    let what = json!({ "user_id": "user" });
    let revoke = async || {
        let ask = site.post("/auth/revoke").bearer(&key.shown).json(&what);
        ask.header("idempotency-key", "k-1").send().await
    };
    assert_eq!(revoke().await.status, StatusCode::NO_CONTENT);
    let token = text(&site.sign_in("user").await, "token");
    let again = revoke().await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let me = site.get("/auth/me").bearer(&token).send().await;
    assert_eq!(me.status, StatusCode::OK, "nothing was revoked again");
    assert_eq!(site.audited("revocation").len(), 1);
}
