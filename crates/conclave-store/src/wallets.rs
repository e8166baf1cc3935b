//! Linked wallets, and the nonces by which they are linked.

use async_trait::async_trait;
use conclave_core::{Linking, NONCES_PER_USER, WALLETS_PER_USER, WalletFault, WalletStore};
use conclave_protocol::{Timestamp, UserId, Wallet, WalletAddress};

use crate::error::Fault;
use crate::sql::{self, Connection};
use crate::{Store, StoreError, column, statement};

#[async_trait]
impl WalletStore for Store {
    async fn keep_nonce(
        &self,
        user: &UserId,
        nonce: &[u8; 32],
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), WalletFault> {
        let (user, nonce) = (user.clone(), *nonce);
        let kept = self.writer().write(async move |connection| {
            let ended = sql::query(statement::WALLET_NONCE_DELETE_ENDED)
                .bind(column::millis(now))
                .bind(i64::from(ENDED_AT_ONCE));
            ended.execute(connection).await?;
            let kept = i64::try_from(NONCES_PER_USER - 1).unwrap_or(i64::MAX);
            let beyond = sql::query(statement::WALLET_NONCE_DELETE_BEYOND)
                .bind(user.as_str())
                .bind(i64::from(ENDED_AT_ONCE))
                .bind(kept);
            beyond.execute(connection).await?;
            let row = sql::query(statement::WALLET_NONCE_ADD)
                .bind(&nonce[..])
                .bind(user.as_str())
                .bind(column::millis(expires));
            row.execute(connection).await?;
            Ok(())
        });
        Ok(kept.await?)
    }

    async fn link(&self, wallet: &Wallet, nonce: &[u8; 32]) -> Result<Linking, WalletFault> {
        let (wallet, nonce) = (wallet.clone(), *nonce);
        let linked = self
            .writer()
            .write(async move |connection| link(connection, &wallet, nonce).await);
        Ok(linked.await?)
    }

    async fn unlink(&self, user: &UserId, address: WalletAddress) -> Result<bool, WalletFault> {
        let user = user.clone();
        let unlinked = self.writer().write(async move |connection| {
            let row = sql::query(statement::WALLET_DELETE)
                .bind(user.as_str())
                .bind(&address.0[..]);
            Ok(row.execute(connection).await? > 0)
        });
        Ok(unlinked.await?)
    }

    async fn wallets(&self, user: &UserId) -> Result<Vec<Wallet>, WalletFault> {
        let rows = sql::query_as(statement::WALLET_LIST).bind(user.as_str());
        let mut glance = self.glance().await.map_err(Fault::from)?;
        let rows: Vec<(Vec<u8>, i64, i64)> =
            rows.fetch_all(&mut glance).await.map_err(Fault::from)?;
        let wallet = |(address, chain_id, linked_at): &(Vec<u8>, i64, i64)| {
            Ok(Wallet {
                user: user.clone(),
                address: WalletAddress(column::bytes(address)?),
                chain_id: column::count(*chain_id)?,
                linked_at: column::timestamp(*linked_at)?,
            })
        };
        let wallets: Result<_, StoreError> = rows.iter().map(wallet).collect();
        Ok(wallets.map_err(Fault::from)?)
    }
}

async fn link(
    connection: &mut Connection,
    wallet: &Wallet,
    nonce: [u8; 32],
) -> Result<Linking, Fault> {
    let taken = sql::query(statement::WALLET_NONCE_TAKE)
        .bind(&nonce[..])
        .bind(wallet.user.as_str())
        .bind(column::millis(wallet.linked_at));
    if taken.execute(connection).await? == 0 {
        return Ok(Linking::NonceUnknown);
    }
    let row = sql::query(statement::WALLET_ADD)
        .bind(wallet.user.as_str())
        .bind(&wallet.address.0[..])
        .bind(column::integer(wallet.chain_id))
        .bind(column::millis(wallet.linked_at))
        .bind(i64::try_from(WALLETS_PER_USER).unwrap_or(i64::MAX));
    match row.execute(connection).await? {
        0 => Ok(Linking::Full),
        _ => Ok(Linking::Linked),
    }
}

impl From<Fault> for WalletFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => Self(Box::new(error)),
            Fault::Conflict | Fault::Full(_) | Fault::NotFound => {
                Self(Box::new(StoreError::Value("wallet")))
            }
        }
    }
}

const ENDED_AT_ONCE: u32 = 100;
