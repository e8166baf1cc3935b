//! Events as webhooks see them: `{"id","type","time","data"}`.

use conclave_core::{Logged, Queued, QueuedKind};
use conclave_protocol::{Event, EventKind, Message, Room, UserId};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::Happened;
use crate::config::WebhookEvent;
use crate::nodes::connection_id;
use crate::worker::Listed;

/// One event of a post.
#[derive(Debug, Serialize)]
pub(super) struct Posted {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    time: String,
    data: Box<RawValue>,
}

/// A stored event; `None` where it is nothing to be told.
pub(super) fn logged(logged: &Logged) -> Option<Posted> {
    let event = &*logged.event;
    let (kind, mut data) = match &event.kind {
        EventKind::Message(message) => {
            let data = json!({ "change": "created", "message": self::message(message) });
            (WebhookEvent::Message, data)
        }
        EventKind::Edited(message) => {
            let data = json!({ "change": "edited", "message": self::message(message) });
            (WebhookEvent::Message, data)
        }
        EventKind::Erased { message, by } => {
            let data = json!({
                "change": "deleted",
                "message": { "id": message.to_string() },
                "user_id": by.as_str(),
            });
            (WebhookEvent::Message, data)
        }
        kind => (
            WebhookEvent::Membership,
            membership(kind, &logged.first_members)?,
        ),
    };
    place(&mut data, event);
    Some(Posted {
        id: format!("event-{}", event.number),
        kind: kind.name(),
        time: event.at.rfc3339(),
        data: raw(&data)?,
    })
}

/// An entry of the queue: an event for each recipient of a message, else one.
pub(super) fn queued(queued: &Queued) -> Vec<Posted> {
    let posted = |id: String, kind: WebhookEvent, data: Option<Box<RawValue>>| {
        Some(Posted {
            id,
            kind: kind.name(),
            time: queued.at.rfc3339(),
            data: data?,
        })
    };
    let id = format!("queued-{}", queued.id);
    let own = RawValue::from_string(queued.data.clone()).ok();
    match queued.kind {
        QueuedKind::Connect => posted(id, WebhookEvent::Connect, own).into_iter().collect(),
        QueuedKind::Disconnect => posted(id, WebhookEvent::Disconnect, own)
            .into_iter()
            .collect(),
        QueuedKind::Membership => posted(id, WebhookEvent::Membership, own)
            .into_iter()
            .collect(),
        QueuedKind::MessageOffline => {
            let users: Vec<String> = serde_json::from_str(&queued.data).unwrap_or_default();
            let event = queued.event.as_deref();
            let message = event.and_then(|event| match &event.kind {
                EventKind::Message(message) => Some((event, self::message(message))),
                _ => None,
            });
            // The room is deleted, the message with it.
            let Some((event, message)) = message else {
                return Vec::new();
            };
            let each = users.iter().enumerate().filter_map(|(index, user)| {
                let mut data = json!({ "user_id": user, "message": message });
                place(&mut data, event);
                let id = format!("{id}-{index}");
                posted(id, WebhookEvent::MessageOffline, raw(&data))
            });
            each.collect()
        }
    }
}

/// `connect` and `disconnect`.
pub(super) fn connection(connection: &Listed, node: Option<&str>) -> String {
    json!({
        "connection_id": connection_id(connection.id, node),
        "user_id": connection.user.as_ref().map(UserId::as_str),
        "session": connection.session,
        "surface": connection.surface,
        "address": connection.address.to_canonical().to_string(),
        "connected_at": connection.since.rfc3339(),
    })
    .to_string()
}

/// A room is gone.
pub(super) fn room_deleted(event: &Event) -> String {
    let mut data = json!({ "change": "room_deleted" });
    place(&mut data, event);
    data.to_string()
}

/// The recipients of a message.
pub(super) fn recipients(users: &[UserId]) -> String {
    let users: Vec<&str> = users.iter().map(UserId::as_str).collect();
    json!(users).to_string()
}

pub(super) const fn connection_kind(happened: Happened) -> QueuedKind {
    match happened {
        Happened::Came => QueuedKind::Connect,
        Happened::Went => QueuedKind::Disconnect,
    }
}

fn place(data: &mut Value, event: &Event) {
    if let Some(data) = data.as_object_mut() {
        let room = event.room.as_ref().map(|room| room.as_str());
        data.insert("room_id".to_owned(), json!(room));
        data.insert("seq".to_owned(), json!(event.seq));
    }
}

fn membership(kind: &EventKind, first_members: &[UserId]) -> Option<Value> {
    Some(match kind {
        EventKind::Created(room) => {
            let members: Vec<&str> = first_members.iter().map(UserId::as_str).collect();
            json!({ "change": "room_created", "room": self::room(room), "user_ids": members })
        }
        EventKind::Updated(room) => json!({ "change": "room_updated", "room": self::room(room) }),
        EventKind::Joined { user } => json!({ "change": "joined", "user_id": user.as_str() }),
        EventKind::Left { user } => json!({ "change": "left", "user_id": user.as_str() }),
        EventKind::RoleChanged { user, role } => json!({
            "change": "role_changed",
            "user_id": user.as_str(),
            "role": role.name(),
        }),
        EventKind::Message(_)
        | EventKind::Edited(_)
        | EventKind::Erased { .. }
        | EventKind::Deleted
        | EventKind::Receipt(_)
        | EventKind::Entered { .. }
        | EventKind::Invited(_)
        | EventKind::Answering { .. }
        | EventKind::AnswerPart(_)
        | EventKind::AnswerFailed(_)
        | EventKind::ContextUsed { .. }
        | EventKind::Typing { .. }
        | EventKind::Presence(_)
        | EventKind::Named { .. }
        | EventKind::Notice { .. }
        | EventKind::SystemStatus { .. } => return None,
    })
}

fn message(message: &Message) -> Value {
    json!({
        "id": message.id.to_string(),
        "seq": message.seq,
        "user_id": message.author.user.as_str(),
        "user_name": message.author.name,
        "message_type": message.kind.name(),
        "content": message.content,
        "reply_to": message.reply_to.map(|id| id.to_string()),
        "created_at": message.created_at.rfc3339(),
        "updated_at": message.updated_at.rfc3339(),
        "deleted_at": message.deleted_at.map(|at| at.rfc3339()),
    })
}

fn room(room: &Room) -> Value {
    json!({
        "name": room.name,
        "description": room.description,
        "type": room.kind.name(),
        "owner_id": room.owner.as_ref().map(UserId::as_str),
        "created_at": room.created_at.rfc3339(),
    })
}

/// A value always has a text.
fn raw(value: &Value) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}
