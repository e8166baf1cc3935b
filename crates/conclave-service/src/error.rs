//! What goes wrong, as callers and clients see it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What every handler and every call of the runtime gives.
pub type AsyncApiResult<T> = Result<T, AsyncApiError>;

/// The kind of an error: the string in an envelope's `error.code` (identity.md, "Error codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// What is asked for contradicts what is there.
    Conflict,
    /// The credential does not allow it.
    Forbidden,
    /// The service failed; the client learns nothing else.
    Internal,
    /// The envelope or its payload is not what the document describes.
    InvalidPayload,
    /// It does not exist, or not for this caller.
    NotFound,
    /// Too many messages.
    RateLimited,
    /// A message or a list over its bound.
    TooLarge,
    /// No credential, or one that no longer counts.
    Unauthenticated,
    /// Something that the service needs is away: try again.
    Unavailable,
    /// The document describes no such operation for this direction.
    UnknownOperation,
}

impl ErrorCode {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::Internal => "internal",
            Self::InvalidPayload => "invalid_payload",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::TooLarge => "too_large",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
            Self::UnknownOperation => "unknown_operation",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// Path of the field in the payload, `updates.display_name`, `members[3].id`; `channel` or
    /// another field of the envelope where that is meant; empty for the whole payload.
    pub field: String,
    /// A sentence for people.
    pub message: String,
    /// A word for programs.
    #[serde(default)]
    pub code: String,
}

/// An error that a client is answered with. Clients see code, message and details; the source,
/// where there is one, stays on the server.
#[derive(Debug)]
pub struct AsyncApiError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: ErrorCode,
    message: Cow<'static, str>,
    details: Vec<ErrorDetail>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl AsyncApiError {
    /// An error of any kind.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            details: Vec::new(),
            source: None,
        }))
    }

    /// [`ErrorCode::Conflict`].
    #[must_use]
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }

    /// [`ErrorCode::Forbidden`].
    #[must_use]
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Forbidden, message)
    }

    /// [`ErrorCode::Internal`]: clients read `internal error`, the source is for the audit.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut error = Self::new(ErrorCode::Internal, "internal error");
        error.0.source = Some(source.into());
        error
    }

    /// [`ErrorCode::InvalidPayload`].
    #[must_use]
    pub fn invalid_payload(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidPayload, message)
    }

    /// [`ErrorCode::NotFound`].
    #[must_use]
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// [`ErrorCode::RateLimited`].
    #[must_use]
    pub fn rate_limited(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::RateLimited, message)
    }

    /// [`ErrorCode::TooLarge`].
    #[must_use]
    pub fn too_large(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::TooLarge, message)
    }

    /// [`ErrorCode::Unauthenticated`].
    #[must_use]
    pub fn unauthenticated(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Unauthenticated, message)
    }

    /// [`ErrorCode::Unavailable`].
    #[must_use]
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Unavailable, message)
    }

    /// [`ErrorCode::UnknownOperation`].
    #[must_use]
    pub fn unknown_operation() -> Self {
        Self::new(ErrorCode::UnknownOperation, "no such operation")
    }

    /// The same error with one more detail.
    #[must_use]
    pub fn with_detail(
        mut self,
        field: impl Into<String>,
        message: impl Into<String>,
        code: impl Into<String>,
    ) -> Self {
        self.0.details.push(ErrorDetail {
            field: field.into(),
            message: message.into(),
            code: code.into(),
        });
        self
    }

    /// The same error with these details in place of its own.
    #[must_use]
    pub fn with_details(mut self, details: Vec<ErrorDetail>) -> Self {
        self.0.details = details;
        self
    }

    /// Its kind.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// What clients read.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What is wrong with which field.
    #[must_use]
    pub fn details(&self) -> &[ErrorDetail] {
        &self.0.details
    }
}

impl fmt::Display for AsyncApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        for detail in &self.0.details {
            write!(f, "; {}: {}", detail.field, detail.message)?;
        }
        Ok(())
    }
}

impl Error for AsyncApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
