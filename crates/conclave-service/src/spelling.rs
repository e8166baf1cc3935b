//! Names of payload fields in two spellings: `message_id` and `messageId` (service.md).

use serde_json::value::RawValue;

use crate::envelope::{Envelope, Head, write_envelope};

/// How the names of payload fields are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `messageId`.
    Camel,
    /// `message_id`.
    Snake,
}

impl Spelling {
    /// By the name that `?case=` has for it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "camel" => Some(Self::Camel),
            "snake" => Some(Self::Snake),
            _ => None,
        }
    }

    /// The spelling that these names show; `None` where all are the same in both.
    pub(crate) fn of(json: &str) -> Option<Self> {
        names(json).find_map(|(_, name)| {
            if name != respelled_name(name, Self::Camel) {
                Some(Self::Snake)
            } else if name != respelled_name(name, Self::Snake) {
                Some(Self::Camel)
            } else {
                None
            }
        })
    }
}

/// A JSON text with every name in this spelling; values are as they were. The text must be valid.
pub(crate) fn respell(json: &str, spelling: Spelling) -> String {
    let mut out = String::with_capacity(json.len() + 16);
    let mut copied = 0;
    for (start, name) in names(json) {
        out.push_str(json.get(copied..start).unwrap_or_default());
        out.push_str(&respelled_name(name, spelling));
        copied = start.saturating_add(name.len());
    }
    out.push_str(json.get(copied..).unwrap_or_default());
    out
}

/// An envelope whose payload has every name in this spelling; its own names are as they are.
pub(crate) fn respell_envelope(text: &str, spelling: Spelling) -> Option<Vec<u8>> {
    let envelope = Envelope::decode(text).ok()?;
    if envelope.error.is_some() {
        return None;
    }
    let head = Head {
        id: envelope.id.as_deref().unwrap_or_default(),
        operation: &envelope.operation,
        timestamp: envelope.timestamp.as_deref().unwrap_or_default(),
        correlation_id: envelope.correlation_id.as_deref(),
        channel: envelope.channel.as_deref(),
        headers: envelope.headers,
    };
    let payload = respell(envelope.payload.get(), spelling);
    let mut out = Vec::with_capacity(text.len() + 32);
    let written = write_envelope(&head, &mut out, |out| {
        out.extend_from_slice(payload.as_bytes());
        Ok::<_, ()>(())
    });
    written.is_ok().then_some(out)
}

/// A payload with every name in this spelling.
pub(crate) fn respell_payload(payload: &RawValue, spelling: Spelling) -> Option<Box<RawValue>> {
    RawValue::from_string(respell(payload.get(), spelling)).ok()
}

/// The path of a field, `updates.display_name`, in this spelling.
pub(crate) fn respell_path(path: &str, spelling: Spelling) -> String {
    let names = path.split('.');
    let names: Vec<String> = names.map(|name| respelled_name(name, spelling)).collect();
    names.join(".")
}

/// One name. What is no plain name in either spelling stays as it is.
fn respelled_name(name: &str, spelling: Spelling) -> String {
    let is_plain = name.starts_with(|first: char| first.is_ascii_lowercase());
    if !is_plain || name.ends_with('_') || name.contains("__") {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len() + 4);
    match spelling {
        Spelling::Camel => {
            let mut is_start = false;
            for letter in name.chars() {
                match letter {
                    '_' => is_start = true,
                    _ if is_start => {
                        out.push(letter.to_ascii_uppercase());
                        is_start = false;
                    }
                    _ => out.push(letter),
                }
            }
        }
        Spelling::Snake => {
            for letter in name.chars() {
                if letter.is_ascii_uppercase() {
                    out.push('_');
                }
                out.push(letter.to_ascii_lowercase());
            }
        }
    }
    out
}

/// The names in a JSON text and where they begin, as they are written, without their quotes: texts
/// that a colon follows. Those with escapes are passed over.
fn names(json: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut place = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let start = place.saturating_add(json.get(place..)?.find('"')?.saturating_add(1));
            let end = start.saturating_add(end_of_text(json.get(start..)?)?);
            let text = json.get(start..end)?;
            place = end.saturating_add(1);
            let is_name = json.get(place..)?.trim_ascii_start().starts_with(':');
            if is_name && !text.contains('\\') {
                return Some((start, text));
            }
        }
    })
}

/// Where the quote stands that ends a text.
fn end_of_text(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| match byte {
        _ if is_escaped => {
            is_escaped = false;
            false
        }
        b'\\' => {
            is_escaped = true;
            false
        }
        _ => byte == b'"',
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Spelling, respell, respell_path};

    #[test]
    fn names_are_respelled_and_values_are_not() {
        let snake = r#"{"message_id": "a_b:", "x":[{"reply_to":{"a_b_c":"\"c_d\":"}}], "id":1}"#;
        let camel = r#"{"messageId": "a_b:", "x":[{"replyTo":{"aBC":"\"c_d\":"}}], "id":1}"#;
        assert_eq!(respell(snake, Spelling::Camel), camel);
        assert_eq!(respell(camel, Spelling::Snake), snake);
        assert_eq!(respell(snake, Spelling::Snake), snake);
        assert_eq!(
            respell_path("updates.display_name", Spelling::Camel),
            "updates.displayName"
        );
        assert_eq!(
            respell_path("members[2].user_id", Spelling::Camel),
            "members[2].userId"
        );
    }

    #[test]
    fn the_first_name_that_shows_it_tells_the_spelling() {
        assert_eq!(
            Spelling::of(r#"{"id":1,"a_b":2,"cD":3}"#),
            Some(Spelling::Snake)
        );
        assert_eq!(Spelling::of(r#"{"id":1,"cD":3}"#), Some(Spelling::Camel));
        for same in [
            r#"{"id":"a_b"}"#,
            "7",
            r#""aB""#,
            r#"{"_a":1,"A":2,"a__b":3,"a\u005fb":4}"#,
        ] {
            assert_eq!(Spelling::of(same), None, "{same}");
            assert_eq!(respell(same, Spelling::Camel), same);
        }
    }

    proptest! {
        #[test]
        fn respelled_json_is_json_and_comes_back(
            names in prop::collection::vec("[a-z][a-z0-9]{0,3}(_[a-z][a-z0-9]{0,3}){0,2}", 1..5),
            value in ".{0,12}",
        ) {
            let object: serde_json::Map<_, _> = names
                .into_iter()
                .map(|name| (name, serde_json::Value::from(value.as_str())))
                .collect();
            let snake = serde_json::Value::from(object).to_string();
            let camel = respell(&snake, Spelling::Camel);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&camel).is_ok());
            prop_assert_eq!(respell(&camel, Spelling::Snake), snake);
        }
    }
}
