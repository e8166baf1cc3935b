//! What clients ask of rooms. Owned, since each of them waits for the store.

use crate::{
    DeliveryState, InvitationId, MemberRole, Message, MessageId, MessageKind, Presence, Receipt,
    RoomId, RoomKind, UserId,
};

/// What an answer has to repeat of the ask, so that the client knows which one it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    /// Socket.IO's acknowledgement number; `None` where no answer was asked for.
    pub ack: Option<u64>,
    /// The client's own name for the message it sends.
    pub client_id: Option<Box<str>>,
    /// The room the ask is about, where the frame names one.
    pub room: Option<RoomId>,
}

/// An ask about rooms that a connection makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomCommand {
    /// Stops the assistant's answer that is under way in a room.
    CancelAnswer(CancelAnswer),
    /// Deletes a message.
    Erase(EraseMessage),
    /// Changes a message.
    Edit(EditMessage),
    /// Hears a room from now on, or from a sequence number.
    Follow(Follow),
    /// Becomes a member.
    Join(JoinRoom),
    /// Stops being one.
    Leave(LeaveRoom),
    /// Messages one has not received.
    Offline(ListOffline),
    /// How many those are.
    OfflineCount(CountOffline),
    /// Who of the room's members is there.
    Presence(ListPresence),
    /// Who has received and seen a message.
    Receipts(ListReceipts),
    /// Has received or seen a message.
    Receipt(GiveReceipt),
    /// Sends a message.
    Send(SendMessage),
    /// How many connections there are: all with `system.monitor`, else one's own.
    Status,
    /// Types, or has stopped.
    Typing(SetTyping),
    /// Who types.
    Typists(ListTypists),
    /// Stops hearing a room.
    Unfollow(Unfollow),
}

/// Sends a message into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendMessage {
    /// Where to.
    pub room: RoomId,
    /// Unchecked; the service says what is wrong with it.
    pub content: Box<str>,
    /// What the content is.
    pub kind: MessageKind,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// A key of (user, room): the same again gives the same stored message. 1 to 128 bytes.
    pub client_id: Option<Box<str>>,
    /// The id the message is to have, for clients that choose it.
    pub id: Option<MessageId>,
}

/// Asks the assistant, by a message that one has sent into a room where it is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskAssistant {
    /// Where.
    pub room: RoomId,
}

/// Stops the assistant's answer that is under way: one's own, with power in the room anybody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelAnswer {
    /// Where.
    pub room: RoomId,
}

/// Changes the content of one's own message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditMessage {
    /// Which one.
    pub message: MessageId,
    /// The room it must be in, where the surface knows one.
    pub room: Option<RoomId>,
    /// Unchecked.
    pub content: Box<str>,
}

/// Deletes a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EraseMessage {
    /// Which one.
    pub message: MessageId,
    /// The room it must be in, where the surface knows one.
    pub room: Option<RoomId>,
}

/// Says that a message, and all before it in its room, was received or seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiveReceipt {
    /// Which one.
    pub message: MessageId,
    /// The room it must be in, where the surface knows one.
    pub room: Option<RoomId>,
    /// `Delivered` or `Read`.
    pub status: DeliveryState,
}

/// Asks for the recipients' states of a message; at most 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListReceipts {
    /// Which one.
    pub message: MessageId,
}

/// Asks how many messages are offline for oneself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountOffline;

/// Asks for messages that are offline for oneself, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOffline {
    /// 1 to 200; 50 where not said.
    pub limit: u32,
    /// Only what comes after this message.
    pub after: Option<MessageId>,
}

/// Says that one types in a room, or has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTyping {
    /// Where.
    pub room: RoomId,
    /// Whether.
    pub typing: bool,
}

/// Asks who types in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListTypists {
    /// Where.
    pub room: RoomId,
}

/// Asks who of a room's members is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPresence {
    /// Where.
    pub room: RoomId,
}

/// Hears a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// Which one.
    pub room: RoomId,
    /// Everything after this sequence number first; `None` begins with what comes next.
    pub since: Option<u64>,
}

/// Stops hearing a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfollow {
    /// Which one.
    pub room: RoomId,
}

/// Creates a room; its creator owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRoom {
    /// 1 to 100 characters; must be `None` for a DM.
    pub name: Option<Box<str>>,
    /// At most 500 characters.
    pub description: Option<Box<str>>,
    /// Who may find and enter it.
    pub kind: RoomKind,
    /// First members beside the creator; exactly one other for a DM. At most 100.
    pub members: Vec<UserId>,
}

/// Changes a room. `None` leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateRoom {
    /// Which one.
    pub room: RoomId,
    /// 1 to 100 characters.
    pub name: Option<Box<str>>,
    /// At most 500 characters; empty takes it away.
    pub description: Option<Box<str>>,
    /// Whether the assistant answers there.
    pub assistant: Option<bool>,
}

/// Deletes a room with everything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRoom {
    /// Which one.
    pub room: RoomId,
}

/// Becomes a member of a public room, or of one that one is invited to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRoom {
    /// Which one.
    pub room: RoomId,
}

/// Stops being a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveRoom {
    /// Which one.
    pub room: RoomId,
    /// An owner deletes the room instead of handing it over.
    pub delete: bool,
}

/// Removes a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoveMember {
    /// From where.
    pub room: RoomId,
    /// Whom.
    pub user: UserId,
    /// Also keeps them from coming back.
    pub ban: bool,
}

/// Gives a member a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetRole {
    /// Where.
    pub room: RoomId,
    /// To whom.
    pub user: UserId,
    /// `Owner` hands the room over: who gives it becomes a moderator.
    pub role: MemberRole,
}

/// Invites a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Where to.
    pub room: RoomId,
    /// Whom.
    pub invitee: UserId,
}

/// Answers an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerInvitation {
    /// Which one.
    pub invitation: InvitationId,
    /// Yes or no.
    pub accept: bool,
}

/// Reads something of a room: the room itself, its members, its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRoom {
    /// Which one.
    pub room: RoomId,
}

/// Reads what concerns oneself: one's rooms, invitations, what others show of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOwn;

/// Changes one's own profile. `None` leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateProfile {
    /// 1 to 100 characters.
    pub name: Option<Box<str>>,
    /// An `https` URL of at most 500 bytes; empty takes it away.
    pub avatar: Option<Box<str>>,
    /// At most 500 characters; empty takes it away.
    pub bio: Option<Box<str>>,
}

/// A backend's message in a user's name (server.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendAs {
    /// In whose name.
    pub user: UserId,
    /// What.
    pub message: SendMessage,
}

/// A backend's push of something that is not stored (server.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerPush {
    /// A named event to a room's connections.
    Room {
        /// Which one.
        room: RoomId,
        /// The event.
        event: Box<str>,
        /// JSON text.
        data: Box<str>,
    },
    /// To everybody.
    System {
        /// One word.
        status: Box<str>,
        /// For people.
        message: Box<str>,
    },
    /// To one user.
    User {
        /// Whom.
        user: UserId,
        /// Which of the two.
        kind: crate::NoticeKind,
        /// A JSON object as text.
        data: Box<str>,
    },
}

/// A backend reads any room, user or connection (server.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Monitor;

/// The answer to a room command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomReply {
    /// How many.
    Count(u64),
    /// It was done.
    Done,
    /// It hears the room.
    Followed {
        /// Which one.
        room: RoomId,
        /// The room's last sequence number when that began.
        last_seq: u64,
    },
    /// A message, as it is now.
    Message(Box<Message>),
    /// Messages, in the order the command promises.
    Messages(Vec<Message>),
    /// Who is there.
    Presence(Vec<Presence>),
    /// The recipients' states.
    Receipts(Vec<Receipt>),
    /// How many connections there are.
    Status {
        /// Who asked.
        user: UserId,
        /// All users' with `system.monitor`, else the asker's own.
        count: ConnectionCount,
    },
    /// It hears the room no more.
    Unfollowed {
        /// Which one.
        room: RoomId,
    },
    /// Users.
    Users(Vec<UserId>),
}

/// Connections, as `request_status` counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCount {
    /// Open connections.
    pub connections: u64,
    /// Users with at least one.
    pub users: u64,
    /// Rooms that those hear.
    pub rooms: u64,
}
