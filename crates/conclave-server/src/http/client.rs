//! Who sends a request, before anybody is proved.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{FORWARDED, HeaderValue, USER_AGENT};
use axum::http::request::Parts;
use conclave_protocol::{Principal, Refusal};

use super::problem::Problem;
use crate::audit::{Event, Kind};
use crate::handshake::{Origin, Peer, client_address};
use crate::node::Node;

/// Who sends a request, as far as the socket and the headers tell.
#[derive(Clone)]
pub(super) struct Client {
    peer: Peer,
    /// The client's address: behind a trusted proxy not the socket's.
    pub(super) address: IpAddr,
    /// The page it comes from; never refused ones, which the guard answered.
    pub(super) origin: Origin,
    forwarded: bool,
    agent: Option<HeaderValue>,
    path: Box<str>,
}

impl Client {
    /// The beginning of an audit line.
    pub(super) fn event(&self, node: &Node, kind: Kind) -> Event {
        let event = Event::new(kind, node.clock.now())
            .ip(self.address)
            .path(&self.path);
        match &self.agent {
            Some(agent) => event.user_agent(agent.as_bytes()),
            None => event,
        }
    }

    /// The beginning of an audit line about a principal.
    pub(super) fn event_of(&self, node: &Node, kind: Kind, principal: &Principal) -> Event {
        let event = self.event(node, kind).session(&principal.session.shown());
        match &principal.user {
            Some(user) => event.user(user.as_str()),
            None => event,
        }
    }

    /// Refuses passwords and refresh tokens that crossed a network in the clear: over plain HTTP
    /// only loopback peers and trusted proxies may show them, unless `auth.insecure_http`.
    pub(super) fn check_channel(&self, node: &Node) -> Result<(), Problem> {
        let config = &node.setup.config;
        let proxies = &config.server.trusted_proxies;
        if self.peer.encrypted
            || self.peer.address.is_loopback()
            || config.auth.insecure_http
            || proxies
                .iter()
                .any(|network| network.contains(&self.peer.address))
        {
            return Ok(());
        }
        node.audit.record(
            self.event(node, Kind::PermissionDenied)
                .detail("sign-in over plain HTTP"),
        );
        Err(Problem::refused(Refusal::Forbidden, "sign in over HTTPS"))
    }

    /// Whether cookies are to carry `Secure`: everywhere but on plain loopback.
    pub(super) const fn wants_secure_cookies(&self) -> bool {
        self.peer.encrypted || !self.address.is_loopback()
    }

    /// Whether it runs on this machine. A proxy that nobody configured forwards strangers from
    /// loopback, and says so in a header.
    pub(super) fn is_local(&self, node: &Node) -> bool {
        let proxies = &node.setup.config.server.trusted_proxies;
        let is_proxy = proxies
            .iter()
            .any(|network| network.contains(&self.peer.address));
        self.peer.address.is_loopback()
            && self.address.is_loopback()
            && (is_proxy || !self.forwarded)
    }
}

impl FromRequestParts<Arc<Node>> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, Problem> {
        let peer = *parts
            .extensions
            .get::<Peer>()
            .ok_or_else(Problem::internal)?;
        let proxies = &node.setup.config.server.trusted_proxies;
        let headers = &parts.headers;
        Ok(Self {
            address: client_address(peer.address, headers, proxies),
            peer,
            origin: node.identity.origins().judge(headers),
            forwarded: headers.contains_key(FORWARDED) || headers.contains_key("x-forwarded-for"),
            agent: headers.get(USER_AGENT).cloned(),
            path: parts.uri.path().into(),
        })
    }
}
