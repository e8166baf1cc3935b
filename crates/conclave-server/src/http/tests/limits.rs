use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use conclave_protocol::{Clock, UserId};
use conclave_testkit::FakeClock;
use serde_json::json;

use super::Site;
use crate::http::RequestLimiter;
use crate::identity::Attempts;

#[tokio::test]
async fn failed_sign_ins_of_a_user_from_an_address_are_limited() {
    let site = Site::with(&[("CONCLAVE_LIMITS__SIGN_IN_FAILURES_PER_MINUTE", "3")]).await;
    let wrong = json!({ "username": "user", "password": "wrong" });
    for _ in 0..3 {
        site.post("/auth/token")
            .json(&wrong)
            .send()
            .await
            .problem(401, "unauthenticated");
    }
    let right = json!({ "username": "user", "password": "password" });
    let answer = site.post("/auth/token").json(&right).send().await;
    assert_eq!(
        answer.problem(429, "rate_limited"),
        "too many failed sign-ins"
    );
    let wait: u64 = answer
        .header("retry-after")
        .expect("a wait")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&wait));
    // So is the address, whatever the name.
    let other = "username=testuser&password=password";
    site.post("/token")
        .form(other)
        .send()
        .await
        .problem(429, "rate_limited");
    let site = site.from([127, 0, 0, 2], false);
    assert_eq!(
        site.post("/auth/token").json(&right).send().await.status,
        StatusCode::OK
    );
    assert_eq!(site.audited("limit_hit").len(), 2);
}

#[tokio::test]
async fn many_tries_at_once_gain_nothing() {
    let site = Site::with(&[("CONCLAVE_LIMITS__SIGN_IN_FAILURES_PER_MINUTE", "2")]).await;
    let wrong = json!({ "username": "user", "password": "wrong" });
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let router = site.router.clone();
        let request = site.post("/auth/token").json(&wrong);
        let request = request
            .request
            .body(axum::body::Body::from(request.body))
            .expect("a request");
        tries.spawn(async move {
            use tower::ServiceExt as _;
            router.oneshot(request).await.expect("an answer").status()
        });
    }
    let statuses = tries.join_all().await;
    let tried = statuses
        .iter()
        .filter(|status| **status == StatusCode::UNAUTHORIZED)
        .count();
    let refused = statuses
        .iter()
        .filter(|status| **status == StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((tried, refused.count()), (2, 10));
}

#[tokio::test]
async fn a_wrong_password_counts_where_its_client_goes_away() {
    let site = Site::with(&[("CONCLAVE_LIMITS__SIGN_IN_FAILURES_PER_MINUTE", "1")]).await;
    let wrong = json!({ "username": "user", "password": "wrong" });
    let mut gone = Box::pin(site.post("/auth/token").json(&wrong).send());
    assert!(ready(gone.as_mut()).await.is_none());
    drop(gone);
    // The one that nobody waits for begins first, since its task was spawned first.
    let answer = site.post("/auth/token").json(&wrong).send().await;
    answer.problem(429, "rate_limited");
    assert_eq!(site.audited("sign_in_failed").len(), 1);
}

#[tokio::test]
async fn wrong_old_passwords_count_as_failed_sign_ins() {
    let site = Site::with(&[("CONCLAVE_LIMITS__SIGN_IN_FAILURES_PER_MINUTE", "1")]).await;
    let token = site.token("user").await;
    let change = json!({ "old": "wrong", "new": "correct horse" });
    let ask = || site.post("/auth/password").bearer(&token).json(&change);
    ask().send().await.problem(403, "forbidden");
    ask().send().await.problem(429, "rate_limited");
}

#[tokio::test]
async fn requests_of_a_user_are_limited() {
    let site = Site::with(&[("CONCLAVE_LIMITS__REQUESTS_PER_SECOND", "1")]).await;
    let signed = site.sign_in("user").await;
    let token = super::text(&signed, "token");
    assert_eq!(
        site.get("/auth/me").bearer(&token).send().await.status,
        StatusCode::OK
    );
    let refresh = json!({ "refresh_token": super::text(&signed, "refresh_token") });
    let answers = [
        site.get("/auth/me").bearer(&token).send().await,
        site.post("/auth/ticket").bearer(&token).send().await,
        site.post("/auth/refresh").json(&refresh).send().await,
    ];
    for answer in answers {
        assert_eq!(answer.problem(429, "rate_limited"), "too many requests");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    let other = site.token("testuser").await;
    assert_eq!(
        site.get("/auth/me").bearer(&other).send().await.status,
        StatusCode::OK
    );
}

#[test]
fn a_user_has_a_second_s_share_and_is_forgotten_after_a_pause() {
    let clock = Arc::new(FakeClock::default());
    let limiter = RequestLimiter::new(20, Arc::clone(&clock) as Arc<dyn Clock>);
    let user = UserId::new("user").expect("a user");
    let taken =
        |limiter: &RequestLimiter| (0..100).filter(|_| limiter.count(&user).is_ok()).count();
    assert_eq!(taken(&limiter), 20);
    let wait = limiter.count(&user).expect_err("a wait");
    assert_eq!(wait, Duration::from_millis(50));
    clock.advance(Duration::from_millis(500));
    assert_eq!(taken(&limiter), 10);
    assert_eq!(limiter.users(), 1);
    clock.advance(Duration::from_secs(60));
    let other = UserId::new("other").expect("a user");
    assert!(limiter.count(&other).is_ok());
    assert_eq!(limiter.users(), 1);
    let none = RequestLimiter::new(0, clock);
    assert_eq!(taken(&none), 100);
}

#[tokio::test]
async fn a_user_that_fails_everywhere_is_slowed_and_never_refused() {
    let clock = Arc::new(FakeClock::default());
    let attempts = Attempts::new(2, Arc::clone(&clock) as Arc<dyn Clock>);
    for last in 1..=4_u8 {
        let address = IpAddr::from([192, 0, 2, last]);
        attempts
            .begin("user", address)
            .await
            .expect("a try")
            .failed();
    }
    assert!(attempts.is_slowed("user") && !attempts.is_slowed("other"));
    assert!(
        attempts
            .begin("user", IpAddr::from([192, 0, 2, 9]))
            .await
            .is_ok()
    );
    clock.advance(Duration::from_secs(61));
    assert!(!attempts.is_slowed("user"));
}

#[tokio::test]
async fn what_failed_on_another_node_counts_here_too() {
    let clock = Arc::new(FakeClock::default());
    let [one, two] =
        std::array::from_fn(|_| Attempts::new(2, Arc::clone(&clock) as Arc<dyn Clock>));
    let address = IpAddr::from([192, 0, 2, 1]);
    for name in ["user", "not a name\n"] {
        let told = one.begin(name, address).await.expect("a try").failed();
        let (from, name) = told.split_once(' ').expect("an address and a name");
        two.charge(name, from.parse().expect("an address"), 1);
    }
    let wait = two.begin("another", address).await.err();
    assert_eq!(wait, Some(Duration::from_secs(60)), "of its address");
    two.charge("user", IpAddr::from([192, 0, 2, 2]), 1);
    assert!(two.is_slowed("user"));
}

#[tokio::test]
async fn a_try_waits_while_those_before_it_may_still_fail() {
    let clock = Arc::new(FakeClock::default());
    let attempts = Attempts::new(1, Arc::clone(&clock) as Arc<dyn Clock>);
    let address = IpAddr::from([192, 0, 2, 1]);
    let first = attempts.begin("user", address).await.expect("a try");
    let mut second = std::pin::pin!(attempts.begin("user", address));
    let waits = ready(second.as_mut()).await;
    assert!(waits.is_none());
    drop(first);
    let second = second.await.expect("a try");
    second.failed();
    let wait = attempts.begin("user", address).await.err();
    assert_eq!(wait, Some(Duration::from_secs(60)));
    clock.advance(Duration::from_secs(60));
    assert!(attempts.begin("user", address).await.is_ok());
}

/// What a future gives if it is ready now.
async fn ready<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
