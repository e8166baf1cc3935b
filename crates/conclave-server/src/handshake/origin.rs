//! Which pages may use the server (identity.md, "Where a handshake may carry its token").

use super::fields::{Fields, text};

/// The allow list, and what dev mode adds to it.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    listed: Vec<String>,
    dev: bool,
}

/// What an `Origin` header means for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// There is none: not a page. Cookies do not count.
    Absent,
    /// It is on the list, as it was sent.
    Allowed(String),
    /// It is not, or there are two.
    Refused,
}

impl Origins {
    /// `listed` are whole origins such as `https://app.example`. Dev mode adds every loopback
    /// origin and refuses a `Host` that is not a loopback name (DNS rebinding).
    pub(crate) fn new(listed: &[String], dev: bool) -> Self {
        let tidy = |origin: &String| origin.trim_end_matches('/').to_ascii_lowercase();
        Self {
            listed: listed.iter().map(tidy).collect(),
            dev,
        }
    }

    /// Judges a request.
    pub(crate) fn judge<F: Fields + ?Sized>(&self, headers: &F) -> Origin {
        if self.dev && !host(headers).is_none_or(is_loopback_name) {
            return Origin::Refused;
        }
        let mut lines = headers.values("origin");
        let Some(line) = lines.next() else {
            return Origin::Absent;
        };
        let Some(origin) = text(line) else {
            return Origin::Refused;
        };
        if lines.next().is_some() || !self.allows(origin, host(headers)) {
            return Origin::Refused;
        }
        Origin::Allowed(origin.to_owned())
    }

    /// Whether pages of `origin` may talk to a server reached as `host`.
    pub(crate) fn allows(&self, origin: &str, host: Option<&str>) -> bool {
        let origin = origin.to_ascii_lowercase();
        if self.listed.contains(&origin) {
            return true;
        }
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        if !matches!(scheme, "http" | "https") {
            return false;
        }
        // The default list: the same origin. The scheme is not known behind a proxy, the
        // authority is.
        host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
            || (self.dev && is_loopback_name(authority))
    }
}

fn host<F: Fields + ?Sized>(headers: &F) -> Option<&str> {
    headers.values("host").next().and_then(text)
}

/// `localhost`, `127.0.0.0/8` or `[::1]`, with or without a port.
fn is_loopback_name(authority: &str) -> bool {
    let name = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}
