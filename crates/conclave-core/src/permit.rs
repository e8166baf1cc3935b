//! Proof, by type, that a command was authorised.

use conclave_protocol::{
    Broadcast, Channel, Permission, Principal, Publish, Refusal, Subscribe, TopicName,
    TopicPresence, Unsubscribe, UserId,
};

/// A command that its principal may carry out, and the channel it is about. Only [`authorise`]
/// makes one; services take nothing else.
#[derive(Debug)]
pub struct Permit<C> {
    command: C,
    channel: Channel,
    user: Option<UserId>,
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
    })
}

/// Hearing the server's broadcast stream: what every connection with a token does until it
/// turns to topics.
#[derive(Clone, Copy, Debug)]
pub struct Listen;

/// A command with a rule. Sealed: the rules stand in this file.
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
    impl Sealed for conclave_protocol::Subscribe<'_> {}
    impl Sealed for conclave_protocol::TopicPresence {}
    impl Sealed for conclave_protocol::Unsubscribe<'_> {}
}
