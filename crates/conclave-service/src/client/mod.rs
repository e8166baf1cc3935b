//! The other end: requests that are answered, and what the service sends by itself.

mod config;
mod dial;
mod events;
mod task;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub use config::ClientConfig;
pub use dial::ByteStream;
pub(crate) use dial::handshake;
pub use events::{Events, FromPush, Push};

use crate::address::Address;
use crate::envelope::{Head, write_envelope};
use crate::ids::Stamps;
use crate::machine::SystemClock;
use crate::payload;
use crate::spec::{Correlation, ServiceSpec};
use crate::transport::{WebSocketBounds, WebSocketTransport};
use crate::{AsyncApiError, placing, session};

/// A connection to a service, seen from its client. Cheap to clone; all clones are one
/// connection, which ends with the last of them. It never connects again by itself: what was on
/// its way is then an error of each caller, who knows whether to ask again.
#[derive(Clone)]
pub struct Client {
    spec: &'static ServiceSpec,
    shared: Arc<Shared>,
    outgoing: mpsc::Sender<Outgoing>,
    request_timeout: Duration,
}

/// What callers and the connection's task share.
pub(crate) struct Shared {
    waiting: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    ended: Mutex<Option<ClientError>>,
    pushes: Mutex<Option<mpsc::Receiver<Result<Push, ClientError>>>>,
    stamps: Stamps,
}

/// A reply's payload, or why there is none.
type Answer = Result<Box<RawValue>, ClientError>;

/// What callers ask of the connection's task.
pub(crate) enum Outgoing {
    Close,
    Text(Vec<u8>),
}

/// Why a client has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The connection has ended; code 1006 where the other end went away without a word.
    #[error("the connection has ended ({code}): {reason}")]
    Closed {
        /// The close code.
        code: u16,
        /// The reason that was given.
        reason: String,
    },
    /// There is no connection to the service.
    #[error("no connection: {0}")]
    Connect(String),
    /// What came is not what the document describes.
    #[error("the message cannot be read: {0}")]
    Decode(String),
    /// What should be sent cannot be written, or there is no such operation.
    #[error("the message cannot be sent: {0}")]
    Encode(String),
    /// So many messages were dropped, because nobody took them.
    #[error("{0} messages were dropped: nobody took them")]
    Lagged(u64),
    /// The service refused the handshake.
    #[error("the handshake was refused ({code}): {reason}")]
    Refused {
        /// The close code, or the HTTP status.
        code: u16,
        /// The reason that was given.
        reason: String,
    },
    /// The service answered with an error.
    #[error("the service answered: {0}")]
    Remote(Box<RemoteError>),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
}

/// An error that a service answered with.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct RemoteError {
    /// Its kind, as it was written: one of [`crate::ErrorCode`]'s names.
    pub code: String,
    /// A sentence for people.
    #[serde(default)]
    pub message: String,
    /// What is wrong with which field.
    #[serde(default)]
    pub details: Vec<crate::ErrorDetail>,
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// An address that cannot be made.
impl From<AsyncApiError> for ClientError {
    fn from(error: AsyncApiError) -> Self {
        Self::Encode(error.to_string())
    }
}

impl Client {
    /// Connects, and waits until the service has accepted the handshake.
    ///
    /// # Errors
    /// [`ClientError::Connect`], or [`ClientError::Refused`] with the HTTP status. A service that
    /// refuses by a close code is noticed by the first call.
    pub async fn connect(
        spec: &'static ServiceSpec,
        config: ClientConfig,
    ) -> Result<Self, ClientError> {
        let dialled = timeout(config.connect_timeout, dial::dial(&config)).await;
        let stream = dialled.map_err(|_elapsed| ClientError::Timeout)??;
        Self::over(spec, stream, config).await
    }

    /// As [`Client::connect`], on a stream of bytes that is there already: a pipe, or an encrypted
    /// socket of the caller's.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn over<S>(
        spec: &'static ServiceSpec,
        stream: S,
        config: ClientConfig,
    ) -> Result<Self, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shaken = timeout(config.connect_timeout, handshake(stream, &config)).await;
        let (stream, early) = shaken.map_err(|_elapsed| ClientError::Timeout)??;
        let bounds = WebSocketBounds {
            message_bytes: config.message_bytes,
            fragments: FRAGMENTS_MAX,
        };
        let random = Arc::clone(&config.random);
        let transport = WebSocketTransport::client(stream, early, bounds, random);
        let (outgoing, from_callers) = mpsc::channel(config.queue);
        let (pushes, to_taker) = mpsc::channel(config.queue);
        let stamps = Stamps::new(&*config.random, Arc::new(SystemClock::new()));
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            ended: Mutex::default(),
            pushes: Mutex::new(Some(to_taker)),
            stamps,
        });
        let task = task::Task {
            spec,
            transport,
            shared: Arc::clone(&shared),
            outgoing: from_callers,
            pushes,
            lagged: 0,
        };
        task::start(task);
        Ok(Self {
            spec,
            shared,
            outgoing,
            request_timeout: config.request_timeout,
        })
    }

    /// Sends a request and waits for its reply, which is known by its correlation id: the
    /// payload's or the headers' where the document says so, else one of our own.
    ///
    /// # Errors
    /// What the service answered ([`ClientError::Remote`]), no answer in time, the connection's
    /// end, or a reply that is not what the document describes.
    pub async fn request<T: Serialize + ?Sized, R: DeserializeOwned>(
        &self,
        route: usize,
        address: &Address,
        request: &T,
    ) -> Result<R, ClientError> {
        let (text, id) = self.encode(route, address, request)?;
        let (sender, receiver) = oneshot::channel();
        if self
            .shared
            .waiting
            .lock()
            .insert(id.clone(), sender)
            .is_some()
        {
            return Err(ClientError::Encode(
                "a request with this correlation id is under way".to_owned(),
            ));
        }
        let _forget = Forget(&self.shared, id);
        self.hand_over(Outgoing::Text(text)).await?;
        let reply = match timeout(self.request_timeout, receiver).await {
            Err(_elapsed) => return Err(ClientError::Timeout),
            Ok(Err(_gone)) => return Err(self.shared.ending()),
            Ok(Ok(reply)) => reply?,
        };
        payload::read(reply.get(), "reply").map_err(|error| ClientError::Decode(error.to_string()))
    }

    /// Sends a message that has no reply. An error that the service answers with comes as an
    /// event.
    ///
    /// # Errors
    /// The connection's end, or a message that cannot be written.
    pub async fn send<T: Serialize + ?Sized>(
        &self,
        route: usize,
        address: &Address,
        message: &T,
    ) -> Result<(), ClientError> {
        let (text, _) = self.encode(route, address, message)?;
        self.hand_over(Outgoing::Text(text)).await
    }

    /// What the service sends by itself, from the connection's beginning on. The first caller gets
    /// it all; later ones find it ended.
    #[must_use]
    pub fn events<E: FromPush>(&self) -> Events<E> {
        Events::new(self.shared.pushes.lock().take())
    }

    /// Ends the connection with 1000, after what was sent before.
    ///
    /// # Errors
    /// It had ended already.
    pub async fn close(&self) -> Result<(), ClientError> {
        self.hand_over(Outgoing::Close).await
    }

    async fn hand_over(&self, outgoing: Outgoing) -> Result<(), ClientError> {
        let sent = self.outgoing.send(outgoing).await;
        sent.map_err(|_gone| self.shared.ending())
    }

    /// The envelope, and the correlation id by which its reply is known.
    fn encode<T: Serialize + ?Sized>(
        &self,
        route: usize,
        address: &Address,
        message: &T,
    ) -> Result<(Vec<u8>, String), ClientError> {
        let fault = |error: AsyncApiError| ClientError::Encode(error.to_string());
        let operation = self.spec.operation(route);
        let operation =
            operation.ok_or_else(|| ClientError::Encode("no such operation".to_owned()))?;
        let payload = serde_json::value::to_raw_value(message)
            .map_err(|error| ClientError::Encode(error.to_string()))?;
        let (id, stamp) = (self.shared.stamps.id(), self.shared.stamps.now());
        let correlation = match operation.correlation {
            Correlation::Payload(pointer) => placing::at(&payload, pointer),
            Correlation::Envelope | Correlation::Header(_) => None,
        };
        let correlation = correlation.unwrap_or_else(|| id.as_str().to_owned());
        let headers = match operation.correlation {
            Correlation::Header(pointer) => session::header(pointer, &correlation),
            Correlation::Envelope | Correlation::Payload(_) => None,
        };
        let head = Head {
            id: id.as_str(),
            operation: operation.name(),
            timestamp: &stamp,
            correlation_id: Some(&correlation),
            channel: Some(address.as_str()),
            headers: headers.as_deref(),
        };
        let mut text = Vec::with_capacity(payload.get().len() + 256);
        write_envelope(&head, &mut text, |out| {
            out.extend_from_slice(payload.get().as_bytes());
            Ok(())
        })
        .map_err(fault)?;
        Ok((text, correlation))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.spec.title())
    }
}

impl Shared {
    /// Hands a reply to whoever waits for it; gives it back where nobody does.
    pub(crate) fn answer(&self, id: &str, reply: Answer) -> Option<Answer> {
        match self.waiting.lock().remove(id) {
            Some(sender) => sender.send(reply).err(),
            None => Some(reply),
        }
    }

    /// Tells all who wait how the connection ended.
    pub(crate) fn end(&self, why: &ClientError) {
        self.ended.lock().get_or_insert_with(|| why.clone());
        let waiting = std::mem::take(&mut *self.waiting.lock());
        for sender in waiting.into_values() {
            // Whoever has stopped waiting needs no answer.
            sender.send(Err(why.clone())).unwrap_or_default();
        }
    }

    fn ending(&self) -> ClientError {
        let ended = self.ended.lock().clone();
        ended.unwrap_or(ClientError::Closed {
            code: 1006,
            reason: String::new(),
        })
    }
}

/// Forgets a request that nobody waits for any more.
struct Forget<'a>(&'a Shared, String);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.waiting.lock().remove(&self.1);
    }
}

const FRAGMENTS_MAX: u32 = 1024;
