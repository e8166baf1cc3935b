//! A socket inside the process: what a connection writes, the front of a long-polling session
//! reads, and the other way round.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// One end of a pipe. Each way holds at most [`CAPACITY`] bytes. Dropping an end ends both ways.
#[derive(Debug)]
pub(crate) struct PipeEnd {
    reads: Arc<Mutex<Lane>>,
    writes: Arc<Mutex<Lane>>,
}

/// A pipe: the connection's end and the front's.
pub(crate) fn pipe() -> (PipeEnd, PipeEnd) {
    let (there, back) = (Arc::default(), Arc::default());
    let connection = PipeEnd {
        reads: Arc::clone(&there),
        writes: Arc::clone(&back),
    };
    let front = PipeEnd {
        reads: back,
        writes: there,
    };
    (connection, front)
}

#[derive(Debug, Default)]
struct Lane {
    bytes: VecDeque<u8>,
    /// Nothing more will be written.
    ended: bool,
    /// Nobody reads any more.
    deaf: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl PipeEnd {
    /// Reads into `buffer`; 0 is the end.
    pub(crate) fn poll_read(
        &self,
        context: &Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut lane = self.reads.lock();
        if lane.bytes.is_empty() {
            if lane.ended {
                return Poll::Ready(Ok(0));
            }
            lane.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let taken = lane.bytes.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(lane.bytes.drain(..taken)) {
            *place = byte;
        }
        let writer = lane.writer.take();
        drop(lane);
        wake(writer);
        Poll::Ready(Ok(taken))
    }

    /// Writes what fits now.
    ///
    /// # Errors
    /// `WouldBlock` where that is nothing, `BrokenPipe` where nobody reads.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut lane = self.writes.lock();
        if lane.deaf || lane.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let room = CAPACITY.saturating_sub(lane.bytes.len()).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        lane.bytes.extend(bytes.get(..room).unwrap_or_default());
        let reader = lane.reader.take();
        drop(lane);
        wake(reader);
        Ok(room)
    }

    /// Ready when something can be written, or nothing ever again.
    pub(crate) fn poll_writable(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        let mut lane = self.writes.lock();
        if lane.deaf || lane.ended || lane.bytes.len() < CAPACITY {
            return Poll::Ready(Ok(()));
        }
        lane.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// Writes no more.
    pub(crate) fn shut(&self) {
        let mut lane = self.writes.lock();
        lane.ended = true;
        let reader = lane.reader.take();
        drop(lane);
        wake(reader);
    }

    /// Whether the other end is gone and all it wrote is read.
    pub(crate) fn is_over(&self) -> bool {
        let lane = self.reads.lock();
        lane.ended && lane.bytes.is_empty()
    }

    /// Waits until the other end is gone, with all it wrote and nobody has read.
    pub(crate) async fn deserted(&self) {
        poll_fn(|context| {
            let mut lane = self.writes.lock();
            if lane.deaf {
                return Poll::Ready(());
            }
            lane.writer = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Appends what comes next to `into`; 0 is the end.
    pub(crate) async fn read(&self, into: &mut Vec<u8>) -> usize {
        let mut buffer = [0; READ_BYTES];
        // A pipe has no errors to read.
        let read = poll_fn(|context| self.poll_read(context, &mut buffer)).await;
        let taken = read.unwrap_or(0);
        into.extend_from_slice(buffer.get(..taken).unwrap_or_default());
        taken
    }

    /// Writes everything.
    ///
    /// # Errors
    /// `BrokenPipe` where nobody reads.
    pub(crate) async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            poll_fn(|context| self.poll_writable(context)).await?;
            match self.try_write(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Drop for PipeEnd {
    /// As a reset: what was written and not read yet is gone.
    fn drop(&mut self) {
        self.shut();
        self.writes.lock().bytes = VecDeque::new();
        let mut lane = self.reads.lock();
        lane.deaf = true;
        lane.bytes = VecDeque::new();
        let writer = lane.writer.take();
        drop(lane);
        wake(writer);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

const CAPACITY: usize = 64 * 1024;
const READ_BYTES: usize = 4096;
