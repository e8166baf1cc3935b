//! Replies and pushes to JSON text.

use conclave_protocol::{
    ConnectionCount, FrameKind, Message, Push, Refusal, Reply, RoomId, RoomReply, Tag, Timestamp,
    UserId, Welcome,
};

use super::codes;
use super::events::present;
use super::wire::Written;

/// Appends the answer to a command. What others hear of an edit, a deletion, a receipt or typing
/// is all the answer there is. `room` is that of the path.
pub(super) fn reply(
    room: Option<&RoomId>,
    reply: &Reply<'_>,
    at: Timestamp,
    out: &mut Vec<u8>,
) -> Option<FrameKind> {
    match reply {
        Reply::Pong => Some(Written::new(out, "pong").seconds("timestamp", at).end()),
        Reply::Renewed => Some(Written::new(out, "auth_success").end()),
        Reply::Room {
            tag,
            command,
            answer,
        } => {
            // A feed is about many rooms; a conversation knows which one it is.
            let named = tag.room.as_ref().filter(|_| room.is_none());
            answered(tag, (command, named), answer, at, out)
        }
        Reply::RoomRefused {
            tag,
            command,
            refusal,
            message,
        } => {
            let (refusal, message) = worded(command, *refusal, message);
            let error = Error {
                refusal,
                message,
                in_reply_to: Some(command),
                client_id: tag.client_id.as_deref(),
                room: tag.room.as_ref().or(room),
            };
            Some(error.write(at, out))
        }
        Reply::Refused {
            refusal,
            message,
            command,
            topic: _,
        } => {
            let error = Error {
                refusal: *refusal,
                message,
                in_reply_to: Some(command),
                client_id: None,
                room,
            };
            Some(error.write(at, out))
        }
        // Of topics.
        Reply::Done { .. } | Reply::Presence { .. } | Reply::Wallet { .. } => None,
    }
}

/// Appends what the server says first. `room` is that of the path.
pub(super) fn push(room: Option<&RoomId>, push: &Push<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
    match push {
        Push::Error {
            refusal,
            message,
            at,
        } => {
            let error = Error {
                refusal: *refusal,
                message,
                in_reply_to: None,
                client_id: None,
                room,
            };
            Some(error.write(*at, out))
        }
        Push::Resync {
            room: missed,
            from_seq,
        } => {
            // A feed hears many rooms; a conversation knows which one it is.
            let named = room.is_none().then(|| missed.as_str());
            let frame = Written::new(out, "resync").maybe("conversation_id", named);
            Some(frame.member("from_seq", from_seq).end())
        }
        Push::Unfollowed { room } => Some(unsubscribed(room, out)),
        Push::Welcome(welcome) => Some(connected(welcome, out)),
        // Of other surfaces.
        Push::Gap { .. }
        | Push::OfflineEnd { .. }
        | Push::Opened { .. }
        | Push::SubscriptionEnded { .. }
        | Push::WalletAddresses { .. }
        | Push::WalletEnded { .. } => None,
    }
}

/// Answers by what they hold: the words of commands are only in errors. `named` is the room, where
/// the answer has to say which.
fn answered(
    tag: &Tag,
    (command, named): (&str, Option<&RoomId>),
    answer: &RoomReply,
    at: Timestamp,
    out: &mut Vec<u8>,
) -> Option<FrameKind> {
    match answer {
        RoomReply::Followed { room, last_seq } => {
            let message = format!("Subscribed to conversation {room}");
            let frame = Written::new(out, "subscribed").member("conversation_id", room.as_str());
            Some(
                frame
                    .member("last_seq", last_seq)
                    .member("message", message)
                    .end(),
            )
        }
        RoomReply::Unfollowed { room } => Some(unsubscribed(room, out)),
        RoomReply::Message(message) if command == codes::SEND_MESSAGE => {
            Some(stored(tag, named, message, out))
        }
        RoomReply::Presence(users) => Some(
            Written::new(out, "presence")
                .maybe("conversation_id", named.map(RoomId::as_str))
                .objects("users", users, present)
                .end(),
        ),
        RoomReply::Status { user, count } => Some(status_update(user, *count, at, out)),
        RoomReply::Count(_)
        | RoomReply::Done
        | RoomReply::Message(_)
        | RoomReply::Messages(_)
        | RoomReply::Receipts(_)
        | RoomReply::Users(_) => None,
    }
}

/// `{"type":"connected","user":NAME,"user_id":ID,"permissions":[…],"connection_id":"…",
/// "conversation_id"?:C,"last_seq"?:N,"message":"…","timestamp":T}`. `user` is the id where the
/// token has no name; `connection_id` is a text, since it may pass 2^53.
fn connected(welcome: &Welcome<'_>, out: &mut Vec<u8>) -> FrameKind {
    let principal = welcome.principal;
    let user = principal.user.as_ref().map(UserId::as_str);
    let permissions: Vec<&str> = principal.grants.iter().collect();
    Written::new(out, "connected")
        .member("user", principal.name.as_deref().or(user))
        .member("user_id", user)
        .member("permissions", permissions)
        .member("connection_id", welcome.connection.to_string())
        .maybe(
            "conversation_id",
            welcome.room.map(|(room, _)| room.as_str()),
        )
        .maybe("last_seq", welcome.room.map(|(_, last_seq)| last_seq))
        .member("message", "Real-time connection established")
        .seconds("timestamp", welcome.at)
        .end()
}

/// `{"type":"message_status","conversation_id"?:C,"message_id":M,"client_id":K,"seq":N,
/// "status":"sent","timestamp":T}`, `null` for a client's id that it did not say.
fn stored(tag: &Tag, named: Option<&RoomId>, message: &Message, out: &mut Vec<u8>) -> FrameKind {
    let client_id = tag.client_id.as_ref().or(message.client_id.as_ref());
    Written::new(out, "message_status")
        .maybe("conversation_id", named.map(RoomId::as_str))
        .id("message_id", message.id)
        .member("client_id", client_id)
        .member("seq", message.seq)
        .member("status", "sent")
        .seconds("timestamp", message.created_at)
        .end()
}

/// `{"type":"status_update","user_id":U,"connection_stats":{"total_connections":1,
/// "unique_users":1,"conversation_subscriptions":0},"timestamp":T}`.
fn status_update(
    user: &UserId,
    count: ConnectionCount,
    at: Timestamp,
    out: &mut Vec<u8>,
) -> FrameKind {
    Written::new(out, "status_update")
        .member("user_id", user.as_str())
        .object("connection_stats", |stats| {
            stats
                .member("total_connections", count.connections)
                .member("unique_users", count.users)
                .member("conversation_subscriptions", count.rooms)
        })
        .seconds("timestamp", at)
        .end()
}

/// `{"type":"unsubscribed","conversation_id":C,"message":"Unsubscribed from conversation C"}`.
fn unsubscribed(room: &RoomId, out: &mut Vec<u8>) -> FrameKind {
    Written::new(out, "unsubscribed")
        .member("conversation_id", room.as_str())
        .member("message", format!("Unsubscribed from conversation {room}"))
        .end()
}

/// `{"type":"error","code":CODE,"message":"…","in_reply_to":TYPE,"client_id"?:K,
/// "conversation_id"?:C,"timestamp":T}`, `null` for `in_reply_to` where the error answers no
/// frame, or one without a type.
///
/// | code | when |
/// | --- | --- |
/// | `bad_request` | no JSON object, a name twice, a member missing or of another type, no content |
/// | `conflict` | a `client_id` again with other content |
/// | `forbidden` | a permission or role is missing; a subscription to a room that is none, or not the user's; a receipt for one's own message; a token of somebody else |
/// | `internal` | our fault |
/// | `not_found` | no such message, or no answer is running |
/// | `rate_limited` | too many messages of the connection, the user or the room |
/// | `too_large` | too much content, too many subscriptions |
/// | `unauthenticated` | a token that is not valid |
/// | `unavailable` | the store is away; the client sends again |
/// | `unknown_command` | no such type on this path |
struct Error<'a> {
    refusal: Refusal,
    message: &'a str,
    in_reply_to: Option<&'a str>,
    client_id: Option<&'a str>,
    room: Option<&'a RoomId>,
}

impl Error<'_> {
    fn write(&self, at: Timestamp, out: &mut Vec<u8>) -> FrameKind {
        let in_reply_to = self.in_reply_to.filter(|word| !word.is_empty());
        Written::new(out, "error")
            .member("code", self.refusal.code())
            .member("message", self.message)
            .member("in_reply_to", in_reply_to)
            .maybe("client_id", self.client_id)
            .maybe("conversation_id", self.room.map(RoomId::as_str))
            .seconds("timestamp", at)
            .end()
    }
}

/// A refused subscription says the same of a room that is none, of one that is not the user's,
/// and of a missing permission (conversation.md, `subscribe_conversation`).
fn worded<'a>(command: &str, refusal: Refusal, message: &'a str) -> (Refusal, &'a str) {
    match refusal {
        Refusal::Forbidden | Refusal::NotFound if command == codes::SUBSCRIBE => (
            Refusal::Forbidden,
            "Permission denied: conversation.read required",
        ),
        Refusal::BadRequest
        | Refusal::Conflict
        | Refusal::Forbidden
        | Refusal::Internal
        | Refusal::NotFound
        | Refusal::RateLimited
        | Refusal::TooLarge
        | Refusal::Unauthenticated
        | Refusal::Unavailable
        | Refusal::UnknownCommand => (refusal, message),
    }
}
