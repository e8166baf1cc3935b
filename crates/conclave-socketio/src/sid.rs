//! How a session is named.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The name of an Engine.IO session, of a Socket.IO socket, or the private id by which one is
/// recovered: 128 bits as 22 characters of `A-Z a-z 0-9 - _`.
///
/// The Engine.IO one and the private one are secrets: who knows them speaks for the session.
/// Therefore `Debug` hides it; [`Sid::as_str`] is the only way to the text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid([u8; SID_BYTES]);

impl Sid {
    /// The name made of `random`, which must come from a generator fit for secrets.
    #[must_use]
    pub fn new(random: u128) -> Self {
        let mut text = [b'A'; SID_BYTES];
        // 16 bytes are 22 characters, without padding: it always fits.
        let written = URL_SAFE_NO_PAD.encode_slice(random.to_be_bytes(), &mut text);
        debug_assert_eq!(written, Ok(SID_BYTES));
        Self(text)
    }

    /// Reads a name that a peer sent; `None` where no server of this crate can have given it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let sid = Self(text.as_bytes().try_into().ok()?);
        sid.bytes().map(|_| sid)
    }

    /// What it was made of.
    #[must_use]
    pub fn get(&self) -> u128 {
        // Only what can be read is ever stored.
        self.bytes().map_or(0, u128::from_be_bytes)
    }

    /// The text for the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII is ever stored.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn bytes(&self) -> Option<[u8; 16]> {
        let mut bytes = [0; 18];
        let read = URL_SAFE_NO_PAD.decode_slice(self.0, &mut bytes).ok()?;
        bytes.get(..read)?.try_into().ok()
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sid(..)")
    }
}

const SID_BYTES: usize = 22;

#[cfg(test)]
mod tests {
    use super::Sid;

    #[test]
    fn a_made_sid_is_read_again() {
        for random in [0, 1, 0x7f << 120, 0xfb, u128::MAX] {
            let sid = Sid::new(random);
            assert_eq!(sid.as_str().len(), 22);
            assert_eq!(Sid::parse(sid.as_str()), Some(sid));
            assert_eq!(sid.get(), random);
        }
    }

    #[test]
    fn a_foreign_sid_is_nobodys() {
        for text in [
            "",
            "abc",
            "AAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAA/+",
            "AAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "ééééééééééé",
            "AAAAAAAAAAAAAAAAAAAA\u{e9}",
        ] {
            assert_eq!(Sid::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_sid_is_not_printed() {
        assert_eq!(format!("{:?}", Sid::new(7)), "Sid(..)");
    }
}
