//! Where a URL leads.

use reqwest::Url;

use crate::error::{Error, Result};

/// A server and what to ask of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(crate) security: Security,
    /// Name or IP address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host, with the port where it is not the usual one: the value of `Host`.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
}

/// What protects the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// Nothing: `ws`.
    None,
    /// `wss`.
    Tls,
}

impl Address {
    /// Reads `ws://host[:port][/path][?query]` or `wss://…`, and puts `parameters` behind the
    /// query.
    ///
    /// # Errors
    /// [`Error::Address`], which never repeats the URL: it may hold a token.
    pub fn parse(url: &str, parameters: &[(&str, &str)]) -> Result<Self> {
        let mut url = Url::parse(url).map_err(|error| unfit(&error.to_string()))?;
        let security = match url.scheme() {
            "ws" => Security::None,
            "wss" => Security::Tls,
            other => return Err(unfit(&format!("{other}: given, expected ws: or wss:"))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(unfit("a password given, expected none in a URL"));
        }
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        let host = url.host_str().ok_or_else(|| unfit("no host given"))?;
        let port = url
            .port_or_known_default()
            .ok_or_else(|| unfit("no port given"))?;
        Ok(Self {
            security,
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port,
            authority: url
                .port()
                .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            target: match url.query() {
                Some(query) => format!("{}?{query}", url.path()),
                None => url.path().to_owned(),
            },
        })
    }

    /// The server's name, with the port where it is not the usual one.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

fn unfit(what: &str) -> Error {
    Error::Address(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: (&str, u16, &str, &str)) {
        let address = Address::parse(url, &[("ack", "1")]).unwrap();
        let found = (
            &*address.host,
            address.port,
            &*address.authority,
            &*address.target,
        );
        assert_eq!(found, expected, "{url}");
    }

    #[test]
    fn urls_become_addresses() {
        check(
            "ws://a.example/ws",
            ("a.example", 80, "a.example", "/ws?ack=1"),
        );
        check(
            "ws://127.0.0.1:8081",
            ("127.0.0.1", 8081, "127.0.0.1:8081", "/?ack=1"),
        );
        check(
            "wss://a.example/ws?x=y#z",
            ("a.example", 443, "a.example", "/ws?x=y&ack=1"),
        );
        check(
            "ws://[::1]:8000/a b",
            ("::1", 8000, "[::1]:8000", "/a%20b?ack=1"),
        );
        let bare = Address::parse("wss://a.example:443/ws", &[]).unwrap();
        assert_eq!((&*bare.authority, &*bare.target), ("a.example", "/ws"));
        assert_eq!(bare.security, Security::Tls);
    }

    #[test]
    fn other_urls_are_refused_without_repeating_them() {
        for (url, expected) in [
            ("localhost:8081", "localhost: given, expected ws: or wss:"),
            ("http://a/ws?token=T", "http: given, expected ws: or wss:"),
            (
                "ws://alice:secret@a/ws",
                "a password given, expected none in a URL",
            ),
            ("/ws", "relative URL without a base"),
            ("ws://a:99999/?token=T", "invalid port number"),
        ] {
            let error = Address::parse(url, &[]).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
