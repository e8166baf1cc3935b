//! What must hold for any bytes a peer may send, one function per decoder.
//!
//! Each takes arbitrary bytes and panics where the codec broke its word. The property tests and the
//! fuzz targets run the same bodies.

use crate::handshake::{AcceptOptions, ClientHandshake, Response, accept};
use crate::{Decoded, Decoder, DecoderLimits, Event, Inflater, Role, Violation};

/// Frames, read whole and read in pieces, give the same events within the limits.
///
/// The first byte chooses role, deflate and limits, the second the size of the pieces.
pub fn frames(data: &[u8]) {
    let Some((&[choice, piece], stream)) = data.split_first_chunk::<2>() else {
        return;
    };
    let role = if choice & 1 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let limits = DecoderLimits {
        message_bytes: 1 << (choice >> 2 & 15),
        fragments: u32::from(choice >> 6) * 5 + 1,
    };
    let whole = Reader::new(role, choice & 2 != 0, limits).read(stream, usize::MAX);
    let pieces = Reader::new(role, choice & 2 != 0, limits).read(stream, usize::from(piece) + 1);
    assert_eq!(whole, pieces, "events depend on how the stream was cut");
}

/// A request whose lines are those of `data` (`name:value`) is refused or gets a sound answer.
pub fn handshake_request(data: &[u8]) {
    let headers = data.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        Some((std::str::from_utf8(name).ok()?, value.get(1..)?))
    });
    let options = AcceptOptions {
        subprotocols: &["conclave", "other"],
        deflate: true,
    };
    match accept("GET", true, headers, &options) {
        Ok(accepted) => {
            assert!(accepted.accept.iter().all(u8::is_ascii_graphic));
            assert!(
                accepted
                    .deflate
                    .is_none_or(|agreed| (9..=15).contains(&agreed.window_bits_max))
            );
        }
        Err(error) => assert!((400..500).contains(&error.status())),
    }
    let client = ClientHandshake {
        host: "localhost",
        path: "/",
        headers: &[],
        subprotocols: &["conclave"],
        nonce: *b"the sample nonce",
        deflate: true,
    };
    if let Ok(Response::Accepted { consumed, .. }) = client.response(data) {
        assert!(consumed <= data.len());
    }
}

/// A request offering `data` as its extensions is refused as a whole, or the answer is one that
/// this crate's own client understands wherever it could have made the offer.
pub fn extension_header(data: &[u8]) {
    let headers: [(&str, &[u8]); 5] = [
        ("Upgrade", b"websocket"),
        ("Connection", b"keep-alive, Upgrade"),
        ("Sec-WebSocket-Version", b"13"),
        ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Extensions", data),
    ];
    let options = AcceptOptions {
        subprotocols: &[],
        deflate: true,
    };
    let Ok(accepted) = accept("GET", true, headers.into_iter(), &options) else {
        return;
    };
    let Some(agreed) = accepted.deflate else {
        return;
    };
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
         Sec-WebSocket-Extensions: {}\r\n\r\n",
        agreed.header_value()
    );
    let client = ClientHandshake {
        host: "localhost",
        path: "/",
        headers: &[],
        subprotocols: &[],
        nonce: *b"the sample nonce",
        deflate: true,
    };
    let consumed = response.len();
    let expected = Response::Accepted {
        consumed,
        subprotocol: None,
        deflate: true,
    };
    assert_eq!(client.response(response.as_bytes()), Ok(expected));
}

/// Compressed data inflates within the limit that the first byte chooses, twice to the same end.
pub fn inflate(data: &[u8]) {
    let Some((&[choice], deflated)) = data.split_first_chunk::<1>() else {
        return;
    };
    let message_bytes_max = 1_usize << (choice & 15);
    let mut inflater = Inflater::new();
    let first = inflater
        .inflate(deflated, message_bytes_max)
        .map(<[u8]>::to_vec);
    assert!(
        first
            .as_ref()
            .is_ok_and(|message| message.len() <= message_bytes_max)
            || first.is_err()
    );
    assert!(
        inflater.buffer_bytes() <= message_bytes_max + 1,
        "allocated beyond the limit"
    );
    let second = inflater
        .inflate(deflated, message_bytes_max)
        .map(<[u8]>::to_vec);
    assert_eq!(first, second, "one message changed the next");
}

/// One connection under check.
struct Reader {
    decoder: Decoder,
    inflater: Inflater,
    limits: DecoderLimits,
    seen: Vec<String>,
}

impl Reader {
    fn new(role: Role, deflate: bool, limits: DecoderLimits) -> Self {
        let (decoder, inflater) = (Decoder::new(role, deflate), Inflater::new());
        Self {
            decoder,
            inflater,
            limits,
            seen: Vec::new(),
        }
    }

    /// Feeds `stream` in pieces; gives the events and how it ended.
    fn read(mut self, stream: &[u8], piece_bytes: usize) -> (Vec<String>, Option<Violation>) {
        let mut unread = Vec::new();
        for piece in stream.chunks(piece_bytes.min(stream.len()).max(1)) {
            unread.extend_from_slice(piece);
            if let Err(violation) = self.drain(&mut unread) {
                assert_eq!(
                    self.decoder.buffered_bytes(),
                    0,
                    "a dead connection holds memory"
                );
                return (self.seen, Some(violation));
            }
        }
        (self.seen, None)
    }

    fn drain(&mut self, unread: &mut Vec<u8>) -> Result<(), Violation> {
        let bound = self.limits.message_bytes + self.limits.message_bytes / 8 + 64;
        loop {
            match self
                .decoder
                .decode(unread, &self.limits, &mut self.inflater)?
            {
                Decoded::Incomplete { missing } => {
                    assert!(missing > 0 && missing <= bound.max(125) + 14);
                    return Ok(());
                }
                Decoded::Frame { consumed, event } => {
                    self.seen
                        .extend(event.map(|event| describe(&event, &self.limits)));
                    assert!(consumed > 0, "no progress");
                    unread.drain(..consumed);
                    assert!(
                        self.decoder.buffered_bytes() <= bound,
                        "kept beyond the limit"
                    );
                    assert!(self.inflater.buffer_bytes() <= bound.max(4096));
                }
            }
        }
    }
}

fn describe(event: &Event<'_>, limits: &DecoderLimits) -> String {
    let bytes_max = match event {
        Event::Text(_) | Event::Binary(_) => limits.message_bytes,
        Event::Ping(_) | Event::Pong(_) | Event::Close(..) => 125,
    };
    let bytes = match event {
        Event::Text(text) => text.len(),
        Event::Binary(payload) | Event::Ping(payload) | Event::Pong(payload) => payload.len(),
        Event::Close(_, reason) => reason.len() + 2,
    };
    assert!(bytes <= bytes_max, "an event beyond the limit");
    format!("{event:?}")
}

#[cfg(test)]
mod tests;
