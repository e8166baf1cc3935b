//! A transport inside one process, for tests.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::{Incoming, Transport, TransportError};

/// The service's end.
#[derive(Debug)]
pub struct MemoryTransport {
    incoming: mpsc::Receiver<String>,
    outgoing: mpsc::UnboundedSender<Said>,
    come: Option<String>,
    queued: VecDeque<String>,
    ended: bool,
}

/// The client's end.
#[derive(Debug)]
pub struct MemoryPeer {
    outgoing: mpsc::Sender<String>,
    incoming: mpsc::UnboundedReceiver<Said>,
}

/// What the service's end said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It closed, with code and reason.
    Close(u16, String),
    /// A message.
    Message(String),
    /// A ping.
    Ping,
}

/// Both ends.
#[must_use]
pub fn memory_pair() -> (MemoryTransport, MemoryPeer) {
    let (to_service, from_client) = mpsc::channel(64);
    let (to_client, from_service) = mpsc::unbounded_channel();
    let transport = MemoryTransport {
        incoming: from_client,
        outgoing: to_client,
        come: None,
        queued: VecDeque::new(),
        ended: false,
    };
    let peer = MemoryPeer {
        outgoing: to_service,
        incoming: from_service,
    };
    (transport, peer)
}

impl MemoryPeer {
    /// Sends a message; gives whether the service's end is still there.
    pub async fn send(&self, message: impl Into<String>) -> bool {
        self.outgoing.send(message.into()).await.is_ok()
    }

    /// The next thing that the service's end says; `None` where it is gone.
    pub async fn next(&mut self) -> Option<Said> {
        self.incoming.recv().await
    }
}

impl MemoryTransport {
    fn say(&self, said: Said) -> Result<(), TransportError> {
        self.outgoing
            .send(said)
            .map_err(|_gone| TransportError::Ended)
    }
}

impl Transport for MemoryTransport {
    fn take(&mut self, message: &mut String) -> Result<Option<Incoming>, TransportError> {
        let come = match self.come.take() {
            Some(come) => Some(come),
            None => self.incoming.try_recv().ok(),
        };
        if let Some(come) = come {
            *message = come;
            return Ok(Some(Incoming::Message));
        }
        if self.ended {
            return Err(TransportError::Ended);
        }
        Ok(None)
    }

    async fn wait(&mut self) -> Result<(), TransportError> {
        self.flush().await?;
        match self.incoming.recv().await {
            Some(come) => self.come = Some(come),
            None => self.ended = true,
        }
        Ok(())
    }

    fn queue(&mut self, message: &[u8]) {
        self.queued
            .push_back(String::from_utf8_lossy(message).into_owned());
    }

    fn queue_ping(&mut self) {
        self.say(Said::Ping).unwrap_or_default();
    }

    fn queued_bytes(&self) -> usize {
        self.queued.iter().map(String::len).sum()
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        while let Some(message) = self.queued.pop_front() {
            self.say(Said::Message(message))?;
        }
        Ok(())
    }

    async fn close(&mut self, code: u16, reason: &str) {
        self.say(Said::Close(code, reason.to_owned()))
            .unwrap_or_default();
    }
}
