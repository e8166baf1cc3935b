//! Text messages to commands.

use std::borrow::Cow;
use std::fmt;

use conclave_protocol::{
    Broadcast, CloseMeaning, Command, Dialect, DialectState, Mode, Position, Publish, Received,
    Refusal, RegisterSession, Reply, SessionName, Subscribe, TopicMessage, TopicName,
    TopicPresence, Unsubscribe,
};

use super::{PUBSUB, RECOVER, TOPICS, codes, has, set};
use crate::object::{Object, ObjectError, string};

/// Decodes one text message. One line end at its end is not part of it: `websocat` sends every
/// line of its input with one.
pub(super) fn message<'a>(state: &mut DialectState, text: &'a str) -> Received<'a> {
    let text = text
        .strip_suffix('\n')
        .map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text == codes::PING {
        return Received::Command(Command::Ping);
    }
    let (word, command) = match text.split_once(':') {
        Some((codes::AUTH, argument)) => (codes::AUTH, renew(argument)),
        Some((codes::PRESENCE, argument)) => (codes::PRESENCE, presence(argument)),
        Some((codes::PUBLISH, argument)) => (codes::PUBLISH, publish(argument)),
        Some((codes::REGISTER_NAME, argument)) => (codes::REGISTER_NAME, register_name(argument)),
        Some((codes::REGISTER_SESSION, argument)) => {
            (codes::REGISTER_SESSION, register_session(argument))
        }
        Some((codes::SUBSCRIBE, argument)) => {
            (codes::SUBSCRIBE, subscribe(argument, has(state, RECOVER)))
        }
        Some((codes::UNSUBSCRIBE, argument)) => (codes::UNSUBSCRIBE, unsubscribe(argument)),
        Some(_) | None => return no_text_command(state, text),
    };
    if word != codes::AUTH {
        // A malformed command counts too: no broadcast client sends one.
        set(state, PUBSUB, true);
    }
    match command {
        Ok(command) => Received::Command(command),
        Err(fault) => refuse(fault, word),
    }
}

fn no_text_command<'a>(state: &DialectState, text: &'a str) -> Received<'a> {
    match TOPICS.mode(state) {
        Mode::Undecided => Received::Violation(CloseMeaning::MissingToken),
        Mode::Listener => match Object::parse(text) {
            Ok(object) => Received::Command(Command::Broadcast(Broadcast {
                members: object.members_without(&SET_BY_SERVER),
            })),
            Err(ObjectError::Other) => refuse(
                Fault::new("expected a JSON object or a text command"),
                codes::BROADCAST,
            ),
            Err(error) => refuse(Fault::new(error), codes::BROADCAST),
        },
        Mode::Subscriber => {
            let (command, message) = if text.trim_start().starts_with('{') {
                (
                    codes::BROADCAST,
                    "this connection sent a text command, so it cannot broadcast",
                )
            } else {
                (codes::UNKNOWN, "expected one of the text commands")
            };
            Received::Refused(Reply::Refused {
                refusal: Refusal::UnknownCommand,
                message: Cow::Borrowed(message),
                command,
                topic: None,
            })
        }
    }
}

/// What is wrong with a command.
struct Fault {
    /// Which field, and what was expected; no text of the client's.
    message: String,
    /// The topic, where that was not the wrong field.
    topic: Option<TopicName>,
}

impl Fault {
    fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            topic: None,
        }
    }

    fn field(name: &str, expected: impl fmt::Display) -> Self {
        Self {
            message: format!("{name} {expected}"),
            topic: None,
        }
    }
}

type Decoded<'a> = Result<Command<'a>, Fault>;

fn refuse<'a>(fault: Fault, command: &'static str) -> Received<'a> {
    Received::Refused(Reply::Refused {
        refusal: Refusal::BadRequest,
        message: Cow::Owned(fault.message),
        command,
        topic: fault.topic.map(|topic| Cow::Owned(topic.to_string())),
    })
}

/// `auth:TOKEN`.
fn renew(token: &str) -> Decoded<'_> {
    if token.is_empty() {
        return Err(Fault::field("token", "must not be empty"));
    }
    Ok(Command::Renew(Cow::Borrowed(token)))
}

/// `presence:TOPIC`.
fn presence(topic: &str) -> Decoded<'_> {
    Ok(Command::TopicPresence(TopicPresence {
        topic: topic_name(topic)?,
    }))
}

/// `register-name:NAME`; 1 to 255 bytes without control characters.
fn register_name(name: &str) -> Decoded<'_> {
    // Display names obey the rules of session names.
    SessionName::new(name).map_err(|error| Fault::field("name", error))?;
    Ok(Command::RegisterName(name))
}

/// `register-session:SID`; 1 to 255 bytes without control characters.
fn register_session(session: &str) -> Decoded<'_> {
    SessionName::new(session).map_err(|error| Fault::field("session", error))?;
    Ok(Command::RegisterSession(RegisterSession { session }))
}

/// `subscribe:TOPIC`, `subscribe:TOPIC|SID`, and with `?recover=1` either of them with
/// `?since=OFFSET,EPOCH` at the end or, where there is a `SID`, at the end of the topic.
///
/// Without `?recover=1` such a suffix belongs to the name. With it, the last `?since=` of the
/// part it stands in begins the suffix, which must then be well formed.
fn subscribe(argument: &str, recover: bool) -> Decoded<'_> {
    let (mut topic, mut session) = topic_and_session(argument);
    let mut since = None;
    if recover {
        if let Some(named) = session {
            let (name, position) = split_since(named)?;
            (session, since) = (Some(name), position);
        }
        if since.is_none() {
            (topic, since) = split_since(topic)?;
        }
    }
    Ok(Command::Subscribe(Subscribe {
        topic: topic_name(topic)?,
        session,
        since,
    }))
}

/// `unsubscribe:TOPIC` or `unsubscribe:TOPIC|SID`.
fn unsubscribe(argument: &str) -> Decoded<'_> {
    let (topic, session) = topic_and_session(argument);
    Ok(Command::Unsubscribe(Unsubscribe {
        topic: topic_name(topic)?,
        session,
    }))
}

/// `publish-json:{"publisher_name":"Client1","topic":"T","payload":…,"timestamp":"…",
/// "session_id":"S"}` (topics.md, "Message").
///
/// Only `topic` is required; `null` is the same as missing, other members are ignored. At most
/// 255 bytes of `publisher_name`, 64 of `timestamp` without control characters. `session_id` is
/// not checked here: whatever it is, it can only be the connection's own or be refused.
fn publish(argument: &str) -> Decoded<'_> {
    let object = Object::parse(argument).map_err(|error| Fault {
        message: error.to_string(),
        topic: None,
    })?;
    let topic = match text_member(&object, "topic")? {
        Some(topic) => topic_name(&topic)?,
        None => return Err(Fault::field("topic", "is missing")),
    };
    publish_to(topic.clone(), &object).map_err(|fault| Fault {
        topic: Some(topic),
        ..fault
    })
}

fn publish_to<'a>(topic: TopicName, object: &Object<'a>) -> Decoded<'a> {
    let publisher_name = text_member(object, "publisher_name")?;
    if publisher_name
        .as_ref()
        .is_some_and(|name| name.len() > NAME_BYTES_MAX)
    {
        return Err(Fault::field("publisher_name", "must be at most 255 bytes"));
    }
    let timestamp = text_member(object, "timestamp")?;
    if let Some(timestamp) = &timestamp
        && (timestamp.len() > TIMESTAMP_BYTES_MAX || timestamp.chars().any(char::is_control))
    {
        return Err(Fault::field(
            "timestamp",
            "must be at most 64 bytes, no control characters",
        ));
    }
    let message = TopicMessage {
        publisher_name: publisher_name.map(Into::into),
        payload: object.member("payload").unwrap_or(NULL).into(),
        timestamp: timestamp.map(Into::into),
        user: None,
    };
    Ok(Command::Publish(Publish {
        session: text_member(object, "session_id")?,
        topic,
        message,
    }))
}

/// A member that is a string; `None` where it is `null` or missing.
fn text_member<'a>(object: &Object<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
    match object.member(name) {
        None | Some(NULL) => Ok(None),
        Some(json) => string(json)
            .map(Some)
            .ok_or_else(|| Fault::field(name, "must be a string")),
    }
}

fn topic_name(text: &str) -> Result<TopicName, Fault> {
    TopicName::new(text).map_err(|error| Fault::field("topic", error))
}

fn topic_and_session(argument: &str) -> (&str, Option<&str>) {
    argument
        .split_once('|')
        .map_or((argument, None), |(topic, session)| (topic, Some(session)))
}

fn split_since(text: &str) -> Result<(&str, Option<Position>), Fault> {
    let Some((before, since)) = text.rsplit_once("?since=") else {
        return Ok((text, None));
    };
    since
        .split_once(',')
        .and_then(|(offset, epoch)| {
            Some(Position {
                offset: decimal(offset)?,
                epoch: decimal(epoch)?,
            })
        })
        .map(|position| (before, Some(position)))
        .ok_or_else(|| Fault::field("since", "must be OFFSET,EPOCH, two whole numbers"))
}

fn decimal(text: &str) -> Option<u64> {
    // `parse` alone would take a sign.
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

const SET_BY_SERVER: [&str; 3] = ["user", "timestamp", "requestId"];
const NAME_BYTES_MAX: usize = 255;
const TIMESTAMP_BYTES_MAX: usize = 64;
const NULL: &str = "null";
