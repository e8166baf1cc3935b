//! Where posts may go. Whoever can write a URL into the configuration, or a name into a zone,
//! must not make the server ask inside its own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::config::Webhook;

/// Which addresses a URL may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Any, and http too.
    Anywhere,
    /// Public ones, by https.
    Public,
}

/// A name leads to no address that posts may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address is private, which allow_private would allow")]
pub(super) struct Private;

impl Reach {
    pub(crate) const fn of(webhook: &Webhook) -> Self {
        if webhook.allow_private {
            Self::Anywhere
        } else {
            Self::Public
        }
    }

    /// What posts: it connects to no address that is not allowed, whatever a name leads to at
    /// that moment, follows no redirect and uses no proxy.
    pub(super) fn client(self, timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("conclave/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIME.min(timeout))
            .pool_max_idle_per_host(1)
            .timeout(timeout);
        match self {
            Self::Anywhere => client.build(),
            Self::Public => client
                .https_only(true)
                .dns_resolver(Arc::new(PublicNames))
                .build(),
        }
    }

    fn allows(self, address: IpAddr) -> bool {
        self == Self::Anywhere || is_public(address)
    }
}

/// Resolves names to public addresses alone. The connection is made to what this gives: there is
/// no second look-up that could answer otherwise.
pub(super) struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|at| is_public(at.ip())).collect();
            if public.is_empty() {
                return Err(Private.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Why posts cannot go to a URL, if so; names are looked up only when they are needed.
pub(crate) fn url_problem(text: &str, reach: Reach) -> Option<String> {
    if text.is_empty() {
        return Some("nothing given, expected https://…".to_owned());
    }
    // The text is not repeated: it may hold a secret.
    let expected = "expected https://HOST/… without a user, a password and a #";
    let Ok(url) = reqwest::Url::parse(text) else {
        return Some(format!("no URL given, {expected}"));
    };
    let scheme = match (url.scheme(), reach) {
        ("https", _) | ("http", Reach::Anywhere) => None,
        ("http", Reach::Public) => Some("http given, expected https, or allow_private = true"),
        _ => Some("another scheme given, expected https"),
    };
    if let Some(problem) = scheme {
        return Some(problem.to_owned());
    }
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() || !plain {
        return Some(format!("something else given, {expected}"));
    }
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
    match literal {
        Ok(address) if !reach.allows(address) => Some(format!(
            "{address} given, expected a public address, or allow_private = true"
        )),
        Ok(_) | Err(_) => None,
    }
}

/// Whether an address is one of the internet: by the registries of special-purpose addresses
/// (RFC 6890 and its followers), and for those that carry an IPv4 address inside, of that one.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        // IPv4 as IPv6.
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0xffff) => inner(g, h),
        // NAT64.
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => inner(g, h),
        // 6to4.
        (0x2002, _) => inner(b, c),
        // IETF protocols, Teredo among them; documentation.
        (0x2001, 0..=0x01ff | 0x0db8) | (0x3fff, 0..=0x0fff) => false,
        _ => a & 0xe000 == 0x2000,
    }
}

const CONNECT_TIME: Duration = Duration::from_secs(5);
