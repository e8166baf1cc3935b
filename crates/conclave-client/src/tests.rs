//! A client against a server that does what the test tells it, in memory and on virtual time.

mod links;
mod rooms;
mod seed;
mod topics;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::peer::Peer;
use crate::shared::Connector;
use crate::{Builder, Client, Error};

/// The other side: connections come as the client opens them.
pub(crate) struct Server {
    incoming: mpsc::UnboundedReceiver<DuplexStream>,
    /// How many more connections are refused.
    away: Arc<AtomicU32>,
}

/// A connection's other end.
pub(crate) type Line = Peer<DuplexStream>;

impl Server {
    /// The next connection, its handshake done.
    pub(crate) async fn accept(&mut self) -> Line {
        Peer::over(self.incoming.recv().await.unwrap()).await
    }

    /// The next connection, of a feed that has been greeted.
    pub(crate) async fn greet(&mut self) -> Line {
        let mut line = self.accept().await;
        line.say(r#"{"type":"connected","user_id":"alice"}"#).await;
        line
    }

    /// The next so many connections find nobody.
    pub(crate) fn leave(&self, tries: u32) {
        self.away.store(tries, Ordering::Relaxed);
    }
}

impl Line {
    /// The next command, past what only keeps the connection alive.
    pub(crate) async fn command(&mut self) -> String {
        loop {
            let heard = self.heard().await;
            match heard.strip_prefix("ping:") {
                Some(_) => self.frame(conclave_websocket::Opcode::Pong, b"").await,
                None => return heard,
            }
        }
    }

    /// The next command as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.command().await).unwrap()
    }

    /// Says JSON.
    pub(crate) async fn tell(&mut self, frame: Value) {
        self.say(&frame.to_string()).await;
    }
}

/// A client whose server is in the test's hand. Its clock is the virtual one.
pub(crate) fn client(set: impl FnOnce(Builder) -> Builder) -> (Client, Server) {
    let (opened, incoming) = mpsc::unbounded_channel();
    let away = Arc::new(AtomicU32::new(0));
    let server = Server {
        incoming,
        away: Arc::clone(&away),
    };
    let connector: Connector = Arc::new(move |_address| {
        let refused = away
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let connected = if refused || opened.send(theirs).is_err() {
            Err(Error::io(
                "cannot connect",
                io::ErrorKind::ConnectionRefused.into(),
            ))
        } else {
            Ok(Box::pin(ours) as _)
        };
        Box::pin(async move { connected })
    });
    let (began, from) = (Instant::now(), SystemTime::now());
    let builder = Client::builder("ws://server.test")
        .user("alice")
        .token("T")
        .clock(move || from + began.elapsed())
        .connector(connector);
    (set(builder).build().unwrap(), server)
}

/// A token that says when it ends, and which one it is.
pub(crate) fn token(number: u32, ends: SystemTime) -> String {
    let ends = ends.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let claims = json!({ "exp": ends.as_secs(), "jti": number }).to_string();
    format!("h.{}.s{number}", URL_SAFE_NO_PAD.encode(claims))
}

/// Tokens one after the other, each for so long.
pub(crate) fn tokens(builder: Builder, life: Duration) -> Builder {
    let (number, began, from) = (AtomicU32::new(0), Instant::now(), SystemTime::now());
    builder.tokens(move || {
        let number = number.fetch_add(1, Ordering::Relaxed) + 1;
        let ends = from + began.elapsed() + life;
        async move { Ok(token(number, ends)) }
    })
}
