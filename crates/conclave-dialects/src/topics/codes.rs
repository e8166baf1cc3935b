//! The words of commands, and the close codes.

use conclave_protocol::{CloseMeaning, Command, Disconnect};

pub(super) const AUTH: &str = "auth";
pub(super) const BROADCAST: &str = "broadcast";
pub(super) const PING: &str = "ping";
pub(super) const PRESENCE: &str = "presence";
pub(super) const PUBLISH: &str = "publish-json";
pub(super) const REGISTER_NAME: &str = "register-name";
pub(super) const REGISTER_SESSION: &str = "register-session";
pub(super) const SUBSCRIBE: &str = "subscribe";
pub(super) const UNSUBSCRIBE: &str = "unsubscribe";
/// Stands in error frames where the client's text names no command.
pub(super) const UNKNOWN: &str = "unknown";

/// The word a command is answered with: its prefix on the wire, `broadcast` for a JSON frame.
pub(super) const fn word(command: &Command<'_>) -> &'static str {
    match command {
        Command::Broadcast(_) => BROADCAST,
        // Of other surfaces; none of this one's frames asks for them.
        Command::Connect(_) | Command::Disconnect | Command::Room(..) | Command::Wallet(_) => {
            UNKNOWN
        }
        Command::Ping => PING,
        Command::Publish(_) => PUBLISH,
        Command::RegisterName(_) => REGISTER_NAME,
        Command::RegisterSession(_) => REGISTER_SESSION,
        Command::Renew(_) => AUTH,
        Command::Subscribe(_) => SUBSCRIBE,
        Command::TopicPresence(_) => PRESENCE,
        Command::Unsubscribe(_) => UNSUBSCRIBE,
    }
}

/// The column `topics` of identity.md, "Refused handshakes, closed connections".
///
/// `may_return` says whether the same request can succeed later without anything changed by the
/// client. Silence is 1001: 1008 would tell a laptop that wakes up that it was signed out, and
/// 1002 is kept for frames that break RFC 6455.
pub(super) const fn disconnect(meaning: CloseMeaning) -> Disconnect {
    let (code, reason, may_return) = match meaning {
        CloseMeaning::BinaryFrame => (1003, "Binary frames are not supported", false),
        CloseMeaning::Forbidden => (1008, "Not allowed here", false),
        CloseMeaning::GoingAway => (1001, "Server is going away", true),
        CloseMeaning::InvalidPayload => (1008, "Invalid token payload", false),
        CloseMeaning::InvalidToken => (1008, "Invalid or expired token", false),
        CloseMeaning::Kicked => (1008, "Disconnected by the server", false),
        CloseMeaning::Left => (1000, "", true),
        CloseMeaning::Malformed => (1002, "Malformed message", false),
        CloseMeaning::MissingToken => (1008, "Missing authentication token", false),
        CloseMeaning::RateLimited => (1008, "Too many messages", true),
        CloseMeaning::Silent => (1001, "No answer to pings", true),
        CloseMeaning::SlowReader => (1013, "Slow reader", true),
        CloseMeaning::Superseded => (1001, "Connected elsewhere", false),
        CloseMeaning::TooManyConnections => (1008, "Too many connections", true),
    };
    Disconnect {
        code,
        reason,
        may_return,
    }
}
