//! Calls with an idempotency key, and their answers.

use async_trait::async_trait;
use conclave_auth::{Begun, CallId, Idempotency, PortError, SecretHash, StoredAnswer};
use conclave_protocol::Timestamp;

use crate::error::Fault;
use crate::sql::{self, Connection};
use crate::{Store, StoreError, column, statement};

#[async_trait]
impl Idempotency for Store {
    async fn begin(
        &self,
        call: CallId,
        body: SecretHash,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<Begun, PortError> {
        let begun = self.writer().write(async move |connection| {
            let row = sql::query(statement::CALL_BEGIN)
                .bind(&call.0.0[..])
                .bind(&body.0[..])
                .bind(column::millis(at))
                .bind(column::millis(until));
            match row.execute(connection).await? {
                0 => known(connection, call, body).await,
                _ => Ok(Begun::Started),
            }
        });
        Ok(begun.await?)
    }

    async fn finish(
        &self,
        call: CallId,
        began: Timestamp,
        answer: &StoredAnswer,
        until: Timestamp,
    ) -> Result<(), PortError> {
        let answer = answer.clone();
        let finished = self.writer().write(async move |connection| {
            let headers = serde_json::to_string(&answer.headers);
            let row = sql::query(statement::CALL_FINISH)
                .bind(&call.0.0[..])
                .bind(column::millis(began))
                .bind(i64::from(answer.status))
                .bind(headers.or(Err(StoreError::Value("list of headers")))?)
                .bind(&answer.body[..])
                .bind(column::millis(until));
            row.execute(connection).await?;
            Ok(())
        });
        Ok(finished.await?)
    }

    async fn abandon(&self, call: CallId, began: Timestamp) -> Result<(), PortError> {
        let abandoned = self.writer().write(async move |connection| {
            let row = sql::query(statement::CALL_ABANDON)
                .bind(&call.0.0[..])
                .bind(column::millis(began));
            row.execute(connection).await?;
            Ok(())
        });
        Ok(abandoned.await?)
    }

    async fn purge_calls(&self, at: Timestamp) -> Result<(), PortError> {
        Ok(self
            .purge_in_steps(statement::CALL_DELETE_ENDED, at)
            .await?)
    }
}

#[derive(sqlx::FromRow)]
struct CallRow {
    body_hash: Vec<u8>,
    status: Option<i64>,
    headers: Option<String>,
    body: Option<Vec<u8>>,
}

/// What is known of a call that could not begin, inside the same transaction.
async fn known(
    connection: &mut Connection,
    call: CallId,
    body: SecretHash,
) -> Result<Begun, Fault> {
    let row = sql::query_as(statement::CALL_FIND).bind(&call.0.0[..]);
    let row: CallRow = row.fetch_one(connection).await?;
    if SecretHash(column::bytes(&row.body_hash)?) != body {
        return Ok(Begun::Different);
    }
    let (Some(status), Some(headers), Some(body)) = (row.status, row.headers, row.body) else {
        return Ok(Begun::UnderWay);
    };
    Ok(Begun::Answered(StoredAnswer {
        status: u16::try_from(status).or(Err(StoreError::Value("status")))?,
        headers: serde_json::from_str(&headers).or(Err(StoreError::Value("list of headers")))?,
        body,
    }))
}
