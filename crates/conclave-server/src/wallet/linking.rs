//! Whose a wallet is: nonces, and texts that wallets have signed (EIP-4361).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use conclave_auth::Random as _;
use conclave_core::{Linking, WalletFault};
use conclave_protocol::{Refusal, UserId, Wallet, WalletAddress};
use conclave_wallet::{Expected, ProofError, SignInMessage, SiweError, WatchError};

use super::feed::{Wallets, refused};
use super::{Linked, WalletRefused};
use crate::identity::SystemRandom;

impl Wallets {
    /// A nonce that this user may have signed once, and the seconds it is good for.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn nonce(&self, user: &UserId) -> Result<(String, u32), WalletFault> {
        let mut bytes = [0; NONCE_BYTES];
        SystemRandom.fill(&mut bytes);
        let mut nonce = String::with_capacity(NONCE_BYTES * 2);
        for byte in bytes {
            // Writing to a text cannot fail.
            write!(nonce, "{byte:02x}").ok();
        }
        let now = self.clock.now();
        let expires = now.plus(Duration::from_secs(self.nonce_seconds.into()));
        self.store
            .keep_nonce(user, &hashed(&nonce), now, expires)
            .await?;
        Ok((nonce, self.nonce_seconds))
    }

    /// Links the wallet that has signed `message` to the user who was given its nonce.
    ///
    /// # Errors
    /// It says something else, was not signed by that wallet, or its nonce does not count any
    /// more.
    pub(crate) async fn link(
        &self,
        user: &UserId,
        message: &str,
        signature: &str,
    ) -> Result<Linked, WalletRefused> {
        let read = SignInMessage::parse(message).map_err(doubted)?;
        let signature = conclave_wallet::signature(signature).map_err(doubted)?;
        let chain_id = self.chain_id().await?;
        let now = self.clock.now();
        let expected = Expected {
            domains: &self.domains,
            uri: self.uri.as_deref(),
            chain_id,
            now,
            age_millis: u64::from(self.nonce_seconds) * 1000,
        };
        read.check(&expected).map_err(doubted)?;
        let feed = self.watched();
        let chain = feed.newest().map(|head| (&**feed.chain(), head.hash));
        let proved = conclave_wallet::prove(message, &signature, read.address, chain);
        proved.await.map_err(|error| match error {
            ProofError::Chain(fault) => refused(&WatchError::Chain(fault)),
            ProofError::Signature(error) => doubted(error),
        })?;
        let wallet = Wallet {
            user: user.clone(),
            address: read.address,
            chain_id,
            linked_at: now,
        };
        let linking = self.store.link(&wallet, &hashed(&read.nonce)).await;
        match linking.map_err(|fault| unavailable(&fault))? {
            Linking::Linked => Ok(Linked {
                address: read.address,
                chain_id,
            }),
            Linking::Full => said(
                Refusal::TooLarge,
                format!("at most {} wallets", conclave_core::WALLETS_PER_USER),
            ),
            Linking::NonceUnknown => said(
                Refusal::Forbidden,
                "the nonce is not this user's, was used, or is too old",
            ),
        }
    }

    /// Whether there was such a wallet.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn unlink(
        &self,
        user: &UserId,
        address: WalletAddress,
    ) -> Result<bool, WalletFault> {
        self.store.unlink(user, address).await
    }

    /// A user's wallets, the oldest first.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn linked(&self, user: &UserId) -> Result<Vec<Wallet>, WalletFault> {
        self.store.wallets(user).await
    }
}

/// The address as EIP-55 writes it.
pub(crate) fn checksummed(address: WalletAddress) -> String {
    conclave_wallet::with_checksum(address)
}

fn hashed(nonce: &str) -> [u8; 32] {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, nonce.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.as_ref());
    bytes
}

fn doubted(error: SiweError) -> WalletRefused {
    let refusal = match error {
        SiweError::Malformed(_) => Refusal::BadRequest,
        SiweError::ChainId
        | SiweError::Domain
        | SiweError::Expired
        | SiweError::NotYet
        | SiweError::Signature
        | SiweError::Uri => Refusal::Forbidden,
    };
    WalletRefused::Said(refusal, error.to_string().into())
}

fn unavailable(fault: &WalletFault) -> WalletRefused {
    tracing::error!(error = %fault.0, "the store is unavailable");
    WalletRefused::Said(Refusal::Unavailable, "the store is unavailable".into())
}

fn said<T>(refusal: Refusal, text: impl Into<Cow<'static, str>>) -> Result<T, WalletRefused> {
    Err(WalletRefused::Said(refusal, text.into()))
}

const NONCE_BYTES: usize = 16;
