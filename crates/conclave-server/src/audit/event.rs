//! What is written down.

use std::net::IpAddr;

use conclave_protocol::Timestamp;
use serde_json::Value;

/// One security event. Texts that clients choose are cut to bounds here; nothing that is a
/// secret may be put in.
#[derive(Clone, Debug)]
pub struct Event {
    pub(super) kind: Kind,
    pub(super) level: Level,
    pub(super) ts: Timestamp,
    pub(super) user: Option<Box<str>>,
    pub(super) session: Option<Box<str>>,
    pub(super) connection: Option<u64>,
    pub(super) ip: Option<IpAddr>,
    pub(super) user_agent: Option<Box<str>>,
    pub(super) path: Option<Box<str>>,
    pub(super) detail: Value,
}

macro_rules! kinds {
    ($( $(#[doc = $doc:literal])+ $kind:ident = $name:literal, $level:ident, $room:ident; )*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $( $(#[doc = $doc])+ $kind, )*
        }

        impl Kind {
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$( Self::$kind, )*];

            /// The line's `event`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$kind => $name, )*
                }
            }

            /// The line's `level`, unless the event says otherwise.
            #[must_use]
            pub const fn level(self) -> Level {
                match self {
                    $( Self::$kind => Level::$level, )*
                }
            }

            pub(super) const fn room(self) -> Room {
                match self {
                    $( Self::$kind => Room::$room, )*
                }
            }
        }
    };
}

kinds! {
    /// An administrator's act: users added, disabled, removed; sessions closed.
    AdminAction = "admin_action", Warning, Kept;
    /// A connection was closed by the server because its token ended or was revoked.
    ConnectionCut = "connection_cut", Warning, Refusal;
    /// A handshake was accepted.
    HandshakeOk = "handshake_ok", Info, Usual;
    /// A handshake was refused.
    HandshakeRefused = "handshake_refused", Warning, Refusal;
    /// A limit was hit.
    LimitHit = "limit_hit", Warning, Refusal;
    /// A command was not allowed.
    PermissionDenied = "permission_denied", Warning, Refusal;
    /// Somebody did by `room.any`, `chat:moderate` or `wallet.read.any` what their membership or
    /// their wallets did not allow.
    PowerUsed = "power_used", Warning, Kept;
    /// A peer broke a protocol, or ended as only a broken one does.
    ProtocolViolation = "protocol_violation", Warning, Refusal;
    /// The file ended in a line that was not whole, which was cut.
    Recovered = "recovered", Critical, Kept;
    /// Tokens, sign-ins or sessions were revoked.
    Revocation = "revocation", Warning, Kept;
    /// A user's roles or permissions changed.
    RoleChange = "role_change", Warning, Kept;
    /// A sign-in failed.
    SignInFailed = "sign_in_failed", Warning, Refusal;
    /// A sign-in, a refresh or a ticket succeeded.
    SignInOk = "sign_in_ok", Info, Usual;
    /// The server started.
    Start = "start", Info, Kept;
    /// The server stopped in order.
    Stop = "stop", Info, Kept;
    /// Events of one kind that were counted instead of listed.
    Summary = "summary", Warning, Kept;
    /// What an answer took could not be kept: no budget counts it.
    UsageLost = "usage_lost", Warning, Refusal;
    /// A user has linked or unlinked a wallet.
    WalletChange = "wallet_change", Warning, Kept;
    /// Events for a webhook were given up after 24 hours.
    WebhookDropped = "webhook_dropped", Warning, Kept;
    /// A webhook does not take posts, since this one.
    WebhookFailing = "webhook_failing", Warning, Refusal;
    /// An event for webhooks found no room on its way to the store.
    WebhookLost = "webhook_lost", Warning, Refusal;
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Info,
    /// Somebody was refused, or changed what others may do.
    Warning,
    /// Somebody should look.
    Critical,
}

/// What a kind may do when there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Uses a reserve of the queue that the others leave alone.
    Kept,
    /// So many lines a second, then counted.
    Refusal,
    /// So many lines a second, and while the queue has room; then counted.
    Usual,
}

impl Level {
    /// The line's `level`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl Event {
    /// An event that happened at `ts`, of which nothing else is known yet.
    #[must_use]
    pub const fn new(kind: Kind, ts: Timestamp) -> Self {
        Self {
            kind,
            level: kind.level(),
            ts,
            user: None,
            session: None,
            connection: None,
            ip: None,
            user_agent: None,
            path: None,
            detail: Value::Null,
        }
    }

    /// What happened.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Matters more or less than its kind usually does.
    #[must_use]
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// The user it is about, or the name a sign-in claimed; cut to 255 bytes.
    #[must_use]
    pub fn user(mut self, user: &str) -> Self {
        self.user = Some(cut(user, NAME_BYTES_MAX).into());
        self
    }

    /// The session, as shown to clients; cut to 263 bytes (`session-` and a user).
    #[must_use]
    pub fn session(mut self, session: &str) -> Self {
        self.session = Some(cut(session, SESSION_BYTES_MAX).into());
        self
    }

    /// The connection's id; a text in the line, since it may pass 2^53.
    #[must_use]
    pub const fn connection(mut self, connection: u64) -> Self {
        self.connection = Some(connection);
        self
    }

    /// The client's address.
    #[must_use]
    pub const fn ip(mut self, ip: IpAddr) -> Self {
        self.ip = Some(ip.to_canonical());
        self
    }

    /// The `User-Agent` header as received; cut to 256 bytes.
    #[must_use]
    pub fn user_agent(mut self, header: &[u8]) -> Self {
        let header = header
            .get(..HEADER_BYTES_MAX.min(header.len()))
            .unwrap_or_default();
        self.user_agent = Some(cut(&String::from_utf8_lossy(header), HEADER_BYTES_MAX).into());
        self
    }

    /// The request's path; everything from `?` on is left out (it may hold a token), the rest
    /// is cut to 256 bytes.
    #[must_use]
    pub fn path(mut self, target: &str) -> Self {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        self.path = Some(cut(path, HEADER_BYTES_MAX).into());
        self
    }

    /// What else is known: any JSON of at most 1 KiB, beyond which it becomes its own first
    /// kilobyte as text.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Value>) -> Self {
        let detail = detail.into();
        let text = if detail.is_null() {
            String::new()
        } else {
            detail.to_string()
        };
        self.detail = if text.len() > DETAIL_BYTES_MAX {
            cut(&text, DETAIL_BYTES_MAX).into()
        } else {
            detail
        };
        self
    }
}

/// The longest start of `text` that is no longer than `bytes_max` and ends between characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max))
        .unwrap_or_default()
}

const NAME_BYTES_MAX: usize = 255;
const SESSION_BYTES_MAX: usize = NAME_BYTES_MAX + 8;
const HEADER_BYTES_MAX: usize = 256;
const DETAIL_BYTES_MAX: usize = 1024;
