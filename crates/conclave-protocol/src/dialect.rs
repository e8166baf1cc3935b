//! The seam between wire formats and the core.

use crate::{
    CloseMeaning, Command, Disconnect, Event, Position, Principal, Publication, Refusal, RoomId,
    RoomReply, Tag, Timestamp, UserId, WalletReply,
};

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
#[derive(Debug, Default)]
pub struct DialectState {
    /// The dialect's own bits.
    pub flags: u8,
    /// The display name the client registered.
    pub name: Option<Box<str>>,
    /// More, for dialects that need it; `None` costs a connection 8 bytes.
    pub place: Option<Box<Place>>,
}

/// What dialects of rooms remember of one connection.
#[derive(Debug, Default)]
pub struct Place {
    /// Whether a [`Start::Connect`] connection has said who it is; set by the connection.
    pub connected: bool,
    /// The room of the path, set by the handshake.
    pub room: Option<RoomId>,
    /// `?since=`: replay what came after this sequence number.
    pub since: Option<u64>,
    /// The dialect's own.
    pub memory: Option<Box<dyn std::any::Any + Send>>,
}

/// What a connection of a dialect begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// [`Push::Opened`]; who it is comes as [`Command::Connect`], within 5 seconds. Then it hears
    /// its user's feed and every room that the user is a member of.
    Connect,
    /// [`Push::Welcome`]; it hears its user's feed, and rooms it asks for.
    Feed,
    /// [`Push::Opened`]; the dialect answers everything by itself ([`Received::Answered`]).
    Opened,
    /// [`Push::Welcome`]; it hears the room of [`Place::room`], from [`Place::since`] on.
    Room,
    /// Nothing is said; it hears its user's feed and every room that the user is a member of. A
    /// generated service answers what it asks.
    Rooms,
    /// What [`Dialect::mode`] says.
    Topics,
    /// [`Push::Welcome`]; it hears whether the chain is followed, and what it asks for.
    Wallet,
}

/// What a dialect made of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// Nothing for the core: send these, if any, and go on.
    Answered(Vec<OwnFrame>),
    /// A command, to be authorised.
    Command(Command<'a>),
    /// Not a command: answer this and go on.
    Refused(Reply<'a>),
    /// Not to be forgiven: close.
    Violation(CloseMeaning),
}

/// A whole message that its sender keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnFrame {
    /// A binary message.
    Binary(Vec<u8>),
    /// A text message.
    Text(String),
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
    /// The answer to a room command.
    Room {
        /// What the ask said of itself.
        tag: &'a Tag,
        /// The command's word.
        command: &'static str,
        /// The answer.
        answer: &'a RoomReply,
    },
    /// Why a room command was not done.
    RoomRefused {
        /// What the ask said of itself.
        tag: std::borrow::Cow<'a, Tag>,
        /// The command's word; the client's own where there is no such command, empty where the
        /// frame says none.
        command: std::borrow::Cow<'a, str>,
        /// Why.
        refusal: Refusal,
        /// For people.
        message: std::borrow::Cow<'a, str>,
    },
    /// The answer to a command about wallets.
    Wallet {
        /// The command's word.
        command: &'static str,
        /// The answer.
        answer: &'a WalletReply,
    },
}

/// What the server says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Push<'a> {
    /// An error that belongs to no command.
    Error {
        /// What.
        refusal: Refusal,
        /// For people.
        message: &'a str,
        /// When.
        at: Timestamp,
    },
    /// The last message of those it missed while away was sent.
    OfflineEnd {
        /// How many more there are, to be asked for.
        remaining: u64,
    },
    /// The socket is open; it has not yet said who it is.
    Opened {
        /// The connection's public name.
        sid: u128,
        /// Bytes of the longest message it may send; 0 means no bound.
        max_payload: usize,
    },
    /// Something is missing: read the room's history after this sequence number.
    Resync {
        /// Which room.
        room: &'a RoomId,
        /// After which sequence number.
        from_seq: u64,
    },
    /// It hears this room no more.
    Unfollowed {
        /// Which one.
        room: &'a RoomId,
    },
    /// It is known who it is.
    Welcome(Welcome<'a>),
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
    /// The user has linked or unlinked a wallet: what a subscription to all of them is about now.
    WalletAddresses {
        /// The word that began it.
        command: &'a str,
        /// The subscription and its addresses.
        answer: &'a WalletReply,
    },
    /// The connection's new permissions no longer allow this subscription.
    WalletEnded {
        /// The subscription, as the connection numbers them.
        subscription: u64,
    },
}

/// What a connection is told first.
#[derive(Clone, Copy, Debug)]
pub struct Welcome<'a> {
    /// Who it is.
    pub principal: &'a Principal,
    /// As the server numbers connections.
    pub connection: u64,
    /// The room of the path and its last sequence number.
    pub room: Option<(&'a RoomId, u64)>,
    /// The connection's public name; 0 where the surface has none.
    pub sid: u128,
    /// The secret by which it may come back; 0 where the surface has none.
    pub secret: u128,
    /// When.
    pub at: Timestamp,
}

impl PartialEq for Welcome<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.connection == other.connection && self.sid == other.sid
    }
}

impl Eq for Welcome<'_> {}

/// How a dialect asks a client whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The text it sends.
    pub text: &'static str,
    /// Milliseconds between two.
    pub every: u32,
    /// Milliseconds after which a client that has not answered is gone.
    pub patience: u32,
}

/// A wire format: synchronous, no I/O, no clock. One value serves all connections.
pub trait Dialect: Send + Sync {
    /// The label in logs and metrics.
    fn name(&self) -> &'static str;

    /// What a connection begins with.
    fn start(&self, _state: &DialectState) -> Start {
        Start::Topics
    }

    /// The text that asks the client whether it is there, where that is no WebSocket ping.
    fn heartbeat(&self) -> Option<Heartbeat> {
        None
    }

    /// Writes an event for one connection: replayed, pushed, or caused by itself (`own`), which
    /// other recipients' shared form does not say. `None` where it is nothing to this dialect.
    fn encode_event(
        &self,
        _state: &DialectState,
        _event: &Event,
        _own: bool,
        _out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        None
    }

    /// What to send where it is not believed who a [`Start::Connect`] connection said it is; the
    /// socket stays open for another try.
    fn refuse_connect(
        &self,
        _state: &DialectState,
        _meaning: CloseMeaning,
        _message: &str,
    ) -> Vec<OwnFrame> {
        Vec::new()
    }

    /// What to send before the connection is closed.
    fn farewell(&self, _state: &DialectState, _meaning: CloseMeaning) -> Vec<OwnFrame> {
        Vec::new()
    }

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
    /// connection gets none. `at` is now, for surfaces whose answers say when.
    fn encode_reply(
        &self,
        state: &DialectState,
        reply: &Reply<'_>,
        at: Timestamp,
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
    ) -> Option<FrameKind>;

    /// The close code and reason for a meaning.
    fn disconnect(&self, meaning: CloseMeaning) -> Disconnect;

    /// When the connection has to have said what it is, where [`Mode::Undecided`].
    fn decide_by(&self, opened: Timestamp) -> Timestamp {
        opened.plus(std::time::Duration::from_secs(5))
    }
}
