use axum::http::StatusCode;
use serde_json::json;

use super::{Talk, each, text};

#[tokio::test]
async fn a_message_is_sent_changed_and_deleted() {
    let talk = Talk::new().await;
    let room = talk.room("PRIVATE", &["testuser"]).await;
    let messages = format!("/channels/{room}/messages");
    let first = talk.say(&talk.alice, &room, "hello").await;
    assert_eq!(first["content"], "hello");
    assert_eq!(first["channelId"], room.as_str());
    assert_eq!(first["userId"], "user");
    assert_eq!(first["user"], json!({ "id": "user", "name": "user" }));
    assert_eq!(first["messageType"], "Text");
    assert_eq!(first["seq"], 2);
    assert_eq!(first["deliveryStatus"], "SENT");
    assert_eq!(first["createdAt"], first["updatedAt"]);
    for absent in ["parentId", "deletedAt", "clientId"] {
        assert_eq!(first.get(absent), None);
    }
    let reply = json!({ "content": "https://x.example/a.png", "parentId": first["id"],
        "messageType": "Image" });
    let answer = talk.post(&talk.bob, &messages, reply).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(answer.json()["parentId"], first["id"]);

    let path = format!("/messages/{}", text(&first, "id"));
    let change = json!({ "content": "hello there" });
    let denied = talk.put(&talk.bob, &path, change.clone()).await;
    denied.problem(403, "forbidden");
    let changed = talk.put(&talk.alice, &path, change).await.ok();
    assert_eq!(
        (&changed["content"], &changed["seq"]),
        (&json!("hello there"), &json!(2))
    );
    talk.delete(&talk.bob, &path)
        .await
        .problem(403, "forbidden");
    talk.delete(&talk.alice, &path).await.done();
    talk.delete(&talk.alice, &path)
        .await
        .problem(404, "not_found");
    let again = talk
        .put(&talk.alice, &path, json!({ "content": "x" }))
        .await;
    assert_eq!(again.problem(404, "not_found"), "no such message");

    let all = talk.get(&talk.bob, &messages).await.ok();
    assert_eq!(each(&all, "content"), ["https://x.example/a.png", ""]);
    assert!(text(&all[1], "deletedAt").ends_with('Z'));
}

#[tokio::test]
async fn the_same_client_id_stores_nothing_twice() {
    let talk = Talk::new().await;
    let path = "/channels/general/messages";
    let message = json!({ "content": "once", "clientId": "c-1" });
    let first = talk.post(&talk.alice, path, message.clone()).await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(first.json()["clientId"], "c-1");
    let again = talk.post(&talk.alice, path, message).await;
    assert_eq!(again.ok()["id"], first.json()["id"]);
    let other = json!({ "content": "twice", "clientId": "c-1" });
    talk.post(&talk.alice, path, other)
        .await
        .problem(409, "conflict");
    // Shown to its author alone.
    let mine = talk.get(&talk.alice, path).await.ok();
    assert_eq!(each(&mine, "clientId"), ["c-1"]);
    assert_eq!(
        talk.get(&talk.bob, path).await.ok()[0].get("clientId"),
        None
    );
}

#[tokio::test]
async fn messages_are_paged_both_ways() {
    let talk = Talk::new().await;
    let room = talk.room("PRIVATE", &[]).await;
    for number in 1..=5 {
        talk.say(&talk.alice, &room, &number.to_string()).await;
    }
    let base = format!("/channels/{room}/messages");
    let all = talk.get(&talk.alice, &base).await;
    assert_eq!(each(&all.ok(), "content"), ["5", "4", "3", "2", "1"]);
    assert_eq!((all.link("next"), all.link("prev")), (None, None));

    let page = talk.get(&talk.alice, &format!("{base}?limit=2")).await;
    assert_eq!(each(&page.ok(), "content"), ["5", "4"]);
    assert_eq!(page.link("prev"), None);
    let older = page.link("next").expect("older ones");
    assert_eq!(older, format!("{base}?before=5&limit=2"));
    let page = talk.get(&talk.alice, &older).await;
    assert_eq!(each(&page.ok(), "content"), ["3", "2"]);
    let newer = page.link("prev").expect("newer ones");
    let page = talk
        .get(&talk.alice, &page.link("next").expect("older ones"))
        .await;
    assert_eq!(each(&page.ok(), "content"), ["1"]);
    assert_eq!(page.link("next"), None);
    let page = talk.get(&talk.alice, &newer).await;
    assert_eq!(each(&page.ok(), "content"), ["5", "4"]);

    // After: those next above.
    let page = talk
        .get(&talk.alice, &format!("{base}?after=2&limit=2"))
        .await;
    assert_eq!(each(&page.ok(), "content"), ["3", "2"]);
    let page = talk.get(&talk.alice, &format!("{base}?after=6")).await;
    assert_eq!(page.ok(), json!([]));
    let older = page.link("next").expect("older ones");
    assert_eq!(talk.get(&talk.alice, &older).await.ok()[0]["content"], "5");
}

#[tokio::test]
async fn receipts_are_given_and_listed() {
    let talk = Talk::new().await;
    let room = talk.room("PRIVATE", &["testuser", "username"]).await;
    let first = talk.say(&talk.alice, &room, "one").await;
    let second = talk.say(&talk.alice, &room, "two").await;
    let path = format!("/messages/{}/receipt", text(&second, "id"));
    talk.put(&talk.bob, &path, json!({ "status": "READ" }))
        .await
        .done();
    talk.put(&talk.bob, &path, json!({ "status": "DELIVERED" }))
        .await
        .done();
    let earlier = format!("/messages/{}/receipt", text(&first, "id"));
    let states = talk.get(&talk.alice, &earlier).await.ok();
    assert_eq!(each(&states, "recipientId"), ["testuser", "username"]);
    assert_eq!(each(&states, "status"), ["READ", "SENT"]);
    assert_eq!(
        each(&states, "messageId"),
        [first["id"].clone(), first["id"].clone()]
    );
    assert!(text(&states[0], "timestamp").ends_with('Z'));

    let own = talk
        .put(&talk.alice, &path, json!({ "status": "READ" }))
        .await;
    own.problem(403, "forbidden");
    let sent = talk
        .put(&talk.bob, &path, json!({ "status": "SENT" }))
        .await;
    assert_eq!(
        sent.problem(400, "bad_request"),
        "status: expected DELIVERED or READ"
    );
    let stranger = talk.site.token("user123").await;
    talk.get(&stranger, &path).await.problem(404, "not_found");
    let mine = talk.get(&talk.bob, &format!("/channels/{room}")).await.ok();
    assert_eq!(mine["unreadCount"], 0);
}

#[tokio::test]
async fn what_is_no_message_is_named() {
    let talk = Talk::new().await;
    let path = "/channels/general/messages";
    let long = "x".repeat(2001);
    let cases = [
        (json!({}), 400, "bad_request", "content: missing"),
        (
            json!({ "content": " " }),
            400,
            "bad_request",
            "Message content is required",
        ),
        (
            json!({ "content": "a\0b" }),
            400,
            "bad_request",
            "the character U+0000 cannot be stored",
        ),
        (
            json!({ "content": long }),
            413,
            "too_large",
            "content must be at most 2000 characters",
        ),
        (
            json!({ "content": "x", "messageType": "Video" }),
            400,
            "bad_request",
            "messageType: expected Text, Image, File or System",
        ),
        (
            json!({ "content": "x", "parentId": "1" }),
            400,
            "bad_request",
            "parentId: expected a UUID",
        ),
        (
            json!({ "content": "x", "userId": "y" }),
            400,
            "bad_request",
            "userId: unknown field",
        ),
    ];
    for (message, status, code, detail) in cases {
        let answer = talk.post(&talk.alice, path, message).await;
        assert_eq!(answer.problem(status, code), detail);
    }
    assert_eq!(talk.get(&talk.alice, path).await.ok(), json!([]));
}

#[tokio::test]
async fn what_is_too_great_or_not_there_is_refused() {
    let talk = Talk::new().await;
    let path = "/channels/general/messages";
    let huge = json!({ "content": "x".repeat(70_000) });
    talk.post(&talk.alice, path, huge)
        .await
        .problem(413, "too_large");
    for id in ["x", "00000000-0000-7000-8000-000000000000"] {
        let path = format!("/messages/{id}");
        let answer = talk.delete(&talk.alice, &path).await;
        assert_eq!(answer.problem(404, "not_found"), "no such message");
    }
    let paths = [
        "?before=x",
        "?before=-1",
        "?after=1.5",
        "?limit=0",
        "?seq=1",
    ];
    for query in paths {
        let answer = talk.get(&talk.alice, &format!("{path}{query}")).await;
        answer.problem(400, "bad_request");
    }
}

#[tokio::test]
async fn a_user_sends_only_so_many_a_second() {
    let site = super::Site::with(&[("CONCLAVE_LIMITS__USER_MESSAGES_PER_SECOND", "1")]).await;
    let token = site.token("user").await;
    let mut refused = 0;
    for _ in 0..8 {
        let ask = site.post("/channels/general/messages").bearer(&token);
        let answer = ask.json(&json!({ "content": "x" })).send().await;
        if answer.status != StatusCode::CREATED {
            let detail = answer.problem(429, "rate_limited");
            assert_eq!(detail, "you send at most 1 messages per second");
            assert_eq!(answer.header("retry-after"), Some("1"));
            refused += 1;
        }
    }
    assert!(refused > 0);
}
