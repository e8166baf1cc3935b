//! What a command about rooms does: authorise, ask the service, answer when the store has.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use conclave_core::{Denied, Guarded, Origin, Permit, RoomFault, Rooms, Stamp, authorise};
use conclave_protocol::{
    Channel, ConnectionCount, Follow, MessageId, Permission, Refusal, Reply, RoomCommand, RoomId,
    RoomReply, SetTyping, Tag, UserId,
};

use super::answer::Answer;
use super::connection::Connection;
use super::fan_out::Control;
use super::greeting::Greeting;
use super::standing::Outcome;
use crate::audit::Kind;
use crate::metrics::{Counter, Timed};
use crate::node::Node;

/// A command about rooms, as its answer has to name it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) tag: Tag,
    pub(super) word: &'static str,
}

/// What became of one.
pub(super) struct Done {
    pub(super) asked: Asked,
    /// When it came, by the monotonic clock; `None` where its time is not counted.
    pub(super) came: Option<Duration>,
    pub(super) result: Result<RoomReply, RoomFault>,
}

/// What a command needs of its connection.
struct Ask<'a, 'b> {
    asked: Asked,
    answer: &'a mut Answer<'b>,
}

impl Connection {
    pub(super) fn room_command(&self, asked: Asked, command: RoomCommand, answer: &mut Answer<'_>) {
        let ask = Ask { asked, answer };
        match command {
            RoomCommand::Send(send) => {
                let id = MessageId(self.worker.node.fresh_id());
                let principal = Arc::clone(&self.principal.borrow());
                let answers = Arc::clone(&self.worker.node.answers);
                self.ask(ask, send, async move |rooms, permit, stamp| {
                    let sent = rooms.send(permit, id, stamp).await?;
                    answers.asked(&principal, &sent);
                    let message = Box::new(sent.message);
                    Ok(RoomReply::Message(message))
                });
            }
            RoomCommand::Edit(edit) => {
                self.ask(ask, edit, async |rooms, permit, stamp| {
                    let edited = rooms.edit(permit, stamp).await?;
                    Ok(RoomReply::Message(Box::new(edited)))
                });
            }
            RoomCommand::Erase(erase) => {
                self.ask(ask, erase, async |rooms, permit, stamp| {
                    rooms.erase(permit, stamp).await?;
                    Ok(RoomReply::Done)
                });
            }
            RoomCommand::Receipt(receipt) => {
                self.ask(ask, receipt, async |rooms, permit, stamp| {
                    rooms.give_receipt(permit, stamp).await?;
                    Ok(RoomReply::Done)
                });
            }
            RoomCommand::Join(join) => {
                self.ask(ask, join, async |rooms, permit, stamp| {
                    rooms.join(permit, stamp).await?;
                    Ok(RoomReply::Done)
                });
            }
            RoomCommand::Leave(leave) => {
                self.ask(ask, leave, async |rooms, permit, stamp| {
                    rooms.leave(permit, stamp).await?;
                    Ok(RoomReply::Done)
                });
            }
            RoomCommand::CancelAnswer(cancel) => {
                let node = Arc::clone(&self.worker.node);
                self.ask(ask, cancel, async move |_, permit, _| {
                    node.answers.cancel(&node, permit).await?;
                    Ok(RoomReply::Done)
                });
            }
            RoomCommand::Follow(follow) => self.follow_command(ask, follow),
            RoomCommand::Unfollow(unfollow) => {
                let room = unfollow.room;
                self.stop_hearing(&room);
                let reply = RoomReply::Unfollowed { room };
                self.room_reply(&ask.asked, &reply, ask.answer);
            }
            RoomCommand::Typing(typing) => self.typing(ask, typing),
            reading => self.reading(ask, reading),
        }
    }

    /// Those that only read.
    fn reading(&self, ask: Ask<'_, '_>, command: RoomCommand) {
        match command {
            RoomCommand::Offline(offline) => {
                self.ask(ask, offline, async |rooms, permit, _| {
                    Ok(RoomReply::Messages(rooms.offline(&permit).await?))
                });
            }
            RoomCommand::OfflineCount(count) => {
                self.ask(ask, count, async |rooms, permit, _| {
                    Ok(RoomReply::Count(rooms.offline_count(permit).await?))
                });
            }
            RoomCommand::Presence(presence) => {
                self.ask(ask, presence, async |rooms, permit, _| {
                    Ok(RoomReply::Presence(rooms.presence(permit).await?))
                });
            }
            RoomCommand::Receipts(receipts) => {
                self.ask(ask, receipts, async |rooms, permit, _| {
                    Ok(RoomReply::Receipts(rooms.receipts(permit).await?))
                });
            }
            RoomCommand::Status => self.status(ask.asked),
            RoomCommand::Typists(typists) => {
                if !self.hears(&typists.room) {
                    return self.refuse_room(&ask.asked, &RoomFault::no_room(), ask.answer);
                }
                let permit = match authorise(&self.principal.borrow(), typists) {
                    Ok(permit) => permit,
                    Err(denied) => return self.deny_room(&ask.asked, denied, ask.answer),
                };
                let node = &self.worker.node;
                let users = node.rooms.typists(&permit, node.clock.now());
                self.room_reply(&ask.asked, &RoomReply::Users(users), ask.answer);
            }
            RoomCommand::Edit(_)
            | RoomCommand::CancelAnswer(_)
            | RoomCommand::Erase(_)
            | RoomCommand::Follow(_)
            | RoomCommand::Join(_)
            | RoomCommand::Leave(_)
            | RoomCommand::Receipt(_)
            | RoomCommand::Send(_)
            | RoomCommand::Typing(_)
            | RoomCommand::Unfollow(_) => {}
        }
    }

    /// Authorises, then lets the service do it, and answers when that is done.
    fn ask<C, F>(
        &self,
        ask: Ask<'_, '_>,
        command: C,
        work: impl FnOnce(Arc<Rooms>, Permit<C>, Stamp) -> F,
    ) where
        C: Guarded,
        F: Future<Output = Result<RoomReply, RoomFault>> + 'static,
    {
        let permit = authorise(&self.principal.borrow(), command);
        let permit = match permit {
            Ok(permit) => permit,
            Err(denied) => return self.deny_room(&ask.asked, denied, ask.answer),
        };
        let (asked, came) = (ask.asked, self.worker.node.clock.monotonic());
        let work = work(Arc::clone(&self.worker.node.rooms), permit, self.stamp());
        self.start(async move {
            Outcome::Room(Done {
                asked,
                came: Some(came),
                result: work.await,
            })
        });
    }

    /// The answer to a command that had to wait.
    pub(super) fn room_done(&self, done: &Done, answer: &mut Answer<'_>) {
        match &done.result {
            Ok(reply) => self.room_reply(&done.asked, reply, answer),
            Err(fault) => self.refuse_room(&done.asked, fault, answer),
        }
        if let Some(came) = done.came {
            let took = self.worker.node.clock.monotonic().saturating_sub(came);
            self.worker.latencies.add(Timed::Command, took);
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            at: self.worker.node.clock.now(),
            origin: Origin {
                connection: self.id,
                worker: self.worker.number,
            },
        }
    }

    /// Whoever hears a room is a member, or may do without.
    fn typing(&self, ask: Ask<'_, '_>, typing: SetTyping) {
        if !self.hears(&typing.room) {
            return self.refuse_room(&ask.asked, &RoomFault::no_room(), ask.answer);
        }
        let permit = match authorise(&self.principal.borrow(), typing) {
            Ok(permit) => permit,
            Err(denied) => return self.deny_room(&ask.asked, denied, ask.answer),
        };
        if let Some(mut side) = self.side() {
            side.typed = true;
        }
        match self.worker.node.rooms.set_typing(permit, self.stamp()) {
            Ok(()) => self.room_reply(&ask.asked, &RoomReply::Done, ask.answer),
            Err(fault) => self.refuse_room(&ask.asked, &fault, ask.answer),
        }
    }

    fn follow_command(&self, ask: Ask<'_, '_>, follow: Follow) {
        let limit = self.worker.node.limits.subscriptions_per_connection;
        let held = self.hears(&follow.room);
        let count = self.rooms_heard();
        if !held && limit != 0 && u32::try_from(count).unwrap_or(u32::MAX) >= limit {
            let fault = RoomFault::Refused {
                refusal: Refusal::TooLarge,
                message: Cow::Owned(format!("at most {limit} subscriptions per connection")),
            };
            return self.refuse_room(&ask.asked, &fault, ask.answer);
        }
        let since = follow.since;
        match authorise(&self.principal.borrow(), follow) {
            Ok(permit) => self.follow(permit, since, Greeting::Reply(ask.asked)),
            Err(denied) => self.deny_room(&ask.asked, denied, ask.answer),
        }
    }

    /// Counts connections: everybody's for who monitors the system, else one's own.
    fn status(&self, asked: Asked) {
        let principal = Arc::clone(&self.principal.borrow());
        let all = principal.grants.allow(Permission::SystemMonitor, "");
        let user = principal.user.clone().filter(|_| !all);
        let Some(whose) = principal.user.clone() else {
            return;
        };
        let node = Arc::clone(&self.worker.node);
        self.start(async move {
            let rooms = rooms_heard(&node, user.as_ref()).await;
            let counts = node.connections.counts();
            let count = match &user {
                None => ConnectionCount {
                    connections: u64::from(counts.active),
                    users: u64::try_from(counts.users).unwrap_or(u64::MAX),
                    rooms,
                },
                Some(user) => ConnectionCount {
                    connections: u64::from(node.connections.of_user(user)),
                    users: 1,
                    rooms,
                },
            };
            Outcome::Room(Done {
                asked,
                came: None,
                result: Ok(RoomReply::Status { user: whose, count }),
            })
        });
    }

    /// Whether it hears a room.
    pub(super) fn hears(&self, room: &RoomId) -> bool {
        let memberships = self.memberships.borrow();
        memberships
            .iter()
            .any(|held| matches!(&**held.channel(), Channel::Room(heard) if heard == room))
    }

    /// How many rooms it hears.
    pub(super) fn rooms_heard(&self) -> usize {
        let memberships = self.memberships.borrow();
        let rooms = memberships
            .iter()
            .filter(|held| matches!(**held.channel(), Channel::Room(_)));
        rooms.count()
    }

    pub(super) fn room_reply(&self, asked: &Asked, reply: &RoomReply, answer: &mut Answer<'_>) {
        let reply = Reply::Room {
            tag: &asked.tag,
            command: asked.word,
            answer: reply,
        };
        self.reply(&reply, answer);
    }

    pub(super) fn deny_room(&self, asked: &Asked, denied: Denied, answer: &mut Answer<'_>) {
        let fault = RoomFault::Refused {
            refusal: denied.refusal(),
            message: Cow::Owned(denied.to_string()),
        };
        self.refuse_room(asked, &fault, answer);
    }

    pub(super) fn refuse_room(&self, asked: &Asked, fault: &RoomFault, answer: &mut Answer<'_>) {
        let (refusal, message) = (fault.refusal(), fault.message());
        self.worker.counters.add(Counter::Refusals, 1);
        self.count_limit(refusal);
        let kind = match refusal {
            Refusal::RateLimited | Refusal::TooLarge => Some(Kind::LimitHit),
            Refusal::Forbidden | Refusal::NotFound | Refusal::Unauthenticated => {
                Some(Kind::PermissionDenied)
            }
            Refusal::BadRequest
            | Refusal::Conflict
            | Refusal::Internal
            | Refusal::Unavailable
            | Refusal::UnknownCommand => None,
        };
        if let Some(kind) = kind {
            self.audit(kind, &format!("{}: {message}", asked.word));
        }
        if let RoomFault::Unavailable(error) = fault {
            tracing::error!(error = %error, "the store failed");
        }
        let reply = Reply::RoomRefused {
            tag: Cow::Borrowed(&asked.tag),
            command: Cow::Borrowed(asked.word),
            refusal,
            message,
        };
        self.reply(&reply, answer);
        if refusal == Refusal::RateLimited {
            self.strike(answer.out);
        }
    }

    /// Counts a refusal for what it asked too much of; a rate is counted by `strike`.
    pub(super) fn count_limit(&self, refusal: Refusal) {
        if refusal == Refusal::TooLarge {
            self.worker.counters.add(Counter::SizesLimited, 1);
        }
    }
}

/// How many rooms are heard: by everybody, or by one user's connections.
async fn rooms_heard(node: &Node, user: Option<&UserId>) -> u64 {
    let ask = |answer| Control::CountRooms {
        user: user.cloned(),
        answer,
    };
    let rooms = node.ask(0..node.controls.len(), ask).await;
    rooms.into_iter().sum()
}
