//! Why the core said no, and why a connection ends.

/// Why the core said no. Every dialect maps each variant to its own code, without a `_` arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The input is not what the command takes.
    BadRequest,
    /// What was asked for collides with what is.
    Conflict,
    /// The principal may not do this.
    Forbidden,
    /// Our fault.
    Internal,
    /// It does not exist, or the principal may not know that it does.
    NotFound,
    /// Too often.
    RateLimited,
    /// Too big, or too many.
    TooLarge,
    /// The credential is missing or not valid.
    Unauthenticated,
    /// The store or bus is away; retry.
    Unavailable,
    /// No such command.
    UnknownCommand,
}

impl Refusal {
    /// The string of identity.md, "Error codes".
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::Internal => "internal",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::TooLarge => "too_large",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
            Self::UnknownCommand => "unknown_command",
        }
    }

    /// The HTTP status of identity.md, "Error codes".
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Conflict => 409,
            Self::Forbidden => 403,
            Self::Internal => 500,
            Self::NotFound | Self::UnknownCommand => 404,
            Self::RateLimited => 429,
            Self::TooLarge => 413,
            Self::Unauthenticated => 401,
            Self::Unavailable => 503,
        }
    }
}

/// Why a connection is closed, before a dialect has given it a code (identity.md, "Refused
/// handshakes, closed connections").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseMeaning {
    /// A binary frame where the dialect knows only text.
    BinaryFrame,
    /// The user or session may not use this surface.
    Forbidden,
    /// The server is going away.
    GoingAway,
    /// The token's claims do not make a principal.
    InvalidPayload,
    /// The token is not valid, expired, or revoked.
    InvalidToken,
    /// Somebody with the right to do so ended it.
    Kicked,
    /// The client said, in the surface's own words, that it is done.
    Left,
    /// What came breaks the surface's own protocol.
    Malformed,
    /// There is no credential.
    MissingToken,
    /// Too many `rate_limited` errors.
    RateLimited,
    /// Nothing was heard from the peer for too long.
    Silent,
    /// The peer does not read.
    SlowReader,
    /// The client is back on another connection.
    Superseded,
    /// The user, the address or the server has too many connections.
    TooManyConnections,
}

/// How a connection ends on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// WebSocket close code.
    pub code: u16,
    /// Reason, at most 123 bytes.
    pub reason: &'static str,
    /// Whether the client may come back.
    pub may_return: bool,
}
