//! Any order of sends, losses, limits and deliveries: each message is stored once, in order, and
//! heard once, in order.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, oneshot};

use super::*;
use crate::delivery::{Delivered, Outlet, queue};
use crate::engine::Reading;
use crate::rooms::RoomEvent;

/// What may happen next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The client sends a message.
    Send,
    /// Somebody else does.
    Other,
    /// The server gets so many frames.
    Up(u8),
    /// The client gets so many.
    Down(u8),
    /// The connection is lost, with everything on its way.
    Lose,
    /// The next frame is refused for being too much.
    Limit,
    /// A page that was asked for is read.
    Read,
}

/// A server with one room, and the line to it.
#[derive(Default)]
struct Model {
    stored: Vec<String>,
    keys: HashMap<String, usize>,
    up: VecDeque<String>,
    down: VecDeque<String>,
    subscribed: bool,
    limits: bool,
    vague: bool,
}

impl Model {
    fn store(&mut self, content: &str) -> usize {
        self.stored.push(content.to_owned());
        let seq = self.stored.len();
        if self.subscribed {
            self.down.push_back(self.message(seq));
        }
        seq
    }

    fn message(&self, seq: usize) -> String {
        json!({
            "type": "user_message", "conversation_id": "R", "message_id": format!("m{seq}"),
            "seq": seq, "user_id": "u", "content": self.stored[seq - 1], "timestamp": 0.0,
        })
        .to_string()
    }

    fn get(&mut self) {
        let Some(frame) = self.up.pop_front() else {
            return;
        };
        let frame: Value = serde_json::from_str(&frame).unwrap();
        if std::mem::take(&mut self.limits) {
            // Older servers do not say what they refuse.
            let mut refused = json!({
                "type": "error", "code": "rate_limited", "message": "", "in_reply_to": "message",
            });
            if !self.vague {
                refused["in_reply_to"] = frame["type"].clone();
                refused["conversation_id"] = "R".into();
                if frame["client_id"].is_string() {
                    refused["client_id"] = frame["client_id"].clone();
                }
            }
            return self.down.push_back(refused.to_string());
        }
        match frame["type"].as_str().unwrap() {
            "send_message" => self.sent(&frame),
            "subscribe_conversation" => self.subscribe(frame["since"].as_u64()),
            other => panic!("{other}"),
        }
    }

    fn sent(&mut self, frame: &Value) {
        let key = frame["client_id"].as_str().unwrap().to_owned();
        let known = self.keys.get(&key).copied();
        let before = self.down.len();
        let seq = known.unwrap_or_else(|| self.store(frame["content"].as_str().unwrap()));
        self.keys.insert(key.clone(), seq);
        let ack = json!({
            "type": "message_status", "message_id": format!("m{seq}"), "seq": seq,
            "client_id": key, "status": "sent",
        });
        // The sender's answer comes before the message.
        self.down.insert(before, ack.to_string());
    }

    fn subscribe(&mut self, since: Option<u64>) {
        let last_seq = self.stored.len();
        self.subscribed = true;
        let answer = json!({ "type": "subscribed", "conversation_id": "R", "last_seq": last_seq });
        self.down.push_back(answer.to_string());
        let since = usize::try_from(since.unwrap()).unwrap();
        let replayed = (since + REPLAY_MAX).min(last_seq);
        for seq in since + 1..=replayed {
            self.down.push_back(self.message(seq));
        }
        if replayed < last_seq {
            let resync = json!({
                "type": "resync", "conversation_id": "R", "from_seq": replayed,
            });
            self.down.push_back(resync.to_string());
        }
    }

    fn page(&self, after: u64) -> Value {
        let after = usize::try_from(after).unwrap();
        let last = (after + PAGE).min(self.stored.len());
        let message = |seq: usize| {
            json!({
                "id": format!("m{seq}"), "content": self.stored[seq - 1], "channelId": "R",
                "createdAt": "2026-01-01T00:00:00.000Z", "messageType": "Text", "seq": seq,
                "userId": "u",
            })
        };
        (after + 1..=last).rev().map(message).collect()
    }

    fn lose(&mut self) {
        self.up.clear();
        self.down.clear();
        self.subscribed = false;
    }
}

/// The engine, and what its owner has got of it.
struct Play {
    rooms: Rooms,
    model: Model,
    outlet: Outlet<RoomEvent>,
    answers: Vec<oneshot::Receiver<Result<Sent>>>,
    readings: VecDeque<Reading>,
    places: Arc<Semaphore>,
    others: usize,
}

impl Play {
    fn new(vague: bool) -> Self {
        let (inlet, outlet) = queue(10_000);
        let places = Arc::new(Semaphore::new(10_000));
        let mut rooms = Rooms::new(HELD_MAX);
        rooms.order(Order::Subscribe {
            room: "R".into(),
            since: Some(0),
            inlet,
            done: oneshot::channel().0,
            place: Arc::clone(&places).try_acquire_owned().unwrap(),
        });
        rooms.opened();
        Self {
            rooms,
            model: Model {
                vague,
                ..Model::default()
            },
            outlet,
            answers: Vec::new(),
            readings: VecDeque::new(),
            places,
            others: 0,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Send => {
                let number = self.answers.len();
                let (done, told) = oneshot::channel();
                self.answers.push(told);
                self.rooms.order(Order::Send {
                    room: "R".into(),
                    client_id: format!("k{number}").into(),
                    message: Outgoing::text(format!("own {number}")),
                    done,
                    place: Arc::clone(&self.places).try_acquire_owned().unwrap(),
                });
            }
            Step::Other => {
                self.others += 1;
                self.model.store(&format!("other {}", self.others));
            }
            Step::Up(frames) => (0..frames).for_each(|_| self.model.get()),
            Step::Down(frames) => (0..frames).for_each(|_| self.down()),
            Step::Lose => self.lose(),
            Step::Limit => self.model.limits = true,
            Step::Read => self.read(),
        }
        while let Some(frame) = self.rooms.next() {
            self.model.up.push_back(frame);
        }
    }

    fn lose(&mut self) {
        self.model.lose();
        self.rooms.lost(&Error::Silent(1));
        self.readings.clear();
        self.rooms.opened();
    }

    fn down(&mut self) {
        if let Some(frame) = self.model.down.pop_front() {
            let heard = self.rooms.heard(&frame);
            self.follow(heard);
        }
    }

    fn read(&mut self) {
        if let Some(reading) = self.readings.pop_front() {
            let page = self.model.page(reading.after);
            let heard = self.rooms.read("R", Ok(page));
            self.follow(heard);
        }
    }

    fn follow(&mut self, heard: Heard) {
        match heard {
            Heard::Fine | Heard::Slow => {}
            Heard::Read(reading) => self.readings.push_back(reading),
            // The link opens another connection.
            Heard::Refused(_) => self.lose(),
            Heard::Unrenewed => panic!("{heard:?}"),
        }
    }

    /// Until nothing is left to be done.
    fn settle(&mut self) {
        for _ in 0..2_000 {
            self.step(Step::Up(1));
            self.step(Step::Down(1));
            self.step(Step::Read);
        }
        assert!(self.model.up.is_empty() && self.model.down.is_empty());
        assert!(!self.rooms.awaits_answer());
    }

    fn heard(&mut self) -> Vec<(u64, String)> {
        let mut context = Context::from_waker(Waker::noop());
        let mut heard = Vec::new();
        while let Poll::Ready(Some(delivered)) = self.outlet.poll(&mut context) {
            match delivered {
                Delivered::Item(RoomEvent::Message(message)) => {
                    heard.push((message.seq, message.content));
                }
                Delivered::Item(RoomEvent::Resynced { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        heard
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Send),
        4 => Just(Step::Other),
        4 => (1..5_u8).prop_map(Step::Up),
        4 => (1..5_u8).prop_map(Step::Down),
        2 => Just(Step::Lose),
        1 => Just(Step::Limit),
        2 => Just(Step::Read),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    #[test]
    fn each_message_is_stored_once_and_heard_once_in_order(vague: bool, steps in steps()) {
        let mut play = Play::new(vague);
        for step in steps {
            play.step(step);
        }
        play.settle();
        let own = play.model.stored.iter().filter(|content| content.starts_with("own"));
        let expected: Vec<_> = (0..play.answers.len()).map(|n| format!("own {n}")).collect();
        prop_assert_eq!(own.cloned().collect::<Vec<_>>(), expected);
        for (number, told) in play.answers.iter_mut().enumerate() {
            let sent = told.try_recv().unwrap().unwrap();
            let place = usize::try_from(sent.seq).unwrap() - 1;
            prop_assert_eq!(&play.model.stored[place], &format!("own {number}"));
        }
        let all: Vec<_> = (1..).zip(play.model.stored.clone()).collect();
        prop_assert_eq!(play.heard(), all);
        prop_assert_eq!(play.places.available_permits(), 10_000);
    }
}

#[test]
fn a_page_that_cannot_be_read_is_asked_for_again_or_ends_the_stream() {
    let mut play = Play::new(false);
    (0..9).for_each(|_| play.step(Step::Other));
    play.step(Step::Up(1));
    play.step(Step::Down(9));
    assert_eq!((play.heard().len(), play.readings.len()), (REPLAY_MAX, 1));
    play.rooms.read("R", Err(Error::Silent(10)));
    let asked: Value = serde_json::from_str(&play.rooms.next().unwrap()).unwrap();
    assert_eq!(asked["since"], REPLAY_MAX);
    play.model.up.push_back(asked.to_string());
    play.step(Step::Up(1));
    play.step(Step::Down(9));
    assert_eq!((play.heard().len(), play.readings.len()), (REPLAY_MAX, 2));
    play.rooms
        .read("R", Err(Error::refused("forbidden", "no such room")));
    let mut context = Context::from_waker(Waker::noop());
    let ended = play.outlet.poll(&mut context);
    assert!(matches!(
        ended,
        Poll::Ready(Some(Delivered::Item(RoomEvent::Ended(_))))
    ));
    assert!(play.rooms.next().is_none());
}

const HELD_MAX: usize = 3;
const PAGE: usize = 2;
const REPLAY_MAX: usize = 3;
