//! What every implementation of `WebhookStore` does.

use std::sync::Arc;

use conclave_core::{
    Actor, Fence, Hold, LeaseName, Leases, LogPart, NewMessage, NewQueued, NewRoom, NodeId,
    QueuedKind, RoomStore, Sign, Stamp, WebhookFault, WebhookName, WebhookPlace, WebhookStore,
};
use conclave_protocol::{
    CreateRoom, DeleteRoom, DeliveryState, EraseMessage, EventKind, GiveReceipt, JoinRoom,
    LeaveRoom, MessageId, MessageKind, RoomId, RoomKind, SendMessage, Timestamp,
};

use super::leases::leases_conformance;
use super::{second, user};

/// Runs the suite, and that of leases, on an empty store, whose rooms are `rooms`.
///
/// # Panics
/// Where the implementation differs.
pub async fn webhooks_conformance(
    webhooks: &dyn WebhookStore,
    rooms: &dyn RoomStore,
    leases: &dyn Leases,
) {
    let (fence, silent) = leases_conformance(leases).await;
    let stage = Stage {
        webhooks,
        rooms,
        fence,
    };
    stage.a_new_one_begins_at_the_newest_event().await;
    stage.the_log_is_read_by_parts_and_pages().await;
    stage.recipients_are_those_who_have_not_got_it().await;
    stage.queues_keep_their_order_apart_from_each_other().await;
    stage.what_is_done_does_not_come_back().await;
    stage.an_erased_text_waits_nowhere().await;
    stage.failing_is_remembered_from_the_first_time().await;
    stage.what_is_too_old_is_given_up().await;
    stage.who_is_not_named_is_forgotten().await;
    stage.who_was_silent_moves_nothing(leases, silent).await;
}

struct Stage<'a> {
    webhooks: &'a dyn WebhookStore,
    rooms: &'a dyn RoomStore,
    fence: Fence,
}

const ALL: LogPart = LogPart {
    messages: true,
    membership: true,
};

fn name(text: &str) -> WebhookName {
    WebhookName::new(text).unwrap()
}

fn room(text: &str) -> RoomId {
    RoomId::new(text).unwrap()
}

fn stamp(at: Timestamp) -> Stamp {
    Stamp {
        at,
        ..Stamp::default()
    }
}

fn entry(webhook: &str, number: u64, at: Timestamp, data: &str) -> NewQueued {
    NewQueued {
        webhook: name(webhook),
        kind: match number {
            0 => QueuedKind::Connect,
            _ => QueuedKind::MessageOffline,
        },
        number,
        at,
        data: data.into(),
    }
}

impl Stage<'_> {
    async fn open(&self, names: &[&str]) -> Vec<WebhookPlace> {
        let names: Vec<WebhookName> = names.iter().map(|text| name(text)).collect();
        self.open_all(&names).await
    }

    async fn open_all(&self, names: &[WebhookName]) -> Vec<WebhookPlace> {
        self.webhooks.open(names).await.unwrap();
        let mut places = Vec::new();
        for name in names {
            places.push(self.webhooks.standing(name).await.unwrap());
        }
        places
    }

    async fn done(&self, webhook: &WebhookName, number: u64, queued: u64) {
        let done = self.webhooks.done(webhook, (number, queued), self.fence);
        done.await.unwrap();
    }

    async fn place(&self, names: &[&str]) -> WebhookPlace {
        self.open(names).await[0]
    }

    async fn create(&self, id: &str, at: Timestamp) {
        let ask = CreateRoom {
            name: Some(id.into()),
            description: None,
            kind: RoomKind::Public,
            members: vec![user("bob"), user("carol")],
        };
        let new = NewRoom {
            id: room(id),
            room: ask,
        };
        let by = Actor::plain(user("alice"));
        self.rooms.create(&by, new, stamp(at)).await.unwrap();
    }

    async fn send(&self, to: &str, id: u128, at: Timestamp) {
        let message = SendMessage {
            room: room(to),
            content: format!("message {id}").into(),
            kind: MessageKind::Text,
            reply_to: None,
            client_id: None,
            id: None,
        };
        let new = NewMessage {
            answer: None,
            under: None,
            id: MessageId(id),
            message,
        };
        let by = Actor::plain(user("alice"));
        self.rooms.send(&by, new, stamp(at)).await.unwrap();
    }

    async fn newest(&self) -> u64 {
        let none = LogPart::default();
        let page = self.webhooks.log(0, none, 10).await.unwrap();
        assert_eq!(page.events, []);
        page.through
    }

    async fn data(&self, webhook: &str) -> Vec<String> {
        let queued = self.webhooks.queued(&name(webhook), 10).await.unwrap();
        queued.into_iter().map(|entry| entry.data).collect()
    }

    async fn a_new_one_begins_at_the_newest_event(&self) {
        let place = self.place(&["a"]).await;
        assert_eq!(place, WebhookPlace::default(), "the suite wants no events");
        self.create("one", second(0)).await;
        let places = self.open(&["a", "b"]).await;
        let numbers: Vec<u64> = places.iter().map(|place| place.number).collect();
        assert_eq!(numbers, [0, self.newest().await], "a stays where it was");
    }

    async fn the_log_is_read_by_parts_and_pages(&self) {
        let start = self.newest().await;
        self.send("one", 1, second(1)).await;
        let dave = Actor::plain(user("dave"));
        let join = JoinRoom { room: room("one") };
        self.rooms
            .join(&dave, join, stamp(second(2)))
            .await
            .unwrap();
        self.send("one", 2, second(3)).await;
        let numbers = async |after, part, limit| {
            let page = self.webhooks.log(after, part, limit).await.unwrap();
            let events = page.events.iter();
            let numbers: Vec<u64> = events.map(|logged| logged.event.number - start).collect();
            (numbers, page.through - start)
        };
        let messages = LogPart {
            messages: true,
            membership: false,
        };
        let membership = LogPart {
            messages: false,
            membership: true,
        };
        assert_eq!(numbers(start, ALL, 10).await, (vec![1, 2, 3], 3));
        assert_eq!(numbers(start, messages, 10).await, (vec![1, 3], 3));
        assert_eq!(numbers(start, membership, 10).await, (vec![2], 3));
        assert_eq!(numbers(start, messages, 1).await, (vec![1], 1));
        assert_eq!(numbers(start + 2, membership, 10).await, (vec![], 3));
        assert_eq!(numbers(start + 9, ALL, 10).await, (vec![], 9));
        let first = self.webhooks.log(0, ALL, 1).await.unwrap();
        let members = ["alice", "bob", "carol"].map(user);
        assert_eq!(first.events[0].first_members, members);
        let page = self.webhooks.log(start, ALL, 1).await.unwrap();
        let content = match &page.events[0].event.kind {
            EventKind::Message(message) => &*message.content,
            _ => "no message",
        };
        assert_eq!(content, "message 1");
        assert!(page.events[0].first_members.is_empty());
    }

    async fn recipients_are_those_who_have_not_got_it(&self) {
        let newest = self.newest().await;
        let recipients = async |number| self.webhooks.recipients(number).await.unwrap();
        let everybody = ["bob", "carol", "dave"].map(user);
        assert_eq!(recipients(newest).await, everybody);
        let earlier = ["bob", "carol"].map(user);
        assert_eq!(recipients(newest - 2).await, earlier, "dave came later");
        let receipt = GiveReceipt {
            message: MessageId(1),
            room: None,
            status: DeliveryState::Delivered,
        };
        let bob = Actor::plain(user("bob"));
        self.rooms
            .give_receipt(&bob, receipt, stamp(second(4)))
            .await
            .unwrap();
        assert_eq!(recipients(newest - 2).await, [user("carol")]);
        assert_eq!(recipients(newest).await, everybody);
        assert_eq!(recipients(newest - 1).await, [], "no message");
        assert_eq!(recipients(newest + 9).await, [], "nothing");
    }

    async fn queues_keep_their_order_apart_from_each_other(&self) {
        let newest = self.newest().await;
        let items = [
            entry("a", 0, second(5), "1"),
            entry("b", 0, second(5), "2"),
            entry("nobody", 0, second(5), "3"),
            entry("a", newest, second(6), r#"["bob"]"#),
        ];
        self.webhooks.push(&items, None).await.unwrap();
        self.webhooks
            .push(&[entry("a", 0, second(6), "5")], None)
            .await
            .unwrap();
        assert_eq!(self.data("a").await, ["1", r#"["bob"]"#, "5"]);
        assert_eq!(self.data("b").await, ["2"]);
        assert_eq!(self.data("nobody").await, Vec::<String>::new());
        let queued = self.webhooks.queued(&name("a"), 2).await.unwrap();
        assert_eq!(queued.len(), 2);
        assert!(queued[0].id < queued[1].id);
        assert_eq!(queued[0].kind, QueuedKind::Connect);
        assert_eq!((queued[0].number, queued[0].at), (0, second(5)));
        assert_eq!(queued[0].event, None);
        let event = queued[1].event.clone().unwrap();
        assert_eq!((event.number, queued[1].number), (newest, newest));
        let backlog = async |webhook, part, number| {
            let webhook = name(webhook);
            let backlog = self.webhooks.backlog(&webhook, part, number);
            backlog.await.unwrap()
        };
        assert_eq!(backlog("a", ALL, 0).await, newest + 3);
        assert_eq!(backlog("b", LogPart::default(), 0).await, 1);
    }

    async fn what_is_done_does_not_come_back(&self) {
        let newest = self.newest().await;
        let second_entry = self.webhooks.queued(&name("a"), 2).await.unwrap()[1].id;
        self.done(&name("a"), newest - 1, second_entry).await;
        assert_eq!(self.data("a").await, ["5"]);
        assert_eq!(self.data("b").await, ["2"]);
        assert_eq!(self.place(&["a", "b"]).await.number, newest - 1);
        self.done(&name("a"), newest, 0).await;
        assert_eq!(self.data("a").await, ["5"]);
        assert_eq!(self.place(&["a", "b"]).await.number, newest);
    }

    async fn an_erased_text_waits_nowhere(&self) {
        self.send("one", 3, second(7)).await;
        let newest = self.newest().await;
        let items = [entry("a", newest, second(7), r#"["bob","carol"]"#)];
        self.webhooks.push(&items, None).await.unwrap();
        let erase = EraseMessage {
            message: MessageId(3),
            room: None,
        };
        let alice = Actor::plain(user("alice"));
        self.rooms
            .erase(&alice, erase, stamp(second(8)))
            .await
            .unwrap();
        assert_eq!(self.webhooks.recipients(newest).await.unwrap(), []);
        let page = self.webhooks.log(newest - 1, ALL, 10).await.unwrap();
        let queued = self.webhooks.queued(&name("a"), 10).await.unwrap();
        let waiting = queued.iter().filter_map(|entry| entry.event.clone());
        let logged = page.events.iter().map(|logged| Arc::clone(&logged.event));
        let mut seen = 0;
        for event in waiting.chain(logged) {
            if let EventKind::Message(message) = &event.kind {
                assert_eq!(&*message.content, "");
                assert_eq!(message.deleted_at, Some(second(8)));
                seen += 1;
            }
        }
        assert_eq!(seen, 2);
        let delete = DeleteRoom { room: room("one") };
        self.rooms
            .delete(&alice, delete, stamp(second(9)))
            .await
            .unwrap();
        let page = self.webhooks.log(0, ALL, 10).await.unwrap();
        assert_eq!(page.events, [], "the room is gone");
        let queued = self.webhooks.queued(&name("a"), 10).await.unwrap();
        assert!(queued.iter().all(|entry| entry.event.is_none()));
    }

    async fn failing_is_remembered_from_the_first_time(&self) {
        let a = name("a");
        for since in [second(20), second(30)] {
            let failing = self.webhooks.failing(&a, since, self.fence);
            failing.await.unwrap();
        }
        let place = self.place(&["a", "b"]).await;
        assert_eq!(place.failing_since, Some(second(20)));
        self.done(&a, place.number, 0).await;
        let place = self.place(&["a", "b"]).await;
        assert_eq!(place.failing_since, None);
    }

    async fn what_is_too_old_is_given_up(&self) {
        let a = name("a");
        let queued = self.webhooks.queued(&a, 100).await.unwrap();
        let last = queued.last().unwrap().id;
        let start = self.newest().await;
        self.done(&a, start, last).await;
        self.create("two", second(100)).await;
        let start = self.newest().await - 1;
        self.send("two", 10, second(101)).await;
        self.send("two", 11, second(102)).await;
        let mut items = Vec::new();
        for number in 0..300 {
            items.push(entry("a", 0, second(101), &number.to_string()));
        }
        items.push(entry("a", 0, second(102), "young"));
        items.push(entry("b", 0, second(101), "of b"));
        self.webhooks.push(&items, None).await.unwrap();
        let failing = self.webhooks.failing(&a, second(101), self.fence);
        failing.await.unwrap();
        let expire = async |part, before| {
            let expire = self.webhooks.expire(&a, part, before, self.fence);
            expire.await.unwrap()
        };
        let expired = expire(ALL, second(102)).await;
        let place = WebhookPlace {
            number: start + 2,
            failing_since: Some(second(101)),
        };
        assert_eq!(expired, (302, place));
        assert_eq!(self.data("a").await, ["young"]);
        assert!(self.data("b").await.contains(&"of b".to_owned()));
        let again = expire(ALL, second(102)).await;
        assert_eq!(again, (0, place), "only what is older");
        let messages = LogPart {
            messages: true,
            membership: false,
        };
        let alice = Actor::plain(user("bob"));
        let leave = LeaveRoom {
            room: room("two"),
            delete: false,
        };
        self.rooms
            .leave(&alice, leave, stamp(second(103)))
            .await
            .unwrap();
        let (events, place) = expire(messages, second(200)).await;
        assert_eq!(
            events, 2,
            "a message and an entry; the leaving is not wanted"
        );
        assert_eq!(place.number, self.newest().await);
    }

    async fn who_is_not_named_is_forgotten(&self) {
        let lookout = WebhookName::lookout();
        let names = [name("b"), lookout.clone()];
        let newest = self.newest().await;
        let places = self.open_all(&names).await;
        assert_eq!(places[1].number, newest);
        self.send("two", 12, second(110)).await;
        let items = [entry("b", newest + 1, second(110), r#"["carol"]"#)];
        let looked = Some((newest + 1, self.fence));
        self.webhooks.push(&items, looked).await.unwrap();
        let places = self.open_all(&names).await;
        assert_eq!(places[1].number, newest + 1);
        assert!(self.data("b").await.contains(&r#"["carol"]"#.to_owned()));
        self.send("two", 13, second(111)).await;
        self.open(&["a"]).await;
        assert_eq!(self.data("b").await, Vec::<String>::new());
        let names = [name("a"), name("b"), lookout];
        let places = self.open_all(&names).await;
        let numbers: Vec<u64> = places.iter().map(|place| place.number).collect();
        assert_eq!(numbers, [newest + 2; 3]);
        assert_eq!(self.data("a").await, Vec::<String>::new());
    }

    async fn who_was_silent_moves_nothing(&self, leases: &dyn Leases, silent: Sign) {
        let hold = leases.hold(LeaseName::WEBHOOKS, NodeId(2), Some(silent));
        assert_eq!(hold.await.unwrap(), Hold::Own(Fence(4)));
        let (a, old) = (name("a"), self.fence);
        let before = self.webhooks.standing(&a).await.unwrap();
        let items = [entry("a", 0, second(300), "of who was silent")];
        self.webhooks.push(&items, None).await.unwrap();
        let queued = self.webhooks.queued(&a, 1).await.unwrap()[0].id;
        let refused = [
            self.webhooks.done(&a, (1 << 40, queued), old).await,
            self.webhooks.failing(&a, second(300), old).await,
            self.webhooks.push(&items, Some((1 << 40, old))).await,
        ];
        for refused in refused {
            assert!(matches!(refused, Err(WebhookFault::Fenced)), "{refused:?}");
        }
        let expired = self.webhooks.expire(&a, ALL, second(400), old).await;
        assert!(matches!(expired, Err(WebhookFault::Fenced)));
        assert_eq!(self.webhooks.standing(&a).await.unwrap(), before);
        assert_eq!(self.data("a").await, ["of who was silent"]);
    }
}
