//! What must hold for any bytes a peer may send, one function per decoder.
//!
//! Each takes arbitrary bytes and panics where the codec broke its word. The property tests and the
//! fuzz targets run the same bodies.

use conclave_protocol::{
    CloseMeaning, Command, Dialect, Frame, FrameKind, OwnFrame, Received, Timestamp,
};

use crate::SOCKETIO;
use crate::engine::{Arrival, Offer, Open, Packet as EnginePacket, Payload, Phase, Request};
use crate::packet::{AckId, Decoded, Decoder, Limits, NAMESPACE_BYTES_MAX, Namespaces, Packet};

/// The same bytes as a query, a WebSocket message and a long-polling body are refused, or read to
/// something that is written and read again the same.
///
/// The first byte chooses the body's bound.
pub fn engine(data: &[u8]) {
    let Some((&choice, bytes)) = data.split_first() else {
        return;
    };
    let bytes_max = 1_usize << (choice & 15);
    if let Ok(payload) = Payload::new(None, bytes, bytes_max) {
        assert!(bytes.len() <= bytes_max, "a body beyond the limit");
        polled(payload);
    }
    assert!(Payload::new(Some("application/octet-stream"), bytes, bytes_max).is_err());
    assert_eq!(
        EnginePacket::decode(Frame::Binary(bytes))
            .as_ref()
            .map(EnginePacket::message),
        Ok(Some(Frame::Binary(bytes)))
    );
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(packet) = EnginePacket::decode(Frame::Text(text)) {
        let mut again = Vec::new();
        match packet.encode(&mut again) {
            FrameKind::Text => assert_eq!(again, bytes, "another text than was read"),
            FrameKind::Binary => assert!(text.starts_with('b')),
        }
        for phase in [Phase::Open, Phase::Probing] {
            if let Ok(admitted) = packet.clone().admit(phase) {
                assert!(phase == Phase::Open || admitted.message().is_none());
            }
        }
    }
    if let Ok(open) = Open::decode(text) {
        let mut again = Vec::new();
        open.encode(&mut again);
        let content = again
            .strip_prefix(b"0")
            .map(<[u8]>::to_vec)
            .unwrap_or_default();
        let content = String::from_utf8(content).unwrap_or_default();
        assert_eq!(Open::decode(&content), Ok(open));
    }
    query(text);
}

fn polled(payload: Payload<'_>) {
    let mut body = Vec::new();
    let mut packets = Vec::new();
    for packet in payload.map_while(Result::ok) {
        packet.encode_polled(&mut body);
        packets.push(packet);
    }
    if packets.is_empty() {
        return;
    }
    let again: Result<Vec<_>, _> = Payload::new(None, &body, usize::MAX)
        .map(|payload| payload.collect::<Result<Vec<_>, _>>())
        .and_then(|packets| packets);
    assert_eq!(again, Ok(packets));
}

fn query(text: &str) {
    for (method, upgrade) in [
        ("GET", false),
        ("GET", true),
        ("POST", false),
        ("PUT", true),
    ] {
        let arrival = Arrival {
            method,
            query: text,
            upgrade,
        };
        match Request::parse(&arrival, Offer::WebsocketAndPolling) {
            Ok(Request::Open(_) | Request::Poll(_)) => assert_eq!(method, "GET"),
            Ok(Request::Upgrade(_)) => assert!(upgrade),
            Ok(Request::Push(_)) => assert_eq!(method, "POST"),
            Err(rejection) => assert!((400..=403).contains(&rejection.status())),
        }
        let strict = Request::parse(&arrival, Offer::Websocket);
        assert!(!matches!(strict, Ok(Request::Poll(_) | Request::Push(_))));
    }
}

/// Messages of one connection stay within the limits; each packet is written and read the same.
///
/// The first byte chooses the limits. Then messages, each a byte that says its kind, and its bytes
/// up to the next 0xff.
pub fn packets(data: &[u8]) {
    let Some((&choice, stream)) = data.split_first() else {
        return;
    };
    let limits = Limits {
        arguments: usize::from(choice & 3) * 3,
        attachments: usize::from(choice >> 2 & 7),
        assembly_bytes: 1 << (choice >> 5 & 7) << 3,
    };
    let (mut decoder, mut namespaces) = (Decoder::new(), Namespaces::new());
    for message in stream.split(|byte| *byte == 0xff) {
        let Some((&kind, bytes)) = message.split_first() else {
            continue;
        };
        let frame = match std::str::from_utf8(bytes) {
            Ok(text) if kind & 1 == 0 => Frame::Text(text),
            Ok(_) | Err(_) => Frame::Binary(bytes),
        };
        let decoded = decoder.decode(frame, &limits);
        assert!(
            decoder.buffered_bytes() <= limits.assembly_bytes,
            "kept beyond the limit"
        );
        match decoded {
            Ok(Decoded::Packet(packet)) => sound(&packet, &limits, &mut namespaces),
            Ok(Decoded::Assembled(assembled)) => {
                let bytes: usize = assembled
                    .attachments()
                    .iter()
                    .map(|bytes| bytes.len())
                    .sum();
                assert!(bytes <= limits.assembly_bytes);
                assert!((1..=limits.attachments).contains(&assembled.attachments().len()));
                sound(&assembled.packet(), &limits, &mut namespaces);
            }
            Ok(Decoded::Incomplete) => assert!(decoder.buffered_bytes() > 0),
            Err(violation) => {
                assert_eq!(
                    decoder.buffered_bytes(),
                    0,
                    "a dead connection holds memory"
                );
                assert!(violation.reason().is_ascii());
            }
        }
    }
}

fn sound(packet: &Packet<'_>, limits: &Limits, namespaces: &mut Namespaces) {
    let mut written = Vec::new();
    packet.encode(&mut written);
    let text = std::str::from_utf8(&written).unwrap_or_default();
    let again = Packet::decode(text, limits);
    let expected = Ok::<_, crate::Violation>(packet);
    assert_eq!(
        format!("{again:?}"),
        format!("{expected:?}"),
        "written as {text}"
    );
    let namespace = packet.namespace();
    assert!(namespace.starts_with('/') && namespace.len() <= NAMESPACE_BYTES_MAX);
    if let Packet::Event { arguments, .. } | Packet::Ack { arguments, .. } = packet {
        assert!(arguments.len() <= limits.arguments);
    }
    if let Packet::Ack { id, .. } = packet {
        assert!(*id <= AckId::MAX);
    }
    let before = namespaces.is_connected(namespace);
    let admitted = namespaces.admit(packet).is_ok();
    match packet {
        Packet::Connect { .. } => {
            assert!(!(before && admitted), "connected twice");
            namespaces.connect(namespace);
        }
        Packet::Disconnect { .. } | Packet::Event { .. } | Packet::Ack { .. } => {
            assert_eq!(before, admitted);
        }
        Packet::ConnectError { .. } => assert!(!admitted),
    }
}

/// Frames of one client of the chat gateway are commands, or answered with what a client can
/// read, and what is refused can be written.
///
/// The first byte says whether the client is in. Then frames, each a byte that says its kind, and
/// its bytes up to the next 0xff.
///
/// # Panics
/// When something that left the dialect is no packet.
pub fn dialect(data: &[u8]) {
    let Some((&choice, stream)) = data.split_first() else {
        return;
    };
    let mut state = SOCKETIO.open("", choice & 2 != 0);
    for message in stream.split(|byte| *byte == 0xff) {
        if let Some(place) = state.place.as_mut() {
            place.connected = choice & 1 != 0;
        }
        let Some((&kind, bytes)) = message.split_first() else {
            continue;
        };
        let frame = match std::str::from_utf8(bytes) {
            Ok(text) if kind & 1 == 0 => Frame::Text(text),
            Ok(_) | Err(_) => Frame::Binary(bytes),
        };
        let mut out = Vec::new();
        match SOCKETIO.decode(&mut state, frame) {
            Received::Answered(frames) => frames.iter().for_each(readable),
            Received::Command(Command::Connect(_)) => {
                let meaning = CloseMeaning::InvalidToken;
                let frames = SOCKETIO.refuse_connect(&state, meaning, "no");
                frames.iter().for_each(readable);
            }
            Received::Command(command) => {
                assert_ne!(SOCKETIO.word(&command), "unknown");
            }
            Received::Refused(reply) => {
                let at = Timestamp::default();
                assert!(
                    SOCKETIO
                        .encode_reply(&state, &reply, at, &mut out)
                        .is_some()
                );
                readable(&OwnFrame::Text(String::from_utf8_lossy(&out).into_owned()));
            }
            Received::Violation(meaning) => {
                SOCKETIO.farewell(&state, meaning).iter().for_each(readable);
                return;
            }
        }
    }
}

fn readable(frame: &OwnFrame) {
    let OwnFrame::Text(text) = frame else {
        return;
    };
    let engine = EnginePacket::decode(Frame::Text(text));
    assert!(engine.is_ok(), "no packet of the engine: {text}");
    if let Ok(EnginePacket::Text(packet)) = engine {
        let packet = Packet::decode(packet, &Limits::default());
        assert!(packet.is_ok(), "no packet: {text}");
    }
}

#[cfg(test)]
mod tests;
