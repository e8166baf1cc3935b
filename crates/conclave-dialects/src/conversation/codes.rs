//! The words of frames, and the close codes.

use conclave_protocol::{CloseMeaning, Command, DeliveryState, Disconnect, RoomCommand};

pub(super) const AUTH: &str = "auth";
pub(super) const CANCEL_RESPONSE: &str = "cancel_response";
pub(super) const DELETE_MESSAGE: &str = "delete_message";
pub(super) const EDIT_MESSAGE: &str = "edit_message";
pub(super) const GET_PRESENCE: &str = "get_presence";
pub(super) const MESSAGE_DELIVERED: &str = "message_delivered";
pub(super) const MESSAGE_READ: &str = "message_read";
pub(super) const PING: &str = "ping";
pub(super) const REQUEST_STATUS: &str = "request_status";
pub(super) const SEND_MESSAGE: &str = "send_message";
pub(super) const SUBSCRIBE: &str = "subscribe_conversation";
pub(super) const TYPING_START: &str = "typing_start";
pub(super) const TYPING_STOP: &str = "typing_stop";
pub(super) const UNSUBSCRIBE: &str = "unsubscribe_conversation";
/// The types that are about one room: that of the path, or on the feed of `conversation_id`.
pub(super) const IN_ROOM: [&str; 9] = [
    CANCEL_RESPONSE,
    DELETE_MESSAGE,
    EDIT_MESSAGE,
    GET_PRESENCE,
    MESSAGE_DELIVERED,
    MESSAGE_READ,
    SEND_MESSAGE,
    TYPING_START,
    TYPING_STOP,
];
/// Stands for commands that no frame of this dialect asks for.
const UNKNOWN: &str = "unknown";

/// The `type` of the frame that asks for a command, repeated in `in_reply_to`.
pub(super) const fn word(command: &Command<'_>) -> &'static str {
    match command {
        Command::Ping => PING,
        Command::Renew(_) => AUTH,
        Command::Room(_, command) => room_word(command),
        // Of other surfaces.
        Command::Broadcast(_)
        | Command::Connect(_)
        | Command::Disconnect
        | Command::Publish(_)
        | Command::RegisterName(_)
        | Command::RegisterSession(_)
        | Command::Subscribe(_)
        | Command::TopicPresence(_)
        | Command::Unsubscribe(_)
        | Command::Wallet(_) => UNKNOWN,
    }
}

const fn room_word(command: &RoomCommand) -> &'static str {
    match command {
        RoomCommand::CancelAnswer(_) => CANCEL_RESPONSE,
        RoomCommand::Edit(_) => EDIT_MESSAGE,
        RoomCommand::Erase(_) => DELETE_MESSAGE,
        RoomCommand::Follow(_) => SUBSCRIBE,
        RoomCommand::Presence(_) => GET_PRESENCE,
        RoomCommand::Receipt(receipt) => match receipt.status {
            DeliveryState::Sent | DeliveryState::Delivered => MESSAGE_DELIVERED,
            DeliveryState::Read => MESSAGE_READ,
        },
        RoomCommand::Send(_) => SEND_MESSAGE,
        RoomCommand::Status => REQUEST_STATUS,
        RoomCommand::Typing(typing) if typing.typing => TYPING_START,
        RoomCommand::Typing(_) => TYPING_STOP,
        RoomCommand::Unfollow(_) => UNSUBSCRIBE,
        // Of other surfaces.
        RoomCommand::Join(_)
        | RoomCommand::Leave(_)
        | RoomCommand::Offline(_)
        | RoomCommand::OfflineCount(_)
        | RoomCommand::Receipts(_)
        | RoomCommand::Typists(_) => UNKNOWN,
    }
}

/// The column `conversation` of identity.md, "Refused handshakes, closed connections".
///
/// `may_return` says whether the same request can succeed later without anything changed by the
/// client. Silence is 1001: a laptop that wakes up is not signed out, and 1002 is kept for
/// frames that break RFC 6455.
pub(super) const fn disconnect(meaning: CloseMeaning) -> Disconnect {
    let (code, reason, may_return) = match meaning {
        CloseMeaning::BinaryFrame => (1003, "Binary frames are not supported", false),
        CloseMeaning::Forbidden => (4003, "Access denied", false),
        CloseMeaning::GoingAway => (1001, "Server is going away", true),
        CloseMeaning::InvalidPayload => (4001, "Invalid token payload", false),
        CloseMeaning::InvalidToken => (4001, "Invalid or expired token", false),
        CloseMeaning::Kicked => (4001, "Disconnected by the server", false),
        CloseMeaning::Left => (1000, "", true),
        CloseMeaning::Malformed => (1002, "Malformed message", false),
        CloseMeaning::MissingToken => (4001, "Missing authentication token", false),
        CloseMeaning::RateLimited => (1008, "Too many messages", true),
        CloseMeaning::Silent => (1001, "No answer to pings", true),
        CloseMeaning::SlowReader => (1013, "Slow reader", true),
        CloseMeaning::Superseded => (1001, "Connected elsewhere", false),
        CloseMeaning::TooManyConnections => (4008, "Too many connections", true),
    };
    Disconnect {
        code,
        reason,
        may_return,
    }
}
