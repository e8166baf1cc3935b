use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Talk, each, text};

#[tokio::test]
async fn an_invitation_is_made_once_and_accepted() {
    let talk = Talk::new().await;
    let room = talk.room("PRIVATE", &[]).await;
    let invite = format!("/channels/{room}/invitations");
    let wish = json!({ "inviteeId": "testuser" });
    let first = talk.post(&talk.alice, &invite, wish.clone()).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let made = first.json();
    assert_eq!(made["channelId"], room.as_str());
    assert_eq!(made["inviterId"], "user");
    assert_eq!(made["inviteeId"], "testuser");
    assert_eq!(made["status"], "PENDING");
    let again = talk.post(&talk.alice, &invite, wish.clone()).await;
    assert_eq!(again.ok()["id"], made["id"]);

    let pending = talk
        .get(&talk.bob, "/channels/invitations/pending")
        .await
        .ok();
    assert_eq!(each(&pending, "id"), [made["id"].clone()]);
    let answer = format!("/channels/invitations/{}", text(&made, "id"));
    let others = talk
        .post(&talk.alice, &format!("{answer}/accept"), Value::Null)
        .await;
    others.problem(404, "not_found");
    let accepted = talk
        .post(&talk.bob, &format!("{answer}/accept"), Value::Null)
        .await;
    assert_eq!(accepted.ok()["status"], "ACCEPTED");
    let rejected = talk
        .post(&talk.bob, &format!("{answer}/reject"), Value::Null)
        .await;
    rejected.problem(409, "conflict");
    assert_eq!(
        talk.get(&talk.bob, &format!("/channels/{room}")).await.ok()["myRole"],
        "MEMBER"
    );
    let again = talk.post(&talk.alice, &invite, wish).await;
    again.problem(409, "conflict");
    let pending = talk
        .get(&talk.bob, "/channels/invitations/pending")
        .await
        .ok();
    assert_eq!(pending, json!([]));
}

#[tokio::test]
async fn a_rejected_invitation_opens_nothing() {
    let talk = Talk::new().await;
    let room = talk.room("PRIVATE", &[]).await;
    let invite = format!("/channels/{room}/invitations");
    let made = talk
        .post(&talk.alice, &invite, json!({ "inviteeId": "testuser" }))
        .await;
    let answer = format!("/channels/invitations/{}/reject", text(&made.json(), "id"));
    let rejected = talk.post(&talk.bob, &answer, json!({})).await.ok();
    assert_eq!(rejected["status"], "REJECTED");
    let join = talk
        .post(&talk.bob, &format!("/channels/{room}/join"), Value::Null)
        .await;
    join.problem(404, "not_found");
}

#[tokio::test]
async fn who_cannot_invite_is_told_why() {
    let talk = Talk::new().await;
    let room = talk.room("PRIVATE", &[]).await;
    let invite = format!("/channels/{room}/invitations");
    let stranger = talk
        .post(&talk.bob, &invite, json!({ "inviteeId": "username" }))
        .await;
    stranger.problem(404, "not_found");
    let missing = talk.post(&talk.alice, &invite, json!({})).await;
    assert_eq!(missing.problem(400, "bad_request"), "inviteeId: missing");
    let unknown = talk
        .post(&talk.bob, "/channels/invitations/x/accept", Value::Null)
        .await;
    assert_eq!(unknown.problem(404, "not_found"), "no such invitation");
}
