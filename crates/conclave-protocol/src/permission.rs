//! What a principal may do.

/// A permission the core asks for. The wire name is in [`Permission::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// `admin`: everything.
    Admin,
    /// `assistant.use`: be answered by the assistant.
    AssistantUse,
    /// `chat:moderate`: others' messages, members and rooms.
    ChatModerate,
    /// `chat:send`, or its other name `conversation.write`: send, edit and delete one's own, type.
    ChatSend,
    /// `conversation.read`: hear and read the rooms one is a member of.
    ConversationRead,
    /// `profile:update`: change one's own profile.
    ProfileUpdate,
    /// `room.any`: read and write in rooms one is no member of; each use is audited.
    RoomAny,
    /// `room.create`: create rooms and invite.
    RoomCreate,
    /// `server.disconnect`: close others' connections.
    ServerDisconnect,
    /// `server.publish`: publish as a backend.
    ServerPublish,
    /// `system.monitor`: statistics and metrics.
    SystemMonitor,
    /// `topic.broadcast`: JSON frames to every broadcast connection.
    TopicBroadcast,
    /// `topic.publish`: publish to topics of one's session.
    TopicPublish,
    /// `topic.subscribe`: subscribe to topics of one's session, and ask who is there.
    TopicSubscribe,
    /// `wallet.read`: link wallets, and hear what happens to them.
    WalletRead,
    /// `wallet.read.any`: hear of any wallet and any contract.
    WalletReadAny,
}

impl Permission {
    /// The name that tokens and configuration use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::AssistantUse => "assistant.use",
            Self::ChatModerate => "chat:moderate",
            Self::ChatSend => "chat:send",
            Self::ConversationRead => "conversation.read",
            Self::ProfileUpdate => "profile:update",
            Self::RoomAny => "room.any",
            Self::RoomCreate => "room.create",
            Self::ServerDisconnect => "server.disconnect",
            Self::ServerPublish => "server.publish",
            Self::SystemMonitor => "system.monitor",
            Self::TopicBroadcast => "topic.broadcast",
            Self::TopicPublish => "topic.publish",
            Self::TopicSubscribe => "topic.subscribe",
            Self::WalletRead => "wallet.read",
            Self::WalletReadAny => "wallet.read.any",
        }
    }
}

/// The permissions of a principal, as strings: `name`, or `name:pattern` where the pattern is
/// a subject, possibly ending in `*` (identity.md, "Permissions"). `admin` covers all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants(Box<[Box<str>]>);

impl Grants {
    /// Sorted and without duplicates, so that equal sets are equal values.
    #[must_use]
    pub fn new<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        let mut grants: Vec<Box<str>> = names
            .into_iter()
            .map(|name| Box::from(name.as_ref()))
            .collect();
        grants.sort_unstable();
        grants.dedup();
        Self(grants.into())
    }

    /// The strings, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether `permission` is granted for `subject` (a topic's name, or empty where the
    /// permission has no subject). A pattern never covers an empty subject.
    #[must_use]
    pub fn allow(&self, permission: Permission, subject: &str) -> bool {
        self.allow_named(permission.name(), subject)
            || (permission == Permission::ChatSend && self.allow_named(CHAT_SEND_TOO, subject))
    }

    /// As [`Grants::allow`], for a permission that only the configuration knows.
    #[must_use]
    pub fn allow_named(&self, permission: &str, subject: &str) -> bool {
        self.iter().any(|grant| {
            grant == Permission::Admin.name()
                || grant.strip_prefix(permission).is_some_and(|rest| {
                    rest.is_empty()
                        || rest
                            .strip_prefix(':')
                            .is_some_and(|pattern| covers(pattern, subject))
                })
        })
    }
}

fn covers(pattern: &str, subject: &str) -> bool {
    if subject.is_empty() {
        return false;
    }
    pattern
        .strip_suffix('*')
        .map_or(pattern == subject, |prefix| subject.starts_with(prefix))
}

/// The other name of [`Permission::ChatSend`].
const CHAT_SEND_TOO: &str = "conversation.write";
