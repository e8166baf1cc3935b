//! Sockets: a listener, one task per connection, an end that waits for them.

mod answer;
mod handshake;
pub(crate) mod head;
mod places;
#[cfg(feature = "tls")]
mod tls;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use handshake::{Policy, Served, serve_stream};

use crate::audit::{AuditEvent, AuditKind};
use crate::config::{ConfigError, ServerConfig};
use crate::dispatch::Dispatch;
use crate::service::Service;
use crate::{AsyncApiError, ErrorCode};
use places::Places;

/// A service on a port.
pub struct Server<D: Dispatch> {
    service: Service<D>,
    listener: TcpListener,
    local: SocketAddr,
    policy: Arc<Policy>,
    places: Arc<Places>,
    #[cfg(feature = "tls")]
    tls: Option<tokio_rustls::TlsAcceptor>,
}

impl<D: Dispatch> Server<D> {
    /// Takes the port; nobody is served before [`Server::run`].
    ///
    /// # Errors
    /// A setting is wrong, a file cannot be used, the port is taken.
    pub async fn bind(service: Service<D>, config: ServerConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let listen = config.listen;
        let busy = |fault| ConfigError::Listen(listen, fault);
        #[cfg(feature = "tls")]
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let listener = TcpListener::bind(listen).await.map_err(busy)?;
        Ok(Self {
            local: listener.local_addr().map_err(busy)?,
            listener,
            policy: Arc::new(Policy::of(&config, service.spec())),
            places: Arc::new(Places::new(service.limits())),
            service,
            #[cfg(feature = "tls")]
            tls,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The service.
    #[must_use]
    pub const fn service(&self) -> &Service<D> {
        &self.service
    }

    /// Serves until `shutdown` is over. Then nobody is let in any more, every connection gets what
    /// waits for it and a Close with 1001, and after 10 s at most this returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = self.listener.accept() => self.accepted(accepted, &mut tasks).await,
                Some(ended) = tasks.join_next(), if !tasks.is_empty() => self.ended(ended),
            }
        }
        drop(self.listener);
        self.service.close_all();
        let all = async { while tasks.join_next().await.is_some() {} };
        timeout(ENDING_MAX, all).await.unwrap_or_default();
        tasks.shutdown().await;
    }

    async fn accepted(
        &self,
        accepted: io::Result<(TcpStream, SocketAddr)>,
        tasks: &mut JoinSet<()>,
    ) {
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, most likely: whoever is there may end first.
            tokio::time::sleep(PAUSE).await;
            return;
        };
        let now = self.service.0.stamps.clock().monotonic();
        let Some(place) = self.places.take(peer.ip(), now) else {
            let code = ErrorCode::RateLimited;
            self.service
                .refuse_handshake(Some(peer.ip()), code, "too many connections");
            stream.try_write(answer::FULL).unwrap_or_default();
            return;
        };
        stream.set_nodelay(true).unwrap_or_default();
        let (service, policy) = (self.service.clone(), Arc::clone(&self.policy));
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.clone() {
            tasks.spawn(async move {
                let patience = Duration::from_secs(service.limits().handshake_seconds);
                if let Ok(Ok(stream)) = timeout(patience, tls.accept(stream)).await {
                    let served = serve_stream(&service, stream, Some(peer.ip()), &policy).await;
                    place.given_back(served, service.0.stamps.clock().monotonic());
                }
            });
            return;
        }
        tasks.spawn(async move {
            let served = serve_stream(&service, stream, Some(peer.ip()), &policy).await;
            place.given_back(served, service.0.stamps.clock().monotonic());
        });
    }

    /// A handler that panicked took its connection with it, and nothing else.
    fn ended(&self, ended: Result<(), tokio::task::JoinError>) {
        if let Err(fault) = ended {
            let error = AsyncApiError::internal(fault.to_string());
            self.service.0.audit.record(&AuditEvent {
                code: Some(error.code()),
                ..self
                    .service
                    .event(AuditKind::ConnectionEnded, "a handler panicked")
            });
        }
    }
}

impl<D: Dispatch> std::fmt::Debug for Server<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.local)
    }
}

const ENDING_MAX: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
