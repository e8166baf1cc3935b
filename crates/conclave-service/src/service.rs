//! A described service with its handlers and its security: what connections are served by.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use conclave_auth::Random;
use conclave_protocol::{Clock, Timestamp};
use serde::Serialize;

use crate::address::Address;
use crate::audit::{Audit, AuditEvent, AuditKind, JsonLines};
use crate::auth::{AuthError, AuthRequest, Authenticator, Gate, Identity, StartError};
use crate::connection::{Closing, Connection, Opening};
use crate::dispatch::Dispatch;
use crate::envelope::{Head, write_envelope};
use crate::hub::{Audience, Connections, GOING_AWAY, Hub, NoSubscriptions, Reach, Subscriptions};
use crate::ids::{Stamps, stamp};
use crate::limits::Limits;
use crate::machine::{SystemClock, SystemRandom};
use crate::payload;
use crate::session::Session;
use crate::spec::ServiceSpec;
use crate::spelling::{Spelling, respell_envelope};
use crate::{AsyncApiError, AsyncApiResult, ErrorCode};

/// A service that connections can be opened on. Cheap to clone; all clones are one service.
pub struct Service<D>(pub(crate) Arc<Core<D>>);

pub(crate) struct Core<D> {
    pub(crate) spec: &'static ServiceSpec,
    pub(crate) dispatch: D,
    pub(crate) gate: Arc<Gate>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) subscriptions: Arc<dyn Subscriptions>,
    pub(crate) audit: Arc<dyn Audit>,
    pub(crate) limits: Limits,
    pub(crate) stamps: Stamps,
}

/// What a [`Service`] is made from.
pub struct ServiceBuilder<D> {
    spec: &'static ServiceSpec,
    dispatch: D,
    authenticators: BTreeMap<String, Arc<dyn Authenticator>>,
    subscriptions: Arc<dyn Subscriptions>,
    audit: Arc<dyn Audit>,
    limits: Limits,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl<D: Dispatch> Service<D> {
    /// A service as described, with its handlers.
    #[must_use]
    pub fn builder(spec: &'static ServiceSpec, dispatch: D) -> ServiceBuilder<D> {
        ServiceBuilder {
            spec,
            dispatch,
            authenticators: BTreeMap::new(),
            subscriptions: Arc::new(NoSubscriptions),
            audit: Arc::new(JsonLines::stderr()),
            limits: Limits::default(),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }

    /// Whom a handshake proves; each refusal is audited.
    ///
    /// # Errors
    /// Nobody, or not what the document asks for.
    pub async fn authenticate(&self, request: &AuthRequest) -> Result<Identity, AuthError> {
        let judged = self.0.gate.admit(request).await;
        if let Err(fault) = &judged {
            let code = match fault {
                AuthError::Forbidden(_) => ErrorCode::Forbidden,
                AuthError::Unavailable => ErrorCode::Unavailable,
                _ => ErrorCode::Unauthenticated,
            };
            self.refuse_handshake(request.peer(), code, fault.detail());
        }
        judged
    }

    /// Opens a connection for somebody who was authenticated; `bound` is the address that the
    /// handshake's path named, where it did.
    ///
    /// # Errors
    /// The user has too many connections, may not hear the address, or the service refused.
    pub async fn open(
        &self,
        identity: Identity,
        peer: Option<IpAddr>,
        bound: Option<Address>,
    ) -> AsyncApiResult<Session<D>> {
        let opening = Opening {
            id: self.0.hub.next_id(),
            peer,
            bound: bound.clone(),
            identity,
            outbox_bytes_max: self.0.limits.outbox_bytes,
            own_spelling: self.0.spec.spelling,
        };
        let connection = Connection::new(opening, &self.0.gate, Arc::downgrade(&self.0.hub));
        if let Err(reason) = self.0.hub.open(&connection) {
            let error = if reason == GOING_AWAY {
                AsyncApiError::unavailable(reason)
            } else {
                AsyncApiError::rate_limited(reason)
            };
            self.refuse_handshake(peer, error.code(), reason);
            return Err(error);
        }
        let session = Session::new(self.clone(), connection.clone());
        if let Err(error) = self.settle(&connection, bound.as_ref()).await {
            self.refuse_handshake(peer, error.code(), error.message());
            return Err(error);
        }
        let claims = connection.claims();
        self.0.audit.record(&AuditEvent {
            connection: Some(connection.id()),
            user: claims.as_ref().map(crate::Claims::subject),
            address: peer,
            ..self.event(AuditKind::HandshakeAccepted, "")
        });
        Ok(session)
    }

    /// Subscribes a new connection to what it hears from the start.
    async fn settle(&self, connection: &Connection, bound: Option<&Address>) -> AsyncApiResult<()> {
        let subscriptions = &self.0.subscriptions;
        let parameterised = bound.filter(|address| {
            let channel = self.0.spec.channel(address.channel());
            channel.is_some_and(crate::ChannelSpec::is_parameterised)
        });
        if let Some(address) = parameterised {
            if !subscriptions.may_subscribe(connection, address).await? {
                return Err(AsyncApiError::forbidden("no access to this channel"));
            }
            connection.subscribe(address)?;
        }
        subscriptions.opened(connection).await
    }

    /// Audits a refused handshake.
    pub(crate) fn refuse_handshake(&self, peer: Option<IpAddr>, code: ErrorCode, detail: &str) {
        self.0.audit.record(&AuditEvent {
            address: peer,
            code: Some(code),
            ..self.event(AuditKind::HandshakeRefused, detail)
        });
    }

    pub(crate) fn event<'a>(&self, kind: AuditKind, detail: &'a str) -> AuditEvent<'a> {
        AuditEvent {
            kind,
            at: self.0.stamps.clock().now(),
            connection: None,
            user: None,
            address: None,
            operation: None,
            correlation_id: None,
            code: None,
            detail,
        }
    }

    /// Publishes what the service sends.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        Publisher {
            spec: self.0.spec,
            hub: Arc::clone(&self.0.hub),
            stamps: self.0.stamps.clone(),
        }
    }

    /// The open connections.
    #[must_use]
    pub fn connections(&self) -> Connections {
        Connections(Arc::clone(&self.0.hub))
    }

    /// What it is described by.
    #[must_use]
    pub fn spec(&self) -> &'static ServiceSpec {
        self.0.spec
    }

    /// Its bounds.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Ends every connection with 1001, after what waits for it has been written, and refuses new
    /// ones from now on.
    pub fn close_all(&self) {
        self.0.hub.close_all(Closing {
            code: 1001,
            reason: GOING_AWAY,
            at_once: false,
        });
    }
}

impl<D> Clone for Service<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D> fmt::Debug for Service<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({})", self.0.spec.title)
    }
}

impl<D: Dispatch> ServiceBuilder<D> {
    /// What checks the credentials of the scheme of this name in the document.
    #[must_use]
    pub fn authenticator(
        mut self,
        scheme: &str,
        authenticator: impl Authenticator + 'static,
    ) -> Self {
        let authenticator = Arc::new(authenticator);
        self.authenticators.insert(scheme.to_owned(), authenticator);
        self
    }

    /// Who hears channels with parameters; nobody, where nothing is said.
    #[must_use]
    pub fn subscriptions(mut self, subscriptions: impl Subscriptions + 'static) -> Self {
        self.subscriptions = Arc::new(subscriptions);
        self
    }

    /// Who is told of every refusal; standard error, where nothing is said.
    #[must_use]
    pub fn audit(mut self, audit: impl Audit + 'static) -> Self {
        self.audit = Arc::new(audit);
        self
    }

    /// The bounds.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where time comes from, in place of the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where randomness comes from, in place of the operating system.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// The service.
    ///
    /// # Errors
    /// Anything that the document asks for could not be checked, a limit is 0, or the description
    /// contradicts itself: see [`StartError`].
    pub fn build(self) -> Result<Service<D>, StartError> {
        if let Some(name) = self.limits.zero() {
            return Err(StartError::Spec(format!("the limit `{name}` is 0")));
        }
        let gate = Arc::new(Gate::new(self.spec, self.authenticators)?);
        let mut first = [0; 8];
        self.random.fill(&mut first);
        // Numbers of connections must not tell how many there were.
        let first_id = u64::from_be_bytes(first) >> 1;
        let hub = Hub::new(
            first_id,
            self.limits.connections_per_user,
            self.limits.subscriptions_per_connection,
        );
        Ok(Service(Arc::new(Core {
            spec: self.spec,
            dispatch: self.dispatch,
            gate,
            hub: Arc::new(hub),
            subscriptions: self.subscriptions,
            audit: self.audit,
            limits: self.limits,
            stamps: Stamps::new(&*self.random, self.clock),
        })))
    }
}

impl<D> fmt::Debug for ServiceBuilder<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceBuilder({})", self.spec.title)
    }
}

/// Writes what a service sends, for servers that deliver it themselves: the same envelopes as a
/// [`Publisher`]'s.
#[derive(Clone, Debug)]
pub struct PushWriter {
    spec: &'static ServiceSpec,
    stamps: Stamps,
}

impl PushWriter {
    /// For the service that is described so.
    #[must_use]
    pub fn new(spec: &'static ServiceSpec) -> Self {
        Self {
            spec,
            stamps: Stamps::new(&SystemRandom, Arc::new(SystemClock::new())),
        }
    }

    /// The envelope of a message that this operation sends to this address, spelled so.
    ///
    /// # Errors
    /// `internal` where the message cannot be written as JSON, or the address is of another
    /// channel than the operation.
    pub fn write<T: Serialize + ?Sized>(
        &self,
        (route, address): (usize, &Address),
        at: Timestamp,
        spelling: Spelling,
        message: &T,
    ) -> AsyncApiResult<Vec<u8>> {
        let operation = self.spec.operation(route);
        let operation = operation.filter(|known| known.channel_place() == address.channel());
        let operation = operation.ok_or_else(|| AsyncApiError::internal("no such operation"))?;
        let id = self.stamps.id();
        let head = Head {
            id: id.as_str(),
            operation: operation.name(),
            timestamp: &stamp(at),
            correlation_id: None,
            channel: Some(address.as_str()),
            headers: None,
        };
        let mut out = Vec::with_capacity(512);
        write_envelope(&head, &mut out, |out| payload::write(message, out))?;
        let is_own = self.spec.spelling.is_none_or(|own| own == spelling);
        let text = std::str::from_utf8(&out).ok().filter(|_| !is_own);
        let respelled = text.and_then(|text| respell_envelope(text, spelling));
        Ok(respelled.unwrap_or(out))
    }
}

/// Publishes what the service sends. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    spec: &'static ServiceSpec,
    hub: Arc<Hub>,
    stamps: Stamps,
}

impl Publisher {
    /// Sends a message to everybody who hears this address and may use this operation: written
    /// once, queued for each, never waiting. Generated publishers call it with the right address.
    ///
    /// # Errors
    /// `internal` where the message cannot be written as JSON, or the address is of another
    /// channel than the operation.
    pub fn publish<T: Serialize + ?Sized>(
        &self,
        route: usize,
        address: &Address,
        message: &T,
    ) -> AsyncApiResult<Reach> {
        let operation = self.spec.operation(route);
        let channel = self.spec.channel(address.channel());
        let (Some(operation), Some(channel)) = (operation, channel) else {
            return Err(AsyncApiError::internal("no such operation or channel"));
        };
        if operation.channel_place() != address.channel() {
            return Err(AsyncApiError::internal("the address is another channel's"));
        }
        let (id, stamp) = (self.stamps.id(), self.stamps.now());
        let head = Head {
            id: id.as_str(),
            operation: operation.name(),
            timestamp: &stamp,
            correlation_id: None,
            channel: Some(address.as_str()),
            headers: None,
        };
        let mut out = Vec::with_capacity(512);
        write_envelope(&head, &mut out, |out| payload::write(message, out))?;
        let text = String::from_utf8(out).map_err(AsyncApiError::internal)?;
        let audience = if channel.is_parameterised() {
            Audience::Subscribed(address.as_str())
        } else {
            Audience::Everybody(address.as_str())
        };
        Ok(self.hub.publish(route, audience, &text.into()))
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Publisher({})", self.spec.title)
    }
}
