//! The cookies of `?cookie=true` (identity.md, "HTTP endpoints").

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{HeaderValue, SET_COOKIE};
use axum::http::request::Parts;
use conclave_auth::SignedIn;
use conclave_protocol::Timestamp;

use super::client::Client;
use super::problem::Problem;
use crate::handshake::{ACCESS_COOKIE, cookie};
use crate::node::Node;

/// Whether the query says `cookie=true`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookies {
    /// The answer sets none.
    Unwanted,
    /// The answer sets them.
    Wanted,
}

impl Cookies {
    /// Puts both tokens into cookies, where they are wanted.
    pub(super) fn set(
        self,
        headers: &mut HeaderMap,
        client: &Client,
        signed: &SignedIn,
        now: Timestamp,
    ) {
        if self == Self::Wanted {
            let access = (signed.access_token.as_str(), signed.access_life);
            let refresh = (
                signed.refresh_token.as_str(),
                signed.refresh_until.since(now),
            );
            append_both(headers, client, access, refresh);
        }
    }
}

/// Makes a browser forget both cookies, where it showed one.
pub(super) fn forget(headers: &mut HeaderMap, client: &Client, request: &HeaderMap) {
    if cookie(request, ACCESS_COOKIE).is_some() {
        append_both(headers, client, ("", Duration::ZERO), ("", Duration::ZERO));
    }
}

/// The refresh token of the cookie.
pub(super) fn refresh_cookie(request: &HeaderMap) -> Option<String> {
    cookie(request, REFRESH_COOKIE).filter(|token| !token.is_empty())
}

fn append_both(
    headers: &mut HeaderMap,
    client: &Client,
    (access, access_life): (&str, Duration),
    (refresh, refresh_life): (&str, Duration),
) {
    let secure = if client.wants_secure_cookies() {
        "; Secure"
    } else {
        ""
    };
    let mut append = |name: &str, value: &str, path: &str, life: Duration| {
        let seconds = life.as_secs();
        let line = format!(
            "{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
        );
        // Tokens are base64url and dots.
        if let Ok(mut line) = HeaderValue::try_from(line) {
            line.set_sensitive(true);
            headers.append(SET_COOKIE, line);
        }
    };
    append(ACCESS_COOKIE, access, "/", access_life);
    append(REFRESH_COOKIE, refresh, REFRESH_PATH, refresh_life);
}

impl FromRequestParts<Arc<Node>> for Cookies {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Node>) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let value = query
            .split('&')
            .find_map(|pair| match pair.split_once('=') {
                Some(("cookie", value)) => Some(value),
                None if pair == "cookie" => Some(""),
                Some(_) | None => None,
            });
        match value {
            None | Some("false") => Ok(Self::Unwanted),
            Some("true") => Ok(Self::Wanted),
            Some(_) => Err(Problem::bad_request("cookie: expected true or false")),
        }
    }
}

const REFRESH_COOKIE: &str = "refresh_token";
/// The only path the refresh cookie is sent to.
pub(super) const REFRESH_PATH: &str = "/auth/refresh";
