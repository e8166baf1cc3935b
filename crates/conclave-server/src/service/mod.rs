//! The `service` dialect at `/chat` (service.md): what stands behind the traits that are generated
//! from `examples/websocket-secure/asyncapi.yaml`.
//!
//! A connection is a worker's like every other (`worker/calls.rs`); the generated router reads its
//! requests and writes the answers, and the handlers here ask the core, by permits. Reading order:
//! `caller` (who asks), `chat`, `profile`, `session` (the handlers), `faults` (refusals), `dialect`
//! (what nobody asked for).

mod caller;
mod chat;
mod dialect;
mod faults;
mod profile;
mod session;

use std::sync::Arc;

use conclave_chat::service::Router;
use conclave_chat::spec::SPEC;
use conclave_core::Rooms;
use conclave_protocol::{Clock, Limits, Principal};
use conclave_service::{
    Audit, AuditEvent, AuthError, Authenticator, Claims, Credential, Identity as Proved,
    Requirement, Scheme, Service, Session, StartError, async_trait,
};

pub(crate) use caller::Caller;
pub(crate) use dialect::{SERVICE, ServiceDialect};

use crate::assistant::Answers;
use crate::identity::{Identity, Unproved};

/// The handlers, each for the channels that it serves.
pub(crate) type Chat = Router<Arc<Desk>, Arc<Desk>, Arc<Desk>, Arc<Desk>>;
/// The service that workers open connections of.
pub(crate) type ChatService = Service<Chat>;
/// One connection's way through it.
pub(crate) type ChatSession = Session<Chat>;

/// What the handlers work with.
pub(crate) struct Desk {
    rooms: Arc<Rooms>,
    answers: Arc<Answers>,
    identity: Arc<Identity>,
}

/// The service over these rooms, and the assistant in them.
///
/// # Errors
/// The document and its authenticators do not fit.
pub(crate) fn open(
    (rooms, answers): (Arc<Rooms>, Arc<Answers>),
    identity: Arc<Identity>,
    clock: Arc<dyn Clock>,
    limits: &Limits,
) -> Result<ChatService, StartError> {
    let desk = Arc::new(Desk {
        rooms,
        answers,
        identity: Arc::clone(&identity),
    });
    let router = Router::new(
        Arc::clone(&desk),
        Arc::clone(&desk),
        Arc::clone(&desk),
        desk,
    );
    Service::builder(&SPEC, router)
        .authenticator(SCHEME, Tokens(identity))
        .audit(Witnessed)
        .limits(bounds(limits))
        .clock(clock)
        .build()
}

/// What the runtime bounds by itself. Connections, messages and bytes are the workers' to count,
/// over all surfaces.
fn bounds(limits: &Limits) -> conclave_service::Limits {
    conclave_service::Limits {
        connections: usize::MAX,
        connections_per_user: usize::MAX,
        messages_per_second: 0,
        outbox_bytes: match limits.outbox_bytes {
            0 => usize::MAX,
            bytes => bytes,
        },
        ..conclave_service::Limits::default()
    }
}

/// Whom the handshake's judge has proved, as the service knows them; `None` for the anonymous.
pub(crate) fn proved(principal: &Principal) -> Option<Proved> {
    let claims = Claims::of_principal(principal, None)?;
    let requirement = Requirement::new(SCHEME, Scheme::HttpBearer);
    Some(Proved::proved(requirement, claims))
}

/// Reads tokens as every surface does. The document asks for a scheme, and this is what stands
/// behind it, though the judge of handshakes has looked at the token before the service does.
struct Tokens(Arc<Identity>);

#[async_trait]
impl Authenticator for Tokens {
    async fn authenticate(&self, credential: &Credential) -> Result<Claims, AuthError> {
        let Credential::Token(token) = credential else {
            return Err(AuthError::Missing);
        };
        let principal = self.0.admit(token).await.map_err(|fault| match fault {
            Unproved::Missing => AuthError::Missing,
            Unproved::Unavailable => AuthError::Unavailable,
            Unproved::Invalid | Unproved::Payload => AuthError::Invalid(String::new()),
        })?;
        Claims::of_principal(&principal, None).ok_or(AuthError::Missing)
    }
}

/// The worker writes down what was refused, with what it knows of the connection.
struct Witnessed;

impl Audit for Witnessed {
    fn record(&self, _event: &AuditEvent<'_>) {}
}

/// The document's scheme.
const SCHEME: &str = "jwtAuth";
