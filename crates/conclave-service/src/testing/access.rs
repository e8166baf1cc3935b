//! What a test's handshake carries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Credentials of a handshake, and its path.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) behind_path: String,
}

impl Access {
    /// No credential.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A token in the header `Authorization`.
    #[must_use]
    pub fn token(token: &str) -> Self {
        Self::none().with_header("Authorization", &format!("Bearer {token}"))
    }

    /// A token in the query, as browsers send it.
    #[must_use]
    pub fn token_in_query(token: &str) -> Self {
        Self::none().with_query("token", token)
    }

    /// The same with a name and a password.
    #[must_use]
    pub fn with_password(self, user: &str, password: &str) -> Self {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        self.with_header("Authorization", &format!("Basic {encoded}"))
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with one more parameter in the query.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same for a channel: its address behind the service's path.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        self.behind_path = format!("/{}", address.trim_start_matches('/'));
        self
    }

    pub(crate) fn target(&self, base: &str) -> String {
        let base = base.trim_end_matches('/');
        let mut target = format!("{base}{}", self.behind_path);
        if target.is_empty() {
            target.push('/');
        }
        for (place, (name, value)) in self.query.iter().enumerate() {
            target.push(if place == 0 { '?' } else { '&' });
            target.extend(utf8_percent_encode(name, NON_ALPHANUMERIC));
            target.push('=');
            target.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        target
    }
}
