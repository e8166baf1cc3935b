//! `/users/me`, `/users/{id}`.

use axum::Json;
use axum::extract::State;
use conclave_protocol::{ReadOwn, Refusal, UpdateProfile, UserId};

use super::shapes::Person;
use super::{Here, keep_name, permit, stamp};
use crate::http::caller::Caller;
use crate::http::fields::JsonFields;
use crate::http::flow::whole;
use crate::http::problem::Problem;
use crate::http::sessions::{Named, named};

/// `GET /users/me`.
pub(in crate::http) async fn me(
    State(node): Here,
    caller: Caller,
) -> Result<Json<Person>, Problem> {
    keep_name(&node, &caller).await;
    let permit = permit(&node, &caller, ReadOwn)?;
    Ok(Json(node.rooms.profile(permit, &caller.user).await?.into()))
}

/// `PUT /users/me`: `{"name"?,"avatar"?,"bio"?}`; what is missing stays, an empty avatar or bio is
/// taken away.
pub(in crate::http) async fn update_me(
    State(node): Here,
    caller: Caller,
    JsonFields(mut fields): JsonFields,
) -> Result<Json<Person>, Problem> {
    let ask = UpdateProfile {
        name: fields.optional_text("name")?.map(Into::into),
        avatar: fields.optional_text("avatar")?.map(Into::into),
        bio: fields.optional_text("bio")?.map(Into::into),
    };
    fields.end()?;
    if ask.name.is_none() && ask.avatar.is_none() && ask.bio.is_none() {
        return Err(Problem::bad_request("expected one of name, avatar, bio"));
    }
    let permit = permit(&node, &caller, ask)?;
    whole(async move {
        let at = stamp(&node).at;
        Ok(Json(node.rooms.update_profile(permit, at).await?.into()))
    })
    .await
}

/// `GET /users/{id}`: one's own, or of who shares a room with the caller.
pub(in crate::http) async fn of_user(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
) -> Result<Json<Person>, Problem> {
    let none = |_unfit| Problem::refused(Refusal::NotFound, "no such user");
    let user = UserId::new(&named(id)?).map_err(none)?;
    let permit = permit(&node, &caller, ReadOwn)?;
    Ok(Json(node.rooms.profile(permit, &user).await?.into()))
}
