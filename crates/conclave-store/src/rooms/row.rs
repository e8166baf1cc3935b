//! Rows of rooms as words of the protocol.

use conclave_protocol::{
    DeliveryState, Invitation, InvitationId, InvitationState, Member, MemberRole, Message,
    MessageId, MessageKind, Profile, Room, RoomId, RoomKind, UserId,
};

use super::answer;
use crate::{StoreError, column};

/// A room without a viewer.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct RoomRow {
    pub(super) key: i64,
    id: String,
    kind: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    owner: Option<String>,
    pub(super) assistant: bool,
    created_at: i64,
    pub(super) last_seq: i64,
    pub(super) sent: i64,
    pub(super) members: i64,
    pub(super) messages: i64,
}

impl RoomRow {
    pub(super) fn id(&self) -> Result<RoomId, StoreError> {
        room(&self.id)
    }

    pub(super) fn kind(&self) -> Result<RoomKind, StoreError> {
        RoomKind::parse(&self.kind).ok_or(StoreError::Value("kind of a room"))
    }

    pub(super) fn set_owner(&mut self, owner: &UserId) {
        self.owner = Some(owner.as_str().to_owned());
    }

    /// As somebody sees it who is `role` there and has `unread` messages.
    pub(super) fn room(&self, role: Option<MemberRole>, unread: i64) -> Result<Room, StoreError> {
        Ok(Room {
            id: self.id()?,
            name: self.name.as_str().into(),
            description: self.description.as_deref().map(Box::from),
            kind: self.kind()?,
            owner: self.owner.as_deref().map(column::user).transpose()?,
            assistant: self.assistant,
            created_at: column::timestamp(self.created_at)?,
            last_seq: column::count(self.last_seq)?,
            unread: column::count(unread)?,
            role,
            members: column::count(self.members)?,
            messages: column::count(self.messages)?,
        })
    }
}

/// A room as one viewer sees it.
#[derive(sqlx::FromRow)]
pub(super) struct ViewRow {
    #[sqlx(flatten)]
    room: RoomRow,
    role: Option<String>,
    unread: Option<i64>,
}

impl ViewRow {
    pub(super) fn room(&self) -> Result<Room, StoreError> {
        self.room
            .room(role(self.role.as_deref())?, self.unread.unwrap_or_default())
    }
}

/// A message, or none where it is joined from the left.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct MessageRow {
    message_id: Option<Vec<u8>>,
    message_seq: Option<i64>,
    author: Option<String>,
    author_name: Option<String>,
    author_avatar: Option<String>,
    message_kind: Option<String>,
    content: Option<String>,
    reply_to: Option<Vec<u8>>,
    client_id: Option<String>,
    sent_at: Option<i64>,
    updated_at: Option<i64>,
    deleted_at: Option<i64>,
    answer: Option<String>,
}

impl MessageRow {
    pub(super) const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// The message as `viewer` sees it, its state `Sent`; `None` where there is none.
    pub(super) fn message(
        self,
        room: &RoomId,
        viewer: &UserId,
    ) -> Result<Option<Message>, StoreError> {
        let (Some(id), Some(seq), Some(author), Some(kind), Some(content), Some(sent_at)) = (
            self.message_id,
            self.message_seq,
            self.author,
            self.message_kind,
            self.content,
            self.sent_at,
        ) else {
            return Ok(None);
        };
        let own = author == viewer.as_str();
        Ok(Some(Message {
            id: message_id(&id)?,
            room: room.clone(),
            seq: column::count(seq)?,
            author: profile(&author, self.author_name, self.author_avatar)?,
            kind: MessageKind::parse(&kind).ok_or(StoreError::Value("kind of a message"))?,
            content: content.into(),
            reply_to: self.reply_to.as_deref().map(message_id).transpose()?,
            client_id: self.client_id.filter(|_| own).map(Box::from),
            created_at: column::timestamp(sent_at)?,
            updated_at: column::timestamp(self.updated_at.unwrap_or(sent_at))?,
            deleted_at: self.deleted_at.map(column::timestamp).transpose()?,
            status: DeliveryState::Sent,
            answer: self.answer.as_deref().map(answer::read).transpose()?,
        }))
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct MemberRow {
    user_id: String,
    name: Option<String>,
    avatar: Option<String>,
    role: String,
    joined_at: i64,
}

impl MemberRow {
    pub(super) fn member(self) -> Result<Member, StoreError> {
        Ok(Member {
            role: member_role(&self.role)?,
            joined_at: column::timestamp(self.joined_at)?,
            profile: profile(&self.user_id, self.name, self.avatar)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct InvitationRow {
    id: Vec<u8>,
    room_id: String,
    inviter: String,
    invitee: String,
    state: String,
    created_at: i64,
}

impl InvitationRow {
    pub(super) fn invitation(&self) -> Result<Invitation, StoreError> {
        Ok(Invitation {
            id: InvitationId(u128::from_be_bytes(column::bytes(&self.id)?)),
            room: room(&self.room_id)?,
            inviter: column::user(&self.inviter)?,
            invitee: column::user(&self.invitee)?,
            state: InvitationState::parse(&self.state)
                .ok_or(StoreError::Value("state of an invitation"))?,
            created_at: column::timestamp(self.created_at)?,
        })
    }
}

/// What a user shows; their id where they have no name.
pub(super) fn profile(
    user: &str,
    name: Option<String>,
    avatar: Option<String>,
) -> Result<Profile, StoreError> {
    Ok(Profile {
        user: column::user(user)?,
        name: name.map_or_else(|| Box::from(user), Box::from),
        avatar: avatar.map(Box::from),
    })
}

pub(super) fn room(text: &str) -> Result<RoomId, StoreError> {
    RoomId::new(text).or(Err(StoreError::Value("id of a room")))
}

pub(crate) fn message_id(blob: &[u8]) -> Result<MessageId, StoreError> {
    Ok(MessageId(u128::from_be_bytes(column::bytes(blob)?)))
}

pub(super) fn member_role(text: &str) -> Result<MemberRole, StoreError> {
    MemberRole::parse(text).ok_or(StoreError::Value("role"))
}

pub(super) fn role(text: Option<&str>) -> Result<Option<MemberRole>, StoreError> {
    text.map(member_role).transpose()
}
