//! From a credential to a principal: tokens, keys, passwords, refresh, revocation.
//!
//! Refuses to do: sockets, files, environment, clocks, randomness; all come as arguments. (ECDSA
//! and PSS signatures draw theirs inside the signature library.)
//!
//! Reading order: `verifier` (one token to a principal) with `token`, `json`, `claims`, `access`;
//! `issuer`, `key`, `jwks`; `signer`; `revocation` and `standing` (does it still count?);
//! `tickets`; `ports`, then `sign_in` (what `/token` and `/auth/*` do) with `password`; `key_ring`
//! (keys of backends) and `repeat` (calls that are the same); `memory`.

mod access;
mod algorithm;
mod claims;
mod der;
pub mod fuzz;
mod issuer;
mod json;
mod jwks;
mod key;
mod key_ring;
pub mod memory;
pub mod password;
mod pem;
mod ports;
mod public_key;
mod random;
mod repeat;
mod revocation;
mod roles;
mod secret;
mod sign_in;
mod signer;
mod standing;
#[cfg(test)]
mod tests;
mod tickets;
mod token;
mod verifier;

pub use access::Access;
pub use algorithm::Algorithm;
pub use issuer::{Allowance, ClaimNames, Issuer, IssuerFault};
pub use jwks::{FetchReason, JwksFault, JwksState, KeySet, parse_jwks};
pub use key::{Key, KeyFault, KeyName};
pub use key_ring::{IssuedKey, KeyError, KeyHolder, KeyRing, issue_key, looks_like_key};
pub use password::{Password, PasswordJob, PasswordOutcome};
pub use ports::{
    ApiKey, ApiKeyId, ApiKeyName, ApiKeys, Begun, CallId, Idempotency, OwnedSession, PasswordHash,
    PortError, RefreshFamilies, RefreshFamily, Revocation, Revocations, Revoked, Rotation,
    STORED_ANSWER_BYTES_MAX, SecretHash, SessionStanding, Sessions, StoredAnswer, StoredUser,
    TokenBlacklist, UserChange, UserState, Users,
};
pub use random::Random;
pub use repeat::{ANSWER_KEPT, CALL_TIME_MAX, hash_call_body};
pub use revocation::RevocationIndex;
pub use roles::Roles;
pub use sign_in::{
    Passwords, PasswordsBusy, RevokeTarget, SignIn, SignInError, SignInParts, SignInPolicy,
    SignInRequest, SignedIn,
};
pub use signer::{AccessClaims, SignFault, Signer};
pub use standing::{Profile, Stand, Standing, UserOverlay};
pub use tickets::{MemoryTickets, TicketBounds, TicketError, TicketTable, Tickets, WaitingTicket};
pub use token::TokenFault;
pub use verifier::{TokenError, Verified, Verifier};
