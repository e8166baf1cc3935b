//! The seam between wire formats and the core.

use crate::{CloseMeaning, Command, Disconnect, Position, Publication, Refusal, Timestamp, UserId};

/// A whole message from or for the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A binary message.
    Binary(&'a [u8]),
    /// A text message.
    Text(&'a str),
}

/// The kind of an outgoing message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// A binary message.
    Binary,
    /// A text message.
    Text,
}

/// Which of the wire forms of a publication a connection gets; below [`crate::FORMS`] and
/// unique over all dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form(pub u8);

/// How a connection stands to the server's broadcast stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// An anonymous connection that has not said what it is; it has 5 seconds.
    Undecided,
    /// It hears the broadcast stream.
    Listener,
    /// It hears only what it subscribes to.
    Subscriber,
}

/// What a dialect remembers of one connection. `flags` belong to the dialect.
#[derive(Clone, Debug, Default)]
pub struct DialectState {
    /// The dialect's own bits.
    pub flags: u8,
    /// The display name the client registered.
    pub name: Option<Box<str>>,
}

/// What a dialect made of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A command, to be authorised.
    Command(Command<'a>),
    /// Not a command: answer this and go on.
    Refused(Reply<'a>),
    /// Not to be forgiven: close.
    Violation(CloseMeaning),
}

/// One who hears a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// The user; `None` where anonymous.
    pub user: Option<UserId>,
    /// The registered display name, or the token's.
    pub name: Option<Box<str>>,
}

/// The answer to a command. `command` is the dialect's own word for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// It was done; written only where the client asked for acknowledgements.
    Done {
        /// The command's word.
        command: &'static str,
        /// The topic it spoke of.
        topic: Option<&'a str>,
    },
    /// To a ping.
    Pong,
    /// Who hears a topic.
    Presence {
        /// The topic.
        topic: &'a str,
        /// Who is there.
        clients: Vec<Present>,
    },
    /// The core, or the dialect, said no.
    Refused {
        /// Why.
        refusal: Refusal,
        /// For a person: which field, what was expected.
        message: std::borrow::Cow<'a, str>,
        /// The command's word.
        command: &'static str,
        /// The topic it spoke of.
        topic: Option<std::borrow::Cow<'a, str>>,
    },
    /// The new token is in force.
    Renewed,
}

/// What the server says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Push<'a> {
    /// Something a subscriber asked for is no longer there; `position` is where the channel is.
    Gap {
        /// The topic.
        topic: &'a str,
        /// Its newest position.
        position: Position,
    },
    /// The connection's new permissions no longer allow this subscription.
    SubscriptionEnded {
        /// The topic.
        topic: &'a str,
    },
}

/// A wire format: synchronous, no I/O, no clock. One value serves all connections.
pub trait Dialect: Send + Sync {
    /// The label in logs and metrics.
    fn name(&self) -> &'static str;

    /// The state of a new connection. `query` is the request's query string (without `?`),
    /// `authenticated` whether a token was shown.
    fn open(&self, query: &str, authenticated: bool) -> DialectState;

    /// How the connection stands to the broadcast stream now.
    fn mode(&self, state: &DialectState) -> Mode;

    /// The form of publications that this connection gets.
    fn form(&self, state: &DialectState) -> Form;

    /// Decodes one whole message.
    fn decode<'a>(&self, state: &mut DialectState, frame: Frame<'a>) -> Received<'a>;

    /// The dialect's own word for a command, as in [`Reply::Done`].
    fn word(&self, command: &Command<'_>) -> &'static str;

    /// Appends the payload of a reply to `out`; `None` (and nothing appended) where this
    /// connection gets none.
    fn encode_reply(
        &self,
        state: &DialectState,
        reply: &Reply<'_>,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind>;

    /// Appends the payload of a push to `out`; `None` where this connection gets none.
    fn encode_push(
        &self,
        state: &DialectState,
        push: &Push<'_>,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind>;

    /// Appends the payload of a publication in one of this dialect's forms.
    fn encode_publication(
        &self,
        form: Form,
        publication: &Publication,
        out: &mut Vec<u8>,
    ) -> FrameKind;

    /// The close code and reason for a meaning.
    fn disconnect(&self, meaning: CloseMeaning) -> Disconnect;

    /// When the connection has to have said what it is, where [`Mode::Undecided`].
    fn decide_by(&self, opened: Timestamp) -> Timestamp {
        opened.plus(std::time::Duration::from_secs(5))
    }
}
