//! Answers, refusals and what is written down of them.

use std::borrow::Cow;

use conclave_core::{Denied, RoomFault};
use conclave_protocol::{CloseMeaning, Command, FrameKind, Present, Push, Refusal, Reply};
use conclave_websocket::{encode, encode_deflated};

use super::connection::{Connection, Surface};
use super::fan_out::opcode;
use super::rooms::Asked;
use super::with_deflater;
use crate::audit::{Event, Kind, Level};
use crate::metrics::Counter;

/// Where answers go: the frames of one read, and space for one payload.
pub(super) struct Answer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) payload: &'a mut Vec<u8>,
}

/// A command that was refused, as its answer names it.
pub(super) struct Refused<'a> {
    pub(super) refusal: Refusal,
    pub(super) message: Cow<'a, str>,
    pub(super) word: &'static str,
    pub(super) topic: Option<&'a str>,
}

impl Connection {
    /// How it is shown to others in a topic.
    pub(super) fn present(&self) -> Present {
        let principal = self.principal.borrow();
        let state = self.state.borrow();
        let name = self
            .publisher(&principal, state.name.as_deref())
            .shown_name()
            .map(Box::from);
        Present {
            user: principal.user.clone(),
            name,
        }
    }

    /// Refuses a message over the rate; `strike` writes that down, once for many.
    pub(super) fn refuse_rate(&self, out: &mut Vec<u8>, payload: &mut Vec<u8>) {
        let message = self.too_fast();
        self.worker.counters.add(Counter::Refusals, 1);
        let refusal = Refusal::RateLimited;
        let reply = Reply::Refused {
            refusal,
            message,
            command: "message",
            topic: None,
        };
        self.reply(&reply, &mut Answer { out, payload });
        self.strike(out);
    }

    fn too_fast(&self) -> Cow<'static, str> {
        let limit = self.worker.node.limits.messages_per_second;
        Cow::Owned(format!("at most {limit} messages per second"))
    }

    /// As [`Connection::refuse_rate`] for a decoded command, by the ack that it asked for.
    pub(super) fn refuse_command_rate(
        &self,
        word: &'static str,
        command: Command<'_>,
        out: &mut Vec<u8>,
        payload: &mut Vec<u8>,
    ) {
        let message = self.too_fast();
        let answer = &mut Answer { out, payload };
        match command {
            Command::Room(tag, _) => {
                let fault = RoomFault::Refused {
                    refusal: Refusal::RateLimited,
                    message,
                };
                self.refuse_room(&Asked { tag, word }, &fault, answer);
            }
            // Goodbye is always heard.
            Command::Disconnect => self.leave_gateway(),
            Command::Broadcast(_)
            | Command::Connect(_)
            | Command::Ping
            | Command::Publish(_)
            | Command::RegisterName(_)
            | Command::RegisterSession(_)
            | Command::Renew(_)
            | Command::Subscribe(_)
            | Command::TopicPresence(_)
            | Command::Unsubscribe(_)
            | Command::Wallet(_) => {
                let refused = Refused {
                    refusal: Refusal::RateLimited,
                    message,
                    word,
                    topic: None,
                };
                self.refuse(refused, answer);
                self.strike(answer.out);
            }
        }
    }

    pub(super) fn refuse_reply(&self, reply: &Reply<'_>, out: &mut Vec<u8>, payload: &mut Vec<u8>) {
        self.worker.counters.add(Counter::Refusals, 1);
        let said: Option<(&str, &str)> = match reply {
            Reply::Refused {
                message, command, ..
            } => Some((command, message)),
            Reply::RoomRefused {
                message, command, ..
            } => Some((command, message)),
            Reply::Done { .. }
            | Reply::Pong
            | Reply::Presence { .. }
            | Reply::Renewed
            | Reply::Room { .. }
            | Reply::Wallet { .. } => None,
        };
        if let Some((command, message)) = said {
            self.audit(Kind::ProtocolViolation, &format!("{command}: {message}"));
        }
        self.reply(reply, &mut Answer { out, payload });
    }

    pub(super) fn deny(
        &self,
        denied: Denied,
        word: &'static str,
        topic: Option<&str>,
        answer: &mut Answer<'_>,
    ) {
        let message = Cow::Owned(denied.to_string());
        self.refuse(
            Refused {
                refusal: denied.refusal(),
                message,
                word,
                topic,
            },
            answer,
        );
    }

    pub(super) fn refuse(&self, refused: Refused<'_>, answer: &mut Answer<'_>) {
        let Refused {
            refusal,
            message,
            word,
            topic,
        } = refused;
        self.worker.counters.add(Counter::Refusals, 1);
        self.count_limit(refusal);
        let kind = match refusal {
            Refusal::RateLimited | Refusal::TooLarge => Kind::LimitHit,
            Refusal::BadRequest
            | Refusal::Conflict
            | Refusal::Forbidden
            | Refusal::Internal
            | Refusal::NotFound
            | Refusal::Unauthenticated
            | Refusal::Unavailable
            | Refusal::UnknownCommand => Kind::PermissionDenied,
        };
        self.audit(kind, &format!("{word}: {message}"));
        let topic = topic.map(Cow::Borrowed);
        self.reply(
            &Reply::Refused {
                refusal,
                message,
                command: word,
                topic,
            },
            answer,
        );
    }

    pub(super) fn reply(&self, reply: &Reply<'_>, answer: &mut Answer<'_>) {
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
        let now = self.worker.node.clock.now();
        self.encode_with(answer, |payload| {
            dialect.encode_reply(&self.state.borrow(), reply, now, payload)
        });
    }

    pub(super) fn push(&self, push: &Push<'_>, answer: &mut Answer<'_>) {
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
        self.encode_with(answer, |payload| {
            dialect.encode_push(&self.state.borrow(), push, payload)
        });
    }

    pub(super) fn encode_with(
        &self,
        answer: &mut Answer<'_>,
        write: impl FnOnce(&mut Vec<u8>) -> Option<FrameKind>,
    ) {
        answer.payload.clear();
        let Some(kind) = write(answer.payload) else {
            return;
        };
        let payload = &*answer.payload;
        match self.deflate {
            Some(bits) if payload.len() > DEFLATE_BYTES_MIN && payload.len() <= 1 << bits => {
                with_deflater(|deflater| {
                    encode_deflated(opcode(kind), payload, deflater, answer.out);
                });
            }
            Some(_) | None => encode(opcode(kind), payload, answer.out),
        }
    }

    /// Counts a `rate_limited`; too many of them in a short time close the connection, behind the
    /// answers in `out`.
    pub(super) fn strike(&self, out: &mut Vec<u8>) {
        self.worker.counters.add(Counter::MessagesLimited, 1);
        let now = self.worker.seconds();
        let (count, since) = self.strikes.get();
        let (count, since) = if now.saturating_sub(since) >= STRIKE_SECONDS {
            (0, now)
        } else {
            (count, since)
        };
        self.strikes.set((count.saturating_add(1), since));
        if count == 0 {
            self.audit(Kind::LimitHit, "limits.messages_per_second");
        }
        if count + 1 >= STRIKES_MAX {
            self.send(out);
            out.clear();
            self.close(CloseMeaning::RateLimited);
        }
    }

    /// Writes an audit line about this connection.
    pub(super) fn audit(&self, kind: Kind, detail: &str) {
        self.audit_at(kind.level(), kind, detail);
    }

    /// As [`Connection::audit`], where it matters more or less than its kind usually does.
    pub(super) fn audit_at(&self, level: Level, kind: Kind, detail: &str) {
        let node = &self.worker.node;
        let principal = self.principal.borrow();
        let mut event = Event::new(kind, node.clock.now())
            .level(level)
            .session(&principal.session.shown())
            .connection(self.id)
            .ip(self.address)
            .detail(detail);
        if let Some(user) = &principal.user {
            event = event.user(user.as_str());
        }
        node.audit.record(event);
    }
}

const DEFLATE_BYTES_MIN: usize = 256;
const STRIKES_MAX: u8 = 100;
const STRIKE_SECONDS: u32 = 10;
