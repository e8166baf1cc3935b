//! `[auth]`: the own key, tokens, and who else may issue them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use conclave_auth::{Algorithm, Roles};

use super::scalar::{Scalar, quoted};
use super::section::{choice, section};
use super::{Issuer, Secret};

section! {
    /// `[auth]`.
    pub struct Auth {
        /// What own tokens are signed with. HS… take `secret`, `secret_file` or a secret the
        /// server makes for itself; the others take `private_key_file`.
        pub algorithm: Algorithm = Algorithm::Hs256,
        /// The shared secret, at least 32 bytes. Better in `JWT_SECRET_KEY` or `secret_file`.
        /// Where neither is given the server makes a random one and keeps it in
        /// `secret.key` of its data folder, mode 0600.
        pub secret: Option<Secret> = None,
        /// A file that holds the shared secret; a newline at its end does not count.
        pub secret_file: Option<PathBuf> = None,
        /// The private key, PEM (PKCS#8), of the algorithms that are not HS….
        pub private_key_file: Option<PathBuf> = None,
        /// Public keys, PEM, of former private keys: their tokens stay valid.
        pub public_key_files: Vec<PathBuf> = Vec::new(),
        /// The own `iss`: put into own tokens and required of them. While it and `audience` are
        /// unset, tokens signed with the own key need neither.
        pub issuer: Option<String> = None,
        /// The own `aud`: put into own tokens and required of them.
        pub audience: Option<String> = None,
        /// What precedes the `sub` of own tokens in user ids.
        pub user_prefix: String = String::new(),
        /// Whether an issuer with the same `user_prefix`, which must say so too, speaks of the
        /// same users.
        pub shared_users: bool = false,
        /// Roles of own tokens that carry none of `permissions`, `roles`, `role`.
        pub default_roles: Vec<String> = vec!["user".to_owned()],
        /// Permissions of own tokens that carry none of `permissions`, `roles`, `role`.
        pub default_permissions: Vec<String> = Vec::new(),
        /// Seconds that clocks may differ; at most 60.
        pub leeway_seconds: u32 = 5,
        /// Minutes a token from `/token` lives. Where only one of this and
        /// `jwt_expiration_seconds` is set it governs both endpoints; where neither, 30.
        pub access_token_minutes: Option<u32> = None,
        /// Seconds a token from `/auth/token` lives. Where only one of this and
        /// `access_token_minutes` is set it governs both endpoints; where neither, 3600.
        pub jwt_expiration_seconds: Option<u32> = None,
        /// Days a refresh token lives.
        pub refresh_days: u32 = 30,
        /// Seconds a ticket of `/auth/ticket` lives.
        pub ticket_seconds: u32 = 30,
        /// How a WebSocket handshake is refused.
        pub reject: Reject = Reject::Close,
        /// Whether to sign in over plain HTTP from peers that are neither loopback nor a
        /// trusted proxy.
        pub insecure_http: bool = false,
        /// Origins of browsers that may connect, such as `https://app.example.com`; also the
        /// CORS list. Empty: the same origin only, in dev mode every loopback origin too.
        pub origins: Vec<String> = Vec::new(),
        /// What each role grants; a role given here replaces the default of that name. A
        /// permission may end in a pattern (`topic.publish:orders.*`); `admin` is everything.
        pub roles: BTreeMap<String, Vec<String>> = Roles::default().into_table(),
        /// Issuers besides the own one. Exactly the keys named here verify their tokens.
        pub issuers: Vec<Issuer> = Vec::new(),
    }
}

choice! {
    /// How a WebSocket handshake is refused.
    pub enum Reject {
        /// The handshake is completed, then closed with a code, which browsers show.
        Close = "close",
        /// HTTP 401, 403 or 429.
        Http = "http",
    }
}

impl Scalar for Algorithm {
    fn shape() -> String {
        format!("word ({})", Self::ALL.map(Self::name).join(", "))
    }

    fn expected() -> String {
        format!("one of {}", Self::ALL.map(Self::name).join(", "))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|algorithm| algorithm.name().eq_ignore_ascii_case(text))
    }

    fn text(&self) -> Option<String> {
        Some(quoted(self.name()))
    }
}

impl Auth {
    /// How long a token from `/token` lives: `access_token_minutes`, else
    /// `jwt_expiration_seconds`, else 30 minutes.
    #[must_use]
    pub fn form_token_life(&self) -> Duration {
        let seconds = match (self.access_token_minutes, self.jwt_expiration_seconds) {
            (Some(minutes), _) => u64::from(minutes) * 60,
            (None, Some(seconds)) => u64::from(seconds),
            (None, None) => 30 * 60,
        };
        Duration::from_secs(seconds)
    }

    /// How long a token from `/auth/token` lives: `jwt_expiration_seconds`, else
    /// `access_token_minutes`, else an hour.
    #[must_use]
    pub fn json_token_life(&self) -> Duration {
        let seconds = match (self.jwt_expiration_seconds, self.access_token_minutes) {
            (Some(seconds), _) => u64::from(seconds),
            (None, Some(minutes)) => u64::from(minutes) * 60,
            (None, None) => 60 * 60,
        };
        Duration::from_secs(seconds)
    }
}
