//! What can go wrong, as one enum.

use std::fmt;
use std::io;
use std::sync::Arc;

use conclave_websocket::Violation;
use conclave_websocket::handshake::ClientHandshakeError;

/// Why something was not done. Cheap to clone: one end of a connection fails many calls.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL is none of a server; says what is wrong and never repeats it.
    #[error("{0}")]
    Address(Box<str>),
    /// The file of trusted certificates is of no use, or the system trusts nobody.
    #[error("{0}")]
    Certificates(Box<str>),
    /// The client was closed, or what was asked for was given up by its owner.
    #[error("the client is closed")]
    Closed,
    /// The server ended the connection.
    #[error("{0}")]
    Ended(Ending),
    /// The outbox is full ([`crate::Builder::outbox`]): wait for what is in it, or drop it.
    #[error("the outbox is full")]
    Full,
    /// The server answered the handshake with something else than a WebSocket.
    #[error("{0}")]
    Handshake(ClientHandshakeError),
    /// No connection to the server, or it broke.
    #[error("{0}")]
    Io(&'static str, #[source] Arc<io::Error>),
    /// A message is not of the type that was asked for, or an answer is none that a server gives.
    #[error("unexpected content: {0}")]
    Malformed(Box<str>),
    /// The server broke the WebSocket protocol.
    #[error("the server broke the WebSocket protocol: {0}")]
    Protocol(Violation),
    /// The server refused a command.
    #[error("{0}")]
    Refused(Refusal),
    /// The server did not answer in time.
    #[error("no answer within {0} s")]
    Silent(u64),
    /// The closure that gives tokens failed.
    #[error("no token: {0}")]
    Token(Box<str>),
    /// The server does not take the token, or the password, and there is no other.
    #[error("not authenticated: {0}")]
    Unauthenticated(Box<str>),
    /// The connection was lost after a publication was sent and before it was answered: whether
    /// it was heard is not known. Sends to rooms never end so.
    #[error("the connection was lost before the server answered")]
    Uncertain,
}

/// The server's words for a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// One word, the same in every dialect: `forbidden`, `not_found`, `conflict`, ….
    pub code: Box<str>,
    /// What exactly, in English.
    pub message: Box<str>,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By a Close with its code, if any, and its reason.
    Close(Option<u16>, Box<str>),
    /// Without one.
    Lost,
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Refusal {
    pub(crate) fn new(code: &str, message: &str) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

impl Error {
    pub(crate) fn refused(code: &str, message: &str) -> Self {
        Self::Refused(Refusal::new(code, message))
    }

    pub(crate) fn io(what: &'static str, error: io::Error) -> Self {
        Self::Io(what, Arc::new(error))
    }

    /// Whether the same may go well a little later.
    pub(crate) fn passes(&self) -> bool {
        matches!(self, Self::Io(..) | Self::Silent(_))
            || matches!(self.code(), Some("rate_limited" | "unavailable"))
    }

    /// The code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.code),
            _ => None,
        }
    }
}

impl From<ClientHandshakeError> for Error {
    fn from(error: ClientHandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The server is not trusted with a terminal.
        let (code, message) = (self.code.escape_debug(), self.message.escape_debug());
        write!(f, "{code}: {message}")
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Close(None, _) => f.write_str("the server closed the connection without a code"),
            Self::Close(Some(code), reason) => {
                let reason = if reason.is_empty() {
                    "no reason given"
                } else {
                    reason
                };
                // A reason may hold anything; escaped, it stays on its line.
                write!(
                    f,
                    "the server closed the connection: {code} {}",
                    reason.escape_debug()
                )
            }
            Self::Lost => f.write_str("the connection was lost"),
        }
    }
}

const _: () = assert!(size_of::<Error>() <= 64);
