//! A service under test.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use conclave_protocol::Clock;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::attack::Breach;
use super::{Access, Heard, TEST_AUDIENCE, TEST_ISSUER, TEST_SECRET, TestClock, TestConnection};
use super::{TestToken, Witness};
use crate::auth::{AuthError, Authenticator, Claims, Credential, StartError};
use crate::client::{ByteStream, ClientConfig, ClientError, handshake};
use crate::config::ServerConfig;
use crate::dispatch::Dispatch;
use crate::machine::SystemRandom;
use crate::server::{Policy, Server, serve_stream};
use crate::service::{Service, ServiceBuilder};
use crate::spec::{Requirement, Scheme, ServiceSpec};
use crate::transport::{WebSocketBounds, WebSocketTransport};
use crate::{ApiKeyAuthHandler, JwtServerAuthHandler, JwtValidator};

/// A service under test, with an authenticator for every scheme of its document. Clients connect
/// over a pipe in memory, through the whole handshake, or over a socket.
#[derive(Debug)]
pub struct Harness<D: Dispatch> {
    service: Service<D>,
    clock: Arc<TestClock>,
    witness: Witness,
    policy: Arc<Policy>,
    server: Option<Running>,
}

/// A server that a test started.
#[derive(Debug)]
struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl<D: Dispatch> Harness<D> {
    /// A service as described, with these handlers.
    ///
    /// # Errors
    /// As [`ServiceBuilder::build`].
    pub fn new(spec: &'static ServiceSpec, dispatch: D) -> Result<Self, StartError> {
        Self::with(spec, dispatch, |builder| builder)
    }

    /// The same, with subscriptions or limits of the test's own.
    ///
    /// # Errors
    /// As [`ServiceBuilder::build`].
    pub fn with(
        spec: &'static ServiceSpec,
        dispatch: D,
        change: impl FnOnce(ServiceBuilder<D>) -> ServiceBuilder<D>,
    ) -> Result<Self, StartError> {
        let (clock, witness) = (TestClock::new(), Witness::default());
        let mut builder = Service::builder(spec, dispatch)
            .audit(witness.clone())
            .clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let validator = JwtValidator::hmac(TEST_SECRET)
            .map(|builder| {
                builder
                    .issuer(TEST_ISSUER)
                    .audience(TEST_AUDIENCE)
                    .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            })
            .and_then(crate::JwtBuilder::build)
            .map_err(|fault| StartError::Spec(fault.to_string()))?;
        let validator = Arc::new(validator);
        let rights = all_rights(spec);
        for requirement in schemes(spec) {
            let name = requirement.name();
            builder = match requirement.scheme() {
                Scheme::HttpBearer | Scheme::OAuth2 | Scheme::OpenIdConnect => {
                    builder.authenticator(name, JwtServerAuthHandler::new(Arc::clone(&validator)))
                }
                Scheme::HttpBasic | Scheme::UserPassword => {
                    builder.authenticator(name, TestPasswords(rights.clone()))
                }
                Scheme::ApiKeyCookie(_) | Scheme::ApiKeyHeader(_) | Scheme::ApiKeyQuery(_) => {
                    let keys = [(TEST_KEY, rights.clone())];
                    builder.authenticator(name, ApiKeyAuthHandler::new(keys))
                }
            };
        }
        let service = change(builder).build()?;
        let config = ServerConfig::listen(SocketAddr::from(([127, 0, 0, 1], 0)));
        Ok(Self {
            policy: Arc::new(Policy::of(&config, spec)),
            service,
            clock,
            witness,
            server: None,
        })
    }

    /// The same service on a free port of 127.0.0.1: whoever connects from now on, and every
    /// attack, goes over a socket.
    ///
    /// # Errors
    /// There is no port to be had.
    #[expect(
        clippy::disallowed_methods,
        reason = "the server under test runs beside the test"
    )]
    pub async fn on_socket(mut self) -> Result<Self, Breach> {
        let config = ServerConfig::listen(SocketAddr::from(([127, 0, 0, 1], 0)));
        let server = Server::bind(self.service.clone(), config)
            .await
            .map_err(|fault| Breach::new(fault.to_string()))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let address = server.local_addr();
        let task = tokio::spawn(server.run(async move {
            stopped.await.unwrap_or_default();
        }));
        self.server = Some(Running {
            address,
            stop: Some(stop),
            task,
        });
        Ok(self)
    }

    /// Where clients connect, once it is on a socket: `ws://127.0.0.1:port/path`.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let address = self.server.as_ref()?.address;
        Some(format!("ws://{address}{}", self.service.spec().base_path()))
    }

    /// Ends the server as an operator would, and waits until it has ended.
    pub async fn stop(&mut self) {
        if let Some(mut running) = self.server.take() {
            if let Some(stop) = running.stop.take() {
                stop.send(()).unwrap_or_default();
            }
            running.task.await.unwrap_or_default();
        }
    }

    /// The service.
    #[must_use]
    pub const fn service(&self) -> &Service<D> {
        &self.service
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// What its audit was told.
    #[must_use]
    pub const fn witness(&self) -> &Witness {
        &self.witness
    }

    /// A token of `ann`, without rights.
    #[must_use]
    pub fn token(&self) -> TestToken {
        TestToken::at(self.clock.now())
    }

    /// A token of `ann` with every permission and scope that the document names.
    #[must_use]
    pub fn full_token(&self) -> TestToken {
        let rights = all_rights(self.service.spec());
        self.token()
            .permissions(rights.permissions())
            .scopes(rights.scopes())
    }

    /// Credentials that satisfy the document, with this token where it wants one.
    #[must_use]
    pub fn access(&self, token: &TestToken) -> Access {
        self.carried(token.subject(), &token.mint(), false)
    }

    /// Credentials that satisfy the document, with this text for a token, in the header or in the
    /// query.
    #[must_use]
    pub fn credentials(&self, token: &str, in_query: bool) -> Access {
        self.carried("ann", token, in_query)
    }

    fn carried(&self, user: &str, token: &str, in_query: bool) -> Access {
        let wanted = self.wanted();
        // Only one of both has room in `Authorization`.
        let has_password =
            |by: &Requirement| matches!(by.scheme(), Scheme::HttpBasic | Scheme::UserPassword);
        let in_query = in_query || wanted.iter().any(has_password);
        let add = |access: Access, by: &Requirement| match by.scheme() {
            Scheme::HttpBearer | Scheme::OAuth2 | Scheme::OpenIdConnect if in_query => {
                access.with_query("token", token)
            }
            Scheme::HttpBearer | Scheme::OAuth2 | Scheme::OpenIdConnect => {
                access.with_header("Authorization", &format!("Bearer {token}"))
            }
            Scheme::HttpBasic | Scheme::UserPassword => access.with_password(user, TEST_PASSWORD),
            Scheme::ApiKeyCookie(name) => access
                .with_header("Cookie", &format!("{name}={TEST_KEY}"))
                .with_header("Origin", "http://service.test"),
            Scheme::ApiKeyHeader(name) => access.with_header(name, TEST_KEY),
            Scheme::ApiKeyQuery(name) => access.with_query(name, TEST_KEY),
        };
        wanted.iter().fold(Access::none(), add)
    }

    /// The schemes that a good handshake uses: with a token where the document knows one.
    fn wanted(&self) -> Vec<Requirement> {
        let spec = self.service.spec();
        let has_token = |all: &&&[Requirement]| all.iter().any(|by| by.scheme().is_token());
        let alternatives = spec.security.iter();
        let asked = alternatives.filter(|all| !all.is_empty());
        if let Some(all) = asked.clone().find(has_token).or(asked.clone().next()) {
            return all.to_vec();
        }
        let all = schemes(spec);
        let by_token = all.iter().find(|by| by.scheme().is_token());
        by_token.or(all.first()).copied().into_iter().collect()
    }

    /// Credentials that satisfy the document, with every right.
    #[must_use]
    pub fn full_access(&self) -> Access {
        self.access(&self.full_token())
    }

    /// Connects, and waits until the service has let the client in.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the close code or the HTTP status.
    pub async fn connect(&self, access: &Access) -> Result<TestConnection, ClientError> {
        let known: BTreeSet<_> = self.ids();
        let stream = self.stream().await?;
        let target = access.target(self.service.spec().base_path());
        let config = access.headers.iter().fold(
            ClientConfig::new(format!("ws://service.test{target}")),
            |config, (name, value)| config.header(name, value),
        );
        let (stream, early) = handshake(stream, &config).await?;
        let bounds = WebSocketBounds {
            message_bytes: 16 * 1024 * 1024,
            fragments: 1024,
        };
        let random = Arc::new(SystemRandom);
        let mut connection = TestConnection {
            transport: WebSocketTransport::client(stream, early, bounds, random),
            connection: None,
            requests: 0,
        };
        let connect = |breach: Breach| ClientError::Connect(breach.to_string());
        connection.ping().await.map_err(connect)?;
        match connection.next().await.map_err(connect)? {
            Heard::Closed { code, reason } => return Err(ClientError::Refused { code, reason }),
            Heard::Ended => return Err(ClientError::Connect("the service went away".to_owned())),
            Heard::Message(_) | Heard::SignOfLife => {}
        }
        let own = self.ids().difference(&known).max().copied();
        connection.connection = own.and_then(|id| self.service.connections().get(id));
        Ok(connection)
    }

    fn ids(&self) -> BTreeSet<crate::ConnectionId> {
        let all = self.service.connections().all();
        all.iter().map(crate::Connection::id).collect()
    }

    /// A stream of bytes to the service.
    ///
    /// # Errors
    /// The server is gone.
    #[expect(
        clippy::disallowed_methods,
        reason = "the service's end of the pipe runs beside the test"
    )]
    pub async fn stream(&self) -> Result<Pin<Box<dyn ByteStream>>, ClientError> {
        if let Some(running) = &self.server {
            let stream = TcpStream::connect(running.address).await;
            let stream = stream.map_err(|fault| ClientError::Connect(fault.to_string()))?;
            return Ok(Box::pin(stream));
        }
        let (client, server) = tokio::io::duplex(64 * 1024);
        let (service, policy) = (self.service.clone(), Arc::clone(&self.policy));
        drop(tokio::spawn(async move {
            let _ended = serve_stream(&service, server, None, &policy).await;
        }));
        Ok(Box::pin(client))
    }
}

/// Everybody with the right password.
struct TestPasswords(Claims);

#[async_trait]
impl Authenticator for TestPasswords {
    async fn authenticate(&self, credential: &Credential) -> Result<Claims, AuthError> {
        match credential {
            Credential::Password { user, password } if password == TEST_PASSWORD => {
                Ok(Claims::new(user.as_str())
                    .with_permissions(self.0.permissions())
                    .with_scopes(self.0.scopes()))
            }
            _ => Err(AuthError::Invalid("wrong password".to_owned())),
        }
    }
}

/// Claims with every permission and scope that the document names.
fn all_rights(spec: &ServiceSpec) -> Claims {
    let operations = spec.operations.iter();
    let permissions = operations.flat_map(|operation| operation.permissions);
    let by_operations = spec.operations.iter().map(|operation| operation.security);
    let scopes = std::iter::once(spec.security)
        .chain(by_operations)
        .flatten()
        .flat_map(|alternative| alternative.iter())
        .flat_map(|requirement| requirement.scopes);
    Claims::new("ann")
        .with_permissions(permissions)
        .with_scopes(scopes)
}

/// The schemes that a document names, each once.
pub(crate) fn schemes(spec: &ServiceSpec) -> Vec<Requirement> {
    let mut found: Vec<Requirement> = Vec::new();
    let by_operations = spec.operations.iter().map(|operation| operation.security);
    let all = std::iter::once(spec.security)
        .chain(by_operations)
        .flatten();
    for requirement in all.flat_map(|alternative| alternative.iter()) {
        if found.iter().all(|known| known.name != requirement.name) {
            found.push(*requirement);
        }
    }
    found
}

const TEST_KEY: &str = "a key for tests and nothing else";
const TEST_PASSWORD: &str = "a password for tests and nothing else";
