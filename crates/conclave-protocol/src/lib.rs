//! The words of Conclave as types.
//!
//! Refuses to do: I/O, async, clocks, randomness, and any wire format.
//! Reading order: `channel`, `principal`, `permission`, `command`, `publication`, `refusal`,
//! `dialect`, `limits`, `clock`.

mod channel;
mod clock;
mod command;
mod dialect;
mod limits;
mod name;
mod permission;
mod principal;
mod publication;
mod refusal;
#[cfg(test)]
mod tests;

pub use channel::{Channel, Position};
pub use clock::{Clock, Timestamp};
pub use command::{
    Broadcast, Command, Publish, RegisterSession, Subscribe, TopicMessage, TopicPresence,
    Unsubscribe,
};
pub use dialect::{
    Dialect, DialectState, Form, Frame, FrameKind, Mode, Present, Push, Received, Reply,
};
pub use limits::Limits;
pub use name::{NameError, SessionName, TopicName, UserId};
pub use permission::{Grants, Permission};
pub use principal::{FamilyId, IssuerId, Principal, SessionId, SessionKind, TokenId};
pub use publication::{Body, FORMS, Publication};
pub use refusal::{CloseMeaning, Disconnect, Refusal};
