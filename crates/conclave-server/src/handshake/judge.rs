//! Who gets in: origin, request, limits, credential, permissions, in this order.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse as _;
use conclave_core::{ConnectionBounds, ConnectionGuard, Full, SharedLimit};
use conclave_dialects::TOPICS;
use conclave_protocol::{
    CloseMeaning, Dialect, DialectState, Disconnect, Grants, IssuerId, Principal, Refusal,
    SessionId, SessionKind, SessionName, Start, Timestamp,
};
use conclave_socketio::engine;
use conclave_websocket::handshake::{AcceptOptions, Accepted, accept};
use httparse::Header;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use hyper::{Response, StatusCode};

use super::fields::Fields as _;
use super::route::{PathUser, Route, RouteKind, route};
use super::{Credential, Origin, Reception, client_address, counted_as, credential};
use crate::audit::{Event, Kind};
use crate::config::Reject;
use crate::http::Problem;
use crate::identity::Unproved;
use crate::metrics::Counter;
use crate::polling::Session;
use crate::worker::Surface;

/// A handshake that was accepted.
pub(crate) struct Admission {
    pub(super) surface: Surface,
    pub(super) state: DialectState,
    pub(super) principal: Arc<Principal>,
    pub(super) epoch: u64,
    pub(super) deflate: Option<u8>,
    pub(super) address: IpAddr,
    pub(super) origin: Origin,
    pub(super) kind: RouteKind,
    pub(super) guard: ConnectionGuard,
}

/// Why a handshake is refused.
enum No {
    /// Before any upgrade, by HTTP.
    Http {
        status: StatusCode,
        code: &'static str,
        detail: Cow<'static, str>,
    },
    /// Too many come at once: before any upgrade, to come back after this.
    Busy(Duration),
    /// By Engine.IO's own words, before any upgrade.
    Engine(engine::Rejection),
    /// By the surface's close code, or by HTTP where `auth.reject` says so.
    Close(CloseMeaning),
}

impl No {
    const fn http(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self::Http {
            status,
            code,
            detail: Cow::Borrowed(detail),
        }
    }
}

/// A request for a surface, as it came.
pub(super) struct Plea<'a> {
    pub(super) method: &'a str,
    pub(super) is_http_1_1: bool,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) lines: &'a [Header<'a>],
    pub(super) route: Route,
    /// The socket's other end.
    pub(super) peer: IpAddr,
}

/// What becomes of a request for a surface.
pub(super) enum Judgement {
    /// No upgrade.
    Answered(Response<Body>),
    /// 101, and what the socket becomes then.
    Switching(Accepted<'static>, Verdict),
}

/// What an upgraded socket becomes.
pub(super) enum Verdict {
    Admitted(Box<Admission>),
    Refused {
        code: u16,
        reason: &'static str,
    },
    /// A WebSocket that wants to take over a session of long-polling.
    Relayed(Arc<Session>),
}

impl Verdict {
    /// Whether a frame follows the 101 before anything else is waited for.
    pub(super) fn speaks_at_once(&self) -> bool {
        match self {
            Self::Admitted(admission) => match admission.surface {
                Surface::Dialect(dialect) => {
                    matches!(
                        dialect.start(&admission.state),
                        Start::Connect | Start::Opened
                    )
                }
                Surface::Echo => false,
            },
            Self::Refused { .. } => true,
            Self::Relayed(_) => false,
        }
    }
}

/// A request that may be upgraded.
struct Granted {
    accepted: Accepted<'static>,
    /// The session of long-polling that it wants to take over.
    session: Option<Arc<Session>>,
}

/// What the steps of a judgement share.
struct Case<'a> {
    plea: &'a Plea<'a>,
    surface: Surface,
    address: IpAddr,
    origin: Origin,
}

impl Reception {
    /// The surface at a path.
    pub(super) fn route(&self, path: &str) -> Option<Route> {
        route(&self.worker.node().setup, path)
    }

    /// Judges a request for a surface. Waits only where the token's key may be fetched, or what
    /// it shows is to be asked for on the bus.
    pub(super) async fn judge(&self, plea: &Plea<'_>) -> Judgement {
        let case = self.case(plea);
        let granted = match self.check_request(&case) {
            Ok(granted) => granted,
            Err(no) => return Judgement::Answered(self.refuse(&case, None, &no)),
        };
        let epoch = self.worker.node().identity.epoch();
        let proved = match self.prove_now(&case) {
            Proving::Done(proved) => proved,
            Proving::Later(shown) => {
                let identity = &self.worker.node().identity;
                let admitted = match shown {
                    Shown::Ticket(ticket) => identity.redeem(&ticket, &case.origin).await,
                    Shown::Token(token) => identity.admit(&token).await,
                };
                admitted.map_err(unproved)
            }
        };
        self.settle(&case, granted, epoch, proved)
    }

    /// The same at once; `None`, and nothing has happened, where it would have to wait.
    pub(super) fn judge_now(&self, plea: &Plea<'_>) -> Option<Judgement> {
        let case = self.case(plea);
        let granted = match self.check_request(&case) {
            Ok(granted) => granted,
            Err(no) => return Some(Judgement::Answered(self.refuse(&case, None, &no))),
        };
        let epoch = self.worker.node().identity.epoch();
        match self.prove_now(&case) {
            Proving::Done(proved) => Some(self.settle(&case, granted, epoch, proved)),
            Proving::Later(_) => None,
        }
    }

    fn case<'a>(&self, plea: &'a Plea<'a>) -> Case<'a> {
        let node = self.worker.node();
        let proxies = &node.setup.config.server.trusted_proxies;
        Case {
            plea,
            surface: plea.route.surface,
            address: client_address(plea.peer, plea.lines, proxies),
            origin: node.identity.origins().judge(plea.lines),
        }
    }

    /// Who it is has been found, or not; what else it takes.
    fn settle(
        &self,
        case: &Case<'_>,
        granted: Granted,
        epoch: u64,
        proved: Result<Arc<Principal>, No>,
    ) -> Judgement {
        let Granted { accepted, session } = granted;
        if let Some(session) = session {
            return Judgement::Switching(accepted, Verdict::Relayed(session));
        }
        let deflate = accepted.deflate.map(|deflate| deflate.window_bits_max);
        let admitted = proved.and_then(|principal| self.admit(case, principal, epoch, deflate));
        match admitted {
            Ok(admission) => {
                let now = self.worker.node().clock.now();
                let line = || self.line(case, Kind::HandshakeOk, now, Some(&admission.principal));
                let audit = &self.worker.node().audit;
                audit.record_usual(Kind::HandshakeOk, now, line);
                Judgement::Switching(accepted, Verdict::Admitted(Box::new(admission)))
            }
            Err(No::Close(meaning))
                if self.worker.node().setup.config.auth.reject == Reject::Close =>
            {
                let Disconnect { code, reason, .. } = disconnect(case.surface, meaning);
                self.strike(case, &format!("{meaning:?}"));
                Judgement::Switching(accepted, Verdict::Refused { code, reason })
            }
            Err(no) => Judgement::Answered(self.refuse(case, Some(&accepted), &no)),
        }
    }

    /// What is wrong before anybody asks who it is; never upgrades.
    fn check_request(&self, case: &Case<'_>) -> Result<Granted, No> {
        let node = self.worker.node();
        let now = node.clock.monotonic();
        if node.draining.load(std::sync::atomic::Ordering::Relaxed) {
            let (code, detail) = ("unavailable", "the server is going away");
            return Err(No::http(StatusCode::SERVICE_UNAVAILABLE, code, detail));
        }
        if node.nodes.refuses_handshakes(now) {
            let (code, detail) = ("unavailable", "what was revoked cannot be known now");
            return Err(No::http(StatusCode::SERVICE_UNAVAILABLE, code, detail));
        }
        if node
            .identity
            .refused_handshakes()
            .wait(&counted_as(case.address), now)
            .is_some()
        {
            let (code, detail) = ("rate_limited", "too many refused handshakes");
            return Err(No::http(StatusCode::TOO_MANY_REQUESTS, code, detail));
        }
        if case.origin == Origin::Refused {
            let (code, detail) = ("forbidden", "this Origin or Host is not allowed");
            return Err(No::http(StatusCode::FORBIDDEN, code, detail));
        }
        let plea = case.plea;
        let session = if plea.route.kind == RouteKind::SocketIo {
            self.check_engine(plea)?
        } else {
            None
        };
        let lines = plea.lines.iter().map(|line| (line.name, line.value));
        let options = AcceptOptions {
            subprotocols: &[],
            // What is relayed goes over as it is, so both ends must frame alike.
            deflate: session.is_none(),
        };
        let accepted = accept(plea.method, plea.is_http_1_1, lines, &options).map_err(|error| {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            No::Http {
                status,
                code: "bad_request",
                detail: error.to_string().into(),
            }
        });
        accepted.map(|accepted| Granted { accepted, session })
    }

    /// The session that a WebSocket wants to take over; `None` where it begins its own.
    fn check_engine(&self, plea: &Plea<'_>) -> Result<Option<Arc<Session>>, No> {
        let node = self.worker.node();
        let arrival = engine::Arrival {
            method: plea.method,
            query: plea.query,
            upgrade: true,
        };
        let asked = engine::Request::parse(&arrival, node.offer());
        let asked = match asked {
            Ok(engine::Request::Upgrade(sid)) => match node.polls.find(sid.get()) {
                Some(session) => return Ok(Some(session)),
                None => Err(engine::Rejection::SessionUnknown),
            },
            Ok(_) => return Ok(None),
            Err(rejection) => Err(rejection),
        };
        asked.map_err(No::Engine)
    }

    fn admit(
        &self,
        case: &Case<'_>,
        principal: Arc<Principal>,
        epoch: u64,
        deflate: Option<u8>,
    ) -> Result<Admission, No> {
        let node = self.worker.node();
        match (&case.plea.route.user, &principal.user) {
            (PathUser::Anybody, _) => {}
            (PathUser::Only(owner), Some(user)) if owner == user => {}
            (PathUser::Only(_) | PathUser::Nobody, _) => {
                return Err(No::Close(CloseMeaning::Forbidden));
            }
        }
        let admitted = self.pace.admit(node.clock.monotonic(), || node.dice.roll());
        admitted.map_err(No::Busy)?;
        let guard = self.count(case, &principal)?;
        let state = match case.surface {
            Surface::Echo => DialectState::default(),
            Surface::Dialect(dialect) => {
                let route = &case.plea.route;
                let late = dialect.start(&DialectState::default()) == Start::Connect;
                let required = node.required_permissions(route.kind);
                let lacks = |name: &String| !principal.grants.allow_named(name, "");
                if !late && required.iter().any(lacks) {
                    return Err(No::Close(CloseMeaning::Forbidden));
                }
                let shown = || credential(case.plea.lines, case.plea.query, &case.origin);
                let shows = if late {
                    !matches!(shown(), Credential::None)
                } else {
                    principal.user.is_some()
                };
                let mut state = dialect.open(case.plea.query, shows);
                if let (Some(room), Some(place)) = (&route.room, state.place.as_deref_mut()) {
                    place.room = Some(room.clone());
                }
                state
            }
        };
        Ok(Admission {
            surface: case.surface,
            state,
            principal,
            epoch,
            deflate,
            address: case.address,
            origin: case.origin.clone(),
            kind: case.plea.route.kind,
            guard,
        })
    }

    fn prove_now(&self, case: &Case<'_>) -> Proving {
        let node = self.worker.node();
        let identity = &node.identity;
        // They say who they are after the upgrade, or never.
        if matches!(case.plea.route.kind, RouteKind::Echo | RouteKind::SocketIo) {
            return Proving::Done(Ok(nobody()));
        }
        let anonymous_may =
            case.plea.route.kind == RouteKind::Topics && node.setup.config.topics.anonymous;
        let proved = match credential(case.plea.lines, case.plea.query, &case.origin) {
            Credential::None if anonymous_may => Ok(anonymous()),
            Credential::None => Err(Unproved::Missing),
            Credential::Contradiction => Err(Unproved::Invalid),
            Credential::Ticket(ticket) => match identity.redeem_now(&ticket, &case.origin) {
                Some(redeemed) => redeemed,
                None => return Proving::Later(Shown::Ticket(ticket)),
            },
            Credential::Token(token) => match identity.admit_now(&token) {
                Some(admitted) => admitted,
                None => return Proving::Later(Shown::Token(token)),
            },
        };
        Proving::Done(proved.map_err(unproved))
    }

    fn count(&self, case: &Case<'_>, principal: &Principal) -> Result<ConnectionGuard, No> {
        let node = self.worker.node();
        let limits = &node.limits;
        let uncounted = node.setup.profile.dev && case.address.is_loopback();
        let address = (!uncounted).then(|| counted_as(case.address));
        let bounds = ConnectionBounds {
            user: limits.connections_per_user,
            address: limits.connections_per_address,
            all: node.connections_max,
        };
        let counted = node
            .connections
            .open(principal.user.as_ref(), address, bounds);
        if counted.is_err() {
            node.counters.add(Counter::ConnectionsLimited, 1);
        }
        counted.map_err(|full| match full {
            Full::Address => No::http(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "too many connections from this address",
            ),
            Full::All | Full::User => No::Close(CloseMeaning::TooManyConnections),
        })
    }

    fn refuse(&self, case: &Case<'_>, accepted: Option<&Accepted<'_>>, no: &No) -> Response<Body> {
        let counters = &self.worker.node().counters;
        let (status, code, detail) = match no {
            No::Http {
                status,
                code,
                detail,
            } => (*status, *code, &**detail),
            No::Busy(wait) => {
                let text = "too many clients come at once";
                counters.add(Counter::HandshakesLimited, 1);
                self.note(case, Kind::LimitHit, text);
                let busy = Problem::refused(Refusal::Unavailable, text);
                return busy.after(*wait).into_response();
            }
            No::Close(meaning) => by_http(*meaning),
            No::Engine(rejection) => {
                self.strike(case, rejection.message());
                let status = StatusCode::from_u16(rejection.status());
                let kind = [(CONTENT_TYPE, "application/json")];
                let status = status.unwrap_or(StatusCode::BAD_REQUEST);
                return (status, kind, rejection.body()).into_response();
            }
        };
        match status {
            // Being told to wait is not held against the address again.
            StatusCode::TOO_MANY_REQUESTS if accepted.is_none() => {
                counters.add(Counter::HandshakesLimited, 1);
                self.note(case, Kind::LimitHit, detail);
            }
            // Nor is what is the server's own affair.
            StatusCode::SERVICE_UNAVAILABLE => self.note(case, Kind::HandshakeRefused, detail),
            _ => self.strike(case, detail),
        }
        let mut response = Problem::new(status, code, detail.to_owned()).into_response();
        if status == StatusCode::METHOD_NOT_ALLOWED {
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET"));
        }
        response
    }

    /// Counts a refusal against the address, and writes it down.
    fn strike(&self, case: &Case<'_>, detail: &str) {
        let node = self.worker.node();
        self.note(case, Kind::HandshakeRefused, detail);
        let key = counted_as(case.address);
        if node.setup.profile.dev && case.address.is_loopback() {
            return;
        }
        node.nodes
            .spend(SharedLimit::Handshakes, || key.to_string());
        let strikes = node.identity.refused_handshakes();
        if strikes.strike(key, node.clock.monotonic()) {
            self.note(case, Kind::LimitHit, "refused handshakes of this address");
        }
    }

    fn note(&self, case: &Case<'_>, kind: Kind, detail: &str) {
        let node = self.worker.node();
        let line = self.line(case, kind, node.clock.now(), None);
        node.audit.record(line.detail(detail));
    }

    fn line(
        &self,
        case: &Case<'_>,
        kind: Kind,
        at: Timestamp,
        principal: Option<&Principal>,
    ) -> Event {
        let mut event = Event::new(kind, at).ip(case.address).path(case.plea.path);
        if let Some(agent) = case.plea.lines.values("user-agent").next() {
            event = event.user_agent(agent);
        }
        if let Some(principal) = principal {
            event = event.session(&principal.session.shown());
            if let Some(user) = &principal.user {
                event = event.user(user.as_str());
            }
        }
        event
    }
}

/// Who a request proves.
enum Proving {
    Done(Result<Arc<Principal>, No>),
    /// Somebody has to be asked about this.
    Later(Shown),
}

/// What a request shows. Has no Debug: it is secret.
enum Shown {
    Ticket(String),
    Token(String),
}

fn unproved(unproved: Unproved) -> No {
    No::Close(match unproved {
        Unproved::Invalid => CloseMeaning::InvalidToken,
        Unproved::Missing => CloseMeaning::MissingToken,
        Unproved::Payload => CloseMeaning::InvalidPayload,
        Unproved::Unavailable => {
            let (code, detail) = ("unavailable", "who this is cannot be known now");
            return No::http(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        }
    })
}

/// A principal that may do nothing yet.
pub(crate) fn nobody() -> Arc<Principal> {
    let anonymous = anonymous();
    Arc::new(Principal {
        grants: Arc::default(),
        ..Principal::clone(&anonymous)
    })
}

/// A principal without a token. Its session is settled by its first commands.
fn anonymous() -> Arc<Principal> {
    #[expect(clippy::expect_used, reason = "a constant")]
    let name = SessionName::new("session-").expect("a valid name");
    let session = SessionId {
        kind: SessionKind::Anonymous,
        issuer: IssuerId(0),
        name,
    };
    Arc::new(Principal {
        user: None,
        session,
        session_named_by_token: false,
        name: None,
        grants: Arc::new(Grants::new(["topic.subscribe", "topic.publish"])),
        token: None,
        family: None,
        issued_at: None,
        expires_at: None,
    })
}

fn disconnect(surface: Surface, meaning: CloseMeaning) -> Disconnect {
    match surface {
        Surface::Dialect(dialect) => dialect.disconnect(meaning),
        Surface::Echo => TOPICS.disconnect(meaning),
    }
}

fn by_http(meaning: CloseMeaning) -> (StatusCode, &'static str, &'static str) {
    let Disconnect { reason, .. } = TOPICS.disconnect(meaning);
    match meaning {
        CloseMeaning::BinaryFrame
        | CloseMeaning::Forbidden
        | CloseMeaning::Kicked
        | CloseMeaning::Left
        | CloseMeaning::Malformed => (StatusCode::FORBIDDEN, "forbidden", reason),
        CloseMeaning::GoingAway => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", reason),
        CloseMeaning::InvalidPayload | CloseMeaning::InvalidToken | CloseMeaning::MissingToken => {
            (StatusCode::UNAUTHORIZED, "unauthenticated", reason)
        }
        CloseMeaning::RateLimited
        | CloseMeaning::Silent
        | CloseMeaning::SlowReader
        | CloseMeaning::Superseded
        | CloseMeaning::TooManyConnections => {
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited", reason)
        }
    }
}

/// The 101 for hyper to send.
pub(super) fn switching(accepted: &Accepted<'_>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(value) = HeaderValue::from_bytes(&accepted.accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, value);
    }
    if let Some(deflate) = accepted.deflate {
        let value = HeaderValue::from_static(deflate.header_value());
        headers.insert("sec-websocket-extensions", value);
    }
    response
}

/// The 101 as it is sent.
pub(super) fn switching_bytes(accepted: &Accepted<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(SWITCHING);
    out.extend_from_slice(&accepted.accept);
    if let Some(deflate) = accepted.deflate {
        out.extend_from_slice(b"\r\nsec-websocket-extensions: ");
        out.extend_from_slice(deflate.header_value().as_bytes());
    }
    out.extend_from_slice(b"\r\n\r\n");
}

const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ";
