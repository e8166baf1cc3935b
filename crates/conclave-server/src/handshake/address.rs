//! The client's address: the socket's, or what a trusted proxy says.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use super::fields::{Fields, text};

/// The client behind `peer`: where the peer is a configured proxy, the rightmost entry of
/// `X-Forwarded-For` (else `Forwarded`) that is not one (identity.md, "Audit").
pub(crate) fn client_address<F>(peer: IpAddr, headers: &F, proxies: &[IpNet]) -> IpAddr
where
    F: Fields + ?Sized,
{
    let peer = peer.to_canonical();
    if !is_proxy(peer, proxies) {
        return peer;
    }
    let mut entries = forwarded(headers);
    if entries.is_empty() {
        return peer;
    }
    let mut client = peer;
    while let Some(entry) = entries.pop() {
        let Some(address) = entry else { return client };
        client = address;
        if !is_proxy(client, proxies) {
            return client;
        }
    }
    client
}

/// What connections of one client are counted under: an IPv6 client has a whole /64.
pub(crate) fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

fn is_proxy(address: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|network| network.contains(&address))
}

/// Entries from left to right; `None` for one that is no address, behind which nothing counts.
fn forwarded<F: Fields + ?Sized>(headers: &F) -> Vec<Option<IpAddr>> {
    let list = |name: &'static str| {
        let lines = headers.values(name);
        lines
            .filter_map(text)
            .flat_map(|line| line.split(','))
            .map(str::trim)
    };
    let plain: Vec<_> = list("x-forwarded-for").map(parse).collect();
    if !plain.is_empty() {
        return plain;
    }
    list("forwarded")
        .map(|element| for_parameter(element).and_then(parse))
        .collect()
}

fn for_parameter(element: &str) -> Option<&str> {
    element.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for")
            .then(|| value.trim().trim_matches('"'))
    })
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map(|(ip, _)| ip);
    let parsed = bare.unwrap_or(text).parse().ok();
    let parsed = parsed.or_else(|| text.rsplit_once(':').and_then(|(ip, _)| ip.parse().ok()));
    parsed.map(|address: IpAddr| address.to_canonical())
}
