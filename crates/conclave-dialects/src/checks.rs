//! What must hold for any frame a client may send, one function per dialect.
//!
//! Each takes arbitrary bytes and panics where the dialect broke its word.

use std::borrow::Cow;
use std::sync::Arc;

use conclave_protocol::{
    Body, Channel, Command, DeliveryState, Dialect, DialectState, Event, EventKind, Form, Frame,
    IssuerId, Message, MessageId, Position, Profile, Publication, Received, Refusal, Reply,
    RoomCommand, RoomId, RoomReply, SendMessage, SessionId, SessionKind, SessionName, Tag,
    Timestamp, UserId,
};
use serde_json::value::RawValue;

use crate::object::Object;
use crate::{CONVERSATION, Conversation, FEED, TOPICS, WALLET};

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
                    Received::Answered(_) => {}
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
                        TOPICS.encode_reply(&state, &reply, Timestamp::default(), &mut out);
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

/// Decodes `bytes` on both surfaces of the `conversation` dialect, and writes out again what a
/// server would answer or publish.
///
/// # Panics
/// When a command has no word, a text closes the connection, or something that left the encoder
/// is no JSON object, or one with a name twice.
pub fn decode_conversation(bytes: &[u8]) {
    for dialect in [&FEED, &CONVERSATION] {
        let mut state = dialect.open("since=1", true);
        if let Some(place) = &mut state.place {
            place.room = RoomId::new("r").ok();
        }
        let frame = std::str::from_utf8(bytes).map_or(Frame::Binary(bytes), Frame::Text);
        match dialect.decode(&mut state, frame) {
            Received::Answered(frames) => assert!(frames.is_empty(), "nothing asks for these"),
            Received::Command(command) => {
                let word = dialect.word(&command);
                assert_ne!(word, "unknown", "a command of another surface");
                if let Command::Room(tag, command) = command {
                    refuse(dialect, &state, &tag, word);
                    if let RoomCommand::Send(message) = command {
                        send(dialect, &state, &tag, message);
                    }
                }
            }
            Received::Refused(reply) => assert_replied(dialect, &state, &reply),
            Received::Violation(meaning) => {
                assert!(matches!(frame, Frame::Binary(_)), "{meaning:?}");
            }
        }
    }
}

/// Decodes `bytes` as the `wallet` dialect does, and writes out again what a server would answer.
///
/// # Panics
/// When a command has no word, a text closes the connection, or something that left the encoder
/// is no JSON object, or one with a name twice.
pub fn decode_wallet(bytes: &[u8]) {
    let mut state = WALLET.open("", true);
    let frame = std::str::from_utf8(bytes).map_or(Frame::Binary(bytes), Frame::Text);
    match WALLET.decode(&mut state, frame) {
        Received::Answered(frames) => assert!(frames.is_empty(), "nothing asks for these"),
        Received::Command(command) => {
            let word = WALLET.word(&command);
            assert_ne!(word, "unknown", "a command of another surface");
            let refused = Reply::Refused {
                refusal: Refusal::Unavailable,
                message: Cow::Borrowed("the chain does not answer"),
                command: word,
                topic: None,
            };
            assert_replied(&WALLET, &state, &refused);
        }
        Received::Refused(reply) => assert_replied(&WALLET, &state, &reply),
        Received::Violation(meaning) => {
            assert!(matches!(frame, Frame::Binary(_)), "{meaning:?}");
        }
    }
}

fn refuse(dialect: &Conversation, state: &DialectState, tag: &Tag, word: &'static str) {
    let refused = Reply::RoomRefused {
        tag: Cow::Borrowed(tag),
        command: Cow::Borrowed(word),
        refusal: Refusal::Unavailable,
        message: Cow::Borrowed("the store is away"),
    };
    assert_replied(dialect, state, &refused);
}

fn send(dialect: &Conversation, state: &DialectState, tag: &Tag, message: SendMessage) {
    let Ok(user) = UserId::new("user") else {
        return;
    };
    let at = Timestamp::from_millis(u64::MAX);
    let message = Message {
        id: MessageId(u128::MAX),
        room: message.room,
        seq: 7,
        author: Profile {
            user,
            name: "User".into(),
            avatar: None,
        },
        kind: message.kind,
        content: message.content,
        reply_to: message.reply_to,
        client_id: message.client_id,
        created_at: at,
        updated_at: at,
        deleted_at: None,
        status: DeliveryState::Sent,
        answer: None,
    };
    let answer = RoomReply::Message(Box::new(message.clone()));
    let reply = Reply::Room {
        tag,
        command: "send_message",
        answer: &answer,
    };
    assert_replied(dialect, state, &reply);
    for kind in [EventKind::Message, EventKind::Edited] {
        let event = Event {
            room: Some(message.room.clone()),
            seq: 7,
            number: 1,
            at,
            kind: kind(Box::new(message.clone())),
        };
        let mut out = Vec::new();
        assert!(
            dialect
                .encode_event(state, &event, true, &mut out)
                .is_some()
        );
        assert_object(&out);
        let publication = Publication::new(
            Arc::new(Channel::Room(message.room.clone())),
            Position::default(),
            at,
            Body::Event(Arc::new(event)),
            0,
        );
        let (form, mut out) = (dialect.form(state), Vec::new());
        assert!(
            dialect
                .encode_publication(form, &publication, &mut out)
                .is_some()
        );
        assert_object(&out);
    }
}

fn assert_replied(dialect: &dyn Dialect, state: &DialectState, reply: &Reply<'_>) {
    let (at, mut out) = (Timestamp::from_millis(u64::MAX), Vec::new());
    assert!(
        dialect.encode_reply(state, reply, at, &mut out).is_some(),
        "no answer to {reply:?}"
    );
    assert_object(&out);
}

fn assert_object(frame: &[u8]) {
    let text = std::str::from_utf8(frame).unwrap_or_default();
    assert!(
        Object::parse(text).is_ok(),
        "an encoded frame is no JSON object: {text}"
    );
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
        Command::Connect(_)
        | Command::Disconnect
        | Command::Ping
        | Command::RegisterName(_)
        | Command::RegisterSession(_)
        | Command::Renew(_)
        | Command::Room(..)
        | Command::Subscribe(_)
        | Command::TopicPresence(_)
        | Command::Unsubscribe(_)
        | Command::Wallet(_) => return None,
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
