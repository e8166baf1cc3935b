//! A WebSocket over any stream of bytes, by the codec of `conclave-websocket`.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use conclave_auth::Random;
use conclave_websocket::{
    Decoded, Decoder, DecoderLimits, Event, Inflater, Opcode, Role, encode, encode_close,
    encode_masked,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Incoming, Transport, TransportError};

/// A WebSocket after its handshake. Reads into one buffer and writes from one, both kept for the
/// next message; pings are answered by themselves.
pub struct WebSocketTransport<S> {
    stream: S,
    decoder: Decoder,
    inflater: Inflater,
    limits: DecoderLimits,
    input: Vec<u8>,
    /// Bytes of `input` that are done with.
    taken: usize,
    /// Bytes that must come before it is worth looking again.
    missing: usize,
    output: Vec<u8>,
    /// Bytes of `output` that are written.
    written: usize,
    /// Something was written since the stream was flushed.
    unflushed: bool,
    /// Of clients, which mask what they send.
    masks: Option<Arc<dyn Random>>,
    /// The peer's Close has come.
    is_closed: bool,
}

/// What a message may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSocketBounds {
    /// Bytes of a whole message.
    pub message_bytes: usize,
    /// Frames of a message.
    pub fragments: u32,
}

impl<S> WebSocketTransport<S> {
    /// The server's end; `early` came behind the handshake's head.
    #[must_use]
    pub fn server(stream: S, early: Vec<u8>, bounds: WebSocketBounds) -> Self {
        Self::new(stream, early, bounds, None)
    }

    /// The client's end, which masks with this randomness.
    #[must_use]
    pub fn client(
        stream: S,
        early: Vec<u8>,
        bounds: WebSocketBounds,
        random: Arc<dyn Random>,
    ) -> Self {
        Self::new(stream, early, bounds, Some(random))
    }

    fn new(
        stream: S,
        early: Vec<u8>,
        bounds: WebSocketBounds,
        masks: Option<Arc<dyn Random>>,
    ) -> Self {
        let role = if masks.is_some() {
            Role::Client
        } else {
            Role::Server
        };
        Self {
            stream,
            decoder: Decoder::new(role, false),
            inflater: Inflater::new(),
            limits: DecoderLimits {
                message_bytes: bounds.message_bytes,
                fragments: bounds.fragments,
            },
            input: early,
            taken: 0,
            missing: 0,
            output: Vec::new(),
            written: 0,
            unflushed: false,
            masks,
            is_closed: false,
        }
    }

    /// Makes room for the next read: what is whole but not taken moves to the front.
    fn make_room(&mut self) {
        if self.taken > 0 {
            self.input.drain(..self.taken);
            self.taken = 0;
        }
        if self.input.is_empty() && self.input.capacity() > KEPT_BYTES_MAX {
            self.input = Vec::new();
        }
        self.input.reserve(self.missing.max(READ_BYTES));
    }

    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        if self.written == self.output.len() {
            self.output.clear();
            self.written = 0;
        }
        match &self.masks {
            None => encode(opcode, payload, &mut self.output),
            Some(random) => {
                let mut mask = [0; 4];
                random.fill(&mut mask);
                encode_masked(opcode, payload, mask, &mut self.output);
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> WebSocketTransport<S> {
    /// Reads until the peer has closed too, passing over everything else. Were the socket closed
    /// with bytes unread, the peer could lose what was said last.
    async fn drain(&mut self) {
        let mut passed_over = String::new();
        while !self.is_closed {
            match self.take(&mut passed_over) {
                Ok(Some(_)) => {}
                Ok(None) if self.wait().await.is_ok() => {}
                Ok(None) => return,
                // What follows in the stream has no meaning.
                Err(_) => break,
            }
        }
        self.stream.shutdown().await.unwrap_or_default();
        loop {
            self.input.clear();
            self.taken = 0;
            self.missing = 0;
            if self.wait().await.is_err() {
                return;
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for WebSocketTransport<S> {
    fn take(&mut self, message: &mut String) -> Result<Option<Incoming>, TransportError> {
        loop {
            let unread = self.input.get_mut(self.taken..).unwrap_or_default();
            if unread.is_empty() || self.is_closed {
                return Ok(None);
            }
            let decoded = self
                .decoder
                .decode(unread, &self.limits, &mut self.inflater)
                .map_err(|violation| TransportError::Violation {
                    code: violation.close_code(),
                    reason: violation.reason(),
                })?;
            let (consumed, event) = match decoded {
                Decoded::Incomplete { missing } => {
                    self.missing = missing;
                    return Ok(None);
                }
                Decoded::Frame { consumed, event } => (consumed, event),
            };
            self.taken = self.taken.saturating_add(consumed);
            self.missing = 0;
            match event {
                None => {}
                Some(Event::Text(text)) => {
                    message.clear();
                    message.push_str(text);
                    return Ok(Some(Incoming::Message));
                }
                Some(Event::Binary(_)) => {
                    return Err(TransportError::Violation {
                        code: 1003,
                        reason: "only text is spoken here",
                    });
                }
                Some(Event::Ping(payload)) => {
                    let payload = payload.to_vec();
                    self.frame(Opcode::Pong, &payload);
                    return Ok(Some(Incoming::SignOfLife));
                }
                Some(Event::Pong(_)) => return Ok(Some(Incoming::SignOfLife)),
                Some(Event::Close(code, reason)) => {
                    self.is_closed = true;
                    message.clear();
                    message.push_str(reason);
                    return Ok(Some(Incoming::Closed(code.map_or(1005, u16::from))));
                }
            }
        }
    }

    async fn wait(&mut self) -> Result<(), TransportError> {
        self.make_room();
        // Nothing but the stream itself has a state, so a read or a write may begin anew with
        // each poll.
        poll_fn(|context| {
            while let Some(rest) = unwritten(&self.output, self.written) {
                match pin!(self.stream.write(rest)).poll(context) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(TransportError::Ended)),
                    Poll::Ready(Ok(bytes)) => self.written = self.written.saturating_add(bytes),
                    Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault.into())),
                    Poll::Pending => break,
                }
                self.unflushed = true;
            }
            if self.unflushed {
                match pin!(self.stream.flush()).poll(context) {
                    Poll::Ready(Ok(())) => self.unflushed = false,
                    Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault.into())),
                    Poll::Pending => {}
                }
            }
            pin!(self.stream.read_buf(&mut self.input))
                .poll(context)
                .map(|read| match read {
                    Ok(0) => Err(TransportError::Ended),
                    Ok(_) => Ok(()),
                    Err(fault) => Err(fault.into()),
                })
        })
        .await
    }

    fn queue(&mut self, message: &[u8]) {
        self.frame(Opcode::Text, message);
    }

    fn queue_ping(&mut self) {
        self.frame(Opcode::Ping, b"");
    }

    fn queued_bytes(&self) -> usize {
        self.output.len().saturating_sub(self.written)
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        while let Some(rest) = unwritten(&self.output, self.written) {
            match self.stream.write(rest).await? {
                0 => return Err(TransportError::Ended),
                bytes => self.written = self.written.saturating_add(bytes),
            }
        }
        if self.output.capacity() > KEPT_BYTES_MAX {
            self.output = Vec::new();
            self.written = 0;
        }
        // What lies between may hold bytes back.
        self.stream.flush().await?;
        self.unflushed = false;
        Ok(())
    }

    async fn close(&mut self, code: u16, reason: &str) {
        let mut frame = Vec::new();
        encode_close(code, reason, &mut frame);
        // A server's Close has no mask, so its body begins behind two bytes.
        let body = frame.get(2..).unwrap_or_default().to_vec();
        self.frame(Opcode::Close, if code == 1005 { b"" } else { &body });
        if self.flush().await.is_ok() {
            self.drain().await;
        }
    }
}

impl<S> fmt::Debug for WebSocketTransport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebSocketTransport")
    }
}

fn unwritten(output: &[u8], written: usize) -> Option<&[u8]> {
    output.get(written..).filter(|rest| !rest.is_empty())
}

/// Room that a read finds at least.
const READ_BYTES: usize = 2 * 1024;
/// What an empty buffer keeps.
const KEPT_BYTES_MAX: usize = 16 * 1024;
