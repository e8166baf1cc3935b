//! Settings of a server.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// Where a server listens, and what it lets in. The service's own bounds are [`crate::Limits`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The path of the handshake, in place of the document's.
    #[serde(default)]
    pub path: Option<String>,
    /// Origins of pages that may connect, beside those of the server's own host:
    /// `https://chat.example.com`, no path.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// How a handshake is refused whose credential does not do.
    #[serde(default)]
    pub reject: Reject,
    /// The certificate; without it connections are not encrypted.
    #[serde(default)]
    pub tls: Option<TlsConfig>,
}

/// How a handshake is refused whose credential does not do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reject {
    /// Completed, and closed at once with 4001, 4003 or 4008: browsers show pages no HTTP status.
    #[default]
    Close,
    /// By 401, 403 or 429.
    Http,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the certificate and those that lead to its root.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// No origin: scheme, host and, where it is not the default one, port.
    #[error("`{0}` is no origin: https://host or https://host:port")]
    Origin(String),
    /// The path does not begin with `/`, or holds what a path must not.
    #[error("`{0}` is no path of a handshake")]
    Path(String),
    /// The certificate or its key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
}

impl ServerConfig {
    /// Listens there; everything else as the document says, and not encrypted.
    #[must_use]
    pub const fn listen(address: SocketAddr) -> Self {
        Self {
            listen: address,
            path: None,
            allowed_origins: Vec::new(),
            reject: Reject::Close,
            tls: None,
        }
    }

    /// Whether every setting can be what it says.
    ///
    /// # Errors
    /// The first that cannot. Files are read by [`crate::Server::bind`] only.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let plain = |path: &String| {
            path.starts_with('/')
                && path.bytes().all(|byte| byte.is_ascii_graphic())
                && !path.contains(['?', '#', '{', '}'])
        };
        if let Some(path) = self.path.as_ref().filter(|path| !plain(path)) {
            return Err(ConfigError::Path(path.clone()));
        }
        let wrong = self
            .allowed_origins
            .iter()
            .find(|origin| !is_origin(origin));
        if let Some(origin) = wrong {
            return Err(ConfigError::Origin(origin.clone()));
        }
        if self.tls.is_some() && cfg!(not(feature = "tls")) {
            return Err(ConfigError::Tls(
                "this build has no TLS: switch the feature `tls` on".to_owned(),
            ));
        }
        Ok(())
    }
}

fn is_origin(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_graphic())
            && !host.contains(['/', '?', '#', '@', '*'])
    })
}
