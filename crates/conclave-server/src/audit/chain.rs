//! The chain: how a line is made from an event, and how it is checked.

use std::fmt;
use std::io;

use aws_lc_rs::hmac;
use conclave_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::ser::Formatter;

use super::event::Event;
use crate::config::Secret;

/// The key of the chain.
#[derive(Clone)]
pub struct AuditKey(hmac::Key);

/// HMAC-SHA256 of a line, as lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash([u8; 64]);

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub(super) seq: u64,
    pub(super) hash: Hash,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It has no end.
    #[error("is cut short")]
    Cut,
    /// It is not of the chain's form.
    #[error("is not a line of an audit chain")]
    Form,
    /// It was changed, or written with another key.
    #[error("hash does not match")]
    Hash,
    /// The line before it is another one than when it was written.
    #[error("prev does not match the line before")]
    Previous,
    /// Lines before it are missing, or out of order.
    #[error("seq is {found}, expected {expected}")]
    Sequence {
        /// One more than that of the line before.
        expected: u64,
        /// The line's.
        found: u64,
    },
}

impl AuditKey {
    /// A key from the secret of the key file.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let secret = secret.reveal().as_bytes();
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub(super) fn hash(&self, label: &[u8], text: &[u8]) -> Hash {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(label);
        context.update(text);
        let mut hash = [0; 64];
        let tag = context.sign();
        for (pair, byte) in hash.chunks_exact_mut(2).zip(tag.as_ref()) {
            let digits = [byte >> 4, byte & 15].map(|four| match four {
                0..=9 => b'0' + four,
                _ => b'a' + four - 10,
            });
            pair.copy_from_slice(&digits);
        }
        Hash(hash)
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey(..)")
    }
}

impl Hash {
    pub(super) const fn as_str(&self) -> &str {
        match std::str::from_utf8(&self.0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }

    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let digits: [u8; 64] = text.try_into().ok()?;
        let hexadecimal = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        digits.iter().all(hexadecimal).then_some(Self(digits))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Head {
    /// The head of an empty chain.
    pub(super) const START: Self = Self {
        seq: 0,
        hash: Hash([b'0'; 64]),
    };

    /// The sequence number of the last line; 0 where there is none.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The hash of the last line.
    #[must_use]
    pub const fn hash(&self) -> &str {
        self.hash.as_str()
    }

    /// Puts an event's line at the end of `lines` and moves on.
    pub(super) fn append(
        &mut self,
        event: &Event,
        key: &AuditKey,
        lines: &mut Vec<u8>,
    ) -> io::Result<()> {
        let seq = self.seq.saturating_add(1);
        let start = lines.len();
        let mut serializer = serde_json::Serializer::with_formatter(&mut *lines, Visible);
        Body::new(event, seq, self.hash.as_str()).serialize(&mut serializer)?;
        let hash = key.hash(b"", lines.get(start..).unwrap_or_default());
        lines.pop();
        lines.extend_from_slice(HASH_BEFORE);
        lines.extend_from_slice(&hash.0);
        lines.extend_from_slice(HASH_AFTER);
        lines.push(b'\n');
        *self = Self { seq, hash };
        Ok(())
    }

    /// Moves on to `line`, which must be the next one of the chain.
    pub(super) fn follow(&mut self, line: &[u8], key: &AuditKey) -> Result<Standing, Flaw> {
        let standing = Standing::read(line, key)?;
        let expected = self.seq.saturating_add(1);
        if standing.head.seq != expected {
            return Err(Flaw::Sequence {
                expected,
                found: standing.head.seq,
            });
        }
        if standing.previous != self.hash {
            return Err(Flaw::Previous);
        }
        *self = standing.head;
        Ok(standing)
    }
}

/// A line that is what its key says, wherever it stands.
pub(super) struct Standing {
    /// The chain's head after it.
    pub(super) head: Head,
    /// Its `event`.
    pub(super) event: String,
    previous: Hash,
}

impl Standing {
    /// Checks a line by itself; `line` includes its newline.
    pub(super) fn read(line: &[u8], key: &AuditKey) -> Result<Self, Flaw> {
        let line = line.strip_suffix(b"\n").ok_or(Flaw::Cut)?;
        let line = line.strip_suffix(HASH_AFTER).ok_or(Flaw::Form)?;
        let (start, hash) = line.split_last_chunk::<64>().ok_or(Flaw::Form)?;
        let hash = Hash::parse(hash).ok_or(Flaw::Form)?;
        let mut body = start.strip_suffix(HASH_BEFORE).ok_or(Flaw::Form)?.to_vec();
        body.push(b'}');
        if key.hash(b"", &body) != hash {
            return Err(Flaw::Hash);
        }
        // The form differs from ours only where the holder of the key wrote it.
        let place: Place = serde_json::from_slice(&body).or(Err(Flaw::Form))?;
        let previous = Hash::parse(place.prev.as_bytes()).ok_or(Flaw::Form)?;
        Ok(Self {
            head: Head {
                seq: place.seq,
                hash,
            },
            event: place.event,
            previous,
        })
    }
}

/// A line's fields but `hash`, in their order.
#[derive(Serialize)]
struct Body<'a> {
    ts: String,
    event: &'static str,
    level: &'static str,
    user: Option<&'a str>,
    session: Option<&'a str>,
    connection: Option<String>,
    ip: Option<String>,
    user_agent: Option<&'a str>,
    path: Option<&'a str>,
    detail: &'a Value,
    seq: u64,
    prev: &'a str,
}

impl<'a> Body<'a> {
    fn new(event: &'a Event, seq: u64, prev: &'a str) -> Self {
        Self {
            ts: written(event.ts),
            event: event.kind.name(),
            level: event.level.name(),
            user: event.user.as_deref(),
            session: event.session.as_deref(),
            connection: event.connection.map(|connection| connection.to_string()),
            ip: event.ip.map(|ip| ip.to_string()),
            user_agent: event.user_agent.as_deref(),
            path: event.path.as_deref(),
            detail: &event.detail,
            seq,
            prev,
        }
    }
}

/// JSON that shows as what it is: beside what JSON escapes, whatever some program takes for the
/// end of a line, a terminal for a command, or a reader does not see.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.bytes().all(|byte| byte < 0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
        for part in fragment.split_inclusive(is_hidden) {
            let hidden = part.chars().next_back().filter(|last| is_hidden(*last));
            let shown = hidden.map_or(part, |hidden| part.trim_end_matches(hidden));
            writer.write_all(shown.as_bytes())?;
            if let Some(hidden) = hidden {
                write!(writer, "\\u{:04x}", u32::from(hidden))?;
            }
        }
        Ok(())
    }
}

const fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    )
}

/// What of a line the chain needs.
#[derive(Deserialize)]
struct Place {
    event: String,
    seq: u64,
    prev: String,
}

/// RFC 3339 in UTC with milliseconds.
pub(super) fn written(ts: Timestamp) -> String {
    let millis = i64::try_from(ts.millis()).unwrap_or(i64::MAX);
    let ts = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    format!("{ts:.3}")
}

const HASH_BEFORE: &[u8] = b",\"hash\":\"";
const HASH_AFTER: &[u8] = b"\"}";
/// No line is longer: every text of an [`Event`] has a bound, and escaping makes it six times as
/// long at most.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1024;
