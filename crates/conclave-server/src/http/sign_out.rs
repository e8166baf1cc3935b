//! `POST /auth/logout`, `POST /auth/revoke`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use conclave_auth::RevokeTarget;
use conclave_protocol::{Permission, Timestamp};
use serde_json::json;

use super::backend::Backend;
use super::caller::Caller;
use super::cookies::forget;
use super::fields::{Fields, JsonFields};
use super::flow::{revoking, whole};
use super::problem::Problem;
use crate::audit::Kind;
use crate::node::Node;

/// `POST /auth/logout`: ends this token and its sign-in, or with `{"all":true}` all of one's
/// own; their connections close.
pub(super) async fn logout(
    State(node): State<Arc<Node>>,
    caller: Caller,
    headers: HeaderMap,
    JsonFields(mut fields): JsonFields,
) -> Result<Response, Problem> {
    let all = fields.flag("all")?;
    fields.end()?;
    let client = caller.client.clone();
    whole(async move {
        let now = node.clock.now();
        let sign_in = node.identity.sign_in();
        revoking(&node, sign_in.logout(&caller.principal, all, now)).await?;
        blacklist(&node, &caller.token, caller.principal.expires_at).await;
        let event = caller
            .client
            .event_of(&node, Kind::Revocation, &caller.principal);
        let of = if all { "user" } else { "token" };
        node.audit
            .record_waiting(event.detail(json!({ "logout": of })))
            .await;
        Ok(())
    })
    .await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    forget(response.headers_mut(), &client, &headers);
    Ok(response)
}

/// What an administrator revokes. Has no Debug: it may hold a token.
enum Target {
    Session(String),
    Token(String),
    User(String),
}

/// `POST /auth/revoke`: exactly one of `token`, `user_id`, `session_id`. For users and
/// backends with `server.disconnect`.
pub(super) async fn revoke(
    State(node): State<Arc<Node>>,
    backend: Backend,
    JsonFields(fields): JsonFields,
) -> Result<StatusCode, Problem> {
    backend.check(&node, Permission::ServerDisconnect, "")?;
    let target = Target::of(fields)?;
    whole(async move {
        let ended = target.ended(&node);
        let (target, detail) = match &target {
            Target::Session(name) => (RevokeTarget::Session(name), json!({ "session_id": name })),
            Target::Token(token) => (RevokeTarget::Token(token), json!("token")),
            Target::User(id) => (RevokeTarget::User(id), json!({ "user_id": id })),
        };
        revoking(
            &node,
            node.identity.sign_in().revoke(target, node.clock.now()),
        )
        .await?;
        if let Some((token, end)) = ended {
            blacklist(&node, &token, end).await;
        }
        let event = backend.event(&node, Kind::Revocation);
        node.audit
            .record_waiting(event.detail(json!({ "admin": detail })))
            .await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Tells other services of the application that a token has ended.
async fn blacklist(node: &Node, token: &str, end: Option<Timestamp>) {
    let left = end.map(|end| end.since(node.clock.now()));
    let left = left.unwrap_or_default();
    node.identity.blacklist().add(token, left).await;
}

impl Target {
    /// The token that is revoked, and when it ends by itself; `None` where it has.
    fn ended(&self, node: &Node) -> Option<(String, Option<Timestamp>)> {
        let Self::Token(token) = self else {
            return None;
        };
        let verified = node.identity.verifier().verify(token, node.clock.now());
        let end = verified.ok()?.principal.expires_at;
        Some((token.clone(), end))
    }

    fn of(mut fields: Fields) -> Result<Self, Problem> {
        let given = (
            fields.optional_text("token")?,
            fields.optional_text("user_id")?,
            fields.optional_text("session_id")?,
        );
        fields.end()?;
        match given {
            (Some(token), None, None) => Ok(Self::Token(token)),
            (None, Some(id), None) => Ok(Self::User(id)),
            (None, None, Some(name)) => Ok(Self::Session(name)),
            _ => Err(Problem::bad_request(
                "expected one of token, user_id, session_id",
            )),
        }
    }
}
