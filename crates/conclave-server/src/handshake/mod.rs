//! From an accepted socket to a connection: HTTP by hyper, the handshake's judgement, and the
//! socket taken back.
//!
//! Reading order: this file (the life of a socket before its upgrade), `judge` (who gets in),
//! `credential`, `origin`, `address`, `refusal` (how the others are told), `under_way` (how many
//! there may be), `fault` (those that never get as far as a request).

mod address;
mod credential;
mod fault;
mod judge;
mod origin;
mod refusal;
#[cfg(test)]
mod tests;
mod under_way;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream as AcceptedTls;
use tower::ServiceExt as _;

pub(crate) use address::{client_address, counted_as};
pub(crate) use credential::{ACCESS_COOKIE, Credential, cookie, credential};
pub(crate) use judge::Admission;
pub(crate) use origin::{Origin, Origins};
pub(crate) use under_way::{Crowded, Place, UnderWay};

use fault::Fault;

use crate::http::Problem;
use crate::listen::TlsKeys;
use crate::metrics::Counter;
use crate::worker::{Arrival, Stream, TlsStream, Worker};

/// What serving a socket takes; one per worker.
pub(crate) struct Reception {
    pub(crate) worker: Rc<Worker>,
    pub(crate) router: axum::Router,
    pub(crate) stop: watch::Receiver<bool>,
    /// Sockets that are not WebSocket connections yet.
    pub(crate) under_way: UnderWay,
}

/// The other end of a socket; axum's handlers find it among a request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Of the socket, which a proxy's is.
    pub(crate) address: IpAddr,
    /// Whether the socket speaks TLS.
    pub(crate) encrypted: bool,
}

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
        _place: Place,
    ) {
        let limit = self.handshake_time();
        let peer = Peer {
            address: peer.ip().to_canonical(),
            encrypted: tls.is_some(),
        };
        let Some(tls) = tls else {
            self.http(socket, peer, limit).await;
            return;
        };
        let before = self.worker.node().clock.monotonic();
        match tokio::time::timeout(limit, Box::pin(tls.acceptor().accept(socket))).await {
            Ok(Ok(socket)) => {
                let spent = self.worker.node().clock.monotonic().saturating_sub(before);
                let left = limit.saturating_sub(spent).max(Duration::from_millis(1));
                Box::pin(self.http(socket, peer, left)).await;
            }
            Ok(Err(error)) => self.note_tls_fault(peer.address, Some(&error)),
            Err(_) => self.note_tls_fault(peer.address, None),
        }
    }

    async fn http<S>(self: &Rc<Self>, socket: S, peer: Peer, head_time: Duration)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let upgrade = Rc::new(RefCell::new(None));
        let requests = Requests::default();
        let service = service_fn(|request| requests.count(self.answer(request, peer, &upgrade)));
        let limits = &self.worker.node().setup.config.limits;
        let mut connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_time)
            .max_headers(bound(limits.head_lines, HEAD_LINES_MAX))
            .max_buf_size(bound(limits.head_bytes, HEAD_BYTES_MAX).max(HEAD_BYTES_MIN))
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades();
        let ended = tokio::select! {
            ended = Pin::new(&mut connection) => Some(ended),
            () = self.stopping(&requests) => None,
            () = tokio::time::sleep(self.handshake_time() * LIFE) => None,
        };
        let ended = match ended {
            Some(ended) => Some(ended),
            None => {
                Pin::new(&mut connection).graceful_shutdown();
                let time = if requests.pending() {
                    REQUEST_TIME
                } else {
                    self.handshake_time()
                };
                tokio::time::timeout(time, Pin::new(&mut connection))
                    .await
                    .ok()
            }
        };
        let upgrade = upgrade.borrow_mut().take();
        if let Some(upgrade) = upgrade {
            tokio::task::spawn_local(Rc::clone(self).take_over(upgrade));
            return;
        }
        let Some(parts) = connection.into_parts() else {
            return;
        };
        let idle = requests.any() && parts.read_buf.is_empty();
        let fault = match &ended {
            None => Some(Fault::Unread),
            Some(Err(error)) => Fault::of(error, idle),
            Some(Ok(())) => None,
        };
        if let Some(fault) = fault {
            self.end_faulty(parts.io.into_inner(), peer.address, fault)
                .await;
        }
    }

    /// Waits until listening has ended and the socket need not be waited for: it has asked
    /// something, or has had the time to.
    async fn stopping(&self, requests: &Requests) {
        let mut stop = self.stop.clone();
        // The sender is gone only with the server.
        stop.wait_for(|stopping| *stopping).await.ok();
        if !requests.any() {
            tokio::time::sleep(FIRST_REQUEST_TIME).await;
        }
    }

    async fn answer(
        self: &Rc<Self>,
        mut request: Request<Incoming>,
        peer: Peer,
        slot: &Rc<RefCell<Option<Upgrade>>>,
    ) -> Result<Response<Body>, Infallible> {
        let node = self.worker.node();
        if let Some(surface) = self.surface(request.uri().path()) {
            let (response, verdict) = self.judge(&request, peer.address, surface).await;
            if let Some(verdict) = verdict {
                let socket = hyper::upgrade::on(&mut request);
                slot.replace(Some(Upgrade { socket, verdict }));
            } else {
                node.counters.add(Counter::HandshakesRefused, 1);
            }
            return Ok(response);
        }
        node.counters.add(Counter::HttpRequests, 1);
        request.extensions_mut().insert(peer);
        let answer = self.router.clone().oneshot(request.map(Body::new));
        match tokio::time::timeout(REQUEST_TIME, answer).await {
            Ok(answered) => answered,
            Err(_) => Ok(Problem::too_slow().into_response()),
        }
    }

    /// After hyper has ended: the raw socket and the bytes that came behind the head.
    async fn take_over(self: Rc<Self>, upgrade: Upgrade) {
        let Ok(upgraded) = upgrade.socket.await else {
            return;
        };
        let (stream, early) = match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => (Stream::Plain(parts.io.into_inner()), parts.read_buf),
            Err(upgraded) => match upgraded.downcast::<TokioIo<AcceptedTls<TcpStream>>>() {
                Ok(parts) => {
                    let (tcp, session) = parts.io.into_inner().into_inner();
                    (
                        Stream::Tls(Box::new(TlsStream::new(tcp, session))),
                        parts.read_buf,
                    )
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
        Duration::from_secs(u64::from(
            self.worker.node().setup.config.server.handshake_seconds,
        ))
    }
}

/// How far the requests of one socket are.
#[derive(Default)]
struct Requests {
    begun: Cell<u32>,
    answered: Cell<u32>,
}

impl Requests {
    async fn count<T>(&self, answer: impl Future<Output = T>) -> T {
        self.begun.set(self.begun.get().wrapping_add(1));
        let answered = answer.await;
        self.answered.set(self.answered.get().wrapping_add(1));
        answered
    }

    fn any(&self) -> bool {
        self.begun.get() > 0
    }

    fn pending(&self) -> bool {
        self.begun.get() != self.answered.get()
    }
}

fn bound(limit: u32, none: usize) -> usize {
    if limit == 0 {
        none
    } else {
        usize::try_from(limit).unwrap_or(none)
    }
}

/// How many times the handshake's time a socket may serve requests before it is ended in order:
/// who does not read the answers must not keep a place for ever.
const LIFE: u32 = 6;
/// How long a request that is no handshake may take, its body included.
const REQUEST_TIME: Duration = Duration::from_secs(15);
/// How long a socket without a request is still listened to when the server ends.
const FIRST_REQUEST_TIME: Duration = Duration::from_millis(250);
/// hyper's own least buffer.
const HEAD_BYTES_MIN: usize = 8192;
/// What "no limit" means for a head.
const HEAD_BYTES_MAX: usize = 1024 * 1024;
const HEAD_LINES_MAX: usize = 10_000;
