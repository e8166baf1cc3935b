//! Where the store is, and how it is opened: by the configuration.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use conclave_store::{Address, PostgresOptions, Store, StoreError, StoreOptions};

use crate::config::{Config, Secret};

/// Where a server's store is.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    File(PathBuf, StoreOptions),
    Database(Address, PostgresOptions),
}

impl Stored {
    /// The file's name in the data folder.
    pub(crate) const FILE: &'static str = "conclave.db";

    /// By the configuration, whose rules need not have been applied.
    ///
    /// # Errors
    /// Names the key with a wrong URL, and never shows it.
    pub(crate) fn of(config: &Config) -> anyhow::Result<Self> {
        let store = &config.store;
        let patience = Duration::from_millis(store.statement_timeout_ms.into());
        let Some(address) = address("store.url", store.url.as_ref())? else {
            let usual = StoreOptions::default();
            let options = StoreOptions {
                busy_timeout: patience,
                readers: store.readers.unwrap_or(usual.readers),
            };
            return Ok(Self::File(config.store_path(), options));
        };
        let usual = PostgresOptions::default();
        let options = PostgresOptions {
            readers: store.readers.unwrap_or(usual.readers),
            replica: self::address("store.replica_url", store.replica_url.as_ref())?,
            statement_timeout: patience,
        };
        Ok(Self::Database(address, options))
    }

    /// Opens it, making what is missing.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn open(&self) -> Result<Store, StoreError> {
        match self {
            Self::File(path, options) => Store::open(path, *options).await,
            Self::Database(address, options) => Store::connect(address, options.clone()).await,
        }
    }

    /// Whether there may be one: a file that is missing was never made.
    pub(crate) fn is_there(&self) -> bool {
        match self {
            Self::File(path, _) => path.exists(),
            Self::Database(..) => true,
        }
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path, _) => Some(path),
            Self::Database(..) => None,
        }
    }

    /// The key that says where it is.
    pub(crate) const fn key(&self) -> &'static str {
        match self {
            Self::File(..) => "store.path",
            Self::Database(..) => "store.url",
        }
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, _) => path.display().fmt(f),
            Self::Database(address, _) => address.fmt(f),
        }
    }
}

/// The address that a key or a flag gives.
///
/// # Errors
/// Names the key, and not what was given.
pub(crate) fn address(key: &'static str, url: Option<&Secret>) -> anyhow::Result<Option<Address>> {
    let url = url.map(Secret::reveal).filter(|url| !url.is_empty());
    url.map(Address::parse).transpose().context(key)
}
