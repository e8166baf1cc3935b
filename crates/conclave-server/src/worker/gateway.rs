//! Connections that say who they are after the upgrade (Socket.IO): connect, what was missed
//! while away, and coming back.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use conclave_core::{Full, Permit, RoomFault, authorise};
use conclave_protocol::{
    Body, CloseMeaning, Connect, Event, EventKind, Follow, ListOffline, Message, OwnFrame,
    Principal, Publication, Push, ReadOwn, Recovery, RoomId, SessionId, Shown, Timestamp, UserId,
};
use conclave_websocket::{Opcode, encode};
use parking_lot::Mutex;

use super::answer::Answer;
use super::connection::{Connection, Surface};
use super::standing::Outcome;
use crate::audit::Kind;
use crate::handshake::Origin;
use crate::identity::Unproved;
use crate::webhooks::Happened;

/// What such a connection keeps.
pub(super) struct Gateway {
    sid: u128,
    secret: u128,
    /// Of the page that made the handshake; a ticket works only there.
    origin: Origin,
    written: Written,
    /// The client has said goodbye, or was sent away: it does not come back as itself.
    ended: bool,
}

/// In which order stored events were written: by their numbers, but for some that came late.
#[derive(Clone, Debug, Default)]
struct Written {
    highest: u64,
    /// (event, the highest number written before it).
    late: Vec<(u64, u64)>,
}

impl Written {
    fn note(&mut self, number: u64) {
        if number > self.highest {
            self.highest = number;
        } else if number > 0 {
            if self.late.len() >= LATE_MAX {
                self.late.remove(0);
            }
            self.late.push((number, self.highest));
        }
    }

    /// Of a client whose last event was `last`: it has all up to the first number, but for the
    /// listed ones.
    fn missed_after(&self, last: u64) -> (u64, Vec<u64>) {
        let place = self.late.iter().position(|(number, _)| *number == last);
        // A late event that was the last one to arrive: what was written before it, by number,
        // and of the late ones those behind it are missed.
        let (reached, behind) = match place {
            Some(place) => {
                let reached = self.late.get(place).map_or(last, |(_, before)| *before);
                (reached, place + 1)
            }
            None => (last, 0),
        };
        let late = self.late.iter().skip(behind);
        let missed = late.filter(|(number, before)| *number <= reached && *before >= reached);
        (reached, missed.map(|(number, _)| *number).collect())
    }
}

impl Gateway {
    /// Its public and its secret name.
    pub(super) const fn names(&self) -> (u128, u128) {
        (self.sid, self.secret)
    }

    /// A publication is written to the client.
    pub(super) fn note(&mut self, publication: &Publication) {
        if let Body::Event(event) = &publication.body {
            self.written.note(event.number);
        }
    }
}

/// Connections that were cut off within the last 2 minutes. Bounded: the oldest go first.
#[derive(Default)]
pub(crate) struct Lost {
    connections: Mutex<HashMap<u128, Kept>>,
}

struct Kept {
    user: UserId,
    session: SessionId,
    sid: u128,
    written: Written,
    at: Timestamp,
}

impl Lost {
    fn keep(&self, secret: u128, kept: Kept) {
        let mut connections = self.connections.lock();
        let now = kept.at;
        if connections.len() >= LOST_MAX {
            connections.retain(|_, kept| now.since(kept.at) < AWAY);
        }
        if connections.len() < LOST_MAX {
            connections.insert(secret, kept);
        }
    }

    /// The connection of that secret, once, if it was this principal's.
    fn take(&self, recovery: &Recovery, principal: &Principal, now: Timestamp) -> Option<Kept> {
        let mut connections = self.connections.lock();
        let kept = connections.get(&recovery.secret)?;
        let same = principal.user.as_ref() == Some(&kept.user)
            && principal.session == kept.session
            && now.since(kept.at) < AWAY;
        if !same {
            return None;
        }
        connections.remove(&recovery.secret)
    }

    /// Forgets those that were away too long.
    pub(crate) fn expire(&self, now: Timestamp) {
        let mut connections = self.connections.lock();
        connections.retain(|_, kept| now.since(kept.at) < AWAY);
        connections.shrink_to(1024);
    }
}

/// What the admission of a connection came to.
pub(super) struct Admitted {
    result: Result<Arc<Principal>, Unproved>,
    recovery: Option<Recovery>,
    /// The revocation epoch read before the token was checked.
    epoch: u64,
}

/// Where a connected client's past is read on.
pub(super) enum Past {
    /// The rooms it may hear.
    Rooms(Result<Vec<RoomId>, RoomFault>, Option<Missed>),
    /// What happened up to now in each.
    Heads(Result<Vec<(RoomId, u64)>, RoomFault>, Option<Missed>),
    /// Messages it has not received.
    Offline(Result<(Vec<Message>, u64), RoomFault>, Offline),
    /// Events it missed while it was away.
    Missed(Result<Vec<Arc<Event>>, RoomFault>, Missed, Heads),
}

type Heads = Arc<HashMap<RoomId, u64>>;

/// How far the push of unreceived messages is.
pub(super) struct Offline {
    heads: Heads,
    after: Option<conclave_protocol::MessageId>,
    sent: u64,
}

/// What a client that comes back has to be sent.
#[derive(Clone)]
pub(super) struct Missed {
    /// All after this number,
    after: u64,
    /// and these.
    late: Arc<Vec<u64>>,
    /// How many it was sent.
    sent: usize,
}

impl Connection {
    pub(super) fn open_gateway(&self) {
        let (mut out, mut payload) = (Vec::new(), Vec::new());
        let origin = self.side().and_then(|mut side| side.origin.take());
        let sid = self.side().and_then(|side| side.sid);
        let node = &self.worker.node;
        let gateway = Gateway {
            sid: sid.unwrap_or_else(|| node.secret_id()),
            secret: node.secret_id(),
            origin: origin.unwrap_or(Origin::Absent),
            written: Written::default(),
            ended: false,
        };
        let sid = gateway.sid;
        if let Some(mut side) = self.side() {
            side.gateway = Some(gateway);
        }
        let max_payload = self.worker.node.limits.message_bytes;
        let opened = Push::Opened { sid, max_payload };
        self.push(
            &opened,
            &mut Answer {
                out: &mut out,
                payload: &mut payload,
            },
        );
        self.send(&out);
        self.beat();
    }

    /// It says who it is.
    pub(super) fn connect(&self, connect: Connect<'_>) {
        let recovery = connect.recovery;
        let identity = Arc::clone(&self.worker.node.identity);
        let epoch = identity.epoch();
        match connect.credential {
            Shown::Nothing(text) => {
                self.refuse_connect(CloseMeaning::MissingToken, Cow::Borrowed(text));
            }
            Shown::Ticket(ticket) => {
                let origin = self
                    .side()
                    .and_then(|side| side.gateway.as_ref().map(|g| g.origin.clone()));
                let result = identity.redeem(&ticket, &origin.unwrap_or(Origin::Absent));
                self.admitted(Admitted {
                    result,
                    recovery,
                    epoch,
                });
            }
            Shown::Token(token) => match identity.admit_now(&token) {
                Some(result) => self.admitted(Admitted {
                    result,
                    recovery,
                    epoch,
                }),
                None => {
                    let token = token.into_owned();
                    self.start(async move {
                        Outcome::Admitted(Admitted {
                            result: identity.admit(&token).await,
                            recovery,
                            epoch,
                        })
                    });
                }
            },
        }
    }

    pub(super) fn admitted(&self, admitted: Admitted) {
        let Admitted {
            result,
            recovery,
            epoch,
        } = admitted;
        let principal = match result {
            Ok(principal) => principal,
            Err(unproved) => {
                let (meaning, text) = match unproved {
                    Unproved::Invalid => (
                        CloseMeaning::InvalidToken,
                        "authentication failed: invalid or expired token",
                    ),
                    Unproved::Missing => (
                        CloseMeaning::MissingToken,
                        "authentication failed: no token",
                    ),
                    Unproved::Payload => (
                        CloseMeaning::InvalidPayload,
                        "authentication failed: invalid token payload",
                    ),
                };
                return self.refuse_connect(meaning, Cow::Borrowed(text));
            }
        };
        let node = &self.worker.node;
        let required = node.required_permissions(self.kind);
        let lacks = |name: &String| !principal.grants.allow_named(name, "");
        if principal.user.is_none() || required.iter().any(lacks) {
            let text = "authentication succeeded, but this user may not use this surface";
            return self.refuse_connect(CloseMeaning::Forbidden, Cow::Borrowed(text));
        }
        if let Some(user) = &principal.user {
            let bound = node.limits.connections_per_user;
            if let Err(Full::Address | Full::All | Full::User) =
                self.guard.borrow_mut().identify(user, bound)
            {
                let meaning = CloseMeaning::TooManyConnections;
                return self.refuse_connect(meaning, Cow::Borrowed("too many connections"));
            }
        }
        *self.principal.borrow_mut() = Arc::clone(&principal);
        if let Some(place) = self.state.borrow_mut().place.as_deref_mut() {
            place.connected = true;
        }
        self.worker.tell_webhooks(self, Happened::Came);
        self.audit(Kind::HandshakeOk, "");
        if node.identity.epoch() != epoch {
            self.review();
        }
        self.begin_connected(&principal, recovery.as_ref());
    }

    fn begin_connected(&self, principal: &Arc<Principal>, recovery: Option<&Recovery>) {
        let node = &self.worker.node;
        let missed = recovery.filter(|recovery| recovery.number > 0);
        let missed = missed.and_then(|recovery| {
            let kept = node.lost.take(recovery, principal, node.clock.now())?;
            let (after, late) = kept.written.missed_after(recovery.number);
            let mut side = self.side()?;
            let gateway = side.gateway.as_mut()?;
            (gateway.sid, gateway.secret) = (kept.sid, recovery.secret);
            gateway.written = kept.written;
            Some(Missed {
                after,
                late: Arc::new(late),
                sent: 0,
            })
        });
        let (mut out, mut payload) = (Vec::new(), Vec::new());
        self.hear_feed();
        self.welcome_into(
            None,
            &mut Answer {
                out: &mut out,
                payload: &mut payload,
            },
        );
        self.send(&out);
        self.worker.schedule(self);
        let Ok(permit) = authorise(principal, ReadOwn) else {
            return;
        };
        let rooms = Arc::clone(&node.rooms);
        self.start(async move { Outcome::Past(Past::Rooms(rooms.rooms_of(&permit).await, missed)) });
    }

    /// Carries on what a connected client is sent of its past.
    pub(super) fn past(&self, past: Past, answer: &mut Answer<'_>) {
        match past {
            Past::Rooms(Ok(rooms), missed) => self.hear_rooms(rooms, missed),
            Past::Heads(Ok(heads), missed) => self.read_past(heads, missed),
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
        for room in list {
            if self.hears(&room) {
                continue;
            }
            if let Ok(permit) = authorise(&principal, Follow { room, since: None }) {
                self.hold_room(&permit);
            }
        }
        let Ok(permit) = authorise(&principal, ReadOwn) else {
            return;
        };
        let rooms = Arc::clone(&self.worker.node.rooms);
        self.start(async move { Outcome::Past(Past::Heads(rooms.heads(&permit).await, missed)) });
    }

    fn read_past(&self, heads: Vec<(RoomId, u64)>, missed: Option<Missed>) {
        let heads: Heads = Arc::new(heads.into_iter().collect());
        for room in self.rooms_being_caught() {
            if !heads.contains_key(&room) {
                self.stop_hearing(&room);
            }
        }
        match missed {
            Some(missed) => self.read_missed(missed, heads),
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
        self.start(async move {
            Outcome::Past(Past::Offline(rooms.unreceived(&permit).await, offline))
        });
    }

    fn send_offline(
        &self,
        messages: Vec<Message>,
        count: u64,
        mut offline: Offline,
        answer: &mut Answer<'_>,
    ) {
        let most = u64::from(self.worker.node.limits.offline_messages);
        let whole = messages.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        offline.after = messages.last().map(|message| message.id);
        for message in messages {
            let head = offline.heads.get(&message.room).copied().unwrap_or(0);
            if message.seq > head || offline.sent >= most {
                continue;
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
        let remaining = if whole {
            0
        } else {
            count.saturating_sub(offline.sent)
        };
        self.push(&Push::OfflineEnd { remaining }, answer);
        self.send(answer.out);
        answer.out.clear();
        self.let_all_through(&offline.heads);
    }

    fn read_missed(&self, missed: Missed, heads: Heads) {
        let permit = match authorise(&self.principal.borrow(), ReadOwn) {
            Ok(permit) => permit,
            Err(_) => return self.let_all_through(&heads),
        };
        let rooms = Arc::clone(&self.worker.node.rooms);
        let first_late = missed.late.iter().min().copied();
        let after = first_late.map_or(missed.after, |late| missed.after.min(late - 1));
        self.start(async move {
            let events = rooms.missed(&permit, after, PAGE).await;
            Outcome::Past(Past::Missed(events, missed, heads))
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
                if let Some(mut side) = self.side()
                    && let Some(gateway) = &mut side.gateway
                {
                    gateway.written.note(event.number);
                }
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

    fn let_all_through(&self, heads: &HashMap<RoomId, u64>) {
        for room in self.rooms_being_caught() {
            let head = heads.get(&room).copied().unwrap_or(0);
            self.let_through(&room, head);
        }
    }

    /// The user has become a member of a room: hears it from the event that made them one.
    pub(super) fn entered_room(&self, room: &RoomId, seq: u64) {
        if self.start_kind != conclave_protocol::Start::Connect || self.hears(room) {
            return;
        }
        let ask = Follow {
            room: room.clone(),
            since: None,
        };
        if let Ok(permit) = authorise(&self.principal.borrow(), ask) {
            let after = seq.saturating_sub(1);
            self.follow(permit, Some(after), super::hearing::Greeting::Quiet);
        }
    }

    /// The client says goodbye; with its only namespace the socket ends too.
    pub(super) fn leave_gateway(&self) {
        self.end_gateway();
        self.forget_rooms();
        self.close(CloseMeaning::Left);
    }

    /// It does not come back as itself.
    pub(super) fn end_gateway(&self) {
        if let Some(mut side) = self.side()
            && let Some(gateway) = &mut side.gateway
        {
            gateway.ended = true;
        }
    }

    /// The socket is gone: it may come back.
    pub(super) fn keep_for_return(&self) {
        let node = &self.worker.node;
        let Some(side) = self.side() else { return };
        if side.typed {
            node.rooms.end_typing_of(self.id, node.clock.now());
        }
        let Some(gateway) = &side.gateway else { return };
        let principal = self.principal.borrow();
        let Some(user) = principal.user.clone() else {
            return;
        };
        if gateway.ended {
            return;
        }
        let kept = Kept {
            user,
            session: principal.session.clone(),
            sid: gateway.sid,
            written: gateway.written.clone(),
            at: node.clock.now(),
        };
        node.lost.keep(gateway.secret, kept);
    }

    fn refuse_connect(&self, meaning: CloseMeaning, text: Cow<'static, str>) {
        let detail = format!("{meaning:?}: {text}");
        self.audit(Kind::HandshakeRefused, &detail);
        self.worker.node.strike_refused(self.address);
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
        let frames = dialect.refuse_connect(&self.state.borrow(), meaning, &text);
        self.send_own(&frames);
    }

    /// Sends messages that the dialect has written whole.
    pub(super) fn send_own(&self, frames: &[OwnFrame]) {
        let mut out = Vec::new();
        write_own(frames, &mut out);
        self.send(&out);
    }
}

/// Appends messages that the dialect has written whole.
pub(super) fn write_own(frames: &[OwnFrame], out: &mut Vec<u8>) {
    for frame in frames {
        match frame {
            OwnFrame::Binary(bytes) => encode(Opcode::Binary, bytes, out),
            OwnFrame::Text(text) => encode(Opcode::Text, text.as_bytes(), out),
        }
    }
}

const AWAY: std::time::Duration = std::time::Duration::from_secs(120);
const LOST_MAX: usize = 20_000;
const LATE_MAX: usize = 32;
const PAGE: u32 = 100;
/// Events that a client that comes back is sent; who missed more reads history.
const MISSED_MAX: usize = 10_000;
