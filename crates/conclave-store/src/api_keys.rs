//! Keys of backends.

use async_trait::async_trait;
use conclave_auth::{ApiKey, ApiKeyId, ApiKeyName, ApiKeys, PortError, SecretHash};
use conclave_protocol::Timestamp;

use crate::error::Fault;
use crate::sql;
use crate::{Store, StoreError, column, statement};

#[async_trait]
impl ApiKeys for Store {
    async fn add_key(&self, key: &ApiKey, hash: SecretHash) -> Result<(), PortError> {
        let key = key.clone();
        let added = self.writer().write(async move |connection| {
            let row = sql::query(statement::API_KEY_ADD)
                .bind(&key.id.0[..])
                .bind(&hash.0[..])
                .bind(key.name.as_str())
                .bind(column::names_to_json(&key.permissions))
                .bind(column::millis(key.created_at))
                .bind(key.expires_at.map(column::millis))
                .bind(key.revoked_at.map(column::millis))
                .bind(key.last_used.map(column::millis));
            match row.execute(connection).await? {
                0 => Err(Fault::Conflict),
                _ => Ok(()),
            }
        });
        Ok(added.await?)
    }

    async fn find_key(&self, hash: SecretHash) -> Result<Option<ApiKey>, PortError> {
        let row = sql::query_as(statement::API_KEY_FIND).bind(&hash.0[..]);
        let row: Option<ApiKeyRow> = row
            .fetch_optional(&mut self.glance().await?)
            .await
            .map_err(Fault::from)?;
        let key = row.as_ref().map(stored).transpose();
        Ok(key.map_err(Fault::from)?)
    }

    async fn list_keys(
        &self,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, PortError> {
        let after = after.as_ref().map_or(&[][..], |id| &id.0[..]);
        let page = sql::query_as(statement::API_KEY_LIST)
            .bind(after)
            .bind(i64::from(limit));
        let page: Vec<ApiKeyRow> = page
            .fetch_all(&mut self.glance().await?)
            .await
            .map_err(Fault::from)?;
        let keys = page.iter().map(stored).collect::<Result<_, _>>();
        Ok(keys.map_err(Fault::from)?)
    }

    async fn revoke_key(&self, id: ApiKeyId, at: Timestamp) -> Result<(), PortError> {
        let revoked = self.writer().write(async move |connection| {
            let row = sql::query(statement::API_KEY_REVOKE)
                .bind(&id.0[..])
                .bind(column::millis(at));
            match row.execute(connection).await? {
                0 => Err(Fault::NotFound),
                _ => Ok(()),
            }
        });
        Ok(revoked.await?)
    }

    async fn keys_used(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), PortError> {
        if uses.is_empty() {
            return Ok(());
        }
        let uses = uses.to_vec();
        let written = self.writer().write(async move |connection| {
            for (id, at) in &uses {
                let row = sql::query(statement::API_KEY_USED)
                    .bind(&id.0[..])
                    .bind(column::millis(*at));
                row.execute(connection).await?;
            }
            Ok(())
        });
        Ok(written.await?)
    }
}

#[derive(sqlx::FromRow)]
struct ApiKeyRow {
    id: Vec<u8>,
    name: String,
    permissions: String,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used: Option<i64>,
}

fn stored(row: &ApiKeyRow) -> Result<ApiKey, StoreError> {
    let moment = |millis: Option<i64>| millis.map(column::timestamp).transpose();
    Ok(ApiKey {
        id: ApiKeyId(column::bytes(&row.id)?),
        name: ApiKeyName::new(&row.name).or(Err(StoreError::Value("key's name")))?,
        permissions: column::names_from_json(&row.permissions)?,
        created_at: column::timestamp(row.created_at)?,
        expires_at: moment(row.expires_at)?,
        revoked_at: moment(row.revoked_at)?,
        last_used: moment(row.last_used)?,
    })
}
