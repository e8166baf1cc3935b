//! Repeatable calls in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use conclave_protocol::Timestamp;
use parking_lot::Mutex;

use crate::{Begun, CallId, Idempotency, PortError, SecretHash, StoredAnswer};

/// Repeatable calls in memory.
#[derive(Debug, Default)]
pub struct MemoryIdempotency(Mutex<HashMap<CallId, Kept>>);

#[derive(Debug)]
struct Kept {
    body: SecretHash,
    began: Timestamp,
    until: Timestamp,
    answer: Option<StoredAnswer>,
}

#[async_trait]
impl Idempotency for MemoryIdempotency {
    async fn begin(
        &self,
        call: CallId,
        body: SecretHash,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<Begun, PortError> {
        let mut calls = self.0.lock();
        if let Some(kept) = calls.get(&call).filter(|kept| kept.until > at) {
            return Ok(match &kept.answer {
                _ if kept.body != body => Begun::Different,
                Some(answer) => Begun::Answered(answer.clone()),
                None => Begun::UnderWay,
            });
        }
        let kept = Kept {
            body,
            began: at,
            until,
            answer: None,
        };
        calls.insert(call, kept);
        Ok(Begun::Started)
    }

    async fn finish(
        &self,
        call: CallId,
        began: Timestamp,
        answer: &StoredAnswer,
        until: Timestamp,
    ) -> Result<(), PortError> {
        let mut calls = self.0.lock();
        if let Some(kept) = calls.get_mut(&call).filter(|kept| kept.is_under_way(began)) {
            kept.answer = Some(answer.clone());
            kept.until = until;
        }
        Ok(())
    }

    async fn abandon(&self, call: CallId, began: Timestamp) -> Result<(), PortError> {
        let mut calls = self.0.lock();
        if calls
            .get(&call)
            .is_some_and(|kept| kept.is_under_way(began))
        {
            calls.remove(&call);
        }
        Ok(())
    }

    async fn purge_calls(&self, at: Timestamp) -> Result<(), PortError> {
        self.0.lock().retain(|_, kept| kept.until >= at);
        Ok(())
    }
}

impl Kept {
    fn is_under_way(&self, began: Timestamp) -> bool {
        self.answer.is_none() && self.began == began
    }
}
