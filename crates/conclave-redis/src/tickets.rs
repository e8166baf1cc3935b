//! Tickets that wait where all nodes find them.
//!
//! `PREFIX:ticket:HASH` is the owner and what was sealed, and ends with the ticket's life.
//! `PREFIX:tickets:OWNER` is a list of an owner's hashes, newest first; on a cluster it is on
//! another shard than they, so the bound of an owner is kept step by step.

use std::sync::Arc;

use async_trait::async_trait;
use conclave_auth::{SecretHash, TicketError, TicketTable, WaitingTicket};
use conclave_protocol::Timestamp;
use redis::Pipeline;

use crate::keys::{KeysAway, RedisKeys};

/// The tickets of all nodes.
#[derive(Debug)]
pub struct RedisTickets {
    keys: Arc<RedisKeys>,
    per_owner: usize,
}

impl RedisTickets {
    /// With so many tickets of one owner at most.
    #[must_use]
    pub const fn new(keys: Arc<RedisKeys>, per_owner: usize) -> Self {
        Self { keys, per_owner }
    }

    fn ticket(&self, hash: &str) -> String {
        self.keys.name(&format!("ticket:{hash}"))
    }

    fn list(&self, owner: &SecretHash) -> String {
        self.keys.name(&format!("tickets:{}", owner.hex()))
    }

    async fn keep(&self, hash: &str, ticket: WaitingTicket) -> Result<(), KeysAway> {
        let WaitingTicket {
            owner,
            sealed,
            life,
        } = ticket;
        let millis = u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1);
        let list = self.list(&owner);
        let mut question = Pipeline::new();
        question
            .atomic()
            .cmd("LPUSH")
            .arg(&list)
            .arg(hash)
            .ignore()
            .cmd("LRANGE")
            .arg(&list)
            .arg(self.per_owner)
            .arg(-1)
            .cmd("LTRIM")
            .arg(&list)
            .arg(0)
            .arg(self.per_owner.saturating_sub(1))
            .ignore()
            .cmd("PEXPIRE")
            .arg(&list)
            .arg(millis)
            .ignore();
        let (too_many,): (Vec<String>,) = self.keys.ask(&list, &question).await?;
        for old in too_many {
            let key = self.ticket(&old);
            let mut question = Pipeline::new();
            question.cmd("DEL").arg(&key).ignore();
            self.keys.ask::<()>(&key, &question).await?;
        }
        let key = self.ticket(hash);
        let value = [&owner.0, &*sealed].concat();
        let mut question = Pipeline::new();
        let set = question.cmd("SET").arg(&key).arg(value);
        set.arg("PX").arg(millis).ignore();
        self.keys.ask(&key, &question).await
    }
}

#[async_trait]
impl TicketTable for RedisTickets {
    async fn put(
        &self,
        hash: SecretHash,
        ticket: WaitingTicket,
        _now: Timestamp,
    ) -> Result<(), TicketError> {
        self.keep(&hash.hex(), ticket).await.map_err(unavailable)
    }

    async fn take(
        &self,
        hash: SecretHash,
        _now: Timestamp,
    ) -> Result<Option<Box<[u8]>>, TicketError> {
        let hash = hash.hex();
        let key = self.ticket(&hash);
        let mut question = Pipeline::new();
        question.cmd("GETDEL").arg(&key);
        let taken = self.keys.ask(&key, &question).await;
        let (value,): (Option<Vec<u8>>,) = taken.map_err(unavailable)?;
        let Some((owner, sealed)) = value.as_deref().and_then(<[u8]>::split_first_chunk) else {
            return Ok(None);
        };
        let list = self.list(&SecretHash(*owner));
        let mut question = Pipeline::new();
        question.cmd("LREM").arg(&list).arg(1).arg(hash).ignore();
        // Where it stays in the list, an older one ends a little early.
        self.keys.ask::<()>(&list, &question).await.ok();
        Ok(Some(sealed.into()))
    }

    fn take_now(&self, _hash: SecretHash, _now: Timestamp) -> Option<Option<Box<[u8]>>> {
        None
    }

    fn waiting(&self) -> usize {
        0
    }
}

const fn unavailable(_away: KeysAway) -> TicketError {
    TicketError::Unavailable
}
