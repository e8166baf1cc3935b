//! A WebSocket client for the commands that talk to a server: text messages both ways.
//!
//! What it refuses to do: no compression, no reconnecting, no binary messages. Pings are answered
//! while somebody waits in [`Client::receive`].
//!
//! Reading order: `address` (what a URL says), `stream` (plain or TLS), this file.

mod address;
#[cfg(test)]
pub(crate) mod peer;
mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use conclave_auth::Random as _;
use conclave_websocket::handshake::{ClientHandshake, Response};
use conclave_websocket::{
    Decoded, Decoder, DecoderLimits, Event, Inflater, Opcode, Role, encode_masked,
};
use tokio::time::timeout;

pub(crate) use address::Address;
use stream::Stream;

use crate::config::Secret;
use crate::identity::SystemRandom;

/// An open connection. Every method may be given up half-way and called again.
pub(crate) struct Client {
    stream: Stream,
    decoder: Decoder,
    inflater: Inflater,
    /// Received; decoded up to `start`.
    input: Vec<u8>,
    start: usize,
    /// Frames that are not sent yet.
    output: Vec<u8>,
    close_sent: bool,
    ending: Option<Ending>,
}

/// What came from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// The connection is over.
    Closed(Ending),
    /// A whole text message.
    Text(String),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By a Close with its code, if any, and its reason.
    Close(Option<u16>, String),
    /// Without one.
    Lost,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Close(None, _) => f.write_str("the server closed the connection without a code"),
            Self::Close(Some(code), reason) => {
                let reason = if reason.is_empty() {
                    "no reason given"
                } else {
                    reason
                };
                // A reason may hold anything; escaped, it stays on its line.
                write!(
                    f,
                    "the server closed the connection: {code} {}",
                    reason.escape_debug()
                )
            }
            Self::Lost => f.write_str("the connection was lost"),
        }
    }
}

/// One frame, taken out of the input.
enum Taken {
    Close(Ending),
    Ping(Vec<u8>),
    Text(String),
    /// A pong, or a fragment.
    Nothing,
    /// No whole frame is there.
    Incomplete,
}

impl Client {
    /// Connects and asks for a WebSocket, within 10 s. The token goes into a header, never into
    /// the URL. `ca` is a file of certificates to trust instead of the system's.
    ///
    /// # Errors
    /// No connection, no TLS, or an answer that is no WebSocket; says which.
    pub(crate) async fn connect(
        address: &Address,
        token: Option<&Secret>,
        ca: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let connected = timeout(CONNECT_TIME, async {
            let stream = Stream::open(address, ca).await?;
            Self::over(stream, address, token).await
        });
        connected
            .await
            .unwrap_or_else(|_elapsed| bail!("no answer within {} s", CONNECT_TIME.as_secs()))
            .with_context(|| address.authority.clone())
    }

    async fn over(
        stream: Stream,
        address: &Address,
        token: Option<&Secret>,
    ) -> anyhow::Result<Self> {
        let mut client = Self {
            stream,
            decoder: Decoder::new(Role::Client, false),
            inflater: Inflater::new(),
            input: Vec::new(),
            start: 0,
            output: Vec::new(),
            close_sent: false,
            ending: None,
        };
        let mut nonce = [0; 16];
        SystemRandom.fill(&mut nonce);
        let bearer = token.map(|token| format!("Bearer {}", token.reveal()));
        let headers: Vec<_> = bearer
            .iter()
            .map(|bearer| ("Authorization", bearer.as_str()))
            .collect();
        let handshake = ClientHandshake {
            host: &address.authority,
            path: &address.target,
            headers: &headers,
            subprotocols: &[],
            nonce,
            deflate: false,
        };
        client.output = handshake.request()?;
        client.flush().await;
        loop {
            if client.stream.read(&mut client.input).await? == 0 {
                bail!("the server ended the connection instead of answering");
            }
            if let Response::Accepted { consumed, .. } = handshake.response(&client.input)? {
                client.start = consumed;
                return Ok(client);
            }
        }
    }

    /// Sends a text message. That the connection is broken shows in the next
    /// [`Client::receive`], after what the server still said.
    pub(crate) async fn send(&mut self, text: &str) {
        self.queue(Opcode::Text, text.as_bytes());
        self.flush().await;
    }

    /// Waits for the next text message, or the end, which it then tells again and again.
    ///
    /// # Errors
    /// The connection is broken, or the server broke the protocol.
    pub(crate) async fn receive(&mut self) -> anyhow::Result<Incoming> {
        loop {
            self.flush().await;
            if let Some(ending) = &self.ending {
                return Ok(Incoming::Closed(ending.clone()));
            }
            match self.take()? {
                Taken::Close(ending) => {
                    if let Ending::Close(code, _) = &ending {
                        let code = code.map(u16::to_be_bytes);
                        self.queue_close(code.as_ref().map_or(&[], |code| code.as_slice()));
                    }
                    self.ending = Some(ending);
                }
                Taken::Ping(payload) => self.queue(Opcode::Pong, &payload),
                Taken::Text(text) => return Ok(Incoming::Text(text)),
                Taken::Nothing => {}
                Taken::Incomplete => {
                    if self.stream.read(&mut self.input).await? == 0 {
                        self.ending = Some(Ending::Lost);
                    }
                }
            }
        }
    }

    /// Closes in order: waits up to 1 s for the server's Close. Messages that come before it are
    /// dropped.
    pub(crate) async fn close(mut self) {
        self.queue_close(&CLOSE_NORMAL.to_be_bytes());
        let closed = timeout(CLOSE_TIME, async {
            while let Ok(Incoming::Text(_)) = self.receive().await {}
        });
        // A server that does not answer is left alone.
        closed.await.ok();
    }

    fn take(&mut self) -> anyhow::Result<Taken> {
        let rest = self.input.get_mut(self.start..).unwrap_or_default();
        let decoded = self
            .decoder
            .decode(rest, &LIMITS, &mut self.inflater)
            .context("the server broke the WebSocket protocol")?;
        let Decoded::Frame { consumed, event } = decoded else {
            self.input.drain(..self.start);
            self.start = 0;
            return Ok(Taken::Incomplete);
        };
        let taken = match event {
            None | Some(Event::Pong(_)) => Taken::Nothing,
            Some(Event::Binary(_)) => bail!("the server sent a binary message"),
            Some(Event::Close(code, reason)) => {
                Taken::Close(Ending::Close(code.map(u16::from), reason.to_owned()))
            }
            Some(Event::Ping(payload)) => Taken::Ping(payload.to_vec()),
            Some(Event::Text(text)) => Taken::Text(text.to_owned()),
        };
        self.start += consumed;
        Ok(taken)
    }

    fn queue(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut mask = [0; 4];
        SystemRandom.fill(&mut mask);
        encode_masked(opcode, payload, mask, &mut self.output);
    }

    fn queue_close(&mut self, body: &[u8]) {
        if !self.close_sent {
            self.close_sent = true;
            self.queue(Opcode::Close, body);
        }
    }

    /// Sends what waits. Where that cannot be, reading tells why.
    async fn flush(&mut self) {
        while !self.output.is_empty() {
            match self.stream.write(&self.output).await {
                Ok(written) => drop(self.output.drain(..written)),
                Err(_) => self.output.clear(),
            }
        }
        self.stream.flush().await.ok();
    }
}

const CONNECT_TIME: Duration = Duration::from_secs(10);
const CLOSE_TIME: Duration = Duration::from_secs(1);
const CLOSE_NORMAL: u16 = 1000;
const LIMITS: DecoderLimits = DecoderLimits {
    message_bytes: 64 * 1024 * 1024,
    fragments: 1024 * 1024,
};
