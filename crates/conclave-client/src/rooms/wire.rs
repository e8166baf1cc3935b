//! Frames of the user's feed, and messages as REST shows them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Kind, Message};

/// A frame of the server.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Frame {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) client_id: Option<String>,
    pub(super) code: String,
    pub(super) content: String,
    pub(super) conversation_id: Option<String>,
    #[serde(rename = "data")]
    pub(super) content_of_event: Option<Box<RawValue>>,
    pub(super) deleted_at: Option<f64>,
    pub(super) event: String,
    pub(super) from_seq: u64,
    pub(super) in_reply_to: Option<String>,
    pub(super) is_online: bool,
    pub(super) last_seen: Option<f64>,
    pub(super) last_seq: Option<u64>,
    pub(super) message: String,
    pub(super) message_id: String,
    pub(super) message_type: Option<String>,
    pub(super) reply_to_id: Option<String>,
    pub(super) seq: Option<u64>,
    pub(super) status: String,
    pub(super) timestamp: f64,
    pub(super) typing: bool,
    pub(super) user_id: String,
}

/// A message as `GET /channels/{id}/messages` shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    id: String,
    #[serde(default)]
    client_id: Option<String>,
    content: String,
    channel_id: String,
    created_at: String,
    #[serde(default)]
    deleted_at: Option<String>,
    message_type: String,
    #[serde(default)]
    parent_id: Option<String>,
    seq: u64,
    user_id: String,
}

impl Frame {
    /// `user_message`.
    pub(super) fn into_message(self, room: &str) -> Message {
        Message {
            id: self.message_id.into(),
            room: room.into(),
            seq: self.seq.unwrap_or_default(),
            user: self.user_id.into(),
            content: self.content,
            kind: Kind::of(self.message_type.as_deref().unwrap_or_default()),
            reply_to: self.reply_to_id.map(Into::into),
            client_id: self.client_id.map(Into::into),
            deleted: self.deleted_at.is_some(),
            sent_at: time(self.timestamp),
        }
    }
}

/// A page of messages, as REST gives it, oldest first.
pub(super) fn page(page: Value) -> Result<Vec<Message>, serde_json::Error> {
    let stored: Vec<Stored> = serde_json::from_value(page)?;
    let mut messages: Vec<_> = stored.into_iter().map(message).collect();
    messages.sort_unstable_by_key(|message| message.seq);
    Ok(messages)
}

/// One message, as REST gives it.
pub(super) fn one(stored: Value) -> Result<Message, serde_json::Error> {
    serde_json::from_value(stored).map(message)
}

fn message(stored: Stored) -> Message {
    Message {
        id: stored.id.into(),
        room: stored.channel_id.into(),
        seq: stored.seq,
        user: stored.user_id.into(),
        content: stored.content,
        kind: Kind::of(&stored.message_type),
        reply_to: stored.parent_id.map(Into::into),
        client_id: stored.client_id.map(Into::into),
        deleted: stored.deleted_at.is_some(),
        sent_at: rfc3339(&stored.created_at).unwrap_or(UNIX_EPOCH),
    }
}

/// Unix seconds.
pub(super) fn time(seconds: f64) -> SystemTime {
    let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    // To the milliseconds that the server means; a float has other digits behind.
    let millis = u64::try_from((since + Duration::from_micros(500)).as_millis());
    UNIX_EPOCH + Duration::from_millis(millis.unwrap_or_default())
}

/// `2026-11-23T14:57:48.717Z`: the one form of RFC 3339 that the server writes.
fn rfc3339(text: &str) -> Option<SystemTime> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let millis = number(20, 23)?;
    // Years that begin in March, so that a leap day is the last of its year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year.checked_sub(1)?, month + 9)
    };
    let leaps = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leaps + (month * 153 + 2) / 5 + day;
    let since = days.checked_sub(DAYS_TO_1970)?;
    let seconds = ((since * 24 + hour) * 60 + minute) * 60 + second;
    Some(UNIX_EPOCH + Duration::from_millis(seconds * 1000 + millis))
}

/// From the first of March of the year 0 to the beginning of 1970, both counted.
const DAYS_TO_1970: u64 = 719_469;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_forms_agree() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00.000Z", 0.0),
            ("2000-02-29T23:59:59.999Z", 951_868_799.999),
            ("2026-11-23T14:57:48.717Z", 1_795_445_868.717),
            ("2100-03-01T00:00:00.001Z", 4_107_542_400.001),
        ] {
            assert_eq!(rfc3339(text), Some(time(seconds)), "{text}");
        }
        assert_eq!(rfc3339("yesterday"), None);
    }
}
