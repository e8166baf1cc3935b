//! The task of a client's connection.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::events::Push;
use super::{ClientError, Outgoing, RemoteError, Shared};
use crate::envelope::Envelope;
use crate::placing;
use crate::spec::{Correlation, ServiceSpec};
use crate::transport::{Incoming, Transport, TransportError, WebSocketTransport};

pub(crate) struct Task<S> {
    pub(crate) spec: &'static ServiceSpec,
    pub(crate) transport: WebSocketTransport<S>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) outgoing: mpsc::Receiver<Outgoing>,
    pub(crate) pushes: mpsc::Sender<Result<Push, ClientError>>,
    /// Dropped since the last that was said to be.
    pub(crate) lagged: u64,
}

/// How it ended, and the close code to end it with.
struct Ending {
    why: ClientError,
    code: u16,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client's connection is a task of its own: replies come while callers do other things"
)]
pub(crate) fn start<S>(mut task: Task<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    drop(tokio::spawn(async move {
        let ending = task.run().await;
        // New callers must see the end before old ones are told.
        task.outgoing.close();
        task.shared.end(&ending.why);
        let closed = task.transport.close(ending.code, "");
        timeout(CLOSING_MAX, closed).await.unwrap_or_default();
        task.say_lagged();
        // Where nobody takes events, nobody needs to hear of the end.
        task.pushes.try_send(Err(ending.why)).unwrap_or_default();
    }));
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Task<S> {
    async fn run(&mut self) -> Ending {
        let mut message = String::new();
        loop {
            match self.transport.take(&mut message) {
                Ok(Some(Incoming::Message)) => {
                    self.message(&message);
                    continue;
                }
                Ok(Some(Incoming::SignOfLife)) => continue,
                Ok(Some(Incoming::Closed(code))) => return closed(code, message),
                Ok(None) => {}
                Err(fault) => return broken(&fault),
            }
            match self.next().await {
                Ok(Some(Outgoing::Text(text))) => self.transport.queue(&text),
                Ok(Some(Outgoing::Close)) => return own_close(),
                Ok(None) => {}
                Err(fault) => return broken(&fault),
            }
        }
    }

    /// Waits for bytes or for a caller; the last caller's end ends the connection.
    async fn next(&mut self) -> Result<Option<Outgoing>, TransportError> {
        let outgoing = &mut self.outgoing;
        let mut come = pin!(self.transport.wait());
        poll_fn(|context| {
            if let Poll::Ready(come) = come.as_mut().poll(context) {
                return Poll::Ready(come.map(|()| None));
            }
            let asked = outgoing.poll_recv(context);
            asked.map(|asked| Ok(Some(asked.unwrap_or(Outgoing::Close))))
        })
        .await
    }

    fn message(&mut self, text: &str) {
        let envelope = match Envelope::decode(text) {
            Ok(envelope) => envelope,
            Err(error) => {
                self.push(Err(ClientError::Decode(format!("{:?}", error.fault))));
                return;
            }
        };
        let reply = match envelope.error {
            None => Ok(envelope.payload.to_owned()),
            Some(error) => Err(remote(error)),
        };
        let route = self.spec.route(&envelope.operation);
        let id = self.correlation_id(route, &envelope);
        let reply = match &id {
            Some(id) => self.shared.answer(id, reply),
            None => Some(reply),
        };
        let (payload, route) = match (reply, route) {
            (None, _) => return,
            (Some(Err(error)), _) => return self.push(Err(error)),
            (Some(Ok(_)), None) => {
                let name = envelope.operation;
                let unknown = ClientError::Decode(format!("no operation is named `{name}`"));
                return self.push(Err(unknown));
            }
            (Some(Ok(payload)), Some(route)) => (payload, route),
        };
        self.push(Ok(Push {
            spec: self.spec,
            route,
            correlation_id: id,
            channel: envelope.channel.map(Into::into),
            timestamp: envelope.timestamp.map(Into::into),
            headers: envelope.headers.map(RawValue::to_owned),
            payload,
        }));
    }

    /// By the envelope, else where the document says that replies carry it.
    fn correlation_id(&self, route: Option<usize>, envelope: &Envelope<'_>) -> Option<String> {
        if let Some(id) = &envelope.correlation_id {
            return Some(id.to_string());
        }
        match self.spec.operation(route?)?.reply_correlation {
            Correlation::Envelope => None,
            Correlation::Header(pointer) => placing::at(envelope.headers?, pointer),
            Correlation::Payload(pointer) => placing::at(envelope.payload, pointer),
        }
    }

    fn push(&mut self, push: Result<Push, ClientError>) {
        self.say_lagged();
        if self.lagged > 0 || self.pushes.try_send(push).is_err() {
            self.lagged = self.lagged.saturating_add(1);
        }
    }

    fn say_lagged(&mut self) {
        let lagged = ClientError::Lagged(self.lagged);
        if self.lagged > 0 && self.pushes.try_send(Err(lagged)).is_ok() {
            self.lagged = 0;
        }
    }
}

fn remote(error: &RawValue) -> ClientError {
    match serde_json::from_str::<RemoteError>(error.get()) {
        Ok(error) => ClientError::Remote(Box::new(error)),
        Err(fault) => ClientError::Decode(fault.to_string()),
    }
}

fn closed(code: u16, reason: String) -> Ending {
    let is_refusal = matches!(code, 4001 | 4003 | 4008);
    Ending {
        why: if is_refusal {
            ClientError::Refused { code, reason }
        } else {
            ClientError::Closed { code, reason }
        },
        code,
    }
}

fn own_close() -> Ending {
    Ending {
        why: ClientError::Closed {
            code: 1000,
            reason: String::new(),
        },
        code: 1000,
    }
}

fn broken(fault: &TransportError) -> Ending {
    let code = match fault {
        TransportError::Violation { code, .. } => *code,
        TransportError::Ended | TransportError::Io(_) => 1006,
    };
    Ending {
        why: ClientError::Closed {
            code,
            reason: fault.to_string(),
        },
        code: if code == 1006 { 1001 } else { code },
    }
}

const CLOSING_MAX: Duration = Duration::from_secs(1);
