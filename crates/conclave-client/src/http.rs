//! The calls to the server's HTTP side: tokens, who one is, and rooms.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};

/// A server's HTTP side.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    base: Url,
}

/// `application/problem+json`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: Box<str>,
    detail: Box<str>,
}

impl Http {
    /// Calls below `base`, whose path ends with `/`.
    pub(crate) fn new(base: Url, tls: ClientConfig) -> Result<Self> {
        // A proxy of the environment, or wherever the server redirects to, would get the password.
        let builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_TIME)
            .tls_backend_preconfigured(tls);
        let client = builder.build().map_err(failed)?;
        Ok(Self { client, base })
    }

    /// Signs in.
    pub(crate) async fn sign_in(&self, url: &Url, body: &Value) -> Result<Value> {
        let request = self.client.post(url.clone());
        answered(with_body(request, body)).await
    }

    /// A call with a token; `path` begins without `/`.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value> {
        let url = self
            .base
            .join(path)
            .map_err(|error| Error::Address(error.to_string().into()))?;
        let mut request = self.client.request(method, url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = with_body(request, body);
        }
        answered(request).await
    }
}

/// An id as a part of a path.
pub(crate) fn segment(id: &str) -> String {
    utf8_percent_encode(id, ESCAPED).to_string()
}

fn with_body(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

async fn answered(request: RequestBuilder) -> Result<Value> {
    let mut answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(Error::Malformed("an answer that does not end".into()));
        }
    }
    if !status.is_success() {
        return Err(refused(status, &body));
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body).map_err(|error| Error::Malformed(error.to_string().into()))
}

fn refused(status: StatusCode, body: &[u8]) -> Error {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    if status == StatusCode::UNAUTHORIZED {
        return Error::Unauthenticated(problem.detail);
    }
    let code = match &*problem.code {
        "" if status.is_server_error() => UNAVAILABLE,
        "" => status.as_str(),
        code => code,
    };
    Error::refused(code, &problem.detail)
}

fn failed(error: reqwest::Error) -> Error {
    if error.is_timeout() {
        return Error::Silent(ANSWER_TIME.as_secs());
    }
    // The URL may hold what its owner would not show.
    Error::io("no answer", std::io::Error::other(error.without_url()))
}

const ANSWER_TIME: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
pub(crate) const UNAVAILABLE: &str = "unavailable";
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');
