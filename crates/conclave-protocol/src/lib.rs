//! The words of Conclave as types.
//!
//! Refuses to do: I/O, async, clocks, randomness, and any wire format.
//! Reading order: `channel`, `principal`, `permission`, `room`, `command`, `room_command`, `answer`,
//! `publication`, `wallet`, `refusal`, `dialect`, `limits`, `clock`.

mod answer;
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
mod room;
mod room_command;
#[cfg(test)]
mod tests;
mod wallet;

pub use answer::{AnswerFailed, AnswerPart, AnswerRecord, Finish, Transcript, Usage};
pub use channel::{Channel, Position};
pub use clock::{Clock, Timestamp};
pub use command::{
    Broadcast, Command, Connect, Publish, PublishAs, Recovery, RegisterSession, Shown, Subscribe,
    TopicMessage, TopicPresence, Unsubscribe,
};
pub use dialect::{
    Dialect, DialectState, Form, Frame, FrameKind, Heartbeat, Mode, OwnFrame, Place, Present, Push,
    Received, Reply, Start, Welcome,
};
pub use limits::Limits;
pub use name::{NameError, RoomId, SessionName, TopicName, UserId};
pub use permission::{Grants, Permission};
pub use principal::{FamilyId, IssuerId, Principal, SessionId, SessionKind, TokenId};
pub use publication::{Body, FORMS, Publication};
pub use refusal::{CloseMeaning, Disconnect, Refusal};
pub use room::{
    DeliveryState, Event, EventKind, Invitation, InvitationId, InvitationState, Member, MemberRole,
    Message, MessageId, MessageKind, NoticeKind, Person, Presence, Profile, Receipt, Room,
    RoomKind,
};
pub use room_command::{
    AnswerInvitation, AskAssistant, CancelAnswer, ConnectionCount, CountOffline, CreateRoom,
    DeleteRoom, EditMessage, EraseMessage, Follow, GiveReceipt, Invite, JoinRoom, LeaveRoom,
    ListOffline, ListPresence, ListReceipts, ListTypists, Monitor, ReadOwn, ReadRoom, RemoveMember,
    RoomCommand, RoomReply, SendAs, SendMessage, ServerPush, SetRole, SetTyping, Tag, Unfollow,
    UpdateProfile, UpdateRoom,
};
pub use wallet::{
    Amount, Balance, ChainHash, ContractEvent, FeedStatus, HexError, TokenBalance, Transaction,
    TransactionStatus, Wallet, WalletAddress, WalletCommand, WalletEvent, WalletReply, Watch,
    WatchId,
};
