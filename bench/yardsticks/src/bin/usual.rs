//! The usual server: axum's WebSocket, a task per connection, `tokio::sync::broadcast` per topic.
//!
//! Well written for its kind: 4 KiB buffers instead of 128, one thread, the publication is encoded
//! once and its bytes are shared, whatever waits in the channel leaves in one flush. It checks the
//! same JWT as Conclave (HS256 with `JWT_SECRET_KEY`) and speaks the part of the `topics` dialect
//! that the scenarios use: `subscribe:`, `publish-json:`, `ping`, and `?ack=1` for the subscription.
//! It has no limits, no audit, no pings of its own, no order across topics, and a connection holds
//! one subscription.
//!
//! Usage: `conclave-usual ADDRESS`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use futures_util::SinkExt;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::net::TcpSocket;
use tokio::sync::broadcast;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )?;
    let address = std::env::args()
        .nth(1)
        .context("usage: conclave-usual ADDRESS")?;
    let secret = std::env::var("JWT_SECRET_KEY").context("JWT_SECRET_KEY is not set")?;
    let hub = Arc::new(Hub {
        key: DecodingKey::from_secret(secret.as_bytes()),
        validation: Validation::new(Algorithm::HS256),
        topics: Mutex::default(),
    });
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address.parse()?)?;
    let listener = socket.listen(4096)?.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("TCP_NODELAY: {error}");
        }
    });
    let routes = axum::Router::new()
        .route("/ws", get(upgrade))
        .with_state(hub);
    axum::serve(listener, routes).await?;
    Ok(())
}

struct Hub {
    key: DecodingKey,
    validation: Validation,
    topics: Mutex<HashMap<(String, String), broadcast::Sender<Utf8Bytes>>>,
}

impl Hub {
    fn topic(&self, session: &str, topic: &str) -> broadcast::Sender<Utf8Bytes> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics
            .entry((session.to_owned(), topic.to_owned()))
            .or_insert_with(|| broadcast::channel(CHANNEL_MESSAGES).0)
            .clone()
    }
}

#[derive(Deserialize)]
struct Credentials {
    token: String,
    #[serde(default)]
    ack: u8,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    sid: String,
}

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(borrow)]
    publisher_name: Cow<'a, str>,
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
}

#[derive(Serialize)]
struct Outbound<'a> {
    publisher_name: &'a str,
    topic: &'a str,
    payload: &'a RawValue,
    timestamp: &'a str,
    session_id: &'a str,
    user: &'a str,
}

async fn upgrade(
    State(hub): State<Arc<Hub>>,
    Query(credentials): Query<Credentials>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Ok(token) = jsonwebtoken::decode::<Claims>(&credentials.token, &hub.key, &hub.validation)
    else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(64 * 1024)
        .on_upgrade(move |socket| async move {
            let connection = Connection {
                hub,
                claims: token.claims,
                ack: credentials.ack == 1,
            };
            // An error here is the peer that went away.
            drop(connection.serve(socket).await);
        })
}

struct Connection {
    hub: Arc<Hub>,
    claims: Claims,
    ack: bool,
}

type Feed = Option<broadcast::Receiver<Utf8Bytes>>;

impl Connection {
    async fn serve(self, mut socket: WebSocket) -> Result<()> {
        let mut feed: Feed = None;
        loop {
            tokio::select! {
                frame = socket.recv() => match frame {
                    Some(Ok(Message::Text(text))) => {
                        self.command(text.as_str(), &mut feed, &mut socket).await?;
                    }
                    Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                },
                publication = next(&mut feed) => {
                    socket.feed(Message::Text(publication)).await?;
                    while let Some(Ok(more)) = feed.as_mut().map(broadcast::Receiver::try_recv) {
                        socket.feed(Message::Text(more)).await?;
                    }
                    socket.flush().await?;
                }
            }
        }
        // Sends the answer to the client's Close.
        while let Some(Ok(_)) = socket.recv().await {}
        Ok(())
    }

    async fn command(&self, text: &str, feed: &mut Feed, socket: &mut WebSocket) -> Result<()> {
        if text == "ping" {
            socket
                .send(Message::Text(Utf8Bytes::from_static("pong")))
                .await?;
        } else if let Some(json) = text.strip_prefix("publish-json:") {
            self.publish(json)?;
        } else if let Some(topic) = text.strip_prefix("subscribe:") {
            *feed = Some(self.hub.topic(&self.claims.sid, topic).subscribe());
            if self.ack {
                let topic = serde_json::to_string(topic)?;
                let ack = format!(r#"{{"type":"ack","command":"subscribe","topic":{topic}}}"#);
                socket.send(Message::Text(ack.into())).await?;
            }
        }
        Ok(())
    }

    fn publish(&self, json: &str) -> Result<()> {
        let inbound: Inbound<'_> = serde_json::from_str(json)?;
        let outbound = serde_json::to_string(&Outbound {
            publisher_name: &inbound.publisher_name,
            topic: &inbound.topic,
            payload: inbound.payload,
            timestamp: &inbound.timestamp,
            session_id: &self.claims.sid,
            user: &self.claims.sub,
        })?;
        // No receiver is no error: the topic has no subscriber.
        drop(
            self.hub
                .topic(&self.claims.sid, &inbound.topic)
                .send(outbound.into()),
        );
        Ok(())
    }
}

/// The next publication of the subscription; never, where there is none.
async fn next(feed: &mut Feed) -> Utf8Bytes {
    while let Some(receiver) = feed {
        match receiver.recv().await {
            Ok(publication) => return publication,
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => break,
        }
    }
    std::future::pending().await
}

const BUFFER_BYTES: usize = 4096;
const CHANNEL_MESSAGES: usize = 1024;
