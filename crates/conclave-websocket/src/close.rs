//! Close codes and the body of a Close frame, RFC 6455 sections 5.5.1 and 7.4.

use crate::Violation;

/// A close code that may stand in a Close frame: 1000-1003, 1007-1014 or 3000-4999.
///
/// 1005, 1006 and 1015 only report what happened locally; 1004 and the rest are unassigned.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The code, or `None` where it may not be sent. Source: RFC 6455 section 7.4 and its registry.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

/// Reads a Close body: nothing, or a code and a reason of up to 123 bytes of UTF-8.
pub(crate) fn parse_close(body: &[u8]) -> Result<(Option<CloseCode>, &str), Violation> {
    let Some((code, reason)) = body.split_first_chunk::<2>() else {
        return if body.is_empty() {
            Ok((None, ""))
        } else {
            Err(Violation::CloseCodeTruncated)
        };
    };
    let Some(code) = CloseCode::new(u16::from_be_bytes(*code)) else {
        return Err(Violation::CloseCodeIllegal);
    };
    let Ok(reason) = simdutf8::basic::from_utf8(reason) else {
        return Err(Violation::Utf8Invalid);
    };
    Ok((Some(code), reason))
}

#[cfg(test)]
mod tests {
    use super::{CloseCode, parse_close};
    use crate::Violation;

    #[test]
    fn codes_for_the_wire_are_told_from_the_rest() {
        let legal = |code: u16| CloseCode::new(code).is_some();
        for code in [
            1000, 1001, 1002, 1003, 1007, 1008, 1011, 1014, 3000, 3999, 4000, 4999,
        ] {
            assert!(legal(code), "{code}");
            assert_eq!(CloseCode::new(code).map(u16::from), Some(code));
        }
        for code in [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
        ] {
            assert!(!legal(code), "{code}");
        }
    }

    #[test]
    fn close_bodies() {
        assert_eq!(parse_close(b""), Ok((None, "")));
        assert_eq!(parse_close(&[3, 232]), Ok((CloseCode::new(1000), "")));
        assert_eq!(
            parse_close(&[3, 233, b'b', b'y']),
            Ok((CloseCode::new(1001), "by"))
        );
        assert_eq!(parse_close(&[3]), Err(Violation::CloseCodeTruncated));
        assert_eq!(parse_close(&[3, 237]), Err(Violation::CloseCodeIllegal));
        assert_eq!(parse_close(&[3, 232, 0xff]), Err(Violation::Utf8Invalid));
    }
}
