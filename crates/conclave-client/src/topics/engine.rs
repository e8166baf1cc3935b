//! What is said and heard at `/ws`: one command at a time, each answered before the next.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::Message;
use super::wire::Frame;
use crate::delivery::Inlet;
use crate::engine::{self, Engine};
use crate::error::{Error, Result};
use crate::shared::Place;

/// What a subscription's queue holds.
#[derive(Clone)]
pub(crate) enum Heard {
    Ended(Error),
    Gap,
    Message(Arc<Message<Box<RawValue>>>),
}

/// What the owner asks for.
pub(crate) enum Order {
    Subscribe {
        topic: Arc<str>,
        inlet: Inlet<Heard>,
        done: oneshot::Sender<Result<()>>,
        place: Place,
    },
    /// One listener of the topic is gone.
    Leave { topic: Arc<str> },
    Publish {
        frame: String,
        done: oneshot::Sender<Result<()>>,
        place: Place,
    },
}

/// The state of a client's topics.
#[derive(Default)]
pub(crate) struct Topics {
    /// Said first on each connection.
    registration: Vec<String>,
    registering: VecDeque<String>,
    topics: BTreeMap<Arc<str>, Subscribed>,
    /// Nobody listens to them any more; the server does not know yet.
    left: Vec<Arc<str>>,
    publications: VecDeque<Publication>,
    in_flight: Option<InFlight>,
}

#[derive(Default)]
struct Subscribed {
    inlets: Vec<Inlet<Heard>>,
    waiting: Vec<(oneshot::Sender<Result<()>>, Place)>,
    asked: bool,
    /// Whether the server confirmed it on this connection.
    live: bool,
    /// Whether it did on any.
    confirmed: bool,
    /// Offset and epoch of the latest publication.
    position: Option<(u64, u64)>,
}

struct Publication {
    frame: String,
    done: oneshot::Sender<Result<()>>,
    _place: Place,
}

enum InFlight {
    Publish(Publication),
    Register(String),
    Subscribe(Arc<str>),
    Unsubscribe(Arc<str>),
}

impl Topics {
    /// `session` and `name` are given where the token has none.
    pub(crate) fn new(session: Option<&str>, name: Option<&str>) -> Self {
        let session = session.map(|session| format!("register-session:{session}"));
        let name = name.map(|name| format!("register-name:{name}"));
        let mut registration: Vec<_> = session.into_iter().chain(name).collect();
        if registration.is_empty() {
            // So that there is an answer that shows that the connection works.
            registration.push(PING.to_owned());
        }
        Self {
            registration,
            ..Self::default()
        }
    }

    fn answered(&mut self, answer: Result<()>) -> engine::Heard {
        match (self.in_flight.take(), answer) {
            (None, _) => {}
            (Some(InFlight::Register(_)), Ok(())) => {}
            // Without its session a client must not go on in another.
            (Some(InFlight::Register(_)), Err(error)) => return engine::Heard::Refused(error),
            (Some(InFlight::Publish(publication)), answer) => {
                // Who does not wait for it does not want to know.
                publication.done.send(answer).ok();
            }
            (Some(InFlight::Subscribe(topic)), answer) => self.subscribed(&topic, answer),
            (Some(InFlight::Unsubscribe(_)), _) => {}
        }
        engine::Heard::Fine
    }

    fn subscribed(&mut self, topic: &Arc<str>, answer: Result<()>) {
        if let Err(error) = answer {
            return self.end(topic, &error);
        }
        let Some(subscribed) = self.topics.get_mut(topic) else {
            return;
        };
        if subscribed.confirmed && subscribed.position.is_none() {
            // Nothing was heard so far that the server could go on from.
            subscribed.push(&Heard::Gap);
        }
        (subscribed.live, subscribed.confirmed) = (true, true);
        for (done, _place) in subscribed.waiting.drain(..) {
            done.send(Ok(())).ok();
        }
    }

    fn end(&mut self, topic: &str, error: &Error) {
        if let Some(subscribed) = self.topics.remove(topic) {
            subscribed.end(error);
        }
    }

    /// What was refused for being too much is asked for again.
    fn again(&mut self) -> engine::Heard {
        match self.in_flight.take() {
            None | Some(InFlight::Unsubscribe(_)) => {}
            Some(InFlight::Publish(publication)) => self.publications.push_front(publication),
            Some(InFlight::Register(command)) => self.registering.push_front(command),
            Some(InFlight::Subscribe(topic)) => {
                if let Some(subscribed) = self.topics.get_mut(&topic) {
                    subscribed.asked = false;
                }
            }
        }
        engine::Heard::Slow
    }

    fn refused(&mut self, frame: &Frame) -> engine::Heard {
        if frame.command == "auth" {
            return engine::Heard::Unrenewed;
        }
        let error = Error::refused(&frame.code, &frame.message);
        let asked_for = |topic: &str| matches!(&self.in_flight, Some(InFlight::Subscribe(asked)) if **asked == *topic);
        match &frame.topic {
            // The server ends a subscription by itself.
            Some(topic) if frame.command == "subscribe" && !asked_for(topic) => {
                self.end(topic, &error);
                engine::Heard::Fine
            }
            _ if frame.code == "rate_limited" || frame.code == "unavailable" => self.again(),
            _ => self.answered(Err(error)),
        }
    }

    fn published(&mut self, frame: Frame) {
        let Some((topic, payload)) = frame.topic.zip(frame.payload) else {
            return;
        };
        let Some((topic, subscribed)) = self
            .topics
            .get_key_value(topic.as_str())
            .map(|(topic, _)| Arc::clone(topic))
            .and_then(|topic| self.topics.get_mut(&topic).map(|found| (topic, found)))
        else {
            return;
        };
        if let (Some(offset), Some(epoch)) = (frame.offset, frame.epoch) {
            subscribed.position = Some((offset, epoch));
        }
        let message = Message {
            publisher_name: frame.publisher_name,
            user: frame.user,
            topic,
            payload,
            timestamp: frame.timestamp,
            session: frame.session_id,
        };
        subscribed.push(&Heard::Message(Arc::new(message)));
    }

    fn leave(&mut self, topic: &Arc<str>) {
        let Some(subscribed) = self.topics.get_mut(topic) else {
            return;
        };
        subscribed.inlets.retain(|inlet| !inlet.is_left());
        if subscribed.inlets.is_empty() {
            if subscribed.asked {
                self.left.push(Arc::clone(topic));
            }
            self.topics.remove(topic);
        }
    }

    fn next_subscription(&mut self) -> Option<InFlight> {
        let (topic, subscribed) = self.topics.iter_mut().find(|(_, found)| !found.asked)?;
        subscribed.asked = true;
        Some(InFlight::Subscribe(Arc::clone(topic)))
    }

    fn frame(&self, in_flight: &InFlight) -> String {
        match in_flight {
            InFlight::Publish(publication) => publication.frame.clone(),
            InFlight::Register(command) => command.clone(),
            InFlight::Subscribe(topic) => {
                let position = self.topics.get(topic).and_then(|found| found.position);
                match position {
                    Some((offset, epoch)) => format!("subscribe:{topic}?since={offset},{epoch}"),
                    None => format!("subscribe:{topic}"),
                }
            }
            InFlight::Unsubscribe(topic) => format!("unsubscribe:{topic}"),
        }
    }
}

impl Subscribed {
    fn push(&self, heard: &Heard) {
        for inlet in &self.inlets {
            inlet.push(heard.clone());
        }
    }

    fn end(self, error: &Error) {
        for (done, _place) in self.waiting {
            done.send(Err(error.clone())).ok();
        }
        for inlet in self.inlets {
            inlet.end(Heard::Ended(error.clone()));
        }
    }
}

impl Engine for Topics {
    type Order = Order;

    fn order(&mut self, order: Order) {
        match order {
            Order::Subscribe {
                topic,
                inlet,
                done,
                place,
            } => {
                self.left.retain(|left| *left != topic);
                let subscribed = self.topics.entry(topic).or_default();
                subscribed.inlets.push(inlet);
                subscribed.waiting.push((done, place));
                if subscribed.live {
                    for (done, _place) in subscribed.waiting.drain(..) {
                        done.send(Ok(())).ok();
                    }
                }
            }
            Order::Leave { topic } => self.leave(&topic),
            Order::Publish { frame, done, place } => self.publications.push_back(Publication {
                frame,
                done,
                _place: place,
            }),
        }
    }

    fn opened(&mut self) {
        self.registering = self.registration.iter().cloned().collect();
        self.left.clear();
        for subscribed in self.topics.values_mut() {
            (subscribed.asked, subscribed.live) = (false, false);
        }
    }

    fn lost(&mut self, _error: &Error) {
        if let Some(InFlight::Publish(publication)) = self.in_flight.take() {
            publication.done.send(Err(Error::Uncertain)).ok();
        }
    }

    fn stopped(&mut self, error: &Error) {
        for (_, subscribed) in std::mem::take(&mut self.topics) {
            subscribed.end(error);
        }
        for publication in self.publications.drain(..) {
            publication.done.send(Err(error.clone())).ok();
        }
    }

    fn heard(&mut self, text: &str) -> engine::Heard {
        if text == PONG {
            return match &self.in_flight {
                Some(InFlight::Register(command)) if command == PING => self.answered(Ok(())),
                _ => engine::Heard::Fine,
            };
        }
        // A broadcast may hold anything.
        let Ok(frame) = serde_json::from_str::<Frame>(text) else {
            return engine::Heard::Fine;
        };
        match frame.kind.as_deref() {
            _ if frame.broadcast.is_some() => engine::Heard::Fine,
            None => {
                self.published(frame);
                engine::Heard::Fine
            }
            Some("ack") => self.answered(Ok(())),
            Some("error") => self.refused(&frame),
            Some("gap") => {
                let topic = frame.topic.unwrap_or_default();
                if let Some(subscribed) = self.topics.get(topic.as_str()) {
                    subscribed.push(&Heard::Gap);
                }
                engine::Heard::Fine
            }
            Some(_) => engine::Heard::Fine,
        }
    }

    fn read(&mut self, _room: &str, _page: Result<Value>) -> engine::Heard {
        engine::Heard::Fine
    }

    fn next(&mut self) -> Option<String> {
        if self.in_flight.is_some() {
            return None;
        }
        let next = if let Some(command) = self.registering.pop_front() {
            InFlight::Register(command)
        } else if let Some(topic) = self.left.pop() {
            InFlight::Unsubscribe(topic)
        } else if let Some(subscribe) = self.next_subscription() {
            subscribe
        } else {
            InFlight::Publish(self.publications.pop_front()?)
        };
        let frame = self.frame(&next);
        self.in_flight = Some(next);
        Some(frame)
    }

    fn awaits_answer(&self) -> bool {
        self.in_flight.is_some()
    }

    fn is_wanted(&self) -> bool {
        !(self.topics.is_empty() && self.publications.is_empty())
    }

    fn renewal(&self, token: &str) -> String {
        format!("auth:{token}")
    }
}

const PING: &str = "ping";
const PONG: &str = "pong";
