//! Socket.IO over HTTP long-polling, where `socketio.polling` switches it on.
//!
//! A session is a connection like every other: its socket is a pipe inside the process, and on
//! it goes WebSocket, so that nothing of the connection path knows of polling. The front of the
//! session turns what it reads from the pipe into answers of polls, and posted packets into
//! frames. When the client changes to a WebSocket, the bytes of socket and pipe go over as they
//! are.
//!
//! Reading order: this file (sessions), `pipe`, `serve` (polls and posts), `open` (a new session),
//! `relay` (the change to a WebSocket).

mod open;
mod pipe;
mod relay;
mod serve;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use conclave_socketio::engine::Packet;
use conclave_websocket::{Decoded, Decoder, DecoderLimits, Event, Inflater, Role};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::node::Node;

pub(crate) use pipe::{PipeEnd, pipe};
pub(crate) use relay::relay;
pub(crate) use serve::serve;

/// All sessions of the process. Bounded by the bounds of connections: each has one.
#[derive(Default)]
pub(crate) struct Polls(Mutex<HashMap<u128, Arc<Session>>>);

impl Polls {
    fn add(&self, sid: u128, session: Arc<Session>) {
        self.0.lock().insert(sid, session);
    }

    /// The session of that name, unless it is over.
    pub(crate) fn find(&self, sid: u128) -> Option<Arc<Session>> {
        let session = self.0.lock().get(&sid).map(Arc::clone)?;
        session.is_there().then_some(session)
    }

    /// The same; one whose client has not answered a heartbeat in time is over.
    fn find_heard(&self, sid: u128, node: &Node) -> Option<Arc<Session>> {
        let session = self.find(sid)?;
        if session.is_silent(node.clock.monotonic()) {
            session.finish(LastWord::Close);
            self.end(sid);
            return None;
        }
        Some(session)
    }

    fn end(&self, sid: u128) {
        self.0.lock().remove(&sid);
    }

    /// Forgets those that are over. Called a few times a second.
    pub(crate) fn sweep(&self) {
        self.0.lock().retain(|_, session| {
            session.is_there() && session.swept.fetch_add(1, Ordering::Relaxed) < PARTING_SWEEPS
        });
    }
}

/// The front of one session.
pub(crate) struct Session {
    sid: u128,
    pipe: PipeEnd,
    /// What came out of the pipe and is not answered yet; held by who reads it.
    incoming: tokio::sync::Mutex<Incoming>,
    stage: Mutex<Stage>,
    /// Held by who posts: frames go into the pipe one after the other.
    outgoing: tokio::sync::Mutex<()>,
    /// Whether a WebSocket asks to take over, or has.
    relayed: AtomicBool,
    /// Told when a waiting poll is to look at the stage.
    changed: Notify,
    /// Silence after which the client is gone.
    patience: Duration,
    /// When the client posted last, by the monotonic clock; at first when it was opened.
    heard_at: Mutex<Duration>,
    /// How often a sweep found it parting.
    swept: AtomicU8,
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody polls.
    Idle,
    /// Somebody polls.
    Polled,
    /// A WebSocket has asked whether it may take over: polls are answered with nothing.
    Probed { polled: bool },
    /// A WebSocket has taken over.
    Upgraded,
    /// The client has ended it; a poll of its that is still on its way is answered too.
    Parting,
    /// It is over; the poll that waits is answered with this.
    Over(LastWord),
}

/// What the poll that waits is told at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastWord {
    /// The server ends it.
    Close,
    /// The client ended it.
    Noop,
}

#[derive(Default)]
struct Incoming {
    bytes: Vec<u8>,
    decoder: Option<Decoder>,
}

impl Session {
    fn new(sid: u128, pipe: PipeEnd, patience: Duration, now: Duration) -> Self {
        Self {
            patience,
            heard_at: Mutex::new(now),
            sid,
            pipe,
            incoming: tokio::sync::Mutex::default(),
            outgoing: tokio::sync::Mutex::default(),
            relayed: AtomicBool::new(false),
            stage: Mutex::new(Stage::Idle),
            changed: Notify::new(),
            swept: AtomicU8::new(0),
        }
    }

    fn is_there(&self) -> bool {
        let stage = *self.stage.lock();
        if stage != Stage::Parting {
            self.swept.store(0, Ordering::Relaxed);
        }
        match stage {
            Stage::Parting => true,
            Stage::Over(_) => false,
            Stage::Idle | Stage::Polled | Stage::Probed { .. } | Stage::Upgraded => {
                !self.pipe.is_over()
            }
        }
    }

    fn heard(&self, now: Duration) {
        *self.heard_at.lock() = now;
    }

    fn is_silent(&self, now: Duration) -> bool {
        let stage = *self.stage.lock();
        let silence = now.saturating_sub(*self.heard_at.lock());
        !matches!(stage, Stage::Upgraded | Stage::Parting) && silence >= self.patience
    }

    /// What a poll is told that has nothing else to wait for.
    fn last_word(&self) -> Option<Vec<u8>> {
        match *self.stage.lock() {
            Stage::Over(LastWord::Close) => Some(b"1".to_vec()),
            Stage::Over(LastWord::Noop)
            | Stage::Parting
            | Stage::Probed { .. }
            | Stage::Upgraded => Some(b"6".to_vec()),
            Stage::Idle | Stage::Polled => None,
        }
    }

    /// Whether a WebSocket may ask to take over.
    pub(crate) fn may_upgrade(&self) -> bool {
        matches!(*self.stage.lock(), Stage::Idle | Stage::Polled)
    }

    /// The client has ended it; a poll that waits, or the next one, is told.
    fn part(&self) {
        let mut stage = self.stage.lock();
        *stage = match *stage {
            Stage::Polled | Stage::Probed { polled: true } => Stage::Over(LastWord::Noop),
            _ => Stage::Parting,
        };
        drop(stage);
        self.pipe.shut();
        self.changed.notify_waiters();
    }

    /// Ends it, for the connection too.
    fn finish(&self, word: LastWord) {
        *self.stage.lock() = Stage::Over(word);
        self.pipe.shut();
        self.changed.notify_waiters();
    }

    /// Begins a poll.
    fn begin_poll(&self) -> Poll {
        let mut stage = self.stage.lock();
        match *stage {
            Stage::Idle => {
                *stage = Stage::Polled;
                Poll::Begun
            }
            Stage::Probed { polled: false } => {
                *stage = Stage::Probed { polled: true };
                Poll::Probed
            }
            Stage::Parting => {
                *stage = Stage::Over(LastWord::Noop);
                Poll::Last
            }
            Stage::Polled | Stage::Probed { polled: true } => Poll::Twice,
            Stage::Upgraded | Stage::Over(_) => Poll::Refused,
        }
    }

    fn end_poll(&self) {
        let mut stage = self.stage.lock();
        match *stage {
            Stage::Polled => *stage = Stage::Idle,
            Stage::Probed { .. } => *stage = Stage::Probed { polled: false },
            Stage::Idle | Stage::Upgraded | Stage::Over(_) | Stage::Parting => {}
        }
    }
}

/// Whether a poll may begin.
enum Poll {
    Begun,
    /// The client has ended the session: it is told so.
    Last,
    /// A WebSocket is about to take over.
    Probed,
    Refused,
    /// Another one waits: the session ends.
    Twice,
}

impl Incoming {
    /// Appends the whole packets that are there to a polling body, as many as fit. `false` after
    /// the connection's Close.
    fn take_packets(&mut self, out: &mut Vec<u8>) -> bool {
        let decoder = self
            .decoder
            .get_or_insert_with(|| Decoder::new(Role::Client, false));
        let limits = DecoderLimits {
            message_bytes: usize::MAX,
            fragments: u32::MAX,
        };
        let mut inflater = Inflater::new();
        let mut done = 0;
        let mut open = true;
        while let Some(rest) = self.bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            if out.len() > BODY_BYTES {
                break;
            }
            match decoder.decode(rest, &limits, &mut inflater) {
                Ok(Decoded::Frame { consumed, event }) => {
                    done += consumed;
                    match event {
                        Some(Event::Text(text)) => {
                            if !out.is_empty() {
                                out.push(SEPARATOR);
                            }
                            out.extend_from_slice(text.as_bytes());
                        }
                        Some(Event::Binary(bytes)) => {
                            Packet::Binary(bytes.into()).encode_polled(out);
                        }
                        Some(Event::Close(..)) => open = false,
                        Some(Event::Ping(_) | Event::Pong(_)) | None => {}
                    }
                }
                Ok(Decoded::Incomplete { .. }) => break,
                Err(_) => {
                    open = false;
                    break;
                }
            }
        }
        self.bytes.drain(..done);
        open
    }
}

/// Sweeps for which a parting session stays: about a second.
const PARTING_SWEEPS: u8 = 4;
/// Between the packets of a body.
const SEPARATOR: u8 = 0x1e;
/// A body that is longer takes no further packet.
const BODY_BYTES: usize = 64 * 1024;
