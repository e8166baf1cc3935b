//! What a generated crate consists of: channels with their traits, operations with their types,
//! and what they ask of a client.

mod channels;
mod operations;
mod plan;
mod security;

pub use plan::plan;

use crate::model::Spelling;
use crate::shape::{Shapes, Type};
use crate::source::Location;

/// How a document becomes a crate.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The server whose path and security count, by name; the first WebSocket server if none.
    pub server: Option<String>,
    /// Whether the crate is the described application, or its counterpart.
    pub side: Side,
}

/// Whose crate it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Side {
    /// The one that the document describes: it serves what the document receives.
    #[default]
    Described,
    /// The other one: the document describes a client, and the crate is what it talks to.
    Opposite,
}

/// Everything that is written into a crate.
#[derive(Debug, Clone)]
pub struct Service {
    /// The crate's name, `kebab-case`.
    pub crate_name: String,
    /// `info.title`.
    pub title: String,
    /// `info.version`.
    pub version: String,
    /// `info.description`.
    pub description: Option<String>,
    /// The version of AsyncAPI.
    pub asyncapi: String,
    /// The path at which clients connect.
    pub path: String,
    /// The address that the document gives, for the README.
    pub url: String,
    /// How the document spells the names of properties, where they are read in both spellings.
    pub spelling: Option<Spelling>,
    /// What a connection must prove: any of these, each all of its schemes.
    pub security: Vec<Vec<Need>>,
    /// By index.
    pub channels: Vec<Channel>,
    /// By index.
    pub operations: Vec<Operation>,
    /// Name of the client's type.
    pub client: String,
    /// Name of the type of what clients hear.
    pub event: String,
    /// Every named type.
    pub shapes: Shapes,
}

/// A scheme that is needed, with its scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The scheme's name in the document.
    pub scheme: String,
    /// How its credential travels.
    pub how: How,
    /// Every scope that is needed.
    pub scopes: Vec<String>,
}

/// How a credential travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// In a cookie of this name.
    ApiKeyCookie(String),
    /// In a header of this name.
    ApiKeyHeader(String),
    /// In a field of the query of this name.
    ApiKeyQuery(String),
    /// HTTP basic.
    HttpBasic,
    /// HTTP bearer.
    HttpBearer,
    /// OAuth 2.
    OAuth2,
    /// OpenID Connect.
    OpenIdConnect,
    /// User and password.
    UserPassword,
}

/// A channel and what it is called in Rust.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its name in the document.
    pub name: String,
    /// Its address, parameters in braces.
    pub address: String,
    /// What the document says of it.
    pub doc: Option<String>,
    /// `CHAT_MESSAGES`.
    pub constant: String,
    /// `chat_messages`.
    pub field: String,
    /// `ChatMessages`.
    pub base: String,
    /// `ChatMessagesService`.
    pub service: String,
    /// `ChatMessagesPublisher`.
    pub publisher: String,
    /// `ChatMessagesParameters`.
    pub parameters_name: String,
    /// In the order of the address.
    pub parameters: Vec<Parameter>,
}

/// A part of an address.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Between the braces.
    pub name: String,
    /// Its name in Rust.
    pub field: String,
    /// Text, or a type that is read from text and written as text.
    pub of: Type,
    /// Where messages carry it.
    pub carried: Option<Carried>,
    /// What the document says of it.
    pub doc: Option<String>,
}

/// A place in a message, by JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// In its headers.
    Header(String),
    /// In its payload.
    Payload(String),
}

impl Carried {
    /// What a runtime expression such as `$message.payload#/room_id` means.
    fn read(expression: &str) -> Option<Self> {
        let header = expression.strip_prefix("$message.header#");
        let payload = expression.strip_prefix("$message.payload#");
        let header = header.map(|pointer| Self::Header(pointer.to_owned()));
        header.or_else(|| payload.map(|pointer| Self::Payload(pointer.to_owned())))
    }
}

/// Which way an operation goes, seen from the generated service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Clients send it.
    In,
    /// Clients hear it.
    Out,
}

/// An operation, as the runtime knows it.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name in the document.
    pub name: String,
    /// `SEND_CHAT_MESSAGE`.
    pub constant: String,
    /// `send_chat_message`.
    pub function: String,
    /// `SendChatMessage`.
    pub variant: String,
    /// Index of its channel.
    pub channel: usize,
    /// In or out.
    pub way: Way,
    /// What it carries.
    pub payload: Type,
    /// What answers it, if anything does.
    pub reply: Option<Type>,
    /// What a client must have proved besides.
    pub security: Vec<Vec<Need>>,
    /// The permissions that it asks for, all of them.
    pub permissions: Vec<String>,
    /// Where its messages say what they belong to.
    pub correlation: Correlation,
    /// Where its replies say it.
    pub reply_correlation: Correlation,
    /// What the document says of it.
    pub doc: Option<String>,
    /// Examples of its payload in the document, those that fit its type.
    pub examples: Vec<Example>,
    /// Examples of its reply in the document, those that fit its type.
    pub reply_examples: Vec<Example>,
    /// A payload: an example, or one that was made up; none if that was not possible.
    pub sample: Option<serde_json::Value>,
    /// The same for the reply.
    pub reply_sample: Option<serde_json::Value>,
}

/// An example of the document.
#[derive(Debug, Clone)]
pub struct Example {
    /// The payload.
    pub payload: serde_json::Value,
    /// Where it stands.
    pub at: Location,
}

/// Where a message says what it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Correlation {
    /// In the envelope.
    #[default]
    Envelope,
    /// In the message itself.
    Message(Carried),
}

impl Service {
    /// The operations of a channel that go this way, with their index.
    pub fn of_channel(
        &self,
        channel: usize,
        way: Way,
    ) -> impl Iterator<Item = (usize, &Operation)> {
        let all = self.operations.iter().enumerate();
        all.filter(move |(_, operation)| operation.channel == channel && operation.way == way)
    }

    /// The channels that have an operation going this way, with their index.
    pub fn channels_with(&self, way: Way) -> impl Iterator<Item = (usize, &Channel)> {
        let all = self.channels.iter().enumerate();
        all.filter(move |(index, _)| self.of_channel(*index, way).next().is_some())
    }

    /// Whether a connection or an operation asks for anything.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        let asks = |operation: &Operation| {
            !operation.security.is_empty() || !operation.permissions.is_empty()
        };
        !self.security.is_empty() || self.operations.iter().any(asks)
    }
}

#[cfg(test)]
mod tests;
