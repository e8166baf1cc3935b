//! How messages come and go.

mod memory;
mod websocket;

use std::future::Future;

pub use memory::{MemoryPeer, MemoryTransport, Said, memory_pair};
pub use websocket::{WebSocketBounds, WebSocketTransport};

/// One end of a connection that carries text messages.
///
/// A message is queued without waiting and leaves with the next flush, so that the answers to
/// everything that came in one read leave in one write.
pub trait Transport: Send {
    /// Puts the next message that has come already into `message`; `None` where none has.
    ///
    /// # Errors
    /// The peer broke a rule: [`TransportError::Violation`].
    fn take(&mut self, message: &mut String) -> Result<Option<Incoming>, TransportError>;

    /// Waits until more has come; [`Transport::take`] then looks at it. What is queued is written
    /// meanwhile. May be dropped while it waits: nothing is lost.
    fn wait(&mut self) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Queues a whole message: UTF-8.
    fn queue(&mut self, message: &[u8]);

    /// Queues a question whether the peer lives.
    fn queue_ping(&mut self);

    /// Bytes that are queued.
    fn queued_bytes(&self) -> usize;

    /// Writes what is queued. May be dropped while it waits: what was not written stays queued.
    fn flush(&mut self) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Says that no more follows, with a close code, and waits until the peer has seen it.
    fn close(&mut self, code: u16, reason: &str) -> impl Future<Output = ()> + Send;
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The peer sends no more; its close code, 1005 where it gave none. The reason is now in the
    /// caller's text.
    Closed(u16),
    /// A message, which is now in the caller's text.
    Message,
    /// Something that only shows that the peer lives.
    SignOfLife,
}

/// Why a transport is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The other end went away without a word.
    #[error("the connection ended")]
    Ended,
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Io(#[from] std::io::Error),
    /// The peer broke a rule, and is to be told so with this code.
    #[error("the peer broke a rule: {reason}")]
    Violation {
        /// The close code.
        code: u16,
        /// The reason: ASCII, at most 123 bytes.
        reason: &'static str,
    },
}
