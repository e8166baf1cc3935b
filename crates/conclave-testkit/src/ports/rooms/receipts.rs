//! Receipts, and the states that follow from them.

use conclave_core::Page;
use conclave_protocol::{
    Channel, DeliveryState, EventKind, GiveReceipt, Message, Receipt, Refusal, RoomId, RoomKind,
};

use super::stage::{Stage, any, plain, refusal, same_refusal, text};
use crate::ports::user;

pub(super) async fn all(stage: &Stage<'_>) {
    a_receipt_is_told_to_the_author(stage).await;
    receipts_are_cumulative(stage).await;
    the_newest_fifty_are_told(stage).await;
    a_repeated_receipt_adds_nothing(stage).await;
    only_recipients_give_receipts(stage).await;
    a_state_is_the_lowest_of_all(stage).await;
    who_leaves_is_no_recipient(stage).await;
    each_recipient_has_a_state_and_a_time(stage).await;
    states_are_for_members(stage).await;
    unread_counts_what_others_wrote(stage).await;
}

const DELIVERED: DeliveryState = DeliveryState::Delivered;
const READ: DeliveryState = DeliveryState::Read;
const SENT: DeliveryState = DeliveryState::Sent;

/// The receipts since the last time, each in both places.
fn told(stage: &Stage<'_>) -> Vec<Receipt> {
    let heard = stage.heard();
    let mut receipts = Vec::new();
    for pair in heard.chunks(2) {
        let EventKind::Receipt(receipt) = &pair[0].event.kind else {
            panic!("{pair:?}")
        };
        assert_eq!(pair[0].event, pair[1].event);
        assert_eq!((pair[0].event.seq, pair[0].event.number), (0, 0));
        assert_eq!(pair[0].event.at, receipt.at);
        let room = pair[0].event.room.clone().unwrap();
        let (Channel::User(author), own) = (&pair[0].channel, &pair[1].channel) else {
            panic!("{pair:?}")
        };
        let user = author.clone();
        assert_eq!(*own, Channel::Own { room, user });
        receipts.push(receipt.clone());
    }
    receipts
}

async fn a_receipt_is_told_to_the_author(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "ra-ann", &["ra-bob"]).await;
    let message = stage.say("ra-ann", &room, "hello").await;
    for status in [DELIVERED, READ] {
        let stamp = stage.stamp();
        let ask = GiveReceipt {
            message: message.id,
            room: Some(room.clone()),
            status,
        };
        stage
            .store
            .give_receipt(&plain("ra-bob"), ask, stamp)
            .await
            .unwrap();
        let receipt = Receipt {
            message: message.id,
            recipient: user("ra-bob"),
            status,
            at: stamp.at,
        };
        let heard = stage.heard();
        let channels: Vec<_> = heard.iter().map(|heard| heard.channel.clone()).collect();
        let own = Channel::Own {
            room: room.clone(),
            user: user("ra-ann"),
        };
        assert_eq!(channels, [Channel::User(user("ra-ann")), own]);
        assert!(
            heard
                .iter()
                .all(|heard| heard.event.kind == EventKind::Receipt(receipt.clone()))
        );
    }
    let shown = stage.store.room(&plain("ra-ann"), &room).await.unwrap();
    assert_eq!(shown.last_seq, 2, "a receipt has no place");
}

async fn receipts_are_cumulative(stage: &Stage<'_>) {
    let room = stage
        .room(RoomKind::Private, "cu-ann", &["cu-bob", "cu-carol"])
        .await;
    let first = stage.say("cu-ann", &room, "1").await;
    let own = stage.say("cu-bob", &room, "2").await;
    let other = stage.say("cu-carol", &room, "3").await;
    let gone = stage.say("cu-ann", &room, "4").await;
    let last = stage.say("cu-ann", &room, "5").await;
    let beyond = stage.say("cu-ann", &room, "6").await;
    let ask = conclave_protocol::EraseMessage {
        message: gone.id,
        room: None,
    };
    stage
        .store
        .erase(&plain("cu-ann"), ask, stage.stamp())
        .await
        .unwrap();
    stage.heard();
    stage.receipt("cu-bob", &other, DELIVERED).await.unwrap();
    let covered = told(stage);
    let named: Vec<_> = covered
        .iter()
        .map(|receipt| (receipt.message, receipt.status))
        .collect();
    assert_eq!(
        named,
        [(first.id, DELIVERED), (other.id, DELIVERED)],
        "oldest first"
    );
    stage.receipt("cu-bob", &last, READ).await.unwrap();
    let covered = told(stage);
    let named: Vec<_> = covered
        .iter()
        .map(|receipt| (receipt.message, receipt.status))
        .collect();
    assert_eq!(named, [(first.id, READ), (other.id, READ), (last.id, READ)]);
    let shown = stage.store.room(&plain("cu-bob"), &room).await.unwrap();
    assert_eq!(shown.unread, 1, "not what came after");
    stage.receipt("cu-bob", &beyond, DELIVERED).await.unwrap();
    assert_eq!(told(stage).len(), 1);
    let refused = stage.receipt("cu-bob", &own, READ).await;
    assert_eq!(refusal(refused), Refusal::Forbidden);
}

async fn the_newest_fifty_are_told(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "nf-ann", &["nf-bob"]).await;
    let mut last = None;
    for number in 0..60 {
        last = Some(stage.say("nf-ann", &room, &number.to_string()).await);
    }
    stage
        .receipt("nf-bob", &last.clone().unwrap(), READ)
        .await
        .unwrap();
    let covered = told(stage);
    assert_eq!(covered.len(), 50);
    assert_eq!(covered[49].message, last.unwrap().id);
}

async fn a_repeated_receipt_adds_nothing(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "rr-ann", &["rr-bob"]).await;
    let first = stage.say("rr-ann", &room, "1").await;
    let second = stage.say("rr-ann", &room, "2").await;
    stage.receipt("rr-bob", &second, READ).await.unwrap();
    stage.heard();
    for (message, status) in [
        (&second, READ),
        (&second, DELIVERED),
        (&first, READ),
        (&first, DELIVERED),
    ] {
        stage.receipt("rr-bob", message, status).await.unwrap();
        assert_eq!(stage.heard(), [], "a state never goes back");
    }
    assert_eq!(state(stage, &room, &second).await, READ);
}

async fn only_recipients_give_receipts(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "or-ann", &["or-bob"]).await;
    let other = stage.room(RoomKind::Public, "or-ann", &["or-bob"]).await;
    let message = stage.say("or-ann", &room, "early").await;
    stage.join("or-late", &room).await.unwrap();
    stage.heard();
    for by in ["or-ann", "or-late"] {
        let refused = stage.receipt(by, &message, READ).await;
        assert_eq!(refusal(refused), Refusal::Forbidden, "{by}");
    }
    let ask = |room: Option<RoomId>| GiveReceipt {
        message: message.id,
        room,
        status: READ,
    };
    let by_any = stage
        .store
        .give_receipt(&any("or-eve"), ask(None), stage.stamp())
        .await;
    assert_eq!(refusal(by_any), Refusal::Forbidden);
    let hidden = stage.receipt("or-eve", &message, READ).await;
    let none = Message {
        id: stage.message_id(),
        ..message.clone()
    };
    same_refusal(hidden, stage.receipt("or-eve", &none, READ).await);
    let (bob, stamp) = (plain("or-bob"), stage.stamp());
    let elsewhere = stage.store.give_receipt(&bob, ask(Some(other)), stamp);
    assert_eq!(refusal(elsewhere.await), Refusal::NotFound);
    assert_eq!(stage.heard(), []);
    let later = stage.say("or-ann", &room, "later").await;
    stage.receipt("or-late", &later, READ).await.unwrap();
    let covered = told(stage);
    assert_eq!(covered.len(), 1, "not what was before the recipient joined");
    assert_eq!(covered[0].message, later.id);
}

async fn state(stage: &Stage<'_>, room: &RoomId, message: &Message) -> DeliveryState {
    let page = Page {
        after: Some(message.seq - 1),
        limit: 1,
        ..Page::default()
    };
    let page = stage
        .store
        .messages(&any("observer"), room, page)
        .await
        .unwrap();
    assert_eq!(page.messages[0].id, message.id);
    page.messages[0].status
}

async fn a_state_is_the_lowest_of_all(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "st-ann", &[]).await;
    let alone = stage.say("st-ann", &room, "alone").await;
    for name in ["st-bob", "st-carol"] {
        stage.join(name, &room).await.unwrap();
    }
    assert_eq!(
        state(stage, &room, &alone).await,
        SENT,
        "nobody receives it"
    );
    let message = stage.say("st-ann", &room, "to two").await;
    for (by, status, then) in [
        ("st-bob", READ, SENT),
        ("st-carol", DELIVERED, DELIVERED),
        ("st-carol", READ, READ),
    ] {
        stage.receipt(by, &message, status).await.unwrap();
        assert_eq!(state(stage, &room, &message).await, then);
    }
    assert_eq!(state(stage, &room, &alone).await, SENT);
    stage.join("st-dave", &room).await.unwrap();
    assert_eq!(
        state(stage, &room, &message).await,
        READ,
        "who came later does not count"
    );
    let sent = stage
        .try_send(&any("st-eve"), text(&room, "from outside"))
        .await;
    let outside = sent.unwrap().message;
    assert_eq!(state(stage, &room, &outside).await, SENT);
    for by in ["st-ann", "st-bob", "st-carol", "st-dave"] {
        stage.receipt(by, &outside, DELIVERED).await.unwrap();
    }
    assert_eq!(state(stage, &room, &outside).await, DELIVERED);
    stage.heard();
}

async fn who_leaves_is_no_recipient(stage: &Stage<'_>) {
    let room = stage
        .room(RoomKind::Public, "wl-ann", &["wl-bob", "wl-carol"])
        .await;
    let message = stage.say("wl-ann", &room, "hello").await;
    stage.receipt("wl-bob", &message, READ).await.unwrap();
    assert_eq!(state(stage, &room, &message).await, SENT);
    stage.leave("wl-carol", &room).await;
    assert_eq!(state(stage, &room, &message).await, READ);
    stage.join("wl-carol", &room).await.unwrap();
    let refused = stage.receipt("wl-carol", &message, READ).await;
    assert_eq!(
        refusal(refused),
        Refusal::Forbidden,
        "who comes back joined later"
    );
    stage.leave("wl-bob", &room).await;
    assert_eq!(
        state(stage, &room, &message).await,
        SENT,
        "no recipient is left"
    );
    stage.heard();
}

async fn each_recipient_has_a_state_and_a_time(stage: &Stage<'_>) {
    let members = ["ea-bob", "ea-carol", "ea-dave"];
    let room = stage.room(RoomKind::Private, "ea-ann", &members).await;
    let first = stage.say("ea-ann", &room, "1").await;
    let second = stage.say("ea-ann", &room, "2").await;
    let give = async |by, message: &Message, status| {
        let ask = GiveReceipt {
            message: message.id,
            room: None,
            status,
        };
        let stamp = stage.stamp();
        stage
            .store
            .give_receipt(&plain(by), ask, stamp)
            .await
            .unwrap();
        stamp.at
    };
    let delivered_at = give("ea-bob", &first, DELIVERED).await;
    let read_at = give("ea-bob", &second, READ).await;
    give("ea-bob", &second, READ).await;
    let carol_at = give("ea-carol", &second, DELIVERED).await;
    let list = async |message: &Message| {
        let list = stage
            .store
            .receipts(&plain("ea-dave"), message.id)
            .await
            .unwrap();
        assert!(list.iter().all(|receipt| receipt.message == message.id));
        let entries = list
            .iter()
            .map(|r| (r.recipient.to_string(), r.status, r.at));
        entries.collect::<Vec<_>>()
    };
    let named = |name: &str, status, at| (name.to_owned(), status, at);
    let expected = |sent| {
        [
            named("ea-bob", READ, read_at),
            named("ea-carol", DELIVERED, carol_at),
            named("ea-dave", SENT, sent),
        ]
    };
    assert_eq!(list(&second).await, expected(second.created_at));
    assert_eq!(list(&first).await, expected(first.created_at));
    assert!(delivered_at < read_at);
    let third = stage.say("ea-ann", &room, "3").await;
    give("ea-carol", &third, READ).await;
    let carol = &list(&first).await[1];
    assert_eq!(carol.1, READ);
    assert!(carol.2 > carol_at, "when it was read, not when it came");
    stage.heard();
}

async fn states_are_for_members(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "sm-ann", &["sm-bob"]).await;
    let message = stage.say("sm-ann", &room, "hello").await;
    let (eve, none) = (plain("sm-eve"), stage.message_id());
    let hidden = stage.store.receipts(&eve, message.id).await;
    same_refusal(hidden, stage.store.receipts(&eve, none).await);
    for by in [plain("sm-bob"), any("sm-eve")] {
        let listed = stage.store.receipts(&by, message.id).await;
        assert_eq!(listed.unwrap().len(), 1);
    }
}

async fn unread_counts_what_others_wrote(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "un-ann", &["un-bob"]).await;
    let unread = async |name| {
        let room = stage.store.room(&plain(name), &room).await.unwrap();
        room.unread
    };
    let first = stage.say("un-ann", &room, "1").await;
    stage.say("un-bob", &room, "2").await;
    let third = stage.say("un-ann", &room, "3").await;
    assert_eq!((unread("un-ann").await, unread("un-bob").await), (1, 2));
    stage.receipt("un-bob", &third, DELIVERED).await.unwrap();
    assert_eq!(unread("un-bob").await, 2, "delivered is not seen");
    stage.receipt("un-bob", &first, READ).await.unwrap();
    assert_eq!(unread("un-bob").await, 1);
    let ask = conclave_protocol::EraseMessage {
        message: third.id,
        room: None,
    };
    stage
        .store
        .erase(&plain("un-ann"), ask, stage.stamp())
        .await
        .unwrap();
    assert_eq!(unread("un-bob").await, 0);
    stage.join("un-carol", &room).await.unwrap();
    assert_eq!(
        unread("un-carol").await,
        0,
        "nothing is unread for who has just joined"
    );
    stage.say("un-bob", &room, "4").await;
    assert_eq!((unread("un-carol").await, unread("un-ann").await), (1, 2));
    stage.heard();
}
