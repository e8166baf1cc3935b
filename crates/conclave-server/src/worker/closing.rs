//! How a connection ends (identity.md, "Refused handshakes, closed connections").

use conclave_protocol::{CloseMeaning, Disconnect, Start};
use conclave_websocket::{Opcode, encode, encode_close};

use super::connection::{Connection, Phase, Surface};
use super::outbox::Outbox;
use crate::audit::{Kind, Level};
use crate::metrics::Counter;
use std::rc::Rc;

impl Connection {
    /// Closes with the dialect's code; what is queued is still sent.
    pub(super) fn close(&self, meaning: CloseMeaning) {
        let Disconnect { code, reason, .. } = self.disconnect(meaning);
        self.close_as(meaning, code, reason);
    }

    /// Closes with the dialect's code; of what is queued only a frame already begun is sent.
    pub(super) fn cut(&self, meaning: CloseMeaning) {
        self.drop_queued();
        self.close(meaning);
    }

    /// Closes because somebody with the right to do so wishes it, as [`Connection::cut`] unless
    /// they give another code or reason.
    pub(super) fn kick(&self, code: Option<u16>, reason: Option<&str>) {
        self.drop_queued();
        let usual = self.disconnect(CloseMeaning::Kicked);
        let (code, reason) = (code.unwrap_or(usual.code), reason.unwrap_or(usual.reason));
        self.close_as(CloseMeaning::Kicked, code, reason);
    }

    fn close_as(&self, meaning: CloseMeaning, code: u16, reason: &str) {
        self.note_close(meaning, code);
        self.say_farewell(meaning);
        self.end(code, reason);
    }

    fn drop_queued(&self) {
        if let Some(outbox) = self.outbox.borrow_mut().as_mut() {
            outbox.keep_started_frame();
        }
    }

    /// Closes for a breach of RFC 6455.
    pub(super) fn violated(&self, code: u16, reason: &'static str) {
        self.worker.counters.add(Counter::Violations, 1);
        self.audit(Kind::ProtocolViolation, reason);
        self.end(code, reason);
    }

    /// What a surface of rooms says before its Close. Who was sent away does not come back as
    /// the same connection.
    fn say_farewell(&self, meaning: CloseMeaning) {
        if self.start_kind == Start::Topics || self.phase.get() != Phase::Open {
            return;
        }
        if matches!(
            meaning,
            CloseMeaning::InvalidToken
                | CloseMeaning::Kicked
                | CloseMeaning::Forbidden
                | CloseMeaning::Superseded
        ) {
            self.end_gateway();
        }
        if let Surface::Dialect(dialect) = self.surface {
            let frames = dialect.farewell(&self.state.borrow(), meaning);
            self.send_own(&frames);
        }
    }

    fn disconnect(&self, meaning: CloseMeaning) -> Disconnect {
        match self.surface {
            Surface::Dialect(dialect) => dialect.disconnect(meaning),
            Surface::Echo => Disconnect {
                code: 1001,
                reason: "",
                may_return: true,
            },
        }
    }

    fn note_close(&self, meaning: CloseMeaning, code: u16) {
        let kind = match meaning {
            CloseMeaning::GoingAway | CloseMeaning::Left | CloseMeaning::Superseded => return,
            CloseMeaning::InvalidToken | CloseMeaning::Kicked => Kind::ConnectionCut,
            CloseMeaning::BinaryFrame
            | CloseMeaning::Malformed
            | CloseMeaning::MissingToken
            | CloseMeaning::Silent => Kind::ProtocolViolation,
            CloseMeaning::Forbidden | CloseMeaning::InvalidPayload => Kind::PermissionDenied,
            CloseMeaning::RateLimited
            | CloseMeaning::SlowReader
            | CloseMeaning::TooManyConnections => Kind::LimitHit,
        };
        self.audit(kind, &format!("closed with {code}: {meaning:?}"));
    }

    /// The socket ended without a Close. Networks do that too, so it is worth no warning.
    pub(super) fn note_vanished(&self) {
        self.audit_at(
            Level::Info,
            Kind::ProtocolViolation,
            "ended without a Close",
        );
    }

    fn end(&self, code: u16, reason: &str) {
        if !matches!(self.phase.get(), Phase::Open | Phase::Answering(_)) {
            return;
        }
        let mut frame = Vec::new();
        encode_close(code, reason, &mut frame);
        self.finish(frame, CLOSE_SECONDS);
    }

    /// Puts a Close behind what is queued; the rest is up to the connection's task.
    fn finish(&self, frame: Vec<u8>, seconds: u32) {
        self.phase.set(Phase::Closed);
        self.outbox
            .borrow_mut()
            .get_or_insert_default()
            .push(Rc::from(frame), 0);
        self.memberships.borrow_mut().clear();
        self.job.borrow_mut().take();
        self.forget_rooms();
        self.close_by
            .set(self.worker.seconds().saturating_add(seconds));
        self.worker.schedule(self);
        self.flush();
        self.wake();
    }

    /// The next step of a connection that is ending; true where one was made. `written` says
    /// that nothing is left to write.
    pub(super) fn advance_closing(&self, written: bool) -> bool {
        match self.phase.get() {
            Phase::Answering(code) if self.in_flight.get() == 0 && !self.holds_own() => {
                let mut frame = Vec::new();
                if code == 0 {
                    encode(Opcode::Close, &[], &mut frame);
                } else {
                    encode_close(code, "", &mut frame);
                }
                if self.outbox.borrow().is_none() && !self.stream.borrow().has_unsent() {
                    let ended = self.stream.borrow_mut().write_last(&frame);
                    // With an error nobody is left to be told.
                    if ended.unwrap_or(true) {
                        self.phase.set(Phase::Dead);
                        return true;
                    }
                }
                self.finish(frame, CLOSE_SECONDS);
                self.phase.set(Phase::Answered);
                true
            }
            // The peer said that it is done: nothing of it is waited for.
            Phase::Answered if written => {
                self.stream.borrow_mut().part();
                self.die();
                true
            }
            Phase::Closed if written => {
                if self.stream.borrow_mut().shut().is_err() {
                    self.die();
                }
                if self.phase.get() == Phase::Closed {
                    self.phase.set(Phase::Lingering);
                }
                true
            }
            Phase::Answered
            | Phase::Answering(_)
            | Phase::Closed
            | Phase::Dead
            | Phase::Lingering
            | Phase::Open => false,
        }
    }

    /// A publication of this connection has reached everybody on its own worker.
    pub(super) fn settle(&self) {
        let left = self.in_flight.get().saturating_sub(1);
        self.in_flight.set(left);
        if left == 0 && matches!(self.phase.get(), Phase::Answering(_)) {
            self.wake();
        }
    }

    /// Whether anything of the outbox is left, for draining.
    pub(super) fn outbox_bytes(&self) -> usize {
        self.outbox
            .borrow()
            .as_ref()
            .map_or(0, |outbox| Outbox::bytes(outbox))
    }
}

/// How long a peer may take to read our Close and to end its side.
const CLOSE_SECONDS: u32 = 2;
