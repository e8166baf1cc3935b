//! Named sessions of the caller: `/auth/sessions…`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::flow::{revoking, whole};
use super::problem::Problem;
use super::rfc3339;
use crate::audit::Kind;
use crate::node::Node;

/// The answer of `GET /auth/sessions`, by name.
#[derive(Serialize)]
pub(super) struct SessionsAnswer {
    sessions: Vec<SessionEntry>,
}

#[derive(Serialize)]
struct SessionEntry {
    name: String,
    /// RFC 3339.
    created_at: String,
    /// Users, sorted.
    shared_with: Vec<String>,
}

/// What a path names, percent-decoded.
pub(super) type Named<T> = Result<Path<T>, PathRejection>;

/// `GET /auth/sessions`.
pub(super) async fn list(
    State(node): State<Arc<Node>>,
    caller: Caller,
) -> Result<Json<SessionsAnswer>, Problem> {
    let owned = node
        .identity
        .sign_in()
        .owned_sessions(&caller.principal)
        .await?;
    let sessions = owned.into_iter().map(|session| SessionEntry {
        name: session.name.as_str().to_owned(),
        created_at: rfc3339(session.created_at),
        shared_with: session
            .shared_with
            .iter()
            .map(|user| user.as_str().to_owned())
            .collect(),
    });
    Ok(Json(SessionsAnswer {
        sessions: sessions.collect(),
    }))
}

/// `DELETE /auth/sessions/{name}`: its tokens end, its connections close.
pub(super) async fn delete(
    State(node): State<Arc<Node>>,
    caller: Caller,
    name: Named<String>,
) -> Result<StatusCode, Problem> {
    let name = named(name)?;
    whole(async move {
        let sign_in = node.identity.sign_in();
        let now = node.clock.now();
        revoking(&node, sign_in.delete_session(&caller.principal, &name, now)).await?;
        note(
            &node,
            &caller,
            Kind::Revocation,
            json!({ "session_deleted": name }),
        )
        .await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `PUT /auth/sessions/{name}/users/{user}`.
pub(super) async fn share(
    State(node): State<Arc<Node>>,
    caller: Caller,
    names: Named<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (name, user) = named(names)?;
    whole(async move {
        node.identity
            .sign_in()
            .share_session(&caller.principal, &name, &user)
            .await?;
        let detail = json!({ "session_shared": name, "with": user });
        note(&node, &caller, Kind::RoleChange, detail).await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `DELETE /auth/sessions/{name}/users/{user}`: that user's tokens for it end.
pub(super) async fn unshare(
    State(node): State<Arc<Node>>,
    caller: Caller,
    names: Named<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (name, user) = named(names)?;
    whole(async move {
        let sign_in = node.identity.sign_in();
        let now = node.clock.now();
        revoking(
            &node,
            sign_in.unshare_session(&caller.principal, &name, &user, now),
        )
        .await?;
        let detail = json!({ "session_unshared": name, "with": user });
        note(&node, &caller, Kind::Revocation, detail).await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

pub(super) fn named<T>(path: Named<T>) -> Result<T, Problem> {
    let Path(names) =
        path.map_err(|_undecodable| Problem::bad_request("the path is not percent-encoded UTF-8"))?;
    Ok(names)
}

async fn note(node: &Node, caller: &Caller, kind: Kind, detail: Value) {
    let event = caller.client.event_of(node, kind, &caller.principal);
    node.audit.record_waiting(event.detail(detail)).await;
}
