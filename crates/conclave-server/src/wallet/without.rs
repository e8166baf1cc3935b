//! A program that was built without wallets: there are none, and so nothing below is ever called.

use std::sync::Arc;

use conclave_core::{Directory, WalletFault, WalletNews};
use conclave_protocol::{
    Balance, Clock, Principal, UserId, Wallet, WalletAddress, WalletCommand, WatchId,
};

use conclave_store::Store;

use super::changes::LinkChanges;
use super::{Feed, Linked, Part, WalletRefused, Watched};
use crate::config::Setup;

/// No wallets.
pub(crate) enum Wallets {}

/// No share in a watch.
pub(crate) enum Watching {}

/// No token.
pub(crate) struct KnownToken {
    pub(crate) address: WalletAddress,
    pub(crate) symbol: Arc<str>,
    pub(crate) decimals: u8,
}

impl Wallets {
    /// None; the configuration was refused where it asks for them.
    pub(crate) fn open(
        _: &Setup,
        _: &Arc<Directory>,
        _: (&Arc<Store>, &Arc<dyn Clock>),
    ) -> anyhow::Result<Option<Arc<Self>>> {
        Ok(None)
    }

    pub(crate) const fn news(&self) -> &WalletNews {
        match *self {}
    }

    pub(crate) fn is_live(&self) -> bool {
        match *self {}
    }

    pub(crate) fn feed(&self) -> Feed {
        match *self {}
    }

    pub(crate) async fn watch(
        &self,
        _: &Principal,
        _: WalletCommand,
    ) -> Result<Watched, WalletRefused> {
        match *self {}
    }

    pub(crate) async fn tokens(&self) -> Result<&[KnownToken], WalletRefused> {
        match *self {}
    }

    pub(crate) async fn join(
        &self,
        _: &Principal,
        _: &WalletCommand,
        _: &[WalletAddress],
    ) -> Result<Vec<Part>, WalletRefused> {
        match *self {}
    }

    pub(super) const fn link_changes(&self) -> &LinkChanges {
        match *self {}
    }

    pub(super) async fn own(&self, _: &UserId) -> Result<Vec<WalletAddress>, WalletRefused> {
        match *self {}
    }

    pub(crate) async fn nonce(&self, _: &UserId) -> Result<(String, u32), WalletFault> {
        match *self {}
    }

    pub(crate) async fn link(&self, _: &UserId, _: &str, _: &str) -> Result<Linked, WalletRefused> {
        match *self {}
    }

    pub(crate) async fn unlink(&self, _: &UserId, _: WalletAddress) -> Result<bool, WalletFault> {
        match *self {}
    }

    pub(crate) async fn linked(&self, _: &UserId) -> Result<Vec<Wallet>, WalletFault> {
        match *self {}
    }
}

impl Watching {
    pub(crate) const fn id(&self) -> WatchId {
        match *self {}
    }

    pub(crate) fn newest(&self) -> Option<Arc<Balance>> {
        match *self {}
    }
}

/// The address.
pub(crate) fn checksummed(address: WalletAddress) -> String {
    address.to_string()
}
