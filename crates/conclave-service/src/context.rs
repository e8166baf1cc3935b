//! What a handler knows of the message it serves.

use conclave_protocol::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::address::{FromParameters, Parameters};
use crate::auth::Claims;
use crate::connection::{Connection, ConnectionId};
use crate::envelope::{Head, write_envelope};
use crate::ids::Stamps;
use crate::payload;
use crate::{AsyncApiError, AsyncApiResult};

/// Who sent a message, on which channel, and with what.
#[derive(Debug)]
pub struct MessageContext {
    pub(crate) connection: Connection,
    pub(crate) claims: Option<Claims>,
    pub(crate) operation: &'static str,
    pub(crate) message_id: Option<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) channel: String,
    pub(crate) parameters: Parameters<'static>,
    pub(crate) headers: Option<Box<RawValue>>,
    pub(crate) now: Timestamp,
    pub(crate) stamps: Stamps,
}

impl MessageContext {
    /// The user that the connection's credential proves.
    ///
    /// # Errors
    /// `unauthenticated` where it proves none.
    pub fn authenticated_user(&self) -> AsyncApiResult<&str> {
        self.claims().map(Claims::subject)
    }

    /// What the connection's credential says.
    ///
    /// # Errors
    /// `unauthenticated` where there is none.
    pub fn claims(&self) -> AsyncApiResult<&Claims> {
        let claims = self.claims.as_ref();
        claims.ok_or_else(|| AsyncApiError::unauthenticated("nobody is signed in"))
    }

    /// The connection: to subscribe it, to renew its token, to close it.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The connection's number.
    #[must_use]
    pub fn connection_id(&self) -> ConnectionId {
        self.connection.id()
    }

    /// The operation's name.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// What the reply repeats, from where the document says it stands, else from the envelope.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    /// The id that the sender gave the message.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// When the sender says it was sent.
    #[must_use]
    pub fn timestamp(&self) -> Option<&str> {
        self.timestamp.as_deref()
    }

    /// When it came.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The channel's address.
    #[must_use]
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// A parameter of the channel's address, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)
    }

    /// The parameters of the channel's address, typed.
    ///
    /// # Errors
    /// `invalid_payload` where one is not what the document says.
    pub fn parameters<P: FromParameters>(&self) -> AsyncApiResult<P> {
        P::from_parameters(&self.parameters)
    }

    /// The message's headers, typed; an empty object where there are none.
    ///
    /// # Errors
    /// `invalid_payload` where they are not what the document says.
    pub fn headers<H: DeserializeOwned>(&self) -> AsyncApiResult<H> {
        payload::read(
            self.headers.as_deref().map_or("{}", RawValue::get),
            "headers",
        )
    }

    /// Gives a further reply to this message. What is given while the handler still works may
    /// come before the handler's own.
    #[must_use]
    pub fn later(&self) -> Later {
        Later {
            connection: self.connection.clone(),
            operation: self.operation,
            correlation_id: self.correlation_id.clone(),
            channel: self.channel.clone(),
            stamps: self.stamps.clone(),
        }
    }
}

/// A reply that comes later, e.g. `Delivered` after `Pending`.
#[derive(Clone, Debug)]
pub struct Later {
    connection: Connection,
    operation: &'static str,
    correlation_id: Option<String>,
    channel: String,
    stamps: Stamps,
}

impl Later {
    /// Queues a reply with the message's correlation id; gives whether the connection takes it.
    ///
    /// # Errors
    /// `internal` where the reply cannot be written as JSON.
    pub fn reply<T: Serialize + ?Sized>(&self, reply: &T) -> AsyncApiResult<bool> {
        let (id, stamp) = (self.stamps.id(), self.stamps.now());
        let head = Head {
            id: id.as_str(),
            operation: self.operation,
            timestamp: &stamp,
            correlation_id: self.correlation_id.as_deref(),
            channel: Some(&self.channel),
            headers: None,
        };
        let mut out = Vec::with_capacity(256);
        write_envelope(&head, &mut out, |out| payload::write(reply, out))?;
        let text = String::from_utf8(out).map_err(AsyncApiError::internal)?;
        Ok(self.connection.push(&text.into()))
    }
}
