//! From an accepted socket to a connection: the handshake's judgement, and HTTP by hyper.
//!
//! Reading order: this file (the life of a socket before its upgrade), `opening` (a handshake
//! whose head comes whole, which hyper never sees), `judge` (who gets in), `credential`, `origin`,
//! `address`, `fields` (where they read), `route` (which surface), `refusal` (how the others are told), `under_way` (how
//! many there may be), `patience` (for how long), `fault` (those that never get as far as a
//! request), `rewound` (how hyper gets what was read before).

mod address;
mod credential;
mod fault;
mod fields;
mod judge;
mod opening;
mod origin;
mod pace;
mod patience;
mod refusal;
mod rewound;
mod route;
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
use hyper::{Method, Request, Response, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::ServiceExt as _;

pub(crate) use address::{client_address, counted_as};
pub(crate) use credential::{ACCESS_COOKIE, Credential, cookie, credential};
pub(crate) use judge::nobody;
pub(crate) use opening::Entrance;
pub(crate) use origin::{Origin, Origins};
pub(crate) use pace::Pace;
pub(crate) use patience::Patience;
pub(crate) use route::{ENGINE_ECHO_PATH, Route, RouteKind, route};
pub(crate) use under_way::{Crowded, Place, UnderWay};

use fault::Fault;
use judge::{Judgement, Plea, Verdict, switching};
use opening::{First, Raw};
use rewound::Rewound;

use crate::http::Problem;
use crate::listen::TlsKeys;
use crate::metrics::Counter;
use crate::polling;
use crate::worker::{Arrival, Drive, Stream, Worker};

/// What serving a socket takes; one per worker.
pub(crate) struct Reception {
    pub(crate) worker: Rc<Worker>,
    pub(crate) router: axum::Router,
    pub(crate) stop: watch::Receiver<bool>,
    /// Sockets that are not WebSocket connections yet.
    pub(crate) under_way: UnderWay,
    /// How fast they may become connections.
    pub(crate) pace: Pace,
    /// For those of them that have said nothing.
    pub(crate) patience: Rc<Patience>,
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

impl Reception {
    /// Serves a socket until it is a connection, which it gives, or closed. One deadline covers
    /// TLS and head.
    pub(crate) async fn serve(
        self: Rc<Self>,
        socket: TcpStream,
        peer: SocketAddr,
        tls: Option<Arc<TlsKeys>>,
        _place: Place,
    ) -> Option<Drive> {
        let limit = self.handshake_time();
        let until = self.worker.node().clock.monotonic().saturating_add(limit);
        let peer = Peer {
            address: peer.ip().to_canonical(),
            encrypted: tls.is_some(),
        };
        match tls {
            None => self.open(socket, peer, until).await,
            // On the heap, so that others need not carry its size.
            Some(tls) => Box::pin(self.serve_encrypted(socket, peer, &tls, until)).await,
        }
    }

    async fn serve_encrypted(
        self: &Rc<Self>,
        socket: TcpStream,
        peer: Peer,
        tls: &TlsKeys,
        until: Duration,
    ) -> Option<Drive> {
        let limit = self.handshake_time();
        match tokio::time::timeout(limit, Box::pin(tls.acceptor().accept(socket))).await {
            Ok(Ok(socket)) => return self.open(socket, peer, until).await,
            Ok(Err(error)) => self.note_tls_fault(peer.address, Some(&error)),
            Err(_) => self.note_tls_fault(peer.address, None),
        }
        None
    }

    /// Serves a socket by hyper, which begins with what was read of it.
    async fn http<S: Raw>(
        self: &Rc<Self>,
        socket: S,
        first: First,
        peer: Peer,
        head_time: Duration,
    ) {
        let upgrade = Rc::new(RefCell::new(None));
        let requests = Requests::default();
        let found = Cell::new(first.answer);
        let service = service_fn(|request| {
            let found = found.take();
            requests.time.set(self.request_time(&request));
            requests.count(self.answer(request, peer, found, &upgrade))
        });
        let socket = Rewound::new(socket, first.bytes);
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
                    requests.time.get()
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
            tokio::task::spawn_local(Rc::clone(self).take_over::<S>(upgrade));
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
            let (socket, _) = parts.io.into_inner().into_parts();
            self.end_faulty(socket, peer.address, fault).await;
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
        found: Option<Response<Body>>,
        slot: &Rc<RefCell<Option<Upgrade>>>,
    ) -> Result<Response<Body>, Infallible> {
        let node = self.worker.node();
        if let Some(found) = found {
            node.counters.add(Counter::HandshakesRefused, 1);
            return Ok(found);
        }
        if let Some(route) = self.route_of(&request) {
            return Ok(match self.judge_request(&request, peer, route).await {
                Judgement::Answered(answer) => {
                    node.counters.add(Counter::HandshakesRefused, 1);
                    answer
                }
                Judgement::Switching(accepted, verdict) => {
                    let socket = hyper::upgrade::on(&mut request);
                    slot.replace(Some(Upgrade { socket, verdict }));
                    switching(&accepted)
                }
            });
        }
        node.counters.add(Counter::HttpRequests, 1);
        request.extensions_mut().insert(peer);
        let time = self.request_time(&request);
        let answer = self.router.clone().oneshot(request.map(Body::new));
        match tokio::time::timeout(time, answer).await {
            Ok(answered) => answered,
            Err(_) => Ok(Problem::too_slow().into_response()),
        }
    }

    /// How long a request that is no handshake may take. A poll waits for news, and the longest
    /// for the next heartbeat.
    fn request_time(&self, request: &Request<Incoming>) -> Duration {
        let polls = request.method() == Method::GET
            && self
                .route(request.uri().path())
                .is_some_and(|route| route.kind == RouteKind::SocketIo);
        if polls { POLL_TIME } else { REQUEST_TIME }
    }

    /// The surface that a request is for. A request that asks for no upgrade is one for HTTP
    /// where there is something else at its path.
    fn route_of(&self, request: &Request<Incoming>) -> Option<Route> {
        let route = self.route(request.uri().path())?;
        let asks = request.headers().contains_key(hyper::header::UPGRADE);
        let shared = match route.kind {
            RouteKind::Conversation => request.uri().path() == "/ws/stats",
            RouteKind::SocketIo => true,
            RouteKind::Echo | RouteKind::Service | RouteKind::Topics | RouteKind::Wallet => false,
        };
        (asks || !shared).then_some(route)
    }

    async fn judge_request(
        &self,
        request: &Request<Incoming>,
        peer: Peer,
        route: Route,
    ) -> Judgement {
        let lines: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| httparse::Header {
                name: name.as_str(),
                value: value.as_bytes(),
            })
            .collect();
        let plea = Plea {
            method: request.method().as_str(),
            is_http_1_1: request.version() == Version::HTTP_11,
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            lines: &lines,
            route,
            peer: peer.address,
        };
        self.judge(&plea).await
    }

    /// After hyper has ended: the raw socket and the bytes that came behind the head.
    async fn take_over<S: Raw>(self: Rc<Self>, upgrade: Upgrade) {
        let Ok(upgraded) = upgrade.socket.await else {
            return;
        };
        let Ok(parts) = upgraded.downcast::<TokioIo<Rewound<S>>>() else {
            return;
        };
        let (socket, rest) = parts.io.into_inner().into_parts();
        let early = [&*parts.read_buf, &*rest].concat();
        let entered = self.enter(socket.into_stream(), early, upgrade.verdict);
        if let Some(drive) = entered.await {
            tokio::task::spawn_local(drive);
        }
    }

    /// After the 101: the connection, or what a refused client is told.
    async fn enter(&self, stream: Stream, early: Vec<u8>, verdict: Verdict) -> Option<Drive> {
        match verdict {
            Verdict::Refused { code, reason } => {
                Box::pin(refusal::close(stream, code, reason)).await;
                None
            }
            Verdict::Relayed(session) => {
                tokio::task::spawn_local(polling::relay(stream, early, session));
                None
            }
            Verdict::Admitted(admission) => {
                let admission = *admission;
                Some(self.worker.attach(Arrival {
                    stream,
                    early,
                    surface: admission.surface,
                    state: admission.state,
                    principal: admission.principal,
                    epoch: admission.epoch,
                    deflate: admission.deflate,
                    address: admission.address,
                    origin: admission.origin,
                    kind: admission.kind,
                    sid: None,
                    guard: admission.guard,
                }))
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
    /// How long the last one may take.
    time: Cell<Duration>,
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
/// How long a poll may wait: more than two heartbeats are apart, and their answer may take.
const POLL_TIME: Duration = Duration::from_secs(60);
/// How long a socket without a request is still listened to when the server ends.
const FIRST_REQUEST_TIME: Duration = Duration::from_millis(250);
/// hyper's own least buffer.
const HEAD_BYTES_MIN: usize = 8192;
/// What "no limit" means for a head.
const HEAD_BYTES_MAX: usize = 1024 * 1024;
const HEAD_LINES_MAX: usize = 10_000;
