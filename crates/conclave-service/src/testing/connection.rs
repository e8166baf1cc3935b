//! A test's end of a connection: says what it likes, and hears what comes.

use std::pin::Pin;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::attack::Breach;
use crate::client::ByteStream;
use crate::connection::Connection;
use crate::transport::{Incoming, Transport, WebSocketTransport};

/// A test's end of a connection, after its handshake.
#[derive(Debug)]
pub struct TestConnection {
    pub(crate) transport: WebSocketTransport<Pin<Box<dyn ByteStream>>>,
    pub(crate) connection: Option<Connection>,
    pub(crate) requests: u64,
}

/// What the service said.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// It closed.
    Closed {
        /// The close code.
        code: u16,
        /// The reason.
        reason: String,
    },
    /// It went away without a word.
    Ended,
    /// An envelope.
    Message(Value),
    /// A pong, or a ping.
    SignOfLife,
}

impl TestConnection {
    /// The service's view of it.
    ///
    /// # Errors
    /// The service has none.
    pub fn connection(&self) -> Result<&Connection, Breach> {
        let connection = self.connection.as_ref();
        connection.ok_or_else(|| Breach::new("the service knows no such connection"))
    }

    /// Sends any text.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn send(&mut self, text: &str) -> Result<(), Breach> {
        self.transport.queue(text.as_bytes());
        let sent = self.transport.flush().await;
        sent.map_err(|fault| Breach::new(format!("cannot send: {fault}")))
    }

    /// Sends a ping, which every living connection answers.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn ping(&mut self) -> Result<(), Breach> {
        self.transport.queue_ping();
        let sent = self.transport.flush().await;
        sent.map_err(|fault| Breach::new(format!("cannot send: {fault}")))
    }

    /// Waits for what the service says next.
    ///
    /// # Errors
    /// It says nothing for 20 s, or something that is no JSON.
    pub async fn next(&mut self) -> Result<Heard, Breach> {
        let heard = timeout(PATIENCE, self.hear()).await;
        heard.map_err(|_elapsed| Breach::new("the service says nothing"))?
    }

    async fn hear(&mut self) -> Result<Heard, Breach> {
        let mut text = String::new();
        loop {
            match self.transport.take(&mut text) {
                Ok(Some(Incoming::Message)) => {
                    let message = serde_json::from_str(&text);
                    return message.map(Heard::Message).map_err(|fault| {
                        Breach::new(format!(
                            "the service said `{text}`, which is no JSON: {fault}"
                        ))
                    });
                }
                Ok(Some(Incoming::SignOfLife)) => return Ok(Heard::SignOfLife),
                Ok(Some(Incoming::Closed(code))) => {
                    self.transport.close(code, "").await;
                    return Ok(Heard::Closed { code, reason: text });
                }
                Ok(None) => {
                    if self.transport.wait().await.is_err() {
                        return Ok(Heard::Ended);
                    }
                }
                Err(fault) => return Err(Breach::new(fault.to_string())),
            }
        }
    }

    /// The next envelope.
    ///
    /// # Errors
    /// The connection ends before one comes.
    pub async fn message(&mut self) -> Result<Value, Breach> {
        loop {
            match self.next().await? {
                Heard::Message(message) => return Ok(message),
                Heard::SignOfLife => {}
                other => return Err(Breach::new(format!("heard {other:?} for a message"))),
            }
        }
    }

    /// Sends a request and gives the envelope that answers it: pushes that come before are passed
    /// over. The payload is JSON.
    ///
    /// # Errors
    /// The payload is no JSON, or the connection ends before the answer.
    pub async fn request(
        &mut self,
        operation: &str,
        channel: Option<&str>,
        payload: &str,
    ) -> Result<Value, Breach> {
        self.requests = self.requests.saturating_add(1);
        let id = format!("request-{}", self.requests);
        let payload: Value = serde_json::from_str(payload)
            .map_err(|fault| Breach::new(format!("the payload is no JSON: {fault}")))?;
        let envelope = json!({
            "id": id,
            "operation": operation,
            "payload": payload,
            "correlation_id": id,
            "channel": channel,
        });
        self.send(&envelope.to_string()).await?;
        loop {
            let message = self.message().await?;
            // A document may have its own place for the correlation id.
            let is_answer = message
                .get("correlation_id")
                .is_some_and(|own| !own.is_null())
                || message.get("error").is_some_and(|error| !error.is_null());
            if is_answer {
                return Ok(message);
            }
        }
    }

    /// The code of an envelope's error; empty where it carries none.
    #[must_use]
    pub fn error_code(message: &Value) -> &str {
        let code = message.pointer("/error/code").and_then(Value::as_str);
        code.unwrap_or_default()
    }
}

/// Longer than anything that is not broken takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);
