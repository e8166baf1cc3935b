//! One connection as the rest of the service sees it: who it is, and what waits for it.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use parking_lot::{Mutex, RwLock};

use crate::address::Address;
use crate::auth::{Claims, Gate, Granted, Identity};
use crate::hub::Hub;
use crate::spelling::{Spelling, respell_envelope};
use crate::{AsyncApiError, AsyncApiResult};

/// A connection's number: never used twice by one service.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(crate) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An open connection. Cheap to clone; says nothing any more once the connection has ended.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    id: ConnectionId,
    peer: Option<IpAddr>,
    bound: Option<Address>,
    gate: Arc<Gate>,
    hub: Weak<Hub>,
    standing: RwLock<Standing>,
    /// The document's, where the service reads both.
    own_spelling: Option<Spelling>,
    spelling: Mutex<Spelled>,
    /// Grows with each renewal.
    renewals: AtomicU64,
    outbox: Mutex<Outbox>,
    outbox_bytes_max: usize,
    attached: Mutex<Option<Arc<dyn Any + Send + Sync>>>,
}

/// Who a connection is, and what that allows.
#[derive(Clone)]
pub(crate) struct Standing {
    pub(crate) identity: Arc<Identity>,
    pub(crate) granted: Granted,
}

/// How payload fields are spelled for a connection.
#[derive(Clone, Copy, Default)]
struct Spelled {
    by_handshake: Option<Spelling>,
    by_last_request: Option<Spelling>,
}

/// What waits to be written.
#[derive(Default)]
struct Outbox {
    texts: VecDeque<Arc<str>>,
    bytes: usize,
    closing: Option<Closing>,
    waker: Option<Waker>,
}

/// Why a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closing {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    /// Whether what waits is dropped.
    pub(crate) at_once: bool,
}

/// What a server with sockets of its own has to do next for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queued {
    /// Write this text message.
    Text(Vec<u8>),
    /// Close with this code and reason.
    Close(u16, &'static str),
}

/// What a connection's task has to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    Text(Arc<str>),
    Close(Closing),
}

/// What a connection is made from.
pub(crate) struct Opening {
    pub(crate) id: ConnectionId,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) bound: Option<Address>,
    pub(crate) identity: Identity,
    pub(crate) outbox_bytes_max: usize,
    pub(crate) own_spelling: Option<Spelling>,
}

impl Connection {
    pub(crate) fn new(opening: Opening, gate: &Arc<Gate>, hub: Weak<Hub>) -> Self {
        let granted = gate.granted(&opening.identity);
        Self(Arc::new(Inner {
            id: opening.id,
            peer: opening.peer,
            bound: opening.bound,
            gate: Arc::clone(gate),
            hub,
            standing: RwLock::new(Standing {
                identity: Arc::new(opening.identity),
                granted,
            }),
            own_spelling: opening.own_spelling,
            spelling: Mutex::default(),
            renewals: AtomicU64::new(0),
            outbox: Mutex::default(),
            outbox_bytes_max: opening.outbox_bytes_max,
            attached: Mutex::default(),
        }))
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.0.id
    }

    /// The address at the other end of the socket.
    #[must_use]
    pub fn peer(&self) -> Option<IpAddr> {
        self.0.peer
    }

    /// The channel that the handshake's path named, where it did.
    #[must_use]
    pub fn bound_address(&self) -> Option<&Address> {
        self.0.bound.as_ref()
    }

    /// Who it is, as of now; `None` where nobody was proved.
    #[must_use]
    pub fn claims(&self) -> Option<Claims> {
        self.0.standing.read().identity.claims().cloned()
    }

    /// Lets it hear what is published at this address, as far as its claims allow. Twice is once.
    ///
    /// # Errors
    /// `too_large` over the limit of subscriptions; `not_found` once the connection has ended.
    pub fn subscribe(&self, address: &Address) -> AsyncApiResult<()> {
        let hub = self.0.hub.upgrade();
        let hub = hub.ok_or_else(|| AsyncApiError::not_found("the connection has ended"))?;
        hub.subscribe(self, address)
    }

    /// Ends a subscription; gives whether there was one.
    pub fn unsubscribe(&self, address: &Address) -> bool {
        let hub = self.0.hub.upgrade();
        hub.is_some_and(|hub| hub.unsubscribe(self.id(), address))
    }

    /// Puts new claims in place of those that speak for it, as a renewed token: of the same user
    /// only. What they no longer allow ends at once.
    ///
    /// # Errors
    /// `forbidden` where they are another user's, or the connection has no token: what was in
    /// force stays.
    pub fn renew(&self, claims: Claims) -> AsyncApiResult<()> {
        let mut standing = self.0.standing.write();
        let own = standing.identity.claims().map(Claims::subject);
        if own != Some(claims.subject()) {
            return Err(AsyncApiError::forbidden("the token is another user's"));
        }
        let identity = standing.identity.renewed(claims);
        let identity =
            identity.ok_or_else(|| AsyncApiError::forbidden("there is no token to renew"))?;
        standing.granted = self.0.gate.granted(&identity);
        standing.identity = Arc::new(identity);
        drop(standing);
        self.0.renewals.fetch_add(1, Ordering::Release);
        self.wake();
        Ok(())
    }

    /// Ends it with a close code of 1000 to 1014 or 3000 to 4999; what waits for it is dropped.
    pub fn close(&self, code: u16, reason: &'static str) {
        self.end(Closing {
            code,
            reason,
            at_once: true,
        });
    }

    /// Ends it; of several endings the first counts.
    pub(crate) fn end(&self, closing: Closing) {
        self.0.outbox.lock().closing.get_or_insert(closing);
        self.wake();
    }

    /// Spells what nobody asked for in this way, whatever requests do.
    pub fn spell(&self, spelling: Spelling) {
        self.0.spelling.lock().by_handshake = Some(spelling);
    }

    pub(crate) fn asked_in(&self, spelling: Spelling) {
        self.0.spelling.lock().by_last_request = Some(spelling);
    }

    /// What nobody asked for, as this connection wants it spelled; `None` where it is so already.
    pub(crate) fn respelled(&self, text: &str) -> Option<Vec<u8>> {
        let own = self.0.own_spelling?;
        let spelled = *self.0.spelling.lock();
        let wanted = spelled.by_handshake.or(spelled.by_last_request)?;
        (wanted != own)
            .then(|| respell_envelope(text, wanted))
            .flatten()
    }

    /// How what nobody asked for is spelled; `None` while nothing has said so.
    #[must_use]
    pub fn spelling(&self) -> Option<Spelling> {
        let spelled = *self.0.spelling.lock();
        spelled.by_handshake.or(spelled.by_last_request)
    }

    /// Keeps something of the server's own with the connection, for its handlers.
    pub fn attach(&self, value: Arc<dyn Any + Send + Sync>) {
        *self.0.attached.lock() = Some(value);
    }

    /// What was attached, where it is of this type.
    #[must_use]
    pub fn attached<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let attached = self.0.attached.lock().clone();
        attached.and_then(|value| value.downcast().ok())
    }

    /// What is to be written next beside answers, for servers with sockets of their own; wakes
    /// the task where there is nothing yet.
    pub fn poll_queued(&self, context: &mut Context<'_>) -> Poll<Queued> {
        self.poll_waiting(context).map(|waiting| match waiting {
            Waiting::Close(closing) => Queued::Close(closing.code, closing.reason),
            Waiting::Text(text) => {
                let respelled = self.respelled(&text);
                Queued::Text(respelled.unwrap_or_else(|| text.as_bytes().to_vec()))
            }
        })
    }

    pub(crate) fn standing(&self) -> Standing {
        self.0.standing.read().clone()
    }

    pub(crate) fn renewals(&self) -> u64 {
        self.0.renewals.load(Ordering::Acquire)
    }

    pub(crate) fn may_use(&self, route: usize) -> bool {
        let standing = self.0.standing.read();
        standing.granted.get(route).copied().unwrap_or(false)
    }

    /// Queues a text. One that finds no room ends the connection as a slow reader.
    pub(crate) fn push(&self, text: &Arc<str>) -> bool {
        let mut outbox = self.0.outbox.lock();
        if outbox.closing.is_some() {
            return false;
        }
        let bytes = outbox.bytes.saturating_add(text.len());
        if bytes > self.0.outbox_bytes_max && !outbox.texts.is_empty() {
            outbox.closing = Some(SLOW_READER);
        } else {
            outbox.bytes = bytes;
            outbox.texts.push_back(Arc::clone(text));
        }
        let (taken, waker) = (outbox.closing.is_none(), outbox.waker.take());
        drop(outbox);
        if let Some(waker) = waker {
            waker.wake();
        }
        taken
    }

    /// What is to be done next; wakes the task where there is nothing yet.
    pub(crate) fn poll_waiting(&self, context: &mut Context<'_>) -> Poll<Waiting> {
        let mut outbox = self.0.outbox.lock();
        if let Some(waiting) = outbox.next() {
            return Poll::Ready(waiting);
        }
        let own = context.waker();
        match &mut outbox.waker {
            Some(waker) => waker.clone_from(own),
            None => outbox.waker = Some(own.clone()),
        }
        Poll::Pending
    }

    /// What is to be done next, where there is something.
    pub(crate) fn take_waiting(&self) -> Option<Waiting> {
        self.0.outbox.lock().next()
    }

    fn wake(&self) {
        let waker = self.0.outbox.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Outbox {
    fn next(&mut self) -> Option<Waiting> {
        match self.closing {
            Some(closing) if closing.at_once || self.texts.is_empty() => {
                Some(Waiting::Close(closing))
            }
            _ => {
                let text = self.texts.pop_front()?;
                self.bytes = self.bytes.saturating_sub(text.len());
                Some(Waiting::Text(text))
            }
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.0.id)
    }
}

/// RFC 6455 has no code for it; 1013 is that of the registry for "try again later".
pub(crate) const SLOW_READER: Closing = Closing {
    code: 1013,
    reason: "slow reader",
    at_once: true,
};
