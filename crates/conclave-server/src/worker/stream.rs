//! The socket of a connection, plain or under TLS, read and written without a task of its own.

use std::io::{self, Read as _, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::net::SendFlags;
use rustls::ServerConnection;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

use crate::polling::PipeEnd;

/// A socket after its handshake.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Without encryption.
    Plain(TcpStream),
    /// None: the other end is in this process.
    Piped(PipeEnd),
    /// Encrypted.
    Tls(Box<TlsStream>),
}

/// A socket and its TLS session. rustls is fed only while it has nothing unsent, so that the
/// outbox stays the one bound.
#[derive(Debug)]
pub(crate) struct TlsStream {
    tcp: TcpStream,
    session: ServerConnection,
}

impl TlsStream {
    /// After a finished TLS handshake.
    pub(crate) fn new(tcp: TcpStream, session: ServerConnection) -> Self {
        Self { tcp, session }
    }
}

impl Stream {
    /// Reads into `buffer`; 0 is the end. `cipher` is scratch space for encrypted bytes.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        cipher: &mut [u8],
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Piped(pipe) => pipe.poll_read(context, buffer),
            Self::Plain(tcp) => poll_tcp(tcp, context, buffer),
            Self::Tls(tls) => tls.poll_read(context, cipher, buffer),
        }
    }

    /// Writes what the socket takes now; `WouldBlock` where that is nothing.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Piped(pipe) => pipe.try_write(bytes),
            Self::Plain(tcp) => tcp.try_write(bytes),
            Self::Tls(tls) => tls.try_write(bytes),
        }
    }

    /// As [`Stream::try_write`] where more follows at once, which goes in the same packet.
    pub(crate) fn write_before_more(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => hold_back(tcp, bytes),
            Self::Piped(_) | Self::Tls(_) => self.try_write(bytes),
        }
    }

    /// Writes the last bytes there are and says that they are, in one packet where it can;
    /// `false` where the socket does not take them now.
    pub(crate) fn write_last(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let written = match self {
            Self::Plain(tcp) => hold_back(tcp, bytes),
            Self::Piped(_) | Self::Tls(_) => self.try_write(bytes),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Ok(written) if written == bytes.len() => {}
            Ok(_) => return Err(io::ErrorKind::WriteZero.into()),
            Err(error) => return Err(error),
        }
        match self {
            // The socket is closed next, which sends what is held back and ends it.
            Self::Plain(_) => {}
            Self::Piped(pipe) => pipe.shut(),
            Self::Tls(_) => self.part(),
        }
        Ok(true)
    }

    /// Whether bytes that were taken are not on the socket yet.
    pub(crate) fn has_unsent(&self) -> bool {
        match self {
            Self::Piped(_) | Self::Plain(_) => false,
            Self::Tls(tls) => tls.session.wants_write(),
        }
    }

    /// Puts taken bytes on the socket; `WouldBlock` where it is full.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Piped(_) | Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.flush(),
        }
    }

    /// Ready when the socket may take bytes again.
    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Piped(pipe) => pipe.poll_writable(context),
            Self::Plain(tcp) => tcp.poll_write_ready(context),
            Self::Tls(tls) => tls.tcp.poll_write_ready(context),
        }
    }

    /// Says that nothing more will be written.
    pub(crate) fn shut(&mut self) -> io::Result<()> {
        self.part();
        let tcp = match self {
            Self::Piped(pipe) => {
                pipe.shut();
                return Ok(());
            }
            Self::Plain(tcp) => &*tcp,
            Self::Tls(tls) => &tls.tcp,
        };
        socket2::SockRef::from(tcp).shutdown(std::net::Shutdown::Write)
    }

    /// Tells a peer under TLS that this was all, before the socket is dropped.
    pub(crate) fn part(&mut self) {
        if let Self::Tls(tls) = self {
            tls.session.send_close_notify();
            // The peer may be gone already; then nobody misses the notice.
            tls.flush().ok();
        }
    }

    /// Makes the drop of this socket a reset.
    pub(crate) fn reset_on_drop(&self) {
        let tcp = match self {
            Self::Piped(_) => return,
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.tcp,
        };
        socket2::SockRef::from(tcp)
            .set_linger(Some(std::time::Duration::ZERO))
            .ok();
    }

    /// Whether the client comes by long-polling.
    pub(crate) const fn is_piped(&self) -> bool {
        matches!(self, Self::Piped(_))
    }
}

impl TlsStream {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        cipher: &mut [u8],
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return Poll::Ready(other),
            }
            let taken = ready!(poll_tcp(&mut self.tcp, context, cipher))?;
            if taken == 0 {
                return Poll::Ready(Ok(0));
            }
            let mut rest = cipher.get(..taken).unwrap_or_default();
            while !rest.is_empty() {
                self.session.read_tls(&mut rest)?;
                self.session
                    .process_new_packets()
                    .map_err(io::Error::other)?;
            }
            // Key updates and alerts; a full socket sends them with the next write.
            match self.flush() {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                Ok(()) | Err(_) => {}
            }
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let taken = self.session.writer().write(bytes)?;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            Ok(()) | Err(_) => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut Direct(&self.tcp))?;
        }
        Ok(())
    }
}

/// Gives the socket bytes that it keeps for the next packet.
fn hold_back(tcp: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
    Ok(rustix::net::send(tcp, bytes, flags)?)
}

fn poll_tcp(
    tcp: &mut TcpStream,
    context: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(tcp).poll_read(context, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}

/// Lets rustls write all its queued records in one call.
struct Direct<'a>(&'a TcpStream);

impl io::Write for Direct<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, bytes: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match bytes {
            // Nearly always: one record. `send` costs less than `writev`.
            [one] => self.0.try_write(one),
            several => self.0.try_write_vectored(several),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
