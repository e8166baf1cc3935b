//! What every implementation of `Idempotency` does.

use conclave_auth::{
    Begun, CallId, Idempotency, STORED_ANSWER_BYTES_MAX, SecretHash, StoredAnswer,
};
use conclave_protocol::Timestamp;

use super::{both, second};

/// Runs the suite on an empty store.
///
/// # Panics
/// Where the implementation differs.
pub async fn idempotency_conformance(calls: &dyn Idempotency) {
    a_call_is_answered_as_it_was(calls).await;
    another_body_is_another_call(calls).await;
    a_call_under_way_begins_once(calls).await;
    a_call_that_was_abandoned_begins_again(calls).await;
    an_answer_is_kept_until_its_end(calls).await;
    a_call_that_took_too_long_begins_again(calls).await;
    purging_forgets_what_has_ended(calls).await;
    a_great_answer_comes_back_whole(calls).await;
}

fn call(number: u8) -> CallId {
    CallId(SecretHash([number; 32]))
}

fn body(number: u8) -> SecretHash {
    SecretHash([number; 32])
}

fn answer(text: &str) -> StoredAnswer {
    StoredAnswer {
        status: 201,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: text.as_bytes().to_vec(),
    }
}

async fn begin(calls: &dyn Idempotency, number: u8, at: Timestamp) -> Begun {
    let until = at.plus(std::time::Duration::from_secs(10));
    calls
        .begin(call(number), body(number), at, until)
        .await
        .unwrap()
}

async fn a_call_is_answered_as_it_was(calls: &dyn Idempotency) {
    assert_eq!(begin(calls, 1, second(0)).await, Begun::Started);
    let first = answer(r#"{"id":1}"#);
    calls
        .finish(call(1), second(0), &first, second(1000))
        .await
        .unwrap();
    for at in [1, 500, 999] {
        let again = begin(calls, 1, second(at)).await;
        assert_eq!(again, Begun::Answered(first.clone()));
    }
    let empty = StoredAnswer {
        status: 204,
        headers: Vec::new(),
        body: Vec::new(),
    };
    assert_eq!(begin(calls, 2, second(0)).await, Begun::Started);
    calls
        .finish(call(2), second(0), &empty, second(1000))
        .await
        .unwrap();
    assert_eq!(begin(calls, 2, second(1)).await, Begun::Answered(empty));
    let other = answer("later");
    calls
        .finish(call(1), second(0), &other, second(1000))
        .await
        .unwrap();
    let again = begin(calls, 1, second(1)).await;
    assert_eq!(again, Begun::Answered(first), "an answer is never replaced");
}

async fn another_body_is_another_call(calls: &dyn Idempotency) {
    let different = calls.begin(call(1), body(9), second(1), second(10)).await;
    assert_eq!(different.unwrap(), Begun::Different);
    assert_eq!(begin(calls, 3, second(0)).await, Begun::Started);
    let different = calls.begin(call(3), body(9), second(1), second(10)).await;
    assert_eq!(different.unwrap(), Begun::Different, "under way or not");
}

async fn a_call_under_way_begins_once(calls: &dyn Idempotency) {
    let (left, right) = both(begin(calls, 10, second(0)), begin(calls, 10, second(0))).await;
    let mut both = [left, right];
    both.sort_by_key(|begun| *begun != Begun::Started);
    assert_eq!(both, [Begun::Started, Begun::UnderWay]);
    assert_eq!(begin(calls, 10, second(9)).await, Begun::UnderWay);
}

async fn a_call_that_was_abandoned_begins_again(calls: &dyn Idempotency) {
    assert_eq!(begin(calls, 20, second(0)).await, Begun::Started);
    calls.abandon(call(20), second(0)).await.unwrap();
    assert_eq!(begin(calls, 20, second(1)).await, Begun::Started);
    // The first one is slow to notice.
    calls.abandon(call(20), second(0)).await.unwrap();
    assert_eq!(begin(calls, 20, second(2)).await, Begun::UnderWay);
    let kept = answer("kept");
    calls
        .finish(call(20), second(1), &kept, second(1000))
        .await
        .unwrap();
    calls.abandon(call(20), second(1)).await.unwrap();
    assert_eq!(begin(calls, 20, second(3)).await, Begun::Answered(kept));
    calls.abandon(call(99), second(0)).await.unwrap();
}

async fn an_answer_is_kept_until_its_end(calls: &dyn Idempotency) {
    assert_eq!(begin(calls, 30, second(0)).await, Begun::Started);
    calls
        .finish(call(30), second(0), &answer("x"), second(100))
        .await
        .unwrap();
    let last = Timestamp::from_millis(second(100).millis() - 1);
    assert!(matches!(begin(calls, 30, last).await, Begun::Answered(_)));
    let other = calls.begin(call(30), body(31), second(100), second(110));
    assert_eq!(other.await.unwrap(), Begun::Started, "it is forgotten");
}

async fn a_call_that_took_too_long_begins_again(calls: &dyn Idempotency) {
    assert_eq!(begin(calls, 40, second(0)).await, Begun::Started);
    assert_eq!(begin(calls, 40, second(10)).await, Begun::Started);
    // What the first one answers in the end is nobody's.
    calls
        .finish(call(40), second(0), &answer("late"), second(1000))
        .await
        .unwrap();
    assert_eq!(begin(calls, 40, second(11)).await, Begun::UnderWay);
}

async fn purging_forgets_what_has_ended(calls: &dyn Idempotency) {
    assert_eq!(begin(calls, 50, second(2000)).await, Begun::Started);
    assert_eq!(begin(calls, 51, second(2000)).await, Begun::Started);
    calls
        .finish(call(51), second(2000), &answer("x"), second(3000))
        .await
        .unwrap();
    calls.purge_calls(second(2011)).await.unwrap();
    assert!(matches!(
        begin(calls, 51, second(2012)).await,
        Begun::Answered(_)
    ));
    calls
        .finish(call(50), second(2000), &answer("x"), second(3000))
        .await
        .unwrap();
    assert_eq!(begin(calls, 50, second(2012)).await, Begun::Started);
}

async fn a_great_answer_comes_back_whole(calls: &dyn Idempotency) {
    let great = StoredAnswer {
        body: (0..=255).cycle().take(STORED_ANSWER_BYTES_MAX).collect(),
        ..answer("")
    };
    assert_eq!(begin(calls, 60, second(0)).await, Begun::Started);
    calls
        .finish(call(60), second(0), &great, second(1000))
        .await
        .unwrap();
    assert_eq!(begin(calls, 60, second(1)).await, Begun::Answered(great));
}
