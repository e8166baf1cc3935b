//! x

mod address;
mod audit;
mod auth;
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
pub mod schema;
mod server;
mod service;
mod serving;
mod session;
mod spec;
#[cfg(feature = "testing")]
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
pub use connection::{Connection, ConnectionId};
pub use context::{Later, MessageContext};
pub use dispatch::{Call, Dispatch};
pub use envelope::{Envelope, EnvelopeError, EnvelopeFault};
pub use error::{AsyncApiError, AsyncApiResult, ErrorCode, ErrorDetail};
pub use futures_core::Stream;
pub use hub::{Connections, NoSubscriptions, Reach, Subscriptions};
pub use limits::Limits;
pub use machine::{SystemClock, SystemRandom};
pub use server::{Policy, Server, serve_stream};
pub use service::{Publisher, Service, ServiceBuilder};
pub use serving::serve;
pub use session::{Session, Verdict};
pub use spec::{Action, ChannelSpec, Correlation, OperationSpec, Requirement, Scheme, ServiceSpec};
pub use transport::{
    Incoming, MemoryPeer, MemoryTransport, Said, Transport, TransportError, WebSocketBounds,
    WebSocketTransport, memory_pair,
};
pub use {async_trait::async_trait, serde_json};
