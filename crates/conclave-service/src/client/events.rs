//! What a service sends by itself.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::ClientError;
use crate::address::{FromParameters, Parameters};
use crate::payload;
use crate::spec::ServiceSpec;

/// A message that nobody asked for, or a further reply to one that was answered already.
#[derive(Clone)]
pub struct Push {
    pub(crate) spec: &'static ServiceSpec,
    pub(crate) route: usize,
    pub(crate) correlation_id: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) headers: Option<Box<RawValue>>,
    pub(crate) payload: Box<RawValue>,
}

impl Push {
    /// The position of its operation.
    #[must_use]
    pub const fn route(&self) -> usize {
        self.route
    }

    /// What it belongs to, where it does.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    /// The channel's address.
    #[must_use]
    pub fn channel(&self) -> Option<&str> {
        self.channel.as_deref()
    }

    /// When the service sent it.
    #[must_use]
    pub fn timestamp(&self) -> Option<&str> {
        self.timestamp.as_deref()
    }

    /// The payload, typed.
    ///
    /// # Errors
    /// [`ClientError::Decode`].
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        payload::read(self.payload.get(), "payload").map_err(decode)
    }

    /// The headers, typed.
    ///
    /// # Errors
    /// [`ClientError::Decode`].
    pub fn headers<H: DeserializeOwned>(&self) -> Result<H, ClientError> {
        let headers = self.headers.as_deref().map_or("{}", RawValue::get);
        payload::read(headers, "headers").map_err(decode)
    }

    /// The parameters of the channel's address, typed.
    ///
    /// # Errors
    /// [`ClientError::Decode`] where the address is no address of this service, or a parameter is
    /// not what the document says.
    pub fn parameters<P: FromParameters>(&self) -> Result<P, ClientError> {
        let address = self.channel.as_deref().unwrap_or_default();
        let found = self.spec.find_address(address);
        let parameters = found.map_or_else(Parameters::default, |(_, parameters)| parameters);
        P::from_parameters(&parameters).map_err(decode)
    }

    /// For a route that is not expected.
    #[must_use]
    pub fn unknown(&self) -> ClientError {
        let name = self.spec.operation(self.route).map_or("", |own| own.name());
        ClientError::Decode(format!("`{name}` was not expected"))
    }
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.spec.operation(self.route).map_or("", |own| own.name());
        f.debug_struct("Push")
            .field("operation", &name)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

fn decode(error: crate::AsyncApiError) -> ClientError {
    ClientError::Decode(error.to_string())
}

/// What pushes are made into; generated for each service.
pub trait FromPush: Sized {
    /// Reads one.
    ///
    /// # Errors
    /// [`ClientError::Decode`].
    fn from_push(push: &Push) -> Result<Self, ClientError>;
}

impl FromPush for Push {
    fn from_push(push: &Push) -> Result<Self, ClientError> {
        Ok(push.clone())
    }
}

/// A stream of events; its last item says how the connection ended.
pub struct Events<E> {
    incoming: Option<mpsc::Receiver<Result<Push, ClientError>>>,
    kind: PhantomData<fn() -> E>,
}

impl<E: FromPush> Events<E> {
    pub(crate) const fn new(incoming: Option<mpsc::Receiver<Result<Push, ClientError>>>) -> Self {
        Self {
            incoming,
            kind: PhantomData,
        }
    }

    /// The next event; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<E, ClientError>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl<E: FromPush> Stream for Events<E> {
    type Item = Result<E, ClientError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(incoming) = self.get_mut().incoming.as_mut() else {
            return Poll::Ready(None);
        };
        let next = incoming.poll_recv(context);
        next.map(|next| Some(next?.and_then(|push| E::from_push(&push))))
    }
}

impl<E> fmt::Debug for Events<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
