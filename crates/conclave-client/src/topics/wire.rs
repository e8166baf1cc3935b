//! Frames of `/ws`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// A frame of the server; publications have no `type`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Frame {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(rename = "requestId")]
    pub(super) broadcast: Option<serde::de::IgnoredAny>,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) command: String,
    pub(super) topic: Option<String>,
    pub(super) publisher_name: Option<String>,
    pub(super) payload: Option<Box<RawValue>>,
    pub(super) timestamp: String,
    pub(super) session_id: Option<String>,
    pub(super) user: Option<String>,
    pub(super) offset: Option<u64>,
    pub(super) epoch: Option<u64>,
}

#[derive(Serialize)]
struct Publication<'a, T: ?Sized> {
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher_name: Option<&'a str>,
    topic: &'a str,
    payload: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<&'a str>,
}

/// `publish-json:{…}`.
pub(super) fn publication<T: Serialize + ?Sized>(
    topic: &str,
    publisher_name: Option<&str>,
    payload: &T,
    timestamp: Option<&str>,
) -> Result<String> {
    let publication = Publication {
        publisher_name,
        topic,
        payload,
        timestamp,
    };
    let object = serde_json::to_string(&publication)
        .map_err(|error| Error::Malformed(error.to_string().into()))?;
    Ok(format!("publish-json:{object}"))
}
