//! Who a request's Bearer token proves.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use conclave_core::SharedLimit;
use conclave_protocol::{Permission, Principal, Refusal, UserId};

use super::client::Client;
use super::problem::Problem;
use crate::audit::Kind;
use crate::handshake::{Credential, Origin, credential};
use crate::identity::Unproved;
use crate::metrics::Counter;
use crate::node::Node;

/// A client and the user it has proved to be, by `Authorization: Bearer` alone: neither cookies
/// nor the query count here. Its request has been counted.
pub(super) struct Caller {
    pub(super) client: Client,
    pub(super) principal: Arc<Principal>,
    pub(super) user: UserId,
    pub(super) token: Box<str>,
}

impl Caller {
    /// Refuses those who lack a permission.
    pub(super) fn check(&self, node: &Node, permission: Permission) -> Result<(), Problem> {
        check_permission(node, &self.client, &self.principal, (permission, ""))
    }
}

/// Refuses a principal that lacks a permission for a subject, and writes it down.
pub(super) fn check_permission(
    node: &Node,
    client: &Client,
    principal: &Principal,
    (permission, subject): (Permission, &str),
) -> Result<(), Problem> {
    if principal.grants.allow(permission, subject) {
        return Ok(());
    }
    let name = permission.name();
    let event = client.event_of(node, Kind::PermissionDenied, principal);
    node.audit.record(event.detail(name));
    Err(Problem::refused(
        Refusal::Forbidden,
        format!("this needs the permission {name}"),
    ))
}

impl FromRequestParts<Arc<Node>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, Problem> {
        let client = Client::from_request_parts(parts, node).await?;
        let (token, principal) = match credential(&parts.headers, "", &Origin::Absent) {
            Credential::Token(token) => {
                let admitted = node.identity.admit(&token).await;
                (
                    token,
                    admitted.map_err(|unproved| refused(node, &client, unproved))?,
                )
            }
            Credential::None => return Err(refused(node, &client, Unproved::Missing)),
            Credential::Contradiction | Credential::Ticket(_) => {
                return Err(refused(node, &client, Unproved::Invalid));
            }
        };
        let Some(user) = principal.user.clone() else {
            return Err(refused(node, &client, Unproved::Payload));
        };
        count_request(node, &client, &user)?;
        Ok(Self {
            client,
            principal,
            user,
            token: token.into(),
        })
    }
}

/// Counts a request of a user, and refuses one too many.
pub(super) fn count_request(node: &Node, client: &Client, user: &UserId) -> Result<(), Problem> {
    let counted = node.identity.requests().count(user);
    if counted.is_ok() {
        node.nodes
            .spend(SharedLimit::Requests, || user.as_str().to_owned());
    }
    counted.map_err(|wait| {
        node.counters.add(Counter::RequestsLimited, 1);
        let event = client.event(node, Kind::LimitHit).user(user.as_str());
        node.audit.record(event.detail("requests of this user"));
        Problem::too_often("too many requests", wait)
    })
}

fn refused(node: &Node, client: &Client, unproved: Unproved) -> Problem {
    let detail = match unproved {
        Unproved::Invalid => "Invalid or expired token",
        Unproved::Missing => "Missing authentication token",
        Unproved::Payload => "Invalid token payload",
        Unproved::Unavailable => {
            let detail = "the token cannot be checked now";
            return Problem::refused(Refusal::Unavailable, detail);
        }
    };
    if unproved != Unproved::Missing {
        node.audit
            .record(client.event(node, Kind::PermissionDenied).detail(detail));
    }
    Problem::refused(Refusal::Unauthenticated, detail)
}
