//! Refresh families and their tokens. Only live families are stored: to revoke one is to delete
//! it, and a token of a deleted family is unknown.

use std::time::Duration;

use async_trait::async_trait;
use conclave_auth::{PortError, RefreshFamilies, RefreshFamily, Rotation, SecretHash};
use conclave_protocol::{FamilyId, SessionName, Timestamp, UserId};

use crate::error::Fault;
use crate::sql::{self, Connection};
use crate::{Store, StoreError, column, statement, store};

#[async_trait]
impl RefreshFamilies for Store {
    /// The new family itself always lives, even where `limit` is 0 or the clock went back.
    async fn start(
        &self,
        family: &RefreshFamily,
        token: SecretHash,
        at: Timestamp,
        limit: u32,
    ) -> Result<(), PortError> {
        let family = family.clone();
        let started = self
            .writer()
            .write(async move |connection| start(connection, &family, token, at, limit).await);
        Ok(started.await?)
    }

    async fn rotate(
        &self,
        token: SecretHash,
        successor: SecretHash,
        at: Timestamp,
        grace: Duration,
    ) -> Result<Rotation, PortError> {
        let rotated = self
            .writer()
            .write(async move |connection| rotate(connection, token, successor, at, grace).await);
        Ok(rotated.await?)
    }

    async fn revoke_family(&self, family: FamilyId) -> Result<(), PortError> {
        let revoked = self
            .writer()
            .write(async move |connection| delete(connection, family).await);
        Ok(revoked.await?)
    }

    async fn revoke_user(&self, user: &UserId) -> Result<(), PortError> {
        let user = user.clone();
        let revoked = self.writer().write(async move |connection| {
            let families = sql::query(statement::FAMILY_DELETE_OF_USER).bind(user.as_str());
            families.execute(connection).await?;
            Ok(())
        });
        Ok(revoked.await?)
    }

    async fn revoke_session(&self, user: &UserId, session: &SessionName) -> Result<(), PortError> {
        let (user, session) = (user.clone(), session.clone());
        let revoked = self.writer().write(async move |connection| {
            let families = sql::query(statement::FAMILY_DELETE_OF_SESSION)
                .bind(user.as_str())
                .bind(session.as_str());
            families.execute(connection).await?;
            Ok(())
        });
        Ok(revoked.await?)
    }

    async fn purge(&self, at: Timestamp) -> Result<(), PortError> {
        Ok(self
            .purge_in_steps(statement::FAMILY_DELETE_ENDED, at)
            .await?)
    }
}

async fn start(
    connection: &mut Connection,
    family: &RefreshFamily,
    token: SecretHash,
    at: Timestamp,
    limit: u32,
) -> Result<(), Fault> {
    let number = store::number(connection, "family").await?;
    let row = sql::query(statement::FAMILY_ADD)
        .bind(family.id.0.as_slice())
        .bind(number)
        .bind(family.user.as_str())
        .bind(family.session.as_ref().map(SessionName::as_str))
        .bind(column::millis(at))
        .bind(column::millis(family.expires_at))
        .bind(i64::from(family.access_seconds));
    if row.execute(connection).await? == 0 {
        return Err(Fault::Conflict);
    }
    add_token(connection, token, family.id).await?;
    let beyond = sql::query(statement::FAMILY_DELETE_BEYOND)
        .bind(family.user.as_str())
        .bind(column::millis(at))
        .bind(family.id.0.as_slice())
        .bind(i64::MAX)
        .bind(i64::from(limit.saturating_sub(1)));
    beyond.execute(connection).await?;
    Ok(())
}

async fn rotate(
    connection: &mut Connection,
    token: SecretHash,
    successor: SecretHash,
    at: Timestamp,
    grace: Duration,
) -> Result<Rotation, Fault> {
    let row = sql::query_as(statement::TOKEN_FIND).bind(token.0.as_slice());
    let row: Option<TokenRow> = row.fetch_optional(connection).await?;
    let Some(found) = row.map(shown).transpose()? else {
        return Ok(Rotation::Unknown);
    };
    let family = found.family;
    if family.expires_at <= at {
        return Ok(Rotation::Unknown);
    }
    match found.used {
        None if found.rotations >= ROTATIONS_MAX => {
            delete(connection, family.id).await?;
            Ok(Rotation::Unknown)
        }
        None => {
            let used = sql::query(statement::TOKEN_USED)
                .bind(token.0.as_slice())
                .bind(column::millis(at))
                .bind(successor.0.as_slice());
            used.execute(connection).await?;
            let counted = sql::query(statement::FAMILY_ROTATED).bind(family.id.0.as_slice());
            counted.execute(connection).await?;
            add_token(connection, successor, family.id).await?;
            Ok(Rotation::Rotated(family))
        }
        Some(Used {
            at: used_at,
            successor: Successor::Current,
        }) if at.since(used_at) < grace => Ok(Rotation::Repeated(family)),
        Some(_) => {
            delete(connection, family.id).await?;
            Ok(Rotation::Reused(family))
        }
    }
}

async fn add_token(
    connection: &mut Connection,
    token: SecretHash,
    family: FamilyId,
) -> Result<(), Fault> {
    let row = sql::query(statement::TOKEN_ADD)
        .bind(token.0.as_slice())
        .bind(family.0.as_slice());
    match row.execute(connection).await? {
        0 => Err(Fault::Conflict),
        _ => Ok(()),
    }
}

async fn delete(connection: &mut Connection, family: FamilyId) -> Result<(), Fault> {
    let row = sql::query(statement::FAMILY_DELETE).bind(family.0.as_slice());
    row.execute(connection).await?;
    Ok(())
}

type TokenRow = (
    Option<i64>,
    bool,
    i64,
    Vec<u8>,
    String,
    Option<String>,
    i64,
    i64,
);

/// A token that somebody shows.
struct Shown {
    family: RefreshFamily,
    rotations: i64,
    used: Option<Used>,
}

struct Used {
    at: Timestamp,
    successor: Successor,
}

enum Successor {
    Current,
    Used,
}

fn shown(row: TokenRow) -> Result<Shown, StoreError> {
    let (used_at, successor_is_current, rotations, id, user, session, expires_at, access) = row;
    let successor = if successor_is_current {
        Successor::Current
    } else {
        Successor::Used
    };
    Ok(Shown {
        family: RefreshFamily {
            id: FamilyId(column::bytes(&id)?),
            user: column::user(&user)?,
            session: session.as_deref().map(column::session).transpose()?,
            expires_at: column::timestamp(expires_at)?,
            access_seconds: u32::try_from(access).or(Err(StoreError::Value("number")))?,
        },
        rotations,
        used: used_at
            .map(|at| {
                Ok::<_, StoreError>(Used {
                    at: column::timestamp(at)?,
                    successor,
                })
            })
            .transpose()?,
    })
}

/// How often one sign-in is prolonged. Used tokens are kept to see a stolen one, so a family
/// grows with each; one that reached this (thirty days at one a minute) ends, and the user signs
/// in again.
const ROTATIONS_MAX: i64 = 50_000;
