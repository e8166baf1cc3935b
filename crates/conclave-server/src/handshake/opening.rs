//! The first bytes of a socket. A whole WebSocket handshake is judged and answered from where it
//! was read; everything else (other requests, heads in pieces, what is no HTTP) is hyper's.

use std::future::{Future, poll_fn};
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use httparse::{Request, Status};
use hyper::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream as AcceptedTls;

use super::fault::Fault;
use super::judge::{Judgement, Plea, Verdict, switching_bytes};
use super::patience::Over;
use super::{Peer, Reception, bound};
use crate::worker::{Drive, Stream, TlsStream};

/// The task of a socket: what it takes to become a connection, then the connection. One task for
/// both, and what the first takes is freed before the second begins.
pub(crate) enum Entrance {
    Open(Drive),
    Opening(Pin<Box<dyn Future<Output = Option<Drive>>>>),
}

impl Entrance {
    /// `opening` gives the connection, where the socket becomes one.
    pub(crate) fn new(opening: impl Future<Output = Option<Drive>> + 'static) -> Self {
        Self::Opening(Box::pin(opening))
    }
}

impl Future for Entrance {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut *self {
                Self::Open(drive) => return Pin::new(drive).poll(context),
                Self::Opening(opening) => match ready!(opening.as_mut().poll(context)) {
                    Some(drive) => *self = Self::Open(drive),
                    None => return Poll::Ready(()),
                },
            }
        }
    }
}

/// A socket before its upgrade.
pub(super) trait Raw: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The same as a connection has it.
    fn into_stream(self) -> Stream;
}

impl Raw for TcpStream {
    fn into_stream(self) -> Stream {
        Stream::Plain(self)
    }
}

impl Raw for AcceptedTls<TcpStream> {
    fn into_stream(self) -> Stream {
        let (tcp, session) = self.into_inner();
        Stream::Tls(Box::new(TlsStream::new(tcp, session)))
    }
}

/// What hyper begins with.
#[derive(Default)]
pub(super) struct First {
    /// What was read already.
    pub(super) bytes: Vec<u8>,
    /// The answer to the request in it, where that was found already.
    pub(super) answer: Option<Response<Body>>,
}

/// What the first bytes of a socket are.
enum Opening {
    Gone,
    Late,
    /// For hyper.
    Request(First),
    /// A handshake that is answered with 101.
    Upgrade {
        head: Vec<u8>,
        early: Vec<u8>,
        verdict: Verdict,
    },
}

impl Reception {
    /// Serves a socket up to its connection, which it gives, or to its end. `until` is by the
    /// monotonic clock.
    pub(super) async fn open<S: Raw>(
        self: &Rc<Self>,
        mut socket: S,
        peer: Peer,
        until: Duration,
    ) -> Option<Drive> {
        match self.first_bytes(&mut socket, peer.address, until).await {
            Opening::Gone => None,
            Opening::Late => {
                Box::pin(self.end_faulty(socket, peer.address, Fault::Late)).await;
                None
            }
            Opening::Request(first) => {
                let now = self.worker.node().clock.monotonic();
                let left = until.saturating_sub(now).max(Duration::from_millis(1));
                Box::pin(self.http(socket, first, peer, left)).await;
                None
            }
            Opening::Upgrade {
                head,
                early,
                verdict,
            } => {
                let mut stream = socket.into_stream();
                // A fresh socket takes so little whole; one that does not is no loss.
                let written = if verdict.speaks_at_once() {
                    stream.write_before_more(&head)
                } else {
                    stream.try_write(&head)
                };
                let written = written.ok()?;
                if written < head.len() {
                    return None;
                }
                self.enter(stream, early, verdict).await
            }
        }
    }

    async fn first_bytes<S: Raw>(
        self: &Rc<Self>,
        socket: &mut S,
        peer: IpAddr,
        until: Duration,
    ) -> Opening {
        let waiting = self.patience.begin(until);
        poll_fn(|context| {
            let opening = self.worker.lend_buffer(|buffer| {
                let mut buffer = ReadBuf::new(buffer.get_mut(..FIRST_BYTES).unwrap_or_default());
                let read = ready!(Pin::new(&mut *socket).poll_read(context, &mut buffer));
                Poll::Ready(match read {
                    Ok(()) if !buffer.filled().is_empty() => self.look(buffer.filled(), peer),
                    Ok(()) | Err(_) => Opening::Gone,
                })
            });
            if opening.is_ready() {
                return opening;
            }
            match waiting.poll(context) {
                None => Poll::Pending,
                Some(Over::Late) => Poll::Ready(Opening::Late),
                Some(Over::Stopping) => Poll::Ready(Opening::Request(First::default())),
            }
        })
        .await
    }

    fn look(&self, bytes: &[u8], peer: IpAddr) -> Opening {
        let answer = match self.handshake(bytes, peer) {
            Some((length, Judgement::Switching(accepted, verdict))) => {
                let mut head = Vec::with_capacity(HEAD_BYTES);
                switching_bytes(&accepted, &mut head);
                return Opening::Upgrade {
                    head,
                    early: bytes.get(length..).unwrap_or_default().to_vec(),
                    verdict,
                };
            }
            Some((_, Judgement::Answered(answer))) => Some(answer),
            None => None,
        };
        Opening::Request(First {
            bytes: bytes.to_vec(),
            answer,
        })
    }

    /// The length of the head and its judgement, where the bytes begin with a whole GET for a
    /// surface, without a body and within every limit, that can be judged at once.
    fn handshake(&self, bytes: &[u8], peer: IpAddr) -> Option<(usize, Judgement)> {
        let mut lines = [const { MaybeUninit::uninit() }; LINES_MAX];
        let mut request = Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(bytes, &mut lines);
        let Ok(Status::Complete(length)) = parsed else {
            return None;
        };
        let (Some(method @ "GET"), Some(1), Some(target)) =
            (request.method, request.version, request.path)
        else {
            return None;
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let route = self.route(path)?;
        let limits = &self.worker.node().setup.config.limits;
        let is_bounded = length <= bound(limits.head_bytes, FIRST_BYTES)
            && request.headers.len() <= bound(limits.head_lines, LINES_MAX);
        let is_bare = |name: &str| !BODY.iter().any(|body| name.eq_ignore_ascii_case(body));
        // Without an upgrade it is hyper's to say what is there.
        let asks = request
            .headers
            .iter()
            .any(|line| line.name.eq_ignore_ascii_case("upgrade"));
        let is_usual = asks
            && query.bytes().all(is_usual_in_query)
            && request.headers.iter().all(|line| is_bare(line.name));
        if !is_bounded || !is_usual {
            return None;
        }
        let judgement = self.judge_now(&Plea {
            method,
            is_http_1_1: true,
            path,
            query,
            lines: request.headers,
            route,
            peer,
        })?;
        Some((length, judgement))
    }
}

fn is_usual_in_query(byte: u8) -> bool {
    QUERY_BYTES.get(usize::from(byte)).is_some_and(|is| *is)
}

#[expect(
    clippy::indexing_slicing,
    reason = "below 128; and it is computed by the compiler"
)]
const QUERY_BYTES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        bytes[byte as usize] = is_query_byte(byte);
        byte += 1;
    }
    bytes
};

/// What no reader of URIs disputes (RFC 3986 section 3.4).
const fn is_query_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'%'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
                | b'/'
                | b'?'
        )
}

/// Lines that say something about a body.
const BODY: [&str; 3] = ["content-length", "expect", "transfer-encoding"];
/// What is read at first; longer heads are hyper's.
const FIRST_BYTES: usize = 16 * 1024;
const LINES_MAX: usize = 64;
/// Enough for any 101.
const HEAD_BYTES: usize = 320;
