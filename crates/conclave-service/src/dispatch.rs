//! From an operation's position to the handler that serves it.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::AsyncApiResult;
use crate::context::MessageContext;
use crate::envelope::{Head, write_envelope};
use crate::payload;

/// Hands each message to its handler. Generated: a `match` over positions.
pub trait Dispatch: Send + Sync + 'static {
    /// Serves a message of the operation at `route`, which clients may send and this one is
    /// allowed to.
    ///
    /// # Errors
    /// What the handler gives; the client is answered with it.
    fn dispatch(
        &self,
        route: usize,
        call: &mut Call<'_>,
    ) -> impl Future<Output = AsyncApiResult<()>> + Send;
}

/// One message on its way through a handler.
pub struct Call<'a> {
    pub(crate) payload: &'a RawValue,
    pub(crate) context: &'a MessageContext,
    pub(crate) head: Head<'a>,
    pub(crate) out: &'a mut Vec<u8>,
}

impl<'a> Call<'a> {
    /// The payload, typed.
    ///
    /// # Errors
    /// `invalid_payload`, naming the field, where it is not what the document describes.
    pub fn payload<T: DeserializeOwned>(&self) -> AsyncApiResult<T> {
        payload::read(self.payload.get(), "payload")
    }

    /// The payload as it was written.
    #[must_use]
    pub const fn raw_payload(&self) -> &'a RawValue {
        self.payload
    }

    /// The message's headers, typed.
    ///
    /// # Errors
    /// As [`MessageContext::headers`].
    pub fn headers<H: DeserializeOwned>(&self) -> AsyncApiResult<H> {
        self.context.headers()
    }

    /// Who sent it, and on which channel.
    #[must_use]
    pub const fn context(&self) -> &'a MessageContext {
        self.context
    }

    /// Answers it; a second answer takes the place of the first.
    ///
    /// # Errors
    /// `internal` where the reply cannot be written as JSON.
    pub fn reply<T: Serialize + ?Sized>(&mut self, reply: &T) -> AsyncApiResult<()> {
        self.out.clear();
        write_envelope(&self.head, self.out, |out| payload::write(reply, out))
    }
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.head.operation)
            .finish_non_exhaustive()
    }
}
