//! `POST /auth/ticket`, `GET /auth/me`, `POST /auth/password`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use conclave_auth::{Password, SignInError, Stand, TicketError};
use conclave_core::SharedLimit;
use conclave_protocol::{IssuerId, Refusal, Timestamp};
use serde::Serialize;
use serde_json::json;

use super::caller::Caller;
use super::fields::JsonFields;
use super::flow::{revoking, whole};
use super::problem::Problem;
use super::rfc3339;
use super::sign_in::{failed_password, too_many_failures};
use crate::audit::Kind;
use crate::handshake::Origin;
use crate::identity::SystemRandom;
use crate::metrics::Counter;
use crate::node::Node;

/// The answer of `/auth/ticket`.
#[derive(Serialize)]
pub(super) struct TicketAnswer {
    ticket: String,
    expires_in: u32,
}

/// The answer of `/auth/me`.
#[derive(Serialize)]
pub(super) struct MeAnswer {
    user_id: String,
    /// The token's display name, else the user's id.
    name: String,
    /// As clients call it.
    session: String,
    roles: Vec<String>,
    permissions: Vec<String>,
    /// The token's `exp`, RFC 3339.
    expires_at: Option<String>,
}

/// `POST /auth/ticket`: stands for this token once, within 30 s, under this `Origin`.
pub(super) async fn ticket(
    State(node): State<Arc<Node>>,
    caller: Caller,
    JsonFields(fields): JsonFields,
) -> Result<Json<TicketAnswer>, Problem> {
    fields.end()?;
    let origin = match &caller.client.origin {
        Origin::Allowed(origin) => Some(origin.as_str()),
        Origin::Absent | Origin::Refused => None,
    };
    let seconds = node.setup.config.auth.ticket_seconds;
    let now = node.clock.now();
    let tickets = node.identity.tickets();
    let issued = tickets.issue(&caller.principal, origin, now, &SystemRandom);
    let ticket = issued.await.map_err(|error| match error {
        TicketError::Full => {
            let client = &caller.client;
            let event = client.event_of(&node, Kind::LimitHit, &caller.principal);
            node.counters.add(Counter::TicketsLimited, 1);
            node.audit.record(event.detail("tickets"));
            let wait = std::time::Duration::from_secs(u64::from(seconds));
            Problem::too_often("too many tickets wait", wait)
        }
        TicketError::Unavailable => {
            Problem::refused(Refusal::Unavailable, "tickets cannot be given now")
        }
    })?;
    let event = caller
        .client
        .event_of(&node, Kind::SignInOk, &caller.principal);
    node.audit.record(event.detail("ticket"));
    Ok(Json(TicketAnswer {
        ticket,
        expires_in: seconds,
    }))
}

/// `GET /auth/me`: who the token proves, and what the user may do now.
pub(super) async fn me(State(node): State<Arc<Node>>, caller: Caller) -> Json<MeAnswer> {
    let principal = &caller.principal;
    let name = principal.name.as_deref().unwrap_or(caller.user.as_str());
    let issuer = principal.session.issuer;
    Json(MeAnswer {
        user_id: caller.user.as_str().to_owned(),
        name: name.to_owned(),
        session: principal.session.shown(),
        roles: roles(&node, &caller),
        permissions: principal.grants.iter().map(str::to_owned).collect(),
        expires_at: principal
            .expires_at
            .map(|end| rfc3339(expiry(&node, issuer, end))),
    })
}

/// `POST /auth/password`: `{"old","new"}`. Every token and sign-in of the user ends. A wrong old
/// password counts as a failed sign-in.
pub(super) async fn password(
    State(node): State<Arc<Node>>,
    caller: Caller,
    JsonFields(mut fields): JsonFields,
) -> Result<StatusCode, Problem> {
    caller.client.check_channel(&node)?;
    let old = fields.text("old")?;
    let new = fields.text("new")?;
    fields.end()?;
    let unfit = || Problem::bad_request("new: empty, or over 1024 bytes");
    let new = Password::new(new).ok_or_else(unfit)?;
    let wrong = || Problem::refused(Refusal::Forbidden, "old: not the password");
    let old = Password::new(old).ok_or_else(wrong)?;
    whole(change_password(node, caller, old, new)).await
}

async fn change_password(
    node: Arc<Node>,
    caller: Caller,
    old: Password,
    new: Password,
) -> Result<StatusCode, Problem> {
    let Caller {
        client,
        principal,
        user,
        ..
    } = caller;
    let attempts = node.identity.attempts();
    let attempt = attempts
        .begin(user.as_str(), client.address)
        .await
        .map_err(|wait| {
            too_many_failures(
                &node,
                client.event_of(&node, Kind::LimitHit, &principal),
                wait,
            )
        })?;
    let now = node.clock.now();
    let changed = node
        .identity
        .sign_in()
        .change_password(&principal, old, new, now);
    match revoking(&node, changed).await {
        Ok(_) => {
            let event = client.event_of(&node, Kind::Revocation, &principal);
            node.audit
                .record_waiting(event.detail(json!("password changed")))
                .await;
            Ok(StatusCode::NO_CONTENT)
        }
        Err(SignInError::Forbidden) => {
            let failed = attempt.failed();
            node.nodes.spend(SharedLimit::SignIns, || failed);
            failed_password(&node, &client, &principal);
            Err(Problem::refused(
                Refusal::Forbidden,
                "old: not the password",
            ))
        }
        Err(SignInError::BadRequest(detail)) => Err(Problem::bad_request(format!("new: {detail}"))),
        Err(error) => Err(error.into()),
    }
}

/// The stored roles where they replaced the token's, else the token's.
fn roles(node: &Node, caller: &Caller) -> Vec<String> {
    let standing = node.identity.standing();
    if let Ok(Stand::Regranted(_)) = standing.of(&caller.principal)
        && let Some(roles) = standing.users.roles(&caller.principal)
    {
        return roles.to_vec();
    }
    let verified = node
        .identity
        .verifier()
        .verify(&caller.token, node.clock.now());
    verified.map_or_else(
        |_ended| Vec::new(),
        |verified| {
            verified
                .access
                .roles
                .iter()
                .map(|role| role.as_ref().to_owned())
                .collect()
        },
    )
}

/// When a token ends by its own word: without the leeway.
fn expiry(node: &Node, issuer: IssuerId, end: Timestamp) -> Timestamp {
    let mut issuers = node.identity.verifier().issuers();
    let leeway = issuers
        .find(|known| known.id == issuer)
        .map(|known| known.leeway);
    let leeway = Timestamp::from_millis(0).plus(leeway.unwrap_or_default());
    Timestamp::from_millis(end.millis().saturating_sub(leeway.millis()))
}
