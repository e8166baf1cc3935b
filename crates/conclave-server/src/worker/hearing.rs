//! How a connection comes to hear a room: it subscribes, holds what arrives, reads what came
//! before from the store at its own pace, and then lets go of what it held.
//!
//! What it causes itself is held too until its answer is written, so that the answer comes first.

use std::cell::RefMut;
use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::task::{Context, Poll};

use conclave_core::{HearAll, Permit, Replay, RoomFault, authorise};
use conclave_protocol::{
    Channel, CloseMeaning, Event, EventKind, Follow, Push, Refusal, RoomId, Start,
};

use super::answer::Answer;
use super::calls::Calls;
use super::connection::{Connection, Phase};
use super::gateway::Gateway;
use super::greeting::Greeting;
use super::holding::{Holding, Until, is_of_room};
use super::told::Told;
use super::wallet::WalletSide;
use crate::audit::Kind;

/// What a connection of a surface of rooms keeps beside what every connection keeps.
#[derive(Default)]
pub(super) struct RoomSide {
    /// What arrived in channels that are not let through yet.
    pub(super) held: Holding,
    /// Rooms that it is coming to hear, one after the other.
    pub(super) catches: VecDeque<Catch>,
    /// The read of the store for the first of them.
    pub(super) reading: Option<Reading>,
    /// Whether its first frame was sent; nothing is read before.
    pub(super) greeted: bool,
    /// Rooms that its user entered, by which event, while it heard them still: who left and came
    /// back hears them anew once the event of their leaving is written.
    pub(super) entered: Vec<(RoomId, u64)>,
    /// Whether its job reads what its client missed, which waits for its reader.
    pub(super) reads_past: bool,
    /// Answers whose beginning it has been told at once: their parts up to there are not for it.
    pub(super) told: Vec<Told>,
    /// Whether it has ever typed.
    pub(super) typed: bool,
    /// Of a connection that says who it is after the upgrade.
    pub(super) gateway: Option<Gateway>,
    /// Of a connection of a generated service.
    pub(super) calls: Option<Calls>,
    /// Of a connection that hears of wallets.
    pub(super) wallet: Option<Box<WalletSide>>,
}

pub(super) type Reading = Pin<Box<dyn Future<Output = Result<Replay, RoomFault>>>>;

/// A room that a connection is coming to hear.
pub(super) struct Catch {
    room: RoomId,
    step: Step,
}

impl Catch {
    /// Whether a command waits for its answer.
    pub(super) const fn has_asker(&self) -> bool {
        let Step::Read(past) = &self.step else {
            return false;
        };
        matches!(past.greeting, Some(Greeting::Reply(_)))
    }
}

/// How far it is.
enum Step {
    /// Its history is read.
    Read(History),
    /// It is heard already; the store is asked whether it may be.
    Check(Arc<Permit<Follow>>),
    /// What was held of it and is above this sequence number is written.
    Through(u64),
}

/// What is wanted of a room's history.
struct History {
    permit: Arc<Permit<Follow>>,
    /// The next read begins after this; `None` where nothing of before is wanted.
    after: Option<u64>,
    sent: u32,
    /// `None` once it is said.
    greeting: Option<Greeting>,
}

/// What a room's step waits for.
enum Next {
    Reading(Reading),
    Through(RoomId, u64),
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
            Start::Rooms => self.open_calls(),
            Start::Topics => {}
            Start::Wallet => self.begin_wallet(),
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
        self.hold_room(&permit, Until::Caught);
        let past = History {
            permit: Arc::new(permit),
            after: since,
            sent: 0,
            greeting: Some(greeting),
        };
        self.catch(room, Step::Read(past));
    }

    fn catch(&self, room: RoomId, step: Step) {
        if let Some(mut side) = self.side() {
            side.catches.push_back(Catch { room, step });
        }
        self.wake();
    }

    /// Subscribes, and holds what arrives. Who hears a feed of their own gets receipts there.
    pub(super) fn hold_room(&self, permit: &Permit<Follow>, until: Until) {
        let rooms = &self.worker.node.rooms;
        let number = self.worker.number;
        let own = match self.start_kind {
            Start::Feed | Start::Room => rooms.hear_own(permit, number),
            Start::Connect | Start::Opened | Start::Rooms | Start::Topics | Start::Wallet => None,
        };
        for subscribed in [Some(rooms.hear(permit, number)), own]
            .into_iter()
            .flatten()
        {
            if let Some(mut side) = self.side() {
                side.held.begin(Arc::clone(&subscribed.channel), until);
            }
            let membership = self.worker.hub.join(&subscribed, self.slot());
            self.add_membership(membership);
        }
    }

    /// Stops hearing a room, at once.
    pub(super) fn stop_hearing(&self, room: &RoomId) {
        let is_of = |channel: &Channel| is_of_room(channel, room);
        let gone: Vec<_> = {
            let mut memberships = self.memberships.borrow_mut();
            memberships
                .extract_if(.., |held| is_of(held.channel()))
                .collect()
        };
        drop(gone);
        let held = self.held_of_room(room);
        if let Some(mut side) = self.side() {
            side.held.end(&held);
            side.entered.retain(|(entered, _)| entered != room);
            side.told.retain(|told| told.room != *room);
            if side
                .catches
                .front()
                .is_some_and(|catch| catch.room == *room)
            {
                side.reading = None;
            }
            side.catches.retain(|catch| catch.room != *room);
        }
    }

    /// Carries on the rooms that it is coming to hear, until there are none, or a read or the
    /// socket is waited for. Whether anything was done.
    pub(super) fn poll_catches(&self, context: &mut Context<'_>) -> bool {
        let mut done = false;
        loop {
            // A replay waits for its reader, and so never makes a slow one.
            let is_open = matches!(self.phase.get(), Phase::Open | Phase::Answering(_));
            if !is_open || self.outbox.borrow().is_some() {
                return done;
            }
            match self.next_step() {
                None => return done,
                Some(Next::Through(room, last_seq)) => {
                    if self.let_some_through(&room, last_seq) {
                        self.tell_answer(&room);
                        self.leave_step(&room);
                    }
                }
                Some(Next::Reading(mut reading)) => match reading.as_mut().poll(context) {
                    Poll::Pending => {
                        if let Some(mut side) = self.side() {
                            side.reading = Some(reading);
                        }
                        return done;
                    }
                    Poll::Ready(read) => self.caught(read),
                },
            }
            done = true;
        }
    }

    fn next_step(&self) -> Option<Next> {
        let mut side = self.side()?;
        if let Some(reading) = side.reading.take() {
            return Some(Next::Reading(reading));
        }
        let catch = side.catches.front()?;
        let (permit, after, comes) = match &catch.step {
            Step::Through(last_seq) => return Some(Next::Through(catch.room.clone(), *last_seq)),
            Step::Check(permit) => (permit, None, false),
            Step::Read(past) => (&past.permit, past.after, true),
        };
        let permit = Arc::clone(permit);
        let after = after.map_or(NOTHING_BEFORE, |n| n.min(NOTHING_BEFORE));
        let node = Arc::clone(&self.worker.node);
        let read = async move {
            let replay = node.rooms.replay(&permit, after, PAGE).await?;
            if comes && !replay.more {
                let room = slice::from_ref(&permit.command().room);
                node.answers.learn(&node, room).await;
            }
            Ok(replay)
        };
        Some(Next::Reading(Box::pin(read)))
    }

    /// The room is heard as everything is; its catch is over unless it is over already.
    fn leave_step(&self, room: &RoomId) {
        if let Some(mut side) = self.side() {
            let is_it =
                |catch: &Catch| catch.room == *room && matches!(catch.step, Step::Through(_));
            if side.catches.front().is_some_and(is_it) {
                side.catches.pop_front();
            }
            if side.catches.is_empty() {
                side.catches = VecDeque::new();
            }
        }
    }

    /// A part of a room's history has come.
    fn caught(&self, read: Result<Replay, RoomFault>) {
        let Some(Catch { room, step }) = self.side().and_then(|mut side| side.catches.pop_front())
        else {
            return;
        };
        let mut past = match (step, &read) {
            (Step::Read(past), _) => past,
            (Step::Check(_), Err(_)) => return self.hearing_taken(&room),
            (Step::Check(_) | Step::Through(_), _) => return,
        };
        let (mut out, mut payload) = (Vec::new(), Vec::new());
        let answer = &mut Answer {
            out: &mut out,
            payload: &mut payload,
        };
        match read {
            Err(fault) => self.not_heard(&room, past.greeting, &fault, answer),
            Ok(replay) => {
                self.greet(&room, past.greeting.take(), replay.last_seq, answer);
                let step = if self.send_replay(&room, &mut past, &replay, answer) {
                    Step::Read(past)
                } else {
                    self.skip_to(&room, replay.last_seq);
                    Step::Through(replay.last_seq)
                };
                if let Some(mut side) = self.side() {
                    side.catches.push_front(Catch { room, step });
                }
            }
        }
        self.send(&out);
    }

    /// What is above `last_seq` comes from now on as it happens, behind what is held.
    fn skip_to(&self, room: &RoomId, last_seq: u64) {
        let memberships = self.memberships.borrow();
        let is_it = |channel: &Channel| matches!(channel, Channel::Room(heard) if heard == room);
        if let Some(membership) = memberships.iter().find(|held| is_it(held.channel())) {
            membership.skip_to(last_seq);
        }
    }

    /// Of every room whose history waited for what a client missed: what is above its number
    /// comes from now on as it happens, behind what is held.
    pub(super) fn let_all_through(&self, heads: &HashMap<RoomId, u64>) {
        let waiting: HashSet<RoomId> = self.side().map_or_else(HashSet::new, |side| {
            side.held.rooms(Until::Connected).cloned().collect()
        });
        let memberships = self.memberships.borrow();
        for membership in memberships.iter() {
            let Channel::Room(room) = &**membership.channel() else {
                continue;
            };
            if !waiting.contains(room) {
                continue;
            }
            let head = heads.get(room).copied().unwrap_or(0);
            membership.skip_to(head);
            self.catch(room.clone(), Step::Through(head));
        }
    }

    /// Writes a part of a replay; whether there is another part to read.
    fn send_replay(
        &self,
        room: &RoomId,
        past: &mut History,
        replay: &Replay,
        answer: &mut Answer<'_>,
    ) -> bool {
        let Some(after) = past.after else {
            return false;
        };
        if after > replay.last_seq {
            let from_seq = after;
            self.push(&Push::Resync { room, from_seq }, answer);
            return false;
        }
        for event in &replay.events {
            self.event(event, answer);
        }
        let count = u32::try_from(replay.events.len()).unwrap_or(u32::MAX);
        past.sent = past.sent.saturating_add(count);
        let last = replay.events.last().map_or(after, |event| event.seq);
        past.after = Some(last);
        if !replay.more {
            return false;
        }
        let limit = self.worker.node.limits.replay_events;
        if limit != 0 && past.sent >= limit {
            let from_seq = last;
            self.push(&Push::Resync { room, from_seq }, answer);
            return false;
        }
        true
    }

    /// The room is none of this connection's, or none any more.
    fn not_heard(
        &self,
        room: &RoomId,
        greeting: Option<Greeting>,
        fault: &RoomFault,
        answer: &mut Answer<'_>,
    ) {
        self.stop_hearing(room);
        let is_away = matches!(fault.refusal(), Refusal::Unavailable | Refusal::Internal);
        match (greeting, self.start_kind) {
            (Some(Greeting::Reply(asked)), _) => self.refuse_room(&asked, fault, answer),
            (_, Start::Room) if !is_away => self.close(CloseMeaning::Forbidden),
            (_, Start::Connect | Start::Room | Start::Rooms) if is_away => {
                self.close(CloseMeaning::GoingAway);
            }
            (None, Start::Feed) => self.push(&Push::Unfollowed { room }, answer),
            (None | Some(Greeting::Quiet | Greeting::Welcome), _) => {}
        }
    }

    /// Whether this connection's right to hear the event's room ends with it.
    pub(super) fn ends_mine(&self, event: &Event) -> bool {
        match &event.kind {
            EventKind::Left { user } => self.principal.borrow().user.as_ref() == Some(user),
            EventKind::Deleted => true,
            _ => false,
        }
    }

    /// Somebody's right to hear a room has ended, its last event is delivered: if it is this
    /// connection's, it hears no more.
    pub(super) fn hearing_ended(&self, event: &Event) {
        let Some(room) = &event.room else { return };
        if !self.ends_mine(event) || !self.hears(room) {
            return;
        }
        let entered = self.side().and_then(|side| {
            let again = side.entered.iter().find(|(entered, _)| entered == room);
            again.map(|(_, seq)| *seq)
        });
        self.stop_hearing(room);
        match self.start_kind {
            Start::Opened | Start::Topics | Start::Wallet => {}
            Start::Connect | Start::Rooms => {
                if let Some(seq) = entered.filter(|seq| *seq > event.seq) {
                    self.entered_room(room, seq);
                }
            }
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
        let principal = Arc::clone(&self.principal.borrow());
        for room in self.rooms_of_memberships() {
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
        let room = permit.command().room.clone();
        let is_it = |catch: &Catch| catch.room == room && matches!(catch.step, Step::Check(_));
        if self
            .side()
            .is_some_and(|side| side.catches.iter().any(is_it))
        {
            return;
        }
        self.catch(room, Step::Check(Arc::new(permit)));
    }

    /// The rooms it hears, or is coming to hear.
    pub(super) fn rooms_of_memberships(&self) -> Vec<RoomId> {
        let memberships = self.memberships.borrow();
        let rooms = memberships
            .iter()
            .filter_map(|held| match &**held.channel() {
                Channel::Room(room) => Some(room.clone()),
                Channel::Broadcast
                | Channel::Own { .. }
                | Channel::System
                | Channel::Topic { .. }
                | Channel::User(_)
                | Channel::Watch(_) => None,
            });
        rooms.collect()
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
        if self.start_kind == Start::Connect && self.hears(room) {
            let (mut out, mut payload) = (Vec::new(), Vec::new());
            let error = Push::Error {
                refusal: Refusal::Forbidden,
                message: &format!(
                    "Permission denied: channel {} is heard no more",
                    room.as_str()
                ),
                at: event.at,
            };
            let answer = &mut Answer {
                out: &mut out,
                payload: &mut payload,
            };
            self.push(&error, answer);
            self.send(&out);
        }
        self.hearing_ended(&event);
    }

    pub(super) fn side(&self) -> Option<RefMut<'_, RoomSide>> {
        RefMut::filter_map(self.room.borrow_mut(), |side| side.as_deref_mut()).ok()
    }
}

/// Events of one read.
const PAGE: u32 = 100;
/// Above every sequence number.
const NOTHING_BEFORE: u64 = (1 << 53) - 1;
