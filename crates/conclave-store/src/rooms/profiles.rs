//! What users show of themselves, and when they were last there.

use conclave_protocol::{Person, Timestamp, UpdateProfile, UserId};

use super::row;
use super::{Halt, statement};
use crate::sql::{self, Connection};
use crate::{StoreError, column};

#[derive(Default, sqlx::FromRow)]
pub(super) struct ProfileRow {
    name: Option<String>,
    avatar: Option<String>,
    pub(super) token_name: Option<String>,
    bio: Option<String>,
    joined_at: Option<i64>,
}

pub(super) async fn stored(
    connection: &mut Connection,
    user: &UserId,
) -> Result<Option<ProfileRow>, Halt> {
    let row = sql::query_as(statement::PROFILE_FIND).bind(user.as_str());
    Ok(row.fetch_optional(connection).await?)
}

pub(super) async fn find(connection: &mut Connection, user: &UserId) -> Result<Person, Halt> {
    let row = stored(connection, user).await?.unwrap_or_default();
    let joined_at = row.joined_at.map(column::timestamp).transpose()?;
    Ok(Person {
        profile: row::profile(user.as_str(), row.name, row.avatar)?,
        bio: row.bio.map(Box::from),
        joined_at,
    })
}

pub(super) async fn update(
    connection: &mut Connection,
    user: &UserId,
    ask: &UpdateProfile,
    at: Timestamp,
) -> Result<Person, Halt> {
    let row = sql::query(statement::PROFILE_UPDATE)
        .bind(user.as_str())
        .bind(ask.name.as_deref())
        .bind(ask.avatar.as_deref())
        .bind(ask.bio.as_deref())
        .bind(column::millis(at));
    row.execute(connection).await?;
    find(connection, user).await
}

pub(super) async fn name(
    connection: &mut Connection,
    user: &UserId,
    name: &str,
    at: Timestamp,
) -> Result<(), Halt> {
    let row = sql::query(statement::PROFILE_NAME)
        .bind(user.as_str())
        .bind(name)
        .bind(column::millis(at));
    row.execute(connection).await?;
    Ok(())
}

pub(super) async fn seen(
    connection: &mut Connection,
    users: &[UserId],
    at: Timestamp,
) -> Result<(), Halt> {
    let rows = sql::query(statement::PROFILE_SEEN)
        .bind(column::users(users))
        .bind(column::millis(at));
    rows.execute(connection).await?;
    Ok(())
}

pub(super) async fn last_seen(
    connection: &mut Connection,
    users: &[UserId],
) -> Result<Vec<(UserId, Timestamp)>, Halt> {
    let rows = sql::query_as(statement::PROFILES_SEEN).bind(column::users(users));
    let rows: Vec<(String, i64)> = rows.fetch_all(connection).await?;
    let times = rows
        .iter()
        .map(|(user, at)| Ok((column::user(user)?, column::timestamp(*at)?)));
    Ok(times.collect::<Result<_, StoreError>>()?)
}
