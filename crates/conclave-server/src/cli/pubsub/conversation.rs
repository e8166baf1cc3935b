//! A connection of the `topics` dialect with `?ack=1`: commands are asked one after the other,
//! each waits for its answer.

use std::collections::VecDeque;
use std::time::Duration;

use conclave_client::{Address, Incoming, Socket};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::Endpoint;
use crate::cli::Failure;

/// An open conversation.
pub(super) struct Conversation {
    socket: Socket,
    /// Messages that came while an answer was awaited.
    backlog: VecDeque<String>,
}

/// What a frame is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The last command is done.
    Ack,
    /// A publication, or a gap between publications.
    Message,
    /// The last command, or something the server did by itself, was refused.
    Refused(Refused),
}

/// An error frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    code: String,
    text: String,
}

impl Frame {
    /// Tells them apart. A broadcast carries whatever its sender likes, an own `type` too, but
    /// always the server's `requestId`; publications on topics have no `type`.
    pub(super) fn of(text: &str) -> Self {
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            return Self::Message;
        };
        let member = |name: &str| frame.get(name).and_then(Value::as_str);
        match member("type") {
            Some("ack" | "error") if frame.get("requestId").is_some() => Self::Message,
            Some("ack") => Self::Ack,
            Some("error") => {
                let code = member("code").unwrap_or("error");
                let mut text = format!("{code}: {}", member("message").unwrap_or_default());
                if let Some(topic) = member("topic") {
                    text.push_str(&format!(" (topic {topic})"));
                }
                // The server is not trusted with the terminal.
                let text = text.escape_debug().to_string();
                Self::Refused(Refused {
                    code: code.to_owned(),
                    text,
                })
            }
            _ => Self::Message,
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::failed(refused.text)
    }
}

impl Conversation {
    /// Connects, and gives name and session where the endpoint has them. `parameters` go into
    /// the query beside `ack=1`.
    pub(super) async fn open(
        endpoint: &Endpoint,
        parameters: &[(&str, &str)],
    ) -> Result<Self, Failure> {
        let parameters = [&[("ack", "1")], parameters].concat();
        let address = Address::parse(&endpoint.url, &parameters)
            .map_err(|error| Failure::usage(format!("--url: {error}")))?;
        let token = endpoint.token.as_deref().filter(|token| !token.is_empty());
        let socket = Socket::connect(&address, token, endpoint.ca.as_deref())
            .await
            .map_err(|error| anyhow::Error::from(error).context(address.authority().to_owned()))?;
        let mut conversation = Self {
            socket,
            backlog: VecDeque::new(),
        };
        // The session before the name: a change of session ends what came before it.
        let session = endpoint
            .session
            .iter()
            .map(|session| format!("register-session:{session}"));
        let name = endpoint
            .name
            .iter()
            .map(|name| format!("register-name:{name}"));
        for command in session.chain(name) {
            conversation.ask(&command).await?;
        }
        Ok(conversation)
    }

    /// Sends a command and waits for its answer, at most 10 s. Where it came too fast for the
    /// server's limit it is sent again, for some seconds.
    pub(super) async fn ask(&mut self, command: &str) -> Result<(), Failure> {
        let mut tries = 0;
        loop {
            self.socket.send(command).await;
            let answer = timeout(ANSWER_TIME, self.answer()).await;
            let silent =
                |_elapsed| Failure::failed(format!("no answer within {} s", ANSWER_TIME.as_secs()));
            match answer.map_err(silent)?? {
                Ok(()) => return Ok(()),
                Err(refused) if refused.code == "rate_limited" && tries < TRIES_MAX => {
                    tries += 1;
                    sleep(TRY_AGAIN_AFTER).await;
                }
                Err(refused) => return Err(refused.into()),
            }
        }
    }

    async fn answer(&mut self) -> Result<Result<(), Refused>, Failure> {
        loop {
            let text = self.text().await?;
            match Frame::of(&text) {
                Frame::Ack => return Ok(Ok(())),
                Frame::Message => self.backlog.push_back(text),
                Frame::Refused(refused) => return Ok(Err(refused)),
            }
        }
    }

    /// Waits for the next publication or gap; may be given up and called again.
    ///
    /// An error frame is a failure: nothing was asked, so the server took something back.
    pub(super) async fn message(&mut self) -> Result<String, Failure> {
        if let Some(text) = self.backlog.pop_front() {
            return Ok(text);
        }
        loop {
            let text = self.text().await?;
            match Frame::of(&text) {
                Frame::Ack => {}
                Frame::Message => return Ok(text),
                Frame::Refused(refused) => return Err(refused.into()),
            }
        }
    }

    async fn text(&mut self) -> Result<String, Failure> {
        loop {
            match self.socket.receive().await.map_err(anyhow::Error::from)? {
                Incoming::Closed(ending) => return Err(Failure::failed(ending.to_string())),
                Incoming::Pong => {}
                Incoming::Text(text) => return Ok(text),
            }
        }
    }

    /// Closes in order.
    pub(super) async fn close(self) {
        self.socket.close().await;
    }
}

const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Each miss is a line in the server's audit: better wait for a full second's worth.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);
const TRIES_MAX: u32 = 5;
