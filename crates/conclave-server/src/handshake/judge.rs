//! Who gets in: origin, request, limits, credential, permissions, in this order.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use axum::body::Body;
use axum::response::IntoResponse as _;
use conclave_core::{ConnectionBounds, ConnectionGuard, Full};
use conclave_dialects::TOPICS;
use conclave_protocol::{
    CloseMeaning, Dialect, DialectState, Disconnect, Grants, IssuerId, Principal, SessionId,
    SessionKind, SessionName,
};
use conclave_websocket::handshake::{AcceptOptions, Accepted, accept};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, UPGRADE, USER_AGENT};
use hyper::{Request, Response, StatusCode, Version};

use super::{Credential, Origin, Reception, Verdict, client_address, counted_as, credential};
use crate::audit::{Event, Kind};
use crate::config::Reject;
use crate::http::Problem;
use crate::identity::Unproved;
use crate::worker::Surface;

/// A handshake that was accepted.
pub(crate) struct Admission {
    pub(super) surface: Surface,
    pub(super) state: DialectState,
    pub(super) principal: Arc<Principal>,
    pub(super) epoch: u64,
    pub(super) deflate: Option<u8>,
    pub(super) address: IpAddr,
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

/// What the steps of a judgement share.
struct Case<'a> {
    request: &'a Request<Incoming>,
    surface: Surface,
    address: IpAddr,
    origin: Origin,
}

impl Reception {
    /// The surface at a path.
    pub(super) fn surface(&self, path: &str) -> Option<Surface> {
        let setup = &self.worker.node().setup;
        if setup.config.topics.enabled && path == setup.config.topics.path {
            return Some(Surface::Dialect(&TOPICS));
        }
        (setup.profile.conformance && path == "/echo").then_some(Surface::Echo)
    }

    /// Judges a request for a surface: the answer, and what its socket becomes after a 101.
    pub(super) async fn judge(
        self: &Rc<Self>,
        request: &Request<Incoming>,
        peer: IpAddr,
        surface: Surface,
    ) -> (Response<Body>, Option<Verdict>) {
        let node = self.worker.node();
        let config = &node.setup.config;
        let address = client_address(peer, request.headers(), &config.server.trusted_proxies);
        let origin = node.identity.origins().judge(request.headers());
        let case = Case {
            request,
            surface,
            address,
            origin,
        };
        let accepted = match self.check_request(&case) {
            Ok(accepted) => accepted,
            Err(no) => return (self.refuse(&case, None, &no), None),
        };
        match self.admit(&case, &accepted).await {
            Ok(admission) => {
                self.note(&case, Kind::HandshakeOk, Some(&admission.principal), "");
                let verdict = Verdict::Admitted(Box::new(admission));
                (switching(&accepted), Some(verdict))
            }
            Err(No::Close(meaning)) if config.auth.reject == Reject::Close => {
                let Disconnect { code, reason, .. } = disconnect(surface, meaning);
                self.strike(&case, &format!("{meaning:?}"));
                (
                    switching(&accepted),
                    Some(Verdict::Refused { code, reason }),
                )
            }
            Err(no) => (self.refuse(&case, Some(&accepted), &no), None),
        }
    }

    /// What is wrong before anybody asks who it is; never upgrades.
    fn check_request(&self, case: &Case<'_>) -> Result<Accepted<'static>, No> {
        let node = self.worker.node();
        let now = node.clock.monotonic();
        if node.draining.load(std::sync::atomic::Ordering::Relaxed) {
            let (code, detail) = ("unavailable", "the server is going away");
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
        let request = case.request;
        let lines = request.headers().iter();
        let headers: Vec<_> = lines
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let options = AcceptOptions {
            subprotocols: &[],
            deflate: true,
        };
        let is_1_1 = request.version() == Version::HTTP_11;
        accept(
            request.method().as_str(),
            is_1_1,
            headers.iter().copied(),
            &options,
        )
        .map_err(|error| {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            No::Http {
                status,
                code: "bad_request",
                detail: error.to_string().into(),
            }
        })
    }

    async fn admit(&self, case: &Case<'_>, accepted: &Accepted<'_>) -> Result<Admission, No> {
        let node = self.worker.node();
        let epoch = node.identity.epoch();
        let query = case.request.uri().query().unwrap_or_default();
        let principal = match case.surface {
            Surface::Echo => anonymous(),
            Surface::Dialect(_) => self.prove(case, query).await?,
        };
        let guard = self.count(case, &principal)?;
        let state = match case.surface {
            Surface::Echo => DialectState::default(),
            Surface::Dialect(dialect) => {
                let required = &node.setup.config.dialects.topics.require;
                let lacks = |name: &String| !principal.grants.allow_named(name, "");
                if required.iter().any(lacks) {
                    return Err(No::Close(CloseMeaning::Forbidden));
                }
                dialect.open(query, principal.user.is_some())
            }
        };
        Ok(Admission {
            surface: case.surface,
            state,
            principal,
            epoch,
            deflate: accepted.deflate.map(|deflate| deflate.window_bits_max),
            address: case.address,
            guard,
        })
    }

    async fn prove(&self, case: &Case<'_>, query: &str) -> Result<Arc<Principal>, No> {
        let node = self.worker.node();
        let identity = &node.identity;
        let proved = match credential(case.request.headers(), query, &case.origin) {
            Credential::None if node.setup.config.topics.anonymous => return Ok(anonymous()),
            Credential::None => Err(Unproved::Missing),
            Credential::Contradiction => Err(Unproved::Invalid),
            Credential::Ticket(ticket) => identity.redeem(&ticket, &case.origin),
            Credential::Token(token) => identity.admit(&token).await,
        };
        proved.map_err(|unproved| match unproved {
            Unproved::Invalid => No::Close(CloseMeaning::InvalidToken),
            Unproved::Missing => No::Close(CloseMeaning::MissingToken),
            Unproved::Payload => No::Close(CloseMeaning::InvalidPayload),
        })
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
        let (status, code, detail) = match no {
            No::Http {
                status,
                code,
                detail,
            } => (*status, *code, &**detail),
            No::Close(meaning) => by_http(*meaning),
        };
        // Being told to wait is not held against the address again.
        if accepted.is_none() && status == StatusCode::TOO_MANY_REQUESTS {
            self.note(case, Kind::LimitHit, None, detail);
        } else {
            self.strike(case, detail);
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
        self.note(case, Kind::HandshakeRefused, None, detail);
        let key = counted_as(case.address);
        let exempt = node.setup.profile.dev && case.address.is_loopback();
        if !exempt
            && node
                .identity
                .refused_handshakes()
                .strike(key, node.clock.monotonic())
        {
            self.note(
                case,
                Kind::LimitHit,
                None,
                "refused handshakes of this address",
            );
        }
    }

    fn note(&self, case: &Case<'_>, kind: Kind, principal: Option<&Principal>, detail: &str) {
        let node = self.worker.node();
        let mut event = Event::new(kind, node.clock.now())
            .ip(case.address)
            .path(case.request.uri().path());
        if !detail.is_empty() {
            event = event.detail(detail);
        }
        if let Some(agent) = case.request.headers().get(USER_AGENT) {
            event = event.user_agent(agent.as_bytes());
        }
        if let Some(principal) = principal {
            event = event.session(&principal.session.shown());
            if let Some(user) = &principal.user {
                event = event.user(user.as_str());
            }
        }
        node.audit.record(event);
    }
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
        CloseMeaning::Forbidden | CloseMeaning::BinaryFrame => {
            (StatusCode::FORBIDDEN, "forbidden", reason)
        }
        CloseMeaning::GoingAway => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", reason),
        CloseMeaning::InvalidPayload | CloseMeaning::InvalidToken | CloseMeaning::MissingToken => {
            (StatusCode::UNAUTHORIZED, "unauthenticated", reason)
        }
        CloseMeaning::RateLimited
        | CloseMeaning::Silent
        | CloseMeaning::SlowReader
        | CloseMeaning::TooManyConnections => {
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited", reason)
        }
    }
}

fn switching(accepted: &Accepted<'_>) -> Response<Body> {
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
