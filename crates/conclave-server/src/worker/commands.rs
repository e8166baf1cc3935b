//! What a command does: authorise, serve, answer.

use std::borrow::Cow;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Waker};

use conclave_core::{Permit, Publisher, Reaching, Subscribed, authorise};
use conclave_protocol::{
    Broadcast, Channel, Command, Position, Principal, Publish, Push, Refusal, Reply, Subscribe,
    TopicName, TopicPresence, Unsubscribe,
};

use super::answer::{Answer, Refused};
use super::connection::{Connection, Surface};
use super::fan_out::{Control, frame};
use super::rooms::Asked;
use super::standing::Outcome;
use crate::metrics::Counter;

/// A subscription that is to be answered.
pub(super) struct Begun {
    subscribed: Subscribed,
    word: &'static str,
    topic: String,
}

/// A subscription that waited for what the bus keeps of its topic.
pub(super) struct Reached {
    topic: TopicName,
    since: Option<Position>,
    word: &'static str,
    /// Keeps the topic asked for until the subscription itself does.
    _reaching: Reaching,
}

impl Connection {
    pub(super) fn command(&self, command: Command<'_>, out: &mut Vec<u8>, payload: &mut Vec<u8>) {
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
        let word = dialect.word(&command);
        let answer = &mut Answer { out, payload };
        match command {
            Command::Broadcast(broadcast) => self.broadcast(broadcast, word, answer),
            Command::Ping => self.reply(&Reply::Pong, answer),
            Command::Publish(publish) => self.publish(publish, word, answer),
            Command::Connect(connect) => {
                self.send(answer.out);
                answer.out.clear();
                self.connect(connect);
            }
            Command::Disconnect => self.leave_gateway(),
            Command::Room(tag, command) => self.room_command(Asked { tag, word }, command, answer),
            Command::RegisterName(name) => {
                self.register_name(name);
                self.reply(
                    &Reply::Done {
                        command: word,
                        topic: None,
                    },
                    answer,
                );
            }
            Command::RegisterSession(register) => {
                self.register_session(register.session, word, answer);
            }
            Command::Renew(token) => self.renew(&token),
            Command::Subscribe(subscribe) => self.subscribe(subscribe, word, answer),
            Command::TopicPresence(presence) => self.presence(presence, word, answer),
            Command::Unsubscribe(unsubscribe) => self.unsubscribe(unsubscribe, word, answer),
            Command::Wallet(command) => self.wallet_command(command, word, answer),
        }
    }

    fn broadcast(&self, broadcast: Broadcast<'_>, word: &'static str, answer: &mut Answer<'_>) {
        if !self.worker.node.broadcast {
            let message = Cow::Borrowed("broadcast is switched off on this server");
            let refusal = Refusal::Forbidden;
            self.refuse(
                Refused {
                    refusal,
                    message,
                    word,
                    topic: None,
                },
                answer,
            );
            return;
        }
        let principal = Arc::clone(&self.principal.borrow());
        match authorise(&principal, broadcast) {
            Ok(permit) => {
                let node = &self.worker.node;
                let request = node.request_id();
                let at = node.clock.now();
                let published = {
                    let state = self.state.borrow();
                    let publisher = self.publisher(&principal, state.name.as_deref());
                    node.topics.broadcast(permit, publisher, at, request)
                };
                self.published(published.here);
                self.reply(
                    &Reply::Done {
                        command: word,
                        topic: None,
                    },
                    answer,
                );
            }
            Err(denied) => self.deny(denied, word, None, answer),
        }
    }

    fn publish(&self, publish: Publish<'_>, word: &'static str, answer: &mut Answer<'_>) {
        let topic = publish.topic.clone();
        let principal = Arc::clone(&self.principal.borrow());
        match authorise(&principal, publish) {
            Ok(permit) => {
                let at = self.worker.node.clock.now();
                let published = {
                    let state = self.state.borrow();
                    let publisher = self.publisher(&principal, state.name.as_deref());
                    self.worker.node.topics.publish(permit, publisher, at)
                };
                self.published(published.here);
                self.reply(
                    &Reply::Done {
                        command: word,
                        topic: Some(topic.as_str()),
                    },
                    answer,
                );
            }
            Err(denied) => self.deny(denied, word, Some(topic.as_str()), answer),
        }
    }

    fn published(&self, here: bool) {
        self.worker.counters.add(Counter::Publications, 1);
        if here {
            self.in_flight.set(self.in_flight.get() + 1);
        }
    }

    pub(super) fn publisher<'a>(
        &self,
        principal: &'a Principal,
        name: Option<&'a str>,
    ) -> Publisher<'a> {
        Publisher {
            connection: self.id,
            worker: self.worker.number,
            principal,
            name,
        }
    }

    fn subscribe(&self, subscribe: Subscribe<'_>, word: &'static str, answer: &mut Answer<'_>) {
        if let Some(session) = subscribe.session {
            self.settle_anonymous_session(session);
        }
        let (name, since) = (subscribe.topic.clone(), subscribe.since);
        let (topic, replay) = (name.as_str(), since.is_some());
        let principal = Arc::clone(&self.principal.borrow());
        let permit = match authorise(&principal, subscribe) {
            Ok(permit) => permit,
            Err(denied) => return self.deny(denied, word, Some(topic), answer),
        };
        let held = self.forget_membership_if(permit.channel(), replay);
        if held {
            return self.reply(
                &Reply::Done {
                    command: word,
                    topic: Some(topic),
                },
                answer,
            );
        }
        let limit = self.worker.node.limits.subscriptions_per_connection;
        let count = self.memberships.borrow().len();
        if limit != 0 && u32::try_from(count).unwrap_or(u32::MAX) >= limit {
            let message = Cow::Owned(format!("at most {limit} subscriptions per connection"));
            let refusal = Refusal::TooLarge;
            return self.refuse(
                Refused {
                    refusal,
                    message,
                    word,
                    topic: Some(topic),
                },
                answer,
            );
        }
        let topics = &self.worker.node.topics;
        if let Some(reaching) = topics.reach(&permit, self.worker.number) {
            let (topic, since) = (name, since);
            self.start(async move {
                poll_fn(|context| reaching.poll_reached(context)).await;
                Outcome::Reached(Reached {
                    topic,
                    since,
                    word,
                    _reaching: reaching,
                })
            });
            return;
        }
        let begun = self.join(permit, word, topic);
        // What is replayed must not come behind what happens now.
        if replay || self.is_reached(&begun.subscribed.channel) {
            return self.begun(&begun, answer);
        }
        let topics = self.worker.node.topics.clone();
        self.start(async move {
            let channel = &begun.subscribed.channel;
            poll_fn(|context| topics.directory().poll_reached(channel, context)).await;
            Outcome::Subscribed(begun)
        });
    }

    fn join(&self, permit: Permit<Subscribe<'_>>, word: &'static str, topic: &str) -> Begun {
        let topics = &self.worker.node.topics;
        let subscribed = topics.subscribe(permit, self.worker.number);
        self.add_membership(self.worker.hub.join(&subscribed, self.slot()));
        Begun {
            subscribed,
            word,
            topic: topic.to_owned(),
        }
    }

    /// Goes on with a subscription once the past of its topic is known, or cannot be.
    pub(super) fn reached(&self, reached: &Reached, answer: &mut Answer<'_>) {
        let (topic, word) = (reached.topic.as_str(), reached.word);
        let subscribe = Subscribe {
            topic: reached.topic.clone(),
            session: None,
            since: reached.since,
        };
        // Rights may have changed meanwhile.
        let principal = Arc::clone(&self.principal.borrow());
        match authorise(&principal, subscribe) {
            Ok(permit) => {
                let begun = self.join(permit, word, topic);
                self.begun(&begun, answer);
            }
            Err(denied) => self.deny(denied, word, Some(topic), answer),
        }
    }

    /// Whether what other nodes publish in a channel arrives already.
    fn is_reached(&self, channel: &Channel) -> bool {
        let directory = self.worker.node.topics.directory();
        let context = Context::from_waker(Waker::noop());
        directory.bus().is_none() || directory.poll_reached(channel, &context).is_ready()
    }

    /// Answers a subscription that has begun.
    pub(super) fn begun(&self, begun: &Begun, answer: &mut Answer<'_>) {
        self.reply(
            &Reply::Done {
                command: begun.word,
                topic: Some(&begun.topic),
            },
            answer,
        );
        self.replay(&begun.subscribed, &begun.topic, answer);
    }

    /// What a subscription asked for of the past: what is missing, then what is kept.
    fn replay(&self, subscribed: &Subscribed, topic: &str, answer: &mut Answer<'_>) {
        if subscribed.gap {
            let position = subscribed.shown;
            self.push(&Push::Gap { topic, position }, answer);
        }
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
        for publication in &subscribed.replay {
            answer
                .out
                .extend_from_slice(frame(dialect, self.form(), false, publication));
        }
    }

    pub(super) fn add_membership(&self, membership: conclave_core::Membership) {
        let mut memberships = self.memberships.borrow_mut();
        // Few hear many.
        if memberships.len() < MEMBERSHIPS_EXACT {
            memberships.reserve_exact(1);
        }
        memberships.push(membership);
    }

    /// Whether the channel is already heard; ends that where it is to be heard anew.
    fn forget_membership_if(&self, channel: &Channel, anew: bool) -> bool {
        let mut memberships = self.memberships.borrow_mut();
        let found = memberships
            .iter()
            .position(|held| **held.channel() == *channel);
        match found {
            Some(place) if anew => {
                memberships.swap_remove(place);
                false
            }
            Some(_) => true,
            None => false,
        }
    }

    fn unsubscribe(
        &self,
        unsubscribe: Unsubscribe<'_>,
        word: &'static str,
        answer: &mut Answer<'_>,
    ) {
        let topic = unsubscribe.topic.clone();
        let permit = authorise(&self.principal.borrow(), unsubscribe);
        match permit {
            Ok(permit) => {
                self.forget_membership_if(permit.channel(), true);
                let topic = Some(topic.as_str());
                self.reply(
                    &Reply::Done {
                        command: word,
                        topic,
                    },
                    answer,
                );
            }
            Err(denied) => self.deny(denied, word, Some(topic.as_str()), answer),
        }
    }

    fn presence(&self, presence: TopicPresence, word: &'static str, answer: &mut Answer<'_>) {
        let topic = presence.topic.as_str().to_owned();
        let permit = authorise(&self.principal.borrow(), presence);
        let permit = match permit {
            Ok(permit) => permit,
            Err(denied) => return self.deny(denied, word, Some(&topic), answer),
        };
        let limit = self.worker.node.limits.presence_entries;
        let limit = if limit == 0 { usize::MAX } else { limit };
        let channel = Arc::new(permit.channel().clone());
        let node = &self.worker.node;
        let workers = node.topics.directory().workers_of(&channel);
        let answers = node.ask(workers, move |answer| Control::Present {
            channel: Arc::clone(&channel),
            limit,
            answer,
        });
        self.start(async move {
            let mut clients = answers.await.concat();
            clients.truncate(limit);
            Outcome::Present { topic, clients }
        });
    }
}

/// Up to so many, a connection has room for just the channels that it hears.
const MEMBERSHIPS_EXACT: usize = 4;
