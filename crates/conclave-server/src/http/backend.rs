//! Who calls the server API (server.md): a backend by its API key, or a user by a token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use conclave_auth::{ApiKeyId, KeyError, looks_like_key};
use conclave_protocol::{Permission, Principal, Refusal, UserId};

use super::caller::{Caller, check_permission};
use super::client::Client;
use super::problem::Problem;
use crate::audit::{Event, Kind};
use crate::handshake::{Credential, Origin, credential};
use crate::metrics::Counter;
use crate::node::Node;

/// Who calls, by `Authorization: Bearer` alone: `key_…`, or a JWT, whose request has been counted
/// as every user's. A key counts as nobody's user and in no handshake; it is shown over
/// encrypted connections, loopback and trusted proxies only, as passwords are.
///
/// Every endpoint of the server API takes this and then asks [`Backend::check`].
#[derive(Clone)]
pub(super) struct Backend {
    pub(super) client: Client,
    /// What the caller may do; a key's has no user, and is in an anonymous session `key-ID`.
    pub(super) principal: Arc<Principal>,
    /// By what it was proved.
    pub(super) proof: Proof,
}

/// What proves a [`Backend`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// An API key.
    Key(ApiKeyId),
    /// A token of this user.
    Token(UserId),
}

impl Backend {
    /// Refuses those who lack a permission for `subject` (a topic's name, or empty).
    pub(super) fn check(
        &self,
        node: &Node,
        permission: Permission,
        subject: &str,
    ) -> Result<(), Problem> {
        check_permission(node, &self.client, &self.principal, (permission, subject))
    }

    /// The beginning of an audit line: a user's has `user`, a key's has `session` alone.
    pub(super) fn event(&self, node: &Node, kind: Kind) -> Event {
        self.client.event_of(node, kind, &self.principal)
    }

    /// A text that no other caller has.
    pub(super) fn scope(&self) -> String {
        match &self.proof {
            Proof::Key(id) => format!("key {id}"),
            Proof::Token(user) => format!("user {user}"),
        }
    }
}

impl FromRequestParts<Arc<Node>> for Backend {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, Problem> {
        // Proved and counted already, where `repeatable` is around the route.
        if let Some(backend) = parts.extensions.get::<Self>() {
            return Ok(backend.clone());
        }
        match credential(&parts.headers, "", &Origin::Absent) {
            Credential::Token(shown) if looks_like_key(&shown) => {
                let client = Client::from_request_parts(parts, node).await?;
                by_key(node, client, &shown).await
            }
            Credential::Contradiction
            | Credential::None
            | Credential::Ticket(_)
            | Credential::Token(_) => {
                let caller = Caller::from_request_parts(parts, node).await?;
                Ok(Self {
                    client: caller.client,
                    principal: caller.principal,
                    proof: Proof::Token(caller.user),
                })
            }
        }
    }
}

async fn by_key(node: &Arc<Node>, client: Client, shown: &str) -> Result<Backend, Problem> {
    client.check_channel(node)?;
    match node.keys.admit(shown, node.clock.now()).await {
        Ok(holder) => Ok(Backend {
            client,
            principal: Arc::clone(&holder.principal),
            proof: Proof::Key(holder.key.id),
        }),
        Err(KeyError::Refused) => {
            node.counters.add(Counter::KeysRefused, 1);
            let event = client.event(node, Kind::PermissionDenied);
            node.audit.record(event.detail(REFUSED));
            Err(Problem::refused(Refusal::Unauthenticated, REFUSED))
        }
        Err(KeyError::Unavailable(error)) => Err(error.into()),
    }
}

const REFUSED: &str = "Invalid or expired API key";
