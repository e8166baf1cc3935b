use serde_json::json;

use super::Site;
use crate::http::tests::text;

#[tokio::test]
async fn any_room_is_read() {
    let site = Site::new().await;
    let key = site.key("eye", &["system.monitor"]).await.shown;
    let token = site.token("user").await;
    let room = json!({ "name": "x", "type": "PRIVATE" });
    let room = site
        .post("/channels")
        .bearer(&token)
        .json(&room)
        .send()
        .await;
    let room = text(&room.json(), "id");
    for content in ["one", "two"] {
        let ask = site
            .post(&format!("/channels/{room}/messages"))
            .bearer(&token);
        ask.json(&json!({ "content": content, "clientId": content }))
            .send()
            .await;
    }
    let page = site
        .call_get(&key, &format!("rooms/{room}/messages?limit=1"))
        .await;
    assert_eq!(page.json()[0]["content"], "two");
    assert_eq!(page.json()[0].get("clientId"), None);
    let link = page.header("link").expect("older ones");
    assert_eq!(
        link,
        format!("</api/v1/rooms/{room}/messages?before=3&limit=1>; rel=\"next\"")
    );
    let presence = site.call_get(&key, &format!("rooms/{room}/presence")).await;
    let offline = json!([{ "userId": "user", "isOnline": false, "lastSeenAt": null }]);
    assert_eq!(presence.json(), offline);
    for path in [
        "rooms/nowhere/messages",
        "rooms/nowhere/presence",
        "rooms/a%20b/messages",
    ] {
        let answer = site.call_get(&key, path).await;
        assert_eq!(answer.problem(404, "not_found"), "no such room");
    }
}

#[tokio::test]
async fn a_user_is_read() {
    let site = Site::new().await;
    let key = site.key("eye", &["system.monitor"]).await.shown;
    let user = site.call_get(&key, "users/admin").await;
    assert_eq!(
        user.json(),
        json!({
            "user_id": "admin", "name": "admin", "avatar": null, "is_online": false,
            "last_seen_at": null, "connections": 0,
            "account": { "name": "admin", "roles": ["admin"], "permissions": [], "disabled": false },
        })
    );
    let nobody = site.call_get(&key, "users/nobody").await;
    assert_eq!(nobody.problem(404, "not_found"), "no such user");
    site.call_get(&key, "users/%00")
        .await
        .problem(404, "not_found");
}
