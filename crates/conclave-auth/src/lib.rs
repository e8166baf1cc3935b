//! From a credential to a principal: tokens, keys, passwords, refresh, revocation.
//!
//! Refuses to do: sockets, files, environment, clocks, randomness; all come as arguments.

mod ports;

pub use ports::{
    OwnedSession, PasswordHash, PortError, RefreshFamilies, RefreshFamily, Revocation, Revocations,
    Revoked, Rotation, SecretHash, SessionStanding, Sessions, StoredUser, UserChange, UserState,
    Users,
};
