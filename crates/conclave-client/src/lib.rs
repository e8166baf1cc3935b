//! Client of a Conclave server: topics and rooms that outlive lost connections.
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
