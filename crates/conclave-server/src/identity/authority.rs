//! Who signs and who verifies by the configuration, and what signing in is made of.

use std::sync::Arc;

use anyhow::Context as _;
use conclave_auth::{
    RevocationIndex, Roles, SignInParts, SignInPolicy, Signer, Standing, UserOverlay, Verifier,
};
use conclave_store::Store;

use super::{PasswordPool, SystemRandom, issuers, signer};
use crate::config::Setup;

/// The own key, every issuer's keys that are in files, and what roles grant.
pub(crate) struct Authority {
    pub(crate) signer: Arc<Signer>,
    pub(crate) verifier: Arc<Verifier>,
    roles: Arc<Roles>,
    user_prefix: Box<str>,
}

impl Authority {
    /// Reads the keys; makes the own secret where none is configured and none was made.
    ///
    /// # Errors
    /// Names the key of the configuration or the file.
    pub(crate) fn new(setup: &Setup) -> anyhow::Result<Self> {
        let auth = &setup.config.auth;
        let signer = Arc::new(signer(setup)?);
        let issuers = issuers(setup, &signer)?;
        let roles = Arc::new(Roles::new(auth.roles.clone()));
        let verifier = Verifier::new(issuers, Arc::clone(&roles)).context("auth.issuers")?;
        Ok(Self {
            signer,
            verifier: Arc::new(verifier),
            roles,
            user_prefix: auth.user_prefix.as_str().into(),
        })
    }

    /// Nobody revoked, disabled or removed.
    pub(crate) fn empty_standing(&self) -> Standing {
        Standing {
            revocations: Arc::new(RevocationIndex::default()),
            users: Arc::new(UserOverlay::new(&self.user_prefix, Arc::clone(&self.roles))),
        }
    }

    /// Signing in over a store, with a standing that knows of nobody yet.
    pub(crate) fn sign_in_parts(
        &self,
        store: &Arc<Store>,
        passwords: PasswordPool,
        policy: SignInPolicy,
    ) -> SignInParts {
        SignInParts {
            users: Arc::clone(store) as _,
            families: Arc::clone(store) as _,
            sessions: Arc::clone(store) as _,
            revocations: Arc::clone(store) as _,
            passwords: Arc::new(passwords),
            random: Arc::new(SystemRandom),
            signer: Arc::clone(&self.signer),
            verifier: Arc::clone(&self.verifier),
            standing: self.empty_standing(),
            policy,
        }
    }
}
