//! What REST answers, by the names of socketio.md. Dates are RFC 3339 with milliseconds and `Z`.

use conclave_core::NextRoom;
use conclave_protocol as core;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::rfc3339_millis as date;

/// A room as its viewer sees it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Channel {
    id: String,
    /// Empty in a DM.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// `PUBLIC`, `PRIVATE` or `DM`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `null` in a DM.
    owner_id: Option<String>,
    assistant: bool,
    #[schema(format = "date-time")]
    created_at: String,
    /// The highest sequence number used.
    last_seq: u64,
    /// Others' messages that the viewer has not seen.
    unread_count: u64,
    /// `OWNER`, `MODERATOR`, `MEMBER`; `null` for who is no member.
    my_role: Option<&'static str>,
    #[serde(rename = "_count")]
    count: ChannelCount,
}

/// Of a room.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ChannelCount {
    members: u64,
    /// Those that are not deleted.
    messages: u64,
}

/// A member of a room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Member {
    user_id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    /// `OWNER`, `MODERATOR` or `MEMBER`.
    role: &'static str,
    #[schema(format = "date-time")]
    joined_at: String,
}

/// Whether a member is there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Presence {
    user_id: String,
    is_online: bool,
    /// `null` while online, or where never seen.
    #[schema(format = "date-time")]
    last_seen_at: Option<String>,
}

/// A stored message. Of a deleted one `content` is empty and `deletedAt` set.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Message {
    #[schema(format = "uuid")]
    id: String,
    content: String,
    channel_id: String,
    user_id: String,
    /// The message it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    parent_id: Option<String>,
    /// `Text`, `Image`, `File` or `System`.
    message_type: &'static str,
    /// Its place in the room.
    seq: u64,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(format = "date-time")]
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    deleted_at: Option<String>,
    /// The lowest over its recipients: `SENT`, `DELIVERED` or `READ`.
    delivery_status: &'static str,
    /// To its author only.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    user: Profile,
    /// Of an answer of the assistant: what it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    /// Of an answer: the model that gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Of an answer: `stop`, `length` or `cancelled`.
    #[serde(rename = "finish_reason", skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'static str>,
}

/// Tokens, as providers count them.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

/// What a user shows.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Profile {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
}

/// What a user shows, whole.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Person {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bio: Option<String>,
    /// When the server first heard of them.
    #[schema(format = "date-time")]
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_at: Option<String>,
}

/// One recipient's state of one message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct DeliveryStatus {
    #[schema(format = "uuid")]
    message_id: String,
    recipient_id: String,
    /// `SENT`, `DELIVERED` or `READ`.
    status: &'static str,
    #[schema(format = "date-time")]
    timestamp: String,
}

/// An invitation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Invitation {
    #[schema(format = "uuid")]
    id: String,
    channel_id: String,
    inviter_id: String,
    invitee_id: String,
    /// `PENDING`, `ACCEPTED` or `REJECTED`.
    status: &'static str,
    #[schema(format = "date-time")]
    created_at: String,
}

/// The answer to leaving a room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Left {
    /// Where to go next; `null` where there is no other room.
    next_channel: Option<NextChannel>,
}

/// A room to go to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct NextChannel {
    channel_id: String,
    /// `PUBLIC`, `PRIVATE` or `DM`.
    #[serde(rename = "type")]
    kind: &'static str,
    #[schema(format = "date-time")]
    last_viewed_at: Option<String>,
    /// Whether there is something unseen.
    unread_state: bool,
}

impl From<core::Room> for Channel {
    fn from(room: core::Room) -> Self {
        Self {
            id: room.id.as_str().to_owned(),
            name: room.name.into(),
            description: room.description.map(Into::into),
            kind: room.kind.name(),
            owner_id: room.owner.map(|owner| owner.as_str().to_owned()),
            assistant: room.assistant,
            created_at: date(room.created_at),
            last_seq: room.last_seq,
            unread_count: room.unread,
            my_role: room.role.map(core::MemberRole::name),
            count: ChannelCount {
                members: room.members,
                messages: room.messages,
            },
        }
    }
}

impl From<core::Member> for Member {
    fn from(member: core::Member) -> Self {
        Self {
            user_id: member.profile.user.as_str().to_owned(),
            name: member.profile.name.into(),
            avatar: member.profile.avatar.map(Into::into),
            role: member.role.name(),
            joined_at: date(member.joined_at),
        }
    }
}

impl From<core::Presence> for Presence {
    fn from(presence: core::Presence) -> Self {
        Self {
            user_id: presence.user.as_str().to_owned(),
            is_online: presence.online,
            last_seen_at: presence.last_seen.map(date),
        }
    }
}

impl From<core::Message> for Message {
    fn from(message: core::Message) -> Self {
        Self {
            id: message.id.to_string(),
            content: message.content.into(),
            channel_id: message.room.as_str().to_owned(),
            user_id: message.author.user.as_str().to_owned(),
            parent_id: message.reply_to.map(|parent| parent.to_string()),
            message_type: message.kind.name(),
            seq: message.seq,
            created_at: date(message.created_at),
            updated_at: date(message.updated_at),
            deleted_at: message.deleted_at.map(date),
            delivery_status: message.status.name(),
            client_id: message.client_id.map(Into::into),
            user: message.author.into(),
            usage: message.answer.as_ref().map(|answer| answer.usage.into()),
            finish_reason: message.answer.as_ref().map(|answer| answer.finish.name()),
            model: message.answer.map(|answer| answer.model.into()),
        }
    }
}

impl From<core::Usage> for Usage {
    fn from(usage: core::Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt,
            completion_tokens: usage.completion,
            total_tokens: usage.total(),
        }
    }
}

impl From<core::Profile> for Profile {
    fn from(profile: core::Profile) -> Self {
        Self {
            id: profile.user.as_str().to_owned(),
            name: profile.name.into(),
            avatar: profile.avatar.map(Into::into),
        }
    }
}

impl From<core::Person> for Person {
    fn from(person: core::Person) -> Self {
        let Profile { id, name, avatar } = person.profile.into();
        Self {
            id,
            name,
            avatar,
            bio: person.bio.map(Into::into),
            joined_at: person.joined_at.map(date),
        }
    }
}

impl From<core::Receipt> for DeliveryStatus {
    fn from(receipt: core::Receipt) -> Self {
        Self {
            message_id: receipt.message.to_string(),
            recipient_id: receipt.recipient.as_str().to_owned(),
            status: receipt.status.name(),
            timestamp: date(receipt.at),
        }
    }
}

impl From<core::Invitation> for Invitation {
    fn from(invitation: core::Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            channel_id: invitation.room.as_str().to_owned(),
            inviter_id: invitation.inviter.as_str().to_owned(),
            invitee_id: invitation.invitee.as_str().to_owned(),
            status: invitation.state.name(),
            created_at: date(invitation.created_at),
        }
    }
}

impl From<Option<NextRoom>> for Left {
    fn from(next: Option<NextRoom>) -> Self {
        let next_channel = next.map(|next| NextChannel {
            channel_id: next.room.as_str().to_owned(),
            kind: next.kind.name(),
            last_viewed_at: next.last_viewed_at.map(date),
            unread_state: next.unread,
        });
        Self { next_channel }
    }
}

/// Each as its shape.
pub(in crate::http) fn all<F, T: From<F>>(list: Vec<F>) -> Vec<T> {
    list.into_iter().map(T::from).collect()
}
