//! `/channels/{id}/members…`, `/channels/{id}/presence`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use conclave_protocol::{ListPresence, MemberRole, ReadRoom, RemoveMember, SetRole};

use super::shapes::{Member, Presence, all};
use super::{Here, cut, encoded, limit, link, permit, room, stamp, user};
use crate::http::caller::Caller;
use crate::http::fields::{JsonFields, QueryFields};
use crate::http::flow::whole;
use crate::http::problem::Problem;
use crate::http::sessions::{Named, named};

/// `GET /channels/{id}/members?after=&limit=`: by user id.
pub(in crate::http) async fn list(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
    QueryFields(mut query): QueryFields,
) -> Result<Response, Problem> {
    let room = room(&named(id)?)?;
    let after = query.optional_text("after")?;
    let after = after.map(|id| user("after", &id)).transpose()?;
    let limit = limit(&mut query, PAGE, PAGE)?;
    query.end()?;
    let permit = permit(&node, &caller, ReadRoom { room: room.clone() })?;
    let mut members = node
        .rooms
        .members(permit, after.as_ref(), limit + 1)
        .await?;
    let mut headers = HeaderMap::new();
    if cut(&mut members, limit)
        && let Some(last) = members.last()
    {
        let last = encoded(last.profile.user.as_str());
        let target = format!("/channels/{room}/members?limit={limit}&after={last}");
        link(&mut headers, &target, "next");
    }
    Ok((headers, Json(all::<_, Member>(members))).into_response())
}

/// `GET /channels/{id}/presence`: who of the members is there.
pub(in crate::http) async fn presence(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
) -> Result<Json<Vec<Presence>>, Problem> {
    let room = room(&named(id)?)?;
    let permit = permit(&node, &caller, ListPresence { room })?;
    Ok(Json(all(node.rooms.presence(permit).await?)))
}

/// `PUT /channels/{id}/members/{user}`: `{"role"}`; `OWNER` hands the room over.
pub(in crate::http) async fn set_role(
    State(node): Here,
    caller: Caller,
    ids: Named<(String, String)>,
    JsonFields(mut fields): JsonFields,
) -> Result<Json<Member>, Problem> {
    let (id, member) = named(ids)?;
    let role = MemberRole::parse(&fields.text("role")?);
    let unfit = || Problem::bad_request("role: expected OWNER, MODERATOR or MEMBER");
    let ask = SetRole {
        room: room(&id)?,
        user: user("userId", &member)?,
        role: role.ok_or_else(unfit)?,
    };
    fields.end()?;
    let permit = permit(&node, &caller, ask)?;
    whole(async move {
        let member = node.rooms.set_role(permit, stamp(&node)).await?;
        Ok(Json(member.into()))
    })
    .await
}

/// `DELETE /channels/{id}/members/{user}?ban=`: a ban also keeps them from coming back.
pub(in crate::http) async fn remove(
    State(node): Here,
    caller: Caller,
    ids: Named<(String, String)>,
    QueryFields(mut query): QueryFields,
) -> Result<StatusCode, Problem> {
    let (id, member) = named(ids)?;
    let ask = RemoveMember {
        room: room(&id)?,
        user: user("userId", &member)?,
        ban: query.word_flag("ban")?,
    };
    query.end()?;
    let permit = permit(&node, &caller, ask)?;
    whole(async move {
        node.rooms.remove(permit, stamp(&node)).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// At most, and where no limit is said.
const PAGE: u32 = 1000;
