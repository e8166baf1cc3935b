//! Events to packets.

use conclave_protocol::{
    Body, Channel, DeliveryState, Event, EventKind, FrameKind, MessageId, Publication, Receipt,
    RoomId, UserId,
};
use serde::Serialize;

use super::wire::{
    ChannelShape, Date, ErasedShape, InRoom, InvitationShape, MessageShape, Name, PresenceShape,
    ReceiptShape, StatusShape, StreamShape,
};
use crate::engine::begin_message;
use crate::packet::{Address, Outgoing, is_reserved};

/// Appends a publication. A receipt is published twice; the one of the user is shown.
pub(super) fn publication(publication: &Publication, out: &mut Vec<u8>) -> Option<FrameKind> {
    let Body::Event(event) = &publication.body else {
        return None;
    };
    let on_feed = matches!(*publication.channel, Channel::User(_));
    if !on_feed && matches!(event.kind, EventKind::Receipt(_)) {
        return None;
    }
    self::event(event, false, out)
}

/// Appends an event; `own` is for the author of a message, who also gets its `clientId`.
///
/// What is stored carries its number as the last argument, a string: stock clients show the last
/// one they got when they come back.
///
/// | kind | event | data |
/// | --- | --- | --- |
/// | `Created` | `channel.created` | Channel |
/// | `Updated` | `channel.updated` | Channel |
/// | `Deleted` | `channel.deleted` | `{channelId}` |
/// | `Joined` | `channel.member_joined` | `{channelId, userId}` |
/// | `Left` | `channel.member_left` | `{channelId, userId}` |
/// | `RoleChanged` | `channel.member_updated` | `{channelId, userId, role}` |
/// | `Message` | `message.created` | Message |
/// | `Edited` | `message.updated` | Message |
/// | `Erased` | `message.deleted` | `{messageId, channelId}` |
/// | `Receipt` | `message.delivered`, `message.seen` | DeliveryStatus |
/// | `Invited` | `invitation.created` | Invitation |
/// | `Typing` | `user:typing` | TypingIndicator |
/// | `Presence` | `presence.updated` | `{userId, isOnline, lastSeenAt}` |
/// | `Notice` | `notification`, `live_update` | as the backend said |
/// | `SystemStatus` | `system_status` | `{status, message}` |
/// | `Named` | as the backend said | as the backend said |
/// | `Entered` | - | |
pub(super) fn event(event: &Event, own: bool, out: &mut Vec<u8>) -> Option<FrameKind> {
    let number = event.number;
    match &event.kind {
        EventKind::Created(room) => emit(out, "channel.created", &ChannelShape::new(room), number),
        EventKind::Updated(room) => emit(out, "channel.updated", &ChannelShape::new(room), number),
        EventKind::Deleted => emit(out, "channel.deleted", &in_room(event), number),
        EventKind::Joined { user } => {
            let data = membership(event, user);
            emit(out, "channel.member_joined", &data, number)
        }
        EventKind::Left { user } => {
            let data = membership(event, user);
            emit(out, "channel.member_left", &data, number)
        }
        EventKind::RoleChanged { user, role } => {
            let data = InRoom {
                role: Some(role.name()),
                ..membership(event, user)
            };
            emit(out, "channel.member_updated", &data, number)
        }
        EventKind::Message(message) => {
            let data = MessageShape::new(message, own);
            emit(out, "message.created", &data, number)
        }
        EventKind::Edited(message) => {
            let data = MessageShape::new(message, own);
            emit(out, "message.updated", &data, number)
        }
        EventKind::Erased { message, by: _ } => {
            let data = ErasedShape {
                message_id: Name(*message),
                channel_id: event.room.as_ref().map(RoomId::as_str),
            };
            emit(out, "message.deleted", &data, number)
        }
        EventKind::Receipt(_)
        | EventKind::Entered { .. }
        | EventKind::Invited(_)
        | EventKind::Answering { .. }
        | EventKind::AnswerPart(_)
        | EventKind::AnswerFailed(_)
        | EventKind::ContextUsed { .. }
        | EventKind::Typing { .. }
        | EventKind::Presence(_)
        | EventKind::Named { .. }
        | EventKind::Notice { .. }
        | EventKind::SystemStatus { .. } => passing(event, out),
    }
}

/// `message.stream {messageId, channelId, delta, isComplete}`: an answer grows, or, without text,
/// has ended; what became of it is in `message.created`, which came before, or nothing.
fn streamed(
    event: &Event,
    message: MessageId,
    delta: &str,
    out: &mut Vec<u8>,
) -> Option<FrameKind> {
    let data = StreamShape {
        message_id: Name(message),
        channel_id: event.room.as_ref().map(RoomId::as_str),
        delta,
        is_complete: delta.is_empty(),
    };
    emit(out, "message.stream", &data, 0)
}

/// Appends an event that is not stored.
fn passing(event: &Event, out: &mut Vec<u8>) -> Option<FrameKind> {
    match &event.kind {
        EventKind::Receipt(receipt) => self::receipt(receipt, out),
        EventKind::Invited(invitation) => emit(
            out,
            "invitation.created",
            &InvitationShape::new(invitation),
            0,
        ),
        EventKind::Typing { user, typing } => {
            let data = InRoom {
                is_typing: Some(*typing),
                timestamp: Some(Date(event.at)),
                ..membership(event, user)
            };
            emit(out, "user:typing", &data, 0)
        }
        EventKind::AnswerPart(part) => streamed(event, part.message, &part.delta, out),
        EventKind::Answering {
            message,
            typing: false,
        } => streamed(event, *message, "", out),
        EventKind::Presence(presence) => {
            emit(out, "presence.updated", &PresenceShape::new(presence), 0)
        }
        EventKind::Named { event: name, data } => named(name, data, out),
        EventKind::Notice { kind, data } => named(kind.name(), data, out),
        EventKind::SystemStatus { status, message } => {
            emit(out, "system_status", &StatusShape { status, message }, 0)
        }
        EventKind::Answering { typing: true, .. }
        | EventKind::AnswerFailed(_)
        | EventKind::ContextUsed { .. }
        | EventKind::Created(_)
        | EventKind::Deleted
        | EventKind::Edited(_)
        | EventKind::Entered { .. }
        | EventKind::Erased { .. }
        | EventKind::Joined { .. }
        | EventKind::Left { .. }
        | EventKind::Message(_)
        | EventKind::RoleChanged { .. }
        | EventKind::Updated(_) => None,
    }
}

fn receipt(receipt: &Receipt, out: &mut Vec<u8>) -> Option<FrameKind> {
    let name = match receipt.status {
        DeliveryState::Delivered => "message.delivered",
        DeliveryState::Read => "message.seen",
        // What every recipient begins with: nothing grew.
        DeliveryState::Sent => return None,
    };
    emit(out, name, &ReceiptShape::new(receipt), 0)
}

fn in_room(event: &Event) -> InRoom<'_> {
    InRoom {
        channel_id: event.room.as_ref().map(RoomId::as_str),
        user_id: None,
        role: None,
        is_typing: None,
        timestamp: None,
    }
}

fn membership<'a>(event: &'a Event, user: &'a UserId) -> InRoom<'a> {
    InRoom {
        user_id: Some(user.as_str()),
        ..in_room(event)
    }
}

/// Appends `42["name",DATA]`, and with a number other than 0 `42["name",DATA,"NUMBER"]`.
pub(super) fn emit(
    out: &mut Vec<u8>,
    name: &str,
    data: &impl Serialize,
    number: u64,
) -> Option<FrameKind> {
    let begin = out.len();
    begin_message(out);
    let packet = Outgoing::event(out, &Address::default(), name).json(data);
    let packet = match number {
        0 => packet,
        _ => packet.json(&Name(number)),
    };
    if packet.finish().is_err() {
        out.truncate(begin);
        return None;
    }
    Some(FrameKind::Text)
}

/// Appends an event of a backend, whose data is JSON already. `null` follows a string: stock
/// clients would take a string at the end for the number of a stored event.
fn named(name: &str, data: &str, out: &mut Vec<u8>) -> Option<FrameKind> {
    if is_reserved(name) {
        return None;
    }
    begin_message(out);
    let packet = Outgoing::event(out, &Address::default(), name).raw(data);
    let packet = match data.trim_start().starts_with('"') {
        true => packet.raw("null"),
        false => packet,
    };
    packet.finish().ok()?;
    Some(FrameKind::Text)
}
