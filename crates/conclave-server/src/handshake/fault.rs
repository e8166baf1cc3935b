//! Sockets that end before there is a request to judge: silence, garbage, heads without end.

use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Crowded, Reception};
use crate::audit::{Event, Kind};
use crate::metrics::Counter;

/// What a socket did instead of sending a request.
pub(super) enum Fault<'a> {
    /// No whole head in time.
    Late,
    /// Something that is no HTTP, or more of it than is read; hyper has answered it.
    Malformed(&'a hyper::Error),
    /// Answers were not taken.
    Unread,
}

impl<'a> Fault<'a> {
    /// What an error of hyper's means; `None` for one that is no fault: a client that is gone,
    /// or one that waits (`idle`) between two requests.
    pub(super) fn of(error: &'a hyper::Error, idle: bool) -> Option<Self> {
        if error.is_timeout() {
            return (!idle).then_some(Self::Late);
        }
        error.is_parse().then_some(Self::Malformed(error))
    }
}

impl Reception {
    /// Writes a fault down, says what hyper has not said, and lets the client read it.
    pub(super) async fn end_faulty<S>(&self, mut socket: S, peer: IpAddr, fault: Fault<'_>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        match fault {
            Fault::Late => {
                self.note_fault(peer, "no request in time");
                farewell(&mut socket, TOO_LATE).await;
            }
            Fault::Malformed(error) => {
                self.note_fault(peer, &format!("no request: {error}"));
                // hyper answers everything but this.
                let is_http_2 = error.is_parse_version_h2();
                farewell(&mut socket, if is_http_2 { NOT_HTTP_2 } else { b"" }).await;
            }
            Fault::Unread => self.note_fault(peer, "answers were not read in time"),
        }
    }

    /// What a TLS handshake that failed (`None`: that took too long) is told to the audit as.
    /// A peer that only went away is none.
    pub(super) fn note_tls_fault(&self, peer: IpAddr, error: Option<&std::io::Error>) {
        match error {
            None => self.note_fault(peer, "no TLS handshake in time"),
            Some(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                self.note_fault(peer, &format!("no TLS handshake: {error}"));
            }
            Some(_) => {}
        }
    }

    /// Writes down that a socket was not served.
    pub(crate) fn note_crowd(&self, peer: IpAddr, crowded: Crowded) {
        let node = self.worker.node();
        node.counters.add(Counter::OverflowedSockets, 1);
        node.counters.add(Counter::HandshakesLimited, 1);
        let detail = match crowded {
            Crowded::Address => "unfinished handshakes of this address",
            Crowded::All => "unfinished handshakes",
        };
        let event = Event::new(Kind::LimitHit, node.clock.now())
            .ip(peer)
            .detail(detail);
        node.audit.record(event);
    }

    fn note_fault(&self, peer: IpAddr, detail: &str) {
        let node = self.worker.node();
        node.counters.add(Counter::HandshakesRefused, 1);
        let event = Event::new(Kind::ProtocolViolation, node.clock.now())
            .ip(peer)
            .detail(detail);
        node.audit.record(event);
    }
}

/// Sends the last words, then reads what still comes: closing with bytes unread would be a reset,
/// which may overtake them.
async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut S, words: &[u8]) {
    let taken = async {
        socket.write_all(words).await?;
        socket.shutdown().await?;
        let mut unread = vec![0; SCRATCH_BYTES];
        let mut left = UNREAD_BYTES_MAX;
        while left > 0 {
            match socket.read(&mut unread).await? {
                0 => break,
                taken => left = left.saturating_sub(taken),
            }
        }
        std::io::Result::Ok(())
    };
    // A client that does not listen has been told nothing; that is all there is to say.
    tokio::time::timeout(LINGER, taken).await.ok();
}

const TOO_LATE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\n\
    connection: close\r\ncontent-length: 0\r\n\r\n";
const NOT_HTTP_2: &[u8] = b"HTTP/1.1 505 HTTP Version Not Supported\r\n\
    connection: close\r\ncontent-length: 0\r\n\r\n";
const LINGER: Duration = Duration::from_secs(1);
const SCRATCH_BYTES: usize = 4096;
const UNREAD_BYTES_MAX: usize = 256 * 1024;
