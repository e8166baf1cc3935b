//! Handshakes.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use conclave_websocket::handshake::{ClientHandshake, ClientHandshakeError, Response};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::{Client, Wire, header};
use crate::world::PATIENCE;

/// A handshake to be made.
#[derive(Clone)]
pub(crate) struct Dial {
    address: SocketAddr,
    host: String,
    path: String,
    query: Vec<String>,
    headers: Vec<(String, String)>,
    deflate: bool,
    tls: Option<Arc<ClientConfig>>,
    from: Option<SocketAddr>,
    receive_buffer: Option<usize>,
}

/// A handshake that was answered by something else than 101.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Dial {
    /// At `/ws`, with nothing that is not needed.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            host: address.to_string(),
            path: "/ws".to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            deflate: false,
            tls: None,
            from: None,
            receive_buffer: None,
        }
    }

    /// Another path than `/ws`.
    pub(crate) fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Another `Host` than the address.
    pub(crate) fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// The `Host` that is sent.
    pub(crate) fn host_name(&self) -> &str {
        &self.host
    }

    /// Adds `NAME=VALUE` to the query.
    pub(crate) fn query(mut self, pair: &str) -> Self {
        self.query.push(pair.to_owned());
        self
    }

    /// Shows a token in the query.
    pub(crate) fn token(self, token: &str) -> Self {
        self.query(&format!("token={token}"))
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Offers permessage-deflate.
    pub(crate) const fn deflate(mut self) -> Self {
        self.deflate = true;
        self
    }

    /// Speaks TLS.
    pub(crate) fn tls(mut self, config: &Arc<ClientConfig>) -> Self {
        self.tls = Some(Arc::clone(config));
        self
    }

    /// Comes from this address of the machine.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.from = Some(SocketAddr::new(address.parse().expect("an address"), 0));
        self
    }

    /// Takes about so many bytes into the socket before the program reads any.
    pub(crate) const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// The socket, with TLS where it was asked for, before any HTTP.
    pub(crate) fn wire(&self) -> io::Result<Wire> {
        use socket2::{Domain, Socket, Type};
        let socket = Socket::new(Domain::for_address(self.address), Type::STREAM, None)?;
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(from) = self.from {
            socket.bind(&from.into())?;
        }
        socket.connect_timeout(&self.address.into(), PATIENCE)?;
        let tcp = TcpStream::from(socket);
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        let Some(config) = &self.tls else {
            return Ok(Wire::Plain(tcp));
        };
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, tcp);
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(Wire::Tls(Box::new(stream)))
    }

    /// The request's bytes, as `connect` would send them, and the nonce in them.
    pub(crate) fn request(&self) -> (Vec<u8>, [u8; 16]) {
        let nonce = nonce();
        let path = self.target();
        let headers = self.header_pairs();
        let request = self.handshake(&path, &headers, nonce).request();
        (request.expect("a legal request"), nonce)
    }

    /// Connects; fails the test where the server refuses.
    pub(crate) fn connect(&self) -> Client {
        self.try_connect()
            .unwrap_or_else(|refused| panic!("refused: {refused:?}"))
    }

    /// Connects, where the server answers 101.
    pub(crate) fn try_connect(&self) -> Result<Client, Refused> {
        self.connect_sending(&[])
    }

    /// Connects, and sends bytes behind the request without waiting for its answer.
    pub(crate) fn connect_sending(&self, early: &[u8]) -> Result<Client, Refused> {
        let mut wire = self.wire().expect("a listening server");
        let (mut request, nonce) = self.request();
        request.extend_from_slice(early);
        // A server that refuses early may have closed already; its answer says so.
        wire.write_all(&request).ok();
        self.judge(wire, nonce)
    }

    fn judge(&self, mut wire: Wire, nonce: [u8; 16]) -> Result<Client, Refused> {
        let path = self.target();
        let headers = self.header_pairs();
        let handshake = self.handshake(&path, &headers, nonce);
        let mut input = Vec::new();
        loop {
            match handshake.response(&input) {
                Ok(Response::Incomplete) => {}
                Ok(Response::Accepted {
                    consumed, deflate, ..
                }) => {
                    let head = String::from_utf8_lossy(&input[..consumed]).into_owned();
                    input.drain(..consumed);
                    return Ok(Client::new(wire, input, deflate, head).at(&self.path));
                }
                Err(ClientHandshakeError::Status(status)) => {
                    return Err(refused(status, input, &mut wire));
                }
                Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&input)),
            }
            if wire.read_some(&mut input).expect("an answer in time") == 0 {
                panic!("no answer: {}", String::from_utf8_lossy(&input));
            }
        }
    }

    fn target(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, self.query.join("&"))
    }

    fn header_pairs(&self) -> Vec<(&str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    fn handshake<'a>(
        &'a self,
        path: &'a str,
        headers: &'a [(&'a str, &'a str)],
        nonce: [u8; 16],
    ) -> ClientHandshake<'a> {
        let (host, deflate) = (self.host.as_str(), self.deflate);
        ClientHandshake {
            host,
            path,
            headers,
            subprotocols: &[],
            nonce,
            deflate,
        }
    }
}

fn nonce() -> [u8; 16] {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    (u128::from(serial) << 64 | u128::from(std::process::id())).to_be_bytes()
}

fn refused(status: u16, mut input: Vec<u8>, wire: &mut Wire) -> Refused {
    loop {
        if let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&input[..end]).into_owned();
            let length = header(&head, "content-length").and_then(|value| value.parse().ok());
            let body = &input[end + 4..];
            if body.len() >= length.unwrap_or(0) {
                let body = String::from_utf8_lossy(body).into_owned();
                return Refused { status, head, body };
            }
        }
        if wire.read_some(&mut input).expect("a body in time") == 0 {
            panic!("cut off: {}", String::from_utf8_lossy(&input));
        }
    }
}
