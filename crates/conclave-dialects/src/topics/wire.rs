//! Shapes on the wire: the small frames that clients get.

use serde::ser::Serialize;

/// `{"type":"error","code":"forbidden","message":"…","command":"subscribe","topic":"T"}`;
/// `topic` only where the command named a valid one (topics.md, "Errors").
#[derive(serde::Serialize)]
#[serde(tag = "type", rename = "error")]
pub(super) struct ErrorFrame<'a> {
    pub(super) code: &'static str,
    pub(super) message: &'a str,
    pub(super) command: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) topic: Option<&'a str>,
}

/// `{"type":"ack","command":"subscribe","topic":"T"}`; `topic` only where the command has one.
#[derive(serde::Serialize)]
#[serde(tag = "type", rename = "ack")]
pub(super) struct AckFrame<'a> {
    pub(super) command: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) topic: Option<&'a str>,
}

/// `{"type":"presence","topic":"T","clients":[…]}`.
#[derive(serde::Serialize)]
#[serde(tag = "type", rename = "presence")]
pub(super) struct PresenceFrame<'a, C: Iterator<Item = PresentShape<'a>> + Clone> {
    pub(super) topic: &'a str,
    #[serde(serialize_with = "sequence")]
    pub(super) clients: C,
}

/// `{"user":"alice","publisher_name":"Client1"}`, `null` for what is not known.
#[derive(serde::Serialize)]
pub(super) struct PresentShape<'a> {
    pub(super) user: Option<&'a str>,
    pub(super) publisher_name: Option<&'a str>,
}

/// `{"type":"gap","topic":"T"}`.
#[derive(serde::Serialize)]
#[serde(tag = "type", rename = "gap")]
pub(super) struct GapFrame<'a> {
    pub(super) topic: &'a str,
}

fn sequence<S, I>(items: &I, serializer: S) -> Result<S::Ok, S::Error>
where
    S: serde::Serializer,
    I: Iterator<Item: Serialize> + Clone,
{
    serializer.collect_seq(items.clone())
}
