use std::sync::Arc;

use conclave_protocol::*;

use crate::{SOCKETIO, Sid};

mod answers;
mod conformance;
mod connecting;
mod decoding;
mod ends;
mod events;
mod properties;

const MESSAGE: &str = "0190163d-8694-739b-aea5-966c26f8ad91";
const OTHER: &str = "0190163d-8694-739b-aea5-966c26f8ad92";

fn absent() -> DialectState {
    SOCKETIO.open("EIO=4&transport=websocket", false)
}

fn connected() -> DialectState {
    let mut state = absent();
    state.place.as_mut().unwrap().connected = true;
    state
}

fn text(text: &str) -> Frame<'_> {
    Frame::Text(text)
}

fn owned(texts: &[&str]) -> Vec<OwnFrame> {
    let owned = |text: &&str| OwnFrame::Text((*text).to_owned());
    texts.iter().map(owned).collect()
}

fn room() -> RoomId {
    RoomId::new("general").unwrap()
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn message_id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}

/// 2024-01-24T10:25:37.123Z.
fn moment() -> Timestamp {
    Timestamp::from_millis(1_706_091_937_123)
}

fn message() -> Message {
    Message {
        id: message_id(MESSAGE),
        room: room(),
        seq: 7,
        author: Profile {
            user: user("alice"),
            name: "Alice".into(),
            avatar: None,
        },
        kind: MessageKind::Text,
        content: "hi \"you\"".into(),
        reply_to: None,
        client_id: Some("k1".into()),
        created_at: moment(),
        updated_at: moment(),
        deleted_at: None,
        status: DeliveryState::Sent,
        answer: None,
    }
}

fn happened(kind: EventKind, seq: u64, number: u64) -> Event {
    Event {
        room: Some(room()),
        seq,
        number,
        at: moment(),
        kind,
    }
}

fn published(channel: Channel, event: Event) -> Publication {
    let position = Position {
        offset: event.seq,
        epoch: 0,
    };
    let body = Body::Event(Arc::new(event));
    Publication::new(Arc::new(channel), position, moment(), body, 0)
}

fn reply(state: &DialectState, reply: &Reply<'_>) -> Option<String> {
    let mut out = Vec::new();
    let kind = SOCKETIO.encode_reply(state, reply, moment(), &mut out);
    written(kind, out)
}

fn push(state: &DialectState, push: &Push<'_>) -> Option<String> {
    let mut out = Vec::new();
    let kind = SOCKETIO.encode_push(state, push, &mut out);
    written(kind, out)
}

fn written(kind: Option<FrameKind>, out: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(out).unwrap();
    match kind {
        None => {
            assert_eq!(text, "", "left behind");
            None
        }
        Some(kind) => {
            assert_eq!(kind, FrameKind::Text);
            Some(text)
        }
    }
}

fn welcome(secret: u128) -> Principal {
    assert_eq!(Sid::new(secret).get(), secret);
    Principal {
        user: Some(user("alice")),
        session: SessionId {
            kind: SessionKind::Default,
            issuer: IssuerId(0),
            name: SessionName::new("alice").unwrap(),
        },
        session_named_by_token: false,
        name: None,
        grants: Arc::new(Grants::default()),
        token: None,
        family: None,
        issued_at: None,
        expires_at: None,
    }
}
