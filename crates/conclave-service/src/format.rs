//! Formats of JSON Schema that are types.

use std::fmt;
use std::str::FromStr;

use conclave_protocol::Timestamp;
use serde::{Deserialize, Serialize};

pub use uuid::Uuid;

/// `date-time` (RFC 3339): keeps the text as it was written, so that it goes on as it came.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DateTime {
    text: Box<str>,
    at: jiff::Timestamp,
}

/// The text is no date and time with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a date and time as in RFC 3339")]
pub struct DateTimeError;

impl DateTime {
    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The moment, in whole milliseconds; the epoch where it lies before that.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_millis(u64::try_from(self.at.as_millisecond()).unwrap_or_default())
    }
}

impl From<Timestamp> for DateTime {
    /// In UTC with milliseconds; stops at the end of the year 9999.
    fn from(at: Timestamp) -> Self {
        let text = at.rfc3339();
        let at = text.parse().unwrap_or(jiff::Timestamp::MAX);
        Self {
            text: text.into(),
            at,
        }
    }
}

impl FromStr for DateTime {
    type Err = DateTimeError;

    fn from_str(text: &str) -> Result<Self, DateTimeError> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for DateTime {
    type Error = DateTimeError;

    fn try_from(text: String) -> Result<Self, DateTimeError> {
        // What jiff reads beyond RFC 3339 (zone names, other calendars' marks) is longer, or has
        // other signs.
        let is_plain = text.len() <= 40
            && text
                .get(10..11)
                .is_some_and(|at| matches!(at, "T" | "t" | " "))
            && !text.contains(['[', ']', ',']);
        let at = text.parse().map_err(|_malformed| DateTimeError)?;
        if !is_plain {
            return Err(DateTimeError);
        }
        Ok(Self {
            text: text.into(),
            at,
        })
    }
}

impl From<DateTime> for String {
    fn from(moment: DateTime) -> Self {
        moment.text.into()
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// Two that are the same moment are equal, however written.
impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for DateTime {}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}
