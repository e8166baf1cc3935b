//! Bodies and queries: one JSON object or one form, each field taken by its name.

use std::collections::BTreeMap;
use std::fmt;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use conclave_protocol::Refusal;
use percent_encoding::percent_decode;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::problem::{BAD_REQUEST, Problem};

/// The fields of a body or query that were not taken yet. Its Debug would show passwords: it has none.
pub(super) struct Fields(BTreeMap<String, Value>);

/// The fields of a JSON object; an empty body has none. At most [`super::BODY_BYTES_MAX`].
pub(super) struct JsonFields(pub(super) Fields);

/// The same, with the text as it came: for values that go on unchanged.
pub(super) struct JsonText {
    pub(super) fields: Fields,
    text: Bytes,
}

/// The fields of a query, each at most once. Empty ones count as missing.
pub(super) struct QueryFields(pub(super) Fields);

/// The fields of a form (`application/x-www-form-urlencoded`). As RFC 6749 says: fields that
/// nobody takes are passed over, empty ones count as missing, and none may occur twice.
pub(super) struct FormFields(pub(super) Fields);

impl Fields {
    /// Takes a text that must be there.
    pub(super) fn text(&mut self, name: &'static str) -> Result<String, Problem> {
        let missing = || Problem::bad_request(format!("{name}: missing"));
        self.optional_text(name)?.ok_or_else(missing)
    }

    /// Takes a text; `null` counts as missing.
    pub(super) fn optional_text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, "a text", &other)),
        }
    }

    /// Takes a yes or no; missing means no.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, Problem> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(other) => Err(wrong_type(name, "true or false", &other)),
        }
    }

    /// Takes a yes or no that may be missing.
    pub(super) fn optional_flag(&mut self, name: &'static str) -> Result<Option<bool>, Problem> {
        match self.0.get(name) {
            None | Some(Value::Null) => self.optional_text(name).map(|_none| None),
            Some(_) => self.flag(name).map(Some),
        }
    }

    /// Takes `true` or `false` as a word, as queries have it; missing means no.
    pub(super) fn word_flag(&mut self, name: &'static str) -> Result<bool, Problem> {
        match self.optional_text(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::bad_request(format!(
                "{name}: expected true or false"
            ))),
        }
    }

    /// Takes a number from 0 to 2^53 - 1, in a query as digits.
    pub(super) fn optional_number(&mut self, name: &'static str) -> Result<Option<u64>, Problem> {
        let given = match self.0.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(given) => given,
        };
        let number = match &given {
            Value::Number(number) => number.as_u64(),
            Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().ok()
            }
            _ => None,
        };
        let number = number.filter(|number| *number < 1 << 53);
        let unfit =
            || Problem::bad_request(format!("{name}: expected a number from 0 to 2^53 - 1"));
        number.map(Some).ok_or_else(unfit)
    }

    /// Takes a list of texts; missing means none.
    pub(super) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, Problem> {
        let list = match self.0.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(wrong_type(name, "a list of texts", &other)),
        };
        let text = |value| match value {
            Value::String(text) => Ok(text),
            other => Err(wrong_type(name, "a list of texts", &other)),
        };
        list.into_iter()
            .map(text)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Refuses what was not taken.
    pub(super) fn end(self) -> Result<(), Problem> {
        let Some(name) = self.0.keys().next() else {
            return Ok(());
        };
        let shown: String = name.chars().take(NAME_CHARS_MAX).collect();
        Err(Problem::bad_request(format!(
            "{}: unknown field",
            shown.escape_debug()
        )))
    }

    fn json(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self(BTreeMap::new()));
        }
        expect_type(headers, "application/json")?;
        let members: Members = serde_json::from_slice(body).map_err(|error| {
            Problem::bad_request(if error.is_data() {
                "the body must be one JSON object, with no field twice".into()
            } else {
                format!("not JSON: line {}, column {}", error.line(), error.column())
            })
        })?;
        Ok(Self(members.0))
    }

    fn form(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        expect_type(headers, "application/x-www-form-urlencoded")?;
        Self::pairs(body)
    }

    fn pairs(text: &[u8]) -> Result<Self, Problem> {
        let mut fields = BTreeMap::new();
        for pair in text
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decoded(halves.next().unwrap_or_default())?;
            let value = decoded(halves.next().unwrap_or_default())?;
            if value.is_empty() {
                continue;
            }
            if fields.insert(name, Value::String(value)).is_some() {
                return Err(Problem::bad_request("a field occurs twice"));
            }
        }
        Ok(Self(fields))
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonFields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        Fields::json(&headers, &body(request, state).await?).map(Self)
    }
}

impl JsonText {
    /// Takes a value of any type as the text that was sent.
    pub(super) fn raw(&mut self, name: &'static str) -> Result<Option<Box<str>>, Problem> {
        if self.fields.0.remove(name).is_none() {
            return Ok(None);
        }
        // It is an object: its fields were taken from it.
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_slice(&self.text).map_err(|_error| Problem::internal())?;
        Ok(members.get(name).map(|value| value.get().into()))
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonText {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let text = body(request, state).await?;
        let fields = Fields::json(&headers, &text)?;
        Ok(Self { fields, text })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for QueryFields {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Fields::pairs(parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for FormFields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        Fields::form(&headers, &body(request, state).await?).map(Self)
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let bytes = super::BODY_BYTES_MAX;
                Problem::refused(Refusal::TooLarge, format!("the body is over {bytes} bytes"))
            } else {
                Problem::bad_request("the body cannot be read")
            }
        })
}

pub(super) fn expect_type(headers: &HeaderMap, expected: &'static str) -> Result<(), Problem> {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|line| line.to_str().ok())
        .unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let detail = format!("Content-Type: expected {expected}");
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        BAD_REQUEST,
        detail,
    ))
}

/// Says the type that was given, never the value: it may be a password.
fn wrong_type(name: &str, expected: &str, given: &Value) -> Problem {
    let given = match given {
        Value::Array(_) => "a list",
        Value::Bool(_) => "true or false",
        Value::Null => "null",
        Value::Number(_) => "a number",
        Value::Object(_) => "an object",
        Value::String(_) => "a text",
    };
    Problem::bad_request(format!("{name}: {given} given, expected {expected}"))
}

fn decoded(part: &[u8]) -> Result<String, Problem> {
    let spaced: Vec<u8> = part
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let text = percent_decode(&spaced).decode_utf8();
    text.map(|text| text.into_owned())
        .map_err(|_invalid| Problem::bad_request("a field of the form is not UTF-8"))
}

/// A JSON object in which no name occurs twice.
struct Members(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;

        impl<'de> Visitor<'de> for Once {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a field occurs twice"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Once)
    }
}

const NAME_CHARS_MAX: usize = 40;
