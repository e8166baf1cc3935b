//! What an administrator works at: the store, the audit, and the services over them. A server
//! may run on the same files at the same time; it follows within 2 s.

use std::sync::Arc;

use anyhow::Context as _;
use conclave_auth::{PortError, Random as _, SignIn, SignInError, SignInPolicy};
use conclave_protocol::{Clock, Timestamp};
use conclave_store::Store;
use serde_json::{Value, json};

use super::keys::{Keys, Missing};
use super::{Failure, Location};
use crate::audit::{AuditLog, Event, Kind};
use crate::clock::WallClock;
use crate::identity::{PasswordPool, SystemRandom};
use crate::stored::Stored;

/// An open desk. Whatever changes something is recorded in the audit before the command ends.
pub(super) struct Desk {
    pub(super) keys: Keys,
    pub(super) store: Arc<Store>,
    pub(super) sign_in: SignIn,
    audit: Arc<AuditLog>,
    clock: Arc<dyn Clock>,
}

impl Desk {
    /// Opens store and audit of the server that is configured there. The audit first: what cannot
    /// be recorded is not done.
    pub(super) async fn open(location: &Location, missing: Missing) -> Result<Self, Failure> {
        let setup = location.setup()?;
        let stored = Stored::of(&setup.config)?;
        if missing == Missing::Refused && !stored.is_there() {
            return Err(Failure::failed(format!(
                "{stored}: there is no store; is --data-dir right?"
            )));
        }
        let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
        let audit = crate::start::open_audit(&setup.config, &clock)?;
        let keys = Keys::find(setup, Missing::Made)?;
        let store = Arc::new(stored.open().await.map_err(anyhow::Error::from)?);
        let passwords = PasswordPool::start()?;
        let parts = keys
            .authority
            .sign_in_parts(&store, passwords, SignInPolicy::default());
        // No refresh token is made here, so any key will do.
        let mut refresh_key = [0; 32];
        SystemRandom.fill(&mut refresh_key);
        let sign_in = SignIn::new(parts, &refresh_key);
        Ok(Self {
            keys,
            store,
            sign_in,
            audit,
            clock,
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An event about a user or nobody, with who did it in its `detail`.
    pub(super) fn event(&self, kind: Kind, action: &str, mut detail: Value) -> Event {
        if let Some(detail) = detail.as_object_mut() {
            detail.insert("action".to_owned(), action.into());
            detail.insert("by".to_owned(), by_command_line());
        }
        Event::new(kind, self.now()).detail(detail)
    }

    /// Writes the event down, waits until it is durable, and closes everything.
    pub(super) async fn close(self, event: Event) -> Result<(), Failure> {
        self.audit.record_blocking(event);
        self.audit.flush().context("it is done, but")?;
        Ok(self.store.close().await.map_err(anyhow::Error::from)?)
    }
}

/// Who an event of the command line was caused by.
pub(super) fn by_command_line() -> Value {
    json!({ "command_line": { "uid": rustix::process::getuid().as_raw() } })
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<SignInError> for Failure {
    fn from(error: SignInError) -> Self {
        anyhow::Error::from(error).into()
    }
}
