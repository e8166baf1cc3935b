//! Requests of a generated service: the worker's connection gives each text to the service's
//! router, whose handlers ask the core, and writes what it answers. Everything else (frames, limits,
//! rooms, renewal, the end) is as on every surface.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use conclave_core::{Origin, authorise};
use conclave_protocol::{CloseMeaning, FrameKind, ReadOwn, Refusal};
use conclave_service::{
    AsyncApiError, AsyncApiResult, Claims, Connection as Handle, ErrorCode, Queued, Refused,
    Verdict,
};

use super::answer::Answer;
use super::connection::{Connection, Phase};
use super::past::Past;
use super::standing::Outcome;
use crate::audit::Kind;
use crate::metrics::{Counter, Timed};
use crate::service::{Caller, ChatSession, ServiceDialect, proved};

/// What a connection of a generated service keeps.
pub(super) struct Calls {
    /// `None` while a request is served.
    session: Option<Box<ChatSession>>,
    /// The connection as the service knows it.
    handle: Handle,
    /// The connection as its handlers know it.
    caller: Arc<Caller>,
}

/// A request that was served.
pub(super) struct Called {
    session: Box<ChatSession>,
    answer: Vec<u8>,
    verdict: Verdict,
    /// When it came, by the monotonic clock.
    came: Duration,
}

impl Connection {
    /// Opens the service for whom the handshake has proved.
    pub(super) fn open_calls(&self) {
        let Some(identity) = proved(&self.principal.borrow()) else {
            return self.close(CloseMeaning::MissingToken);
        };
        let service = self.worker.node.service.clone();
        let peer: IpAddr = self.address;
        self.start(async move {
            let opened = service.open(identity, Some(peer), None).await;
            Outcome::Opened(opened.map(Box::new))
        });
    }

    /// It hears its user's feed, and all rooms that the user is a member of.
    pub(super) fn calls_opened(&self, opened: AsyncApiResult<Box<ChatSession>>) {
        let session = match opened {
            Ok(session) => session,
            Err(error) => {
                tracing::error!(error = %error, "a connection cannot be opened");
                return self.close(CloseMeaning::GoingAway);
            }
        };
        let node = &self.worker.node;
        let principal = Arc::clone(&self.principal.borrow());
        let origin = Origin {
            connection: self.id,
            worker: self.worker.number,
        };
        let required = node.required_permissions(self.kind);
        let caller = Arc::new(Caller::new(origin, Arc::clone(&principal), required));
        let handle = session.connection().clone();
        handle.attach(Arc::clone(&caller) as _);
        if let Some(spelling) = ServiceDialect::chosen(&self.state.borrow()) {
            handle.spell(spelling);
        }
        if let Some(mut side) = self.side() {
            side.calls = Some(Calls {
                session: Some(session),
                handle,
                caller,
            });
        }
        // Who it is may have changed while the service was opened.
        self.tell_handlers();
        if self.phase.get() != Phase::Open {
            return;
        }
        self.hear_feed();
        self.keep_name(&principal);
        let Ok(permit) = authorise(&principal, ReadOwn) else {
            return;
        };
        let rooms = Arc::clone(&node.rooms);
        self.start_past(async move { Past::Rooms(rooms.rooms_of(&permit).await, None) });
    }

    /// Another principal is in force.
    pub(super) fn tell_handlers(&self) {
        let principal = Arc::clone(&self.principal.borrow());
        let Some(side) = self.side() else { return };
        let Some(calls) = &side.calls else { return };
        calls.caller.put(Arc::clone(&principal));
        let claims = Claims::of_principal(&principal, None);
        let renewed = claims.map(|claims| calls.handle.renew(claims));
        drop(side);
        if !matches!(renewed, Some(Ok(()))) {
            self.close(CloseMeaning::Forbidden);
        }
    }

    /// A request came.
    pub(super) fn call(&self, text: &str, answer: &mut Answer<'_>) {
        let session = self
            .side()
            .and_then(|mut side| side.calls.as_mut()?.session.take());
        // Nothing is read before it is open, nor while a request is served.
        let Some(mut session) = session else {
            return self.close(CloseMeaning::GoingAway);
        };
        let came = self.worker.node.clock.monotonic();
        let mut out = Vec::new();
        if !self.within_rate() {
            let limit = self.worker.node.limits.messages_per_second;
            let words = format!("at most {limit} messages per second");
            session.decline(text, &AsyncApiError::rate_limited(words), &mut out);
            let called = Called {
                session,
                answer: out,
                verdict: Verdict::GoOn,
                came,
            };
            return self.called(called, answer);
        }
        let text = text.to_owned();
        self.start(async move {
            let verdict = session.receive(&text, &mut out).await;
            Outcome::Called(Box::new(Called {
                session,
                answer: out,
                verdict,
                came,
            }))
        });
    }

    /// A request was served: a renewal counts, the answer is written.
    pub(super) fn called(&self, called: Called, answer: &mut Answer<'_>) {
        let Called {
            mut session,
            answer: written,
            verdict,
            came,
        } = called;
        let refused = session.take_refused();
        if let Some(spelling) = session.connection().spelling() {
            ServiceDialect::asked_in(&mut self.state.borrow_mut(), spelling);
        }
        let renewed = self.side().and_then(|mut side| {
            let calls = side.calls.as_mut()?;
            calls.session = Some(session);
            calls.caller.take_renewed()
        });
        if let Some(renewed) = renewed {
            self.take_principal(renewed, answer);
        }
        self.text(&written, answer);
        if let Some(refused) = refused {
            self.note_refused(&refused, answer);
        }
        if let Verdict::End { .. } = verdict {
            self.send(answer.out);
            answer.out.clear();
            self.close(CloseMeaning::InvalidToken);
        }
        let took = self.worker.node.clock.monotonic().saturating_sub(came);
        self.worker.latencies.add(Timed::Command, took);
    }

    fn note_refused(&self, refused: &Refused, answer: &mut Answer<'_>) {
        self.worker.counters.add(Counter::Refusals, 1);
        let kind = match refused.code {
            ErrorCode::TooLarge => {
                self.count_limit(Refusal::TooLarge);
                Some(Kind::LimitHit)
            }
            ErrorCode::RateLimited => Some(Kind::LimitHit),
            ErrorCode::Forbidden | ErrorCode::NotFound | ErrorCode::Unauthenticated => {
                Some(Kind::PermissionDenied)
            }
            ErrorCode::InvalidPayload | ErrorCode::UnknownOperation => {
                Some(Kind::ProtocolViolation)
            }
            ErrorCode::Conflict | ErrorCode::Internal | ErrorCode::Unavailable => None,
        };
        if let Some(kind) = kind {
            self.audit(kind, &format!("{}: {}", refused.operation, refused.detail));
        }
        if refused.code == ErrorCode::Internal {
            tracing::error!(error = refused.detail, "a handler failed");
        }
        if refused.code == ErrorCode::RateLimited {
            self.strike(answer.out);
        }
    }

    /// Writes what handlers have queued beside their answers.
    pub(super) fn poll_queued(&self, context: &mut Context<'_>) {
        let handle = self
            .side()
            .and_then(|side| Some(side.calls.as_ref()?.handle.clone()));
        let Some(handle) = handle else { return };
        while self.phase.get() == Phase::Open {
            let Poll::Ready(queued) = handle.poll_queued(context) else {
                return;
            };
            let Queued::Text(text) = queued else {
                return self.close(CloseMeaning::SlowReader);
            };
            let (mut out, mut payload) = (Vec::new(), Vec::new());
            let answer = &mut Answer {
                out: &mut out,
                payload: &mut payload,
            };
            self.text(&text, answer);
            self.send(&out);
        }
    }

    fn text(&self, text: &[u8], answer: &mut Answer<'_>) {
        if text.is_empty() {
            return;
        }
        self.encode_with(answer, |payload| {
            payload.extend_from_slice(text);
            Some(FrameKind::Text)
        });
    }
}
