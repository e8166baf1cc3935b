//! HTTP errors as `application/problem+json` (RFC 9457; identity.md, "Error codes").

use std::any::Any;
use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE,
    WWW_AUTHENTICATE,
};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use conclave_auth::{PortError, SignInError};
use conclave_core::RoomFault;
use conclave_protocol::Refusal;

/// An HTTP error: `{"type":"about:blank","title":…,"status":…,"code":…,"detail":…}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    retry_seconds: u32,
}

impl Problem {
    /// A problem of this status; `code` is one of identity.md's, `detail` is for a person and
    /// holds nothing secret.
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            retry_seconds: RETRY_SECONDS,
        }
    }

    /// A refusal with its own status and code.
    pub(crate) fn refused(refusal: Refusal, detail: impl Into<Cow<'static, str>>) -> Self {
        let status = StatusCode::from_u16(refusal.status());
        Self::new(
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            refusal.code(),
            detail,
        )
    }

    /// The input is not what is taken.
    pub(crate) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(Refusal::BadRequest, detail)
    }

    /// Our fault; the log has the cause.
    pub(crate) fn internal() -> Self {
        Self::refused(Refusal::Internal, "the server failed")
    }

    /// Too often; `Retry-After` is `wait` in whole seconds, rounded up.
    pub(crate) fn too_often(detail: impl Into<Cow<'static, str>>, wait: Duration) -> Self {
        Self::refused(Refusal::RateLimited, detail).after(wait)
    }

    /// The request took too long.
    pub(crate) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            BAD_REQUEST,
            "the request took too long",
        )
    }

    /// When to try again.
    pub(crate) fn after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        self.retry_seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        self
    }
}

impl Problem {
    /// What [`Problem::body`] is.
    pub(super) const MEDIA_TYPE: &str = "application/problem+json";

    /// The JSON object.
    pub(super) fn body(&self) -> String {
        serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        })
        .to_string()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::UPGRADE_REQUIRED => {
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from(self.retry_seconds));
            }
            _ => {}
        }
        response
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        let refusal = error.refusal();
        match error {
            SignInError::BadRequest(detail) => Self::refused(refusal, detail),
            SignInError::Busy(_) => {
                Self::refused(refusal, "too many sign-ins at once").after(BUSY_WAIT)
            }
            SignInError::Conflict => {
                Self::refused(refusal, "it was changed by somebody else at the same time")
            }
            SignInError::Forbidden => Self::refused(refusal, "not allowed"),
            SignInError::Internal => {
                tracing::error!("a token or a password hash could not be made");
                Self::internal()
            }
            SignInError::NotFound => Self::refused(refusal, "not found"),
            SignInError::Reused(_) | SignInError::Unauthenticated => {
                Self::refused(refusal, "Invalid or expired token")
            }
            SignInError::TooMany(limit) => {
                Self::refused(refusal, format!("there may be at most {limit}"))
            }
            SignInError::Unavailable(error) => {
                tracing::error!(error = %Causes(&*error), "the store is unavailable");
                Self::refused(refusal, "the store is unavailable").after(BUSY_WAIT)
            }
        }
    }
}

impl From<RoomFault> for Problem {
    fn from(fault: RoomFault) -> Self {
        let refusal = fault.refusal();
        if let RoomFault::Unavailable(error) = &fault {
            tracing::error!(error = %Causes(&**error), "the store is unavailable");
        }
        Self::refused(refusal, fault.message()).after(BUSY_WAIT)
    }
}

/// The store's errors; who knows better says so before.
impl From<PortError> for Problem {
    fn from(error: PortError) -> Self {
        SignInError::from(error).into()
    }
}

/// An error and what caused it, in one line.
struct Causes<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// For paths that are not there.
pub(super) async fn not_found(_: Uri) -> Problem {
    nothing_there()
}

/// The same, for what is switched off.
pub(super) fn nothing_there() -> Problem {
    Problem::refused(Refusal::NotFound, "there is nothing at this path")
}

/// For paths that are there, asked by another method; axum adds `Allow`.
pub(super) async fn method_not_allowed(method: Method) -> Problem {
    refused_method(&method)
}

/// The same, for who adds `Allow`.
pub(super) fn refused_method(method: &Method) -> Problem {
    let detail = format!(
        "{} is not a method of this path",
        method.as_str().escape_default()
    );
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, BAD_REQUEST, detail)
}

/// For handlers that panicked. What they said may hold anything, so the client gets none of it.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request's handler panicked");
    Problem::internal().into_response()
}

pub(super) const BAD_REQUEST: &str = Refusal::BadRequest.code();
const BUSY_WAIT: Duration = Duration::from_secs(1);
/// Where nobody knows better.
const RETRY_SECONDS: u32 = 60;
