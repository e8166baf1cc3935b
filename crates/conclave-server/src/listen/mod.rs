//! Sockets that are listened on, one set per worker.

mod metrics;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

pub(crate) use metrics::serve_metrics;
pub(crate) use tls::TlsKeys;

use crate::handshake::{Crowded, Entrance, Place, Reception};

/// An address and how its sockets begin.
#[derive(Clone)]
pub(crate) struct Door {
    /// Where.
    pub(crate) address: SocketAddr,
    /// With encryption.
    pub(crate) tls: Option<Arc<TlsKeys>>,
}

/// A listening socket of one worker.
pub(crate) struct Listener {
    socket: std::net::TcpListener,
    tls: Option<Arc<TlsKeys>>,
}

/// Binds a door for every worker. The first bind is exclusive, so that a second server fails
/// loudly instead of sharing the port. Port 0 becomes a free one, the same for all workers.
///
/// # Errors
/// What the system says of the address.
pub(crate) fn bind(door: &Door, workers: usize) -> io::Result<(SocketAddr, Vec<Listener>)> {
    let probe = socket(door.address, Sharing::Alone)?;
    let address = probe.local_addr()?.as_socket().unwrap_or(door.address);
    drop(probe);
    let listeners = (0..workers)
        .map(|_| {
            let socket = socket(address, Sharing::Workers)?;
            socket.listen(BACKLOG)?;
            Ok(Listener {
                socket: socket.into(),
                tls: door.tls.clone(),
            })
        })
        .collect::<io::Result<_>>()?;
    Ok((address, listeners))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Alone,
    Workers,
}

fn socket(address: SocketAddr, sharing: Sharing) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    if sharing == Sharing::Workers {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    // Accepted sockets inherit all three. Without the second the kernel would hold megabytes for
    // a slow reader, without the third for a sender who is not read, outside every bound of ours.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_notsent_lowat(NOT_SENT_BYTES)?;
    socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    if sharing == Sharing::Alone {
        // Two servers of the same user may both bind with SO_REUSEADDR; only one may listen.
        socket.listen(1)?;
    }
    Ok(socket)
}

impl Listener {
    /// Accepts until the server stops; then once more whatever already waits, since the kernel
    /// would reset it.
    pub(crate) async fn run(self, reception: Rc<Reception>) -> io::Result<()> {
        let listener = TcpListener::from_std(self.socket)?;
        let mut stop = reception.stop.clone();
        let mut stopping = std::pin::pin!(stop.wait_for(|stopping| *stopping));
        loop {
            let accepted = tokio::select! {
                biased;
                _ = &mut stopping => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => welcome(&reception, socket, peer, self.tls.as_ref()),
                Err(error) => pause(&error).await,
            }
        }
        // Straight from the kernel: the runtime may not know yet who has come.
        let listener = listener.into_std()?;
        while let Ok((socket, peer)) = listener.accept() {
            socket.set_nonblocking(true)?;
            let socket = TcpStream::from_std(socket)?;
            welcome(&reception, socket, peer, self.tls.as_ref());
        }
        Ok(())
    }
}

fn welcome(
    reception: &Rc<Reception>,
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<&Arc<TlsKeys>>,
) {
    match Place::take(reception, peer.ip().to_canonical()) {
        Ok(place) => {
            let serve = Rc::clone(reception).serve(socket, peer, tls.cloned(), place);
            tokio::task::spawn_local(Entrance::new(serve));
        }
        Err(crowded) => {
            reception.note_crowd(peer.ip().to_canonical(), crowded);
            if tls.is_none() {
                // A fresh socket takes so little whole; where it does not, the end must do.
                socket2::SockRef::from(&socket)
                    .send(turned_away(crowded))
                    .ok();
            }
        }
    }
}

const fn turned_away(crowded: Crowded) -> &'static [u8] {
    match crowded {
        Crowded::Address => {
            b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\n\
              connection: close\r\ncontent-length: 0\r\n\r\n"
        }
        Crowded::All => {
            b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
              connection: close\r\ncontent-length: 0\r\n\r\n"
        }
    }
}

/// A client that gave up is nothing; out of files means to wait until some are closed.
async fn pause(error: &io::Error) {
    if !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    ) {
        tracing::warn!(%error, "cannot accept");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

const BACKLOG: i32 = 4096;
const NOT_SENT_BYTES: u32 = 32 * 1024;
/// The kernel doubles it: about four messages of the default limit, and their overhead.
const RECEIVE_BYTES: usize = 256 * 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
