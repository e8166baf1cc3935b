//! Events to JSON text.

use conclave_protocol::{
    AnswerPart, AnswerRecord, Body, Channel, DeliveryState, Event, EventKind, FrameKind,
    Invitation, Message, Presence, Publication, Receipt, RoomId, UserId,
};

use super::wire::Written;

/// Appends a publication. A receipt comes twice to a connection that hears its user's feed and
/// the room; the one of the room is shown.
pub(super) fn publication(
    publication: &Publication,
    whole: bool,
    out: &mut Vec<u8>,
) -> Option<FrameKind> {
    let Body::Event(event) = &publication.body else {
        return None;
    };
    match (&*publication.channel, &event.kind) {
        (Channel::User(_), EventKind::Receipt(_)) => None,
        (Channel::User(user), EventKind::Entered { seq }) => Some(entered(event, user, *seq, out)),
        (Channel::User(_), EventKind::Invited(invitation)) => Some(invited(invitation, out)),
        _ => self::event(event, Shown { own: false, whole }, out),
    }
}

/// `{"type":"member_joined","conversation_id":C,"user_id":U,"seq":N,"timestamp":T}`: the feed's
/// user is a member of a room from the event N on.
fn entered(event: &Event, user: &UserId, seq: u64, out: &mut Vec<u8>) -> FrameKind {
    in_room(event, "member_joined", out)
        .member("user_id", user.as_str())
        .member("seq", seq)
        .seconds("timestamp", event.at)
        .end()
}

/// `{"type":"invitation","invitation_id":I,"conversation_id":C,"inviter_id":U,"timestamp":T}`.
fn invited(invitation: &Invitation, out: &mut Vec<u8>) -> FrameKind {
    Written::new(out, "invitation")
        .member("invitation_id", invitation.id.to_string())
        .member("conversation_id", invitation.room.as_str())
        .member("inviter_id", invitation.inviter.as_str())
        .seconds("timestamp", invitation.created_at)
        .end()
}

/// For whom an event is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// The author of a message, who also gets its `client_id`.
    pub(super) own: bool,
    /// Whoever wants the parts of answers with all that came before.
    pub(super) whole: bool,
}

/// Appends an event.
///
/// The `seq` of an edit or a deletion is its own place in the room, so that a client resumes
/// after the greatest one it has seen. Changes of the room itself are nothing to this dialect.
pub(super) fn event(event: &Event, shown: Shown, out: &mut Vec<u8>) -> Option<FrameKind> {
    match &event.kind {
        EventKind::Message(message) => Some(match &message.answer {
            Some(answer) if message.deleted_at.is_none() => complete(message, answer, out),
            _ => user_message(message, shown.own, out),
        }),
        EventKind::Answering { .. }
        | EventKind::AnswerPart(_)
        | EventKind::AnswerFailed(_)
        | EventKind::ContextUsed { .. } => answering(event, shown.whole, out),
        EventKind::Edited(message) => Some(message_updated(event, message, out)),
        EventKind::Erased { message, by: _ } => Some(
            in_room(event, "message_deleted", out)
                .id("message_id", *message)
                .member("seq", event.seq)
                .seconds("timestamp", event.at)
                .end(),
        ),
        EventKind::Joined { user } => Some(membership(event, "member_joined", user, out)),
        EventKind::Left { user } => Some(membership(event, "member_left", user, out)),
        EventKind::Receipt(receipt) => receipt_status(receipt, out),
        EventKind::Typing { user, typing } => Some(
            in_room(event, "typing_indicator", out)
                .member("user_id", user.as_str())
                .member("typing", typing)
                .seconds("timestamp", event.at)
                .end(),
        ),
        EventKind::Presence(presence) => {
            let frame = present(Written::new(out, "presence_update"), presence);
            Some(frame.seconds("timestamp", event.at).end())
        }
        EventKind::Named { event: name, data } => {
            let frame = in_room(event, "event", out).member("event", name);
            Some(frame.raw("data", data).end())
        }
        EventKind::Notice { kind, data } => {
            let frame = Written::new(out, kind.name()).raw("data", data);
            Some(frame.seconds("timestamp", event.at).end())
        }
        EventKind::SystemStatus { status, message } => {
            let frame = Written::new(out, "system_status").member("status", status);
            Some(frame.member("message", message).end())
        }
        EventKind::Created(_)
        | EventKind::Deleted
        | EventKind::Entered { .. }
        | EventKind::Invited(_)
        | EventKind::RoleChanged { .. }
        | EventKind::Updated(_) => None,
    }
}

/// What an assistant does while it answers.
fn answering(event: &Event, whole: bool, out: &mut Vec<u8>) -> Option<FrameKind> {
    match &event.kind {
        EventKind::Answering { typing, message: _ } => Some(
            in_room(event, "ai_typing", out)
                .member("typing", typing)
                .seconds("timestamp", event.at)
                .end(),
        ),
        EventKind::AnswerPart(part) => Some(chunk(event, part, whole, out)),
        EventKind::AnswerFailed(failed) => Some(
            in_room(event, "ai_response_error", out)
                .id("message_id", failed.message)
                .member("code", &failed.code)
                .member("message", &failed.text)
                .end(),
        ),
        EventKind::ContextUsed { used, limit } => Some(
            in_room(event, "context_usage", out)
                .member("used_tokens", used)
                .member("limit_tokens", limit)
                .member("percent", percent(*used, *limit))
                .seconds("timestamp", event.at)
                .end(),
        ),
        _ => None,
    }
}

/// `{"type":"ai_response_chunk","conversation_id":C,"message_id":M,"delta":TEXT,
/// "partial_content"?:TEXT,"is_complete":false,"timestamp":T}`.
fn chunk(event: &Event, part: &AnswerPart, whole: bool, out: &mut Vec<u8>) -> FrameKind {
    let partial = whole.then(|| part.partial()).flatten();
    in_room(event, "ai_response_chunk", out)
        .id("message_id", part.message)
        .member("delta", &part.delta)
        .maybe("partial_content", partial)
        .member("is_complete", false)
        .seconds("timestamp", event.at)
        .end()
}

/// `{"type":"ai_response_complete","conversation_id":C,"message_id":M,"seq":N,
/// "final_content":TEXT,"user_id":"assistant","model_used":TEXT,"context_tokens":N,
/// "context_limit":N,"finish_reason":"stop","usage":{"prompt_tokens":N,"completion_tokens":N,
/// "total_tokens":N},"timestamp":T}`.
fn complete(message: &Message, answer: &AnswerRecord, out: &mut Vec<u8>) -> FrameKind {
    Written::new(out, "ai_response_complete")
        .member("conversation_id", message.room.as_str())
        .id("message_id", message.id)
        .member("seq", message.seq)
        .member("final_content", &message.content)
        .member("user_id", message.author.user.as_str())
        .member("model_used", &answer.model)
        .member("context_tokens", answer.context_tokens)
        .member("context_limit", answer.context_limit)
        .member("finish_reason", answer.finish.name())
        .object("usage", |usage| {
            usage
                .member("prompt_tokens", answer.usage.prompt)
                .member("completion_tokens", answer.usage.completion)
                .member("total_tokens", answer.usage.total())
        })
        .seconds("timestamp", message.created_at)
        .end()
}

/// Whole percent, rounded down; 100 where there is no room at all.
fn percent(used: u32, limit: u32) -> u64 {
    (u64::from(used) * 100)
        .checked_div(limit.into())
        .unwrap_or(100)
}

/// What frames about a room begin with.
fn in_room<'o>(event: &Event, kind: &'static str, out: &'o mut Vec<u8>) -> Written<'o> {
    let room = event.room.as_ref().map(RoomId::as_str);
    Written::new(out, kind).maybe("conversation_id", room)
}

/// `{"type":"member_joined","conversation_id":C,"user_id":U,"timestamp":T}`.
fn membership(event: &Event, kind: &'static str, user: &UserId, out: &mut Vec<u8>) -> FrameKind {
    in_room(event, kind, out)
        .member("user_id", user.as_str())
        .seconds("timestamp", event.at)
        .end()
}

/// `{"type":"user_message","conversation_id":C,"message_id":M,"seq":N,"user_id":U,"content":TEXT,
/// "reply_to_id"?:M,"message_type":"Text","client_id"?:K,"deleted_at"?:T,"timestamp":T}`.
fn user_message(message: &Message, own: bool, out: &mut Vec<u8>) -> FrameKind {
    Written::new(out, "user_message")
        .member("conversation_id", message.room.as_str())
        .id("message_id", message.id)
        .member("seq", message.seq)
        .member("user_id", message.author.user.as_str())
        .member("content", &message.content)
        .maybe_id("reply_to_id", message.reply_to)
        .member("message_type", message.kind.name())
        .maybe("client_id", message.client_id.as_deref().filter(|_| own))
        .maybe_seconds("deleted_at", message.deleted_at)
        .seconds("timestamp", message.created_at)
        .end()
}

/// `{"type":"message_updated","conversation_id":C,"message_id":M,"seq":N,"user_id":U,
/// "content":TEXT,"deleted_at"?:T,"timestamp":T}`.
fn message_updated(event: &Event, message: &Message, out: &mut Vec<u8>) -> FrameKind {
    Written::new(out, "message_updated")
        .member("conversation_id", message.room.as_str())
        .id("message_id", message.id)
        .member("seq", event.seq)
        .member("user_id", message.author.user.as_str())
        .member("content", &message.content)
        .maybe_seconds("deleted_at", message.deleted_at)
        .seconds("timestamp", event.at)
        .end()
}

/// `{"type":"message_status","message_id":M,"user_id":U,"status":"read","timestamp":T}`.
fn receipt_status(receipt: &Receipt, out: &mut Vec<u8>) -> Option<FrameKind> {
    let status = match receipt.status {
        DeliveryState::Delivered => "delivered",
        DeliveryState::Read => "read",
        // What every recipient begins with: nothing grew.
        DeliveryState::Sent => return None,
    };
    Some(
        Written::new(out, "message_status")
            .id("message_id", receipt.message)
            .member("user_id", receipt.recipient.as_str())
            .member("status", status)
            .seconds("timestamp", receipt.at)
            .end(),
    )
}

/// `"user_id":U,"is_online":true,"last_seen":null` of a frame or object.
pub(super) fn present<'o>(object: Written<'o>, presence: &Presence) -> Written<'o> {
    let object = object
        .member("user_id", presence.user.as_str())
        .member("is_online", presence.online);
    match presence.last_seen {
        Some(at) => object.seconds("last_seen", at),
        None => object.raw("last_seen", "null"),
    }
}
