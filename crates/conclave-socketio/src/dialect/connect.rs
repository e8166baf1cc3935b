//! Who a client says it is: the payload of CONNECT.

use conclave_protocol::{Connect, Recovery, Shown};
use serde_json::value::RawValue;

use super::QUERY_PAIRS_MAX;
use super::fields::{Fields, string};
use crate::Sid;

/// Reads `{"token":JWT}` or `{"ticket":K}`, with `pid` and `offset` of a client that comes back
/// (socketio.md; identity.md, "Where a handshake may carry its token").
///
/// `elsewhere` says that a credential was shown by the request, where none is looked for.
pub(super) fn read(data: Option<&RawValue>, elsewhere: bool) -> Connect<'_> {
    let Some(data) = data else {
        return nothing(if elsewhere { ELSEWHERE } else { MISSING });
    };
    let Ok(fields) = Fields::parse(data) else {
        return nothing(UNREADABLE);
    };
    Connect {
        credential: credential(&fields, elsewhere),
        recovery: recovery(&fields),
    }
}

/// Whether a query string shows a credential; pairs after the 64th are not looked at.
pub(super) fn is_in_query(query: &str) -> bool {
    query.split('&').take(QUERY_PAIRS_MAX).any(|pair| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        is_credential(name)
    })
}

fn credential<'a>(fields: &Fields<'a>, elsewhere: bool) -> Shown<'a> {
    match (fields.json("token"), fields.json("ticket")) {
        (Some(_), Some(_)) => Shown::Nothing(BOTH),
        (Some(json), None) => match string(json) {
            None => Shown::Nothing(NO_STRING),
            Some(token) if token.trim().is_empty() => Shown::Nothing(EMPTY),
            Some(token) if has_prefix(&token) => Shown::Nothing(PREFIX),
            Some(token) => Shown::Token(token),
        },
        (None, Some(json)) => match string(json) {
            None => Shown::Nothing(NO_STRING),
            Some(ticket) if ticket.trim().is_empty() => Shown::Nothing(EMPTY),
            Some(ticket) => Shown::Ticket(ticket),
        },
        (None, None) => Shown::Nothing(missing(fields, elsewhere)),
    }
}

fn missing(fields: &Fields<'_>, elsewhere: bool) -> &'static str {
    if fields.names().any(|name| name == "token") {
        NULL
    } else if fields.names().any(is_credential) {
        OTHER_NAME
    } else if elsewhere {
        ELSEWHERE
    } else {
        MISSING
    }
}

fn nothing(text: &'static str) -> Connect<'static> {
    Connect {
        credential: Shown::Nothing(text),
        recovery: None,
    }
}

/// Without an offset there is nothing to go on from, as in the reference server.
fn recovery(fields: &Fields<'_>) -> Option<Recovery> {
    let sid = Sid::parse(&fields.text("pid").ok()??)?;
    let offset = fields.text("offset").ok()??;
    Some(Recovery {
        secret: sid.get(),
        number: number(&offset)?,
    })
}

/// `parse` alone would take a sign.
fn number(offset: &str) -> Option<u64> {
    let is_decimal = offset.bytes().all(|byte| byte.is_ascii_digit());
    is_decimal.then(|| offset.parse().ok())?
}

fn has_prefix(token: &str) -> bool {
    token
        .trim_start()
        .get(..PREFIX_WORD.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(PREFIX_WORD))
}

/// Names under which clients are known to look for a place for their token.
fn is_credential(name: &str) -> bool {
    let plain = |byte: &u8| !matches!(byte, b'-' | b'_');
    let name: Vec<u8> = name.bytes().filter(plain).take(NAME_BYTES_MAX).collect();
    CREDENTIALS
        .iter()
        .any(|known| known.as_bytes().eq_ignore_ascii_case(&name))
}

const CREDENTIALS: [&str; 9] = [
    "accesstoken",
    "apikey",
    "authorization",
    "authtoken",
    "bearer",
    "idtoken",
    "jwt",
    "ticket",
    "token",
];
const PREFIX_WORD: &str = "Bearer ";
const NAME_BYTES_MAX: usize = 20;

const BOTH: &str = "authentication takes either auth.token or auth.ticket, not both";
const ELSEWHERE: &str = "authentication is read from auth.token alone, not from the query, headers or cookies: \
     connect with {auth: {token}}";
const EMPTY: &str = "authentication needs a value in auth.token that is not empty";
const MISSING: &str = "authentication is missing: connect with {auth: {token}}";
const NO_STRING: &str = "authentication needs a string in auth.token or auth.ticket";
const NULL: &str = "authentication is missing: auth.token was null when the client connected";
const OTHER_NAME: &str = "authentication is read from auth.token alone, not from other fields of auth: connect with \
     {auth: {token}}";
const PREFIX: &str =
    "authentication needs the raw token in auth.token, without the prefix \"Bearer \"";
const UNREADABLE: &str =
    "authentication cannot be read: auth has the same field twice, or one whose name is no text";
