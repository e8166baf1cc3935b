//! Shapes on the wire: what events and acknowledgements carry (socketio.md).

use std::fmt::Display;

use conclave_protocol::{Invitation, Message, Presence, Profile, Receipt, Room, Timestamp};
use serde::{Serialize, Serializer};

/// A moment as RFC 3339 with milliseconds.
pub(super) struct Date(pub(super) Timestamp);

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.rfc3339())
    }
}

/// A name as text.
pub(super) struct Name<T>(pub(super) T);

impl<T: Display> Serialize for Name<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// `{id, content, channelId, userId, parentId?, messageType, seq, createdAt, updatedAt,
/// deletedAt?, deliveryStatus, clientId?, user: {id, name, avatar?}}`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageShape<'a> {
    id: Name<conclave_protocol::MessageId>,
    content: &'a str,
    channel_id: &'a str,
    user_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<Name<conclave_protocol::MessageId>>,
    message_type: &'static str,
    seq: u64,
    created_at: Date,
    updated_at: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Date>,
    delivery_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    user: UserShape<'a>,
}

/// `{id, name, avatar?}`.
#[derive(Serialize)]
struct UserShape<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<&'a str>,
}

impl<'a> MessageShape<'a> {
    /// `own` is for the author, who also gets `clientId`.
    pub(super) fn new(message: &'a Message, own: bool) -> Self {
        let Profile { user, name, avatar } = &message.author;
        Self {
            id: Name(message.id),
            content: &message.content,
            channel_id: message.room.as_str(),
            user_id: user.as_str(),
            parent_id: message.reply_to.map(Name),
            message_type: message.kind.name(),
            seq: message.seq,
            created_at: Date(message.created_at),
            updated_at: Date(message.updated_at),
            deleted_at: message.deleted_at.map(Date),
            delivery_status: message.status.name(),
            client_id: message.client_id.as_deref().filter(|_| own),
            user: UserShape {
                id: user.as_str(),
                name,
                avatar: avatar.as_deref(),
            },
        }
    }
}

/// `{id, name, description?, type, ownerId, assistant, createdAt, lastSeq, _count: {members,
/// messages}}`: a Channel as all its members see it, so without `unreadCount` and `myRole`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChannelShape<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    r#type: &'static str,
    owner_id: Option<&'a str>,
    assistant: bool,
    created_at: Date,
    last_seq: u64,
    #[serde(rename = "_count")]
    count: CountsShape,
}

/// `{members, messages}`.
#[derive(Serialize)]
struct CountsShape {
    members: u64,
    messages: u64,
}

impl<'a> ChannelShape<'a> {
    pub(super) fn new(room: &'a Room) -> Self {
        Self {
            id: room.id.as_str(),
            name: &room.name,
            description: room.description.as_deref(),
            r#type: room.kind.name(),
            owner_id: room.owner.as_ref().map(|owner| owner.as_str()),
            assistant: room.assistant,
            created_at: Date(room.created_at),
            last_seq: room.last_seq,
            count: CountsShape {
                members: room.members,
                messages: room.messages,
            },
        }
    }
}

/// `{messageId, recipientId, status, timestamp}`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReceiptShape<'a> {
    message_id: Name<conclave_protocol::MessageId>,
    recipient_id: &'a str,
    status: &'static str,
    timestamp: Date,
}

impl<'a> ReceiptShape<'a> {
    pub(super) fn new(receipt: &'a Receipt) -> Self {
        Self {
            message_id: Name(receipt.message),
            recipient_id: receipt.recipient.as_str(),
            status: receipt.status.name(),
            timestamp: Date(receipt.at),
        }
    }
}

/// `{userId, isOnline, lastSeenAt}`, `null` for what is not known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PresenceShape<'a> {
    user_id: &'a str,
    is_online: bool,
    last_seen_at: Option<Date>,
}

impl<'a> PresenceShape<'a> {
    pub(super) fn new(presence: &'a Presence) -> Self {
        Self {
            user_id: presence.user.as_str(),
            is_online: presence.online,
            last_seen_at: presence.last_seen.map(Date),
        }
    }
}

/// `{id, channelId, inviterId, inviteeId, status, createdAt}`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvitationShape<'a> {
    id: Name<conclave_protocol::InvitationId>,
    channel_id: &'a str,
    inviter_id: &'a str,
    invitee_id: &'a str,
    status: &'static str,
    created_at: Date,
}

impl<'a> InvitationShape<'a> {
    pub(super) fn new(invitation: &'a Invitation) -> Self {
        Self {
            id: Name(invitation.id),
            channel_id: invitation.room.as_str(),
            inviter_id: invitation.inviter.as_str(),
            invitee_id: invitation.invitee.as_str(),
            status: invitation.state.name(),
            created_at: Date(invitation.created_at),
        }
    }
}

/// `{channelId, userId, isTyping, timestamp}`, `{channelId, userId, role}`,
/// `{channelId, userId}` or `{channelId}`: what happened in a room.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InRoom<'a> {
    pub(super) channel_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_typing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<Date>,
}

/// `{messageId, channelId}`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErasedShape<'a> {
    pub(super) message_id: Name<conclave_protocol::MessageId>,
    pub(super) channel_id: Option<&'a str>,
}

/// `{messageId, channelId, delta, isComplete}`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamShape<'a> {
    pub(super) message_id: Name<conclave_protocol::MessageId>,
    pub(super) channel_id: Option<&'a str>,
    pub(super) delta: &'a str,
    pub(super) is_complete: bool,
}

/// `{status, message}` of `system_status`.
#[derive(Serialize)]
pub(super) struct StatusShape<'a> {
    pub(super) status: &'a str,
    pub(super) message: &'a str,
}

/// `{message, code}` of `error`; `code` is a string of identity.md, "Error codes", or the number
/// of a refused or ended connection.
#[derive(Serialize)]
pub(super) struct ErrorShape<'a, C: Serialize> {
    pub(super) message: &'a str,
    pub(super) code: C,
}

/// `{message, data: {code}}` of a refused CONNECT; without `data` where a namespace does not exist.
#[derive(Serialize)]
pub(super) struct ConnectErrorShape<'a> {
    pub(super) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<CodeShape>,
}

/// `{code}`.
#[derive(Serialize)]
pub(super) struct CodeShape {
    pub(super) code: u16,
}

/// `{sid, pid?}` of an answered CONNECT.
#[derive(Serialize)]
pub(super) struct ConnectedShape<'a> {
    pub(super) sid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pid: Option<&'a str>,
}

/// `{remaining}` of `offline.end`.
#[derive(Serialize)]
pub(super) struct RemainingShape {
    pub(super) remaining: u64,
}

/// `{channelId, fromSeq}` of `channel.resync`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResyncShape<'a> {
    pub(super) channel_id: &'a str,
    pub(super) from_seq: u64,
}

/// `{count}`.
#[derive(Serialize)]
pub(super) struct CountShape {
    pub(super) count: u64,
}

/// `{success: true, data}` of an acknowledgement.
#[derive(Serialize)]
pub(super) struct DoneShape<T: Serialize> {
    pub(super) success: bool,
    pub(super) data: T,
}

/// `{success: false, error, code}` of one.
#[derive(Serialize)]
pub(super) struct FailedShape<'a> {
    pub(super) success: bool,
    pub(super) error: &'a str,
    pub(super) code: &'static str,
}
