//! The generator's side of one connection: a non-blocking socket, plain or TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use socket2::{Domain, Socket, Type};

/// One connection of the crowd.
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<Secured>),
}

/// A TLS session over its socket.
pub(super) struct Secured {
    socket: TcpStream,
    session: ClientConnection,
}

impl Transport {
    /// Connects from the loopback address of guest `guest`; a TLS handshake goes on in `read`.
    ///
    /// # Errors
    /// The connection is refused, or the system runs out of files or ports.
    pub(super) fn connect(
        address: SocketAddrV4,
        guest: usize,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).context("no socket")?;
        socket.bind(&SocketAddrV4::new(source(guest)?, 0).into())?;
        socket
            .connect(&address.into())
            .with_context(|| format!("cannot connect to {address}"))?;
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let socket = TcpStream::from(socket);
        Ok(match tls {
            None => Self::Plain(socket),
            Some(config) => {
                let name = ServerName::try_from("localhost")?;
                let session = ClientConnection::new(Arc::clone(config), name)?;
                Self::Tls(Box::new(Secured { socket, session }))
            }
        })
    }

    /// Reads what has come; 0 is the end.
    ///
    /// # Errors
    /// `WouldBlock` when nothing has come; otherwise the connection is broken.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(secured) => secured.read(buffer),
        }
    }

    /// Whether a read shorter than its buffer means that nothing more has come.
    pub(super) const fn short_read_is_last(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Writes everything, waiting where the socket is full.
    ///
    /// # Errors
    /// The connection is broken, or the server reads nothing for 10 s.
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => write_all(socket, bytes),
            Self::Tls(secured) => {
                secured.session.writer().write_all(bytes)?;
                secured.flush()
            }
        }
    }
}

impl AsFd for Transport {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(socket) => socket.as_fd(),
            Self::Tls(secured) => secured.socket.as_fd(),
        }
    }
}

impl Secured {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            if self.session.read_tls(&mut self.socket)? == 0 {
                return Ok(0);
            }
            self.session
                .process_new_packets()
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            self.flush()?;
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => writable(&self.socket)?,
                outcome => drop(outcome?),
            }
        }
        Ok(())
    }
}

fn write_all(socket: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => writable(socket)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn writable(socket: &TcpStream) -> io::Result<()> {
    let mut sockets = [PollFd::new(socket, PollFlags::OUT)];
    match poll(&mut sockets, Some(&WRITE_TIMEOUT))? {
        0 => Err(io::Error::new(
            ErrorKind::TimedOut,
            "the server does not read",
        )),
        _ => Ok(()),
    }
}

/// Guests share a loopback address in groups that stay under the default limit of connections per
/// address (100), so that the limit stays on.
fn source(guest: usize) -> Result<Ipv4Addr> {
    let group = guest / GUESTS_PER_ADDRESS;
    let third = u8::try_from(1 + group / 250).context("too many guests")?;
    Ok(Ipv4Addr::new(127, 1, third, u8::try_from(1 + group % 250)?))
}

const GUESTS_PER_ADDRESS: usize = 64;
const WRITE_TIMEOUT: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};
