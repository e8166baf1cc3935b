//! From an accepted socket to a connection: HTTP by hyper, the handshake's judgement, and the
//! socket taken back.
//!
//! Reading order: this file (the life of a socket before its upgrade), `judge` (who gets in),
//! `credential`, `origin`, `address`, `refusal` (how the others are told).

mod address;
mod credential;
mod judge;
mod origin;
mod refusal;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream as AcceptedTls;
use tower::ServiceExt as _;

pub(crate) use address::{client_address, counted_as};
pub(crate) use credential::{Credential, bearer, cookie, credential};
pub(crate) use judge::Admission;
pub(crate) use origin::{Origin, Origins};

use crate::listen::TlsKeys;
use crate::metrics::Counter;
use crate::worker::{Arrival, Stream, TlsStream, Worker};

/// What serving a socket takes; one per worker.
pub(crate) struct Reception {
    pub(crate) worker: Rc<Worker>,
    pub(crate) router: axum::Router,
    pub(crate) stop: watch::Receiver<bool>,
    /// Sockets that are not WebSocket connections yet.
    pub(crate) under_way: Cell<u32>,
}

/// The peer of a request, for axum's handlers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What is left of a request that hyper has answered with 101.
struct Upgrade {
    socket: OnUpgrade,
    verdict: Verdict,
}

/// What the upgraded socket becomes.
enum Verdict {
    Admitted(Box<Admission>),
    Refused { code: u16, reason: &'static str },
}

impl Reception {
    /// Serves a socket until it is a connection or closed. One deadline covers TLS and head.
    pub(crate) async fn serve(
        self: Rc<Self>,
        socket: TcpStream,
        peer: SocketAddr,
        tls: Option<Arc<TlsKeys>>,
    ) {
        let _guard = UnderWay::new(&self);
        let limit = self.handshake_time();
        let peer = peer.ip().to_canonical();
        let Some(tls) = tls else {
            self.http(TokioIo::new(socket), peer, limit).await;
            return;
        };
        let before = self.worker.node().clock.monotonic();
        let accepted = tokio::time::timeout(limit, tls.acceptor().accept(socket)).await;
        if let Ok(Ok(socket)) = accepted {
            let spent = self.worker.node().clock.monotonic().saturating_sub(before);
            let left = limit.saturating_sub(spent).max(Duration::from_millis(1));
            self.http(TokioIo::new(socket), peer, left).await;
        }
    }

    async fn http<I>(self: &Rc<Self>, io: I, peer: IpAddr, head_time: Duration)
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let upgrade = Rc::new(RefCell::new(None));
        let service = service_fn(|request| self.answer(request, peer, &upgrade));
        let limits = &self.worker.node().setup.config.limits;
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_time)
            .max_headers(bound(limits.head_lines, HEAD_LINES_MAX))
            .max_buf_size(bound(limits.head_bytes, HEAD_BYTES_MAX).max(HEAD_BYTES_MIN))
            .serve_connection(io, service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let mut stop = self.stop.clone();
        // A connection that breaks off is its client's business.
        tokio::select! {
            ended = connection.as_mut() => { ended.ok(); }
            _ = stop.wait_for(|stopping| *stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.as_mut().await.ok();
            }
        }
        let upgrade = upgrade.borrow_mut().take();
        if let Some(upgrade) = upgrade {
            tokio::task::spawn_local(Rc::clone(self).take_over(upgrade));
        }
    }

    async fn answer(
        self: &Rc<Self>,
        mut request: Request<Incoming>,
        peer: IpAddr,
        slot: &Rc<RefCell<Option<Upgrade>>>,
    ) -> Result<Response<Body>, Infallible> {
        let node = self.worker.node();
        if let Some(surface) = self.surface(request.uri().path()) {
            let (response, verdict) = self.judge(&request, peer, surface).await;
            if let Some(verdict) = verdict {
                let socket = hyper::upgrade::on(&mut request);
                slot.replace(Some(Upgrade { socket, verdict }));
            } else {
                node.counters.add(Counter::HandshakesRefused, 1);
            }
            return Ok(response);
        }
        node.counters.add(Counter::HttpRequests, 1);
        request.extensions_mut().insert(Peer(peer));
        let answer = self.router.clone().oneshot(request.map(Body::new));
        match tokio::time::timeout(REQUEST_TIME, answer).await {
            Ok(answered) => answered,
            Err(_) => {
                let mut late = Response::new(Body::empty());
                *late.status_mut() = StatusCode::REQUEST_TIMEOUT;
                Ok(late)
            }
        }
    }

    /// After hyper has ended: the raw socket and the bytes that came behind the head.
    async fn take_over(self: Rc<Self>, upgrade: Upgrade) {
        let Ok(upgraded) = upgrade.socket.await else { return };
        let (stream, early) = match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => (Stream::Plain(parts.io.into_inner()), parts.read_buf),
            Err(upgraded) => match upgraded.downcast::<TokioIo<AcceptedTls<TcpStream>>>() {
                Ok(parts) => {
                    let (tcp, session) = parts.io.into_inner().into_inner();
                    (Stream::Tls(Box::new(TlsStream::new(tcp, session))), parts.read_buf)
                }
                Err(_) => return,
            },
        };
        match upgrade.verdict {
            Verdict::Refused { code, reason } => refusal::close(stream, code, reason).await,
            Verdict::Admitted(admission) => {
                let admission = *admission;
                self.worker.attach(Arrival {
                    stream,
                    early: early.to_vec(),
                    surface: admission.surface,
                    state: admission.state,
                    principal: admission.principal,
                    epoch: admission.epoch,
                    deflate: admission.deflate,
                    address: admission.address,
                    guard: admission.guard,
                });
            }
        }
    }

    fn handshake_time(&self) -> Duration {
        Duration::from_secs(u64::from(self.worker.node().setup.config.server.handshake_seconds))
    }
}

/// Counts a socket as long as it is no WebSocket connection.
struct UnderWay(Rc<Reception>);

impl UnderWay {
    fn new(reception: &Rc<Reception>) -> Self {
        reception.under_way.set(reception.under_way.get() + 1);
        Self(Rc::clone(reception))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get().saturating_sub(1));
    }
}

fn bound(limit: u32, none: usize) -> usize {
    if limit == 0 { none } else { usize::try_from(limit).unwrap_or(none) }
}

/// How long a request that is no handshake may take, its body included.
const REQUEST_TIME: Duration = Duration::from_secs(15);
/// hyper's own least buffer.
const HEAD_BYTES_MIN: usize = 8192;
/// What "no limit" means for a head.
const HEAD_BYTES_MAX: usize = 1024 * 1024;
const HEAD_LINES_MAX: usize = 10_000;
