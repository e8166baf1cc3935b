use std::sync::Arc;

use conclave_protocol::*;

use crate::TOPICS;

mod decoding;
mod encoding;
mod properties;

// The states a connection can be in, by what brings it there.

fn listener() -> DialectState {
    TOPICS.open("", true)
}

fn subscriber() -> DialectState {
    let mut state = listener();
    TOPICS.decode(&mut state, Frame::Text("subscribe:other"));
    state
}

fn anonymous() -> DialectState {
    TOPICS.open("", false)
}

fn recovering() -> DialectState {
    TOPICS.open("recover=1", true)
}

fn topic(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

fn said(payload: &str) -> TopicMessage {
    TopicMessage {
        publisher_name: None,
        payload: payload.into(),
        timestamp: None,
        user: None,
    }
}

fn publication(channel: Channel, body: Body, at: u64) -> Publication {
    let position = Position {
        offset: 7,
        epoch: u64::MAX,
    };
    Publication::new(
        Arc::new(channel),
        position,
        Timestamp::from_millis(at),
        body,
        0,
    )
}

fn in_topic(name: &str, kind: SessionKind, session: &str) -> Channel {
    let session = SessionId {
        kind,
        issuer: IssuerId(0),
        name: SessionName::new(session).unwrap(),
    };
    Channel::Topic {
        session,
        name: topic(name),
    }
}

fn encoded(form: Form, publication: &Publication) -> String {
    let mut out = Vec::new();
    assert_eq!(
        TOPICS.encode_publication(form, publication, &mut out),
        Some(FrameKind::Text)
    );
    String::from_utf8(out).unwrap()
}
