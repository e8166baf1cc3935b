//! What a document says, as constants of the generated crate.

use crate::address::{Address, Parameters, Template};
use crate::spelling::Spelling;
use crate::{AsyncApiError, AsyncApiResult};

/// A whole service as its document describes it. Built in constants; never changes.
///
/// Channels and operations are named by their position; generated code has a constant for each.
#[derive(Clone, Copy, Debug)]
pub struct ServiceSpec {
    pub(crate) title: &'static str,
    pub(crate) version: &'static str,
    pub(crate) path: &'static str,
    pub(crate) security: &'static [&'static [Requirement]],
    pub(crate) channels: &'static [ChannelSpec],
    pub(crate) operations: &'static [OperationSpec],
    pub(crate) spelling: Option<Spelling>,
}

impl ServiceSpec {
    /// A service without channels, open to everybody, at `/`.
    #[must_use]
    pub const fn new(title: &'static str, version: &'static str) -> Self {
        Self {
            title,
            version,
            path: "/",
            security: &[],
            channels: &[],
            operations: &[],
            spelling: None,
        }
    }

    /// Payload fields may be spelled `message_id` or `messageId`; `own` is the document's way.
    /// Either is read, and a reply is spelled as its request was; what nobody asked for as
    /// `?case=snake` or `?case=camel` of the handshake says, else as the connection's last
    /// request, else in the document's way. Only for documents without maps of free names.
    #[must_use]
    pub const fn both_spellings(mut self, own: Spelling) -> Self {
        self.spelling = Some(own);
        self
    }

    /// The path of the handshake, as the document's server names it; begins with `/`.
    #[must_use]
    pub const fn path(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// What a handshake must prove: any one of the lists, and all that is in it.
    #[must_use]
    pub const fn security(mut self, security: &'static [&'static [Requirement]]) -> Self {
        self.security = security;
        self
    }

    /// The channels.
    #[must_use]
    pub const fn channels(mut self, channels: &'static [ChannelSpec]) -> Self {
        self.channels = channels;
        self
    }

    /// The operations.
    #[must_use]
    pub const fn operations(mut self, operations: &'static [OperationSpec]) -> Self {
        self.operations = operations;
        self
    }

    /// The title of the document.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        self.title
    }

    /// The version of the described service.
    #[must_use]
    pub const fn version(&self) -> &'static str {
        self.version
    }

    /// The path of the handshake.
    #[must_use]
    pub const fn base_path(&self) -> &'static str {
        self.path
    }

    /// The operation at this position.
    #[must_use]
    pub fn operation(&self, route: usize) -> Option<&'static OperationSpec> {
        self.operations.get(route)
    }

    /// The position of an operation by its name on the wire.
    #[must_use]
    pub fn route(&self, name: &str) -> Option<usize> {
        self.operations
            .iter()
            .position(|operation| operation.name == name)
    }

    /// The channel at this position.
    #[must_use]
    pub fn channel(&self, channel: usize) -> Option<&'static ChannelSpec> {
        self.channels.get(channel)
    }

    /// The address of a channel with these parameters, each percent-encoded where it holds what an
    /// address must not.
    ///
    /// # Errors
    /// `invalid_payload` where a parameter is missing, empty or over 255 bytes, or there is no such
    /// channel.
    pub fn address(&self, channel: usize, parameters: &[(&str, &str)]) -> AsyncApiResult<Address> {
        let spec = self
            .channel(channel)
            .ok_or_else(|| AsyncApiError::not_found("no such channel"))?;
        Address::render(channel, spec.address, parameters)
    }

    /// The channel whose address this is, with the parameters in it.
    #[must_use]
    pub fn find_address<'a>(&self, address: &'a str) -> Option<(usize, Parameters<'a>)> {
        self.channels
            .iter()
            .enumerate()
            .find_map(|(place, spec)| Some((place, Template(spec.address).parameters(address)?)))
    }
}

/// One channel.
#[derive(Clone, Copy, Debug)]
pub struct ChannelSpec {
    pub(crate) name: &'static str,
    pub(crate) address: &'static str,
    pub(crate) locations: &'static [(&'static str, Location)],
}

impl ChannelSpec {
    /// A channel by its name in the document and its address, `chat/rooms/{room_id}/messages`.
    #[must_use]
    pub const fn new(name: &'static str, address: &'static str) -> Self {
        Self {
            name,
            address,
            locations: &[],
        }
    }

    /// Where messages repeat a parameter of the address (`location` in the document). A message
    /// whose envelope names no channel is then for the address that these give; one that names a
    /// channel and says something else is refused.
    #[must_use]
    pub const fn locations(mut self, locations: &'static [(&'static str, Location)]) -> Self {
        self.locations = locations;
        self
    }

    /// Its name in the document.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its address, with `{parameter}`s.
    #[must_use]
    pub const fn address(&self) -> &'static str {
        self.address
    }

    /// Whether the address has parameters: then only those hear it who are subscribed.
    #[must_use]
    pub fn is_parameterised(&self) -> bool {
        self.address.contains('{')
    }
}

/// Which way an operation goes, seen from the described service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The service takes it in.
    Receive,
    /// The service sends it.
    Send,
}

/// Where a message carries a parameter of its channel's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the envelope's `headers`, at this JSON pointer.
    Header(&'static str),
    /// In the payload, at this JSON pointer.
    Payload(&'static str),
}

/// Where a message carries its correlation id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Correlation {
    /// In the envelope's `correlation_id`.
    #[default]
    Envelope,
    /// In the envelope's `headers`, at this JSON pointer.
    Header(&'static str),
    /// In the payload, at this JSON pointer.
    Payload(&'static str),
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct OperationSpec {
    pub(crate) name: &'static str,
    pub(crate) channel: usize,
    pub(crate) action: Action,
    pub(crate) replies: bool,
    pub(crate) permissions: &'static [&'static str],
    pub(crate) security: &'static [&'static [Requirement]],
    pub(crate) correlation: Correlation,
    pub(crate) reply_correlation: Correlation,
}

impl OperationSpec {
    /// What the service takes in, by its name on the wire and the position of its channel.
    #[must_use]
    pub const fn receive(name: &'static str, channel: usize) -> Self {
        Self::new(name, channel, Action::Receive)
    }

    /// What the service sends.
    #[must_use]
    pub const fn send(name: &'static str, channel: usize) -> Self {
        Self::new(name, channel, Action::Send)
    }

    const fn new(name: &'static str, channel: usize, action: Action) -> Self {
        Self {
            name,
            channel,
            action,
            replies: false,
            permissions: &[],
            security: &[],
            correlation: Correlation::Envelope,
            reply_correlation: Correlation::Envelope,
        }
    }

    /// It is answered.
    #[must_use]
    pub const fn replies(mut self) -> Self {
        self.replies = true;
        self
    }

    /// The permissions it needs, all of them (`x-permissions`).
    #[must_use]
    pub const fn permissions(mut self, permissions: &'static [&'static str]) -> Self {
        self.permissions = permissions;
        self
    }

    /// What the connection must have proved: any one of the lists, and all that is in it, with
    /// all of its scopes.
    #[must_use]
    pub const fn security(mut self, security: &'static [&'static [Requirement]]) -> Self {
        self.security = security;
        self
    }

    /// Where the request carries its correlation id.
    #[must_use]
    pub const fn correlation(mut self, correlation: Correlation) -> Self {
        self.correlation = correlation;
        self
    }

    /// Where the reply carries its correlation id.
    #[must_use]
    pub const fn reply_correlation(mut self, correlation: Correlation) -> Self {
        self.reply_correlation = correlation;
        self
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The position of its channel.
    #[must_use]
    pub const fn channel_place(&self) -> usize {
        self.channel
    }

    /// Which way it goes.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Whether it is answered.
    #[must_use]
    pub const fn has_reply(&self) -> bool {
        self.replies
    }

    /// Whether it asks for more than a connection.
    #[must_use]
    pub const fn is_secured(&self) -> bool {
        !self.permissions.is_empty() || !self.security.is_empty()
    }
}

/// How a credential travels. Anything else that a document may name is refused at generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `httpApiKey` in a cookie of this name; read only where the origin is allowed.
    ApiKeyCookie(&'static str),
    /// `httpApiKey` in a header of this name.
    ApiKeyHeader(&'static str),
    /// `httpApiKey` in a query parameter of this name.
    ApiKeyQuery(&'static str),
    /// `http` with scheme `basic`: `Authorization: Basic`.
    HttpBasic,
    /// `http` with scheme `bearer`: `Authorization: Bearer T`, or `?token=T` where a browser asks.
    HttpBearer,
    /// `oauth2`: as `HttpBearer`, with scopes.
    OAuth2,
    /// `openIdConnect`: as `HttpBearer`, with scopes.
    OpenIdConnect,
    /// `userPassword`: as `HttpBasic`.
    UserPassword,
}

impl Scheme {
    /// Whether its credential is an access token.
    #[must_use]
    pub const fn is_token(self) -> bool {
        matches!(self, Self::HttpBearer | Self::OAuth2 | Self::OpenIdConnect)
    }

    /// Whether it proves a person, where an API key may prove an application.
    pub(crate) const fn is_person(self) -> bool {
        !matches!(
            self,
            Self::ApiKeyCookie(_) | Self::ApiKeyHeader(_) | Self::ApiKeyQuery(_)
        )
    }
}

/// A security scheme that is asked for, with the scopes that it must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub(crate) name: &'static str,
    pub(crate) scheme: Scheme,
    pub(crate) scopes: &'static [&'static str],
}

impl Requirement {
    /// A scheme by its name in the document, without scopes.
    #[must_use]
    pub const fn new(name: &'static str, scheme: Scheme) -> Self {
        Self {
            name,
            scheme,
            scopes: &[],
        }
    }

    /// The scopes that it must give, all of them.
    #[must_use]
    pub const fn scopes(mut self, scopes: &'static [&'static str]) -> Self {
        self.scopes = scopes;
        self
    }

    /// Its name in the document.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// How its credential travels.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }
}
