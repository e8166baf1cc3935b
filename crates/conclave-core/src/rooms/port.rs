//! What rooms ask of durable state, and where what was stored goes.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use conclave_protocol::{
    AnswerInvitation, AnswerRecord, Channel, CreateRoom, DeleteRoom, EditMessage, EraseMessage,
    Event, GiveReceipt, Invitation, InvitationId, Invite, JoinRoom, LeaveRoom, Member, Message,
    MessageId, Person, Receipt, Refusal, RemoveMember, Room, RoomId, RoomKind, SendMessage,
    SetRole, Timestamp, UpdateProfile, UpdateRoom, UserId,
};

use crate::directory::Origin;
use crate::permit::Actor;
use crate::{Fence, LeaseName};

/// Why an ask about rooms was not done.
#[derive(Debug, thiserror::Error)]
pub enum RoomFault {
    /// The rules say no. A room or message that is not the asker's to see is `not_found`, in the
    /// same words as one that does not exist.
    #[error("{message}")]
    Refused {
        /// The code.
        refusal: Refusal,
        /// For people.
        message: Cow<'static, str>,
    },
    /// The store is away or broken; nothing was stored.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl RoomFault {
    /// A refusal with these words.
    #[must_use]
    pub const fn refused(refusal: Refusal, message: &'static str) -> Self {
        Self::Refused {
            refusal,
            message: Cow::Borrowed(message),
        }
    }

    /// The room is none, or none of the asker's.
    #[must_use]
    pub const fn no_room() -> Self {
        Self::refused(Refusal::NotFound, "no such room")
    }

    /// The message is none, deleted, or in none of the asker's rooms.
    #[must_use]
    pub const fn no_message() -> Self {
        Self::refused(Refusal::NotFound, "no such message")
    }

    /// The code on the wire.
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::Refused { refusal, .. } => *refusal,
            Self::Unavailable(_) => Refusal::Unavailable,
        }
    }

    /// The words on the wire; of a broken store they say nothing more.
    #[must_use]
    pub fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Refused { message, .. } => message.clone(),
            Self::Unavailable(_) => Cow::Borrowed("the store is unavailable; try again"),
        }
    }
}

/// When something is done, and by which connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// When.
    pub at: Timestamp,
    /// By which connection.
    pub origin: Origin,
}

/// Where the store's events go. Called after the COMMIT that holds them, in the order of their
/// numbers, and before whoever asked gets the answer. Must not wait.
pub trait Outlet: Send + Sync {
    /// Gives an event to all who hear the channel.
    fn publish(&self, channel: Channel, event: Arc<Event>, origin: Origin);
}

/// A room as its member finds it who comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which.
    pub room: RoomId,
    /// The highest sequence number in it.
    pub last_seq: u64,
    /// Whether any message in it is offline for the member.
    pub offline: bool,
}

/// That a user became a member of a room, and is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Who.
    pub user: UserId,
    /// Of which.
    pub room: RoomId,
    /// By which of its events.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
}

/// A room to be created, checked by the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRoom {
    /// Its id, unique. Not used where a DM of the pair exists.
    pub id: RoomId,
    /// What was asked for.
    pub room: CreateRoom,
}

/// What became of a room to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The room.
    pub room: Room,
    /// Whether it was there already: the DM of that pair.
    pub existing: bool,
}

/// A message to be stored, checked by the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Its id, unique, for clients that choose none.
    pub id: MessageId,
    /// What was asked for.
    pub message: SendMessage,
    /// Of an assistant's answer: how it came about.
    pub answer: Option<Box<AnswerRecord>>,
    /// The lease that allows it, where one is needed, and the taking of it.
    pub under: Option<(LeaseName, Fence)>,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// As stored; with its `client_id`.
    pub message: Message,
    /// Whether it was stored by an earlier ask with the same `client_id`; then nothing was
    /// published.
    pub repeated: bool,
}

/// Where a user who leaves a room goes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextRoom {
    /// Which room.
    pub room: RoomId,
    /// Its kind.
    pub kind: RoomKind,
    /// When the user last gave a `Read` receipt there.
    pub last_viewed_at: Option<Timestamp>,
    /// Whether there is something the user has not seen.
    pub unread: bool,
}

/// Which rooms are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All; to `any` alone.
    All,
    /// One's own.
    Own,
    /// The public ones.
    Public,
}

/// Which messages of a room, by sequence number, exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Those before this one, nearest first.
    pub before: Option<u64>,
    /// Those after this one, nearest first; with both, those between, nearest to `after` first.
    pub after: Option<u64>,
    /// At most so many, at least 1.
    pub limit: u32,
}

/// A page of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    /// Newest first.
    pub messages: Vec<Message>,
    /// Whether older ones than these exist.
    pub older: bool,
    /// Whether newer ones than these exist.
    pub newer: bool,
}

/// A part of a room's history of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The room's highest sequence number.
    pub last_seq: u64,
    /// Oldest first; messages as they are now.
    pub events: Vec<Arc<Event>>,
    /// Whether more come after these.
    pub more: bool,
    /// Whether the viewer is no member and sees it by `room.any` alone.
    pub by_any: bool,
}

/// Durable rooms. One transaction each: membership and roles are checked in the same
/// transaction that does what was asked. `at` of one call is never before that of another that
/// it follows, but equal times must not matter.
///
/// Every method that takes an [`Actor`] answers for a room that does not exist as for one that
/// is not the actor's to see: [`RoomFault::no_room`] or [`RoomFault::no_message`].
#[async_trait]
pub trait RoomStore: Send + Sync {
    /// Creates a room: event `Created` with `seq` 1, `Entered` to the feed of every member. The
    /// creator owns it, or, for a DM, is one of its two members; unknown users can be members.
    /// A DM of the same pair is given back as it is; who has left it is back in it.
    /// `too_large` where a member has `rooms_per_user` rooms.
    async fn create(&self, by: &Actor, new: NewRoom, stamp: Stamp) -> Result<Created, RoomFault>;
    /// Changes name or description; owner, or moderator power. `Updated`.
    async fn update(&self, by: &Actor, ask: UpdateRoom, stamp: Stamp) -> Result<Room, RoomFault>;
    /// Deletes the room with all in it; owner, or moderator power. `Deleted`, not stored, with
    /// the next sequence number. A DM: `forbidden`.
    async fn delete(&self, by: &Actor, ask: DeleteRoom, stamp: Stamp) -> Result<(), RoomFault>;
    /// Becomes a member: of a PUBLIC room, or where invited (the invitation is then accepted).
    /// Not where banned (`forbidden`). Being one already is no error and no event. `Joined` in
    /// the room, `Entered` to the user's feed.
    async fn join(&self, by: &Actor, ask: JoinRoom, stamp: Stamp) -> Result<(), RoomFault>;
    /// Stops being a member. An owner hands over to the longest-standing member, or deletes the
    /// room (`ask.delete`, or nobody is left). `Left`, and `RoleChanged` of the new owner.
    async fn leave(
        &self,
        by: &Actor,
        ask: LeaveRoom,
        stamp: Stamp,
    ) -> Result<Option<NextRoom>, RoomFault>;
    /// Removes a member who is not the owner; owner, room moderator (not another moderator), or
    /// moderator power. Taking oneself out is `bad_request`. A ban of who is no member is kept
    /// too, an invitation of theirs is rejected. `Left`.
    async fn remove(&self, by: &Actor, ask: RemoveMember, stamp: Stamp) -> Result<(), RoomFault>;
    /// Gives a role; owner only (or moderator power for roles other than Owner). `RoleChanged`
    /// of each whose role changed. DM: `forbidden`.
    async fn set_role(&self, by: &Actor, ask: SetRole, stamp: Stamp) -> Result<Member, RoomFault>;
    /// Invites; any member of the room. Who is a member is `conflict`, who is banned
    /// `forbidden`; a pending invitation is given back as it is. DM: `forbidden`. `Invited` to
    /// the invitee's feed. At most 1,000 pending per room and per invitee (`too_large`).
    async fn invite(
        &self,
        by: &Actor,
        ask: Invite,
        id: InvitationId,
        stamp: Stamp,
    ) -> Result<Invitation, RoomFault>;
    /// Answers one's own pending invitation (`not_found` for others', `conflict` where answered
    /// otherwise before); accepting joins.
    async fn answer(
        &self,
        by: &Actor,
        ask: AnswerInvitation,
        stamp: Stamp,
    ) -> Result<Invitation, RoomFault>;
    /// One's own pending invitations, oldest first, at most 1,000.
    async fn invitations(&self, user: &UserId) -> Result<Vec<Invitation>, RoomFault>;

    /// Stores a message of a member (or by `any`). `reply_to` must be in the room (`not_found`).
    /// The same `client_id` of the same user and room again: the stored one where kind, content
    /// and `reply_to` are the same, else `conflict`; without the power to send there now it is
    /// refused all the same. An `id` that is used already is `conflict`, and so is a message under
    /// a lease that was taken again since. In a DM whose other
    /// member has left, that one is back (`Joined`, `Entered`) before the message. `Message`.
    async fn send(&self, by: &Actor, new: NewMessage, stamp: Stamp) -> Result<Sent, RoomFault>;
    /// Changes one's own message while one may write in its room. `not_before`: created earlier,
    /// it is `forbidden`. Not what the message's kind asks for (`suited`): `bad_request`. Same
    /// content: no event. `Edited`.
    async fn edit(
        &self,
        by: &Actor,
        ask: EditMessage,
        not_before: Timestamp,
        stamp: Stamp,
    ) -> Result<Message, RoomFault>;
    /// Deletes: author, owner or moderator of the room, or moderator power. Its text is gone
    /// from the store; its place stays. `Erased`.
    async fn erase(&self, by: &Actor, ask: EraseMessage, stamp: Stamp) -> Result<(), RoomFault>;
    /// Takes a receipt. `forbidden` from the author or from who joined after the message. One
    /// that adds nothing is no error and no event. `Receipt` for each newly covered message, the
    /// newest 50, to its author on `User` and `Own`.
    async fn give_receipt(
        &self,
        by: &Actor,
        ask: GiveReceipt,
        stamp: Stamp,
    ) -> Result<(), RoomFault>;

    /// One room. Members, `any`, and everybody for PUBLIC ones.
    async fn room(&self, viewer: &Actor, room: &RoomId) -> Result<Room, RoomFault>;
    /// Rooms by id, after `after`.
    async fn rooms(
        &self,
        viewer: &Actor,
        scope: Scope,
        after: Option<&RoomId>,
        limit: u32,
    ) -> Result<Vec<Room>, RoomFault>;
    /// Members by user id, after `after`. To members and `any`.
    async fn members(
        &self,
        viewer: &Actor,
        room: &RoomId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Member>, RoomFault>;
    /// Messages of a room, deleted ones as tombstones. `client_id` only of the viewer's own. To
    /// members and `any`.
    async fn messages(
        &self,
        viewer: &Actor,
        room: &RoomId,
        page: Page,
    ) -> Result<Messages, RoomFault>;
    /// Stored events with a greater sequence number, oldest first. To members and `any`.
    async fn events(
        &self,
        viewer: &Actor,
        room: &RoomId,
        after: u64,
        limit: u32,
    ) -> Result<Replay, RoomFault>;
    /// Stored events of all the user's rooms with a greater [`Event::number`], in that order.
    async fn missed(
        &self,
        user: &UserId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Arc<Event>>, RoomFault>;
    /// The greatest [`Event::number`] of a stored event; 0 for none.
    async fn newest_number(&self) -> Result<u64, RoomFault>;
    /// The recipients' states by user id, at most 200. To members and `any`.
    async fn receipts(&self, viewer: &Actor, message: MessageId)
    -> Result<Vec<Receipt>, RoomFault>;
    /// Messages that are offline for the user, room by room (by room id) in `seq` order, those
    /// after `after` (`not_found` where it is none of the user's to see).
    async fn offline(
        &self,
        user: &UserId,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>, RoomFault>;
    /// How many those are.
    async fn offline_count(&self, user: &UserId) -> Result<u64, RoomFault>;

    /// The rooms a user is a member of.
    async fn rooms_of(&self, user: &UserId) -> Result<Vec<RoomId>, RoomFault>;
    /// The rooms a user is a member of by room id, as of one moment.
    async fn heads(&self, user: &UserId) -> Result<Vec<Head>, RoomFault>;
    /// The rooms of each of these users, in no order.
    async fn rooms_of_each(&self, users: &[UserId]) -> Result<Vec<(UserId, RoomId)>, RoomFault>;
    /// Which of these users became members by an event with a greater [`Event::number`], in no
    /// order.
    async fn entered(&self, users: &[UserId], after: u64) -> Result<Vec<Entered>, RoomFault>;
    /// Whether two users share a room.
    async fn share_room(&self, one: &UserId, other: &UserId) -> Result<bool, RoomFault>;
    /// What a user shows; the id as name where nothing is known.
    async fn profile(&self, user: &UserId) -> Result<Person, RoomFault>;
    /// Changes it.
    async fn update_profile(
        &self,
        user: &UserId,
        ask: UpdateProfile,
        at: Timestamp,
    ) -> Result<Person, RoomFault>;
    /// Keeps the name that a token gives a user who has set none of their own.
    async fn name(&self, user: &UserId, name: &str, at: Timestamp) -> Result<(), RoomFault>;
    /// Keeps when users were last there.
    async fn seen(&self, users: &[UserId], at: Timestamp) -> Result<(), RoomFault>;
    /// When users were last there; those never seen are left out.
    async fn last_seen(&self, users: &[UserId]) -> Result<Vec<(UserId, Timestamp)>, RoomFault>;
}
