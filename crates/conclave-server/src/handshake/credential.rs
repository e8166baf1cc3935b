//! Where a handshake may carry its token (identity.md).

use percent_encoding::percent_decode_str;

use super::fields::{Fields, text};
use super::origin::Origin;

/// What a handshake shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// Nothing.
    None,
    /// Two that differ, a token with a ticket, or one that is no text.
    Contradiction,
    /// A ticket.
    Ticket(String),
    /// A JWT.
    Token(String),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Contradiction => "Contradiction",
            Self::Ticket(_) => "Ticket(..)",
            Self::Token(_) => "Token(..)",
        })
    }
}

/// Reads the explicit places, and the cookie only where there is no explicit one and the
/// request comes from an allowed page.
pub(crate) fn credential<F>(headers: &F, query: &str, origin: &Origin) -> Credential
where
    F: Fields + ?Sized,
{
    let mut found = Found::default();
    for line in headers.values("authorization") {
        match text(line).and_then(bearer) {
            Some(token) => found.token(token.to_owned()),
            None => found.contradiction = true,
        }
    }
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if !matches!(name, "token" | "ticket") || value.is_empty() {
            continue;
        }
        match (name, unescaped(value)) {
            ("token", Some(value)) => found.token(value),
            (_, Some(value)) => found.ticket(value),
            (_, None) => found.contradiction = true,
        }
    }
    found.settle(|| match origin {
        Origin::Allowed(_) => cookie(headers, ACCESS_COOKIE),
        Origin::Absent | Origin::Refused => None,
    })
}

/// A query value without its percent escapes; `None` where that is no text. Tokens have none.
fn unescaped(value: &str) -> Option<String> {
    if !value.contains('%') {
        return Some(value.to_owned());
    }
    percent_decode_str(value)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

/// The token of an `Authorization: Bearer T` line.
pub(crate) fn bearer(line: &str) -> Option<&str> {
    let (scheme, token) = line.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim())
}

/// The value of a cookie.
pub(crate) fn cookie<F: Fields + ?Sized>(headers: &F, name: &str) -> Option<String> {
    let lines = headers.values("cookie").filter_map(text);
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
        .next()
}

#[derive(Default)]
struct Found {
    token: Option<String>,
    ticket: Option<String>,
    contradiction: bool,
}

impl Found {
    fn token(&mut self, token: String) {
        self.contradiction |= self.token.as_ref().is_some_and(|known| *known != token);
        self.token = Some(token);
    }

    fn ticket(&mut self, ticket: String) {
        self.contradiction |= self.ticket.as_ref().is_some_and(|known| *known != ticket);
        self.ticket = Some(ticket);
    }

    fn settle(self, cookie: impl FnOnce() -> Option<String>) -> Credential {
        match (self.contradiction, self.token, self.ticket) {
            (true, ..) | (false, Some(_), Some(_)) => Credential::Contradiction,
            (false, Some(token), None) => Credential::Token(token),
            (false, None, Some(ticket)) => Credential::Ticket(ticket),
            (false, None, None) => cookie().map_or(Credential::None, Credential::Token),
        }
    }
}

/// The cookie that `/token?cookie=true` and `/auth/token?cookie=true` set.
pub(crate) const ACCESS_COOKIE: &str = "access_token";
