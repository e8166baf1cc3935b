//! Proof, by type, that a command was authorised.

mod rooms;
mod wallet;

use conclave_protocol::{
    Broadcast, Channel, Permission, Principal, Publish, PublishAs, Refusal, Subscribe, TopicName,
    TopicPresence, Unsubscribe, UserId,
};

/// A command that its principal may carry out, and the channel it is about. Only [`authorise`]
/// makes one; services take nothing else.
#[derive(Debug)]
pub struct Permit<C> {
    command: C,
    channel: Channel,
    user: Option<UserId>,
    any: bool,
    moderator: bool,
}

/// Who acts on rooms, and with what power beside their memberships. Only a permit gives one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Actor {
    /// Who.
    pub user: UserId,
    /// Whether rooms they are no member of are open to them (`room.any`).
    pub any: bool,
    /// Whether others' messages, members and rooms are theirs to change (`chat:moderate`).
    pub moderator: bool,
}

impl Actor {
    /// An actor of no further power, for a store's own tests.
    #[must_use]
    pub const fn plain(user: UserId) -> Self {
        Self {
            user,
            any: false,
            moderator: false,
        }
    }

    /// The same, with more power.
    #[must_use]
    pub fn with(self, any: bool, moderator: bool) -> Self {
        Self {
            user: self.user,
            any,
            moderator,
        }
    }
}

impl<C> Permit<C> {
    /// The channel, resolved inside the principal's own session.
    #[must_use]
    pub const fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The command.
    #[must_use]
    pub const fn command(&self) -> &C {
        &self.command
    }

    /// Who acts. `None` for who has no user, which no command of rooms allows.
    #[must_use]
    pub fn actor(&self) -> Option<Actor> {
        self.user.clone().map(|user| Actor {
            user,
            any: self.any,
            moderator: self.moderator,
        })
    }

    /// The command, its channel, and the user who was authorised.
    pub(crate) fn into_parts(self) -> (C, Channel, Option<UserId>) {
        (self.command, self.channel, self.user)
    }
}

/// Why [`authorise`] said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Only connections with a token may do this.
    Anonymous,
    /// The principal lacks this permission.
    Permission(Permission),
    /// The command names a session that is not the principal's.
    Session,
}

impl Denied {
    /// Every denial is `forbidden` on the wire.
    #[must_use]
    pub const fn refusal(self) -> Refusal {
        Refusal::Forbidden
    }
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Permission denied: a token is required"),
            Self::Permission(permission) => {
                write!(f, "Permission denied: {} required", permission.name())
            }
            Self::Session => f.write_str("Permission denied: not the session of this connection"),
        }
    }
}

/// Checks a command against its principal.
///
/// # Errors
/// Says which rule refused it; the caller answers and audits.
pub fn authorise<C: Guarded>(principal: &Principal, command: C) -> Result<Permit<C>, Denied> {
    let channel = command.check(principal)?;
    Ok(Permit {
        command,
        channel,
        user: principal.user.clone(),
        any: principal.grants.allow(Permission::RoomAny, ""),
        moderator: principal.grants.allow(Permission::ChatModerate, ""),
    })
}

/// Hearing the server's broadcast stream: what every connection with a token does until it
/// turns to topics.
#[derive(Clone, Copy, Debug)]
pub struct Listen;

/// Hearing one's own feed and what is meant for everybody; with `conversation.read` also the
/// rooms one is a member of.
#[derive(Clone, Copy, Debug)]
pub struct HearAll;

/// A command with a rule. Sealed: the rules stand in this file, in `rooms` and in `wallet`.
pub trait Guarded: sealed::Sealed {
    #[doc(hidden)]
    fn check(&self, principal: &Principal) -> Result<Channel, Denied>;
}

impl Guarded for Broadcast<'_> {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        token(principal)?;
        need(principal, Permission::TopicBroadcast, "")?;
        Ok(Channel::Broadcast)
    }
}

impl Guarded for Listen {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        token(principal)?;
        Ok(Channel::Broadcast)
    }
}

impl Guarded for Publish<'_> {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        own_session(principal, self.session.as_deref())?;
        need(principal, Permission::TopicPublish, self.topic.as_str())?;
        Ok(topic(principal, &self.topic))
    }
}

impl Guarded for PublishAs {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        need(principal, Permission::ServerPublish, self.topic.as_str())?;
        Ok(Channel::Topic {
            session: self.session.clone(),
            name: self.topic.clone(),
        })
    }
}

impl Guarded for Subscribe<'_> {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        own_session(principal, self.session)?;
        need(principal, Permission::TopicSubscribe, self.topic.as_str())?;
        Ok(topic(principal, &self.topic))
    }
}

impl Guarded for TopicPresence {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        need(principal, Permission::TopicSubscribe, self.topic.as_str())?;
        Ok(topic(principal, &self.topic))
    }
}

impl Guarded for Unsubscribe<'_> {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        own_session(principal, self.session)?;
        Ok(topic(principal, &self.topic))
    }
}

fn token(principal: &Principal) -> Result<(), Denied> {
    principal
        .user
        .as_ref()
        .map_or(Err(Denied::Anonymous), |_| Ok(()))
}

fn need(principal: &Principal, permission: Permission, subject: &str) -> Result<(), Denied> {
    if principal.grants.allow(permission, subject) {
        return Ok(());
    }
    Err(Denied::Permission(permission))
}

fn own_session(principal: &Principal, named: Option<&str>) -> Result<(), Denied> {
    match named {
        Some(name) if !principal.session.is_shown_as(name) => Err(Denied::Session),
        Some(_) | None => Ok(()),
    }
}

fn topic(principal: &Principal, name: &TopicName) -> Channel {
    Channel::Topic {
        session: principal.session.clone(),
        name: name.clone(),
    }
}

mod sealed {
    /// Implemented only here, so that no other crate can add a rule.
    pub trait Sealed {}
    impl Sealed for conclave_protocol::Broadcast<'_> {}
    impl Sealed for super::Listen {}
    impl Sealed for conclave_protocol::Publish<'_> {}
    impl Sealed for conclave_protocol::PublishAs {}
    impl Sealed for conclave_protocol::Subscribe<'_> {}
    impl Sealed for conclave_protocol::TopicPresence {}
    impl Sealed for conclave_protocol::Unsubscribe<'_> {}
    impl Sealed for super::HearAll {}
    impl Sealed for crate::HearWatch {}
    impl Sealed for crate::WatchAny {}
    impl Sealed for crate::WatchOwn {}
    impl Sealed for conclave_protocol::AnswerInvitation {}
    impl Sealed for conclave_protocol::CountOffline {}
    impl Sealed for conclave_protocol::CreateRoom {}
    impl Sealed for conclave_protocol::DeleteRoom {}
    impl Sealed for conclave_protocol::EditMessage {}
    impl Sealed for conclave_protocol::EraseMessage {}
    impl Sealed for conclave_protocol::Follow {}
    impl Sealed for conclave_protocol::GiveReceipt {}
    impl Sealed for conclave_protocol::Invite {}
    impl Sealed for conclave_protocol::JoinRoom {}
    impl Sealed for conclave_protocol::LeaveRoom {}
    impl Sealed for conclave_protocol::ListOffline {}
    impl Sealed for conclave_protocol::ListPresence {}
    impl Sealed for conclave_protocol::ListReceipts {}
    impl Sealed for conclave_protocol::ListTypists {}
    impl Sealed for conclave_protocol::Monitor {}
    impl Sealed for conclave_protocol::ReadOwn {}
    impl Sealed for conclave_protocol::ReadRoom {}
    impl Sealed for conclave_protocol::RemoveMember {}
    impl Sealed for conclave_protocol::SendAs {}
    impl Sealed for conclave_protocol::SendMessage {}
    impl Sealed for conclave_protocol::ServerPush {}
    impl Sealed for conclave_protocol::SetRole {}
    impl Sealed for conclave_protocol::SetTyping {}
    impl Sealed for conclave_protocol::Unfollow {}
    impl Sealed for conclave_protocol::UpdateProfile {}
    impl Sealed for conclave_protocol::UpdateRoom {}
    impl Sealed for conclave_protocol::AskAssistant {}
    impl Sealed for conclave_protocol::CancelAnswer {}
}
