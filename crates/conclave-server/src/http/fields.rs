//! Bodies: one JSON object or one form, each field taken by its name.

use std::collections::BTreeMap;
use std::fmt;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use conclave_protocol::Refusal;
use percent_encoding::percent_decode;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::problem::{BAD_REQUEST, Problem};

/// The fields of a body that were not taken yet. Its Debug would show passwords: it has none.
pub(super) struct Fields(BTreeMap<String, Value>);

/// The fields of a JSON object; an empty body has none. At most [`super::BODY_BYTES_MAX`].
pub(super) struct JsonFields(pub(super) Fields);

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
        let mut fields = BTreeMap::new();
        for pair in body
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

fn expect_type(headers: &HeaderMap, expected: &'static str) -> Result<(), Problem> {
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
