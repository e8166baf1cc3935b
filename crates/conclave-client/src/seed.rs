//! The client as earlier programs know it: few calls, strings, closures.
//!
//! It is a thin layer over [`Client`], which reconnects, subscribes again and keeps the token
//! fresh underneath.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use futures_util::StreamExt as _;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::task::AbortHandle;

use crate::client::Client;
use crate::error::Result;
use crate::topics::{Message, Subscription, TopicEvent};

/// A client with one name in one session.
pub struct WsClient {
    client: Client,
    topics: HashMap<Box<str>, Heard>,
}

/// A message as handlers get it: shown, it is its payload; a payload that is a string without
/// quotes.
#[derive(Clone, Debug)]
pub struct TopicMessage(Message<Value>);

/// What came of a subscription. Whoever ignores it hears nothing where it was refused.
#[derive(Debug)]
pub struct Subscribed(Result<()>);

type Handler = Box<dyn FnMut(TopicMessage) + Send>;

/// What one topic's messages go to.
#[derive(Default)]
struct Heard {
    handlers: Arc<Mutex<Vec<Handler>>>,
    /// Nobody handles it yet; a bounded number of messages waits.
    subscription: Option<Subscription<Value>>,
    task: Option<AbortHandle>,
}

impl WsClient {
    /// Connects without a token, in the session that is derived from the name.
    ///
    /// # Errors
    /// The server cannot be reached, or takes nobody without a token.
    pub async fn connect(name: &str, url: &str) -> Result<Self> {
        Self::open(Client::builder(url).name(name).build()?).await
    }

    /// Connects without a token, in a session.
    ///
    /// # Errors
    /// As [`WsClient::connect`].
    pub async fn connect_with_session(name: &str, session: &str, url: &str) -> Result<Self> {
        let builder = Client::builder(url).name(name).session(session);
        Self::open(builder.build()?).await
    }

    /// Signs in at `token_url` and connects, in a session of the user's, or in their own.
    ///
    /// # Errors
    /// The server cannot be reached, or takes neither this password nor this session.
    #[expect(clippy::too_many_arguments, reason = "programs call it so")]
    pub async fn connect_with_auth(
        name: &str,
        ws_url: &str,
        token_url: &str,
        user: &str,
        password: &str,
        session: Option<&str>,
    ) -> Result<Self> {
        let mut builder = Client::builder(ws_url)
            .name(name)
            .password_at(token_url, user, password);
        if let Some(session) = session {
            builder = builder.session(session);
        }
        Self::open(builder.build()?).await
    }

    pub(crate) async fn open(client: Client) -> Result<Self> {
        client.connect_topics().await?;
        Ok(Self {
            client,
            topics: HashMap::new(),
        })
    }

    /// Listens to a topic of the session. `client` and `payload` say nothing to this server: the
    /// name is that of the connection, and nothing is published.
    pub async fn subscribe(&mut self, client: &str, topic: &str, payload: &str) -> Subscribed {
        let (_, _) = (client, payload);
        let heard = self.topics.entry(topic.into()).or_default();
        if heard.subscription.is_some() || heard.task.is_some() {
            return Subscribed(Ok(()));
        }
        match self.client.topic(topic).subscribe().await {
            Ok(subscription) => {
                heard.subscription = Some(subscription);
                heard.handle();
                Subscribed(Ok(()))
            }
            Err(error) => Subscribed(Err(error)),
        }
    }

    /// Calls a closure with each message of a topic, from now on, and with those that came since
    /// the subscription, where this is the first. It may be set before the subscription.
    pub fn on_message<F>(&mut self, topic: &str, handler: F)
    where
        F: FnMut(TopicMessage) + Send + 'static,
    {
        let heard = self.topics.entry(topic.into()).or_default();
        heard.handlers.lock().push(Box::new(handler));
        heard.handle();
    }

    /// Publishes to a topic of the session; returns when the server has accepted it. `client` is
    /// shown as the publisher's name.
    ///
    /// # Errors
    /// The server's refusal, or [`crate::Error::Uncertain`] where the connection was lost before
    /// the answer.
    pub async fn publish(
        &self,
        client: &str,
        topic: &str,
        payload: &str,
        timestamp: &str,
    ) -> Result<()> {
        let topic = self.client.topic(topic);
        topic.publish_as(client, payload, Some(timestamp)).await
    }

    /// Whether there is a token that has not ended.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.client.is_authenticated()
    }

    /// The token in use. It opens whatever its user may do: log it nowhere.
    #[must_use]
    pub fn get_token(&self) -> Option<String> {
        self.client.token()
    }

    /// Gets another token where the one in use ends soon; whether it did.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn refresh_token_if_needed(&self) -> Result<bool> {
        self.client.refresh_token().await
    }

    /// The client underneath, which does all this and more.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Heard {
    /// Begins to hand messages over, once there are both messages and somebody to take them.
    fn handle(&mut self) {
        if self.handlers.lock().is_empty() {
            return;
        }
        let Some(mut subscription) = self.subscription.take() else {
            return;
        };
        let handlers = Arc::clone(&self.handlers);
        let task = tokio::spawn(async move {
            while let Some(event) = subscription.next().await {
                if let TopicEvent::Message(message) = event {
                    for handler in handlers.lock().iter_mut() {
                        handler(TopicMessage(message.clone()));
                    }
                }
            }
        });
        self.task = Some(task.abort_handle());
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Subscribed {
    /// What the server said.
    ///
    /// # Errors
    /// Its refusal, or why there is no connection and will be none.
    pub fn result(self) -> Result<()> {
        self.0
    }
}

impl Deref for TopicMessage {
    type Target = Message<Value>;

    fn deref(&self) -> &Message<Value> {
        &self.0
    }
}

impl fmt::Display for TopicMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.payload {
            Value::String(text) => f.write_str(text),
            payload => payload.fmt(f),
        }
    }
}
