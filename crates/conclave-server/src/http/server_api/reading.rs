//! What backends read of rooms and users.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use conclave_protocol::{Monitor, Refusal, UserId};

use super::shapes::User;
use super::{Here, permit};
use crate::http::backend::Backend;
use crate::http::fields::QueryFields;
use crate::http::problem::Problem;
use crate::http::rooms::messages::{listed, page};
use crate::http::rooms::room;
use crate::http::rooms::shapes::{Presence, all};
use crate::http::sessions::{Named, named};

/// `GET /api/v1/rooms/{id}/messages?before=&after=&limit=`: of any room, newest first.
pub(in crate::http) async fn messages(
    State(node): Here,
    backend: Backend,
    id: Named<String>,
    QueryFields(query): QueryFields,
) -> Result<Response, Problem> {
    let permit = permit(&node, &backend, Monitor)?;
    let room = room(&named(id)?)?;
    let page = page(query)?;
    let found = node.rooms.messages_of_any(permit, &room, page).await?;
    Ok(listed("/api/v1/rooms", &room, page, found))
}

/// `GET /api/v1/rooms/{id}/presence`: who of any room's members is there.
pub(in crate::http) async fn presence(
    State(node): Here,
    backend: Backend,
    id: Named<String>,
) -> Result<Json<Vec<Presence>>, Problem> {
    let permit = permit(&node, &backend, Monitor)?;
    let room = room(&named(id)?)?;
    Ok(Json(all(node.rooms.presence_of_any(permit, &room).await?)))
}

/// `GET /api/v1/users/{id}`: what is known of a user. One who is neither stored, nor connected,
/// nor ever was, is `not_found`.
pub(in crate::http) async fn user(
    State(node): Here,
    backend: Backend,
    id: Named<String>,
) -> Result<Json<User>, Problem> {
    let permit = permit(&node, &backend, Monitor)?;
    let none = || Problem::refused(Refusal::NotFound, "no such user");
    let user = UserId::new(&named(id)?).map_err(|_unfit| none())?;
    let account = node.identity.account_of(&user).await?;
    let (person, presence) = node.rooms.user_of_any(permit, &user).await?;
    let profile = person.profile;
    let connections = node.connections.of_user(&user);
    let is_named = &*profile.name != user.as_str();
    let was_seen = presence.online || presence.last_seen.is_some();
    if account.is_none() && connections == 0 && !is_named && !was_seen {
        return Err(none());
    }
    Ok(Json(User::new(profile, &presence, connections, account)))
}
