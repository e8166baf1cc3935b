//! Who was refused what.

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;

use conclave_protocol::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;

use crate::{ConnectionId, ErrorCode};

/// Gets every event that concerns security, as it happens. Must not block for long: it is called
/// where connections are served.
pub trait Audit: Send + Sync {
    /// Takes one event. No event holds a token, a password or a payload.
    fn record(&self, event: &AuditEvent<'_>);
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// A connection ended because its token did, or was withdrawn.
    ConnectionEnded,
    /// A handshake proved what it must.
    HandshakeAccepted,
    /// A handshake was refused.
    HandshakeRefused,
    /// A connection or a message was over a limit.
    LimitHit,
    /// A message was refused: see `code`.
    OperationRefused,
}

/// One event. All texts are as they came, so a writer must escape them.
#[derive(Clone, Copy, Debug)]
pub struct AuditEvent<'a> {
    /// What happened.
    pub kind: AuditKind,
    /// When.
    pub at: Timestamp,
    /// The connection, where it had come so far.
    pub connection: Option<ConnectionId>,
    /// Who, where that was proved.
    pub user: Option<&'a str>,
    /// The address at the other end of the socket.
    pub address: Option<IpAddr>,
    /// The operation that was asked for, at most 128 bytes.
    pub operation: Option<&'a str>,
    /// Of the message, at most 128 bytes.
    pub correlation_id: Option<&'a str>,
    /// What the client was told.
    pub code: Option<ErrorCode>,
    /// What exactly was wrong, for whoever runs the service.
    pub detail: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    ts: String,
    event: AuditKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<ErrorCode>,
    detail: &'a str,
}

/// Writes each event as one line of JSON; what cannot be written is lost.
pub struct JsonLines(Mutex<Box<dyn Write + Send>>);

impl JsonLines {
    /// To standard error.
    #[must_use]
    pub fn stderr() -> Self {
        Self::to(std::io::stderr())
    }

    /// To anything.
    #[must_use]
    pub fn to(out: impl Write + Send + 'static) -> Self {
        Self(Mutex::new(Box::new(out)))
    }
}

impl std::fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JsonLines")
    }
}

impl Audit for JsonLines {
    fn record(&self, event: &AuditEvent<'_>) {
        let line = Line {
            ts: event.at.rfc3339(),
            event: event.kind,
            connection: event.connection.map(|id| id.to_string()),
            user: event.user,
            ip: event.address,
            operation: event.operation,
            correlation_id: event.correlation_id,
            code: event.code,
            detail: event.detail,
        };
        if let Ok(mut bytes) = serde_json::to_vec(&line) {
            bytes.push(b'\n');
            self.0.lock().write_all(&bytes).unwrap_or_default();
        }
    }
}

impl<T: Audit + ?Sized> Audit for Arc<T> {
    fn record(&self, event: &AuditEvent<'_>) {
        (**self).record(event);
    }
}
