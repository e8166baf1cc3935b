//! Frames to commands.

use std::borrow::Cow;

use conclave_protocol::{Command, Received, Refusal, Reply, Tag, WalletAddress, WalletCommand};

use super::{AUTH, BALANCE, CONTRACT, PING, TRANSACTIONS, UNSUBSCRIBE};
use crate::object::{Object, string};

/// Decodes a frame: `ping`, `auth`, `subscribe_balance`, `subscribe_transactions`,
/// `subscribe_contract`, `unsubscribe`.
pub(super) fn frame(text: &str) -> Received<'_> {
    let mut word = Cow::Borrowed("");
    let decoded = Object::parse(text)
        .map_err(|error| Fault(Refusal::BadRequest, error.to_string().into()))
        .and_then(|object| {
            word = required_text(&object, "type")?;
            command(&word, &object)
        });
    match decoded {
        Ok(command) => Received::Command(command),
        // The client's own word is repeated, known or not.
        Err(Fault(refusal, message)) => Received::Refused(Reply::RoomRefused {
            tag: Cow::Owned(Tag::default()),
            command: Cow::Owned(word.into_owned()),
            refusal,
            message,
        }),
    }
}

/// Why, and which field with what was expected.
struct Fault(Refusal, Cow<'static, str>);

fn wrong(name: &str, expected: &str) -> Fault {
    Fault(Refusal::BadRequest, format!("{name} {expected}").into())
}

fn command<'a>(word: &str, object: &Object<'a>) -> Result<Command<'a>, Fault> {
    Ok(match word {
        PING => Command::Ping,
        AUTH => match required_text(object, "token")? {
            token if token.is_empty() => return Err(wrong("token", "must not be empty")),
            token => Command::Renew(token),
        },
        BALANCE => Command::Wallet(WalletCommand::Balance {
            address: optional_address(object)?,
            tokens: tokens(object)?,
        }),
        TRANSACTIONS => Command::Wallet(WalletCommand::Transactions {
            address: optional_address(object)?,
        }),
        CONTRACT => Command::Wallet(WalletCommand::Contract {
            address: optional_address(object)?.ok_or_else(|| wrong("address", "is missing"))?,
            events: events(object)?,
        }),
        UNSUBSCRIBE => Command::Wallet(WalletCommand::Unwatch {
            subscription: subscription(object)?,
        }),
        _ => {
            let message = format!("Unknown message type: {word}");
            return Err(Fault(Refusal::UnknownCommand, message.into()));
        }
    })
}

fn optional_address(object: &Object<'_>) -> Result<Option<WalletAddress>, Fault> {
    let text = optional_text(object, "address")?;
    text.map(|text| address("address", &text)).transpose()
}

fn address(name: &str, text: &str) -> Result<WalletAddress, Fault> {
    WalletAddress::parse(text).map_err(|error| wrong(name, &error.to_string()))
}

/// `tokens`, at most 16, in order and none twice.
fn tokens(object: &Object<'_>) -> Result<Box<[WalletAddress]>, Fault> {
    let texts = texts(object, "tokens", TOKENS_MAX)?;
    let tokens: Result<Vec<_>, _> = texts.iter().map(|text| address("tokens", text)).collect();
    let mut tokens = tokens?;
    tokens.sort_unstable();
    tokens.dedup();
    Ok(tokens.into())
}

/// `events`, 1 to 16.
fn events(object: &Object<'_>) -> Result<Box<[Box<str>]>, Fault> {
    let mut texts = texts(object, "events", EVENTS_MAX)?;
    texts.sort_unstable();
    texts.dedup();
    if texts.is_empty() {
        return Err(wrong("events", "must name at least one event"));
    }
    Ok(texts.into_iter().map(Into::into).collect())
}

/// An array of strings; empty where it is `null` or missing.
fn texts(object: &Object<'_>, name: &str, most: usize) -> Result<Vec<String>, Fault> {
    let texts: Vec<String> = match object.member(name) {
        None | Some("null") => Vec::new(),
        Some(json) => serde_json::from_str(json)
            .map_err(|_other| wrong(name, "must be an array of strings"))?,
    };
    match texts.len() {
        count if count <= most => Ok(texts),
        _ => Err(wrong(name, &format!("must not be more than {most}"))),
    }
}

/// The text that the subscription was answered with.
fn subscription(object: &Object<'_>) -> Result<u64, Fault> {
    let text = required_text(object, "subscription")?;
    let number = text
        .parse()
        .ok()
        .filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.ok_or_else(|| Fault(Refusal::NotFound, "no such subscription".into()))
}

fn required_text<'a>(object: &Object<'a>, name: &str) -> Result<Cow<'a, str>, Fault> {
    optional_text(object, name)?.ok_or_else(|| wrong(name, "is missing"))
}

fn optional_text<'a>(object: &Object<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
    match object.member(name) {
        None | Some("null") => Ok(None),
        Some(json) => {
            let text = string(json).map(Some);
            text.ok_or_else(|| wrong(name, "must be a string"))
        }
    }
}

const TOKENS_MAX: usize = 16;
const EVENTS_MAX: usize = 16;
