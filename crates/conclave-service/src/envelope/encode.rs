//! An envelope to a frame.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::AsyncApiError;

/// Everything of an envelope but what it carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    /// The message's own id.
    pub(crate) id: &'a str,
    /// The operation's name.
    pub(crate) operation: &'a str,
    /// RFC 3339.
    pub(crate) timestamp: &'a str,
    /// What it belongs to.
    pub(crate) correlation_id: Option<&'a str>,
    /// The channel's address.
    pub(crate) channel: Option<&'a str>,
    /// An object, as it is written; `{}` where there is none.
    pub(crate) headers: Option<&'a RawValue>,
}

/// Appends a whole envelope whose payload `payload` appends; on its failure `out` is as before.
///
/// Shape: as [`super::Envelope`], every member written.
///
/// # Errors
/// What `payload` gives.
pub(crate) fn write_envelope<E>(
    head: &Head<'_>,
    out: &mut Vec<u8>,
    payload: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    front(head, out);
    if let Err(fault) = payload(out) {
        out.truncate(start);
        return Err(fault);
    }
    behind(head, out);
    out.extend_from_slice(b",\"error\":null}");
    Ok(())
}

/// Appends a whole envelope that carries an error:
/// `{"code","message","operation","correlation_id","details":[{"field","message","code"}]}`.
pub(crate) fn write_error(head: &Head<'_>, error: &AsyncApiError, out: &mut Vec<u8>) {
    front(head, out);
    out.extend_from_slice(b"null");
    behind(head, out);
    out.extend_from_slice(b",\"error\":{\"code\":\"");
    out.extend_from_slice(error.code().name().as_bytes());
    out.extend_from_slice(b"\",\"message\":");
    value(error.message(), out);
    out.extend_from_slice(b",\"operation\":");
    value(head.operation, out);
    out.extend_from_slice(b",\"correlation_id\":");
    value(&head.correlation_id, out);
    out.extend_from_slice(b",\"details\":");
    value(error.details(), out);
    out.extend_from_slice(b"}}");
}

/// `{"id":…,"operation":…,"payload":`
fn front(head: &Head<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":");
    value(head.id, out);
    out.extend_from_slice(b",\"operation\":");
    value(head.operation, out);
    out.extend_from_slice(b",\"payload\":");
}

/// `,"timestamp":…,"correlation_id":…,"channel":…,"headers":…`
fn behind(head: &Head<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"timestamp\":");
    value(head.timestamp, out);
    out.extend_from_slice(b",\"correlation_id\":");
    value(&head.correlation_id, out);
    out.extend_from_slice(b",\"channel\":");
    value(&head.channel, out);
    out.extend_from_slice(b",\"headers\":");
    out.extend_from_slice(head.headers.map_or("{}", RawValue::get).as_bytes());
}

/// Texts and lists of texts cannot fail to be written to memory; were one to, it would be `null`.
fn value<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}
