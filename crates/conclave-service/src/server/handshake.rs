//! From a stream of bytes to a connection that is served.

use std::net::IpAddr;
use std::time::Duration;

use conclave_websocket::handshake::{AcceptOptions, accept};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::answer;
use super::head::{self, Head, HeadFault};
use crate::address::Address;
use crate::auth::{AuthError, AuthRequest};
use crate::config::{Reject, ServerConfig};
use crate::dispatch::Dispatch;
use crate::service::Service;
use crate::serving::serve;
use crate::session::Session;
use crate::spec::ServiceSpec;
use crate::spelling::Spelling;
use crate::transport::{Transport, WebSocketBounds, WebSocketTransport};
use crate::{AsyncApiError, ErrorCode};

/// What a handshake is judged by, beside the service's own security.
#[derive(Clone, Debug)]
pub struct Policy {
    path: String,
    allowed_origins: Vec<String>,
    reject: Reject,
}

impl Policy {
    /// As these settings say.
    #[must_use]
    pub fn of(config: &ServerConfig, spec: &ServiceSpec) -> Self {
        let path = config.path.as_deref().unwrap_or(spec.base_path());
        Self {
            path: path.trim_end_matches('/').to_owned(),
            allowed_origins: config.allowed_origins.clone(),
            reject: config.reject,
        }
    }
}

/// What became of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// It was let in, and has ended; or it went away before.
    Ended,
    /// It was refused.
    Refused,
}

/// Serves one client on any stream of bytes, from its handshake to its end.
pub async fn serve_stream<D, S>(
    service: &Service<D>,
    mut stream: S,
    peer: Option<IpAddr>,
    policy: &Policy,
) -> Served
where
    D: Dispatch,
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let patience = Duration::from_secs(service.limits().handshake_seconds);
    let admission = Admission {
        service,
        peer,
        policy,
    };
    let judged = match timeout(patience, admission.judge(&mut stream)).await {
        Ok(judged) => judged,
        Err(_elapsed) => Err(Refusal::Http(408, "the handshake took too long")),
    };
    let bounds = WebSocketBounds {
        message_bytes: service.limits().message_bytes,
        fragments: service.limits().fragments_per_message,
    };
    match judged {
        Ok(Admitted {
            accept,
            early,
            session,
        }) => {
            let answer = answer::switching(accept);
            if matches!(
                timeout(patience, stream.write_all(&answer)).await,
                Ok(Ok(()))
            ) {
                serve(session, WebSocketTransport::server(stream, early, bounds)).await;
            }
            Served::Ended
        }
        Err(Refusal::Gone) => Served::Ended,
        Err(refusal) => {
            let said = say(refusal, stream, bounds);
            timeout(REFUSING_MAX, said).await.unwrap_or_default();
            Served::Refused
        }
    }
}

async fn say<S>(refusal: Refusal, mut stream: S, bounds: WebSocketBounds)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    match refusal {
        Refusal::Gone => {}
        Refusal::Http(status, detail) => {
            let answer = answer::problem(status, detail);
            if stream.write_all(&answer).await.is_ok() {
                stream.shutdown().await.unwrap_or_default();
            }
        }
        Refusal::Close {
            accept,
            code,
            reason,
        } => {
            if stream.write_all(&answer::switching(accept)).await.is_ok() {
                let mut transport = WebSocketTransport::server(stream, Vec::new(), bounds);
                transport.close(code, &reason).await;
            }
        }
    }
}

/// A handshake under judgement.
struct Admission<'a, D> {
    service: &'a Service<D>,
    peer: Option<IpAddr>,
    policy: &'a Policy,
}

struct Admitted<D: Dispatch> {
    accept: [u8; 28],
    early: Vec<u8>,
    session: Session<D>,
}

enum Refusal {
    /// By a WebSocket that is closed at once.
    Close {
        accept: [u8; 28],
        code: u16,
        reason: String,
    },
    /// The client went away.
    Gone,
    /// Without an upgrade.
    Http(u16, &'static str),
}

impl<D: Dispatch> Admission<'_, D> {
    async fn judge<S: AsyncRead + Unpin>(&self, stream: &mut S) -> Result<Admitted<D>, Refusal> {
        let head = match head::read(stream).await {
            Ok(head) => head,
            Err(HeadFault::Ended) => return Err(Refusal::Gone),
            Err(HeadFault::Malformed) => return Err(self.http(400, "the request is malformed")),
            Err(HeadFault::TooBig) => return Err(self.http(431, "the request's head is too big")),
        };
        let options = AcceptOptions::default();
        let accepted = accept(&head.method, head.is_http_1_1, head.lines(), &options);
        let accept = match accepted {
            Ok(accepted) => accepted.accept,
            Err(fault) => return Err(self.http(fault.status(), "a WebSocket handshake is needed")),
        };
        let has_origin = self.check_origin(&head)?;
        let request = self.request(&head, has_origin);
        let bound = self.bound(request.path())?;
        let identity = match self.service.authenticate(&request).await {
            Ok(identity) => identity,
            Err(fault) => return Err(self.unproved(accept, &fault)),
        };
        let session = self.service.open(identity, self.peer, bound).await;
        let session = session.map_err(|error| self.unopened(accept, &error))?;
        if let Some(spelling) = request.query("case").and_then(Spelling::named) {
            session.connection().spell(spelling);
        }
        Ok(Admitted {
            accept,
            early: head.early,
            session,
        })
    }

    fn request(&self, head: &Head, has_origin: bool) -> AuthRequest {
        let texts = head.lines().filter_map(|(name, value)| {
            let value = std::str::from_utf8(value).ok()?;
            Some((name, value))
        });
        let request = AuthRequest::new(&head.target).from_peer(self.peer);
        let request = texts.fold(request, |request, (name, value)| {
            request.with_header(name, value)
        });
        if has_origin {
            request.with_cookies_counted()
        } else {
            request
        }
    }

    /// Refuses pages of other origins; gives whether there is an origin at all.
    fn check_origin(&self, head: &Head) -> Result<bool, Refusal> {
        let mut origins = head.texts("origin");
        let Some(origin) = origins.next() else {
            return Ok(false);
        };
        let host = head.texts("host").next().unwrap_or_default();
        let is_own = origin
            .split_once("://")
            .is_some_and(|(_, own)| !own.is_empty() && own.eq_ignore_ascii_case(host));
        let listed = self
            .policy
            .allowed_origins
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(origin));
        if (is_own || listed) && origins.next().is_none() {
            return Ok(true);
        }
        Err(self.http(403, "the origin is not allowed"))
    }

    /// The address that the path names behind the service's own path, where it does.
    fn bound(&self, path: &str) -> Result<Option<Address>, Refusal> {
        let behind = path
            .strip_prefix(self.policy.path.as_str())
            .filter(|behind| behind.is_empty() || behind.starts_with('/'));
        let behind = behind.ok_or_else(|| self.http(404, "there is no service here"))?;
        let address = behind.strip_prefix('/').unwrap_or(behind);
        if address.is_empty() {
            return Ok(None);
        }
        // Documents write addresses with a slash at the front, and without.
        let spec = self.service.spec();
        [address, behind]
            .into_iter()
            .find_map(|address| {
                let (channel, _) = spec.find_address(address)?;
                Some(Some(Address::of(channel, address)))
            })
            .ok_or_else(|| self.http(404, "there is no such channel"))
    }

    /// A refusal that nobody has audited yet.
    fn http(&self, status: u16, detail: &'static str) -> Refusal {
        let code = match status {
            403 => ErrorCode::Forbidden,
            404 => ErrorCode::NotFound,
            431 => ErrorCode::TooLarge,
            _ => ErrorCode::InvalidPayload,
        };
        self.service.refuse_handshake(self.peer, code, detail);
        Refusal::Http(status, detail)
    }

    fn unproved(&self, accept: [u8; 28], fault: &AuthError) -> Refusal {
        let (status, code) = match fault {
            AuthError::Forbidden(_) => (403, 4003),
            AuthError::Unavailable => (503, 1013),
            _ => (401, 4001),
        };
        let detail = match fault {
            AuthError::Forbidden(_) => "the credential does not allow this",
            AuthError::Unavailable => "credentials cannot be checked now",
            AuthError::Missing => "a credential is missing",
            AuthError::Conflicting => "credentials contradict each other",
            AuthError::Expired | AuthError::Invalid(_) => "invalid or expired credential",
        };
        self.refusal(accept, (status, code), detail)
    }

    fn unopened(&self, accept: [u8; 28], error: &AsyncApiError) -> Refusal {
        match error.code() {
            ErrorCode::RateLimited => self.refusal(accept, (429, 4008), "too many connections"),
            ErrorCode::Forbidden | ErrorCode::NotFound | ErrorCode::Unauthenticated => {
                self.refusal(accept, (403, 4003), "no access to this channel")
            }
            ErrorCode::Unavailable => {
                self.refusal(accept, (503, 1001), "the service is not available")
            }
            _ => self.refusal(accept, (500, 1011), "the service failed"),
        }
    }

    fn refusal(
        &self,
        accept: [u8; 28],
        (status, code): (u16, u16),
        detail: &'static str,
    ) -> Refusal {
        match self.policy.reject {
            Reject::Close => Refusal::Close {
                accept,
                code,
                reason: detail.to_owned(),
            },
            Reject::Http => Refusal::Http(status, detail),
        }
    }
}

/// How long a refusal may take.
const REFUSING_MAX: Duration = Duration::from_secs(1);
