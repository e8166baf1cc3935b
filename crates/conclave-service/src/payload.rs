//! Payloads: JSON to the document's types, and back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{AsyncApiError, AsyncApiResult};

/// Reads a payload. The fast way first; only one that does not fit is read again, to say where.
pub(crate) fn read<T: DeserializeOwned>(json: &str, what: &'static str) -> AsyncApiResult<T> {
    serde_json::from_str(json).or_else(|_misfit| explain(json, what))
}

#[cold]
fn explain<T: DeserializeOwned>(json: &str, what: &'static str) -> AsyncApiResult<T> {
    let mut reader = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut reader).map_err(|fault| {
        let path = fault.path().to_string();
        let text = fault.inner().to_string();
        // The place in the text means nothing to whoever sees only the message.
        let message = text
            .rfind(" at line ")
            .and_then(|end| text.get(..end))
            .unwrap_or(&text);
        let missing = message.strip_prefix("missing field `");
        let missing = missing.and_then(|rest| rest.strip_suffix('`'));
        let (field, message, code) = match (path.as_str(), missing) {
            (".", Some(name)) => (name.to_owned(), "is missing", "missing"),
            (path, Some(name)) => (format!("{path}.{name}"), "is missing", "missing"),
            (".", None) => (String::new(), message, "invalid"),
            (path, None) => (path.to_owned(), message, "invalid"),
        };
        let cut = message.floor_char_boundary(MESSAGE_BYTES_MAX);
        let message = message.get(..cut).unwrap_or_default();
        AsyncApiError::invalid_payload(format!("the {what} is not what the document describes"))
            .with_detail(field, message, code)
    })
}

/// Appends a payload.
pub(crate) fn write<T: Serialize + ?Sized>(payload: &T, out: &mut Vec<u8>) -> AsyncApiResult<()> {
    serde_json::to_writer(out, payload).map_err(AsyncApiError::internal)
}

/// Of a detail's message: values that clients sent may stand in it.
const MESSAGE_BYTES_MAX: usize = 512;
