//! What of an ask can be said to be wrong without the store.

use std::borrow::Cow;

use conclave_protocol::{
    CreateRoom, Limits, MessageKind, Refusal, RoomKind, SendMessage, UpdateProfile, UpdateRoom,
    UserId,
};

use super::RoomFault;

pub(super) fn message(ask: &SendMessage, limits: &Limits) -> Result<(), RoomFault> {
    content(&ask.content, ask.kind, limits)?;
    match &ask.client_id {
        Some(id) if id.is_empty() || id.len() > CLIENT_ID_BYTES_MAX => {
            Err(bad("the client's id of a message must be 1 to 128 bytes"))
        }
        Some(id) if id.contains(NUL) => Err(bad(NO_NUL)),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn content(text: &str, kind: MessageKind, limits: &Limits) -> Result<(), RoomFault> {
    if text.trim().is_empty() {
        return Err(bad("Message content is required"));
    }
    if text.contains(NUL) {
        return Err(bad(NO_NUL));
    }
    let most = usize::try_from(limits.content_chars).unwrap_or(usize::MAX);
    if most != 0 && text.chars().nth(most).is_some() {
        return Err(RoomFault::Refused {
            refusal: Refusal::TooLarge,
            message: Cow::Owned(format!("content must be at most {most} characters")),
        });
    }
    suited(kind, text)
}

/// Refuses content that is not of its kind. A store asks it of an edit, since only the store
/// knows the message.
///
/// # Errors
/// `bad_request` where an Image or File is no `https` URL.
pub fn suited(kind: MessageKind, content: &str) -> Result<(), RoomFault> {
    match kind {
        MessageKind::System | MessageKind::Text => Ok(()),
        MessageKind::File | MessageKind::Image if is_https(content) => Ok(()),
        MessageKind::File | MessageKind::Image => {
            Err(bad("content of an Image or File must be an https URL"))
        }
    }
}

pub(super) fn room(ask: &mut CreateRoom, creator: &UserId) -> Result<(), RoomFault> {
    ask.members.retain(|member| member != creator);
    ask.members.sort_unstable();
    ask.members.dedup();
    if ask.members.len() > FIRST_MEMBERS_MAX {
        return Err(bad("memberIds: at most 100"));
    }
    description(ask.description.as_deref())?;
    match (ask.kind, &ask.name) {
        (RoomKind::Dm, Some(_)) => Err(bad("name: a DM has none")),
        (RoomKind::Dm, None) if ask.members.len() != 1 => {
            Err(bad("memberIds: a DM has exactly one other member"))
        }
        (RoomKind::Dm, None) => Ok(()),
        (RoomKind::Private | RoomKind::Public, None) => Err(bad("name: 1 to 100 characters")),
        (RoomKind::Private | RoomKind::Public, Some(text)) => name(text),
    }
}

pub(super) fn change(ask: &UpdateRoom) -> Result<(), RoomFault> {
    description(ask.description.as_deref())?;
    ask.name.as_deref().map_or(Ok(()), name)
}

pub(super) fn profile(ask: &UpdateProfile) -> Result<(), RoomFault> {
    ask.name.as_deref().map_or(Ok(()), name)?;
    match ask.avatar.as_deref() {
        None | Some("") => {}
        Some(url) if url.len() <= AVATAR_BYTES_MAX && is_https(url) => {}
        Some(_) => return Err(bad("avatar: an https URL of at most 500 bytes")),
    }
    match ask.bio.as_deref() {
        Some(text) if text.chars().nth(BIO_CHARS_MAX).is_some() || text.contains(NUL) => {
            Err(bad("bio: at most 500 characters, none of them U+0000"))
        }
        Some(_) | None => Ok(()),
    }
}

fn name(text: &str) -> Result<(), RoomFault> {
    let fits = text.chars().nth(NAME_CHARS_MAX).is_none() && !text.trim().is_empty();
    if fits && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(bad("name: 1 to 100 characters, none of them a control one"))
}

/// What of a token's name can be shown.
pub(super) fn shown_name(text: &str) -> String {
    let shown = text.trim().chars().filter(|c| !c.is_control());
    let shown: String = shown.take(NAME_CHARS_MAX).collect();
    shown.trim().to_owned()
}

fn description(text: Option<&str>) -> Result<(), RoomFault> {
    match text {
        Some(text) if text.chars().nth(DESCRIPTION_CHARS_MAX).is_some() => {
            Err(bad("description: at most 500 characters"))
        }
        Some(text) if text.contains(NUL) => Err(bad(NO_NUL)),
        Some(_) | None => Ok(()),
    }
}

fn is_https(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

const fn bad(message: &'static str) -> RoomFault {
    RoomFault::refused(Refusal::BadRequest, message)
}

/// PostgreSQL keeps no text with it, so no store does.
const NUL: char = '\0';
const NO_NUL: &str = "the character U+0000 cannot be stored";
const CLIENT_ID_BYTES_MAX: usize = 128;
const FIRST_MEMBERS_MAX: usize = 100;
const NAME_CHARS_MAX: usize = 100;
const DESCRIPTION_CHARS_MAX: usize = 500;
const AVATAR_BYTES_MAX: usize = 500;
const BIO_CHARS_MAX: usize = 500;
