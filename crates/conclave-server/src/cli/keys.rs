//! Keys, issuers and revocations as a server with the same configuration would use them.

use anyhow::Context as _;
use conclave_auth::{RevocationIndex, Revocations as _, Standing, Users as _};
use conclave_store::Store;

use super::Failure;
use crate::config::{Setup, secret_in};
use crate::identity::Authority;
use crate::stored::Stored;

/// What becomes of files that the first start of a server makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// They are made, as a start would.
    Made,
    /// They must be there: a token of a key that no server has is of no use.
    Refused,
}

/// Who signs and who verifies.
pub(super) struct Keys {
    pub(super) setup: Setup,
    pub(super) authority: Authority,
}

impl Keys {
    /// Finds the own key where a server does (configuration, environment, data folder), and the
    /// keys of issuers that are in files.
    pub(super) fn find(mut setup: Setup, missing: Missing) -> Result<Self, Failure> {
        let auth = &setup.config.auth;
        setup.secret = match &auth.secret_file {
            Some(path) => Some(secret_in(path).context("auth.secret_file")?),
            None => auth.secret.clone(),
        };
        let kept = setup.config.server.data_dir.join(OWN_SECRET);
        let is_kept = auth.algorithm.is_symmetric() && setup.secret.is_none();
        if is_kept && missing == Missing::Refused && !kept.exists() {
            return Err(Failure::failed(format!(
                "{}: there is no own key yet; the first start of the server makes it",
                kept.display()
            )));
        }
        Ok(Self {
            authority: Authority::new(&setup)?,
            setup,
        })
    }

    /// What the store says of users and tokens now.
    pub(super) async fn standing(&self, store: Option<&Store>) -> Result<Standing, Failure> {
        let standing = self.authority.empty_standing();
        let Some(store) = store else {
            return Ok(standing);
        };
        loop {
            let changes = store.changes(standing.users.revision(), PAGE).await?;
            if changes.is_empty() {
                break;
            }
            changes
                .iter()
                .for_each(|change| standing.users.apply(change));
        }
        let index: &RevocationIndex = &standing.revocations;
        loop {
            let revocations = store.after(index.sequence(), PAGE).await?;
            if revocations.is_empty() {
                return Ok(standing);
            }
            for (sequence, revocation) in &revocations {
                index.apply(*sequence, revocation);
            }
        }
    }
}

/// The store, where a server or a command has made it.
pub(super) async fn store_if_there(stored: &Stored) -> Result<Option<Store>, Failure> {
    if !stored.is_there() {
        return Ok(None);
    }
    Ok(Some(stored.open().await.map_err(anyhow::Error::from)?))
}

/// As `config::own_secret` names it.
const OWN_SECRET: &str = "secret.key";
const PAGE: u32 = 1000;
