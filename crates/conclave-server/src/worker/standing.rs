//! Who a connection is, and how that changes: names, sessions, renewal, review.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};

use conclave_protocol::{
    Channel, CloseMeaning, Command, Permission, Present, Principal, Push, Recovery, Refusal, Reply,
    SessionId, Start,
};
use conclave_service::AsyncApiResult;

use super::answer::{Answer, Refused};
use super::calls::Called;
use super::commands::{Begun, Reached};
use super::connection::{Connection, Phase, Surface};
use super::gateway::Admitted;
use super::linked::Joined;
use super::past::Past;
use super::rooms::Done;
use super::wallet::Watched;
use crate::audit::Kind;
use crate::identity::{Review, renewal};
use crate::service::ChatSession;

/// What a command that had to wait came to.
pub(super) enum Outcome {
    /// Who hears a topic.
    Present {
        topic: String,
        clients: Vec<Present>,
    },
    /// A request of a generated service.
    Called(Box<Called>),
    /// The opening of a connection of a generated service.
    Opened(AsyncApiResult<Box<ChatSession>>),
    /// The admission of a connection that says who it is after the upgrade.
    Admitted(Admitted),
    /// The client's old connection is gone.
    Released(Recovery),
    /// A subscription, once the past of its topic is known.
    Reached(Reached),
    /// What a connection is sent of its past.
    Past(Past),
    /// A command about rooms.
    Room(Done),
    /// The in-band renewal.
    Renewed(Result<Arc<Principal>, Refusal>),
    /// A subscription, once other nodes are heard.
    Subscribed(Begun),
    /// The change of session.
    Session(Result<SessionId, Refusal>),
    /// A subscription to something of a chain.
    Watched(Box<Watched>),
    /// Wallets that were linked after subscriptions to all of them.
    Joined(Vec<Joined>),
}

impl Connection {
    /// A token already names its user; only who has none may choose a name.
    pub(super) fn register_name(&self, name: &str) {
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

    pub(super) fn register_session(
        &self,
        session: &str,
        word: &'static str,
        answer: &mut Answer<'_>,
    ) {
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
    pub(super) fn settle_anonymous_session(&self, session: &str) {
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

    pub(super) fn renew(&self, token: &str) {
        let identity = Arc::clone(&self.worker.node.identity);
        let token = token.to_owned();
        self.start(async move { Outcome::Renewed(identity.renew(&token).await) });
    }

    pub(super) fn start(&self, job: impl Future<Output = Outcome> + 'static) {
        *self.job.borrow_mut() = Some(Box::pin(job));
        self.wake();
    }

    /// Carries a waiting command on. Pending while it waits.
    pub(super) fn poll_job(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut job = self.job.borrow_mut();
        let Some(waiting) = job.as_mut() else {
            return Poll::Ready(());
        };
        // What a client missed is read at its own pace, and so never makes a slow reader.
        if self.outbox.borrow().is_some() && self.side().is_some_and(|side| side.reads_past) {
            return Poll::Pending;
        }
        let Poll::Ready(outcome) = waiting.as_mut().poll(context) else {
            return Poll::Pending;
        };
        *job = None;
        drop(job);
        if let Some(mut side) = self.side() {
            side.reads_past = false;
        }
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
            Outcome::Admitted(admitted) => self.admitted(admitted),
            Outcome::Released(recovery) => self.begin_connected(Some(&recovery)),
            Outcome::Called(called) => self.called(*called, answer),
            Outcome::Opened(opened) => self.calls_opened(opened),
            Outcome::Past(past) => self.past(past, answer),
            Outcome::Reached(reached) => self.reached(&reached, answer),
            Outcome::Renewed(renewed) => self.renewed(renewed, answer),
            Outcome::Room(done) => self.room_done(&done, answer),
            Outcome::Subscribed(begun) => self.begun(&begun, answer),
            Outcome::Session(session) => self.entered(session, answer),
            Outcome::Watched(watched) => self.watched(*watched, answer),
            Outcome::Joined(joined) => self.joined(joined, answer),
        }
        self.send(&out);
        self.follow_wallets();
        if self.start_kind != Start::Topics {
            self.let_own_through();
        }
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
                        word: self.renewal_word(),
                        topic: None,
                    },
                    answer,
                );
            }
        };
        let old = Arc::clone(&self.principal.borrow());
        let required = self.worker.node.required_permissions(self.kind);
        let new = match renewal(&old, new, required) {
            Ok(new) => new,
            Err(text) => return self.refuse_renewal(text, answer),
        };
        self.take_principal(new, answer);
        self.reply(&Reply::Renewed, answer);
    }

    /// The old token stays in force.
    fn refuse_renewal(&self, text: &'static str, answer: &mut Answer<'_>) {
        let refused = Refused {
            refusal: Refusal::Forbidden,
            message: Cow::Borrowed(text),
            word: self.renewal_word(),
            topic: None,
        };
        self.refuse(refused, answer);
    }

    /// Whether a handshake of this principal would be refused here (`dialects.NAME.require`).
    pub(super) fn lacks_required(&self, principal: &Principal) -> bool {
        let required = self.worker.node.required_permissions(self.kind);
        let lacks = |name: &String| !principal.grants.allow_named(name, "");
        required.iter().any(lacks)
    }

    /// The surface's own word for the renewal.
    fn renewal_word(&self) -> &'static str {
        match self.surface {
            Surface::Dialect(dialect) => dialect.word(&Command::Renew(Cow::Borrowed(""))),
            Surface::Echo => "auth",
        }
    }

    /// Puts a principal in force and ends what it no longer allows.
    pub(super) fn take_principal(&self, principal: Arc<Principal>, answer: &mut Answer<'_>) {
        let mut ended = Vec::new();
        self.memberships
            .borrow_mut()
            .retain(|held| match &**held.channel() {
                Channel::Broadcast
                | Channel::Own { .. }
                | Channel::Room(_)
                | Channel::System
                | Channel::User(_)
                | Channel::Watch(_) => true,
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
        let opens_any = |principal: &Principal| principal.grants.allow(Permission::RoomAny, "");
        let lost_any = opens_any(&self.principal.borrow()) && !opens_any(&principal);
        *self.principal.borrow_mut() = principal;
        self.tell_handlers();
        self.worker.schedule(self);
        if self.start_kind != Start::Topics {
            self.review_rooms(lost_any);
        }
        self.review_wallet(answer);
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
            Review::Changed(principal) if self.lacks_required(&principal) => {
                let text = "a permission that this surface requires was taken away";
                self.audit(Kind::PermissionDenied, text);
                self.cut(CloseMeaning::Forbidden);
            }
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
}
