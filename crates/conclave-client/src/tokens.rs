//! Where a client's tokens come from, and when the next one is due.

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::http::Http;
use crate::surroundings::Surroundings;

/// What a closure that gives tokens answers.
pub(crate) type TokenFuture = Pin<
    Box<
        dyn Future<Output = std::result::Result<String, Box<dyn std::error::Error + Send + Sync>>>
            + Send,
    >,
>;

/// Where tokens come from.
#[derive(Clone)]
pub(crate) enum Credential {
    Asked(Arc<dyn Fn() -> TokenFuture + Send + Sync>),
    Fixed(Zeroizing<String>),
    None,
    Password(Arc<Password>),
}

/// What signs in.
pub(crate) struct Password {
    pub(crate) sign_in: Url,
    pub(crate) refresh: Url,
    pub(crate) user: String,
    pub(crate) password: Zeroizing<String>,
    pub(crate) session: Option<String>,
}

/// The tokens of one client.
pub(crate) struct Tokens {
    credential: Credential,
    http: Http,
    surroundings: Surroundings,
    current: Mutex<Option<Token>>,
    /// Held while a token is fetched, so that one fetch serves all who wait.
    fetching: tokio::sync::Mutex<()>,
}

/// A token and what is known about it.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) text: Arc<Zeroizing<String>>,
    refresh: Option<Arc<Zeroizing<String>>>,
    /// Since the beginning of 1970; `None` where it does not say, or is none of the known form.
    ends: Option<Duration>,
    /// When the next one is to be fetched.
    due: Option<Duration>,
}

/// The claims that say how long a token lives. Nothing is verified: that is the server's part.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Life {
    exp: Option<f64>,
    iat: Option<f64>,
}

#[derive(Deserialize)]
struct SignedIn {
    token: String,
    refresh_token: Option<String>,
    expires_in: Option<f64>,
}

impl Credential {
    /// Whether a password leaves by https.
    pub(crate) fn signs_in_by_tls(&self) -> bool {
        matches!(self, Self::Password(password) if password.sign_in.scheme() == "https")
    }
}

impl Tokens {
    pub(crate) fn new(credential: Credential, http: Http, surroundings: Surroundings) -> Self {
        let tokens = Self {
            credential,
            http,
            surroundings,
            current: Mutex::new(None),
            fetching: tokio::sync::Mutex::new(()),
        };
        if let Credential::Fixed(text) = &tokens.credential {
            let token = tokens.token(text.clone(), None, None);
            *tokens.current.lock() = Some(token);
        }
        tokens
    }

    /// The token in use, expired or not.
    pub(crate) fn current(&self) -> Option<Token> {
        self.current.lock().clone()
    }

    /// Whether there is a token that has not ended.
    pub(crate) fn is_live(&self) -> bool {
        let now = self.surroundings.unix_time();
        self.current()
            .is_some_and(|token| token.ends.is_none_or(|ends| now < ends))
    }

    /// A token that is not due yet, where one can be had; `None` for anonymous clients.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] and [`Error::Token`] from who gives it, or no answer.
    pub(crate) async fn fresh(&self) -> Result<Option<Token>> {
        match self.current() {
            Some(token) if !self.is_due(&token) => Ok(Some(token)),
            current => self.after(current.as_ref()).await,
        }
    }

    /// Another token than `old`, where one can be had.
    ///
    /// # Errors
    /// As [`Tokens::fresh`]; for a fixed token [`Error::Unauthenticated`].
    pub(crate) async fn after(&self, old: Option<&Token>) -> Result<Option<Token>> {
        let fetching = self.fetching.lock().await;
        let current = self.current();
        if let (Some(current), Some(old)) = (&current, old)
            && current.text != old.text
        {
            return Ok(Some(current.clone()));
        }
        let token = match &self.credential {
            Credential::None => return Ok(None),
            // Whoever brought it has no other.
            Credential::Fixed(_) => return Ok(current),
            Credential::Asked(asked) => {
                let text = asked()
                    .await
                    .map_err(|error| Error::Token(error.to_string().into()))?;
                self.token(text.into(), None, None)
            }
            Credential::Password(password) => self.by_password(password, current.as_ref()).await?,
        };
        *self.current.lock() = Some(token.clone());
        drop(fetching);
        Ok(Some(token))
    }

    /// Whether another one can be had.
    pub(crate) fn can_change(&self) -> bool {
        matches!(
            self.credential,
            Credential::Asked(_) | Credential::Password(_)
        )
    }

    /// Whether it is time for the next one.
    pub(crate) fn is_due(&self, token: &Token) -> bool {
        self.can_change() && self.until_due(token) == Some(Duration::ZERO)
    }

    /// How long until the next one is to be fetched; `None` where there is no other or no need.
    pub(crate) fn until_due(&self, token: &Token) -> Option<Duration> {
        let due = token.due.filter(|_| self.can_change())?;
        Some(due.saturating_sub(self.surroundings.unix_time()))
    }

    async fn by_password(&self, password: &Password, old: Option<&Token>) -> Result<Token> {
        if let Some(refresh) = old.and_then(|old| old.refresh.clone()) {
            let body = json!({ "refresh_token": refresh.as_str() });
            match self.http.sign_in(&password.refresh, &body).await {
                Ok(answer) => return self.signed_in(answer),
                // It has ended, or was revoked; the password may still count.
                Err(Error::Unauthenticated(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut body = json!({
            "username": password.user,
            "password": password.password.as_str(),
        });
        if let (Some(session), Value::Object(members)) = (&password.session, &mut body) {
            members.insert("session_id".to_owned(), session.as_str().into());
        }
        self.signed_in(self.http.sign_in(&password.sign_in, &body).await?)
    }

    fn signed_in(&self, answer: Value) -> Result<Token> {
        let SignedIn {
            token,
            refresh_token,
            expires_in,
        } = serde_json::from_value(answer)
            .map_err(|error| Error::Malformed(error.to_string().into()))?;
        let refresh = refresh_token.map(Zeroizing::new);
        Ok(self.token(Zeroizing::new(token), refresh, expires_in))
    }

    fn token(
        &self,
        text: Zeroizing<String>,
        refresh: Option<Zeroizing<String>>,
        lives: Option<f64>,
    ) -> Token {
        let now = self.surroundings.unix_time();
        let life = life(&text);
        let ends = life.exp.map(seconds);
        // What the server says of a token just made holds even where the clocks differ.
        let left = match (lives.map(seconds), life.exp, life.iat) {
            (Some(lives), _, _) => Some(lives),
            (None, Some(exp), Some(iat)) => {
                let (by_clock, whole) = (seconds(exp).saturating_sub(now), seconds(exp - iat));
                // A token that has ended when it is got is rather a clock that is wrong.
                let is_ended = by_clock.is_zero();
                Some(if is_ended { whole } else { by_clock.min(whole) })
            }
            (None, Some(exp), None) => Some(seconds(exp).saturating_sub(now)),
            (None, None, _) => None,
        };
        let due = left.map(|left| {
            let early = (left / 5).min(EARLY_MAX);
            now + left - early - self.surroundings.part_of(early / 2)
        });
        Token {
            text: Arc::new(text),
            refresh: refresh.map(Arc::new),
            ends: left.map(|left| now + left).or(ends),
            due,
        }
    }
}

fn life(token: &str) -> Life {
    let claims = token.split('.').nth(1).unwrap_or_default();
    let decoded = URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
    serde_json::from_slice(&decoded).unwrap_or_default()
}

/// What is no time is none at all.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

const EARLY_MAX: Duration = Duration::from_secs(60);
