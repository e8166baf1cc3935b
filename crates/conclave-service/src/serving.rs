//! One connection's task: messages in order, answers in one write, what others push in between.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::connection::{Closing, Connection, SLOW_READER, Waiting};
use crate::dispatch::Dispatch;
use crate::limits::Limits;
use crate::session::{Session, Verdict};
use crate::transport::{Incoming, Transport, TransportError};

/// Serves a connection until it ends. Starts no task: a message whose handler is ready at once
/// costs a read and a write.
///
/// Messages of one connection are served one after the other, in their order; while a handler
/// works, what others publish still goes out.
pub async fn serve<D: Dispatch, T: Transport>(session: Session<D>, transport: T) {
    let connection = session.connection().clone();
    let limits = session.limits().clone();
    let mut serving = Serving {
        session,
        transport,
        connection,
        heard_at: Instant::now(),
        pinged_at: Instant::now(),
        limits,
    };
    let ending = serving.run().await;
    let Serving {
        session,
        mut transport,
        ..
    } = serving;
    // Whoever is told to go takes up nobody's place, however long that takes.
    drop(session);
    if let Ending::Say(code, reason) = ending {
        timeout(CLOSING_MAX, transport.close(code, reason))
            .await
            .unwrap_or_default();
    }
}

struct Serving<D: Dispatch, T> {
    session: Session<D>,
    transport: T,
    connection: Connection,
    limits: Limits,
    heard_at: Instant,
    pinged_at: Instant,
}

/// How a connection ends.
enum Ending {
    /// Nobody is there any more.
    Gone,
    /// With this close code and reason.
    Say(u16, &'static str),
}

/// What a connection waited for.
enum Woken {
    /// Bytes came.
    Come(Result<(), TransportError>),
    /// A renewal, or the time that was waited for.
    Look,
    /// Something to write, or its end.
    Waiting(Waiting),
}

impl<D: Dispatch, T: Transport> Serving<D, T> {
    async fn run(&mut self) -> Ending {
        let (mut message, mut reply) = (String::new(), Vec::new());
        let mut alarm = Box::pin(sleep_until(self.next_look()));
        loop {
            match self.transport.take(&mut message) {
                Ok(Some(incoming)) => {
                    self.heard_at = Instant::now();
                    let going = match incoming {
                        Incoming::Closed(code) => self.farewell(code).await,
                        Incoming::Message => self.message(&message, &mut reply).await,
                        Incoming::SignOfLife => self.relieve().await,
                    };
                    match going {
                        Ok(()) => continue,
                        Err(ending) => return ending,
                    }
                }
                Ok(None) => {}
                Err(fault) => return ending(&fault),
            }
            while let Some(waiting) = self.connection.take_waiting() {
                if let Err(ending) = self.put(waiting).await {
                    return ending;
                }
            }
            if let Err(ending) = self.flush().await {
                return ending;
            }
            let going = match self.woken(alarm.as_mut()).await {
                Woken::Come(Ok(())) => Ok(()),
                Woken::Come(Err(fault)) => Err(ending(&fault)),
                Woken::Waiting(waiting) => self.put(waiting).await,
                Woken::Look => self.look(alarm.as_mut()),
            };
            if let Err(ending) = going {
                return ending;
            }
        }
    }

    /// Waits for the first thing that happens.
    async fn woken(&mut self, mut alarm: Pin<&mut Sleep>) -> Woken {
        let renewals = self.connection.renewals();
        let connection = &self.connection;
        let mut come = pin!(self.transport.wait());
        poll_fn(|context| {
            if let Poll::Ready(come) = come.as_mut().poll(context) {
                return Poll::Ready(Woken::Come(come));
            }
            if let Poll::Ready(waiting) = connection.poll_waiting(context) {
                return Poll::Ready(Woken::Waiting(waiting));
            }
            if connection.renewals() != renewals || alarm.as_mut().poll(context).is_ready() {
                return Poll::Ready(Woken::Look);
            }
            Poll::Pending
        })
        .await
    }

    /// Serves one message, and writes what others publish while its handler works.
    async fn message(&mut self, message: &str, reply: &mut Vec<u8>) -> Result<(), Ending> {
        let outcome = {
            let mut work = pin!(self.session.receive(message, reply));
            let at_once = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
            match at_once {
                Poll::Ready(verdict) => Ok(Some(verdict)),
                Poll::Pending => {
                    let beside = Beside {
                        transport: &mut self.transport,
                        connection: &self.connection,
                        limits: &self.limits,
                    };
                    beside.work(work).await
                }
            }
        };
        let verdict = match outcome? {
            Some(verdict) => verdict,
            None => {
                self.session.abandon(reply);
                Verdict::GoOn
            }
        };
        if !reply.is_empty() {
            self.transport.queue(reply);
        }
        if reply.capacity() > KEPT_BYTES_MAX {
            *reply = Vec::new();
        }
        match verdict {
            Verdict::GoOn => self.relieve().await,
            Verdict::End { code, reason } => Err(Ending::Say(code, reason)),
        }
    }

    /// The peer's Close came: what its earlier messages caused goes out before the answer.
    async fn farewell(&mut self, code: u16) -> Result<(), Ending> {
        while let Some(Waiting::Text(text)) = self.connection.take_waiting() {
            queue(&mut self.transport, &self.connection, &text);
        }
        self.flush().await?;
        Err(Ending::Say(code, ""))
    }

    async fn put(&mut self, waiting: Waiting) -> Result<(), Ending> {
        match waiting {
            Waiting::Text(text) => {
                queue(&mut self.transport, &self.connection, &text);
                self.relieve().await
            }
            Waiting::Close(Closing { code, reason, .. }) => {
                if code == SLOW_READER.code {
                    self.session.limit_hit(reason);
                }
                Err(Ending::Say(code, reason))
            }
        }
    }

    /// Writes early where much is queued.
    async fn relieve(&mut self) -> Result<(), Ending> {
        if self.transport.queued_bytes() < QUEUED_BYTES_MAX {
            return Ok(());
        }
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), Ending> {
        if self.transport.queued_bytes() == 0 {
            return Ok(());
        }
        let flushed = flush(&mut self.transport, &self.limits).await;
        if matches!(flushed, Err(Ending::Say(..))) {
            self.session.limit_hit(SLOW_READER.reason);
        }
        flushed
    }

    /// The alarm rang, or the credential was renewed: pings, silence, the credential's end.
    fn look(&mut self, alarm: Pin<&mut Sleep>) -> Result<(), Ending> {
        if let Some(Verdict::End { code, reason }) = self.session.expired() {
            return Err(Ending::Say(code, reason));
        }
        let now = Instant::now();
        if now.duration_since(self.heard_at) >= Duration::from_secs(self.limits.silence_seconds) {
            return Err(Ending::Say(1001, "no sign of life"));
        }
        let last = self.heard_at.max(self.pinged_at);
        if now.duration_since(last) >= Duration::from_secs(self.limits.ping_seconds) {
            self.transport.queue_ping();
            self.pinged_at = now;
        }
        let next = self.next_look();
        alarm.reset(next);
        Ok(())
    }

    /// When to look again: nothing is set anew per message, so it may be too early, which does no
    /// harm.
    fn next_look(&mut self) -> Instant {
        let last = self.heard_at.max(self.pinged_at);
        let ping = last + Duration::from_secs(self.limits.ping_seconds);
        let silence = self.heard_at + Duration::from_secs(self.limits.silence_seconds);
        let next = ping.min(silence);
        match self.session.expires_in() {
            Some(rest) => next.min(Instant::now() + rest),
            None => next,
        }
    }
}

/// What goes on beside a handler that is not ready at once.
struct Beside<'s, T> {
    transport: &'s mut T,
    connection: &'s Connection,
    limits: &'s Limits,
}

impl<T: Transport> Beside<'_, T> {
    /// What the work gives; `None` where it takes too long.
    async fn work(
        self,
        mut work: Pin<&mut impl Future<Output = Verdict>>,
    ) -> Result<Option<Verdict>, Ending> {
        let patience = Duration::from_secs(self.limits.handler_seconds);
        let mut alarm = pin!(tokio::time::sleep(patience));
        loop {
            flush(self.transport, self.limits).await?;
            let done = poll_fn(|context| {
                if let Poll::Ready(verdict) = work.as_mut().poll(context) {
                    return Poll::Ready(Ok(Some(verdict)));
                }
                if let Poll::Ready(waiting) = self.connection.poll_waiting(context) {
                    return Poll::Ready(Err(waiting));
                }
                alarm.as_mut().poll(context).map(|()| Ok(None))
            });
            match done.await {
                Ok(done) => return Ok(done),
                Err(Waiting::Text(text)) => queue(self.transport, self.connection, &text),
                Err(Waiting::Close(Closing {
                    code,
                    reason,
                    at_once: true,
                })) => return Err(Ending::Say(code, reason)),
                // The message that is being served is served to its end.
                Err(Waiting::Close(_)) => {
                    return Ok(timeout(patience, work).await.ok());
                }
            }
        }
    }
}

/// Queues what nobody asked for, as the connection wants it spelled.
fn queue<T: Transport>(transport: &mut T, connection: &Connection, text: &str) {
    match connection.respelled(text) {
        Some(respelled) => transport.queue(&respelled),
        None => transport.queue(text.as_bytes()),
    }
}

async fn flush<T: Transport>(transport: &mut T, limits: &Limits) -> Result<(), Ending> {
    let mut flushing = pin!(transport.flush());
    // Nearly always the socket takes it all at once: no timer is needed then.
    let flushed = match poll_fn(|context| Poll::Ready(flushing.as_mut().poll(context))).await {
        Poll::Ready(flushed) => Ok(flushed),
        Poll::Pending => timeout(Duration::from_secs(limits.write_seconds), flushing).await,
    };
    match flushed {
        Ok(Ok(())) => Ok(()),
        Ok(Err(fault)) => Err(ending(&fault)),
        Err(_elapsed) => Err(Ending::Say(SLOW_READER.code, SLOW_READER.reason)),
    }
}

fn ending(fault: &TransportError) -> Ending {
    match fault {
        TransportError::Ended | TransportError::Io(_) => Ending::Gone,
        TransportError::Violation { code, reason } => Ending::Say(*code, reason),
    }
}

/// How long a close waits for the peer's.
const CLOSING_MAX: Duration = Duration::from_secs(1);
/// Queued bytes that are written before more is served.
const QUEUED_BYTES_MAX: usize = 64 * 1024;
const KEPT_BYTES_MAX: usize = 16 * 1024;
