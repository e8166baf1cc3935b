//! One model for AsyncAPI 2.x and 3.x.
//!
//! Directions are those of the described application: what it takes in is [`Direction::Receive`]
//! (`publish` in 2.x, `action: receive` in 3.x), what it gives out is [`Direction::Send`].

mod schema;
mod security;

use serde_json::Value;

pub use schema::{Additional, Items, JsonType, Keywords, Schema, SchemaId, Schemas};
pub use security::{HttpScheme, Needed, Requirement, Scheme, SchemeId, SchemeKind, Within};

use crate::source::Location;

/// A document, whatever its version.
#[derive(Debug, Clone)]
pub struct Document {
    /// As written: `2.6.0`.
    pub version: String,
    /// `info.title`.
    pub title: String,
    /// `info.version`.
    pub api_version: String,
    /// `info.description`.
    pub description: Option<String>,
    /// What messages are encoded in unless they say otherwise.
    pub default_content_type: Option<String>,
    /// In the order of the document.
    pub servers: Vec<Server>,
    /// In the order of the document.
    pub channels: Vec<Channel>,
    /// In the order of the document.
    pub operations: Vec<Operation>,
    /// Every message that a channel or an operation names, once.
    pub messages: Vec<Message>,
    /// Every security scheme, once.
    pub schemes: Vec<Scheme>,
    /// Every schema that is reached, once.
    pub schemas: Schemas,
    /// `x-spellings`: in which spellings names of properties and values of enums are read.
    pub spellings: Vec<Spelling>,
    /// `components.schemas` by name: what a document offers even where no message uses it.
    pub named_schemas: Vec<(String, SchemaId)>,
}

/// A way to write the words of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `messageId`; values of enums in small letters too.
    Camel,
    /// `message_id`; values of enums in small letters too.
    Snake,
}

/// Index of a channel in [`Document::channels`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChannelId(pub usize);

/// Index of a message in [`Document::messages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageId(pub usize);

/// Where the application is reached.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name in the document.
    pub name: String,
    /// Host and port, variables unfilled: `{region}.example.com:8080`.
    pub host: String,
    /// The path, with its first `/`.
    pub pathname: Option<String>,
    /// In small letters: `ws`, `wss`, `kafka`.
    pub protocol: String,
    /// What the document says of it.
    pub description: Option<String>,
    /// What fills the braces of host and path.
    pub variables: Vec<Variable>,
    /// Alternatives, each of which is enough; none means that everybody may connect.
    pub security: Vec<Requirement>,
    /// As they stand.
    pub bindings: Value,
    /// Where it stands.
    pub at: Location,
}

impl Server {
    /// Whether it speaks WebSocket.
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        matches!(self.protocol.as_str(), "ws" | "wss")
    }
}

/// A variable of a server's address.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Between the braces.
    pub name: String,
    /// The values it may have; any if empty.
    pub choices: Vec<String>,
    /// What it is unless said otherwise.
    pub default: Option<String>,
    /// What the document says of it.
    pub description: Option<String>,
}

/// A way that messages take.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its name in the document; in 2.x its address.
    pub name: String,
    /// The address, parameters in braces; none where it is known only at run time.
    pub address: Option<String>,
    /// A title.
    pub title: Option<String>,
    /// What the document says of it.
    pub description: Option<String>,
    /// What fills the braces of the address, in the order of the address.
    pub parameters: Vec<Parameter>,
    /// The servers it is on, by index; all if empty.
    pub servers: Vec<usize>,
    /// The messages that may be on it, by name.
    pub messages: Vec<(String, MessageId)>,
    /// As they stand.
    pub bindings: Value,
    /// Where it stands.
    pub at: Location,
}

/// A part of a channel's address.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Between the braces.
    pub name: String,
    /// What the document says of it.
    pub description: Option<String>,
    /// The values it may have; any if empty.
    pub choices: Vec<String>,
    /// What it is unless said otherwise.
    pub default: Option<String>,
    /// Its schema (2.x).
    pub schema: Option<SchemaId>,
    /// Where a message carries it: `$message.payload#/room_id`.
    pub location: Option<String>,
    /// Where it stands.
    pub at: Location,
}

/// Which way an operation goes, seen from the described application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The application takes messages in.
    Receive,
    /// The application gives messages out.
    Send,
}

/// What the application does with messages of a channel.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name in the document; in 2.x `operationId`, or one made of channel and direction.
    pub name: String,
    /// In or out.
    pub direction: Direction,
    /// On which channel.
    pub channel: ChannelId,
    /// The messages of it; one of them at a time.
    pub messages: Vec<MessageId>,
    /// What answers it.
    pub reply: Option<Reply>,
    /// Alternatives, each of which is enough; none means no more than the server asks.
    pub security: Vec<Requirement>,
    /// The permissions that `x-permissions` asks for, all of them.
    pub permissions: Vec<String>,
    /// One line.
    pub summary: Option<String>,
    /// What the document says of it.
    pub description: Option<String>,
    /// As they stand.
    pub bindings: Value,
    /// Where it stands.
    pub at: Location,
}

/// What answers an operation (`reply` in 3.x, `x-response` or `x-reply` in 2.x).
#[derive(Debug, Clone)]
pub struct Reply {
    /// The channel it comes on; the operation's own if none.
    pub channel: Option<ChannelId>,
    /// Where a message says where the answer goes: `$message.header#/replyTo`.
    pub address: Option<String>,
    /// The messages it may be.
    pub messages: Vec<MessageId>,
    /// Where it stands.
    pub at: Location,
}

/// What is sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its name: `name`, else its key in the document, else what it was called where it stands.
    pub name: String,
    /// A title.
    pub title: Option<String>,
    /// One line.
    pub summary: Option<String>,
    /// What the document says of it.
    pub description: Option<String>,
    /// `application/json` where the document does not say.
    pub content_type: Option<String>,
    /// What it carries.
    pub payload: Payload,
    /// Its headers.
    pub headers: Option<SchemaId>,
    /// Where it says what it belongs to: `$message.payload#/id`.
    pub correlation_id: Option<String>,
    /// Examples that are whole values.
    pub examples: Vec<Example>,
    /// As they stand.
    pub bindings: Value,
    /// Where it stands.
    pub at: Location,
}

/// What a message carries.
#[derive(Debug, Clone)]
pub enum Payload {
    /// In a language of schemas that is not read (`application/vnd.apache.avro…`).
    Foreign {
        /// `schemaFormat` as written.
        format: String,
        /// Where it stands.
        at: Location,
    },
    /// JSON Schema.
    Json(SchemaId),
    /// Not said.
    None,
}

/// An example of a message.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its name or summary.
    pub name: Option<String>,
    /// Its headers.
    pub headers: Option<Value>,
    /// Its payload.
    pub payload: Option<Value>,
    /// Where it stands.
    pub at: Location,
}

impl Document {
    /// The channel of an operation or a reply.
    #[must_use]
    pub fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.get(id.0)
    }

    /// A message.
    #[must_use]
    pub fn message(&self, id: MessageId) -> Option<&Message> {
        self.messages.get(id.0)
    }

    /// A security scheme.
    #[must_use]
    pub fn scheme(&self, id: SchemeId) -> Option<&Scheme> {
        self.schemes.get(id.0)
    }
}
