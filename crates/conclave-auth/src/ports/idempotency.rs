//! Calls that a client may repeat without their happening twice (server.md, `Idempotency-Key`).

use async_trait::async_trait;
use conclave_protocol::Timestamp;

use super::{PortError, SecretHash};

/// One call, whoever repeats it: SHA-256 over the caller, the method, the path and the key the
/// caller chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId(pub SecretHash);

/// What a call was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers that belong to the body, names in lower case.
    pub headers: Vec<(String, String)>,
    /// At most 64 KiB.
    pub body: Vec<u8>,
}

/// What is known of a call that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It was answered before, with this.
    Answered(StoredAnswer),
    /// The same key came with another body.
    Different,
    /// It is new, and now under way.
    Started,
    /// It began before and is not answered yet.
    UnderWay,
}

/// Calls with an idempotency key, and their answers.
#[async_trait]
pub trait Idempotency: Send + Sync {
    /// Begins a call whose body has this hash. Until `until` others that begin the same call
    /// learn that it is under way; then it counts as never begun.
    async fn begin(
        &self,
        call: CallId,
        body: SecretHash,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<Begun, PortError>;
    /// Keeps the answer of the call that began at `began` until `until`. Where that one is not
    /// under way any more, nothing happens.
    async fn finish(
        &self,
        call: CallId,
        began: Timestamp,
        answer: &StoredAnswer,
        until: Timestamp,
    ) -> Result<(), PortError>;
    /// Forgets the call that began at `began` and was not answered: it may be tried again.
    async fn abandon(&self, call: CallId, began: Timestamp) -> Result<(), PortError>;
    /// Forgets calls that were kept until before `at`.
    async fn purge_calls(&self, at: Timestamp) -> Result<(), PortError>;
}

/// Bytes of an answer that is kept.
pub const STORED_ANSWER_BYTES_MAX: usize = 64 * 1024;
