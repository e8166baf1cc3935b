//! Where Redis is: one, one that sentinels know, or a cluster.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};

/// Why a text does not say where Redis is. It never holds the text, which may have a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an address such as redis://user:password@host:6379, \
     redis+sentinel://user:password@host:26379,host:26379/mymaster or \
     redis+cluster://user:password@host:6379,host:6379"
)]
pub struct AddressError;

/// Where Redis is.
#[derive(Clone)]
pub(crate) enum Address {
    /// At one place.
    One(ConnectionInfo),
    /// Where the sentinels say.
    Sentinels(Sentinels),
    /// On the shards of a cluster, which these nodes of it know.
    Cluster(Vec<ConnectionInfo>),
}

/// Sentinels, and what they watch.
#[derive(Clone)]
pub(crate) struct Sentinels {
    pub(crate) sentinels: Vec<ConnectionInfo>,
    /// What they call the master.
    pub(crate) service: String,
    /// How to be let in by the master; its place is not the master's.
    pub(crate) master: ConnectionInfo,
}

impl Address {
    pub(crate) fn read(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError)?;
        match scheme {
            "redis+sentinel" => sentinels("redis", rest),
            "rediss+sentinel" => sentinels("rediss", rest),
            "redis+cluster" => cluster("redis", rest),
            "rediss+cluster" => cluster("rediss", rest),
            _ => Ok(Self::One(info(text)?)),
        }
    }

    /// Hosts and ports, or the path of the socket; nothing secret.
    pub(crate) fn shown(&self) -> String {
        let all = |infos: &[ConnectionInfo]| {
            let shown: Vec<_> = infos.iter().map(|info| info.addr().to_string()).collect();
            shown.join(",")
        };
        match self {
            Self::One(info) => info.addr().to_string(),
            Self::Sentinels(known) => {
                format!("{} by {}", known.service, all(&known.sentinels))
            }
            Self::Cluster(nodes) => format!("cluster of {}", all(nodes)),
        }
    }
}

/// The same, at another place.
pub(crate) fn moved(info: &ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    let host = host.to_owned();
    let addr = match info.addr() {
        ConnectionAddr::TcpTls {
            insecure,
            tls_params,
            ..
        } => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => ConnectionAddr::Tcp(host, port),
    };
    info.clone().set_addr(addr)
}

/// Its host; empty for a socket.
pub(crate) fn host(info: &ConnectionInfo) -> &str {
    match info.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host,
        _ => "",
    }
}

/// `[user:password@]host[:port],…/service[/database][?sentinel_user=…&sentinel_password=…]`.
fn sentinels(scheme: &str, rest: &str) -> Result<Address, AddressError> {
    let parts = Parts::of(rest)?;
    let (mut user, mut password) = ("", "");
    for pair in parts.query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').ok_or(AddressError)? {
            ("sentinel_user", value) => user = value,
            ("sentinel_password", value) => password = value,
            _ => return Err(AddressError),
        }
    }
    let (service, database) = parts.path.split_once('/').unwrap_or((parts.path, ""));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if service.is_empty() || !service.bytes().all(plain) {
        return Err(AddressError);
    }
    let sentinels: Result<Vec<_>, _> = parts
        .hosts
        .iter()
        .map(|host| {
            let host = with_port(host, SENTINEL_PORT);
            let info = info(&format!("{scheme}://{user}:{password}@{host}"))?;
            // Not every sentinel speaks anything newer.
            let settings = info.redis_settings().clone();
            Ok(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP2)))
        })
        .collect();
    let first = parts.hosts.first().ok_or(AddressError)?;
    let who = parts.who;
    Ok(Address::Sentinels(Sentinels {
        sentinels: sentinels?,
        service: service.to_owned(),
        master: info(&format!("{scheme}://{who}@{first}/{database}"))?,
    }))
}

/// `[user:password@]host[:port],…`; a cluster has one database.
fn cluster(scheme: &str, rest: &str) -> Result<Address, AddressError> {
    let parts = Parts::of(rest)?;
    if !matches!(parts.path, "" | "0") || !parts.query.is_empty() {
        return Err(AddressError);
    }
    let who = parts.who;
    let at = |host: &&str| info(&format!("{scheme}://{who}@{host}"));
    let nodes: Result<Vec<_>, _> = parts.hosts.iter().map(at).collect();
    Ok(Address::Cluster(nodes?))
}

/// What comes behind the scheme, where there may be several hosts.
struct Parts<'a> {
    who: &'a str,
    hosts: Vec<&'a str>,
    path: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Result<Self, AddressError> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (who, hosts) = authority.rsplit_once('@').unwrap_or((":", authority));
        let hosts: Vec<_> = hosts.split(',').collect();
        let is_wrong = |host: &&str| host.is_empty();
        if hosts.len() > HOSTS_MAX || hosts.iter().any(is_wrong) || who.contains('#') {
            return Err(AddressError);
        }
        Ok(Self {
            who,
            hosts,
            path,
            query,
        })
    }
}

fn with_port(host: &str, port: u16) -> String {
    let behind = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
    if behind.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    }
}

fn info(text: &str) -> Result<ConnectionInfo, AddressError> {
    let info = text.into_connection_info();
    let info = info.map_err(|_it_may_show_the_password| AddressError)?;
    let settings = info.redis_settings().clone();
    Ok(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

const SENTINEL_PORT: u16 = 26379;
const HOSTS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Address::read(text).unwrap().shown()
    }

    #[test]
    fn every_form_of_address_is_read_and_shown_without_its_secrets() {
        assert_eq!(shown("redis://u:secret@host/2"), "host:6379");
        assert_eq!(
            shown("rediss+sentinel://u:secret@one,two:7,[::1]/main/2?sentinel_password=secret"),
            "main by one:26379,two:7,::1:26379"
        );
        assert_eq!(
            shown("redis+cluster://u:secret@one,two:7"),
            "cluster of one:6379,two:7"
        );
    }

    #[test]
    fn user_password_and_database_of_the_master_are_not_those_of_the_sentinels() {
        let text = "rediss+sentinel://u:p%40ss@one,two/main/2?sentinel_user=s&sentinel_password=q";
        let Address::Sentinels(read) = Address::read(text).unwrap() else {
            panic!("sentinels");
        };
        let settings = read.master.redis_settings();
        assert_eq!(
            (settings.username(), settings.password()),
            (Some("u"), Some("p@ss"))
        );
        assert_eq!(settings.db(), 2);
        let at = moved(&read.master, "10.0.0.1", 6380);
        assert!(
            matches!(at.addr(), ConnectionAddr::TcpTls { host, port: 6380, .. } if host == "10.0.0.1")
        );
        for sentinel in &read.sentinels {
            let settings = sentinel.redis_settings();
            assert_eq!(
                (settings.username(), settings.password()),
                (Some("s"), Some("q"))
            );
            assert_eq!(settings.db(), 0);
        }
    }

    #[test]
    fn nothing_is_shown_to_who_has_no_password() {
        for text in ["redis+sentinel://one/main", "redis+cluster://one"] {
            let info = match Address::read(text).unwrap() {
                Address::Sentinels(read) => read.master,
                Address::Cluster(nodes) => nodes.first().unwrap().clone(),
                Address::One(info) => info,
            };
            let settings = info.redis_settings();
            assert_eq!(
                (settings.username(), settings.password()),
                (None, None),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for text in [
            "secret",
            "http://u:secret@host",
            "redis://u:secret@host:port",
            "redis+sentinel://u:secret@host",
            "redis+sentinel://u:secret@host/",
            "redis+sentinel://u:secret@host/a b",
            "redis+sentinel://u:secret@,/main",
            "redis+sentinel://u:secret@host/main/x",
            "redis+sentinel://u:secret@host/main?password=secret",
            "redis+sentinel://u:secret@host:port/main",
            "redis+cluster://",
            "redis+cluster://u:secret@host/1",
            "redis+cluster://u:secret@host?a=secret",
            "redis+cluster://u:secret@host:port",
            "rediss+other://u:secret@host",
        ] {
            let error = Address::read(text).err().expect(text);
            assert!(!error.to_string().contains("secret"), "{text}");
        }
    }
}
