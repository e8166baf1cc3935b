use conclave_auth::AccessClaims;
use serde_json::json;

use super::Talk;

#[tokio::test]
async fn a_profile_is_shown_and_changed() {
    let talk = Talk::new().await;
    let mine = talk.get(&talk.alice, "/users/me").await.ok();
    assert_eq!(mine, json!({ "id": "user", "name": "user" }));
    let change = json!({ "name": "Alice", "avatar": "https://x.example/a.png" });
    let changed = talk.put(&talk.alice, "/users/me", change).await.ok();
    assert_eq!(changed["name"], "Alice");
    // They share a room.
    let seen = talk.get(&talk.bob, "/users/user").await.ok();
    assert_eq!(seen, changed);
    let change = json!({ "avatar": "", "bio": "I answer after lunch." });
    let removed = talk.put(&talk.alice, "/users/me", change).await.ok();
    let joined_at = &removed["joinedAt"];
    assert!(joined_at.is_string(), "{removed}");
    let bio = "I answer after lunch.";
    assert_eq!(
        removed,
        json!({ "id": "user", "name": "Alice", "bio": bio, "joinedAt": joined_at })
    );
    let said = talk.say(&talk.alice, "general", "x").await;
    assert_eq!(said["user"]["name"], "Alice");
}

#[tokio::test]
async fn the_token_names_who_has_set_no_name() {
    let talk = Talk::new().await;
    let node = talk.site.node();
    let named = |name| {
        let claims = AccessClaims {
            sub: "testuser",
            sid: None,
            name: Some(name),
            roles: &["user".to_owned()],
            permissions: &[],
            issued_at: node.clock.now(),
            life: std::time::Duration::from_secs(60),
            id: node.fresh_id().to_be_bytes(),
            family: None,
        };
        node.identity.signer().sign(&claims).expect("a token")
    };
    let said = talk.say(&named("Bob"), "general", "x").await;
    assert_eq!(said["user"]["name"], "Bob");
    let change = json!({ "name": "Robert" });
    talk.put(&talk.bob, "/users/me", change).await.ok();
    let said = talk.say(&named("Bobby"), "general", "x").await;
    assert_eq!(said["user"]["name"], "Robert");
}

#[tokio::test]
async fn strangers_see_no_profile() {
    let talk = Talk::new().await;
    talk.delete(&talk.bob, "/channels/general/leave").await.ok();
    for user in ["user", "nobody", "%0a"] {
        let answer = talk.get(&talk.bob, &format!("/users/{user}")).await;
        assert_eq!(answer.problem(404, "not_found"), "no such user");
    }
    talk.get(&talk.bob, "/users/testuser").await.ok();
    talk.get(&talk.admin, "/users/testuser").await.ok();
}

#[tokio::test]
async fn what_is_no_profile_is_named() {
    let talk = Talk::new().await;
    let cases = [
        (json!({}), "expected one of name, avatar, bio"),
        (json!({ "id": "x" }), "id: unknown field"),
        (
            json!({ "name": "" }),
            "name: 1 to 100 characters, none of them a control one",
        ),
        (
            json!({ "avatar": "http://x.example/a.png" }),
            "avatar: an https URL of at most 500 bytes",
        ),
        (
            json!({ "bio": "x".repeat(501) }),
            "bio: at most 500 characters, none of them U+0000",
        ),
    ];
    for (change, detail) in cases {
        let answer = talk.put(&talk.alice, "/users/me", change).await;
        assert_eq!(answer.problem(400, "bad_request"), detail);
    }
}
