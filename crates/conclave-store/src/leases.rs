//! Who does what one node does at a time.

use std::collections::HashSet;

use async_trait::async_trait;
use conclave_core::{Fence, Hold, LeaseFault, LeaseName, Leases, NodeId, Sign};

use crate::error::Fault;
use crate::sql::{self, Connection};
use crate::{Store, StoreError, column, statement};

#[async_trait]
impl Leases for Store {
    async fn hold(
        &self,
        lease: LeaseName,
        node: NodeId,
        silent: Option<Sign>,
    ) -> Result<Hold, LeaseFault> {
        let held = self
            .writer()
            .write(async move |connection| hold(connection, lease, node, silent).await);
        Ok(held.await?)
    }

    async fn release(&self, lease: LeaseName, node: NodeId) -> Result<(), LeaseFault> {
        let released = self.writer().write(async move |connection| {
            let row = sql::query(statement::LEASE_RELEASE)
                .bind(lease.to_string())
                .bind(node.to_string());
            row.execute(connection).await?;
            Ok(())
        });
        Ok(released.await?)
    }

    async fn of_others(
        &self,
        leases: &[LeaseName],
        node: NodeId,
    ) -> Result<Vec<LeaseName>, LeaseFault> {
        let names: Vec<_> = leases.iter().map(|lease| Some(lease.to_string())).collect();
        let mut connection = self.glance().await.map_err(Fault::from)?;
        let rows = sql::query_scalar(statement::LEASES_OF_OTHERS)
            .bind(names)
            .bind(node.to_string());
        let taken: Result<Vec<String>, _> = rows.fetch_all(&mut connection).await;
        let taken = taken.map_err(Fault::from)?;
        let taken: HashSet<String> = taken.into_iter().collect();
        let is_others = |lease: &&LeaseName| taken.contains(&lease.to_string());
        Ok(leases.iter().filter(is_others).copied().collect())
    }
}

async fn hold(
    connection: &mut Connection,
    lease: LeaseName,
    node: NodeId,
    silent: Option<Sign>,
) -> Result<Hold, Fault> {
    let beat = sql::query_scalar(statement::LEASE_BEAT)
        .bind(lease.to_string())
        .bind(node.to_string());
    let fence: Option<i64> = beat.fetch_optional(connection).await?;
    if let Some(fence) = fence {
        return Ok(Hold::Own(Fence(column::count(fence)?)));
    }
    if let Some((Some(_), sign)) = find(connection, lease).await?
        && silent != Some(sign)
    {
        return Ok(Hold::Other(sign));
    }
    let take = sql::query_scalar(statement::LEASE_TAKE)
        .bind(lease.to_string())
        .bind(node.to_string());
    let fence: i64 = take.fetch_one(connection).await?;
    Ok(Hold::Own(Fence(column::count(fence)?)))
}

/// Fails with `Conflict` where the lease was taken again since. Inside the transaction that
/// does what the lease allows; until that has ended nobody takes the lease.
pub(crate) async fn check(
    connection: &mut Connection,
    lease: LeaseName,
    fence: Fence,
) -> Result<(), Fault> {
    let row = sql::query_scalar(statement::LEASE_FENCE).bind(lease.to_string());
    let newest: Option<i64> = row.fetch_optional(connection).await?;
    match newest.map(column::count).transpose()? {
        Some(newest) if newest == fence.0 => Ok(()),
        Some(_) | None => Err(Fault::Conflict),
    }
}

async fn find(
    connection: &mut Connection,
    lease: LeaseName,
) -> Result<Option<(Option<String>, Sign)>, Fault> {
    let row = sql::query_as(statement::LEASE_FIND).bind(lease.to_string());
    let row: Option<(Option<String>, i64, i64)> = row.fetch_optional(connection).await?;
    let Some((holder, fence, beat)) = row else {
        return Ok(None);
    };
    let sign = Sign {
        fence: Fence(column::count(fence)?),
        beat: column::count(beat)?,
    };
    Ok(Some((holder, sign)))
}

impl From<Fault> for LeaseFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => Self(Box::new(error)),
            Fault::Conflict | Fault::Full(_) | Fault::NotFound => {
                Self(Box::new(StoreError::Value("lease")))
            }
        }
    }
}
