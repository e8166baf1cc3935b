//! Tokens that tests sign.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_auth::{AccessClaims, Algorithm, Signer};
use conclave_protocol::Timestamp;

use super::now;

/// What a token of a test says.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) user: String,
    pub(crate) session: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
    pub(crate) issued_at: Timestamp,
    pub(crate) life: Duration,
}

impl Token {
    /// Role `user`, default session, issued now, an hour to live.
    pub(crate) fn of(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            session: None,
            name: None,
            roles: vec!["user".to_owned()],
            permissions: Vec::new(),
            issued_at: now(),
            life: Duration::from_secs(3600),
        }
    }

    /// With this role alone.
    pub(crate) fn role(mut self, role: &str) -> Self {
        self.roles = vec![role.to_owned()];
        self
    }

    /// With these permissions and no role.
    pub(crate) fn permissions(mut self, permissions: &[&str]) -> Self {
        self.roles.clear();
        self.permissions = permissions.iter().map(ToString::to_string).collect();
        self
    }

    /// In this named session.
    pub(crate) fn session(mut self, session: &str) -> Self {
        self.session = Some(session.to_owned());
        self
    }

    /// That ends so many seconds from now.
    pub(crate) fn seconds(mut self, seconds: u64) -> Self {
        self.life = Duration::from_secs(seconds);
        self
    }

    /// The token itself.
    pub(crate) fn sign(&self, signer: &Signer) -> String {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let id = u128::from(serial) << 64 | u128::from(self.issued_at.millis());
        let claims = AccessClaims {
            sub: &self.user,
            sid: self.session.as_deref(),
            name: self.name.as_deref(),
            roles: &self.roles,
            permissions: &self.permissions,
            issued_at: self.issued_at,
            life: self.life,
            id: id.to_be_bytes(),
            family: None,
        };
        signer.sign(&claims).expect("a token")
    }
}

/// Signs HS256 with this secret.
pub(crate) fn signer(secret: &str) -> Signer {
    Signer::secret(secret.as_bytes(), Algorithm::Hs256).expect("a long secret")
}
