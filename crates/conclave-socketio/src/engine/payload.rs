//! The packets of a long-polling body, Engine.IO v4 "HTTP long-polling".

use conclave_protocol::Frame;

use super::Packet;
use super::packet::SEPARATOR;
use crate::Violation;

/// The packets of one body, in order, each decoded when it is asked for.
///
/// After a [`Violation`] there are no more: what was before it counts, what comes after does not.
#[derive(Clone, Debug)]
pub struct Payload<'a> {
    rest: Option<&'a str>,
}

impl<'a> Payload<'a> {
    /// Takes the body of a POST, of at most `bytes_max` bytes (`maxPayload` of the open packet).
    ///
    /// `content_type` is the request's header; only `application/octet-stream` matters, since what
    /// browsers send by default is anything.
    ///
    /// # Errors
    /// [`Violation::BodyBinary`], [`Violation::BodyTooBig`] and [`Violation::BodyUtf8Invalid`]:
    /// the session ends, and the request is answered with [`Violation::status`].
    pub fn new(
        content_type: Option<&str>,
        body: &'a [u8],
        bytes_max: usize,
    ) -> Result<Self, Violation> {
        if content_type.is_some_and(is_binary) {
            return Err(Violation::BodyBinary);
        }
        if body.len() > bytes_max {
            return Err(Violation::BodyTooBig);
        }
        match std::str::from_utf8(body) {
            Ok(text) => Ok(Self { rest: Some(text) }),
            Err(_) => Err(Violation::BodyUtf8Invalid),
        }
    }
}

impl<'a> Iterator for Payload<'a> {
    type Item = Result<Packet<'a>, Violation>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.take()?;
        let (first, rest) = match text.split_once(char::from(SEPARATOR)) {
            Some((first, rest)) => (first, Some(rest)),
            None => (text, None),
        };
        let packet = Packet::decode(Frame::Text(first));
        if packet.is_ok() {
            self.rest = rest;
        }
        Some(packet)
    }
}

impl std::iter::FusedIterator for Payload<'_> {}

fn is_binary(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type
        .trim()
        .eq_ignore_ascii_case("application/octet-stream")
}
