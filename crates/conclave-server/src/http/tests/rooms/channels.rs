use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Talk, each, text};

#[tokio::test]
async fn a_room_is_created_read_changed_and_deleted() {
    let talk = Talk::new().await;
    let room = json!({
        "name": "Plans",
        "description": "of the week",
        "type": "PRIVATE",
        "memberIds": ["testuser", "user"],
    });
    let answer = talk.post(&talk.alice, "/channels", room).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let made = answer.json();
    let path = format!("/channels/{}", text(&made, "id"));
    assert_eq!(answer.header("location"), Some(path.as_str()));
    assert_eq!(made["name"], "Plans");
    assert_eq!(made["description"], "of the week");
    assert_eq!(made["type"], "PRIVATE");
    assert_eq!(made["ownerId"], "user");
    assert_eq!(made["myRole"], "OWNER");
    assert_eq!(made["assistant"], false);
    assert_eq!(made["lastSeq"], 1);
    assert_eq!(made["unreadCount"], 0);
    assert_eq!(made["_count"], json!({ "members": 2, "messages": 0 }));
    let created = text(&made, "createdAt");
    assert_eq!((created.len(), created.ends_with('Z')), (24, true));

    let seen = talk.get(&talk.bob, &path).await.ok();
    assert_eq!(seen["myRole"], "MEMBER");
    let change = json!({ "name": "Other plans", "description": "", "assistant": false });
    let changed = talk.put(&talk.alice, &path, change).await.ok();
    assert_eq!(changed["name"], "Other plans");
    assert_eq!(changed.get("description"), None);
    let same = talk.put(&talk.alice, &path, json!({ "assistant": false }));
    assert_eq!(same.await.ok()["name"], "Other plans");

    let change = json!({ "name": "Mine" });
    let answer = talk.put(&talk.bob, &path, change).await;
    answer.problem(403, "forbidden");
    talk.delete(&talk.bob, &path)
        .await
        .problem(403, "forbidden");
    talk.delete(&talk.alice, &path).await.done();
    talk.get(&talk.alice, &path).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_private_room_of_others_does_not_exist() {
    let talk = Talk::new().await;
    let room = talk.room("PRIVATE", &[]).await;
    let nothing = "no such room";
    for id in [
        room.as_str(),
        "0190c8f0-0000-7000-8000-000000000000",
        "a%20b",
        "%2e%2e",
    ] {
        for path in ["", "/members", "/messages", "/presence"] {
            let path = format!("/channels/{id}{path}");
            let detail = talk.get(&talk.bob, &path).await.problem(404, "not_found");
            assert_eq!(detail, nothing, "{path}");
        }
        let join = talk
            .post(&talk.bob, &format!("/channels/{id}/join"), Value::Null)
            .await;
        assert_eq!(join.problem(404, "not_found"), nothing);
        let path = format!("/channels/{id}/messages");
        let send = talk.post(&talk.bob, &path, json!({ "content": "x" })).await;
        assert_eq!(send.problem(404, "not_found"), nothing);
        let delete = talk.delete(&talk.bob, &format!("/channels/{id}")).await;
        assert_eq!(delete.problem(404, "not_found"), nothing);
        let leave = talk
            .delete(&talk.bob, &format!("/channels/{id}/leave"))
            .await;
        assert_eq!(leave.problem(404, "not_found"), nothing);
    }
    // `room.any` opens it, and is audited.
    let path = format!("/channels/{room}");
    assert_eq!(
        talk.get(&talk.admin, &path).await.ok()["myRole"],
        Value::Null
    );
    let lines = talk.site.audited("power_used");
    assert!(
        lines.iter().any(|line| line["user"] == "admin"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_dm_is_created_once() {
    let talk = Talk::new().await;
    let dm = json!({ "type": "DM", "memberIds": ["testuser"] });
    let first = talk.post(&talk.alice, "/channels", dm).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let made = first.json();
    assert_eq!(made["type"], "DM");
    assert_eq!(made["name"], "");
    assert_eq!(made["ownerId"], Value::Null);
    let dm = json!({ "type": "DM", "memberIds": ["user"] });
    let again = talk.post(&talk.bob, "/channels", dm).await;
    assert_eq!(again.ok()["id"], made["id"]);
    assert_eq!(again.header("location"), None);
}

#[tokio::test]
async fn rooms_are_listed_in_pages() {
    let talk = Talk::new().await;
    for kind in ["PUBLIC", "PUBLIC", "PRIVATE"] {
        talk.room(kind, &[]).await;
    }
    let mine = talk.get(&talk.alice, "/channels").await;
    assert_eq!(each(&mine.ok(), "id").len(), 4, "{}", mine.text);
    assert_eq!(mine.link("next"), None);
    assert_eq!(
        each(&talk.get(&talk.bob, "/channels").await.ok(), "id"),
        ["general"]
    );
    let public = talk.get(&talk.bob, "/channels?scope=public").await.ok();
    assert_eq!(each(&public, "id").len(), 3);

    let mut path = "/channels?scope=public&limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = talk.get(&talk.bob, &path).await;
        seen.extend(each(&page.ok(), "id"));
        match page.link("next") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(seen, each(&public, "id"));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let talk = Talk::new().await;
    let room = |change: Value| {
        let mut room = json!({ "name": "x", "type": "PUBLIC" });
        for (name, value) in change.as_object().expect("an object") {
            room[name] = value.clone();
        }
        room
    };
    let cases = [
        (room(json!({ "type": null })), "type: missing"),
        (
            room(json!({ "type": "public" })),
            "type: expected PUBLIC, PRIVATE or DM",
        ),
        (room(json!({ "name": null })), "name: 1 to 100 characters"),
        (
            room(json!({ "name": 5 })),
            "name: a number given, expected a text",
        ),
        (
            room(json!({ "memberIds": "x" })),
            "memberIds: a text given, expected a list of texts",
        ),
        (
            room(json!({ "memberIds": [5] })),
            "memberIds: a number given, expected a list of texts",
        ),
        (
            room(json!({ "memberIds": [""] })),
            "memberIds: must not be empty",
        ),
        (room(json!({ "ownerId": "x" })), "ownerId: unknown field"),
        (json!({ "type": "DM", "name": "x" }), "name: a DM has none"),
        (
            json!({ "type": "DM" }),
            "memberIds: a DM has exactly one other member",
        ),
    ];
    for (room, detail) in cases {
        let answer = talk.post(&talk.alice, "/channels", room).await;
        assert_eq!(answer.problem(400, "bad_request"), detail);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_query_or_a_change_is_named() {
    let talk = Talk::new().await;
    let queries = [
        ("/channels?scope=all", "scope: expected own or public"),
        ("/channels?limit=0", "limit: expected 1 to 200"),
        ("/channels?limit=201", "limit: expected 1 to 200"),
        (
            "/channels?limit=x",
            "limit: expected a number from 0 to 2^53 - 1",
        ),
        (
            "/channels?after=a%20b",
            "after: must be of letters, digits, '-' and '_'",
        ),
        ("/channels?limit=1&limit=2", "a field occurs twice"),
        ("/channels?offset=1", "offset: unknown field"),
        (
            "/channels/general/members?limit=1001",
            "limit: expected 1 to 1000",
        ),
    ];
    for (path, detail) in queries {
        let answer = talk.get(&talk.alice, path).await;
        assert_eq!(answer.problem(400, "bad_request"), detail, "{path}");
    }
    let changes = [
        (json!({}), "expected one of name, description, assistant"),
        (
            json!({ "assistant": 1 }),
            "assistant: a number given, expected true or false",
        ),
    ];
    for (change, detail) in changes {
        let answer = talk.put(&talk.admin, "/channels/general", change).await;
        assert_eq!(answer.problem(400, "bad_request"), detail);
    }
    let attach = json!({ "assistant": true });
    let answer = talk.put(&talk.admin, "/channels/general", attach).await;
    let detail = answer.problem(503, "unavailable");
    assert_eq!(detail, "assistant: this server has none to attach");
    let body = talk.site.post("/channels").bearer(&talk.alice);
    let answer = body.raw("text/plain", "{}").send().await;
    answer.problem(415, "bad_request");
}

#[tokio::test]
async fn who_leaves_is_told_where_to_go() {
    let talk = Talk::new().await;
    let first = talk.room("PRIVATE", &["testuser"]).await;
    let second = talk.room("PRIVATE", &["testuser"]).await;
    talk.say(&talk.alice, &second, "are you there?").await;

    let left = talk.delete(&talk.bob, "/channels/general/leave").await.ok();
    assert_eq!(left["nextChannel"]["type"], "PRIVATE");
    let path = format!("/channels/{first}/leave");
    let left = talk.delete(&talk.bob, &path).await.ok();
    assert_eq!(
        left,
        json!({ "nextChannel": {
            "channelId": second, "type": "PRIVATE", "lastViewedAt": null, "unreadState": true,
        } })
    );
    let path = format!("/channels/{second}/leave");
    let left = talk.delete(&talk.bob, &path).await.ok();
    assert_eq!(left, json!({ "nextChannel": null }));
    talk.delete(&talk.bob, &path)
        .await
        .problem(404, "not_found");

    // The owner of the first is alone now: without a successor it goes.
    let path = format!("/channels/{first}");
    talk.delete(&talk.alice, &format!("{path}/leave"))
        .await
        .ok();
    talk.get(&talk.admin, &path).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_owner_hands_over_or_deletes() {
    let talk = Talk::new().await;
    let kept = format!("/channels/{}", talk.room("PUBLIC", &["testuser"]).await);
    let gone = format!("/channels/{}", talk.room("PUBLIC", &["testuser"]).await);
    talk.delete(&talk.alice, &format!("{kept}/leave"))
        .await
        .ok();
    assert_eq!(talk.get(&talk.bob, &kept).await.ok()["ownerId"], "testuser");
    let path = format!("{gone}/leave?shouldDelete=maybe");
    let answer = talk.delete(&talk.alice, &path).await;
    assert_eq!(
        answer.problem(400, "bad_request"),
        "shouldDelete: expected true or false"
    );
    talk.delete(&talk.alice, &format!("{gone}/leave?shouldDelete=true"))
        .await
        .ok();
    talk.get(&talk.bob, &gone).await.problem(404, "not_found");
}

#[tokio::test]
async fn members_are_listed_given_roles_and_removed() {
    let talk = Talk::new().await;
    let room = talk.room("PUBLIC", &["testuser", "username"]).await;
    let members = format!("/channels/{room}/members");
    let all = talk.get(&talk.bob, &members).await.ok();
    assert_eq!(each(&all, "userId"), ["testuser", "user", "username"]);
    assert_eq!(each(&all, "role"), ["MEMBER", "OWNER", "MEMBER"]);
    assert!(text(&all[0], "joinedAt").ends_with('Z'));
    let page = talk.get(&talk.bob, &format!("{members}?limit=2")).await;
    assert_eq!(each(&page.ok(), "userId"), ["testuser", "user"]);
    let next = page.link("next").expect("more");
    assert_eq!(
        each(&talk.get(&talk.bob, &next).await.ok(), "userId"),
        ["username"]
    );

    let bob = format!("{members}/testuser");
    let role = json!({ "role": "MODERATOR" });
    let answer = talk.put(&talk.bob, &bob, role.clone()).await;
    answer.problem(403, "forbidden");
    assert_eq!(
        talk.put(&talk.alice, &bob, role).await.ok()["role"],
        "MODERATOR"
    );
    let answer = talk.put(&talk.alice, &bob, json!({ "role": "KING" })).await;
    assert_eq!(
        answer.problem(400, "bad_request"),
        "role: expected OWNER, MODERATOR or MEMBER"
    );
    let nobody = talk
        .put(
            &talk.alice,
            &format!("{members}/nobody"),
            json!({ "role": "MEMBER" }),
        )
        .await;
    nobody.problem(404, "not_found");

    talk.delete(&talk.bob, &format!("{members}/username?ban=true"))
        .await
        .done();
    let banned = talk.site.token("username").await;
    let join = talk
        .post(&banned, &format!("/channels/{room}/join"), Value::Null)
        .await;
    join.problem(403, "forbidden");
    let themselves = talk.delete(&talk.alice, &format!("{members}/user")).await;
    themselves.problem(400, "bad_request");
}

#[tokio::test]
async fn a_public_room_is_joined() {
    let talk = Talk::new().await;
    let room = talk.room("PUBLIC", &[]).await;
    let path = format!("/channels/{room}");
    assert_eq!(talk.get(&talk.bob, &path).await.ok()["myRole"], Value::Null);
    talk.get(&talk.bob, &format!("{path}/messages"))
        .await
        .problem(404, "not_found");
    let joined = talk
        .post(&talk.bob, &format!("{path}/join"), Value::Null)
        .await
        .ok();
    assert_eq!(joined["myRole"], "MEMBER");
    assert_eq!(joined["_count"]["members"], 2);
    talk.post(&talk.bob, &format!("{path}/join"), json!({}))
        .await
        .ok();
    talk.get(&talk.bob, &format!("{path}/messages")).await.ok();
    let presence = talk.get(&talk.bob, &format!("{path}/presence")).await.ok();
    assert_eq!(
        presence[0],
        json!({ "userId": "testuser", "isOnline": false, "lastSeenAt": null })
    );
}
