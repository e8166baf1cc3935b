//! Linked wallets of one process.

use async_trait::async_trait;
use conclave_protocol::{Timestamp, UserId, Wallet, WalletAddress};
use parking_lot::Mutex;

use super::{Linking, NONCES_PER_USER, WALLETS_PER_USER, WalletFault, WalletStore};

/// Linked wallets in memory.
#[derive(Debug, Default)]
pub struct MemoryWallets(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    nonces: Vec<(UserId, [u8; 32], Timestamp)>,
    wallets: Vec<Wallet>,
}

#[async_trait]
impl WalletStore for MemoryWallets {
    async fn keep_nonce(
        &self,
        user: &UserId,
        nonce: &[u8; 32],
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), WalletFault> {
        let nonces = &mut self.0.lock().nonces;
        nonces.retain(|(_, _, expires)| *expires > now);
        let own = |(of, _, _): &(UserId, _, _)| of == user;
        if nonces.iter().filter(|kept| own(kept)).count() >= NONCES_PER_USER
            && let Some(oldest) = nonces.iter().position(own)
        {
            nonces.remove(oldest);
        }
        nonces.push((user.clone(), *nonce, expires));
        Ok(())
    }

    async fn link(&self, wallet: &Wallet, nonce: &[u8; 32]) -> Result<Linking, WalletFault> {
        let kept = &mut *self.0.lock();
        let found = kept.nonces.iter().position(|(user, each, expires)| {
            *user == wallet.user && each == nonce && *expires > wallet.linked_at
        });
        let Some(found) = found else {
            return Ok(Linking::NonceUnknown);
        };
        kept.nonces.remove(found);
        let own = kept
            .wallets
            .iter_mut()
            .filter(|each| each.user == wallet.user);
        let mut count = 0;
        for each in own {
            count += 1;
            if each.address == wallet.address {
                each.chain_id = wallet.chain_id;
                return Ok(Linking::Linked);
            }
        }
        if count >= WALLETS_PER_USER {
            return Ok(Linking::Full);
        }
        kept.wallets.push(wallet.clone());
        Ok(Linking::Linked)
    }

    async fn unlink(&self, user: &UserId, address: WalletAddress) -> Result<bool, WalletFault> {
        let wallets = &mut self.0.lock().wallets;
        let before = wallets.len();
        wallets.retain(|wallet| wallet.user != *user || wallet.address != address);
        Ok(wallets.len() < before)
    }

    async fn wallets(&self, user: &UserId) -> Result<Vec<Wallet>, WalletFault> {
        let kept = self.0.lock();
        let own = kept.wallets.iter().filter(|wallet| wallet.user == *user);
        Ok(own.cloned().collect())
    }
}
