//! Replies, pushes and publications to JSON text.

use conclave_protocol::{
    Body, Channel, DialectState, Form, FrameKind, Position, Publication, Push, Refusal, Reply,
    Timestamp, TopicMessage, UserId,
};
use serde::Serialize;
use uuid::Uuid;

use super::wire::{AckFrame, ErrorFrame, GapFrame, PresenceFrame, PresentShape};
use super::{ACK, codes, has};

/// Publications as every client understands them.
pub(super) const PLAIN: Form = Form(0);
/// Publications with `offset` and `epoch`, for `?recover=1`.
pub(super) const RECOVERABLE: Form = Form(1);

/// Appends the answer to a command; see [`super::wire`] for the shapes.
pub(super) fn reply(
    state: &DialectState,
    reply: &Reply<'_>,
    out: &mut Vec<u8>,
) -> Option<FrameKind> {
    match reply {
        Reply::Done { command, topic } => {
            if !has(state, ACK) {
                return None;
            }
            json(
                out,
                &AckFrame {
                    command,
                    topic: *topic,
                },
            );
        }
        Reply::Pong => out.extend_from_slice(b"pong"),
        Reply::Presence { topic, clients } => {
            let clients = clients.iter().map(|client| PresentShape {
                user: client.user.as_ref().map(UserId::as_str),
                publisher_name: client.name.as_deref(),
            });
            json(out, &PresenceFrame { topic, clients });
        }
        Reply::Refused {
            refusal,
            message,
            command,
            topic,
        } => {
            error(out, *refusal, message, command, topic.as_deref());
        }
        Reply::Renewed => out.extend_from_slice(br#"{"type":"auth_success"}"#),
        // Of other surfaces.
        Reply::Room { .. } | Reply::RoomRefused { .. } | Reply::Wallet { .. } => return None,
    }
    Some(FrameKind::Text)
}

/// Appends what the server says first. A subscription that new permissions end is an error
/// frame, as if `subscribe` had been refused.
pub(super) fn push(push: &Push<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
    match push {
        Push::Gap { topic, position: _ } => json(out, &GapFrame { topic }),
        Push::SubscriptionEnded { topic } => {
            let message = "the new token does not allow this subscription";
            error(
                out,
                Refusal::Forbidden,
                message,
                codes::SUBSCRIBE,
                Some(topic),
            );
        }
        // Of surfaces of rooms.
        Push::Error { .. }
        | Push::OfflineEnd { .. }
        | Push::Opened { .. }
        | Push::Resync { .. }
        | Push::Unfollowed { .. }
        | Push::WalletAddresses { .. }
        | Push::WalletEnded { .. }
        | Push::Welcome(_) => return None,
    }
    Some(FrameKind::Text)
}

/// Appends a publication; broadcasts look the same in both forms.
pub(super) fn publication(
    form: Form,
    publication: &Publication,
    out: &mut Vec<u8>,
) -> Option<FrameKind> {
    match &publication.body {
        Body::Broadcast {
            members,
            user,
            request,
        } => {
            broadcast(out, members, user, publication.at);
            out.extend_from_slice(b",\"requestId\":\"");
            let mut buffer = Uuid::encode_buffer();
            let uuid = Uuid::from_u128(*request)
                .hyphenated()
                .encode_lower(&mut buffer);
            out.extend_from_slice(uuid.as_bytes());
            out.extend_from_slice(b"\"}");
        }
        Body::Topic(message) => {
            topic_message(out, message, publication);
            if form == RECOVERABLE {
                recovery(out, publication.shown);
            }
            out.push(b'}');
        }
        Body::Event(_) | Body::Wallet(_) => return None,
    }
    Some(FrameKind::Text)
}

/// `{MEMBERS,"user":"alice","timestamp":1649123456.789` without an end; the members come as the
/// client sent them.
fn broadcast(out: &mut Vec<u8>, members: &str, user: &UserId, at: Timestamp) {
    out.push(b'{');
    if !members.is_empty() {
        out.extend_from_slice(members.as_bytes());
        out.push(b',');
    }
    member(out, "\"user\":", user.as_str());
    // Written as text: three digits of a float of this size are exact only so.
    let seconds = format!(",\"timestamp\":{}.{:03}", at.seconds(), at.millis() % 1000);
    out.extend_from_slice(seconds.as_bytes());
}

/// `{"publisher_name":…,"topic":…,"payload":…,"timestamp":…,"session_id":…,"user":…` without an
/// end, in the order of topics.md, "Message".
fn topic_message(out: &mut Vec<u8>, message: &TopicMessage, publication: &Publication) {
    let (topic, session) = match publication.channel.as_ref() {
        Channel::Topic { session, name } => (Some(name.as_str()), Some(session.shown())),
        Channel::Broadcast
        | Channel::Own { .. }
        | Channel::Room(_)
        | Channel::System
        | Channel::User(_)
        | Channel::Watch(_) => (None, None),
    };
    member(out, "{\"publisher_name\":", &message.publisher_name);
    member(out, ",\"topic\":", &topic);
    out.extend_from_slice(b",\"payload\":");
    out.extend_from_slice(message.payload.as_bytes());
    match &message.timestamp {
        Some(timestamp) => member(out, ",\"timestamp\":", timestamp),
        None => member(out, ",\"timestamp\":", &publication.at.rfc3339()),
    }
    member(out, ",\"session_id\":", &session);
    member(
        out,
        ",\"user\":",
        &message.user.as_ref().map(UserId::as_str),
    );
}

/// `,"offset":7,"epoch":1706091937123`. Offsets count from 1, and epochs are a start's milliseconds
/// or a record's microseconds, so both stay in the 53 bits that a number in JavaScript holds.
fn recovery(out: &mut Vec<u8>, position: Position) {
    member(out, ",\"offset\":", &position.offset);
    member(out, ",\"epoch\":", &position.epoch);
}

fn error(
    out: &mut Vec<u8>,
    refusal: Refusal,
    message: &str,
    command: &'static str,
    topic: Option<&str>,
) {
    json(
        out,
        &ErrorFrame {
            code: refusal.code(),
            message,
            command,
            topic,
        },
    );
}

fn member<T: Serialize + ?Sized>(out: &mut Vec<u8>, before: &str, value: &T) {
    out.extend_from_slice(before.as_bytes());
    json(out, value);
}

fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    #[expect(
        clippy::expect_used,
        reason = "a Vec takes every write, and no shape here has a fallible part or other keys \
                  than strings"
    )]
    serde_json::to_writer(out, value).expect("strings, numbers and plain structs serialise");
}
