//! Client of a Conclave server: topics and rooms that outlive lost connections.
//!
//! ```no_run
//! use conclave_client::{Client, RoomEvent, TopicEvent};
//! use futures_util::StreamExt as _;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder("wss://chat.example.com")
//!     .password("alice", "a good password")
//!     .build()?;
//!
//! // A room keeps its messages. The answer comes when this one is on the server's disk.
//! let room = client.room("general");
//! let mut events = room.subscribe().await?;
//! let sent = room.send("Hello").await?;
//! println!("stored as number {}", sent.seq);
//! while let Some(event) = events.next().await {
//!     match event {
//!         RoomEvent::Message(message) => println!("{}: {}", message.user, message.content),
//!         RoomEvent::Lagged(missed) => println!("too slow for {missed} events"),
//!         RoomEvent::Ended(error) => return Err(error.into()),
//!         _ => {}
//!     }
//! }
//!
//! // A topic carries any JSON to whoever listens right now, inside the session.
//! let orders = client.topic("orders");
//! let mut heard = orders.subscribe::<serde_json::Value>().await?;
//! orders.publish(&serde_json::json!({ "id": 7 })).await?;
//! if let Some(TopicEvent::Message(message)) = heard.next().await {
//!     println!("{} from {:?}", message.payload, message.user);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! More in `examples/`: `topics`, `room`, `sender`, and `seed_001`, which is [`WsClient`].
//!
//! # What happens when a connection is lost
//!
//! - It is opened again, after 125 ms to 30 s, doubling and jittered; with a fresh token where the
//!   old one was refused, once. [`Client::status`] shows what is going on. The server's word counts:
//!   who has no access stops, a crowded server is left alone for longer, one that goes away is
//!   come back to at a time of its own.
//! - **Rooms** ask for everything after the last event they heard, and hear each once and in
//!   order. Where that is more than the server replays, messages are read by REST and
//!   [`RoomEvent::Resynced`] says what may be missing beside them.
//! - **Sends** wait in the outbox, in order, and are repeated under the same key: each message is
//!   stored once. They leave at a pace that a server with usual limits takes.
//! - **Topics** go on where they were as far as the server keeps what is published; else
//!   [`TopicEvent::Gap`] stands where something may be missing. A publication that was sent and not
//!   answered is [`Error::Uncertain`], and never repeated.
//! - **Typing** is dropped; receipts are told again.
//!
//! Everything is bounded: [`Builder::outbox`] commands wait for the server, then [`Error::Full`];
//! [`Builder::inbox`] events wait for each listener, then it hears how many it missed.
//!
//! # What it refuses to do
//!
//! No token in a URL, in a log or in a `Debug`; no following of redirects, no proxies of the
//! environment; no compression; no second subscription of its own making.
//!
//! # Reading order
//!
//! 1. `client` (settings), `topics`, `rooms`, `seed`: what programs call;
//! 2. `engine`: what a connection says and hears, without a socket or a clock, implemented by
//!    `topics/engine` and `rooms/engine`;
//! 3. `link`: one connection after the other; `tokens`, `backoff`, `pace`;
//! 4. `socket`: one connection; `address`, `trust`, `http`.

mod address;
mod answer;
mod backoff;
mod client;
mod delivery;
mod engine;
mod error;
mod http;
mod link;
mod pace;
#[cfg(any(test, feature = "peer"))]
pub mod peer;
mod rooms;
mod seed;
mod shared;
mod socket;
mod status;
mod surroundings;
#[cfg(test)]
mod tests;
mod tokens;
mod topics;
mod trust;

pub use address::Address;
pub use answer::Answer;
pub use client::{Builder, Client};
pub use error::{Ending, Error, Refusal, Result};
pub use rooms::{Kind, Message, Outgoing, Page, Reached, Room, RoomEvent, RoomEvents, Sent};
pub use seed::{Subscribed, TopicMessage, WsClient};
pub use socket::{Incoming, Socket};
pub use status::{Connection, Status};
pub use topics::{Message as Publication, Subscription, Topic, TopicEvent};
