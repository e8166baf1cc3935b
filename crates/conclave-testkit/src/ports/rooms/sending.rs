//! Messages are sent, edited and deleted.

use conclave_core::{Actor, Page, RoomFault, Sent};
use conclave_protocol::{
    Channel, DeliveryState, EditMessage, EraseMessage, EventKind, MemberRole, Message, MessageId,
    MessageKind, Refusal, RoomId, RoomKind, SendMessage, SetRole, Timestamp,
};

use super::stage::{
    EVER, ORIGIN, Soon, Stage, any, at_once, contents, moderator, nowhere, plain, refusal,
    same_refusal, seqs, text,
};
use crate::ports::user;

pub(super) async fn all(stage: &Stage<'_>) {
    a_message_is_told_before_its_ack(stage).await;
    places_have_no_gaps_at_once(stage).await;
    who_may_send(stage).await;
    a_client_id_names_one_message(stage).await;
    one_of_many_at_once_with_one_client_id_is_stored(stage).await;
    a_message_id_is_used_once(stage).await;
    replies_are_of_the_room(stage).await;
    a_dm_brings_its_other_member_back(stage).await;
    an_author_edits(stage).await;
    who_edits_not(stage).await;
    a_deleted_message_keeps_its_place(stage).await;
    who_deletes(stage).await;
}

async fn a_message_is_told_before_its_ack(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "sn-ann", &["sn-bob"]).await;
    let mut ask = text(&room, "https://files.example/picture.png");
    (ask.kind, ask.client_id) = (MessageKind::Image, Some("key".into()));
    let sent = stage.try_send(&plain("sn-ann"), ask).await.unwrap();
    let heard = stage.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    let (channel, event) = (&heard[0].channel, &heard[0].event);
    assert_eq!(*channel, Channel::Room(room.clone()));
    assert_eq!(
        event.kind,
        EventKind::Message(Box::new(sent.message.clone()))
    );
    assert_eq!((event.seq, event.room.as_ref()), (2, Some(&room)));
    assert_eq!(
        (event.at, heard[0].origin),
        (sent.message.created_at, ORIGIN)
    );
    assert!(!sent.repeated);
    let message = sent.message;
    assert_eq!((&message.room, message.seq), (&room, 2));
    assert_eq!(
        (message.kind, &*message.author.name),
        (MessageKind::Image, "sn-ann")
    );
    assert_eq!(message.client_id.as_deref(), Some("key"));
    assert_eq!(message.updated_at, message.created_at);
    assert_eq!(
        (message.deleted_at, message.status),
        (None, DeliveryState::Sent)
    );
    let newest = Page {
        limit: 1,
        ..Page::default()
    };
    let page = stage.store.messages(&plain("sn-ann"), &room, newest).await;
    assert_eq!(page.unwrap().messages[..], [message.clone()][..]);
    let page = stage.store.messages(&plain("sn-bob"), &room, newest).await;
    let others = Message {
        client_id: None,
        ..message
    };
    assert_eq!(page.unwrap().messages, [others], "the key is its author's");
    let shown = stage.store.room(&plain("sn-bob"), &room).await.unwrap();
    assert_eq!((shown.messages, shown.unread, shown.last_seq), (1, 1, 2));
}

async fn places_have_no_gaps_at_once(stage: &Stage<'_>) {
    let rooms = [
        stage
            .room(RoomKind::Private, "ga-ann", &["ga-bob", "ga-carol"])
            .await,
        stage
            .room(RoomKind::Public, "ga-bob", &["ga-ann", "ga-carol"])
            .await,
    ];
    let send = async |by: &'static str, room: RoomId, content: String| {
        let sent = stage.try_send(&plain(by), text(&room, &content)).await;
        sent.unwrap().message
    };
    let mut sends: Vec<Soon<'_, Message>> = Vec::new();
    for number in 0..60 {
        for (index, by) in ["ga-ann", "ga-bob", "ga-carol"].into_iter().enumerate() {
            let room = rooms[(number + index) % 2].clone();
            sends.push(Box::pin(send(by, room, format!("{by} {number}"))));
        }
    }
    let mut sent = at_once(sends).await;
    let heard = stage.heard();
    assert!(heard.is_sorted_by_key(|heard| heard.event.number));
    for room in &rooms {
        let of_room = heard
            .iter()
            .filter(|heard| heard.event.room.as_ref() == Some(room));
        let told: Vec<u64> = of_room.map(|heard| heard.event.seq).collect();
        assert_eq!(told, (2..=91).collect::<Vec<_>>(), "told in order");
    }
    sent.retain(|message| message.room == rooms[0]);
    sent.sort_by_key(|message| message.seq);
    assert_eq!(seqs(&sent), (2..=91).collect::<Vec<_>>());
    let page = Page {
        after: Some(0),
        limit: 200,
        ..Page::default()
    };
    let page = stage.store.messages(&any("ga-eve"), &rooms[0], page).await;
    let mut stored = page.unwrap().messages;
    stored.reverse();
    assert_eq!(contents(&stored), contents(&sent));
}

async fn who_may_send(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "ws-ann", &[]).await;
    let hidden = stage.try_send(&plain("ws-eve"), text(&room, "x")).await;
    let none = stage
        .try_send(&plain("ws-eve"), text(&nowhere(), "x"))
        .await;
    same_refusal(hidden, none);
    let moderates = stage.try_send(&moderator("ws-eve"), text(&room, "x")).await;
    assert_eq!(refusal(moderates), Refusal::NotFound);
    let sent = stage
        .try_send(&any("ws-eve"), text(&room, "from outside"))
        .await;
    assert_eq!(sent.unwrap().message.author.user, user("ws-eve"));
    let shown = stage.store.room(&plain("ws-ann"), &room).await.unwrap();
    assert_eq!((shown.members, shown.unread), (1, 1));
    stage.heard();
}

fn keyed(room: &RoomId, content: &str, key: &str) -> SendMessage {
    SendMessage {
        client_id: Some(key.into()),
        ..text(room, content)
    }
}

async fn a_client_id_names_one_message(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "ci-ann", &["ci-bob"]).await;
    let other = stage.room(RoomKind::Public, "ci-ann", &[]).await;
    let (ann, bob) = (plain("ci-ann"), plain("ci-bob"));
    let ask = keyed(&room, "once", "k");
    let first = stage.try_send(&ann, ask.clone()).await.unwrap();
    stage.heard();
    let again = stage.try_send(&ann, ask.clone()).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.message, first.message);
    assert_eq!(stage.heard(), [], "nothing was stored");
    for different in [
        keyed(&room, "twice", "k"),
        SendMessage {
            kind: MessageKind::File,
            ..ask.clone()
        },
        SendMessage {
            reply_to: Some(first.message.id),
            ..ask.clone()
        },
    ] {
        let refused = stage.try_send(&ann, different).await;
        assert_eq!(refusal(refused), Refusal::Conflict);
    }
    for (by, ask) in [(&bob, &ask), (&ann, &keyed(&other, "once", "k"))] {
        let sent = stage.try_send(by, ask.clone()).await.unwrap();
        assert!(!sent.repeated, "a key is of one user in one room");
    }
    edit(stage, &ann, first.message.id, "edited").await.unwrap();
    let again = stage.try_send(&ann, ask.clone()).await.unwrap();
    assert_eq!((again.repeated, &*again.message.content), (true, "edited"));
    erase(stage, &ann, first.message.id).await.unwrap();
    let again = stage.try_send(&ann, ask.clone()).await.unwrap();
    assert_eq!((again.repeated, &*again.message.content), (true, ""));
    stage.leave("ci-bob", &room).await;
    let gone = stage.try_send(&bob, ask).await;
    assert_eq!(
        refusal(gone),
        Refusal::NotFound,
        "a repeated ask needs the power too"
    );
    stage.heard();
}

async fn one_of_many_at_once_with_one_client_id_is_stored(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "om-ann", &[]).await;
    let ann = plain("om-ann");
    let mut sends: Vec<Soon<'_, Result<Sent, RoomFault>>> = Vec::new();
    for _ in 0..50 {
        sends.push(Box::pin(stage.try_send(&ann, keyed(&room, "same", "k"))));
    }
    let sent: Vec<Sent> = at_once(sends)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(sent.iter().filter(|sent| !sent.repeated).count(), 1);
    assert!(sent.iter().all(|other| other.message == sent[0].message));
    assert_eq!(stage.heard().len(), 1);
}

async fn a_message_id_is_used_once(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "mi-ann", &["mi-bob"]).await;
    let other = stage.room(RoomKind::Private, "mi-bob", &[]).await;
    let id = stage.message_id();
    let chosen = |room: &RoomId| SendMessage {
        id: Some(id),
        ..keyed(room, "mine", "k")
    };
    let sent = stage
        .try_send(&plain("mi-ann"), chosen(&room))
        .await
        .unwrap();
    assert_eq!(sent.message.id, id);
    stage.heard();
    for room in [&room, &other] {
        let taken = stage.try_send(&plain("mi-bob"), chosen(room)).await;
        assert_eq!(refusal(taken), Refusal::Conflict);
    }
    let again = stage
        .try_send(&plain("mi-ann"), chosen(&room))
        .await
        .unwrap();
    assert!(again.repeated, "its own author's client id comes first");
    assert_eq!(stage.heard(), []);
}

async fn replies_are_of_the_room(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "re-ann", &[]).await;
    let other = stage.room(RoomKind::Private, "re-ann", &[]).await;
    let here = stage.say("re-ann", &room, "here").await;
    let there = stage.say("re-ann", &other, "there").await;
    let reply = async |to: MessageId| {
        let ask = SendMessage {
            reply_to: Some(to),
            ..text(&room, "reply")
        };
        stage.try_send(&plain("re-ann"), ask).await
    };
    let sent = reply(here.id).await.unwrap();
    assert_eq!(sent.message.reply_to, Some(here.id));
    same_refusal(reply(there.id).await, reply(stage.message_id()).await);
    erase(stage, &plain("re-ann"), here.id).await.unwrap();
    reply(here.id).await.unwrap();
    let shown = stage.store.room(&plain("re-ann"), &room).await.unwrap();
    assert_eq!(
        (shown.last_seq, shown.messages),
        (5, 2),
        "a refused one takes no place"
    );
    stage.heard();
}

async fn a_dm_brings_its_other_member_back(stage: &Stage<'_>) {
    let dm = stage.room(RoomKind::Dm, "db-ann", &["db-bob"]).await;
    stage.leave("db-bob", &dm).await;
    let gone = stage.try_send(&plain("db-bob"), text(&dm, "x")).await;
    assert_eq!(refusal(gone), Refusal::NotFound);
    stage.heard();
    let sent = stage
        .try_send(&plain("db-ann"), text(&dm, "come back"))
        .await;
    let sent = sent.unwrap().message;
    let heard = stage.heard();
    let joined = EventKind::Joined {
        user: user("db-bob"),
    };
    let seen: Vec<_> = heard
        .iter()
        .map(|heard| (&heard.event.kind, heard.event.seq))
        .collect();
    let message = EventKind::Message(Box::new(sent.clone()));
    let entered = EventKind::Entered { seq: 3 };
    assert_eq!(seen, [(&joined, 3), (&entered, 0), (&message, 4)]);
    assert_eq!(heard[1].channel, Channel::User(user("db-bob")));
    assert_eq!(sent.seq, 4);
    assert_eq!(stage.store.offline_count(&user("db-bob")).await.unwrap(), 1);
    stage
        .receipt("db-bob", &sent, DeliveryState::Read)
        .await
        .unwrap();
    stage.heard();
}

async fn edit(
    stage: &Stage<'_>,
    by: &Actor,
    message: MessageId,
    content: &str,
) -> Result<Message, RoomFault> {
    let ask = EditMessage {
        message,
        room: None,
        content: content.into(),
    };
    stage.store.edit(by, ask, EVER, stage.stamp()).await
}

async fn erase(stage: &Stage<'_>, by: &Actor, message: MessageId) -> Result<(), RoomFault> {
    let ask = EraseMessage {
        message,
        room: None,
    };
    stage.store.erase(by, ask, stage.stamp()).await
}

async fn an_author_edits(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "ed-ann", &["ed-bob"]).await;
    let before = stage.say("ed-ann", &room, "before").await;
    stage
        .receipt("ed-bob", &before, DeliveryState::Delivered)
        .await
        .unwrap();
    stage.heard();
    let edited = edit(stage, &plain("ed-ann"), before.id, "after")
        .await
        .unwrap();
    assert_eq!((&*edited.content, edited.seq), ("after", before.seq));
    assert_eq!(
        edited.status,
        DeliveryState::Delivered,
        "edits keep receipts"
    );
    assert_eq!(edited.created_at, before.created_at);
    assert!(edited.updated_at > before.updated_at);
    let heard = stage.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0].channel, Channel::Room(room.clone()));
    assert_eq!(heard[0].event.seq, 3);
    assert_eq!(
        heard[0].event.kind,
        EventKind::Edited(Box::new(edited.clone()))
    );
    let same = edit(stage, &plain("ed-ann"), before.id, "after").await;
    assert_eq!(same.unwrap(), edited);
    assert_eq!(stage.heard(), [], "nothing was edited");
}

async fn who_edits_not(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "en-ann", &["en-bob"]).await;
    let other = stage.room(RoomKind::Public, "en-ann", &[]).await;
    let message = stage.say("en-bob", &room, "mine").await;
    for by in [plain("en-ann"), any("en-eve")] {
        let refused = edit(stage, &by, message.id, "x").await;
        assert_eq!(refusal(refused), Refusal::Forbidden);
    }
    for by in [plain("en-eve"), moderator("en-eve")] {
        let hidden = edit(stage, &by, message.id, "x").await;
        same_refusal(hidden, edit(stage, &by, stage.message_id(), "x").await);
    }
    let elsewhere = EditMessage {
        message: message.id,
        room: Some(other),
        content: "x".into(),
    };
    let bob = plain("en-bob");
    let refused = stage.store.edit(&bob, elsewhere, EVER, stage.stamp()).await;
    assert_eq!(refusal(refused), Refusal::NotFound);
    let late = EditMessage {
        message: message.id,
        room: Some(room.clone()),
        content: "x".into(),
    };
    let after = Timestamp::from_millis(message.created_at.millis() + 1);
    let refused = stage
        .store
        .edit(&bob, late.clone(), after, stage.stamp())
        .await;
    assert_eq!(refusal(refused), Refusal::Forbidden);
    let in_time = stage
        .store
        .edit(&bob, late, message.created_at, stage.stamp());
    in_time.await.unwrap();
    stage.leave("en-bob", &room).await;
    let left = edit(stage, &bob, message.id, "y").await;
    assert_eq!(
        refusal(left),
        Refusal::NotFound,
        "who has left writes no more"
    );
    stage.heard();
}

async fn a_deleted_message_keeps_its_place(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "dp-ann", &["dp-bob"]).await;
    stage.say("dp-ann", &room, "first").await;
    let message = stage.say("dp-ann", &room, "second").await;
    stage.say("dp-ann", &room, "third").await;
    let stamp = stage.stamp();
    let ask = EraseMessage {
        message: message.id,
        room: Some(room.clone()),
    };
    stage
        .store
        .erase(&plain("dp-ann"), ask, stamp)
        .await
        .unwrap();
    let heard = stage.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    let erased = EventKind::Erased {
        message: message.id,
        by: user("dp-ann"),
    };
    assert_eq!((heard[0].event.seq, &heard[0].event.kind), (5, &erased));
    let page = Page {
        limit: 9,
        ..Page::default()
    };
    let page = stage
        .store
        .messages(&plain("dp-bob"), &room, page)
        .await
        .unwrap();
    assert_eq!(contents(&page.messages), ["third", "", "first"]);
    assert_eq!(seqs(&page.messages), [4, 3, 2]);
    let tombstone = &page.messages[1];
    assert_eq!(tombstone.deleted_at, Some(stamp.at));
    assert_eq!(tombstone.updated_at, message.updated_at);
    let shown = stage.store.room(&plain("dp-bob"), &room).await.unwrap();
    assert_eq!((shown.messages, shown.unread), (2, 2));
    assert_eq!(stage.store.offline_count(&user("dp-bob")).await.unwrap(), 2);
    let ann = plain("dp-ann");
    let none = stage.message_id();
    same_refusal(
        edit(stage, &ann, message.id, "x").await,
        edit(stage, &ann, none, "x").await,
    );
    same_refusal(
        erase(stage, &ann, message.id).await,
        erase(stage, &ann, none).await,
    );
    let receipt = stage.receipt("dp-bob", &message, DeliveryState::Read).await;
    same_refusal(receipt, erase(stage, &ann, none).await);
    assert_eq!(stage.heard(), []);
}

async fn who_deletes(stage: &Stage<'_>) {
    let members = ["wd-mod", "wd-bob", "wd-carol"];
    let room = stage.room(RoomKind::Private, "wd-ann", &members).await;
    let ask = SetRole {
        room: room.clone(),
        user: user("wd-mod"),
        role: MemberRole::Moderator,
    };
    stage
        .store
        .set_role(&plain("wd-ann"), ask, stage.stamp())
        .await
        .unwrap();
    for by in [
        plain("wd-bob"),
        plain("wd-ann"),
        plain("wd-mod"),
        moderator("wd-eve"),
        moderator("wd-carol"),
    ] {
        let message = stage.say("wd-bob", &room, "to go").await;
        erase(stage, &by, message.id).await.unwrap();
    }
    let message = stage.say("wd-bob", &room, "to stay").await;
    for by in [plain("wd-carol"), any("wd-eve")] {
        let refused = erase(stage, &by, message.id).await;
        assert_eq!(refusal(refused), Refusal::Forbidden);
    }
    let hidden = erase(stage, &plain("wd-eve"), message.id).await;
    same_refusal(
        hidden,
        erase(stage, &plain("wd-eve"), stage.message_id()).await,
    );
    stage.heard();
}
