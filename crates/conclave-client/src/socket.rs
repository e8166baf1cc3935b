//! One WebSocket connection: text messages both ways.
//!
//! What it refuses to do: no compression, no reconnecting, no binary messages. Pings are answered
//! while somebody waits in [`Socket::receive`]. [`crate::Client`] is what most programs want.

pub(crate) mod stream;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use conclave_websocket::handshake::{ClientHandshake, Response};
use conclave_websocket::{
    Decoded, Decoder, DecoderLimits, Event, Inflater, Opcode, Role, encode_masked,
};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::address::Address;
use crate::error::{Ending, Error, Result};
use crate::surroundings::Surroundings;
use crate::trust::trusting;
use stream::Stream;

/// An open connection. Every method may be given up half-way and called again.
pub struct Socket {
    stream: Stream,
    surroundings: Surroundings,
    decoder: Decoder,
    inflater: Inflater,
    /// Received; decoded up to `start`.
    input: Vec<u8>,
    start: usize,
    /// Frames that are not sent yet.
    output: Vec<u8>,
    unflushed: bool,
    close_sent: bool,
    ending: Option<Ending>,
}

/// What came from the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The connection is over.
    Closed(Ending),
    /// An answer to [`Socket::ping`], or unasked.
    Pong,
    /// A whole text message.
    Text(String),
}

/// One frame, taken out of the input.
enum Taken {
    Close(Ending),
    /// A fragment.
    Nothing,
    /// No whole frame is there.
    Incomplete,
    Ping(Vec<u8>),
    Pong,
    Text(String),
}

impl Socket {
    /// Connects and asks for a WebSocket, within 10 s. The token goes into a header, never into
    /// the URL. `ca` is a file of certificates to trust instead of the system's.
    ///
    /// # Errors
    /// No connection, no TLS, or an answer that is no WebSocket.
    pub async fn connect(
        address: &Address,
        token: Option<&str>,
        ca: Option<&Path>,
    ) -> Result<Self> {
        let connected = timeout(CONNECT_TIME, async {
            let stream = stream::open(address, || {
                let mut config = trusting(ca)?;
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Ok(Arc::new(config))
            })
            .await?;
            Self::over(stream, address, token, Surroundings::system()).await
        });
        let silent = |_elapsed| Error::Silent(CONNECT_TIME.as_secs());
        connected.await.map_err(silent)?
    }

    /// Asks for a WebSocket on a connected stream.
    pub(crate) async fn over(
        stream: Stream,
        address: &Address,
        token: Option<&str>,
        surroundings: Surroundings,
    ) -> Result<Self> {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer
            .iter()
            .map(|bearer| ("Authorization", bearer.as_str()))
            .collect();
        let handshake = ClientHandshake {
            host: &address.authority,
            path: &address.target,
            headers: &headers,
            subprotocols: &[],
            nonce: surroundings.random(),
            deflate: false,
        };
        let mut socket = Self {
            stream,
            surroundings,
            decoder: Decoder::new(Role::Client, false),
            inflater: Inflater::new(),
            input: Vec::new(),
            start: 0,
            output: handshake.request()?,
            unflushed: false,
            close_sent: false,
            ending: None,
        };
        loop {
            if socket.progress().await.map_err(broken)? == 0 {
                let ended = io::Error::from(io::ErrorKind::UnexpectedEof);
                let what = "the server ended the connection instead of answering";
                return Err(Error::io(what, ended));
            }
            if let Response::Accepted { consumed, .. } = handshake.response(&socket.input)? {
                socket.start = consumed;
                return Ok(socket);
            }
        }
    }

    /// Takes a text message to send. It leaves while somebody waits in [`Socket::receive`].
    pub fn queue_text(&mut self, text: &str) {
        self.queue(Opcode::Text, text.as_bytes());
    }

    /// Sends a text message. That the connection is broken shows in the next
    /// [`Socket::receive`], after what the server still said.
    pub async fn send(&mut self, text: &str) {
        self.queue_text(text);
        std::future::poll_fn(|context| self.poll_send(context)).await;
    }

    /// Asks the server whether it is there; [`Incoming::Pong`] is the answer.
    pub fn queue_ping(&mut self) {
        self.queue(Opcode::Ping, b"");
    }

    /// Waits for the next text message, or the end, which it then tells again and again.
    ///
    /// # Errors
    /// The connection is broken, or the server broke the protocol.
    pub async fn receive(&mut self) -> Result<Incoming> {
        loop {
            if self.ending.is_some() {
                std::future::poll_fn(|context| self.poll_send(context)).await;
            }
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
                Taken::Nothing => {}
                Taken::Incomplete => {
                    if self.progress().await.map_err(broken)? == 0 {
                        self.ending = Some(Ending::Lost);
                    }
                }
                Taken::Ping(payload) => self.queue(Opcode::Pong, &payload),
                Taken::Pong => return Ok(Incoming::Pong),
                Taken::Text(text) => return Ok(Incoming::Text(text)),
            }
        }
    }

    /// Closes in order: waits up to 1 s for the server's Close. Messages that come before it are
    /// dropped.
    pub async fn close(mut self) {
        self.queue_close(&CLOSE_NORMAL.to_be_bytes());
        let closed = timeout(CLOSE_TIME, async {
            while let Ok(Incoming::Text(_) | Incoming::Pong) = self.receive().await {}
        });
        // A server that does not answer is left alone.
        closed.await.ok();
    }

    fn take(&mut self) -> Result<Taken> {
        let rest = self.input.get_mut(self.start..).unwrap_or_default();
        let decoded = self
            .decoder
            .decode(rest, &LIMITS, &mut self.inflater)
            .map_err(Error::Protocol)?;
        let Decoded::Frame { consumed, event } = decoded else {
            self.input.drain(..self.start);
            self.start = 0;
            return Ok(Taken::Incomplete);
        };
        let taken = match event {
            None => Taken::Nothing,
            Some(Event::Pong(_)) => Taken::Pong,
            Some(Event::Binary(_)) => {
                return Err(Error::Malformed("a binary message".into()));
            }
            Some(Event::Close(code, reason)) => {
                Taken::Close(Ending::Close(code.map(u16::from), reason.into()))
            }
            Some(Event::Ping(payload)) => Taken::Ping(payload.to_vec()),
            Some(Event::Text(text)) => Taken::Text(text.to_owned()),
        };
        self.start += consumed;
        Ok(taken)
    }

    fn queue(&mut self, opcode: Opcode, payload: &[u8]) {
        let mask = self.surroundings.random();
        encode_masked(opcode, payload, mask, &mut self.output);
    }

    fn queue_close(&mut self, body: &[u8]) {
        if !self.close_sent {
            self.close_sent = true;
            self.queue(Opcode::Close, body);
        }
    }

    /// Sends what waits, as far as it goes, until something was received; tells how many bytes,
    /// 0 at the end.
    async fn progress(&mut self) -> io::Result<usize> {
        std::future::poll_fn(|context| {
            // A full way out must not keep from reading: the other side may be as stuck.
            let _sent: Poll<()> = self.poll_send(context);
            self.poll_read(context)
        })
        .await
    }

    /// Sends what waits. Where that cannot be, reading tells why.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.output.is_empty() {
            match ready!(self.stream.as_mut().poll_write(context, &self.output)) {
                Ok(written) if written > 0 => drop(self.output.drain(..written)),
                Ok(_) | Err(_) => self.output.clear(),
            }
            self.unflushed = true;
        }
        if self.unflushed {
            // A broken stream is found by reading.
            ready!(self.stream.as_mut().poll_flush(context)).ok();
            self.unflushed = false;
        }
        Poll::Ready(())
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.reserve(READ_BYTES);
        let read = std::pin::pin!(self.stream.read_buf(&mut self.input)).poll(context);
        // A peer that goes away without ending TLS is gone all the same; whether its last
        // message was whole is known from its Close.
        match ready!(read) {
            Err(error) if is_end(&error) => Poll::Ready(Ok(0)),
            read => Poll::Ready(read),
        }
    }
}

fn broken(error: io::Error) -> Error {
    Error::io("the connection broke", error)
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof
    )
}

const READ_BYTES: usize = 16 * 1024;
pub(crate) const CONNECT_TIME: Duration = Duration::from_secs(10);
const CLOSE_TIME: Duration = Duration::from_secs(1);
const CLOSE_NORMAL: u16 = 1000;
const LIMITS: DecoderLimits = DecoderLimits {
    message_bytes: 64 * 1024 * 1024,
    fragments: 1024 * 1024,
};
