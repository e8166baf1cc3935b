//! How a connection comes to hear a room: it subscribes, holds what arrives, reads what came
//! before from the store at its own pace, and then lets go of what it held.
//!
//! What it causes itself is held too until its answer is written, so that the answer comes first.

use std::cell::RefMut;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use conclave_core::{HearAll, Permit, Replay, RoomFault, authorise};
use conclave_protocol::{
    Channel, CloseMeaning, Event, EventKind, Follow, Principal, Publication, Push, Refusal, RoomId,
    RoomReply, Start, Timestamp, Welcome,
};

use super::answer::Answer;
use super::connection::Connection;
use super::gateway::Gateway;
use super::holding::Held;
use super::rooms::Asked;
use crate::audit::Kind;
use crate::handshake::Origin;

/// What a connection of a surface of rooms keeps beside what every connection keeps.
#[derive(Default)]
pub(super) struct RoomSide {
    /// What arrived in channels that are not let through yet.
    pub(super) held: Vec<Held>,
    /// Rooms that it is coming to hear, one after the other.
    pub(super) catches: VecDeque<Catch>,
    /// The read of the store for the first of them.
    pub(super) reading: Option<Reading>,
    /// Whether its first frame was sent; nothing is read before.
    pub(super) greeted: bool,
    /// Rooms that it hears no more once the answer to a command is written.
    pub(super) endings: Vec<Arc<Publication>>,
    /// When it asked last.
    pub(super) asked_at: Timestamp,
    /// The name under which it was made, where it has one already.
    pub(super) sid: Option<u128>,
    /// Of the page that made the handshake, until the connection is made.
    pub(super) origin: Option<Origin>,
    /// Whether it has ever typed.
    pub(super) typed: bool,
    /// Of a connection that says who it is after the upgrade.
    pub(super) gateway: Option<Gateway>,
}

pub(super) type Reading = Pin<Box<dyn Future<Output = Result<Replay, RoomFault>>>>;

/// A room that a connection is coming to hear.
pub(super) struct Catch {
    permit: Arc<Permit<Follow>>,
    /// The next read begins after this; `None` where nothing of before is wanted.
    after: Option<u64>,
    sent: u32,
    greeting: Option<Greeting>,
}

/// What is said when it is known that the room may be heard.
pub(super) enum Greeting {
    /// Nothing.
    Quiet,
    /// Nothing: it is heard already, and goes on where it may still be.
    Check,
    /// The answer to the command that asked for it.
    Reply(Asked),
    /// The connection's first frame.
    Welcome,
}

impl Connection {
    /// What a connection of a surface of rooms begins with.
    pub(super) fn begin_rooms(&self) {
        match self.start_kind {
            Start::Connect | Start::Opened => self.open_gateway(),
            Start::Feed => {
                self.hear_feed();
                self.welcome(None);
            }
            Start::Room => self.begin_in_room(),
            Start::Topics => {}
        }
    }

    fn begin_in_room(&self) {
        let place = self.state.borrow().place.as_deref().map(|place| {
            let room = place.room.clone();
            (room, place.since)
        });
        let Some((Some(room), since)) = place else {
            return self.close(CloseMeaning::Forbidden);
        };
        let permit = authorise(&self.principal.borrow(), Follow { room, since });
        match permit {
            Ok(permit) => self.follow(permit, since, Greeting::Welcome),
            Err(_) => self.close(CloseMeaning::Forbidden),
        }
    }

    /// Hears its user's feed, and what is meant for everybody.
    pub(super) fn hear_feed(&self) {
        let Ok(permit) = authorise(&self.principal.borrow(), HearAll) else {
            return;
        };
        let node = &self.worker.node;
        for subscribed in node.rooms.hear_feed(&permit, self.worker.number) {
            let membership = self.worker.hub.join(&subscribed, self.slot());
            self.add_membership(membership);
        }
    }

    /// Begins to hear a room; a room that it hears already begins anew.
    pub(super) fn follow(&self, permit: Permit<Follow>, since: Option<u64>, greeting: Greeting) {
        let room = permit.command().room.clone();
        self.stop_hearing(&room);
        self.hold_room(&permit);
        if let Some(mut side) = self.side() {
            side.catches.push_back(Catch {
                permit: Arc::new(permit),
                after: since,
                sent: 0,
                greeting: Some(greeting),
            });
        }
        self.wake();
    }

    /// Subscribes, and holds what arrives. Who hears a feed of their own gets receipts there.
    pub(super) fn hold_room(&self, permit: &Permit<Follow>) {
        let rooms = &self.worker.node.rooms;
        let number = self.worker.number;
        let own = match self.start_kind {
            Start::Feed | Start::Room => rooms.hear_own(permit, number),
            Start::Connect | Start::Opened | Start::Topics => None,
        };
        for subscribed in [Some(rooms.hear(permit, number)), own]
            .into_iter()
            .flatten()
        {
            if let Some(mut side) = self.side() {
                let channel = Arc::clone(&subscribed.channel);
                side.held.push(Held::new(channel, true));
            }
            let membership = self.worker.hub.join(&subscribed, self.slot());
            self.add_membership(membership);
        }
    }

    /// Stops hearing a room, at once.
    pub(super) fn stop_hearing(&self, room: &RoomId) {
        let is_of = |channel: &Channel| match channel {
            Channel::Room(heard) | Channel::Own { room: heard, .. } => heard == room,
            Channel::Broadcast | Channel::System | Channel::Topic { .. } | Channel::User(_) => {
                false
            }
        };
        let gone: Vec<_> = {
            let mut memberships = self.memberships.borrow_mut();
            memberships
                .extract_if(.., |held| is_of(held.channel()))
                .collect()
        };
        drop(gone);
        if let Some(mut side) = self.side() {
            side.held.retain(|held| !is_of(&held.channel));
            let first = side.catches.front().map(|catch| catch.room() == room);
            if first == Some(true) {
                side.reading = None;
            }
            side.catches.retain(|catch| catch.room() != room);
        }
    }

    /// Carries on the rooms that it is coming to hear. Pending while there are none, or while a
    /// read or the socket is waited for.
    pub(super) fn poll_catches(&self, context: &mut Context<'_>) {
        loop {
            // A replay waits for its reader, and so never makes a slow one.
            if self.outbox.borrow().is_some() {
                return;
            }
            let Some(mut reading) = self.next_reading() else {
                return;
            };
            match reading.as_mut().poll(context) {
                Poll::Pending => {
                    if let Some(mut side) = self.side() {
                        side.reading = Some(reading);
                    }
                    return;
                }
                Poll::Ready(read) => self.caught(read),
            }
        }
    }

    fn next_reading(&self) -> Option<Reading> {
        let mut side = self.side()?;
        if let Some(reading) = side.reading.take() {
            return Some(reading);
        }
        let catch = side.catches.front()?;
        let permit = Arc::clone(&catch.permit);
        let after = catch
            .after
            .map_or(NOTHING_BEFORE, |n| n.min(NOTHING_BEFORE));
        let rooms = Arc::clone(&self.worker.node.rooms);
        Some(Box::pin(
            async move { rooms.replay(&permit, after, PAGE).await },
        ))
    }

    /// A part of a room's history has come.
    fn caught(&self, read: Result<Replay, RoomFault>) {
        let Some(mut catch) = self.side().and_then(|mut side| side.catches.pop_front()) else {
            return;
        };
        let mut out = Vec::new();
        let mut payload = Vec::new();
        let answer = &mut Answer {
            out: &mut out,
            payload: &mut payload,
        };
        let is_check = matches!(catch.greeting, Some(Greeting::Check));
        match read {
            Ok(_) if is_check => {}
            Err(_) if is_check => self.hearing_taken(catch.room()),
            Err(fault) => self.not_heard(catch, &fault, answer),
            Ok(replay) => {
                self.greet(&mut catch, &replay, answer);
                let more = self.send_replay(&mut catch, &replay, answer);
                if more {
                    if let Some(mut side) = self.side() {
                        side.catches.push_front(catch);
                    }
                } else {
                    self.send(answer.out);
                    answer.out.clear();
                    self.let_through(catch.room(), replay.last_seq);
                }
            }
        }
        self.send(&out);
    }

    fn greet(&self, catch: &mut Catch, replay: &Replay, answer: &mut Answer<'_>) {
        let room = catch.room().clone();
        match catch.greeting.take() {
            None | Some(Greeting::Check | Greeting::Quiet) => {}
            Some(Greeting::Welcome) => {
                self.welcome_into(Some((&room, replay.last_seq)), answer);
            }
            Some(Greeting::Reply(asked)) => {
                let last_seq = replay.last_seq;
                self.room_reply(&asked, &RoomReply::Followed { room, last_seq }, answer);
            }
        }
    }

    /// Writes a part of a replay; whether there is another part to read.
    fn send_replay(&self, catch: &mut Catch, replay: &Replay, answer: &mut Answer<'_>) -> bool {
        let Some(after) = catch.after else {
            return false;
        };
        if after > replay.last_seq {
            let room = catch.room();
            let from_seq = after;
            self.push(&Push::Resync { room, from_seq }, answer);
            return false;
        }
        for event in &replay.events {
            self.event(event, answer);
        }
        let count = u32::try_from(replay.events.len()).unwrap_or(u32::MAX);
        catch.sent = catch.sent.saturating_add(count);
        let last = replay.events.last().map_or(after, |event| event.seq);
        catch.after = Some(last);
        if !replay.more {
            return false;
        }
        let limit = self.worker.node.limits.replay_events;
        if limit != 0 && catch.sent >= limit {
            let from_seq = last;
            let room = catch.room();
            self.push(&Push::Resync { room, from_seq }, answer);
            return false;
        }
        true
    }

    /// The room is none of this connection's.
    fn not_heard(&self, catch: Catch, fault: &RoomFault, answer: &mut Answer<'_>) {
        self.stop_hearing(catch.room());
        match catch.greeting {
            None | Some(Greeting::Check | Greeting::Quiet) => {}
            Some(Greeting::Reply(asked)) => self.refuse_room(&asked, fault, answer),
            Some(Greeting::Welcome) => {
                let meaning = match fault.refusal() {
                    Refusal::Unavailable | Refusal::Internal => CloseMeaning::GoingAway,
                    Refusal::BadRequest
                    | Refusal::Conflict
                    | Refusal::Forbidden
                    | Refusal::NotFound
                    | Refusal::RateLimited
                    | Refusal::TooLarge
                    | Refusal::Unauthenticated
                    | Refusal::UnknownCommand => CloseMeaning::Forbidden,
                };
                self.close(meaning);
            }
        }
    }

    /// Somebody's right to hear a room has ended, its last event is delivered: if it is this
    /// connection's, it hears no more.
    pub(super) fn hearing_ended(&self, event: &Event) {
        let Some(room) = &event.room else { return };
        let mine = match &event.kind {
            EventKind::Left { user } => self.principal.borrow().user.as_ref() == Some(user),
            EventKind::Deleted => true,
            _ => false,
        };
        if !mine || !self.hears(room) {
            return;
        }
        self.stop_hearing(room);
        match self.start_kind {
            Start::Connect | Start::Opened | Start::Topics => {}
            Start::Room => self.close(CloseMeaning::Forbidden),
            Start::Feed => {
                let (mut out, mut payload) = (Vec::new(), Vec::new());
                let answer = &mut Answer {
                    out: &mut out,
                    payload: &mut payload,
                };
                self.push(&Push::Unfollowed { room }, answer);
                self.send(&out);
            }
        }
    }

    /// Of new permissions: ends what they do not allow any more. Where they no longer open every
    /// room, the store is asked whether the user is a member of those that are heard.
    pub(super) fn review_rooms(&self, opened_any: bool) {
        let rooms: Vec<RoomId> = {
            let memberships = self.memberships.borrow();
            let rooms = memberships
                .iter()
                .filter_map(|held| match &**held.channel() {
                    Channel::Room(room) => Some(room.clone()),
                    Channel::Broadcast
                    | Channel::Own { .. }
                    | Channel::System
                    | Channel::Topic { .. }
                    | Channel::User(_) => None,
                });
            rooms.collect()
        };
        let principal = Arc::clone(&self.principal.borrow());
        for room in rooms {
            let ask = Follow { room, since: None };
            let room = ask.room.clone();
            match authorise(&principal, ask) {
                Err(_) => self.hearing_taken(&room),
                Ok(permit) if opened_any => self.check_hearing(permit),
                Ok(_) => {}
            }
        }
    }

    fn check_hearing(&self, permit: Permit<Follow>) {
        if let Some(mut side) = self.side() {
            side.catches.push_back(Catch {
                permit: Arc::new(permit),
                after: None,
                sent: 0,
                greeting: Some(Greeting::Check),
            });
        }
        self.wake();
    }

    fn hearing_taken(&self, room: &RoomId) {
        self.audit(
            Kind::PermissionDenied,
            "subscription ended: the right to hear the room was taken away",
        );
        let event = Event {
            room: Some(room.clone()),
            seq: 0,
            number: 0,
            at: self.worker.node.clock.now(),
            kind: EventKind::Deleted,
        };
        self.hearing_ended(&event);
    }

    /// Keeps the name that the token gives its user, once for each.
    fn keep_name(&self, principal: &Principal) {
        let node = &self.worker.node;
        let (Some(user), Some(name)) = (&principal.user, &principal.name) else {
            return;
        };
        node.names.keep(&node.rooms, user, name, node.clock.now());
    }

    fn welcome(&self, room: Option<(&RoomId, u64)>) {
        let (mut out, mut payload) = (Vec::new(), Vec::new());
        let answer = &mut Answer {
            out: &mut out,
            payload: &mut payload,
        };
        self.welcome_into(room, answer);
        self.send(&out);
    }

    pub(super) fn welcome_into(&self, room: Option<(&RoomId, u64)>, answer: &mut Answer<'_>) {
        let principal = Arc::clone(&self.principal.borrow());
        let (sid, secret) = self.side().map_or((0, 0), |mut side| {
            side.greeted = true;
            side.gateway.as_ref().map_or((0, 0), Gateway::names)
        });
        let welcome = Welcome {
            principal: &principal,
            connection: self.id,
            room,
            sid,
            secret,
            at: self.worker.node.clock.now(),
        };
        self.push(&Push::Welcome(welcome), answer);
        self.keep_name(&principal);
    }

    /// Whether its first frame is still to come, so that nothing it asks can be answered.
    pub(super) fn is_waiting_to_greet(&self) -> bool {
        self.start_kind == Start::Room && self.side().is_some_and(|side| !side.greeted)
    }

    pub(super) fn side(&self) -> Option<RefMut<'_, RoomSide>> {
        RefMut::filter_map(self.room.borrow_mut(), |side| side.as_deref_mut()).ok()
    }
}

impl Catch {
    fn room(&self) -> &RoomId {
        &self.permit.command().room
    }
}

/// Events of one read.
const PAGE: u32 = 100;
/// Above every sequence number.
const NOTHING_BEFORE: u64 = (1 << 53) - 1;
