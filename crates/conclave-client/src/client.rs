//! The client: its settings, and the two connections it keeps.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::{Method, Url};
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore, mpsc, watch};
use zeroize::Zeroizing;

use crate::address::Address;
use crate::error::{Error, Result};
use crate::http::Http;
use crate::link::{Asked, Link};
use crate::rooms::engine::Rooms;
use crate::rooms::{self, Room, RoomsSurface};
use crate::shared::{Connector, Shared};
use crate::socket::stream;
use crate::status::{Connection, Status};
use crate::surroundings::Surroundings;
use crate::tokens::{Credential, Password, TokenFuture, Tokens};
use crate::topics::engine::Topics;
use crate::topics::{self, Topic, TopicsSurface};
use crate::trust::{trusting, trusting_nobody};

/// A client of one server, as one user. Clones are the same client; it ends with the last of
/// them and of what was made from them, or by [`Client::close`].
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    rooms: mpsc::UnboundedSender<Asked<rooms::engine::Order>>,
    topics: mpsc::UnboundedSender<Asked<topics::engine::Order>>,
    status: watch::Receiver<Status>,
}

/// The settings of a client that is not made yet.
#[must_use = "nothing happens before `build`"]
pub struct Builder {
    url: String,
    ca: Option<PathBuf>,
    connector: Option<Connector>,
    credential: Wanted,
    inbox: usize,
    name: Option<Box<str>>,
    outbox: usize,
    session: Option<Box<str>>,
    surroundings: Surroundings,
    user: Option<Box<str>>,
}

/// Where tokens shall come from.
enum Wanted {
    Given(Credential),
    Password {
        user: String,
        password: Zeroizing<String>,
        sign_in: Option<String>,
    },
}

impl Client {
    /// Begins with the server's URL: `ws://`, `wss://`, `http://` or `https://`, with the path
    /// below which the server is, if it is not the root. A last part `ws` is left out, so that
    /// the URL of the topics' surface will do.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder {
            url: url.into(),
            ca: None,
            connector: None,
            credential: Wanted::Given(Credential::None),
            inbox: INBOX,
            name: None,
            outbox: OUTBOX,
            session: None,
            surroundings: Surroundings::system(),
            user: None,
        }
    }

    /// A topic of the client's session: 1 to 255 bytes, without control characters and `|`.
    #[must_use]
    pub fn topic(&self, name: &str) -> Topic {
        Topic::new(name, Arc::clone(&self.shared), self.topics.clone())
    }

    /// A room that the user is a member of.
    #[must_use]
    pub fn room(&self, id: &str) -> Room {
        Room::new(id, Arc::clone(&self.shared), self.rooms.clone())
    }

    /// What the connections are doing, now and whenever it changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Opens the connection for topics and waits for the server's first answer. Nothing needs
    /// this: connections open when they are needed. It shows early what is wrong.
    ///
    /// # Errors
    /// Why the first try failed. The client goes on trying, unless its status says `Stopped`.
    pub async fn connect_topics(&self) -> Result<()> {
        let mut status = self.status();
        self.topics
            .send(Asked::Open)
            .map_err(|_gone| Error::Closed)?;
        let settled = status
            .wait_for(|status| !matches!(status.topics, Connection::Connecting | Connection::Idle));
        let settled = settled.await.map_err(|_gone| Error::Closed)?;
        match &settled.topics {
            Connection::Stopped(error) | Connection::Waiting(error) => Err(error.clone()),
            Connection::Connecting | Connection::Idle | Connection::Open => Ok(()),
        }
    }

    /// Whether there is a token that has not ended.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.shared.tokens.is_live()
    }

    /// The token in use, if there is one. It opens whatever its user may do: never log it.
    #[must_use]
    pub fn token(&self) -> Option<String> {
        let token = self.shared.tokens.current()?;
        Some(token.text.as_str().to_owned())
    }

    /// Gets another token where the one in use ends soon; whether it did. Connections do this by
    /// themselves.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn refresh_token(&self) -> Result<bool> {
        let before = self.shared.tokens.current();
        let after = self.shared.tokens.fresh().await?;
        let text = |token| Arc::clone(&token);
        let before = before.map(|token| text(token.text));
        Ok(before != after.map(|token| text(token.text)))
    }

    /// A call of the server's REST API with the client's token, e.g. `GET` and `channels`; the
    /// answer is JSON, `null` where there is nothing to say.
    ///
    /// # Errors
    /// The server's refusal, or no answer from it.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let unfit = |_error| Error::Address(format!("{method:?} is no method").into());
        let method = Method::from_bytes(method.as_bytes()).map_err(unfit)?;
        let path = path.trim_start_matches('/');
        self.shared.call(method, path, body).await
    }

    /// Closes both connections. Whatever still waits ends as [`Error::Closed`].
    pub async fn close(self) {
        // One that has ended already needs no word.
        self.rooms.send(Asked::Close).ok();
        self.topics.send(Asked::Close).ok();
        let mut status = self.status;
        let closed = |connection: &Connection| matches!(connection, Connection::Stopped(_));
        let both = status.wait_for(|status| closed(&status.rooms) && closed(&status.topics));
        both.await.ok();
    }
}

impl Builder {
    /// One token, for as long as it lives.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        let token = Zeroizing::new(token.into());
        self.credential = Wanted::Given(Credential::Fixed(token));
        self
    }

    /// Signs in at `/auth/token`, and refreshes at `/auth/refresh`.
    pub fn password(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credential = Wanted::Password {
            user: user.into(),
            password: Zeroizing::new(password.into()),
            sign_in: None,
        };
        self
    }

    /// Signs in at another URL, whose last part is replaced by `refresh` for refreshing.
    pub fn password_at(
        mut self,
        url: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.credential = Wanted::Password {
            user: user.into(),
            password: Zeroizing::new(password.into()),
            sign_in: Some(url.into()),
        };
        self
    }

    /// Asks for a token whenever one is needed: before a connection, and before the last one ends.
    pub fn tokens<F, T>(mut self, ask: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = std::result::Result<String, Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        let ask = move || -> TokenFuture { Box::pin(ask()) };
        self.credential = Wanted::Given(Credential::Asked(Arc::new(ask)));
        self
    }

    /// The session: signed in for, where a password is given; else registered, where the token
    /// names none.
    pub fn session(mut self, session: impl Into<Box<str>>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// The name that others see beside what is published to topics, where the token names nobody.
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Whom the token proves. Where it is not said the server is asked, before rooms are heard.
    pub fn user(mut self, user: impl Into<Box<str>>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Trusts the certificates in this PEM file, instead of those that the system trusts.
    pub fn ca(mut self, file: impl AsRef<Path>) -> Self {
        self.ca = Some(file.as_ref().to_owned());
        self
    }

    /// How many commands may wait to be answered: sends, publications, subscriptions. One more
    /// is refused as [`Error::Full`]. 1,000 by default.
    pub fn outbox(mut self, commands: usize) -> Self {
        self.outbox = commands.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// How many events may wait for one listener, before it is told that it missed some. 1,000
    /// by default.
    pub fn inbox(mut self, events: usize) -> Self {
        self.inbox = events.max(1);
        self
    }

    /// The time of day, for programs that bring their own.
    pub fn clock(
        mut self,
        now: impl Fn() -> std::time::SystemTime + Send + Sync + 'static,
    ) -> Self {
        self.surroundings.now = Arc::new(now);
        self
    }

    /// Random bytes, for programs that bring their own. Masks, waiting times and the keys of
    /// messages are made of them.
    pub fn randomness(mut self, fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        self.surroundings.fill = Arc::new(fill);
        self
    }

    #[cfg(test)]
    pub(crate) fn connector(mut self, connector: Connector) -> Self {
        self.connector = Some(connector);
        self
    }

    /// Makes the client. Its connections open when they are first needed.
    ///
    /// # Errors
    /// [`Error::Address`] and [`Error::Certificates`]: a setting is of no use.
    ///
    /// # Panics
    /// Outside of a tokio runtime, on which the client runs.
    pub fn build(self) -> Result<Client> {
        let (web, base) = urls(&self.url)?;
        // What is wrong with the URL is to be said now.
        Address::parse(base.as_str(), &[])?;
        let credential = credential(self.credential, &web, self.session.as_deref())?;
        // The files of the system are read only where there is a use for them.
        let tls = if base.scheme() == "wss" || credential.signs_in_by_tls() {
            trusting(self.ca.as_deref())?
        } else {
            trusting_nobody()?
        };
        let http = Http::new(web, tls.clone())?;
        let connector = self.connector.unwrap_or_else(|| {
            let mut tls = tls;
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            let tls = Arc::new(tls);
            Arc::new(move |address| {
                let tls = Arc::clone(&tls);
                Box::pin(async move { stream::open(&address, || Ok(tls)).await })
            })
        });
        let shared = Arc::new(Shared {
            base,
            connector,
            tokens: Tokens::new(credential, http.clone(), self.surroundings.clone()),
            http,
            inbox: self.inbox,
            name: self.name,
            outbox: Arc::new(Semaphore::new(self.outbox)),
            session: self.session,
            surroundings: self.surroundings,
            user: OnceCell::new_with(self.user),
        });
        Ok(start(shared))
    }
}

fn start(shared: Arc<Shared>) -> Client {
    let (shown, status) = watch::channel(Status::default());
    let (rooms, asked) = mpsc::unbounded_channel();
    let engine = (Rooms::new(shared.inbox), RoomsSurface);
    tokio::spawn(Link::new(engine, Arc::clone(&shared), asked, shown.clone()).run());
    let (topics, asked) = mpsc::unbounded_channel();
    let named = Topics::new(shared.session.as_deref(), shared.name.as_deref());
    let engine = (named, TopicsSurface);
    tokio::spawn(Link::new(engine, Arc::clone(&shared), asked, shown).run());
    Client {
        shared,
        rooms,
        topics,
        status,
    }
}

/// The same server, by HTTP and by WebSocket; both paths end with `/`.
fn urls(url: &str) -> Result<(Url, Url)> {
    let unfit = |what: &str| Error::Address(what.into());
    let given = Url::parse(url).map_err(|error| unfit(&error.to_string()))?;
    let (web, socket) = match given.scheme() {
        "http" | "ws" => ("http", "ws"),
        "https" | "wss" => ("https", "wss"),
        other => return Err(unfit(&format!("{other}: given, expected ws: or wss:"))),
    };
    if given.query().is_some() {
        return Err(unfit("a query given, expected none in a server's URL"));
    }
    let path = given.path().trim_end_matches('/');
    let path = path.strip_suffix("/ws").unwrap_or(path);
    let with = |scheme: &str| {
        let authority = given.authority();
        Url::parse(&format!("{scheme}://{authority}{path}/"))
            .map_err(|error| unfit(&error.to_string()))
    };
    Ok((with(web)?, with(socket)?))
}

fn credential(wanted: Wanted, web: &Url, session: Option<&str>) -> Result<Credential> {
    let (user, password, sign_in) = match wanted {
        Wanted::Given(credential) => return Ok(credential),
        Wanted::Password {
            user,
            password,
            sign_in,
        } => (user, password, sign_in),
    };
    let unfit = |what: String| Error::Address(what.into());
    let sign_in = match sign_in {
        Some(url) => Url::parse(&url),
        None => web.join("auth/token"),
    };
    let sign_in = sign_in.map_err(|error| unfit(error.to_string()))?;
    if !matches!(sign_in.scheme(), "http" | "https") {
        let scheme = sign_in.scheme();
        return Err(unfit(format!("{scheme}: given, expected http: or https:")));
    }
    let refresh = sign_in
        .join("refresh")
        .map_err(|error| unfit(error.to_string()))?;
    Ok(Credential::Password(Arc::new(Password {
        sign_in,
        refresh,
        user,
        password,
        session: session.map(str::to_owned),
    })))
}

const INBOX: usize = 1000;
const OUTBOX: usize = 1000;
