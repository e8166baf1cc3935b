//! What the tests share: a moment, keys, tokens made by hand, and the whole service in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_protocol::{Timestamp, UserId};

use crate::memory::{
    InlinePasswords, MemoryRefreshFamilies, MemoryRevocations, MemorySessions, MemoryUsers,
};
use crate::password::hash;
use crate::{
    Algorithm, Issuer, Key, Password, Random, RevocationIndex, Roles, SignIn, SignInError,
    SignInParts, SignInPolicy, SignInRequest, SignedIn, Signer, Standing, StoredUser, TokenError,
    UserOverlay, Users, Verified, Verifier,
};

pub(super) const SECRET: &[u8] = b"thirty-two bytes of test secret!";

/// Seconds on the virtual clock.
pub(super) fn second(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token with this header and these claims, signed with the secret by HS256.
pub(super) fn token(header: &str, claims: &str) -> String {
    token_signed(SECRET, header, claims)
}

pub(super) fn token_signed(secret: &[u8], header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    let signature = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", encode(signature))
}

/// A token with these claims and a usual header.
pub(super) fn claiming(claims: &str) -> String {
    token(r#"{"alg":"HS256","typ":"JWT"}"#, claims)
}

pub(super) fn own_issuer() -> Issuer {
    Issuer::own(vec![Key::secret(SECRET, &[Algorithm::Hs256]).unwrap()])
}

pub(super) fn verifier(issuers: Vec<Issuer>) -> Verifier {
    Verifier::new(issuers, Arc::new(Roles::default())).unwrap()
}

/// Counts, so that every draw differs and every run is the same.
#[derive(Default)]
pub(super) struct Counted(AtomicU64);

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        for (byte, count) in bytes.iter_mut().zip(count.iter().cycle()) {
            *byte = *count;
        }
    }
}

pub(super) fn password(text: &str) -> Password {
    Password::new(text.to_owned()).unwrap()
}

pub(super) struct World {
    pub(super) users: Arc<MemoryUsers>,
    pub(super) standing: Standing,
    pub(super) verifier: Arc<Verifier>,
    pub(super) service: SignIn,
}

impl World {
    /// `ann`, `bob` and `root` (an admin) with the password `correct horse`.
    pub(super) async fn new() -> Self {
        let roles = Arc::new(Roles::default());
        let users = Arc::new(MemoryUsers::default());
        let hash = hash(&password("correct horse"), &[7; 16]).unwrap();
        for (name, role) in [("ann", "user"), ("bob", "user"), ("root", "admin")] {
            let user = StoredUser {
                name: UserId::new(name).unwrap(),
                password_hash: hash.clone(),
                roles: vec![role.to_owned()],
                permissions: Vec::new(),
                disabled: false,
            };
            users.add(&user, second(0)).await.unwrap();
        }
        let verifier = Arc::new(verifier(vec![own_issuer()]));
        let standing = Standing {
            revocations: Arc::new(RevocationIndex::default()),
            users: Arc::new(UserOverlay::new("", roles)),
        };
        let parts = SignInParts {
            users: Arc::<MemoryUsers>::clone(&users),
            families: Arc::new(MemoryRefreshFamilies::default()),
            sessions: Arc::new(MemorySessions::default()),
            revocations: Arc::new(MemoryRevocations::default()),
            passwords: Arc::new(InlinePasswords),
            random: Arc::new(Counted::default()),
            signer: Arc::new(Signer::secret(SECRET, Algorithm::Hs256).unwrap()),
            verifier: Arc::clone(&verifier),
            standing: standing.clone(),
            policy: SignInPolicy::default(),
        };
        let service = SignIn::new(parts, &[9; 32]);
        Self {
            users,
            standing,
            verifier,
            service,
        }
    }

    /// Signs in with the right password.
    pub(super) async fn sign_in(
        &self,
        name: &str,
        session: Option<&str>,
        at: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        self.sign_in_with(name, "correct horse", session, at).await
    }

    pub(super) async fn sign_in_with(
        &self,
        name: &str,
        password: &str,
        session: Option<&str>,
        at: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        let request = SignInRequest {
            name,
            password: Password::new(password.to_owned()),
            session,
            access_life: Duration::from_secs(1800),
        };
        self.service.sign_in(request, at).await
    }

    /// What a handshake does with a token.
    pub(super) fn admit(&self, token: &str, at: Timestamp) -> Result<Verified, TokenError> {
        let mut verified = self.verifier.verify(token, at)?;
        verified.principal = self.standing.admit(verified.principal)?;
        Ok(verified)
    }

    /// Reads the change feed of the store, as the server does.
    pub(super) async fn read_changes(&self) {
        let revision = self.standing.users.revision();
        for change in self.users.changes(revision, 100).await.unwrap() {
            self.standing.users.apply(&change);
        }
    }
}
