//! The words of events, and the codes of refusals and ends.

use conclave_protocol::{CloseMeaning, Command, DeliveryState, Disconnect, Refusal, RoomCommand};

pub(super) const CHANNEL_JOIN: &str = "channel:join";
pub(super) const CHANNEL_LEAVE: &str = "channel:leave";
pub(super) const DELETE_MESSAGE: &str = "deleteMessage";
pub(super) const GET_OFFLINE: &str = "message:getOffline";
pub(super) const GET_OFFLINE_COUNT: &str = "message:getOfflineCount";
pub(super) const GET_PRESENCE: &str = "presence:get";
pub(super) const GET_STATUS: &str = "message:getStatus";
pub(super) const MESSAGE_DELIVERED: &str = "message:delivered";
pub(super) const MESSAGE_SEEN: &str = "message:seen";
pub(super) const REFRESH: &str = "auth:refresh";
pub(super) const SEND_MESSAGE: &str = "sendMessage";
pub(super) const TYPING: &str = "typing";
pub(super) const TYPING_GET: &str = "typing:get";
pub(super) const TYPING_STOP: &str = "typing:stop";
pub(super) const UPDATE_MESSAGE: &str = "updateMessage";
/// Stands for commands that no event of this dialect asks for.
const UNKNOWN: &str = "unknown";

/// The event that asks for a command.
pub(super) const fn word(command: &Command<'_>) -> &'static str {
    match command {
        Command::Connect(_) => "connect",
        Command::Disconnect => "disconnect",
        Command::Renew(_) => REFRESH,
        Command::Room(_, command) => room_word(command),
        // Of other surfaces.
        Command::Broadcast(_)
        | Command::Ping
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
        RoomCommand::Edit(_) => UPDATE_MESSAGE,
        RoomCommand::Erase(_) => DELETE_MESSAGE,
        RoomCommand::Join(_) => CHANNEL_JOIN,
        RoomCommand::Leave(_) => CHANNEL_LEAVE,
        RoomCommand::Offline(_) => GET_OFFLINE,
        RoomCommand::OfflineCount(_) => GET_OFFLINE_COUNT,
        RoomCommand::Presence(_) => GET_PRESENCE,
        RoomCommand::Receipt(receipt) => match receipt.status {
            DeliveryState::Sent | DeliveryState::Delivered => MESSAGE_DELIVERED,
            DeliveryState::Read => MESSAGE_SEEN,
        },
        RoomCommand::Receipts(_) => GET_STATUS,
        RoomCommand::Send(_) => SEND_MESSAGE,
        RoomCommand::Typing(typing) if typing.typing => TYPING,
        RoomCommand::Typing(_) => TYPING_STOP,
        RoomCommand::Typists(_) => TYPING_GET,
        // Of other surfaces.
        RoomCommand::CancelAnswer(_)
        | RoomCommand::Follow(_)
        | RoomCommand::Status
        | RoomCommand::Unfollow(_) => UNKNOWN,
    }
}

/// The string of identity.md, "Error codes", in this dialect's spelling.
pub(super) const fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::UnknownCommand => "unknown_event",
        Refusal::BadRequest
        | Refusal::Conflict
        | Refusal::Forbidden
        | Refusal::Internal
        | Refusal::NotFound
        | Refusal::RateLimited
        | Refusal::TooLarge
        | Refusal::Unauthenticated
        | Refusal::Unavailable => refusal.code(),
    }
}

/// Whether the client has to show another credential before it may come back.
pub(super) const fn is_authentication(meaning: CloseMeaning) -> bool {
    match meaning {
        CloseMeaning::InvalidPayload
        | CloseMeaning::InvalidToken
        | CloseMeaning::Kicked
        | CloseMeaning::MissingToken => true,
        CloseMeaning::BinaryFrame
        | CloseMeaning::Forbidden
        | CloseMeaning::GoingAway
        | CloseMeaning::Left
        | CloseMeaning::Malformed
        | CloseMeaning::RateLimited
        | CloseMeaning::Silent
        | CloseMeaning::SlowReader
        | CloseMeaning::Superseded
        | CloseMeaning::TooManyConnections => false,
    }
}

/// The column `socketio` of identity.md, "Refused handshakes, closed connections"; the code is
/// also that of a refused CONNECT and of its `error` event.
///
/// Stock clients see none of the codes of a closed WebSocket: to them it is `transport close`.
pub(super) const fn disconnect(meaning: CloseMeaning) -> Disconnect {
    let (code, reason, may_return) = match meaning {
        CloseMeaning::BinaryFrame => (1003, "Binary data is not supported", false),
        CloseMeaning::Forbidden => (4003, "Access denied", false),
        CloseMeaning::GoingAway => (1001, "Server is going away", true),
        CloseMeaning::InvalidPayload => (4001, "Invalid token payload", false),
        CloseMeaning::InvalidToken => (4001, "Invalid or expired token", false),
        CloseMeaning::Kicked => (4001, "Disconnected by the server", false),
        CloseMeaning::Left => (1000, "", true),
        CloseMeaning::Malformed => (1002, "Malformed packet", false),
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
