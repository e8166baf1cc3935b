//! What a client that has said who it is is sent of its past: messages it has not received, or,
//! where it comes back, all that it missed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use conclave_core::{Head, Permit, RoomFault, authorise};
use conclave_protocol::{
    CloseMeaning, Event, EventKind, Follow, ListOffline, Message, MessageId, Push, ReadOwn, RoomId,
    Start,
};

use super::answer::Answer;
use super::connection::Connection;
use super::holding::Until;
use super::standing::Outcome;

/// Where a connected client's past is read on.
pub(super) enum Past {
    /// The rooms it may hear.
    Rooms(Result<Vec<RoomId>, RoomFault>, Option<Missed>),
    /// What happened up to now in each.
    Heads(Result<Vec<Head>, RoomFault>, Option<Missed>),
    /// Messages it has not received.
    Offline(Result<(Vec<Message>, u64), RoomFault>, Offline),
    /// Events it missed while it was away.
    Missed(Result<Vec<Arc<Event>>, RoomFault>, Missed, Heads),
}

pub(super) type Heads = Arc<HashMap<RoomId, u64>>;

/// How far the push of unreceived messages is.
pub(super) struct Offline {
    heads: Heads,
    after: Option<MessageId>,
    sent: u64,
}

/// What a client that comes back has to be sent.
#[derive(Clone)]
pub(super) struct Missed {
    /// All after this number,
    pub(super) after: u64,
    /// and these.
    pub(super) late: Arc<Vec<u64>>,
    /// How many it was sent.
    pub(super) sent: usize,
}

impl Connection {
    /// Carries on what a connected client is sent of its past.
    pub(super) fn past(&self, past: Past, answer: &mut Answer<'_>) {
        match past {
            Past::Rooms(Ok(rooms), missed) => self.hear_rooms(rooms, missed),
            Past::Heads(Ok(heads), missed) => self.read_past(heads, missed, answer),
            Past::Offline(Ok((messages, count)), offline) => {
                self.send_offline(messages, count, offline, answer);
            }
            Past::Missed(Ok(events), missed, heads) => {
                self.send_missed(&events, missed, heads, answer);
            }
            Past::Rooms(Err(fault), _)
            | Past::Heads(Err(fault), _)
            | Past::Offline(Err(fault), _)
            | Past::Missed(Err(fault), ..) => {
                tracing::error!(error = %fault, "cannot read what a client missed");
                self.close(CloseMeaning::GoingAway);
            }
        }
    }

    /// Subscribes to every room, holding what arrives; then asks the store again, so that a
    /// membership that ended in between is seen.
    fn hear_rooms(&self, list: Vec<RoomId>, missed: Option<Missed>) {
        let principal = Arc::clone(&self.principal.borrow());
        let heard: HashSet<RoomId> = self.rooms_of_memberships().into_iter().collect();
        let mut entered = Vec::new();
        for room in list.into_iter().filter(|room| !heard.contains(room)) {
            let ask = Follow { room, since: None };
            if let Ok(permit) = authorise(&principal, ask) {
                self.hold_room(&permit, Until::Connected);
                entered.push(permit.command().room.clone());
            }
        }
        let Ok(permit) = authorise(&principal, ReadOwn) else {
            return;
        };
        let node = Arc::clone(&self.worker.node);
        self.start_past(async move {
            // By then all that happens in the rooms arrives.
            let heads = node.rooms.heads(&permit).await;
            node.answers.learn(&node, &entered).await;
            Past::Heads(heads, missed)
        });
    }

    fn read_past(&self, heads: Vec<Head>, missed: Option<Missed>, answer: &mut Answer<'_>) {
        let any_offline = heads.iter().any(|head| head.offline);
        let places = heads.into_iter().map(|head| (head.room, head.last_seq));
        let mut heads: HashMap<RoomId, u64> = places.collect();
        let waiting: HashSet<RoomId> = self.side().map_or_else(HashSet::new, |side| {
            side.held.rooms(Until::Connected).cloned().collect()
        });
        for room in waiting.iter().filter(|room| !heads.contains_key(*room)) {
            self.stop_hearing(room);
        }
        // What it may not hear is not for it, and a room that it has entered since is read from
        // there on.
        heads.retain(|room, _| waiting.contains(room));
        let heads: Heads = Arc::new(heads);
        match missed {
            Some(missed) => self.read_missed(missed, heads),
            // A generated service asks for no messages that it has not received.
            None if !any_offline || self.start_kind == Start::Rooms => {
                self.end_offline(0, &heads, answer)
            }
            None => self.read_offline(Offline {
                heads,
                after: None,
                sent: 0,
            }),
        }
    }

    fn read_offline(&self, offline: Offline) {
        let ask = ListOffline {
            limit: PAGE,
            after: offline.after,
        };
        let permit: Permit<ListOffline> = match authorise(&self.principal.borrow(), ask) {
            Ok(permit) => permit,
            Err(_) => return self.let_all_through(&offline.heads),
        };
        let rooms = Arc::clone(&self.worker.node.rooms);
        self.start_past(async move { Past::Offline(rooms.unreceived(&permit).await, offline) });
    }

    fn send_offline(
        &self,
        messages: Vec<Message>,
        count: u64,
        mut offline: Offline,
        answer: &mut Answer<'_>,
    ) {
        let most = match self.worker.node.limits.offline_messages {
            0 => u64::MAX,
            most => u64::from(most),
        };
        let mut passed_over = false;
        let whole = messages.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        offline.after = messages.last().map(|message| message.id);
        for message in messages {
            let head = offline.heads.get(&message.room).copied().unwrap_or(0);
            if message.seq > head {
                continue;
            }
            if offline.sent >= most {
                passed_over = true;
                break;
            }
            offline.sent += 1;
            let event = Event {
                room: Some(message.room.clone()),
                seq: message.seq,
                number: 0,
                at: message.created_at,
                kind: EventKind::Message(Box::new(message)),
            };
            self.event(&event, answer);
        }
        if !whole && offline.sent < most {
            return self.read_offline(offline);
        }
        let remaining = if whole && !passed_over {
            0
        } else {
            count.saturating_sub(offline.sent)
        };
        self.end_offline(remaining, &offline.heads, answer);
    }

    fn end_offline(&self, remaining: u64, heads: &Heads, answer: &mut Answer<'_>) {
        self.push(&Push::OfflineEnd { remaining }, answer);
        self.send(answer.out);
        answer.out.clear();
        self.let_all_through(heads);
    }

    fn read_missed(&self, missed: Missed, heads: Heads) {
        let Ok(permit) = authorise(&self.principal.borrow(), ReadOwn) else {
            return self.let_all_through(&heads);
        };
        let rooms = Arc::clone(&self.worker.node.rooms);
        let first_late = missed.late.iter().min().copied();
        let after = first_late.map_or(missed.after, |late| missed.after.min(late - 1));
        self.start_past(async move {
            let events = rooms.missed(&permit, after, PAGE).await;
            Past::Missed(events, missed, heads)
        });
    }

    fn send_missed(
        &self,
        events: &[Arc<Event>],
        mut missed: Missed,
        heads: Heads,
        answer: &mut Answer<'_>,
    ) {
        let whole = events.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        for event in events {
            let is_late = missed.late.contains(&event.number);
            let head = event.room.as_ref().and_then(|room| heads.get(room));
            let is_past = head.is_some_and(|head| event.seq <= *head);
            if is_past && (event.number > missed.after || is_late) {
                self.event(event, answer);
            }
        }
        missed.sent += events.len();
        if missed.sent > MISSED_MAX {
            return self.close(CloseMeaning::GoingAway);
        }
        if let (false, Some(last)) = (whole, events.last()) {
            let late = missed.late.iter().copied();
            missed.late = Arc::new(late.filter(|late| *late > last.number).collect());
            missed.after = missed.after.max(last.number);
            return self.read_missed(missed, heads);
        }
        self.send(answer.out);
        answer.out.clear();
        self.let_all_through(&heads);
    }

    /// Reads on once the client has taken what was read before.
    pub(super) fn start_past(&self, read: impl Future<Output = Past> + 'static) {
        if let Some(mut side) = self.side() {
            side.reads_past = true;
        }
        self.start(async move { Outcome::Past(read.await) });
    }
}

/// Of one read.
const PAGE: u32 = 100;
/// Events that a client that comes back is sent; who missed more reads history.
const MISSED_MAX: usize = 10_000;
