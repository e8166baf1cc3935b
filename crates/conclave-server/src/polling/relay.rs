//! The change of a session from long-polling to a WebSocket: probe, then bytes as they are.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use conclave_websocket::{
    Decoded, Decoder, DecoderLimits, Event, Inflater, Opcode, Role, encode, encode_close,
};
use parking_lot::Mutex;

use super::{Session, Stage};
use crate::worker::Stream;

/// Serves a WebSocket that wants to take over a session, to its end.
pub(crate) async fn relay(stream: Stream, early: Vec<u8>, session: Arc<Session>) {
    if !session.may_upgrade() || session.relayed.swap(true, Ordering::Relaxed) {
        let mut frame = Vec::new();
        encode_close(1008, "the session is not to be upgraded", &mut frame);
        let mut stream = stream;
        // A fresh socket takes so little whole.
        stream.try_write(&frame).ok();
        return;
    }
    let mut socket = Socket {
        stream: Mutex::new(stream),
        cipher: vec![0; BUFFER_BYTES],
        buffer: vec![0; BUFFER_BYTES],
    };
    let mut bytes = early;
    let probed = tokio::time::timeout(PROBE_TIME, probe(&mut socket, &mut bytes, &session)).await;
    if !matches!(probed, Ok(Ok(()))) {
        let mut stage = session.stage.lock();
        if let Stage::Probed { polled } = *stage {
            *stage = if polled { Stage::Polled } else { Stage::Idle };
        }
        drop(stage);
        session.relayed.store(false, Ordering::Relaxed);
        return;
    }
    // What no poll has taken comes first; a poll that still waits is answered and lets go.
    let waiting = std::mem::take(&mut session.incoming.lock().await.bytes);
    // So is a post that is still writing.
    drop(session.outgoing.lock().await);
    let relayed = async {
        socket.write(&waiting).await?;
        session.pipe.write(&bytes).await?;
        pump(&mut socket, &session).await;
        io::Result::Ok(())
    };
    tokio::select! {
        // Whatever went wrong, both ends end.
        _ = relayed => {}
        // The connection has ended; who reads nothing would keep the socket.
        () = session.pipe.deserted() => {}
    }
    session.finish(super::LastWord::Close);
}

/// `2probe`, `3probe`, `5`. What came behind is left in `bytes`.
async fn probe(socket: &mut Socket, bytes: &mut Vec<u8>, session: &Session) -> io::Result<()> {
    let mut decoder = Decoder::new(Role::Server, false);
    let mut inflater = Inflater::new();
    let limits = DecoderLimits {
        message_bytes: PROBE_BYTES,
        fragments: 1,
    };
    loop {
        let step = match decoder.decode(bytes, &limits, &mut inflater) {
            Err(_) => return Err(io::ErrorKind::InvalidData.into()),
            Ok(Decoded::Incomplete { .. }) => None,
            Ok(Decoded::Frame { consumed, event }) => match event {
                Some(Event::Text("2probe")) => Some((consumed, Step::Probe)),
                Some(Event::Text("5")) => Some((consumed, Step::Upgrade)),
                Some(Event::Ping(_) | Event::Pong(_)) | None => Some((consumed, Step::Nothing)),
                Some(Event::Text(_) | Event::Binary(_) | Event::Close(..)) => {
                    return Err(io::ErrorKind::InvalidData.into());
                }
            },
        };
        let Some((consumed, step)) = step else {
            if socket.read(bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            continue;
        };
        bytes.drain(..consumed);
        match step {
            Step::Nothing => {}
            Step::Probe => {
                mark_probed(session)?;
                let mut answer = Vec::new();
                encode(Opcode::Text, b"3probe", &mut answer);
                socket.write(&answer).await?;
            }
            Step::Upgrade => return take_over(session),
        }
    }
}

enum Step {
    Nothing,
    Probe,
    Upgrade,
}

fn mark_probed(session: &Session) -> io::Result<()> {
    let mut stage = session.stage.lock();
    *stage = match *stage {
        Stage::Idle => Stage::Probed { polled: false },
        Stage::Polled => Stage::Probed { polled: true },
        // Another WebSocket is there already.
        Stage::Over(_) | Stage::Parting | Stage::Probed { .. } | Stage::Upgraded => {
            return Err(io::ErrorKind::InvalidData.into());
        }
    };
    drop(stage);
    session.changed.notify_waiters();
    Ok(())
}

fn take_over(session: &Session) -> io::Result<()> {
    let mut stage = session.stage.lock();
    if !matches!(*stage, Stage::Probed { .. }) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    *stage = Stage::Upgraded;
    drop(stage);
    session.changed.notify_waiters();
    Ok(())
}

/// Bytes from each to the other, until one of them ends.
async fn pump(socket: &mut Socket, session: &Session) {
    let Socket {
        stream,
        cipher,
        buffer,
    } = socket;
    let stream = &*stream;
    let inward = async {
        loop {
            let taken = read(stream, cipher, buffer).await?;
            if taken == 0 {
                return io::Result::Ok(());
            }
            let bytes = buffer.get(..taken).unwrap_or_default();
            session.pipe.write(bytes).await?;
        }
    };
    let outward = async {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            if session.pipe.read(&mut bytes).await == 0 {
                return io::Result::Ok(());
            }
            write(stream, &bytes).await?;
        }
    };
    tokio::select! {
        _ = inward => {}
        _ = outward => {
            // The connection's Close was its last frame; the socket ends with it.
            stream.lock().shut().ok();
        }
    }
}

/// A WebSocket's socket, read and written from one task.
struct Socket {
    stream: Mutex<Stream>,
    cipher: Vec<u8>,
    buffer: Vec<u8>,
}

impl Socket {
    async fn read(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        let taken = read(&self.stream, &mut self.cipher, &mut self.buffer).await?;
        into.extend_from_slice(self.buffer.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        write(&self.stream, bytes).await
    }
}

async fn read(stream: &Mutex<Stream>, cipher: &mut [u8], buffer: &mut [u8]) -> io::Result<usize> {
    poll_fn(|context| stream.lock().poll_read(context, cipher, buffer)).await
}

async fn write(stream: &Mutex<Stream>, mut bytes: &[u8]) -> io::Result<()> {
    loop {
        let written = if bytes.is_empty() {
            stream.lock().flush().map(|()| 0)
        } else {
            stream.lock().try_write(bytes)
        };
        match written {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll_fn(|context| stream.lock().poll_writable(context)).await?;
            }
            Err(error) => return Err(error),
        }
        if bytes.is_empty() && !stream.lock().has_unsent() {
            return Ok(());
        }
    }
}

/// From the upgrade of the socket to that of the session.
const PROBE_TIME: Duration = Duration::from_secs(10);
const PROBE_BYTES: usize = 64;
const BUFFER_BYTES: usize = 16 * 1024 + 512;
