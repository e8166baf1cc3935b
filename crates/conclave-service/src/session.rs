//! One connection's way through the service: message in, answer out, without a socket.

use std::time::Duration;

use conclave_protocol::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::address::Parameters;
use crate::audit::{AuditEvent, AuditKind};
use crate::auth::{Claims, Granted};
use crate::connection::Connection;
use crate::context::MessageContext;
use crate::dispatch::{Call, Dispatch};
use crate::envelope::{Envelope, EnvelopeError, Head, write_error};
use crate::ids::{IdText, stamp};
use crate::limits::{Allowance, Limits, Pace};
use crate::placing::{at, place};
use crate::service::Service;
use crate::spec::{Correlation, OperationSpec};
use crate::spelling::{Spelling, respell_envelope, respell_path, respell_payload};
use crate::{AsyncApiError, AsyncApiResult, ErrorCode, ErrorDetail};

/// An open connection, fed with its messages one after the other. Its end, by drop, ends its
/// subscriptions.
///
/// The transports of this crate feed it; a server with sockets of its own may do so too.
pub struct Session<D: Dispatch> {
    service: Service<D>,
    context: MessageContext,
    granted: Granted,
    expires_at: Option<Timestamp>,
    renewals: u64,
    allowance: Allowance,
    stamp: String,
    stamp_seconds: u64,
    refused: Option<Refused>,
}

/// A message that was answered with an error, for servers with an audit of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The operation that was asked for, at most 128 bytes; empty where the message names none.
    pub operation: String,
    /// What the client was told.
    pub code: ErrorCode,
    /// What exactly was wrong. Never a token or a payload.
    pub detail: String,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    GoOn,
    /// It must be closed with this code, after what is in `out`.
    End {
        /// The close code.
        code: u16,
        /// The reason: ASCII, at most 123 bytes.
        reason: &'static str,
    },
}

impl<D: Dispatch> Session<D> {
    pub(crate) fn new(service: Service<D>, connection: Connection) -> Self {
        let standing = connection.standing();
        let stamps = service.0.stamps.clone();
        Self {
            granted: standing.granted,
            expires_at: standing.identity.expires_at(),
            renewals: connection.renewals(),
            allowance: Allowance::new(&service.0.limits),
            stamp: String::new(),
            stamp_seconds: u64::MAX,
            refused: None,
            context: MessageContext {
                claims: standing.identity.claims().cloned(),
                connection,
                operation: "",
                message_id: None,
                timestamp: None,
                correlation_id: None,
                channel: String::new(),
                parameters: Parameters::default(),
                headers: None,
                now: Timestamp::default(),
                stamps,
            },
            service,
        }
    }

    /// The connection.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.context.connection
    }

    /// How long what the connection rests on still holds; `None` where it does not end.
    pub fn expires_in(&mut self) -> Option<Duration> {
        self.refresh();
        let now = self.service.0.stamps.clock().now();
        self.expires_at.map(|end| end.since(now))
    }

    /// The service's bounds.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.service.0.limits
    }

    /// Serves one message; `out` then holds the envelope to answer with, or nothing.
    pub async fn receive(&mut self, text: &str, out: &mut Vec<u8>) -> Verdict {
        out.clear();
        self.begin();
        if let Some(verdict) = self.expired_by(self.context.now) {
            return verdict;
        }
        let clock = self.service.0.stamps.clock();
        let pace = self.allowance.take(|| clock.monotonic());
        let decoded = match Envelope::decode(text) {
            Ok(envelope) if pace == Pace::Fine => envelope,
            Ok(envelope) => return self.slow_down(pace, &envelope, out),
            Err(error) => return self.refuse_malformed(pace, &error, out),
        };
        // The document's places hold for the document's spelling.
        let foreign = self.foreign_spelling(decoded.payload);
        let asked = foreign.map(|(_, asked)| asked);
        let respelled = foreign.and_then(|(own, _)| respell_payload(decoded.payload, own));
        let decoded = Envelope {
            payload: respelled.as_deref().unwrap_or(decoded.payload),
            ..decoded
        };
        let route = match self.prepare(&decoded) {
            Ok(route) => route,
            Err(error) => {
                self.refuse(&decoded.operation, &error, out);
                return Verdict::GoOn;
            }
        };
        let id = self.service.0.stamps.id();
        match self.serve(route, decoded.payload, &id, out).await {
            Ok(()) => self.answer_in(asked, out),
            Err(error) => {
                let error = respelled_error(error, asked);
                self.refuse(self.context.operation, &error, out);
            }
        }
        Verdict::GoOn
    }

    /// The document's spelling and the payload's, where they differ.
    fn foreign_spelling(&self, payload: &RawValue) -> Option<(Spelling, Spelling)> {
        let own = self.service.0.spec.spelling?;
        let asked = Spelling::of(payload.get())?;
        self.context.connection.asked_in(asked);
        (asked != own).then_some((own, asked))
    }

    /// Spells the answer as the question was.
    fn answer_in(&self, asked: Option<Spelling>, out: &mut Vec<u8>) {
        let Some(asked) = asked else {
            return;
        };
        let respelled = std::str::from_utf8(out)
            .ok()
            .and_then(|text| respell_envelope(text, asked));
        if let Some(respelled) = respelled {
            *out = respelled;
        }
    }

    /// Answers for a message whose handler was given up.
    pub fn abandon(&mut self, out: &mut Vec<u8>) {
        let error = AsyncApiError::unavailable("the operation took too long");
        self.refuse(self.context.operation, &error, out);
    }

    /// Answers a message with this error, as `receive` would, and does nothing else: for servers
    /// that count their clients' messages themselves.
    pub fn decline(&mut self, text: &str, error: &AsyncApiError, out: &mut Vec<u8>) {
        out.clear();
        self.begin();
        let (operation, correlation) = match Envelope::decode(text) {
            Ok(envelope) => (
                Some(String::from(envelope.operation)),
                envelope.correlation_id.map(String::from),
            ),
            Err(fault) => (
                fault.operation.map(String::from),
                fault.correlation_id.map(String::from),
            ),
        };
        assign(&mut self.context.correlation_id, correlation.as_deref());
        self.refuse(operation.as_deref().unwrap_or_default(), error, out);
    }

    /// How the last message was refused, where it was; told once.
    pub fn take_refused(&mut self) -> Option<Refused> {
        self.refused.take()
    }

    async fn serve(
        &self,
        route: usize,
        payload: &RawValue,
        id: &IdText,
        out: &mut Vec<u8>,
    ) -> AsyncApiResult<()> {
        let core = &self.service.0;
        let operation = core.spec.operation(route);
        let headers = operation.and_then(|operation| self.reply_headers(operation));
        let mut call = Call {
            payload,
            context: &self.context,
            head: Head {
                headers: headers.as_deref(),
                ..self.head(self.context.operation, id)
            },
            out,
        };
        core.dispatch.dispatch(route, &mut call).await
    }

    /// Takes the time, and what a renewal changed.
    fn begin(&mut self) {
        self.refused = None;
        let now = self.service.0.stamps.clock().now();
        self.context.now = now;
        // An answer to what has no channel must not name that of the message before.
        self.context.channel.clear();
        if now.seconds() != self.stamp_seconds {
            self.stamp_seconds = now.seconds();
            self.stamp = stamp(now);
        }
        self.refresh();
    }

    fn refresh(&mut self) {
        let renewals = self.context.connection.renewals();
        if renewals == self.renewals {
            return;
        }
        let standing = self.context.connection.standing();
        self.renewals = renewals;
        self.granted = standing.granted;
        self.expires_at = standing.identity.expires_at();
        self.context.claims = standing.identity.claims().cloned();
    }

    /// Whether the credential has ended by now.
    pub(crate) fn expired(&mut self) -> Option<Verdict> {
        self.refresh();
        self.expired_by(self.service.0.stamps.clock().now())
    }

    fn expired_by(&self, now: Timestamp) -> Option<Verdict> {
        self.expires_at.filter(|end| *end <= now)?;
        self.audit(
            AuditKind::ConnectionEnded,
            None,
            "",
            "the credential has ended",
        );
        Some(Verdict::End {
            code: 4001,
            reason: "the credential has expired",
        })
    }

    /// Fills the context; gives the operation's position where the message may go on.
    fn prepare(&mut self, envelope: &Envelope<'_>) -> AsyncApiResult<usize> {
        let core = &self.service.0;
        let context = &mut self.context;
        assign(
            &mut context.correlation_id,
            envelope.correlation_id.as_deref(),
        );
        let route = core.spec.route(&envelope.operation);
        let route = route.filter(|route| core.gate.is_received(*route));
        let found = route.and_then(|route| Some((route, core.spec.operation(route)?)));
        let (route, operation) = found.ok_or_else(AsyncApiError::unknown_operation)?;
        context.operation = operation.name();
        assign(&mut context.message_id, envelope.id.as_deref());
        assign(&mut context.timestamp, envelope.timestamp.as_deref());
        let headers = envelope.headers.filter(|headers| headers.get() != "{}");
        context.headers = headers.map(RawValue::to_owned);
        let located = located(operation.correlation, envelope);
        if let Some(id) = located.filter(|id| id.len() <= CORRELATION_BYTES_MAX) {
            context.correlation_id = Some(id);
        }
        if !self.granted.get(route).copied().unwrap_or(false) {
            return Err(match &self.context.claims {
                None => AsyncApiError::unauthenticated("the operation needs a credential"),
                Some(_) => AsyncApiError::forbidden("the credential does not allow this"),
            });
        }
        let channel = operation.channel_place();
        let spec = core.spec.channel(channel);
        let spec = spec.ok_or_else(AsyncApiError::unknown_operation)?;
        let bound = context.connection.bound_address();
        let (address, parameters) = place(spec, channel, bound, envelope)?;
        context.channel.push_str(&address);
        context.parameters = parameters;
        Ok(route)
    }

    fn slow_down(&mut self, pace: Pace, envelope: &Envelope<'_>, out: &mut Vec<u8>) -> Verdict {
        assign(
            &mut self.context.correlation_id,
            envelope.correlation_id.as_deref(),
        );
        let error = AsyncApiError::rate_limited("too many messages");
        self.refuse(&envelope.operation, &error, out);
        after(pace)
    }

    fn refuse_malformed(
        &mut self,
        pace: Pace,
        fault: &EnvelopeError,
        out: &mut Vec<u8>,
    ) -> Verdict {
        assign(
            &mut self.context.correlation_id,
            fault.correlation_id.as_deref(),
        );
        let operation = fault.operation.as_deref().unwrap_or_default();
        self.refuse(operation, &fault.fault.error(), out);
        after(pace)
    }

    /// Answers with an error, and tells the audit.
    fn refuse(&mut self, operation: &str, error: &AsyncApiError, out: &mut Vec<u8>) {
        out.clear();
        let id = self.service.0.stamps.id();
        write_error(&self.head(operation, &id), error, out);
        let kind = match error.code() {
            ErrorCode::RateLimited => AuditKind::LimitHit,
            _ => AuditKind::OperationRefused,
        };
        let source = std::error::Error::source(error).map(ToString::to_string);
        let detail = source.unwrap_or_else(|| error.to_string());
        self.audit(kind, Some(error.code()), operation, &detail);
        self.refused = Some(Refused {
            operation: operation.to_owned(),
            code: error.code(),
            detail,
        });
    }

    fn audit(&self, kind: AuditKind, code: Option<ErrorCode>, operation: &str, detail: &str) {
        let context = &self.context;
        self.service.0.audit.record(&AuditEvent {
            connection: Some(context.connection.id()),
            user: context.claims.as_ref().map(Claims::subject),
            address: context.connection.peer(),
            operation: Some(operation).filter(|operation| !operation.is_empty()),
            correlation_id: context.correlation_id.as_deref(),
            code,
            ..self.service.event(kind, detail)
        });
    }

    /// Tells the audit that a limit of the connection was hit.
    pub(crate) fn limit_hit(&self, detail: &str) {
        self.audit(AuditKind::LimitHit, None, "", detail);
    }

    fn head<'a>(&'a self, operation: &'a str, id: &'a IdText) -> Head<'a> {
        let channel = self.context.channel.as_str();
        Head {
            id: id.as_str(),
            operation,
            timestamp: &self.stamp,
            correlation_id: self.context.correlation_id.as_deref(),
            channel: Some(channel).filter(|channel| !channel.is_empty()),
            headers: None,
        }
    }

    /// The reply's headers, where its correlation id stands among them.
    fn reply_headers(&self, operation: &OperationSpec) -> Option<Box<RawValue>> {
        let Correlation::Header(pointer) = operation.reply_correlation else {
            return None;
        };
        header(pointer, self.context.correlation_id.as_deref()?)
    }
}

impl<D: Dispatch> Drop for Session<D> {
    fn drop(&mut self) {
        let core = &self.service.0;
        core.hub.close(&self.context.connection);
        core.subscriptions.closed(&self.context.connection);
    }
}

impl<D: Dispatch> std::fmt::Debug for Session<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.context.connection.id())
    }
}

/// Names the fields as the client does.
fn respelled_error(error: AsyncApiError, asked: Option<Spelling>) -> AsyncApiError {
    let Some(asked) = asked else {
        return error;
    };
    let details = error.details().to_vec();
    let respelled = details.into_iter().map(|detail| ErrorDetail {
        field: respell_path(&detail.field, asked),
        ..detail
    });
    error.with_details(respelled.collect())
}

fn after(pace: Pace) -> Verdict {
    match pace {
        Pace::Fine | Pace::TooFast => Verdict::GoOn,
        Pace::Hopeless => Verdict::End {
            code: 1008,
            reason: "too many messages",
        },
    }
}

/// The correlation id at the place that the document names.
fn located(correlation: Correlation, envelope: &Envelope<'_>) -> Option<String> {
    match correlation {
        Correlation::Envelope => None,
        Correlation::Header(pointer) => at(envelope.headers?, pointer),
        Correlation::Payload(pointer) => at(envelope.payload, pointer),
    }
}

/// Headers with nothing but this text, at this JSON pointer.
pub(crate) fn header(pointer: &str, text: &str) -> Option<Box<RawValue>> {
    let names = pointer.rsplit('/').filter(|name| !name.is_empty());
    let headers = names.fold(Value::from(text), |inner, name| {
        let name = name.replace("~1", "/").replace("~0", "~");
        Value::Object([(name, inner)].into_iter().collect())
    });
    serde_json::value::to_raw_value(&headers).ok()
}

/// Puts a text into a place that keeps its memory.
fn assign(place: &mut Option<String>, text: Option<&str>) {
    let Some(text) = text else {
        *place = None;
        return;
    };
    let kept = place.get_or_insert_default();
    kept.clear();
    kept.push_str(text);
}

/// As in the envelope.
const CORRELATION_BYTES_MAX: usize = 128;
