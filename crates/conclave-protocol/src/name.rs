//! Names that clients and tokens choose, checked once at the edge.

use std::fmt;
use std::sync::Arc;

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// A character other than letters, digits, `-` and `_`.
    Characters,
    /// It holds a control character.
    Control,
    /// It is empty.
    Empty,
    /// It is longer than 255 bytes.
    Long,
    /// It holds `|`, which separates a topic from its session.
    Separator,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Characters => "must be of letters, digits, '-' and '_'",
            Self::Control => "must not contain control characters",
            Self::Empty => "must not be empty",
            Self::Long => "must be at most 255 bytes",
            Self::Separator => "must not contain '|'",
        })
    }
}

impl std::error::Error for NameError {}

fn checked(text: &str) -> Result<Arc<str>, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(NameError::Long);
    }
    if text.chars().any(char::is_control) {
        return Err(NameError::Control);
    }
    Ok(Arc::from(text))
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A user: the issuer's prefix and the token's `sub`; 1 to 255 bytes without control
    /// characters (identity.md, "Users and sessions").
    UserId
}

name! {
    /// A session's name inside its kind and issuer; 1 to 255 bytes without control characters.
    SessionName
}

name! {
    /// A topic's name inside its session; 1 to 255 bytes, no control characters, no `|`
    /// (topics.md).
    TopicName
}

name! {
    /// A room: unique on the server, made by it. 1 to 64 bytes of letters, digits, `-` and `_`.
    RoomId
}

impl UserId {
    /// Checks a text.
    ///
    /// # Errors
    /// Empty, longer than 255 bytes, or with a control character.
    pub fn new(text: &str) -> Result<Self, NameError> {
        checked(text).map(Self)
    }
}

impl RoomId {
    /// Checks a room's id.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > ROOM_BYTES_MAX {
            return Err(NameError::Long);
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !text.bytes().all(plain) {
            return Err(NameError::Characters);
        }
        checked(text).map(Self)
    }
}

impl SessionName {
    /// Checks a text.
    ///
    /// # Errors
    /// Empty, longer than 255 bytes, or with a control character.
    pub fn new(text: &str) -> Result<Self, NameError> {
        checked(text).map(Self)
    }
}

impl TopicName {
    /// Checks a text.
    ///
    /// # Errors
    /// Empty, longer than 255 bytes, with a control character or a `|`.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.contains('|') {
            return Err(NameError::Separator);
        }
        checked(text).map(Self)
    }
}

const NAME_BYTES_MAX: usize = 255;
const ROOM_BYTES_MAX: usize = 64;
