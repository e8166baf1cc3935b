//! The other end of a client, for tests: a server that does what the test tells it.
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "only tests use it: whatever goes wrong in it fails the test"
)]

use conclave_websocket::handshake::{AcceptOptions, accept};
use conclave_websocket::{
    Decoded, Decoder, DecoderLimits, Event, Inflater, Opcode, Role, encode, encode_close,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A connection that was accepted.
pub struct Peer<S> {
    stream: S,
    decoder: Decoder,
    inflater: Inflater,
    input: Vec<u8>,
    /// The request's head.
    pub head: String,
}

/// A listener on a free port, and the URL of its `/ws`.
pub async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    (listener, url)
}

impl Peer<TcpStream> {
    /// Accepts a connection and its handshake.
    pub async fn accept(listener: &TcpListener) -> Self {
        Self::over(listener.accept().await.unwrap().0).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Accepts the handshake on a connected stream.
    pub async fn over(stream: S) -> Self {
        let mut peer = Self {
            stream,
            decoder: Decoder::new(Role::Server, false),
            inflater: Inflater::new(),
            input: Vec::new(),
            head: String::new(),
        };
        while !peer.head.ends_with("\r\n\r\n") {
            peer.head
                .push(char::from(peer.stream.read_u8().await.unwrap()));
        }
        let lines = peer
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        let headers = lines.map(|(name, value)| (name, value.as_bytes()));
        let accepted = accept("GET", true, headers, &AcceptOptions::default()).unwrap();
        let proof = str::from_utf8(&accepted.accept).unwrap();
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {proof}\r\n\r\n"
        );
        peer.write(answer.as_bytes()).await;
        peer
    }

    /// The next frame as text: a text message itself, `ping:…`, `pong:…`, `close:CODE`, `end`.
    pub async fn heard(&mut self) -> String {
        loop {
            let limits = DecoderLimits {
                message_bytes: 1 << 20,
                fragments: 16,
            };
            let decoded = self
                .decoder
                .decode(&mut self.input, &limits, &mut self.inflater);
            if let Decoded::Frame { consumed, event } = decoded.unwrap() {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let heard = match event {
                    Some(Event::Text(message)) => message.to_owned(),
                    Some(Event::Ping(payload)) => format!("ping:{}", text(payload)),
                    Some(Event::Pong(payload)) => format!("pong:{}", text(payload)),
                    Some(Event::Close(code, _)) => format!("close:{}", code.map_or(0, u16::from)),
                    Some(Event::Binary(_)) | None => panic!("a client sends no such frame"),
                };
                self.input.drain(..consumed);
                return heard;
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return "end".to_owned(),
                Ok(_) => {}
            }
        }
    }

    /// Expects a text message and answers it.
    pub async fn answer(&mut self, expected: &str, answer: &str) {
        assert_eq!(self.heard().await, expected);
        self.say(answer).await;
    }

    /// Sends a text message.
    pub async fn say(&mut self, text: &str) {
        self.frame(Opcode::Text, text.as_bytes()).await;
    }

    /// Sends a frame.
    pub async fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut frame = Vec::new();
        encode(opcode, payload, &mut frame);
        self.write(&frame).await;
    }

    /// Sends a Close.
    pub async fn close(&mut self, code: u16, reason: &str) {
        let mut frame = Vec::new();
        encode_close(code, reason, &mut frame);
        self.write(&frame).await;
    }

    /// Sends bytes, one after the other.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }
}
