//! `Sec-WebSocket-Extensions`, RFC 6455 section 9.1, and what RFC 7692 section 7.1 negotiates by it.

use std::borrow::Cow;

use super::field::{is_token, is_token_byte};

/// An agreed permessage-deflate, without context takeover on either side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DeflateParams {
    /// n of the window of 2^n bytes (9 to 15, default 15) that the client inflates with. A frame
    /// compressed with a larger window may be sent to it only where its payload, before
    /// compression, has at most 2^n bytes.
    pub window_bits_max: u8,
    /// Whether the client named its window, and so is told that it was heard.
    window_named: bool,
}

impl DeflateParams {
    /// The value of the answer's `Sec-WebSocket-Extensions`.
    #[must_use]
    pub const fn header_value(self) -> &'static str {
        macro_rules! answer {
            ($window:literal) => {
                concat!(
                    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
                    $window
                )
            };
        }
        if !self.window_named {
            return answer!("");
        }
        match self.window_bits_max {
            9 => answer!("; server_max_window_bits=9"),
            10 => answer!("; server_max_window_bits=10"),
            11 => answer!("; server_max_window_bits=11"),
            12 => answer!("; server_max_window_bits=12"),
            13 => answer!("; server_max_window_bits=13"),
            14 => answer!("; server_max_window_bits=14"),
            _ => answer!("; server_max_window_bits=15"),
        }
    }

    /// Accepts an offer, or declines it where it has unknown, repeated or bad parameters, or asks
    /// for a window of 2^8, which zlib cannot make.
    fn accept(offer: &Extension<'_>) -> Option<Self> {
        let parameters = Parameters::read(offer)?;
        match parameters.server_window_bits {
            None => Some(Self {
                window_bits_max: WINDOW_BITS_MAX,
                window_named: false,
            }),
            Some(8) => None,
            Some(bits) => Some(Self {
                window_bits_max: bits,
                window_named: true,
            }),
        }
    }
}

/// The first acceptable offer of permessage-deflate in a request's lines, `Some(None)` where there
/// is none; `None` where a line breaks the grammar or there are over 16 offers or parameters.
pub(super) fn negotiate<'h>(
    lines: impl Iterator<Item = &'h [u8]>,
) -> Option<Option<DeflateParams>> {
    let mut accepted = None;
    let mut offers = 0;
    for line in lines {
        for offer in parse(line)? {
            offers += 1;
            if offers > COUNT_MAX {
                return None;
            }
            if accepted.is_none() && offer.name == NAME {
                accepted = DeflateParams::accept(&offer);
            }
        }
    }
    Some(accepted)
}

/// Whether a response's lines agree to what [`OFFER`] asked for, `Some(false)` where they name no
/// extension; `None` where they name anything that was not asked for.
pub(super) fn confirm<'h>(lines: impl Iterator<Item = &'h [u8]>) -> Option<bool> {
    let mut confirmed = false;
    for line in lines {
        for answer in parse(line)? {
            let parameters = Parameters::read(&answer).filter(|_| answer.name == NAME)?;
            if confirmed || !parameters.server_keeps_no_context || parameters.client_window_named {
                return None;
            }
            confirmed = true;
        }
    }
    Some(confirmed)
}

/// What this crate's client asks for.
pub(super) const OFFER: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The parameters that RFC 7692 section 7.1 defines; each at most once, with a legal value.
#[derive(Default)]
struct Parameters {
    server_keeps_no_context: bool,
    client_keeps_no_context: bool,
    server_window_bits: Option<u8>,
    client_window_named: bool,
}

impl Parameters {
    fn read(extension: &Extension<'_>) -> Option<Self> {
        let mut read = Self::default();
        for parameter in &extension.parameters {
            let value = parameter.value.as_deref();
            let repeated = match parameter.name {
                b"server_no_context_takeover" if value.is_none() => {
                    std::mem::replace(&mut read.server_keeps_no_context, true)
                }
                b"client_no_context_takeover" if value.is_none() => {
                    std::mem::replace(&mut read.client_keeps_no_context, true)
                }
                b"server_max_window_bits" => read
                    .server_window_bits
                    .replace(window_bits(value?)?)
                    .is_some(),
                b"client_max_window_bits" => {
                    if let Some(value) = value {
                        window_bits(value)?;
                    }
                    std::mem::replace(&mut read.client_window_named, true)
                }
                _ => return None,
            };
            if repeated {
                return None;
            }
        }
        Some(read)
    }
}

/// 8 to 15, without leading zeros.
fn window_bits(value: &[u8]) -> Option<u8> {
    match value {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

/// One element of the list: `name *( ";" parameter [ "=" value ] )`.
#[derive(Debug, PartialEq)]
struct Extension<'a> {
    name: &'a [u8],
    parameters: Vec<Parameter<'a>>,
}

#[derive(Debug, PartialEq)]
struct Parameter<'a> {
    name: &'a [u8],
    value: Option<Cow<'a, [u8]>>,
}

/// Reads one line; `None` where it breaks the grammar, or a list in it has over 16 elements.
fn parse(line: &[u8]) -> Option<Vec<Extension<'_>>> {
    let mut cursor = Cursor { rest: line };
    let mut extensions = Vec::new();
    loop {
        while cursor.eat(b',') {}
        if cursor.rest.is_empty() {
            return Some(extensions);
        }
        let mut extension = Extension {
            name: cursor.token()?,
            parameters: Vec::new(),
        };
        while cursor.eat(b';') {
            let name = cursor.token()?;
            let value = if cursor.eat(b'=') {
                Some(cursor.value()?)
            } else {
                None
            };
            extension.parameters.push(Parameter { name, value });
            if extension.parameters.len() > COUNT_MAX {
                return None;
            }
        }
        extensions.push(extension);
        let at_boundary = cursor.rest.is_empty() || cursor.rest.starts_with(b",");
        if !at_boundary || extensions.len() > COUNT_MAX {
            return None;
        }
    }
}

/// The unread end of a line.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Takes `delimiter` and the space around it, where it comes next.
    fn eat(&mut self, delimiter: u8) -> bool {
        self.rest = self.rest.trim_ascii_start();
        let Some(rest) = self.rest.strip_prefix(&[delimiter]) else {
            return false;
        };
        self.rest = rest.trim_ascii_start();
        true
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        let length = self
            .rest
            .iter()
            .take_while(|byte| is_token_byte(**byte))
            .count();
        let (token, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A token, or a quoted string that holds one once unescaped.
    fn value(&mut self) -> Option<Cow<'a, [u8]>> {
        let Some(mut rest) = self.rest.strip_prefix(b"\"") else {
            return self.token().map(Cow::Borrowed);
        };
        let mut value = Vec::new();
        loop {
            let (byte, behind) = match rest {
                [b'\\', escaped, behind @ ..] => (*escaped, behind),
                [b'"', behind @ ..] => {
                    self.rest = behind;
                    return is_token(&value).then_some(Cow::Owned(value));
                }
                [byte, behind @ ..] => (*byte, behind),
                [] => return None,
            };
            value.push(byte);
            rest = behind;
        }
    }
}

const NAME: &[u8] = b"permessage-deflate";
const WINDOW_BITS_MAX: u8 = 15;
const COUNT_MAX: usize = 16;

#[cfg(test)]
mod tests;
