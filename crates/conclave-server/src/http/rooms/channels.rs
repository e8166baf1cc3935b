//! `/channels`, `/channels/{id}`, `/channels/{id}/join`, `/channels/{id}/leave`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use conclave_core::Scope;
use conclave_protocol::{
    CreateRoom, DeleteRoom, JoinRoom, LeaveRoom, ReadOwn, ReadRoom, Refusal, RoomId, RoomKind,
    UpdateRoom,
};

use super::shapes::{Channel, Left, all};
use super::{Here, cut, encoded, keep_name, limit, link, permit, room, stamp, user};
use crate::audit::Kind;
use crate::http::caller::Caller;
use crate::http::fields::{JsonFields, QueryFields};
use crate::http::flow::whole;
use crate::http::problem::Problem;
use crate::http::sessions::{Named, named};
use crate::node::Node;

/// `GET /channels`: one's own rooms by id, or with `?scope=public` the public ones.
pub(in crate::http) async fn list(
    State(node): Here,
    caller: Caller,
    QueryFields(mut query): QueryFields,
) -> Result<Response, Problem> {
    let (scope, word) = match query.optional_text("scope")?.as_deref() {
        None | Some("own") => (Scope::Own, "own"),
        Some("public") => (Scope::Public, "public"),
        Some(_) => return Err(Problem::bad_request("scope: expected own or public")),
    };
    let after = query.optional_text("after")?;
    let after = after.map(|id| {
        RoomId::new(&id).map_err(|unfit| Problem::bad_request(format!("after: {unfit}")))
    });
    let after = after.transpose()?;
    let limit = limit(&mut query, PAGE, PAGE_MAX)?;
    query.end()?;
    let permit = permit(&node, &caller, ReadOwn)?;
    let mut rooms = node
        .rooms
        .list(permit, scope, after.as_ref(), limit + 1)
        .await?;
    let mut headers = HeaderMap::new();
    if cut(&mut rooms, limit)
        && let Some(last) = rooms.last()
    {
        let target = format!("/channels?scope={word}&limit={limit}&after={}", last.id);
        link(&mut headers, &target, "next");
    }
    Ok((headers, Json(all::<_, Channel>(rooms))).into_response())
}

/// `POST /channels`: `{"name","description"?,"type","memberIds"?}`; 201, or 200 with the DM that
/// the pair has.
pub(in crate::http) async fn create(
    State(node): Here,
    caller: Caller,
    JsonFields(mut fields): JsonFields,
) -> Result<Response, Problem> {
    let kind = RoomKind::parse(&fields.text("type")?);
    let kind = kind.ok_or_else(|| Problem::bad_request("type: expected PUBLIC, PRIVATE or DM"))?;
    let members = fields.texts("memberIds")?.unwrap_or_default();
    let members = members.iter().map(|id| user("memberIds", id));
    let ask = CreateRoom {
        name: fields.optional_text("name")?.map(Into::into),
        description: fields.optional_text("description")?.map(Into::into),
        kind,
        members: members.collect::<Result<_, _>>()?,
    };
    fields.end()?;
    keep_name(&node, &caller).await;
    let permit = permit(&node, &caller, ask)?;
    whole(async move {
        let id = uuid::Uuid::from_u128(node.fresh_id()).to_string();
        let created = node.rooms.create(permit, room(&id)?, stamp(&node)).await?;
        let location = format!("/channels/{}", encoded(created.room.id.as_str()));
        let channel = Json(Channel::from(created.room));
        if created.existing {
            return Ok(channel.into_response());
        }
        let mut response = (StatusCode::CREATED, channel).into_response();
        if let Ok(location) = HeaderValue::from_str(&location) {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    })
    .await
}

/// `GET /channels/{id}`.
pub(in crate::http) async fn read(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
) -> Result<Json<Channel>, Problem> {
    let room = room(&named(id)?)?;
    let permit = permit(&node, &caller, ReadRoom { room })?;
    Ok(Json(node.rooms.room(permit).await?.into()))
}

/// `PUT /channels/{id}`: `{"name"?,"description"?,"assistant"?}`; what is missing stays, an empty
/// description is taken away.
pub(in crate::http) async fn update(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
    JsonFields(mut fields): JsonFields,
) -> Result<Json<Channel>, Problem> {
    let room = room(&named(id)?)?;
    let ask = UpdateRoom {
        room: room.clone(),
        name: fields.optional_text("name")?.map(Into::into),
        description: fields.optional_text("description")?.map(Into::into),
        assistant: fields.optional_flag("assistant")?,
    };
    fields.end()?;
    if ask.name.is_none() && ask.description.is_none() && ask.assistant.is_none() {
        return Err(Problem::bad_request(
            "expected one of name, description, assistant",
        ));
    }
    if ask.assistant == Some(true) {
        check_assistant(&node, &caller, &room).await?;
    }
    let permit = permit(&node, &caller, ask)?;
    whole(async move {
        let updated = node.rooms.update(permit, stamp(&node)).await?;
        node.answers.look_again(&room);
        Ok(Json(updated.into()))
    })
    .await
}

/// Whether the assistant may be attached to a room: the configuration says so.
async fn check_assistant(node: &Arc<Node>, caller: &Caller, room: &RoomId) -> Result<(), Problem> {
    let Some(assistant) = node.answers.service() else {
        return Err(Problem::refused(
            Refusal::Unavailable,
            "assistant: this server has none to attach",
        ));
    };
    let ask = ReadRoom { room: room.clone() };
    let seen = node.rooms.room(permit(node, caller, ask)?).await?;
    if assistant.policy().rooms.have(room, seen.kind) {
        return Ok(());
    }
    let detail = "assistant: this server does not allow it in such a room";
    let event = caller
        .client
        .event_of(node, Kind::PermissionDenied, &caller.principal);
    node.audit.record(event.detail(detail));
    Err(Problem::refused(Refusal::Forbidden, detail))
}

/// `DELETE /channels/{id}`: with everything in it.
pub(in crate::http) async fn delete(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
) -> Result<StatusCode, Problem> {
    let room = room(&named(id)?)?;
    let permit = permit(&node, &caller, DeleteRoom { room })?;
    whole(async move {
        node.rooms.delete(permit, stamp(&node)).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `POST /channels/{id}/join`: where the room is public or the caller invited; answers the room.
pub(in crate::http) async fn join(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
    JsonFields(fields): JsonFields,
) -> Result<Json<Channel>, Problem> {
    let room = room(&named(id)?)?;
    fields.end()?;
    keep_name(&node, &caller).await;
    let read = permit(&node, &caller, ReadRoom { room: room.clone() })?;
    let permit = permit(&node, &caller, JoinRoom { room })?;
    whole(async move {
        node.rooms.join(permit, stamp(&node)).await?;
        Ok(Json(node.rooms.room(read).await?.into()))
    })
    .await
}

/// `DELETE /channels/{id}/leave?shouldDelete=`: an owner hands over, or deletes the room.
pub(in crate::http) async fn leave(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
    QueryFields(mut query): QueryFields,
) -> Result<Json<Left>, Problem> {
    let room = room(&named(id)?)?;
    let delete = query.word_flag("shouldDelete")?;
    query.end()?;
    let permit = permit(&node, &caller, LeaveRoom { room, delete })?;
    whole(async move {
        let next = node.rooms.leave(permit, stamp(&node)).await?;
        Ok(Json(next.into()))
    })
    .await
}

const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;
