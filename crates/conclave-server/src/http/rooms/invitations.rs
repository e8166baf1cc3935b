//! `/channels/{id}/invitations`, `/channels/invitations/…`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use conclave_protocol::{AnswerInvitation, InvitationId, Invite, ReadOwn, Refusal};

use super::shapes::{Invitation, all};
use super::{Here, keep_name, permit, room, stamp, user};
use crate::http::caller::Caller;
use crate::http::fields::{Fields, JsonFields};
use crate::http::flow::whole;
use crate::http::problem::Problem;
use crate::http::sessions::{Named, named};
use crate::node::Node;

/// `POST /channels/{id}/invitations`: `{"inviteeId"}`; 201, or 200 with the one that is pending.
pub(in crate::http) async fn invite(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
    JsonFields(mut fields): JsonFields,
) -> Result<Response, Problem> {
    let ask = Invite {
        room: room(&named(id)?)?,
        invitee: user("inviteeId", &fields.text("inviteeId")?)?,
    };
    fields.end()?;
    let permit = permit(&node, &caller, ask)?;
    whole(async move {
        let id = InvitationId(node.fresh_id());
        let invitation = node.rooms.invite(permit, id, stamp(&node)).await?;
        let status = if invitation.id == id {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        Ok((status, Json(Invitation::from(invitation))).into_response())
    })
    .await
}

/// `GET /channels/invitations/pending`: one's own, oldest first.
pub(in crate::http) async fn pending(
    State(node): Here,
    caller: Caller,
) -> Result<Json<Vec<Invitation>>, Problem> {
    let permit = permit(&node, &caller, ReadOwn)?;
    Ok(Json(all(node.rooms.invitations(permit).await?)))
}

/// `POST /channels/invitations/{id}/accept`: becomes a member.
pub(in crate::http) async fn accept(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
    JsonFields(fields): JsonFields,
) -> Result<Json<Invitation>, Problem> {
    answer(node, caller, id, fields, true).await
}

/// `POST /channels/invitations/{id}/reject`.
pub(in crate::http) async fn reject(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
    JsonFields(fields): JsonFields,
) -> Result<Json<Invitation>, Problem> {
    answer(node, caller, id, fields, false).await
}

async fn answer(
    node: Arc<Node>,
    caller: Caller,
    id: Named<String>,
    fields: Fields,
    accept: bool,
) -> Result<Json<Invitation>, Problem> {
    let none = || Problem::refused(Refusal::NotFound, "no such invitation");
    let invitation = InvitationId::parse(&named(id)?).ok_or_else(none)?;
    fields.end()?;
    let ask = AnswerInvitation { invitation, accept };
    keep_name(&node, &caller).await;
    let permit = permit(&node, &caller, ask)?;
    whole(async move {
        let answered = node.rooms.answer(permit, stamp(&node)).await?;
        Ok(Json(answered.into()))
    })
    .await
}
