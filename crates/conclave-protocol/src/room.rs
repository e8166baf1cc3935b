//! Rooms, their members and messages, as every surface sees them (contracts, "Rules of rooms").

use std::fmt;

use crate::{AnswerFailed, AnswerPart, AnswerRecord, RoomId, Timestamp, UserId};

/// Names a message, and an invitation, everywhere; a UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub u128);

/// Names an invitation; a UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvitationId(pub u128);

macro_rules! uuid_text {
    ($name:ident) => {
        impl $name {
            /// Reads the hyphenated form, in either case; nothing else.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                (text.len() == 36).then_some(())?;
                uuid::Uuid::try_parse(text)
                    .ok()
                    .map(|id| Self(id.as_u128()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&uuid::Uuid::from_u128(self.0), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

uuid_text!(MessageId);
uuid_text!(InvitationId);

/// Who may find and enter a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// Exactly two members, one room per pair, no name, no invitations.
    Dm,
    /// Members only, by invitation.
    Private,
    /// Listed; whoever wants joins.
    Public,
}

impl RoomKind {
    /// As the wire and the store spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dm => "DM",
            Self::Private => "PRIVATE",
            Self::Public => "PUBLIC",
        }
    }

    /// Reads [`RoomKind::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Dm, Self::Private, Self::Public]
            .into_iter()
            .find(|kind| kind.name() == text)
    }
}

/// What a member is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberRole {
    /// Reads and writes.
    Member,
    /// Also deletes others' messages and removes members of this room.
    Moderator,
    /// Also changes and deletes the room and gives roles; exactly one, none in a DM.
    Owner,
}

impl MemberRole {
    /// As the wire and the store spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Member => "MEMBER",
            Self::Moderator => "MODERATOR",
            Self::Owner => "OWNER",
        }
    }

    /// Reads [`MemberRole::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Member, Self::Moderator, Self::Owner]
            .into_iter()
            .find(|role| role.name() == text)
    }
}

/// What a message's content is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// The content is an `https` URL of any file.
    File,
    /// The content is an `https` URL of a picture.
    Image,
    /// The content is a text that is shown as the server's word, not as somebody's: moderators
    /// alone send it.
    System,
    /// The content is the text.
    #[default]
    Text,
}

impl MessageKind {
    /// As the wire and the store spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Image => "Image",
            Self::System => "System",
            Self::Text => "Text",
        }
    }

    /// Reads [`MessageKind::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::File, Self::Image, Self::System, Self::Text]
            .into_iter()
            .find(|kind| kind.name() == text)
    }
}

/// How far a message has come. Ordered: `Sent < Delivered < Read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeliveryState {
    /// Stored.
    Sent,
    /// Received by every recipient (of a message), or by this one (of a recipient).
    Delivered,
    /// Seen.
    Read,
}

impl DeliveryState {
    /// As Socket.IO and REST spell it: `SENT`, `DELIVERED`, `READ`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "SENT",
            Self::Delivered => "DELIVERED",
            Self::Read => "READ",
        }
    }
}

/// What others see of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Who.
    pub user: UserId,
    /// The display name; the user's id where none was set. 1 to 100 characters.
    pub name: Box<str>,
    /// An `https` URL.
    pub avatar: Option<Box<str>>,
}

/// What a user shows of themselves, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What stands beside their messages.
    pub profile: Profile,
    /// What they say of themselves. 1 to 500 characters.
    pub bio: Option<Box<str>>,
    /// When the server first heard of them, where it has.
    pub joined_at: Option<Timestamp>,
}

/// A stored message. Of a deleted one `content` is empty and `deleted_at` set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub id: MessageId,
    /// Where it was sent.
    pub room: RoomId,
    /// Its creation's place in the room, from 1; never changes.
    pub seq: u64,
    /// Who sent it, as shown now.
    pub author: Profile,
    /// What the content is.
    pub kind: MessageKind,
    /// 1 to `limits.content_chars` characters, or none where deleted.
    pub content: Box<str>,
    /// The message it answers; of the same room.
    pub reply_to: Option<MessageId>,
    /// The author's own name for it; shown to the author only.
    pub client_id: Option<Box<str>>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was last edited, else `created_at`.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// The lowest state over its recipients; `Sent` without recipients.
    pub status: DeliveryState,
    /// Of an assistant's answer: how it came about.
    pub answer: Option<Box<AnswerRecord>>,
}

/// One recipient's state of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Which message.
    pub message: MessageId,
    /// Whose state.
    pub recipient: UserId,
    /// The state.
    pub status: DeliveryState,
    /// When the recipient reached it; the message's creation for `Sent`.
    pub at: Timestamp,
}

/// A room as one of its viewers sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its name on the wire.
    pub id: RoomId,
    /// The display name; empty in a DM. At most 100 characters.
    pub name: Box<str>,
    /// At most 500 characters.
    pub description: Option<Box<str>>,
    /// Who may find and enter it.
    pub kind: RoomKind,
    /// The owner; `None` in a DM.
    pub owner: Option<UserId>,
    /// Whether an assistant is attached.
    pub assistant: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// The highest sequence number used.
    pub last_seq: u64,
    /// Messages of others, not deleted, that the viewer has not seen.
    pub unread: u64,
    /// The viewer's role; `None` for who is no member.
    pub role: Option<MemberRole>,
    /// How many members.
    pub members: u64,
    /// How many messages that are not deleted.
    pub messages: u64,
}

/// A member of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who, as shown.
    pub profile: Profile,
    /// What they are.
    pub role: MemberRole,
    /// Since when.
    pub joined_at: Timestamp,
}

/// Where an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvitationState {
    /// The invitee became a member.
    Accepted,
    /// Not answered.
    Pending,
    /// The invitee said no.
    Rejected,
}

impl InvitationState {
    /// As the wire and the store spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Pending => "PENDING",
            Self::Rejected => "REJECTED",
        }
    }

    /// Reads [`InvitationState::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Accepted, Self::Pending, Self::Rejected]
            .into_iter()
            .find(|state| state.name() == text)
    }
}

/// An invitation into a PRIVATE or PUBLIC room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its name.
    pub id: InvitationId,
    /// Into which room.
    pub room: RoomId,
    /// Who invites.
    pub inviter: UserId,
    /// Who is invited.
    pub invitee: UserId,
    /// Where it stands.
    pub state: InvitationState,
    /// Since when.
    pub created_at: Timestamp,
}

/// Whether a user is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Who.
    pub user: UserId,
    /// Whether any connection is open, or was within the last 10 s.
    pub online: bool,
    /// When the last connection ended; `None` while online or never seen.
    pub last_seen: Option<Timestamp>,
}

/// Something that happened in a room, to a user, or to everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The room, where it happened in one.
    pub room: Option<RoomId>,
    /// Its place in the room; 0 for what is not stored (typing, presence, receipts, pushes).
    pub seq: u64,
    /// Its place among all stored events of the server, in the order of their commits; 0 for
    /// what is not stored.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// What happened. Those of the first part are stored and take a sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The room was created, with its first members.
    Created(Box<Room>),
    /// A message was stored.
    Message(Box<Message>),
    /// A message was edited; as it is now.
    Edited(Box<Message>),
    /// A message was deleted.
    Erased {
        /// Which one.
        message: MessageId,
        /// Who deleted it.
        by: UserId,
    },
    /// A user became a member.
    Joined {
        /// Who.
        user: UserId,
    },
    /// A user left or was removed: their connections hear no more of the room.
    Left {
        /// Who.
        user: UserId,
    },
    /// A member's role changed, the owner's included.
    RoleChanged {
        /// Whose.
        user: UserId,
        /// The new one.
        role: MemberRole,
    },
    /// Name, description or assistant changed; as it is now.
    Updated(Box<Room>),
    /// The room is gone: nobody hears more of it. The last event of its room.
    Deleted,

    /// To the author: a recipient's state of a message grew. On [`crate::Channel::User`] and
    /// [`crate::Channel::Own`].
    Receipt(Receipt),
    /// On [`crate::Channel::User`], never shown: this user's connections that hear all rooms
    /// hear this one from `seq` on (inclusive).
    Entered {
        /// The sequence number of what made the user a member.
        seq: u64,
    },
    /// On [`crate::Channel::User`]: somebody invites this user.
    Invited(Invitation),
    /// The assistant is at work on an answer, or has ended it.
    Answering {
        /// The id that the answer has, or would have had.
        message: MessageId,
        /// Whether it is at work now.
        typing: bool,
    },
    /// A part of an answer under way.
    AnswerPart(Box<AnswerPart>),
    /// An answer did not become whole: what was said of it counts no more.
    AnswerFailed(Box<AnswerFailed>),
    /// How much of what a model can be told the room's messages take.
    ContextUsed {
        /// Tokens that were told.
        used: u32,
        /// Tokens that can be.
        limit: u32,
    },
    /// Somebody types, or has stopped.
    Typing {
        /// Who.
        user: UserId,
        /// Whether they type now.
        typing: bool,
    },
    /// Somebody who shares the room came or went.
    Presence(Presence),
    /// A named event from a backend to the room's connections.
    Named {
        /// The event's name, none of the reserved ones.
        event: Box<str>,
        /// JSON text.
        data: Box<str>,
    },
    /// From a backend to one user, on [`crate::Channel::User`].
    Notice {
        /// Which of the two.
        kind: NoticeKind,
        /// A JSON object as text.
        data: Box<str>,
    },
    /// From a backend to everybody, on [`crate::Channel::System`].
    SystemStatus {
        /// One word.
        status: Box<str>,
        /// For people.
        message: Box<str>,
    },
}

impl EventKind {
    /// Whether somebody's right to hear the room ends with this event: it is the last of its
    /// batch.
    #[must_use]
    pub const fn ends_hearing(&self) -> bool {
        matches!(self, Self::Left { .. } | Self::Deleted)
    }
}

impl Event {
    /// About how many bytes of memory it holds beside itself.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Self>()
            + match &self.kind {
                EventKind::Message(message) | EventKind::Edited(message) => {
                    size_of::<Message>() + message.content.len()
                }
                EventKind::AnswerPart(part) => size_of::<AnswerPart>() + part.delta.len(),
                EventKind::AnswerFailed(failed) => {
                    size_of::<AnswerFailed>() + failed.code.len() + failed.text.len()
                }
                EventKind::Created(_) | EventKind::Updated(_) => size_of::<Room>() + 600,
                EventKind::Named { event, data } => event.len() + data.len(),
                EventKind::Notice { data, .. } => data.len(),
                EventKind::SystemStatus { status, message } => status.len() + message.len(),
                EventKind::Erased { .. }
                | EventKind::Joined { .. }
                | EventKind::Left { .. }
                | EventKind::RoleChanged { .. }
                | EventKind::Deleted
                | EventKind::Receipt(_)
                | EventKind::Entered { .. }
                | EventKind::Invited(_)
                | EventKind::Answering { .. }
                | EventKind::ContextUsed { .. }
                | EventKind::Typing { .. }
                | EventKind::Presence(_) => 0,
            }
    }
}

/// What a backend pushes to one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// `live_update`.
    LiveUpdate,
    /// `notification`.
    Notification,
}

impl NoticeKind {
    /// As the wire spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LiveUpdate => "live_update",
            Self::Notification => "notification",
        }
    }
}
