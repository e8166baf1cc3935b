//! Users and the feed of their changes.

use async_trait::async_trait;
use conclave_auth::{PasswordHash, PortError, StoredUser, UserChange, UserState, Users};
use conclave_protocol::{Timestamp, UserId};

use crate::error::Fault;
use crate::sql::{self, Connection};
use crate::{Store, StoreError, column, statement, store};

#[async_trait]
impl Users for Store {
    async fn add(&self, user: &StoredUser, at: Timestamp) -> Result<(), PortError> {
        let user = user.clone();
        let added = self.writer().write(async move |connection| {
            let row = sql::query(statement::USER_ADD)
                .bind(user.name.as_str())
                .bind(&user.password_hash.0)
                .bind(column::names_to_json(&user.roles))
                .bind(column::names_to_json(&user.permissions))
                .bind(user.disabled);
            if row.execute(connection).await? == 0 {
                return Err(Fault::Conflict);
            }
            changed(connection, &user.name, at).await
        });
        Ok(added.await?)
    }

    async fn find(&self, name: &UserId) -> Result<Option<StoredUser>, PortError> {
        let found = sql::query_as(statement::USER_FIND).bind(name.as_str());
        let found = found
            .fetch_optional(&mut self.glance().await?)
            .await
            .map_err(Fault::from)?;
        Ok(found.map(stored).transpose().map_err(Fault::from)?)
    }

    async fn list(&self, after: Option<&UserId>, limit: u32) -> Result<Vec<StoredUser>, PortError> {
        // No name is empty, so every one comes after the empty text.
        let page = sql::query_as(statement::USER_LIST)
            .bind(after.map_or("", UserId::as_str))
            .bind(i64::from(limit));
        let page = page
            .fetch_all(&mut self.glance().await?)
            .await
            .map_err(Fault::from)?;
        Ok(page
            .into_iter()
            .map(stored)
            .collect::<Result<_, _>>()
            .map_err(Fault::from)?)
    }

    async fn set_password_hash(
        &self,
        name: &UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), PortError> {
        let (name, expected, new) = (name.clone(), expected.clone(), new.clone());
        let replaced = self.writer().write(async move |connection| {
            let row = sql::query(statement::USER_SET_PASSWORD_HASH)
                .bind(name.as_str())
                .bind(&expected.0)
                .bind(&new.0);
            if row.execute(connection).await? > 0 {
                return Ok(());
            }
            let found = sql::query_as(statement::USER_FIND).bind(name.as_str());
            let found: Option<UserRow> = found.fetch_optional(connection).await?;
            Err(found.map_or(Fault::NotFound, |_| Fault::Conflict))
        });
        Ok(replaced.await?)
    }

    async fn set_grants(
        &self,
        name: &UserId,
        roles: &[String],
        permissions: &[String],
        at: Timestamp,
    ) -> Result<(), PortError> {
        let name = name.clone();
        let (roles, permissions) = (
            column::names_to_json(roles),
            column::names_to_json(permissions),
        );
        let replaced = self.writer().write(async move |connection| {
            let row = sql::query(statement::USER_SET_GRANTS)
                .bind(name.as_str())
                .bind(&roles)
                .bind(&permissions);
            if row.execute(connection).await? == 0 {
                return Err(Fault::NotFound);
            }
            changed(connection, &name, at).await
        });
        Ok(replaced.await?)
    }

    async fn set_disabled(
        &self,
        name: &UserId,
        disabled: bool,
        at: Timestamp,
    ) -> Result<(), PortError> {
        let name = name.clone();
        let set = self.writer().write(async move |connection| {
            let row = sql::query(statement::USER_SET_DISABLED)
                .bind(name.as_str())
                .bind(disabled);
            if row.execute(connection).await? == 0 {
                return Err(Fault::NotFound);
            }
            changed(connection, &name, at).await
        });
        Ok(set.await?)
    }

    /// The user's refresh families end in the same transaction, so that they are not those of a
    /// later user of that name.
    async fn remove(&self, name: &UserId, at: Timestamp) -> Result<(), PortError> {
        let name = name.clone();
        let removed = self.writer().write(async move |connection| {
            let row = sql::query(statement::USER_REMOVE).bind(name.as_str());
            if row.execute(connection).await? == 0 {
                return Err(Fault::NotFound);
            }
            let families = sql::query(statement::FAMILY_DELETE_OF_USER).bind(name.as_str());
            families.execute(connection).await?;
            changed(connection, &name, at).await
        });
        Ok(removed.await?)
    }

    async fn changes(&self, revision: u64, limit: u32) -> Result<Vec<UserChange>, PortError> {
        let page = sql::query_as(statement::USER_CHANGES)
            .bind(column::integer(revision))
            .bind(i64::from(limit));
        let page = page
            .fetch_all(&mut self.glance().await?)
            .await
            .map_err(Fault::from)?;
        Ok(page
            .into_iter()
            .map(change)
            .collect::<Result<_, _>>()
            .map_err(Fault::from)?)
    }
}

/// Tells the readers of the feed.
async fn changed(connection: &mut Connection, name: &UserId, at: Timestamp) -> Result<(), Fault> {
    let revision = store::number(connection, "user_change").await?;
    let row = sql::query(statement::USER_CHANGED)
        .bind(revision)
        .bind(name.as_str())
        .bind(column::millis(at));
    row.execute(connection).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct UserRow {
    name: String,
    password_hash: String,
    roles: String,
    permissions: String,
    disabled: bool,
}

fn stored(row: UserRow) -> Result<StoredUser, StoreError> {
    Ok(StoredUser {
        name: column::user(&row.name)?,
        password_hash: PasswordHash(row.password_hash),
        roles: column::names_from_json(&row.roles)?,
        permissions: column::names_from_json(&row.permissions)?,
        disabled: row.disabled,
    })
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    revision: i64,
    changed_at: i64,
    name: String,
    /// These three are of the user's own row; a deleted one has none.
    disabled: Option<bool>,
    roles: Option<String>,
    permissions: Option<String>,
}

fn change(row: ChangeRow) -> Result<UserChange, StoreError> {
    let state = match (row.disabled, row.roles, row.permissions) {
        (Some(true), ..) => UserState::Disabled,
        (Some(false), Some(roles), Some(permissions)) => UserState::Active {
            roles: column::names_from_json(&roles)?,
            permissions: column::names_from_json(&permissions)?,
        },
        _ => UserState::Deleted,
    };
    Ok(UserChange {
        revision: column::count(row.revision)?,
        at: column::timestamp(row.changed_at)?,
        name: column::user(&row.name)?,
        state,
    })
}
