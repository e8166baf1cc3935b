//! Authorisation, services and the hub.
//!
//! Refuses to do: wire formats, sockets, runtimes, clocks.
//! Reading order: `permit` (who may), `topics` (what happens), `directory` (across workers),
//! `inbox`, `hub` (inside a worker), `connections`, `bucket`.

mod bucket;
mod connections;
mod directory;
mod hub;
mod inbox;
mod permit;
#[cfg(test)]
mod tests;
mod topics;

pub use bucket::Bucket;
pub use connections::{ConnectionBounds, ConnectionCounts, ConnectionGuard, ConnectionTable, Full};
pub use directory::{Directory, Published, Subscribed};
pub use hub::{Audience, Batch, Hub, Member, Membership, Walk};
pub use inbox::Inbox;
pub use permit::{Denied, Guarded, Listen, Permit, authorise};
pub use topics::{Publisher, Topics};
