//! What a command does: authorise, serve, answer.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};

use conclave_core::{Denied, Publisher, authorise};
use conclave_protocol::{
    Broadcast, Channel, CloseMeaning, Command, FrameKind, Permission, Present, Principal, Publish,
    Push, Refusal, Reply, SessionId, Subscribe, TopicPresence, Unsubscribe,
};
use conclave_websocket::{encode, encode_deflated};
use tokio::sync::oneshot;

use super::connection::{Connection, Phase, Surface};
use super::fan_out::{Control, frame, opcode};
use super::with_deflater;
use crate::audit::{Event, Kind, Level};
use crate::identity::Review;
use crate::metrics::Counter;

/// What a command that had to wait came to.
pub(super) enum Outcome {
    /// Who hears a topic.
    Present {
        topic: String,
        clients: Vec<Present>,
    },
    /// The in-band renewal.
    Renewed(Result<Arc<Principal>, Refusal>),
    /// The change of session.
    Session(Result<SessionId, Refusal>),
}

/// Where answers go: the frames of one read, and space for one payload.
pub(super) struct Answer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) payload: &'a mut Vec<u8>,
}

/// A command that was refused, as its answer names it.
struct Refused<'a> {
    refusal: Refusal,
    message: Cow<'a, str>,
    word: &'static str,
    topic: Option<&'a str>,
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
            Command::Renew(token) => self.renew(token),
            Command::Subscribe(subscribe) => self.subscribe(subscribe, word, answer),
            Command::TopicPresence(presence) => self.presence(presence, word, answer),
            Command::Unsubscribe(unsubscribe) => self.unsubscribe(unsubscribe, word, answer),
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

    fn publisher<'a>(&self, principal: &'a Principal, name: Option<&'a str>) -> Publisher<'a> {
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
        let topic = subscribe.topic.clone();
        let topic = topic.as_str();
        let principal = Arc::clone(&self.principal.borrow());
        let replay = subscribe.since.is_some();
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
        let subscribed = self
            .worker
            .node
            .topics
            .subscribe(permit, self.worker.number);
        self.add_membership(self.worker.hub.join(&subscribed, self.slot()));
        self.reply(
            &Reply::Done {
                command: word,
                topic: Some(topic),
            },
            answer,
        );
        if subscribed.gap {
            self.push(
                &Push::Gap {
                    topic,
                    position: subscribed.position,
                },
                answer,
            );
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

    fn add_membership(&self, membership: conclave_core::Membership) {
        let mut memberships = self.memberships.borrow_mut();
        if memberships.is_empty() {
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
        let answers: Vec<_> = self
            .worker
            .node
            .topics
            .directory()
            .workers_of(&channel)
            .into_iter()
            .filter_map(|worker| {
                let (answer, answered) = oneshot::channel();
                let channel = Arc::clone(&channel);
                let ask = Control::Present {
                    channel,
                    limit,
                    answer,
                };
                self.worker.node.tell(worker, ask).then_some(answered)
            })
            .collect();
        self.start(async move {
            let mut clients = Vec::new();
            for answered in answers {
                // A worker that is ending answers nothing; it hears nothing either.
                clients.extend(answered.await.unwrap_or_default());
            }
            clients.truncate(limit);
            Outcome::Present { topic, clients }
        });
    }

    /// A token already names its user; only who has none may choose a name.
    fn register_name(&self, name: &str) {
        if self.principal.borrow().user.is_some() {
            return;
        }
        let before = self.anonymous_session_name();
        let chosen = self.principal.borrow().session.name.as_str() != before;
        self.state.borrow_mut().name = Some(Box::from(name));
        // After the first subscription the session stands.
        if !chosen && self.memberships.borrow().is_empty() {
            self.enter_own_anonymous_session();
        }
    }

    fn register_session(&self, session: &str, word: &'static str, answer: &mut Answer<'_>) {
        let principal = Arc::clone(&self.principal.borrow());
        let done = Reply::Done {
            command: word,
            topic: None,
        };
        if principal.session_named_by_token || principal.session.is_shown_as(session) {
            return self.reply(&done, answer);
        }
        if principal.user.is_none() {
            self.memberships.borrow_mut().clear();
            self.enter_anonymous(session);
            return self.reply(&done, answer);
        }
        let identity = Arc::clone(&self.worker.node.identity);
        let session = session.to_owned();
        self.start(async move { Outcome::Session(identity.may_enter(&principal, &session).await) });
    }

    /// `session-NAME`, where NAME is what the client registered, else the connection's number.
    fn anonymous_session_name(&self) -> String {
        match &self.state.borrow().name {
            Some(name) => format!("session-{name}"),
            None => format!("session-{}", self.id),
        }
    }

    /// `subscribe:T|SID` before the first subscription chooses an anonymous session.
    fn settle_anonymous_session(&self, session: &str) {
        if self.principal.borrow().user.is_none() && self.memberships.borrow().is_empty() {
            self.enter_anonymous(session);
        }
    }

    /// The session of a client without a token that has not chosen one.
    pub(super) fn enter_own_anonymous_session(&self) {
        self.enter_anonymous(&self.anonymous_session_name());
    }

    fn enter_anonymous(&self, session: &str) {
        let Ok(name) = conclave_protocol::SessionName::new(session) else {
            return;
        };
        let mut principal = self.principal.borrow_mut();
        Arc::make_mut(&mut principal).session.name = name;
    }

    fn renew(&self, token: &str) {
        let identity = Arc::clone(&self.worker.node.identity);
        let token = token.to_owned();
        self.start(async move { Outcome::Renewed(identity.renew(&token).await) });
    }

    fn start(&self, job: impl Future<Output = Outcome> + 'static) {
        *self.job.borrow_mut() = Some(Box::pin(job));
        self.wake();
    }

    /// Carries a waiting command on. Pending while it waits.
    pub(super) fn poll_job(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut job = self.job.borrow_mut();
        let Some(waiting) = job.as_mut() else {
            return Poll::Ready(());
        };
        let Poll::Ready(outcome) = waiting.as_mut().poll(context) else {
            return Poll::Pending;
        };
        *job = None;
        drop(job);
        if self.phase.get() != Phase::Open {
            return Poll::Ready(());
        }
        let mut out = Vec::new();
        let answer = &mut Answer {
            out: &mut out,
            payload: &mut Vec::new(),
        };
        match outcome {
            Outcome::Present { topic, clients } => {
                self.reply(
                    &Reply::Presence {
                        topic: &topic,
                        clients,
                    },
                    answer,
                );
            }
            Outcome::Renewed(renewed) => self.renewed(renewed, answer),
            Outcome::Session(session) => self.entered(session, answer),
        }
        self.send(&out);
        Poll::Ready(())
    }

    fn renewed(&self, renewed: Result<Arc<Principal>, Refusal>, answer: &mut Answer<'_>) {
        let new = match renewed {
            Ok(new) => new,
            Err(refusal) => {
                let message = Cow::Borrowed("the new token is not valid");
                return self.refuse(
                    Refused {
                        refusal,
                        message,
                        word: "auth",
                        topic: None,
                    },
                    answer,
                );
            }
        };
        let old = Arc::clone(&self.principal.borrow());
        let same_session = new.session == old.session
            || (!new.session_named_by_token && !old.session_named_by_token);
        if old.user.is_none()
            || new.user != old.user
            || new.session.issuer != old.session.issuer
            || !same_session
        {
            let message = Cow::Borrowed("the new token must be of the same user and session");
            let refusal = Refusal::Forbidden;
            return self.refuse(
                Refused {
                    refusal,
                    message,
                    word: "auth",
                    topic: None,
                },
                answer,
            );
        }
        let mut new = new;
        if new.session != old.session {
            Arc::make_mut(&mut new).session = old.session.clone();
        }
        self.take_principal(new, answer);
        self.reply(&Reply::Renewed, answer);
    }

    /// Puts a principal in force and ends what it no longer allows.
    fn take_principal(&self, principal: Arc<Principal>, answer: &mut Answer<'_>) {
        let mut ended = Vec::new();
        self.memberships
            .borrow_mut()
            .retain(|held| match &**held.channel() {
                Channel::Broadcast => true,
                Channel::Topic { name, .. } => {
                    let allowed = principal
                        .grants
                        .allow(Permission::TopicSubscribe, name.as_str());
                    if !allowed {
                        ended.push(name.clone());
                    }
                    allowed
                }
            });
        *self.principal.borrow_mut() = principal;
        self.worker.schedule(self);
        for topic in ended {
            self.audit(
                Kind::PermissionDenied,
                "subscription ended: topic.subscribe was taken away",
            );
            self.push(
                &Push::SubscriptionEnded {
                    topic: topic.as_str(),
                },
                answer,
            );
        }
    }

    fn entered(&self, session: Result<SessionId, Refusal>, answer: &mut Answer<'_>) {
        let word = "register-session";
        match session {
            Ok(session) => {
                self.memberships.borrow_mut().clear();
                Arc::make_mut(&mut self.principal.borrow_mut()).session = session;
                self.reply(
                    &Reply::Done {
                        command: word,
                        topic: None,
                    },
                    answer,
                );
            }
            Err(refusal) => {
                let message = Cow::Borrowed("Permission denied: not your session");
                self.refuse(
                    Refused {
                        refusal,
                        message,
                        word,
                        topic: None,
                    },
                    answer,
                );
            }
        }
    }

    /// Looks at the principal again after a revocation or a change of its user.
    pub(super) fn review(&self) {
        if !matches!(self.phase.get(), Phase::Open | Phase::Answering(_)) {
            return;
        }
        let review = self.worker.node.identity.review(&self.principal.borrow());
        match review {
            Review::Same => {}
            Review::Changed(principal) => {
                let mut out = Vec::new();
                let answer = &mut Answer {
                    out: &mut out,
                    payload: &mut Vec::new(),
                };
                self.take_principal(principal, answer);
                self.send(&out);
            }
            Review::Revoked => self.cut(CloseMeaning::InvalidToken),
        }
    }

    /// How it is shown to others in a topic.
    pub(super) fn present(&self) -> Present {
        let principal = self.principal.borrow();
        let state = self.state.borrow();
        let name = self
            .publisher(&principal, state.name.as_deref())
            .shown_name()
            .map(Box::from);
        Present {
            user: principal.user.clone(),
            name,
        }
    }

    pub(super) fn refuse_rate(&self, out: &mut Vec<u8>, payload: &mut Vec<u8>) {
        let limit = self.worker.node.limits.messages_per_second;
        let message = Cow::Owned(format!("at most {limit} messages per second"));
        let refused = Refused {
            refusal: Refusal::RateLimited,
            message,
            word: "message",
            topic: None,
        };
        self.refuse(refused, &mut Answer { out, payload });
        self.strike(out);
    }

    pub(super) fn refuse_reply(&self, reply: &Reply<'_>, out: &mut Vec<u8>, payload: &mut Vec<u8>) {
        self.worker.counters.add(Counter::Refusals, 1);
        if let Reply::Refused {
            message, command, ..
        } = reply
        {
            self.audit(Kind::ProtocolViolation, &format!("{command}: {message}"));
        }
        self.reply(reply, &mut Answer { out, payload });
    }

    fn deny(
        &self,
        denied: Denied,
        word: &'static str,
        topic: Option<&str>,
        answer: &mut Answer<'_>,
    ) {
        let message = Cow::Owned(denied.to_string());
        self.refuse(
            Refused {
                refusal: denied.refusal(),
                message,
                word,
                topic,
            },
            answer,
        );
    }

    fn refuse(&self, refused: Refused<'_>, answer: &mut Answer<'_>) {
        let Refused {
            refusal,
            message,
            word,
            topic,
        } = refused;
        self.worker.counters.add(Counter::Refusals, 1);
        let kind = match refusal {
            Refusal::RateLimited | Refusal::TooLarge => Kind::LimitHit,
            Refusal::BadRequest
            | Refusal::Conflict
            | Refusal::Forbidden
            | Refusal::Internal
            | Refusal::NotFound
            | Refusal::Unauthenticated
            | Refusal::Unavailable
            | Refusal::UnknownCommand => Kind::PermissionDenied,
        };
        self.audit(kind, &format!("{word}: {message}"));
        let topic = topic.map(Cow::Borrowed);
        self.reply(
            &Reply::Refused {
                refusal,
                message,
                command: word,
                topic,
            },
            answer,
        );
    }

    fn reply(&self, reply: &Reply<'_>, answer: &mut Answer<'_>) {
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
        self.encode_with(answer, |payload| {
            dialect.encode_reply(&self.state.borrow(), reply, payload)
        });
    }

    fn push(&self, push: &Push<'_>, answer: &mut Answer<'_>) {
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
        self.encode_with(answer, |payload| {
            dialect.encode_push(&self.state.borrow(), push, payload)
        });
    }

    fn encode_with(
        &self,
        answer: &mut Answer<'_>,
        write: impl FnOnce(&mut Vec<u8>) -> Option<FrameKind>,
    ) {
        answer.payload.clear();
        let Some(kind) = write(answer.payload) else {
            return;
        };
        let payload = &*answer.payload;
        match self.deflate {
            Some(bits) if payload.len() > DEFLATE_BYTES_MIN && payload.len() <= 1 << bits => {
                with_deflater(|deflater| {
                    encode_deflated(opcode(kind), payload, deflater, answer.out);
                });
            }
            Some(_) | None => encode(opcode(kind), payload, answer.out),
        }
    }

    /// Counts a `rate_limited`; too many of them in a short time close the connection, behind the
    /// answers in `out`.
    pub(super) fn strike(&self, out: &mut Vec<u8>) {
        let now = self.worker.seconds();
        let (count, since) = self.strikes.get();
        let (count, since) = if now.saturating_sub(since) >= STRIKE_SECONDS {
            (0, now)
        } else {
            (count, since)
        };
        self.strikes.set((count.saturating_add(1), since));
        if count + 1 >= STRIKES_MAX {
            self.send(out);
            out.clear();
            self.close(CloseMeaning::RateLimited);
        }
    }

    /// Writes an audit line about this connection.
    pub(super) fn audit(&self, kind: Kind, detail: &str) {
        self.audit_at(kind.level(), kind, detail);
    }

    /// As [`Connection::audit`], where it matters more or less than its kind usually does.
    pub(super) fn audit_at(&self, level: Level, kind: Kind, detail: &str) {
        let node = &self.worker.node;
        let principal = self.principal.borrow();
        let mut event = Event::new(kind, node.clock.now())
            .level(level)
            .session(&principal.session.shown())
            .connection(self.id)
            .ip(self.address)
            .detail(detail);
        if let Some(user) = &principal.user {
            event = event.user(user.as_str());
        }
        node.audit.record(event);
    }
}

const DEFLATE_BYTES_MIN: usize = 256;
const STRIKES_MAX: u8 = 100;
const STRIKE_SECONDS: u32 = 10;
