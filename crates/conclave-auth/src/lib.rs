//! From a credential to a principal: tokens, keys, passwords, refresh, revocation.
//!
//! Refuses to do: sockets, files, environment, clocks, randomness; all come as arguments.

mod access;
mod algorithm;
mod claims;
mod der;
pub mod fuzz;
mod issuer;
mod json;
mod jwks;
mod key;
pub mod memory;
pub mod password;
mod pem;
mod ports;
mod random;
mod revocation;
mod roles;
mod secret;
mod sign_in;
mod signer;
mod standing;
mod tickets;
mod token;
#[cfg(test)]
mod tests;
mod verifier;

pub use access::Access;
pub use algorithm::Algorithm;
pub use issuer::{Allowance, ClaimNames, Issuer, IssuerFault};
pub use jwks::{FetchReason, JwksFault, JwksState, KeySet, parse_jwks};
pub use key::{Key, KeyFault, KeyName};
pub use ports::{
    OwnedSession, PasswordHash, PortError, RefreshFamilies, RefreshFamily, Revocation, Revocations,
    Revoked, Rotation, SecretHash, SessionStanding, Sessions, StoredUser, UserChange, UserState,
    Users,
};
pub use roles::Roles;
pub use token::TokenFault;
pub use verifier::{TokenError, Verified, Verifier};
pub use password::{Password, PasswordJob, PasswordOutcome};
pub use signer::{AccessClaims, SignFault, Signer};
pub use random::Random;
pub use revocation::RevocationIndex;
pub use standing::{Profile, Stand, Standing, UserOverlay};
pub use tickets::{TicketBounds, Tickets, TicketsFull};
pub use sign_in::{
    Passwords, PasswordsBusy, RevokeTarget, SignIn, SignInError, SignInParts, SignInPolicy,
    SignInRequest, SignedIn,
};
