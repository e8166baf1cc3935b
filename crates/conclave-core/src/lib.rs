//! Authorisation, services and the hub.
//!
//! Refuses to do: wire formats, sockets, runtimes, clocks.
//! Reading order: `permit` (who may), `topics` (what happens), `directory` (across workers),
//! `bus` (a port: across nodes), `inbox`, `hub` (inside a worker), `connections`, `roll`, `bucket`,
//! `leases`, `wallet` and `webhooks` (ports), `assistant`.

mod assistant;
mod bucket;
mod bus;
mod connections;
mod directory;
mod hub;
mod inbox;
mod leases;
mod permit;
mod roll;
mod rooms;
mod search;
#[cfg(test)]
mod tests;
mod topics;
mod wallet;
mod webhooks;

pub use assistant::{
    AnswerFigures, AnswerLedger, AnswerParts, AnswerPolicy, AnswerTotals, AnswerWitness,
    AnsweredRooms, Assistant, Budget, Completion, CompletionFault, Ending, Line, MemoryCompletion,
    MemoryLedger, Prompt, Running, Speaker, Spending, Stage, Token, TokenStream, Turn,
};
pub use bucket::Bucket;
pub use bus::{
    Arrival, Bus, BusFigures, Feed, Keeping, MemoryBus, MemoryFeed, MemoryNode, NOTICE_BYTES_MAX,
    NodeId, Notice, Parcel, Place, Record, Recorded, SharedLimit, Spent,
};
pub use connections::{ConnectionBounds, ConnectionCounts, ConnectionGuard, ConnectionTable, Full};
pub use directory::{Directory, Origin, Published, Reaching, Subscribed};
pub use hub::{Audience, Batch, Hub, Member, Membership, Walk};
pub use inbox::Inbox;
pub use leases::{
    Fence, Hold, LeaseFault, LeaseName, Leases, MemoryLeases, SILENCE, Sign, TRUST, Term,
};
pub use permit::{Actor, Denied, Guarded, HearAll, Listen, Permit, authorise};
pub use roll::{NodeCounts, Roll, RollPart, WholePart};
pub use rooms::{
    AnswerPiece, Attendance, Change, Created, Elsewhere, Entered, Head, MemoryRooms, Messages,
    NewMessage, NewRoom, NextRoom, Outlet, Page, Replay, RoomFault, RoomStore, Rooms, Scope, Sent,
    Stamp, Surveyed, Witness, suited,
};
pub use search::Search;
pub use topics::{Publisher, Topics};
pub use wallet::{
    Block, BlockHead, Call, Chain, ChainFault, ChainNotice, HearWatch, Ingredients, Linking, Log,
    MemoryChain, MemoryWallets, NONCES_PER_USER, Outcome, Transfer, WALLETS_PER_USER, WalletFault,
    WalletNews, WalletStore, WatchAny, WatchOwn,
};
pub use webhooks::{
    LogPage, LogPart, Logged, NewQueued, Queued, QueuedKind, WebhookFault, WebhookName,
    WebhookPlace, WebhookStore,
};
