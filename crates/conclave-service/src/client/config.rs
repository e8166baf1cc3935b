//! Settings of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Random;
use crate::machine::SystemRandom;

/// Where to connect, and as whom. Its Debug shows no credential.
#[derive(Clone)]
pub struct ClientConfig {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) message_bytes: usize,
    pub(crate) queue: usize,
    pub(crate) random: Arc<dyn Random>,
    #[cfg(feature = "tls")]
    pub(crate) roots_pem: Vec<u8>,
}

impl ClientConfig {
    /// For this URL: `ws://host:port/path?query`, or `wss://…` with the feature `tls`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            message_bytes: 1024 * 1024,
            queue: 256,
            random: Arc::new(SystemRandom),
            #[cfg(feature = "tls")]
            roots_pem: Vec::new(),
        }
    }

    /// With an access token: schemes `http` bearer, `oauth2`, `openIdConnect`.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// With a name and a password: schemes `http` basic, `userPassword`.
    #[must_use]
    pub fn basic(self, user: &str, password: &str) -> Self {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        self.header("Authorization", format!("Basic {encoded}"))
    }

    /// With one more header of the handshake, e.g. an API key.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How long the connection may take; 10 s where nothing is said.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a reply may take; 30 s where nothing is said.
    #[must_use]
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How many messages wait for whoever takes events, 1 or more; what comes then is dropped, and
    /// said to be ([`crate::ClientError::Lagged`]). 256 where nothing is said.
    #[must_use]
    pub fn queue(mut self, messages: usize) -> Self {
        self.queue = messages.max(1);
        self
    }

    /// Bytes of the longest message that is taken; 1 MiB where nothing is said.
    #[must_use]
    pub const fn message_bytes(mut self, bytes: usize) -> Self {
        self.message_bytes = bytes;
        self
    }

    /// Where randomness comes from, in place of the operating system.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// The certificates (PEM) that a server's must lead to; nobody else is believed.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn root_certificates(mut self, pem: &[u8]) -> Self {
        self.roots_pem = pem.to_vec();
        self
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("ClientConfig")
            .field("url", &url)
            .finish_non_exhaustive()
    }
}
