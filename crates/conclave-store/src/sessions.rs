//! Named sessions and who shares them.

use async_trait::async_trait;
use conclave_auth::{OwnedSession, PortError, SessionStanding, Sessions};
use conclave_protocol::{SessionName, Timestamp, UserId};

use crate::error::Fault;
use crate::sql::{self, Connection};
use crate::{Store, StoreError, column, statement};

#[async_trait]
impl Sessions for Store {
    async fn claim(
        &self,
        name: &SessionName,
        user: &UserId,
        at: Timestamp,
        limit: u32,
    ) -> Result<SessionStanding, PortError> {
        let (name, user) = (name.clone(), user.clone());
        let standing = self.writer().write(async move |connection| {
            if let Some(standing) = standing(connection, &name, &user).await? {
                return Ok(standing);
            }
            let owned = sql::query_scalar(statement::SESSION_COUNT).bind(user.as_str());
            bound(owned.fetch_one(connection).await?, limit)?;
            let row = sql::query(statement::SESSION_ADD)
                .bind(name.as_str())
                .bind(user.as_str())
                .bind(column::millis(at));
            row.execute(connection).await?;
            Ok(SessionStanding::Owner)
        });
        Ok(standing.await?)
    }

    async fn owned(&self, user: &UserId) -> Result<Vec<OwnedSession>, PortError> {
        let rows = sql::query_as(statement::SESSIONS_OWNED).bind(user.as_str());
        let rows = rows
            .fetch_all(&mut self.glance().await?)
            .await
            .map_err(Fault::from)?;
        Ok(owned(&rows).map_err(Fault::from)?)
    }

    async fn delete(&self, name: &SessionName, owner: &UserId) -> Result<(), PortError> {
        let (name, owner) = (name.clone(), owner.clone());
        let deleted = self.writer().write(async move |connection| {
            let row = sql::query(statement::SESSION_DELETE)
                .bind(name.as_str())
                .bind(owner.as_str());
            match row.execute(connection).await? {
                0 => Err(Fault::NotFound),
                _ => Ok(()),
            }
        });
        Ok(deleted.await?)
    }

    /// Sharing with oneself, or twice with the same user, changes nothing.
    async fn share(
        &self,
        name: &SessionName,
        owner: &UserId,
        with: &UserId,
        limit: u32,
    ) -> Result<(), PortError> {
        let (name, owner, with) = (name.clone(), owner.clone(), with.clone());
        let shared = self.writer().write(async move |connection| {
            if standing(connection, &name, &owner).await? != Some(SessionStanding::Owner) {
                return Err(Fault::NotFound);
            }
            if standing(connection, &name, &with).await? != Some(SessionStanding::Stranger) {
                return Ok(());
            }
            let shares = sql::query_scalar(statement::SHARE_COUNT).bind(name.as_str());
            bound(shares.fetch_one(connection).await?, limit)?;
            let row = sql::query(statement::SHARE_ADD)
                .bind(name.as_str())
                .bind(with.as_str());
            row.execute(connection).await?;
            Ok(())
        });
        Ok(shared.await?)
    }

    async fn unshare(
        &self,
        name: &SessionName,
        owner: &UserId,
        with: &UserId,
    ) -> Result<(), PortError> {
        let (name, owner, with) = (name.clone(), owner.clone(), with.clone());
        let unshared = self.writer().write(async move |connection| {
            if standing(connection, &name, &owner).await? != Some(SessionStanding::Owner) {
                return Err(Fault::NotFound);
            }
            let row = sql::query(statement::SHARE_DELETE)
                .bind(name.as_str())
                .bind(with.as_str());
            match row.execute(connection).await? {
                0 => Err(Fault::NotFound),
                _ => Ok(()),
            }
        });
        Ok(unshared.await?)
    }
}

/// How the user stands to the session; `None` where the name is free.
async fn standing(
    connection: &mut Connection,
    name: &SessionName,
    user: &UserId,
) -> Result<Option<SessionStanding>, Fault> {
    let row = sql::query_as(statement::SESSION_FIND)
        .bind(name.as_str())
        .bind(user.as_str());
    let row: Option<(String, bool)> = row.fetch_optional(connection).await?;
    Ok(row.map(|(owner, shared)| {
        if owner == user.as_str() {
            SessionStanding::Owner
        } else if shared {
            SessionStanding::Shared
        } else {
            SessionStanding::Stranger
        }
    }))
}

fn bound(present: i64, limit: u32) -> Result<(), Fault> {
    if present < i64::from(limit) {
        Ok(())
    } else {
        Err(Fault::Full(limit))
    }
}

type OwnedRow = (String, i64, Option<String>);

/// The rows come by session and user; one without a share has one row and no user.
fn owned(rows: &[OwnedRow]) -> Result<Vec<OwnedSession>, StoreError> {
    let sessions = rows.chunk_by(|(one, ..), (other, ..)| one == other);
    sessions
        .filter_map(|session| session.split_first())
        .map(|(first, rest)| {
            let (name, created_at, _) = first;
            let users = std::iter::once(first)
                .chain(rest)
                .filter_map(|(.., user)| user.as_deref());
            Ok(OwnedSession {
                name: column::session(name)?,
                created_at: column::timestamp(*created_at)?,
                shared_with: users.map(column::user).collect::<Result<_, _>>()?,
            })
        })
        .collect()
}
