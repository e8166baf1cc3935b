//! Refusals of the core, as the service says them.

use conclave_core::{Denied, RoomFault};
use conclave_protocol::Refusal;
use conclave_service::{AsyncApiError, ErrorCode};

/// A command that is not allowed.
pub(super) fn denied(denied: Denied) -> AsyncApiError {
    AsyncApiError::new(code(denied.refusal()), denied.to_string())
}

/// What the core said no to.
pub(super) fn of_rooms(fault: &RoomFault) -> AsyncApiError {
    if let RoomFault::Unavailable(error) = fault {
        tracing::error!(error = %error, "the store failed");
    }
    AsyncApiError::new(code(fault.refusal()), fault.message().into_owned())
}

/// The envelope's word for a refusal (identity.md, "Error codes").
pub(super) const fn code(refusal: Refusal) -> ErrorCode {
    match refusal {
        Refusal::BadRequest => ErrorCode::InvalidPayload,
        Refusal::Conflict => ErrorCode::Conflict,
        Refusal::Forbidden => ErrorCode::Forbidden,
        Refusal::Internal => ErrorCode::Internal,
        Refusal::NotFound => ErrorCode::NotFound,
        Refusal::RateLimited => ErrorCode::RateLimited,
        Refusal::TooLarge => ErrorCode::TooLarge,
        Refusal::Unauthenticated => ErrorCode::Unauthenticated,
        Refusal::Unavailable => ErrorCode::Unavailable,
        Refusal::UnknownCommand => ErrorCode::UnknownOperation,
    }
}
