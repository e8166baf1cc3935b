//! What a handshake carries.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use super::AuthError;
use crate::Scheme;

/// The request of a handshake, as far as credentials may stand in it. Its Debug shows none.
#[derive(Clone, Default)]
pub struct AuthRequest {
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    cookies_count: bool,
    peer: Option<IpAddr>,
}

/// A credential of one scheme. Its Debug shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// An API key.
    Key(String),
    /// A name and a password.
    Password {
        /// The name, not empty.
        user: String,
        /// The password.
        password: String,
    },
    /// An access token.
    Token(String),
}

impl AuthRequest {
    /// A request for this path and query: `/chat?token=…`.
    #[must_use]
    pub fn new(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Self {
            path: path.to_owned(),
            query: pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decoded(name), decoded(value))
                })
                .collect(),
            ..Self::default()
        }
    }

    /// The same with one more header line.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with cookies that count: only where the `Origin` of the page was checked.
    #[must_use]
    pub const fn with_cookies_counted(mut self) -> Self {
        self.cookies_count = true;
        self
    }

    /// The same from this address.
    #[must_use]
    pub const fn from_peer(mut self, peer: Option<IpAddr>) -> Self {
        self.peer = peer;
        self
    }

    /// The path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The address at the other end of the socket.
    #[must_use]
    pub const fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// The first value of a query parameter, decoded.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter();
        let (_, value) = pairs.find(|(own, _)| own == name)?;
        Some(value)
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.iter();
        let (_, value) = lines.find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// The credential of a scheme; `None` where there is none.
    ///
    /// # Errors
    /// [`AuthError::Conflicting`] where there are two that differ, [`AuthError::Invalid`] where it
    /// is malformed.
    pub fn credential(&self, scheme: Scheme) -> Result<Option<Credential>, AuthError> {
        match scheme {
            Scheme::ApiKeyCookie(name) => Ok(same(self.cookies(name))?.map(Credential::Key)),
            Scheme::ApiKeyHeader(name) => Ok(same(self.header_values(name))?.map(Credential::Key)),
            Scheme::ApiKeyQuery(name) => {
                let values = only_values(&self.query, |own| own == name);
                Ok(same(values)?.map(Credential::Key))
            }
            Scheme::HttpBasic | Scheme::UserPassword => self.password(),
            Scheme::HttpBearer | Scheme::OAuth2 | Scheme::OpenIdConnect => {
                let in_query = only_values(&self.query, |own| own == "token");
                let tokens = self.authorization("bearer").chain(in_query);
                Ok(same(tokens)?.map(Credential::Token))
            }
        }
    }

    fn password(&self) -> Result<Option<Credential>, AuthError> {
        let Some(encoded) = same(self.authorization("basic"))? else {
            return Ok(None);
        };
        let malformed = || AuthError::Invalid("malformed basic credential".to_owned());
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|_undecodable| malformed())?;
        let text = String::from_utf8(bytes).map_err(|_not_utf8| malformed())?;
        let (user, password) = text.split_once(':').ok_or_else(malformed)?;
        if user.is_empty() || text.chars().any(char::is_control) {
            return Err(malformed());
        }
        Ok(Some(Credential::Password {
            user: user.to_owned(),
            password: password.to_owned(),
        }))
    }

    /// What stands behind this word in `Authorization`.
    fn authorization(&self, word: &'static str) -> impl Iterator<Item = &str> {
        self.header_values("authorization")
            .filter_map(move |value| {
                let (own, credential) = value.trim().split_once(' ')?;
                own.eq_ignore_ascii_case(word)
                    .then_some(credential.trim_start())
            })
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        only_values(&self.headers, move |own| own.eq_ignore_ascii_case(name))
    }

    fn cookies<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.header_values("cookie")
            .filter(|_| self.cookies_count)
            .flat_map(|line| line.split(';'))
            .filter_map(move |pair| {
                let (own, value) = pair.trim().split_once('=')?;
                (own == name).then_some(value)
            })
    }
}

impl fmt::Debug for AuthRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthRequest")
            .field("path", &self.path)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "Key(..)",
            Self::Password { .. } => "Password(..)",
            Self::Token(_) => "Token(..)",
        })
    }
}

fn only_values<'a>(
    pairs: &'a [(String, String)],
    is_it: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = &'a str> {
    pairs
        .iter()
        .filter(move |(name, _)| is_it(name))
        .map(|(_, value)| value.as_str())
}

/// The one value there is, however often it stands there; empty ones do not count.
fn same<'a>(values: impl Iterator<Item = &'a str>) -> Result<Option<String>, AuthError> {
    let mut values = values.filter(|value| !value.is_empty());
    let first = values.next();
    if values.any(|value| Some(value) != first) {
        return Err(AuthError::Conflicting);
    }
    Ok(first.map(str::to_owned))
}
