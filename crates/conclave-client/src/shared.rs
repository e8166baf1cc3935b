//! What the parts of one client share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::Method;
use reqwest::Url;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::address::Address;
use crate::error::{Error, Result};
use crate::http::Http;
use crate::socket::stream::Stream;
use crate::surroundings::Surroundings;
use crate::tokens::{Token, Tokens};

/// Opens what a socket runs over.
pub(crate) type Connector =
    Arc<dyn Fn(Address) -> Pin<Box<dyn Future<Output = Result<Stream>> + Send>> + Send + Sync>;

/// A place in the outbox.
pub(crate) type Place = OwnedSemaphorePermit;

/// One client's settings and tokens.
pub(crate) struct Shared {
    /// `ws:` or `wss:`, its path ending with `/`.
    pub(crate) base: Url,
    pub(crate) connector: Connector,
    pub(crate) http: Http,
    /// Items that wait for one listener.
    pub(crate) inbox: usize,
    pub(crate) name: Option<Box<str>>,
    pub(crate) outbox: Arc<Semaphore>,
    pub(crate) session: Option<Box<str>>,
    pub(crate) surroundings: Surroundings,
    pub(crate) tokens: Tokens,
    pub(crate) user: OnceCell<Box<str>>,
}

impl Shared {
    /// The address of a path below the base.
    pub(crate) fn address(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Address> {
        let url = self
            .base
            .join(path)
            .map_err(|error| Error::Address(error.to_string().into()))?;
        Address::parse(url.as_str(), parameters)
    }

    /// Whom the token proves, as the server names them.
    pub(crate) async fn user(&self, token: Option<&Token>) -> Result<&str> {
        let asked = self.user.get_or_try_init(|| async {
            let token = token.map(|token| token.text.as_str());
            let me = self.http.call(Method::GET, "auth/me", token, None).await?;
            let user = me.get("user_id").and_then(serde_json::Value::as_str);
            let nobody = || Error::Malformed("the server does not say who this is".into());
            user.map(Box::from).ok_or_else(nobody)
        });
        asked.await.map(|user| &**user)
    }

    /// A call with a token; with another one where it is refused.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<serde_json::Value> {
        let token = self.tokens.fresh().await?;
        let text = token.as_ref().map(|token| token.text.as_str());
        match self.http.call(method.clone(), path, text, body).await {
            Err(Error::Unauthenticated(_)) if self.tokens.can_change() => {
                let token = self.tokens.after(token.as_ref()).await?;
                let text = token.as_ref().map(|token| token.text.as_str());
                self.http.call(method, path, text, body).await
            }
            answered => answered,
        }
    }

    /// A place in the outbox.
    pub(crate) fn place(&self) -> Result<Place> {
        Arc::clone(&self.outbox)
            .try_acquire_owned()
            .map_err(|_full| Error::Full)
    }
}
