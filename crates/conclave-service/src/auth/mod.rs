//! From what a handshake carries to who it proves.

mod claims;
mod gate;
mod handler;
mod jwt;
mod request;
#[cfg(test)]
mod tests;

pub use claims::Claims;
pub(crate) use gate::{Gate, Granted};
pub use gate::{Identity, StartError};
pub use handler::{
    ApiKeyAuthHandler, AuthResult, Authenticator, BasicAuthHandler, JwtServerAuthHandler,
};
pub use jwt::{JwtBuilder, JwtConfigError, JwtValidator};
pub use request::{AuthRequest, Credential};

use crate::AsyncApiError;

/// Why a credential proves nobody. What is inside is for the audit; clients learn the sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Two credentials for the same scheme that differ, or two that name different users.
    #[error("credentials contradict each other")]
    Conflicting,
    /// It has ended.
    #[error("invalid or expired credential")]
    Expired,
    /// It proves who, but not enough: a scope or a permission is missing.
    #[error("the credential does not allow this")]
    Forbidden(String),
    /// It is malformed, unknown or wrong.
    #[error("invalid or expired credential")]
    Invalid(String),
    /// There is none.
    #[error("a credential is missing")]
    Missing,
    /// It could not be checked now.
    #[error("credentials cannot be checked now")]
    Unavailable,
}

impl AuthError {
    /// What exactly was wrong, for the audit.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Conflicting => "credentials contradict each other",
            Self::Expired => "expired",
            Self::Forbidden(detail) | Self::Invalid(detail) => detail,
            Self::Missing => "no credential",
            Self::Unavailable => "the authenticator is away",
        }
    }
}

impl From<AuthError> for AsyncApiError {
    fn from(error: AuthError) -> Self {
        let message = error.to_string();
        match error {
            AuthError::Conflicting
            | AuthError::Expired
            | AuthError::Invalid(_)
            | AuthError::Missing => Self::unauthenticated(message),
            AuthError::Forbidden(_) => Self::forbidden(message),
            AuthError::Unavailable => Self::unavailable(message),
        }
    }
}
