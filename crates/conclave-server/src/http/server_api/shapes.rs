//! What the server API answers, beside the shapes of rooms.

use conclave_auth::StoredUser;
use conclave_protocol::{Presence, Profile};
use serde::Serialize;
use utoipa::ToSchema;

pub(in crate::http) use super::assistant::AssistantFigures;
pub(in crate::http) use super::explain::Explanation;
pub(in crate::http) use super::figures::Figures;
pub(in crate::http) use super::heard::{HeardRoom, HeardTopic};
pub(in crate::http) use super::settings::{Role, Settings};
pub(in crate::http) use super::trail::{AuditPage, AuditState};
pub(in crate::http) use super::wallet::WalletState;
use crate::http::rfc3339_millis as date;
use crate::nodes::connection_id;
use crate::worker::Listed;

/// An open connection.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Connection {
    /// A decimal number as text: it may pass 2^53. Where there are several nodes, with a dash and
    /// the node's name behind it.
    pub(super) id: String,
    /// The node that has it: 32 hexadecimal digits; left out where there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    /// `null` where anonymous.
    user_id: Option<String>,
    /// As clients call it.
    session: String,
    /// `topics`, `conversation`, `socketio`, …
    surface: &'static str,
    address: String,
    #[schema(format = "date-time")]
    connected_at: String,
    /// Those that came from it.
    messages_received: u64,
    /// What its socket did not take yet.
    outbox_bytes: usize,
    /// Channels that it hears.
    subscriptions: usize,
}

/// What became of a wish to disconnect.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Disconnected {
    /// Connections that were closed.
    pub(super) closed: usize,
}

/// A user as a backend sees them.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct User {
    user_id: String,
    /// The display name; the id where nothing is known.
    name: String,
    avatar: Option<String>,
    is_online: bool,
    /// `null` while online, or where never seen.
    #[schema(format = "date-time")]
    last_seen_at: Option<String>,
    /// Open ones.
    connections: u32,
    /// `null` where the user is not stored here.
    account: Option<Account>,
}

/// A user of the own issuer, as stored.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Account {
    /// The `sub` of the user's tokens.
    name: String,
    /// Sorted.
    roles: Vec<String>,
    /// Those given beside the roles, sorted.
    permissions: Vec<String>,
    disabled: bool,
}

impl Connection {
    /// Of this node of several; `None` where there is only one.
    pub(super) fn new(listed: Listed, node: Option<&str>) -> Self {
        Self {
            id: connection_id(listed.id, node),
            node: node.map(str::to_owned),
            user_id: listed.user.map(|user| user.as_str().to_owned()),
            session: listed.session,
            surface: listed.surface,
            address: listed.address.to_canonical().to_string(),
            connected_at: date(listed.since),
            messages_received: listed.load.received,
            outbox_bytes: listed.load.outbox_bytes,
            subscriptions: listed.load.subscriptions,
        }
    }
}

impl From<StoredUser> for Account {
    fn from(user: StoredUser) -> Self {
        Self {
            name: user.name.as_str().to_owned(),
            roles: user.roles,
            permissions: user.permissions,
            disabled: user.disabled,
        }
    }
}

impl User {
    pub(super) fn new(
        profile: Profile,
        presence: &Presence,
        connections: u32,
        account: Option<StoredUser>,
    ) -> Self {
        Self {
            user_id: profile.user.as_str().to_owned(),
            name: profile.name.into(),
            avatar: profile.avatar.map(Into::into),
            is_online: presence.online,
            last_seen_at: presence.last_seen.map(date),
            connections,
            account: account.map(Into::into),
        }
    }
}
