//! Connections that say who they are after the upgrade (Socket.IO): connect, what was missed
//! while away, and coming back.

use std::borrow::Cow;
use std::cell::RefMut;
use std::sync::Arc;

use conclave_core::{Full, authorise};
use conclave_protocol::{
    Body, CloseMeaning, Connect, Event, Follow, OwnFrame, Principal, Publication, Push, ReadOwn,
    Recovery, RoomId, Shown, Start, UserId,
};
use conclave_websocket::{Opcode, encode};

use super::answer::Answer;
use super::connection::{Connection, Phase, Surface};
use super::greeting::Greeting;
use super::hearing::RoomSide;
use super::lost::{Kept, Proof, Written};
use super::past::{Missed, Past};
use super::standing::Outcome;
use crate::audit::Kind;
use crate::handshake::Origin;
use crate::identity::Unproved;
use crate::metrics::Counter;
use crate::node::Node;
use crate::nodes::{Question, take_over};
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

impl Gateway {
    /// Of a socket whose page is `origin`; `sid` where it has a name already.
    pub(super) fn new(node: &Node, origin: Origin, sid: Option<u128>) -> Self {
        Self {
            sid: sid.unwrap_or_else(|| node.secret_id()),
            secret: node.secret_id(),
            origin,
            written: Written::default(),
            ended: false,
        }
    }

    /// Its public and its secret name.
    pub(super) const fn names(&self) -> (u128, u128) {
        (self.sid, self.secret)
    }

    /// A publication is written to the client.
    pub(super) fn note(&mut self, publication: &Publication) {
        if let Body::Event(event) = &publication.body {
            self.note_event(event);
        }
    }

    /// A batch of one channel is written to the client. Their numbers grow, so that the ends tell
    /// whether any of them comes late.
    pub(super) fn note_all(&mut self, publications: &[Arc<Publication>]) {
        let number = |publication: Option<&Arc<Publication>>| match publication.map(|p| &p.body) {
            Some(Body::Event(event)) => event.number,
            Some(Body::Broadcast { .. } | Body::Topic(_) | Body::Wallet(_)) | None => 0,
        };
        let (first, last) = (number(publications.first()), number(publications.last()));
        if first > 0 && last > 0 && self.written.is_news(first) {
            self.written.note(last);
        } else {
            publications
                .iter()
                .for_each(|publication| self.note(publication));
        }
    }

    /// An event is written to the client.
    pub(super) fn note_event(&mut self, event: &Event) {
        self.written.note(event.number);
    }
}

/// What the admission of a connection came to.
pub(super) struct Admitted {
    result: Result<Arc<Principal>, Unproved>,
    recovery: Option<Recovery>,
    /// The revocation epoch read before the token was checked.
    epoch: u64,
}

impl Connection {
    pub(super) fn open_gateway(&self) {
        let (mut out, mut payload) = (Vec::new(), Vec::new());
        let sid = self
            .side()
            .and_then(|side| Some(side.gateway.as_ref()?.sid));
        let Some(sid) = sid else { return };
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
        self.ping_at.set(self.first_beat());
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
                let origin = origin.unwrap_or(Origin::Absent);
                match identity.redeem_now(&ticket, &origin) {
                    Some(result) => self.admitted(Admitted {
                        result,
                        recovery,
                        epoch,
                    }),
                    None => {
                        let ticket = ticket.into_owned();
                        self.start(async move {
                            Outcome::Admitted(Admitted {
                                result: identity.redeem(&ticket, &origin).await,
                                recovery,
                                epoch,
                            })
                        });
                    }
                }
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
            // Clients come back by themselves after the end of a connection, not after a no.
            Err(Unproved::Unavailable) => {
                self.audit(Kind::HandshakeRefused, "who this is cannot be known now");
                return self.close(CloseMeaning::GoingAway);
            }
            Err(unproved) => {
                let (meaning, text) = unproved_as(unproved);
                return self.refuse_connect(meaning, Cow::Borrowed(text));
            }
        };
        let node = &self.worker.node;
        if principal.user.is_none() || self.lacks_required(&principal) {
            let text = "authentication succeeded, but this user may not use this surface";
            return self.refuse_connect(CloseMeaning::Forbidden, Cow::Borrowed(text));
        }
        if let Some(user) = &principal.user {
            let bound = node.limits.connections_per_user;
            if let Err(Full::Address | Full::All | Full::User) =
                self.guard.borrow_mut().identify(user, bound)
            {
                node.counters.add(Counter::ConnectionsLimited, 1);
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
            if self.phase.get() != Phase::Open {
                return;
            }
        }
        let recovery = recovery.filter(|recovery| recovery.number > 0);
        if let (Some(recovery), Some(user)) = (&recovery, &principal.user)
            && !node.lost.knows(&Proof::of(recovery.secret))
        {
            let is_here = node.connections.of_user_here(user) > 1;
            if is_here || node.nodes.has_others() {
                return self.look_for(recovery.clone(), is_here);
            }
        }
        self.begin_connected(recovery.as_ref());
    }

    /// The client's old connection may be one whose end nobody has noticed, or another node's.
    fn look_for(&self, recovery: Recovery, is_here: bool) {
        let node = Arc::clone(&self.worker.node);
        let principal = Arc::clone(&self.principal.borrow());
        self.start(async move {
            let client = Proof::of(recovery.secret);
            if let Some(user) = principal.user.as_ref().filter(|_| is_here) {
                node.release(client, user).await;
            }
            if !node.lost.knows(&client) {
                take_over(&node, &recovery, &principal).await;
            }
            Outcome::Released(recovery)
        });
    }

    pub(super) fn begin_connected(&self, recovery: Option<&Recovery>) {
        let node = &self.worker.node;
        let principal = &Arc::clone(&self.principal.borrow());
        let missed = recovery.and_then(|recovery| {
            let kept = node.lost.take(recovery, principal, node.clock.now())?;
            if kept.inherited {
                let client = Proof::of(recovery.secret);
                node.nodes.say(&Question::Forget { client });
            }
            let (after, late) = kept.written.missed_after(recovery.number)?;
            let mut side = self.side()?;
            let gateway = side.gateway.as_mut()?;
            (gateway.sid, gateway.secret) = (kept.sid, recovery.secret);
            gateway.written = kept.written.back_to(after);
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
        self.start_past(async move { Past::Rooms(rooms.rooms_of(&permit).await, missed) });
    }

    /// The user has become a member of a room: hears it from the event that made them one.
    pub(super) fn entered_room(&self, room: &RoomId, seq: u64) {
        let hears_all = matches!(self.start_kind, Start::Connect | Start::Rooms);
        if !hears_all || self.phase.get() != Phase::Open {
            return;
        }
        // The event of an earlier leaving may still be on its way.
        if self.hears(room) {
            if let Some(mut side) = self.side() {
                side.entered.retain(|(entered, _)| entered != room);
                side.entered.push((room.clone(), seq));
            }
            return;
        }
        let ask = Follow {
            room: room.clone(),
            since: None,
        };
        if let Ok(permit) = authorise(&self.principal.borrow(), ask) {
            let after = seq.saturating_sub(1);
            self.follow(permit, Some(after), Greeting::Quiet);
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

    /// Whether this is the connection of the user's client with that secret name.
    pub(super) fn is_client(&self, client: Proof, user: &UserId) -> bool {
        let named = |side: RefMut<'_, RoomSide>| {
            let gateway = side.gateway.as_ref();
            gateway.is_some_and(|gateway| !gateway.ended && Proof::of(gateway.secret) == client)
        };
        self.principal.borrow().user.as_ref() == Some(user) && self.side().is_some_and(named)
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
            inherited: false,
        };
        let at = kept.at;
        node.lost.keep(Proof::of(gateway.secret), kept, at);
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

const fn unproved_as(unproved: Unproved) -> (CloseMeaning, &'static str) {
    match unproved {
        Unproved::Invalid | Unproved::Unavailable => (
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
