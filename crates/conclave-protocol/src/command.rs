//! What clients ask for. A dialect decodes frames to these; services take them only inside a
//! permit.

use crate::{Position, RoomCommand, SessionId, Tag, TopicName, UserId, WalletCommand};

/// A client's ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// A JSON object for every broadcast connection.
    Broadcast(Broadcast<'a>),
    /// Says who it is, on surfaces where that comes after the upgrade.
    Connect(Connect<'a>),
    /// Will send no more commands; the socket stays open.
    Disconnect,
    /// Is anybody there?
    Ping,
    /// A message for a topic.
    Publish(Publish<'a>),
    /// Sets the display name.
    RegisterName(&'a str),
    /// Changes the session.
    RegisterSession(RegisterSession<'a>),
    /// Replaces the token of the connection.
    Renew(std::borrow::Cow<'a, str>),
    /// Something about rooms.
    Room(Tag, RoomCommand),
    /// Starts hearing a topic.
    Subscribe(Subscribe<'a>),
    /// Who hears a topic.
    TopicPresence(TopicPresence),
    /// Stops hearing a topic.
    Unsubscribe(Unsubscribe<'a>),
    /// Something about wallets.
    Wallet(WalletCommand),
}

/// The credential of a connection that was upgraded without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// What it shows.
    pub credential: Shown<'a>,
    /// What it says it had before it was cut off.
    pub recovery: Option<Recovery>,
}

/// What a connection shows to prove who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    /// Nothing; the text tells the client what was expected.
    Nothing(&'static str),
    /// A ticket of `POST /auth/ticket`.
    Ticket(std::borrow::Cow<'a, str>),
    /// A token.
    Token(std::borrow::Cow<'a, str>),
}

/// What a client that comes back says of its earlier connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The secret name of the earlier connection.
    pub secret: u128,
    /// [`crate::Event::number`] of the last event it got; 0 where it got none.
    pub number: u64,
}

/// The object of a broadcast, checked to be one without duplicate names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast<'a> {
    /// The members of the object as JSON text without the braces and without those that the
    /// server sets; empty for an object without others.
    pub members: std::borrow::Cow<'a, str>,
}

/// A message for a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// The session the client named; `None` means its own.
    pub session: Option<std::borrow::Cow<'a, str>>,
    /// The topic.
    pub topic: TopicName,
    /// What is said.
    pub message: TopicMessage,
}

/// A backend's message for a topic of any session (server.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishAs {
    /// The session.
    pub session: SessionId,
    /// The topic.
    pub topic: TopicName,
    /// What is said.
    pub message: TopicMessage,
}

/// What is said in a topic, in every dialect's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicMessage {
    /// What the publisher calls itself; `None` means its registered name.
    pub publisher_name: Option<Box<str>>,
    /// Any JSON value, as the text that was sent.
    pub payload: Box<str>,
    /// As the client said it; `None` means that the server sets it.
    pub timestamp: Option<Box<str>>,
    /// Who really published; set by the service. `None` where anonymous.
    pub user: Option<UserId>,
}

/// Asks for another session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterSession<'a> {
    /// Its name, not yet checked.
    pub session: &'a str,
}

/// Asks to hear a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// The topic.
    pub topic: TopicName,
    /// The session the client named; `None` means its own.
    pub session: Option<&'a str>,
    /// Replay what was published after this, where the topic keeps history.
    pub since: Option<Position>,
}

/// Asks who hears a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPresence {
    /// The topic, in the connection's session.
    pub topic: TopicName,
}

/// Asks to hear a topic no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// The topic.
    pub topic: TopicName,
    /// The session the client named; `None` means its own.
    pub session: Option<&'a str>,
}
