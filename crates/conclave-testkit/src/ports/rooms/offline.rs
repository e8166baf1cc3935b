//! What users have not received.

use conclave_protocol::{DeliveryState, EraseMessage, Message, RoomKind};

use super::stage::{Stage, contents, plain, same_refusal};
use crate::ports::user;

pub(super) async fn all(stage: &Stage<'_>) {
    offline_messages_come_room_by_room(stage).await;
    receipts_end_being_offline(stage).await;
    positions_of_others_are_none(stage).await;
}

async fn offline(stage: &Stage<'_>, of: &str, after: Option<&Message>, limit: u32) -> Vec<Message> {
    let after = after.map(|message| message.id);
    stage.store.offline(&user(of), after, limit).await.unwrap()
}

async fn count(stage: &Stage<'_>, of: &str) -> u64 {
    stage.store.offline_count(&user(of)).await.unwrap()
}

async fn offline_messages_come_room_by_room(stage: &Stage<'_>) {
    let one = stage.room(RoomKind::Private, "of-ann", &["of-bob"]).await;
    let two = stage.room(RoomKind::Public, "of-bob", &["of-ann"]).await;
    let dm = stage.room(RoomKind::Dm, "of-ann", &["of-bob"]).await;
    stage.say("of-ann", &dm, "dm 1").await;
    stage.say("of-ann", &two, "two 1").await;
    let gone = stage.say("of-ann", &one, "gone").await;
    let first = stage.say("of-ann", &one, "one 1").await;
    stage.say("of-bob", &one, "my own").await;
    stage.say("of-ann", &one, "one 2").await;
    stage.say("of-ann", &two, "two 2").await;
    let ask = EraseMessage {
        message: gone.id,
        room: None,
    };
    stage
        .store
        .erase(&plain("of-ann"), ask, stage.stamp())
        .await
        .unwrap();
    let expected = ["one 1", "one 2", "two 1", "two 2", "dm 1"];
    let all = offline(stage, "of-bob", None, 99).await;
    assert_eq!(contents(&all), expected);
    assert_eq!(count(stage, "of-bob").await, 5);
    assert_eq!(
        contents(&offline(stage, "of-bob", None, 2).await),
        expected[..2]
    );
    for (index, message) in all.iter().enumerate() {
        let rest = offline(stage, "of-bob", Some(message), 99).await;
        assert_eq!(contents(&rest), expected[index + 1..]);
    }
    let rest = offline(stage, "of-bob", Some(&gone), 2).await;
    assert_eq!(
        contents(&rest),
        expected[..2],
        "a deleted one has its place still"
    );
    assert_eq!(
        contents(&offline(stage, "of-bob", Some(&first), 1).await),
        ["one 2"]
    );
    assert_eq!(
        contents(&offline(stage, "of-ann", None, 99).await),
        ["my own"]
    );
    assert_eq!(
        (
            offline(stage, "of-eve", None, 9).await,
            count(stage, "of-eve").await
        ),
        (vec![], 0)
    );
    assert!(all.iter().all(|message| message.client_id.is_none()));
    stage.heard();
}

async fn receipts_end_being_offline(stage: &Stage<'_>) {
    let room = stage
        .room(RoomKind::Private, "ro-ann", &["ro-bob", "ro-carol"])
        .await;
    let first = stage.say("ro-ann", &room, "1").await;
    let second = stage.say("ro-ann", &room, "2").await;
    stage.say("ro-ann", &room, "3").await;
    stage
        .receipt("ro-bob", &second, DeliveryState::Delivered)
        .await
        .unwrap();
    stage
        .receipt("ro-carol", &first, DeliveryState::Read)
        .await
        .unwrap();
    assert_eq!(contents(&offline(stage, "ro-bob", None, 9).await), ["3"]);
    assert_eq!(
        contents(&offline(stage, "ro-carol", None, 9).await),
        ["2", "3"]
    );
    assert_eq!(
        (count(stage, "ro-bob").await, count(stage, "ro-carol").await),
        (1, 2)
    );
    let rest = offline(stage, "ro-bob", Some(&first), 9).await;
    assert_eq!(
        contents(&rest),
        ["3"],
        "what was received does not come again"
    );
    stage.leave("ro-carol", &room).await;
    assert_eq!(count(stage, "ro-carol").await, 0);
    stage.heard();
}

async fn positions_of_others_are_none(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "po-ann", &[]).await;
    let message = stage.say("po-ann", &room, "hers").await;
    let eve = user("po-eve");
    let others = stage.store.offline(&eve, Some(message.id), 9).await;
    let none = stage.store.offline(&eve, Some(stage.message_id()), 9).await;
    same_refusal(others, none);
}
