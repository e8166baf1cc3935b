//! What must hold for any frame a client may send, one function per dialect.
//!
//! Each takes arbitrary bytes and panics where the dialect broke its word.

use std::sync::Arc;

use conclave_protocol::{
    Body, Channel, Command, Dialect, Form, Frame, IssuerId, Position, Publication, Received,
    SessionId, SessionKind, SessionName, Timestamp, UserId,
};
use serde_json::value::RawValue;

use crate::TOPICS;

/// Decodes `bytes` in every state a `topics` connection can be in, and writes out again what a
/// server would answer or publish.
///
/// # Panics
/// When something that left the encoder is neither JSON nor `pong`.
pub fn decode_topics(bytes: &[u8]) {
    for query in ["", "ack=1", "recover=1", "ack=1&recover=1"] {
        for authenticated in [false, true] {
            let mut state = TOPICS.open(query, authenticated);
            // Twice: the first frame can change what the second one means.
            for _ in 0..2 {
                let frame = std::str::from_utf8(bytes).map_or(Frame::Binary(bytes), Frame::Text);
                let mut out = Vec::new();
                match TOPICS.decode(&mut state, frame) {
                    Received::Command(command) => {
                        if let Some(publication) = published(command) {
                            TOPICS.encode_publication(Form(0), &publication, &mut out);
                            assert_json(&out);
                            out.clear();
                            TOPICS.encode_publication(Form(1), &publication, &mut out);
                            assert_json(&out);
                        }
                    }
                    Received::Refused(reply) => {
                        TOPICS.encode_reply(&state, &reply, &mut out);
                        assert_json(&out);
                    }
                    Received::Violation(meaning) => {
                        assert!(TOPICS.disconnect(meaning).reason.len() <= 123);
                    }
                }
            }
        }
    }
}

fn assert_json(frame: &[u8]) {
    assert!(
        serde_json::from_slice::<&RawValue>(frame).is_ok(),
        "an encoded frame is not JSON"
    );
}

fn published(command: Command<'_>) -> Option<Publication> {
    let (channel, body) = match command {
        Command::Broadcast(broadcast) => {
            let body = Body::Broadcast {
                members: broadcast.members.into(),
                user: UserId::new("user").ok()?,
                request: 0,
            };
            (Channel::Broadcast, body)
        }
        Command::Publish(publish) => {
            let session = SessionId {
                kind: SessionKind::Named,
                issuer: IssuerId(0),
                name: SessionName::new("s").ok()?,
            };
            (
                Channel::Topic {
                    session,
                    name: publish.topic,
                },
                Body::Topic(publish.message),
            )
        }
        Command::Ping
        | Command::RegisterName(_)
        | Command::RegisterSession(_)
        | Command::Renew(_)
        | Command::Subscribe(_)
        | Command::TopicPresence(_)
        | Command::Unsubscribe(_) => return None,
    };
    let at = Timestamp::from_millis(u64::MAX);
    Some(Publication::new(
        Arc::new(channel),
        Position::default(),
        at,
        body,
        0,
    ))
}
