//! What events ask for: the table of socketio.md.

use conclave_protocol::{
    CountOffline, DeliveryState, EditMessage, EraseMessage, GiveReceipt, JoinRoom, LeaveRoom,
    ListOffline, ListPresence, ListReceipts, ListTypists, MessageId, MessageKind, Refusal,
    RoomCommand, SendMessage, SetTyping,
};
use serde_json::value::RawValue;

use super::codes;
use super::fields::{Fault, Fields, shortened};

/// What the event `name` with this first argument asks for. Arguments after the first are not looked at, nor are members that
/// an event does not take.
pub(super) fn command(name: &str, data: Option<&RawValue>) -> Result<RoomCommand, Fault> {
    let in_room = |make: fn(Fields<'_>) -> Result<RoomCommand, Fault>| {
        explained(name, "{channelId}", data, make)
    };
    let of_message = |make: fn(Fields<'_>) -> Result<RoomCommand, Fault>| {
        explained(name, "{messageId}", data, make)
    };
    match name {
        codes::SEND_MESSAGE => explained(name, SEND_USAGE, data, send),
        codes::UPDATE_MESSAGE => explained(name, "{messageId, content}", data, edit),
        codes::DELETE_MESSAGE => of_message(erase),
        codes::MESSAGE_DELIVERED => of_message(|fields| receipt(&fields, DeliveryState::Delivered)),
        codes::MESSAGE_SEEN => of_message(|fields| receipt(&fields, DeliveryState::Read)),
        codes::GET_STATUS => of_message(receipts),
        codes::GET_OFFLINE_COUNT => Ok(RoomCommand::OfflineCount(CountOffline)),
        codes::GET_OFFLINE => match data.filter(|data| data.get() != "null") {
            None => Ok(offline(None, OFFLINE_DEFAULT)),
            some => explained(name, "{limit?, after?}", some, listed),
        },
        codes::TYPING => in_room(|fields| typing(&fields, true)),
        codes::TYPING_STOP => in_room(|fields| typing(&fields, false)),
        codes::TYPING_GET => in_room(|fields| {
            let room = fields.room()?;
            Ok(RoomCommand::Typists(ListTypists { room }))
        }),
        codes::GET_PRESENCE => in_room(|fields| {
            let room = fields.room()?;
            Ok(RoomCommand::Presence(ListPresence { room }))
        }),
        codes::CHANNEL_JOIN => in_room(|fields| {
            let room = fields.room()?;
            Ok(RoomCommand::Join(JoinRoom { room }))
        }),
        codes::CHANNEL_LEAVE => in_room(|fields| {
            let (room, delete) = (fields.room()?, false);
            Ok(RoomCommand::Leave(LeaveRoom { room, delete }))
        }),
        _ => {
            let message = format!("Unknown event: {}", shortened(name));
            Err(Fault::new(Refusal::UnknownCommand, message))
        }
    }
}

/// Reads an event's data; a bad request also says what the event takes.
pub(super) fn explained<'a, T>(
    name: &str,
    usage: &str,
    data: Option<&'a RawValue>,
    make: impl FnOnce(Fields<'a>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let made = match data {
        None => Err(Fault::new(Refusal::BadRequest, "data is missing")),
        Some(data) => Fields::parse(data).and_then(make),
    };
    made.map_err(|fault| match fault.refusal {
        Refusal::BadRequest => {
            let message = format!("{}; {name} takes {usage}", fault.message);
            Fault::new(Refusal::BadRequest, message)
        }
        Refusal::Conflict
        | Refusal::Forbidden
        | Refusal::Internal
        | Refusal::NotFound
        | Refusal::RateLimited
        | Refusal::TooLarge
        | Refusal::Unauthenticated
        | Refusal::Unavailable
        | Refusal::UnknownCommand => fault,
    })
}

/// How long content and `clientId` may be is for the service to say.
fn send(fields: Fields<'_>) -> Result<RoomCommand, Fault> {
    let kind = match fields.text("messageType")? {
        None => MessageKind::Text,
        Some(name) => MessageKind::parse(&name)
            .ok_or_else(|| Fault::field("messageType", "must be Text, Image, File or System"))?,
    };
    Ok(RoomCommand::Send(SendMessage {
        room: fields.room()?,
        content: fields.required("content")?.into(),
        kind,
        reply_to: fields.maybe_message("parentId")?,
        client_id: fields.text("clientId")?.map(Into::into),
        id: None,
    }))
}

fn edit(fields: Fields<'_>) -> Result<RoomCommand, Fault> {
    Ok(RoomCommand::Edit(EditMessage {
        message: fields.message()?,
        room: None,
        content: fields.required("content")?.into(),
    }))
}

fn erase(fields: Fields<'_>) -> Result<RoomCommand, Fault> {
    let (message, room) = (fields.message()?, None);
    Ok(RoomCommand::Erase(EraseMessage { message, room }))
}

fn receipt(fields: &Fields<'_>, status: DeliveryState) -> Result<RoomCommand, Fault> {
    Ok(RoomCommand::Receipt(GiveReceipt {
        message: fields.message()?,
        room: None,
        status,
    }))
}

fn receipts(fields: Fields<'_>) -> Result<RoomCommand, Fault> {
    let message = fields.message()?;
    Ok(RoomCommand::Receipts(ListReceipts { message }))
}

fn typing(fields: &Fields<'_>, typing: bool) -> Result<RoomCommand, Fault> {
    let room = fields.room()?;
    Ok(RoomCommand::Typing(SetTyping { room, typing }))
}

fn listed(fields: Fields<'_>) -> Result<RoomCommand, Fault> {
    let limit = fields.whole("limit", 1..=OFFLINE_MAX)?;
    let after = fields.maybe_message("after")?;
    Ok(offline(after, limit.unwrap_or(OFFLINE_DEFAULT)))
}

const fn offline(after: Option<MessageId>, limit: u32) -> RoomCommand {
    RoomCommand::Offline(ListOffline { limit, after })
}

const OFFLINE_DEFAULT: u32 = 50;
const OFFLINE_MAX: u32 = 200;
const SEND_USAGE: &str = "{channelId, content, parentId?, clientId?, messageType?}";
