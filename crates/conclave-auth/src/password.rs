//! Password hashes: argon2id, and bcrypt from former systems.

use std::fmt;

use argon2::password_hash::phc;
use argon2::{Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use zeroize::Zeroizing;

use crate::PasswordHash;

/// A password in the clear: at most 1 KiB, wiped when dropped; its Debug shows nothing.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password; `None` where it is empty or longer than 1 KiB.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        let text = Zeroizing::new(text);
        (!text.is_empty() && text.len() <= PASSWORD_BYTES_MAX).then_some(Self(text))
    }

    /// Its length in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Work for the pool that computes password hashes: some 20 ms of one core, and 19 MiB.
#[derive(Debug)]
pub enum PasswordJob {
    /// Hash a new password with these 16 random bytes.
    Hash {
        /// The password.
        password: Password,
        /// 16 random bytes.
        salt: [u8; 16],
    },
    /// Compare a password with what is stored.
    Verify {
        /// The password.
        password: Password,
        /// What is stored; `None` where nothing is, which takes as long.
        stored: Option<PasswordHash>,
        /// 16 random bytes, for a new hash where the stored one is out of date.
        salt: [u8; 16],
    },
}

/// What came of a [`PasswordJob`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordOutcome {
    /// It could not be computed: no memory, or a stored hash of an unknown kind.
    Failed,
    /// The new hash.
    Hashed(PasswordHash),
    /// It is the password.
    Right {
        /// Its new hash, where the stored one is out of date.
        rehashed: Option<PasswordHash>,
    },
    /// It is not.
    Wrong,
}

impl PasswordJob {
    /// Does the work, at once.
    #[must_use]
    pub fn run(self) -> PasswordOutcome {
        match self {
            Self::Hash { password, salt } => {
                hash(&password, &salt).map_or(PasswordOutcome::Failed, PasswordOutcome::Hashed)
            }
            Self::Verify {
                password,
                stored: None,
                ..
            } => {
                verify_nobody(&password);
                PasswordOutcome::Wrong
            }
            Self::Verify {
                password,
                stored: Some(stored),
                salt,
            } => {
                if !verify(&password, &stored) {
                    return PasswordOutcome::Wrong;
                }
                let rehashed = if needs_rehash(&stored) {
                    hash(&password, &salt)
                } else {
                    None
                };
                PasswordOutcome::Right { rehashed }
            }
        }
    }
}

/// The argon2id hash of a password, as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$…$…`
/// (OWASP's parameters). `None` where memory ran out.
#[must_use]
pub fn hash(password: &Password, salt: &[u8; 16]) -> Option<PasswordHash> {
    let hash = argon2id()?
        .hash_password_with_salt(password.0.as_bytes(), salt)
        .ok()?;
    Some(PasswordHash(hash.to_string()))
}

/// Whether it is the password of that hash: argon2id, or bcrypt (`$2a$`, `$2b$`, `$2y$`).
///
/// A bcrypt hash knows only the first 72 bytes of a password, and former systems cut or refused
/// longer ones: against bcrypt a password over 72 bytes, or with a zero byte, is wrong, so that
/// no text that merely begins like the password passes. Its owner needs a new password. Costs
/// beyond reason (bcrypt over 15; argon2 over 256 MiB, 16 passes or 16 lanes) are wrong too.
#[must_use]
pub fn verify(password: &Password, hash: &PasswordHash) -> bool {
    let bytes = password.0.as_bytes();
    if let Some(cost) = bcrypt_cost(hash) {
        let is_whole = bytes.len() <= BCRYPT_BYTES_MAX && !bytes.contains(&0);
        // Computed in either case: an answer at once would say that the hash is bcrypt.
        let is_same = cost <= BCRYPT_COST_MAX && bcrypt::verify(bytes, &hash.0).unwrap_or(false);
        return is_whole && is_same;
    }
    let Some(parsed) = argon2id_hash(hash) else {
        verify_nobody(password);
        return false;
    };
    Argon2::default().verify_password(bytes, &parsed).is_ok()
}

/// Takes as long as [`verify`] with a hash of ours, for users that do not exist.
pub fn verify_nobody(password: &Password) {
    let mut output = [0_u8; 32];
    if let Some(argon2) = argon2id() {
        let done = argon2.hash_password_into(password.0.as_bytes(), &[0; 16], &mut output);
        std::hint::black_box((done.is_ok(), output));
    }
}

/// Whether a hash is not what [`hash`] makes today.
#[must_use]
pub fn needs_rehash(hash: &PasswordHash) -> bool {
    argon2id_hash(hash).is_none_or(|parsed| {
        Params::try_from(&parsed).map_or(true, |params| {
            (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES)
        })
    })
}

fn argon2id() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(
        argon2::Algorithm::Argon2id,
        Version::V0x13,
        params,
    ))
}

/// A hash by argon2id with costs that are within reason.
fn argon2id_hash(hash: &PasswordHash) -> Option<phc::PasswordHash> {
    let parsed = phc::PasswordHash::new(&hash.0).ok()?;
    let params = Params::try_from(&parsed).ok()?;
    let is_fit = parsed.algorithm == argon2::ARGON2ID_IDENT
        && params.m_cost() <= 256 * 1024
        && params.t_cost() <= 16
        && params.p_cost() <= 16;
    is_fit.then_some(parsed)
}

fn bcrypt_cost(hash: &PasswordHash) -> Option<u32> {
    let rest = ["$2a$", "$2b$", "$2y$"]
        .iter()
        .find_map(|prefix| hash.0.strip_prefix(prefix))?;
    rest.split_once('$')?.0.parse().ok()
}

const PASSWORD_BYTES_MAX: usize = 1024;
const BCRYPT_BYTES_MAX: usize = 72;
const BCRYPT_COST_MAX: u32 = 15;
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
