//! Revocations, in the order in which they became known.

use async_trait::async_trait;
use conclave_auth::{PortError, Revocation, Revocations, Revoked};
use conclave_protocol::{FamilyId, IssuerId, SessionId, SessionKind, Timestamp, TokenId};

use crate::error::Fault;
use crate::sql::{self, Connection};
use crate::{Store, StoreError, column, statement, store};

#[async_trait]
impl Revocations for Store {
    /// What is stored only grows: the later moment stands, and the later end. Where either grew
    /// the revocation takes a new number, so that every reader learns of it.
    async fn revoke(&self, revocation: &Revocation) -> Result<u64, PortError> {
        let revocation = revocation.clone();
        let number = self
            .writer()
            .write(async move |connection| revoke(connection, &revocation).await);
        Ok(number.await?)
    }

    async fn after(&self, sequence: u64, limit: u32) -> Result<Vec<(u64, Revocation)>, PortError> {
        let page = sql::query_as(statement::REVOCATIONS_AFTER)
            .bind(column::integer(sequence))
            .bind(i64::from(limit));
        let page = page
            .fetch_all(&mut self.glance().await?)
            .await
            .map_err(Fault::from)?;
        Ok(page
            .iter()
            .map(stored)
            .collect::<Result<_, _>>()
            .map_err(Fault::from)?)
    }

    async fn purge(&self, at: Timestamp) -> Result<(), PortError> {
        Ok(self
            .purge_in_steps(statement::REVOCATION_DELETE_ENDED, at)
            .await?)
    }
}

async fn revoke(connection: &mut Connection, revocation: &Revocation) -> Result<u64, Fault> {
    let subject = Subject::of(&revocation.revoked);
    let moment = column::millis(subject.moment);
    let ends_at = revocation.until.map(column::millis);
    let found = sql::query_as(statement::REVOCATION_FIND)
        .bind(subject.kind)
        .bind(subject.id)
        .bind(subject.session_kind)
        .bind(subject.issuer)
        .bind(subject.session)
        .bind(subject.user);
    let found: Option<(i64, i64, Option<i64>)> = found.fetch_optional(connection).await?;
    let Some((sequence, old_moment, old_ends_at)) = found else {
        let sequence = store::number(connection, SEQUENCE).await?;
        let row = sql::query(statement::REVOCATION_ADD)
            .bind(subject.kind)
            .bind(subject.id)
            .bind(subject.session_kind)
            .bind(subject.issuer)
            .bind(subject.session)
            .bind(subject.user)
            .bind(moment)
            .bind(ends_at)
            .bind(sequence);
        row.execute(connection).await?;
        return Ok(column::count(sequence)?);
    };
    let latest = (moment.max(old_moment), later_end(ends_at, old_ends_at));
    if latest == (old_moment, old_ends_at) {
        return Ok(column::count(sequence)?);
    }
    let next = store::number(connection, SEQUENCE).await?;
    let row = sql::query(statement::REVOCATION_REPLACE)
        .bind(sequence)
        .bind(latest.0)
        .bind(latest.1)
        .bind(next);
    row.execute(connection).await?;
    Ok(column::count(next)?)
}

/// `None` is no end at all.
fn later_end(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.zip(other).map(|(one, other)| one.max(other))
}

/// What a revocation is about, as columns: all but the moment tell revocations apart.
struct Subject<'a> {
    kind: &'static str,
    id: &'a [u8],
    session_kind: &'static str,
    issuer: i64,
    session: &'a str,
    user: &'a str,
    moment: Timestamp,
}

impl<'a> Subject<'a> {
    fn of(revoked: &'a Revoked) -> Self {
        let none = Self {
            kind: "",
            id: &[],
            session_kind: "",
            issuer: 0,
            session: "",
            user: "",
            moment: Timestamp::default(),
        };
        match revoked {
            Revoked::Family(FamilyId(id)) => Self {
                kind: "family",
                id,
                ..none
            },
            Revoked::Session { session, user, at } => Self {
                kind: "session",
                session_kind: session_kind_text(session.kind),
                issuer: i64::from(session.issuer.0),
                session: session.name.as_str(),
                user: user.as_ref().map_or("", |user| user.as_str()),
                moment: *at,
                ..none
            },
            Revoked::Token(TokenId(id)) => Self {
                kind: "token",
                id,
                ..none
            },
            Revoked::User { user, at } => Self {
                kind: "user",
                user: user.as_str(),
                moment: *at,
                ..none
            },
        }
    }
}

#[derive(sqlx::FromRow)]
struct RevocationRow {
    sequence: i64,
    kind: String,
    id: Vec<u8>,
    session_kind: String,
    issuer: i64,
    session: String,
    user_name: String,
    moment: i64,
    ends_at: Option<i64>,
}

fn stored(row: &RevocationRow) -> Result<(u64, Revocation), StoreError> {
    let at = column::timestamp(row.moment)?;
    let revoked = match row.kind.as_str() {
        "family" => Revoked::Family(FamilyId(column::bytes(&row.id)?)),
        "session" => {
            let session = SessionId {
                kind: session_kind(&row.session_kind)?,
                issuer: IssuerId(u16::try_from(row.issuer).or(Err(StoreError::Value("issuer")))?),
                name: column::session(&row.session)?,
            };
            let user = match row.user_name.as_str() {
                "" => None,
                name => Some(column::user(name)?),
            };
            Revoked::Session { session, user, at }
        }
        "token" => Revoked::Token(TokenId(column::bytes(&row.id)?)),
        "user" => Revoked::User {
            user: column::user(&row.user_name)?,
            at,
        },
        _ => return Err(StoreError::Value("kind of revocation")),
    };
    let until = row.ends_at.map(column::timestamp).transpose()?;
    Ok((column::count(row.sequence)?, Revocation { revoked, until }))
}

const fn session_kind_text(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Anonymous => "anonymous",
        SessionKind::Default => "default",
        SessionKind::Named => "named",
    }
}

fn session_kind(text: &str) -> Result<SessionKind, StoreError> {
    match text {
        "anonymous" => Ok(SessionKind::Anonymous),
        "default" => Ok(SessionKind::Default),
        "named" => Ok(SessionKind::Named),
        _ => Err(StoreError::Value("kind of session")),
    }
}

const SEQUENCE: &str = "revocation";
