//! The runtime under services that are generated from AsyncAPI documents: server, client, security.
//!
//! A generated crate holds what its document says and nothing else: a [`ServiceSpec`] of
//! constants, types, one trait per channel, a [`Dispatch`] that is a `match` over positions,
//! publishers and a client. `examples/chat/service.rs` is such a crate, written by hand; the file
//! beside it is what a user writes. Everything that could go wrong is here, once.
//!
//! What it refuses to do: it opens no connection on which something secured could not be checked
//! (a missing authenticator is a [`StartError`]), keeps nothing on disk, fetches no keys, and a
//! client never connects again by itself. Time and randomness are arguments ([`Clock`],
//! [`Random`]); only [`SystemClock`] and [`SystemRandom`] are the machine's.
//!
//! # The walk of a message
//! `server` accepts and reads a head, `auth` proves who it is ([`AuthRequest`] to [`Identity`]),
//! [`Service::open`] makes a [`Session`]; `serving` reads frames from a [`Transport`], hands each
//! text to [`Session::receive`] (envelope, limits, rights, channel, then the handler), and writes
//! the answers to one read in one write. A [`Publisher`] writes a message once and queues it for
//! each [`Connection`] that hears its [`Address`] and may.
//!
//! # What it costs
//! One task and three buffers per connection, which the next message uses again; no task, no timer
//! and no lock that anybody else holds long, per message. Messages of one connection are served in
//! their order, one at a time: a handler that takes long should answer at once and use
//! [`MessageContext::later`].
//!
//! # Reading order
//! `error`, `spec`, `address`; `envelope`; `auth` (`request`, `jwt`, `handler`, `claims`, `gate`);
//! `context`, `dispatch`, `session`; `connection`, `hub`, `service`; `transport`, `serving`;
//! `server`; `client`; `format` and `schema`, which generated types use; `testing`.
//!
//! # Features
//! `tls`: certificates for servers, roots for clients. `testing`: a harness in memory or on a
//! socket, test tokens, and the attacks that generated tests run. `checks`: for fuzzing.

mod address;
mod audit;
mod auth;
#[cfg(any(test, feature = "checks"))]
pub mod checks;
mod client;
mod config;
mod connection;
mod context;
mod dispatch;
mod envelope;
mod error;
pub mod format;
mod hub;
mod ids;
mod limits;
mod machine;
mod payload;
mod placing;
pub mod schema;
mod server;
mod service;
mod serving;
mod session;
mod spec;
mod spelling;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transport;

pub use address::{Address, FromParameters, Parameters};
pub use audit::{Audit, AuditEvent, AuditKind, JsonLines};
pub use auth::{
    ApiKeyAuthHandler, AuthError, AuthRequest, AuthResult, Authenticator, BasicAuthHandler, Claims,
    Credential, Identity, JwtBuilder, JwtConfigError, JwtServerAuthHandler, JwtValidator,
    StartError,
};
pub use client::{
    ByteStream, Client, ClientConfig, ClientError, Events, FromPush, Push, RemoteError,
};
pub use conclave_auth::{Algorithm, Random};
pub use conclave_protocol::{Clock, Timestamp};
pub use config::{ConfigError, Reject, ServerConfig, TlsConfig};
pub use connection::{Connection, ConnectionId, Queued};
pub use context::{Later, MessageContext};
pub use dispatch::{Call, Dispatch};
pub use envelope::{Envelope, EnvelopeError, EnvelopeFault};
pub use error::{AsyncApiError, AsyncApiResult, ErrorCode, ErrorDetail};
pub use futures_core::Stream;
pub use hub::{Connections, NoSubscriptions, Reach, Subscriptions};
pub use limits::Limits;
pub use machine::{SystemClock, SystemRandom};
pub use server::{Policy, Served, Server, serve_stream};
pub use service::{Publisher, PushWriter, Service, ServiceBuilder};
pub use serving::serve;
pub use session::{Refused, Session, Verdict};
pub use spec::{
    Action, ChannelSpec, Correlation, Location, OperationSpec, Requirement, Scheme, ServiceSpec,
};
pub use spelling::Spelling;
pub use transport::{
    Incoming, MemoryPeer, MemoryTransport, Said, Transport, TransportError, WebSocketBounds,
    WebSocketTransport, memory_pair,
};
pub use {async_trait::async_trait, serde_json};
