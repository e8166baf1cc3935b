//! Frames to commands.

use std::borrow::Cow;

use conclave_protocol::{
    CancelAnswer, Command, DeliveryState, EditMessage, EraseMessage, Follow, GiveReceipt,
    ListPresence, MessageId, MessageKind, Received, Refusal, Reply, RoomCommand, RoomId,
    SendMessage, SetTyping, Tag, Unfollow,
};

use super::codes;
use crate::object::{Object, string};

/// Decodes a frame of the user's feed: `ping`, `auth`, `subscribe_conversation`,
/// `unsubscribe_conversation`, `request_status`, and with a `conversation_id` what a conversation
/// takes.
pub(super) fn feed(text: &str) -> Received<'_> {
    received(text, Tag::default(), |word, object, tag| {
        Ok(match word {
            codes::PING => Command::Ping,
            codes::AUTH => auth(object)?,
            codes::REQUEST_STATUS => asked(tag, RoomCommand::Status),
            codes::SUBSCRIBE => {
                let room = named_room(object, tag)?;
                let since = whole(object, "since")?;
                asked(tag, RoomCommand::Follow(Follow { room, since }))
            }
            codes::UNSUBSCRIBE => {
                let room = named_room(object, tag)?;
                asked(tag, RoomCommand::Unfollow(Unfollow { room }))
            }
            _ if codes::IN_ROOM.contains(&word) => {
                let room = named_room(object, tag)?;
                in_room(&room, word, object, tag)?
            }
            _ => return Err(Fault::unknown(word)),
        })
    })
}

/// Decodes a frame of a conversation: every other one of conversation.md, `ping` and `auth`.
pub(super) fn conversation<'a>(room: &RoomId, text: &'a str) -> Received<'a> {
    let tag = Tag {
        room: Some(room.clone()),
        ..Tag::default()
    };
    received(text, tag, |word, object, tag| match word {
        codes::PING => Ok(Command::Ping),
        codes::AUTH => auth(object),
        _ => in_room(room, word, object, tag),
    })
}

/// What is asked of one room.
fn in_room<'a>(room: &RoomId, word: &str, object: &Object<'a>, tag: &mut Tag) -> Decoded<'a> {
    Ok(match word {
        codes::SEND_MESSAGE => send(room, object, tag)?,
        codes::EDIT_MESSAGE => edit(room, object, tag)?,
        codes::DELETE_MESSAGE => {
            let message = required_id(object)?;
            let room = Some(room.clone());
            asked(tag, RoomCommand::Erase(EraseMessage { message, room }))
        }
        codes::TYPING_START => typing(room, tag, true),
        codes::TYPING_STOP => typing(room, tag, false),
        codes::MESSAGE_DELIVERED => receipt(room, object, tag, DeliveryState::Delivered)?,
        codes::MESSAGE_READ => receipt(room, object, tag, DeliveryState::Read)?,
        codes::GET_PRESENCE => {
            let room = room.clone();
            asked(tag, RoomCommand::Presence(ListPresence { room }))
        }
        codes::CANCEL_RESPONSE => {
            let room = room.clone();
            asked(tag, RoomCommand::CancelAnswer(CancelAnswer { room }))
        }
        _ => return Err(Fault::unknown(word)),
    })
}

/// `?since=N` of a path's query string.
pub(super) fn since(query: &str) -> Option<u64> {
    query
        .split('&')
        .take(QUERY_PAIRS_MAX)
        .filter_map(|pair| pair.strip_prefix("since="))
        .last()
        .filter(|digits| is_decimal(digits))
        .map(|digits| digits.parse().unwrap_or(WHOLE_MAX).min(WHOLE_MAX))
}

/// Whether `partial=1` is in a path's query string.
pub(super) fn partial(query: &str) -> bool {
    query
        .split('&')
        .take(QUERY_PAIRS_MAX)
        .filter_map(|pair| pair.strip_prefix("partial="))
        .last()
        .is_some_and(|value| value == "1")
}

/// What is wrong with a frame.
struct Fault {
    refusal: Refusal,
    /// Which field, and what was expected.
    message: Cow<'static, str>,
}

impl Fault {
    fn new(refusal: Refusal, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            refusal,
            message: message.into(),
        }
    }

    fn field(name: &str, expected: &str) -> Self {
        Self::new(Refusal::BadRequest, format!("{name} {expected}"))
    }

    fn unknown(word: &str) -> Self {
        let message = format!("Unknown message type: {}", shortened(word));
        Self::new(Refusal::UnknownCommand, message)
    }
}

type Decoded<'a> = Result<Command<'a>, Fault>;

/// Reads the object and its `type`, and answers what `decode` finds wrong. `decode` notes in the
/// tag what the answer has to repeat before it looks at the rest.
fn received<'a>(
    text: &'a str,
    mut tag: Tag,
    decode: impl FnOnce(&str, &Object<'a>, &mut Tag) -> Decoded<'a>,
) -> Received<'a> {
    let mut word = Cow::Borrowed("");
    let decoded = Object::parse(text)
        .map_err(|error| Fault::new(Refusal::BadRequest, error.to_string()))
        .and_then(|object| {
            word = required_text(&object, "type")?;
            decode(&word, &object, &mut tag)
        });
    match decoded {
        Ok(command) => Received::Command(command),
        Err(fault) => Received::Refused(Reply::RoomRefused {
            tag: Cow::Owned(tag),
            command: Cow::Owned(shortened(&word).into_owned()),
            refusal: fault.refusal,
            message: fault.message,
        }),
    }
}

fn asked<'a>(tag: &mut Tag, command: RoomCommand) -> Command<'a> {
    Command::Room(std::mem::take(tag), command)
}

/// `{"type":"auth","token":T}`.
fn auth<'a>(object: &Object<'a>) -> Decoded<'a> {
    let token = required_text(object, "token")?;
    if token.is_empty() {
        return Err(Fault::field("token", "must not be empty"));
    }
    Ok(Command::Renew(token))
}

/// `{"type":"send_message","content":TEXT,"client_id"?,"reply_to_id"?,"message_type"?}`.
///
/// `client_id` is 1 to 128 bytes; `message_type` is `Text` where not said (README.md, "Rules of
/// rooms"). `null` is the same as missing.
fn send<'a>(room: &RoomId, object: &Object<'a>, tag: &mut Tag) -> Decoded<'a> {
    let client_id: Option<Box<str>> = optional_text(object, "client_id")?.map(Into::into);
    if let Some(id) = &client_id
        && (id.is_empty() || id.len() > CLIENT_ID_BYTES_MAX)
    {
        return Err(Fault::field("client_id", "must be 1 to 128 bytes"));
    }
    tag.client_id.clone_from(&client_id);
    let content = content(object)?;
    let kind = match optional_text(object, "message_type")? {
        None => MessageKind::Text,
        Some(name) => MessageKind::parse(&name)
            .ok_or_else(|| Fault::field("message_type", "must be Text, Image, File or System"))?,
    };
    let reply_to = match optional_text(object, "reply_to_id")? {
        None => None,
        Some(id) => Some(message_id(&id)?),
    };
    let message = SendMessage {
        room: room.clone(),
        content,
        kind,
        reply_to,
        client_id,
        id: None,
    };
    Ok(asked(tag, RoomCommand::Send(message)))
}

/// `{"type":"edit_message","message_id":ID,"content":TEXT}`.
fn edit<'a>(room: &RoomId, object: &Object<'a>, tag: &mut Tag) -> Decoded<'a> {
    let edit = EditMessage {
        message: required_id(object)?,
        room: Some(room.clone()),
        content: content(object)?,
    };
    Ok(asked(tag, RoomCommand::Edit(edit)))
}

/// `{"type":"message_delivered","message_id":ID}`, or `message_read`.
fn receipt<'a>(
    room: &RoomId,
    object: &Object<'a>,
    tag: &mut Tag,
    status: DeliveryState,
) -> Decoded<'a> {
    let receipt = GiveReceipt {
        message: required_id(object)?,
        room: Some(room.clone()),
        status,
    };
    Ok(asked(tag, RoomCommand::Receipt(receipt)))
}

fn typing<'a>(room: &RoomId, tag: &mut Tag, typing: bool) -> Command<'a> {
    let room = room.clone();
    asked(tag, RoomCommand::Typing(SetTyping { room, typing }))
}

/// `conversation_id`. A text that no room can have as its id is answered like the id of a room
/// that does not exist.
fn named_room(object: &Object<'_>, tag: &mut Tag) -> Result<RoomId, Fault> {
    let text = required_text(object, "conversation_id")?;
    let room =
        RoomId::new(&text).map_err(|_unfit| Fault::new(Refusal::NotFound, "no such room"))?;
    tag.room = Some(room.clone());
    Ok(room)
}

/// How long it may be is for the service to say.
fn content(object: &Object<'_>) -> Result<Box<str>, Fault> {
    optional_text(object, "content")?
        .filter(|content| !content.trim().is_empty())
        .map(Into::into)
        .ok_or_else(|| Fault::new(Refusal::BadRequest, "Message content is required"))
}

/// `message_id`.
fn required_id(object: &Object<'_>) -> Result<MessageId, Fault> {
    message_id(&required_text(object, "message_id")?)
}

/// A text that no message can have as its id is answered like the id of one that does not exist.
fn message_id(text: &str) -> Result<MessageId, Fault> {
    MessageId::parse(text).ok_or_else(|| Fault::new(Refusal::NotFound, "no such message"))
}

fn required_text<'a>(object: &Object<'a>, name: &str) -> Result<Cow<'a, str>, Fault> {
    optional_text(object, name)?.ok_or_else(|| Fault::field(name, "is missing"))
}

/// A member that is a string; `None` where it is `null` or missing.
fn optional_text<'a>(object: &Object<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
    match object.member(name) {
        None | Some(NULL) => Ok(None),
        Some(json) => string(json)
            .map(Some)
            .ok_or_else(|| Fault::field(name, "must be a string")),
    }
}

/// A member that is a whole number up to 2^53-1; `None` where it is `null` or missing.
fn whole(object: &Object<'_>, name: &str) -> Result<Option<u64>, Fault> {
    match object.member(name) {
        None | Some(NULL) => Ok(None),
        Some(json) => Some(json)
            .filter(|json| is_decimal(json))
            .and_then(|digits| digits.parse().ok())
            .filter(|number| *number <= WHOLE_MAX)
            .map(Some)
            .ok_or_else(|| Fault::field(name, "must be a whole number from 0 to 9007199254740991")),
    }
}

/// `parse` alone would take a sign.
fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What of a client's own word is repeated to it.
fn shortened(word: &str) -> Cow<'_, str> {
    match word.char_indices().nth(WORD_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", word.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(word),
    }
}

const CLIENT_ID_BYTES_MAX: usize = 128;
const NULL: &str = "null";
const QUERY_PAIRS_MAX: usize = 64;
/// What numbers in JavaScript hold exactly.
const WHOLE_MAX: u64 = (1 << 53) - 1;
const WORD_CHARS_MAX: usize = 100;
