//! Keys of backends against a store in memory and a clock that stands.

use std::sync::Arc;

use conclave_protocol::{Permission, Timestamp};

use super::world::{Counted, second};
use crate::memory::MemoryApiKeys;
use crate::{
    ApiKeyName, ApiKeys as _, CallId, IssuedKey, KeyError, KeyRing, hash_call_body, issue_key,
    looks_like_key,
};

struct Desk {
    keys: Arc<MemoryApiKeys>,
    ring: KeyRing,
    random: Counted,
}

impl Desk {
    fn new() -> Self {
        let keys = Arc::new(MemoryApiKeys::default());
        Self {
            ring: KeyRing::new(Arc::<MemoryApiKeys>::clone(&keys)),
            keys,
            random: Counted::default(),
        }
    }

    async fn key(&self, name: &str, expires_at: Option<Timestamp>) -> IssuedKey {
        let name = ApiKeyName::new(name).unwrap();
        let permissions = ["server.publish", "chat:send", "server.publish"];
        let permissions = permissions.map(str::to_owned).into();
        let issued = issue_key(name, permissions, expires_at, second(0), &self.random);
        self.keys.add_key(&issued.key, issued.hash).await.unwrap();
        issued
    }

    async fn counts(&self, shown: &str, at: Timestamp) -> bool {
        match self.ring.admit(shown, at).await {
            Ok(_) => true,
            Err(KeyError::Refused) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_key_proves_its_permissions_and_no_user() {
    let desk = Desk::new();
    let issued = desk.key("billing", Some(second(90))).await;
    let holder = desk.ring.admit(&issued.shown, second(1)).await.unwrap();
    assert_eq!(holder.key, issued.key);
    assert_eq!(holder.key.permissions, ["chat:send", "server.publish"]);
    let principal = &holder.principal;
    assert!(principal.user.is_none() && principal.token.is_none());
    assert_eq!(principal.session.shown(), format!("key-{}", issued.key.id));
    assert_eq!(principal.expires_at, Some(second(90)));
    assert!(principal.grants.allow(Permission::ServerPublish, ""));
    assert!(!principal.grants.allow(Permission::ServerDisconnect, ""));
}

#[tokio::test]
async fn keys_are_long_differ_and_look_like_keys() {
    let desk = Desk::new();
    let (one, two) = (desk.key("one", None).await, desk.key("two", None).await);
    for issued in [&one, &two] {
        assert!(looks_like_key(&issued.shown), "{}", issued.shown);
        assert_eq!(issued.shown.len(), 47);
        assert!(!format!("{:?}", issued.key).contains(&issued.shown[4..]));
    }
    assert!(one.shown != two.shown && one.key.id != two.key.id);
    assert!(!looks_like_key("eyJhbGciOiJIUzI1NiJ9.e30.x"));
}

#[tokio::test]
async fn an_ended_key_is_refused_at_that_moment() {
    let desk = Desk::new();
    let issued = desk.key("billing", Some(second(90))).await;
    let last = Timestamp::from_millis(second(90).millis() - 1);
    assert!(desk.counts(&issued.shown, last).await);
    assert!(
        !desk.counts(&issued.shown, second(90)).await,
        "remembered or not"
    );
}

#[tokio::test]
async fn a_revocation_elsewhere_counts_within_a_second() {
    let desk = Desk::new();
    let issued = desk.key("billing", None).await;
    assert!(desk.counts(&issued.shown, second(0)).await);
    desk.keys
        .revoke_key(issued.key.id, second(0))
        .await
        .unwrap();
    let soon = Timestamp::from_millis(second(0).millis() + 999);
    assert!(desk.counts(&issued.shown, soon).await, "remembered");
    assert!(!desk.counts(&issued.shown, second(1)).await);
    assert!(
        !desk.counts(&issued.shown, second(0)).await,
        "and never again"
    );
}

#[tokio::test]
async fn use_does_not_prolong_what_is_remembered() {
    let desk = Desk::new();
    let issued = desk.key("billing", None).await;
    let at = |millis: u64| Timestamp::from_millis(second(0).millis() + millis);
    assert!(desk.counts(&issued.shown, at(0)).await);
    desk.keys.revoke_key(issued.key.id, at(1)).await.unwrap();
    for millis in [300, 600, 900] {
        desk.counts(&issued.shown, at(millis)).await;
    }
    assert!(!desk.counts(&issued.shown, at(1000)).await);
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_nothing_fresh() {
    let desk = Desk::new();
    let issued = desk.key("billing", None).await;
    assert!(desk.counts(&issued.shown, second(50)).await);
    desk.keys
        .revoke_key(issued.key.id, second(50))
        .await
        .unwrap();
    assert!(!desk.counts(&issued.shown, second(10)).await);
}

#[tokio::test]
async fn many_keys_do_not_push_each_other_out_of_the_answer() {
    let desk = Desk::new();
    let mut all = Vec::new();
    for number in 0..1500 {
        all.push(desk.key(&format!("key {number}"), None).await);
    }
    for issued in &all {
        assert!(desk.counts(&issued.shown, second(0)).await);
    }
    assert_eq!(desk.ring.take_uses().len(), 1500);
}

#[tokio::test]
async fn uses_are_the_last_moments_and_taken_once() {
    let desk = Desk::new();
    let issued = desk.key("billing", None).await;
    for seconds in 0..5 {
        assert!(desk.counts(&issued.shown, second(seconds)).await);
    }
    assert!(!desk.counts("key_nobody", second(5)).await);
    assert_eq!(desk.ring.take_uses(), [(issued.key.id, second(4))]);
    assert_eq!(desk.ring.take_uses(), []);
}

#[test]
fn calls_differ_in_every_part() {
    let call = |parts: [&str; 4]| CallId::new(parts[0], parts[1], parts[2], parts[3]);
    let first = call(["user ann", "POST", "/a", "k"]);
    assert_eq!(first, call(["user ann", "POST", "/a", "k"]));
    for other in [
        ["user bob", "POST", "/a", "k"],
        ["user ann", "PUT", "/a", "k"],
        ["user ann", "POST", "/b", "k"],
        ["user ann", "POST", "/a", "l"],
        ["user ann", "POST", "/ak", ""],
        ["user annPOST", "", "/a", "k"],
    ] {
        assert_ne!(first, call(other), "{other:?}");
    }
    assert_ne!(hash_call_body("a", b"b"), hash_call_body("", b"ab"));
    assert_eq!(hash_call_body("a", b"b"), hash_call_body("a", b"b"));
}
