//! The server's first packet, Engine.IO v4 "Handshake".

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Transport;
use crate::{Sid, Violation};

/// What the server tells a client that opens a session.
///
/// `0{"sid":"…","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// The session.
    pub sid: Sid,
    /// The transport that the session may change to; on the wire a list of one or none.
    pub upgrade: Option<Transport>,
    /// From ping to ping, sent in whole milliseconds.
    pub ping_interval: Duration,
    /// How long a pong may take, sent in whole milliseconds.
    pub ping_timeout: Duration,
    /// Bytes of a message, and of a long-polling body, that the server takes.
    pub max_payload: u64,
}

impl Open {
    /// Appends the open packet; the same for both transports.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let upgrade = self.upgrade.map(Transport::word);
        let wire = Wire {
            sid: self.sid.as_str().into(),
            upgrades: upgrade
                .as_slice()
                .iter()
                .map(|word| (*word).into())
                .collect(),
            ping_interval: milliseconds(self.ping_interval),
            ping_timeout: milliseconds(self.ping_timeout),
            max_payload: self.max_payload,
        };
        out.push(b'0');
        let written = serde_json::to_writer(out, &wire);
        debug_assert!(written.is_ok(), "text and numbers are always JSON");
    }

    /// Reads the content of [`super::Packet::Open`], as a client of this crate's servers does.
    ///
    /// # Errors
    /// [`Violation::OpenInvalid`] where something is missing, of the wrong kind, or the session has
    /// a name that this crate does not give.
    pub fn decode(content: &str) -> Result<Self, Violation> {
        let Ok(wire) = serde_json::from_str::<Wire<'_>>(content) else {
            return Err(Violation::OpenInvalid);
        };
        let words = wire.upgrades.iter();
        let upgrade = words
            .filter(|word| **word == Transport::Websocket.word())
            .map(|_| Transport::Websocket)
            .next();
        Ok(Self {
            sid: Sid::parse(&wire.sid).ok_or(Violation::OpenInvalid)?,
            upgrade,
            ping_interval: Duration::from_millis(wire.ping_interval),
            ping_timeout: Duration::from_millis(wire.ping_timeout),
            max_payload: wire.max_payload,
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    sid: std::borrow::Cow<'a, str>,
    upgrades: Vec<std::borrow::Cow<'a, str>>,
    ping_interval: u64,
    ping_timeout: u64,
    max_payload: u64,
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
