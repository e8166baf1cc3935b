//! What is kept in Redis for all nodes, in keys that end by themselves: on connections of its
//! own, made when the first is asked for, again in each session of the bus, and only while it is
//! there.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Pipeline, RedisError};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::Shared;
use crate::dial::{dial, patience, shown, wrong};
use crate::lanes::Kind;

/// The way to what is kept.
pub struct RedisKeys {
    shared: Arc<Shared>,
    runtime: Handle,
    desk: Mutex<Option<Arc<Desk>>>,
}

/// Redis cannot be reached, or has not answered within half a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Redis is away")]
pub struct KeysAway;

/// One connection to each place.
struct Desk {
    /// The session of the bus that it was made in.
    session: u64,
    kind: Kind,
    connections: Vec<MultiplexedConnection>,
}

impl RedisKeys {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            runtime: Handle::current(),
            desk: Mutex::default(),
        }
    }

    /// A name in Redis.
    pub(crate) fn name(&self, rest: &str) -> String {
        format!("{}:{rest}", self.shared.options.prefix)
    }

    /// Asks the place that has this key; all of the question has to be about it. What fails is
    /// asked once more on new connections: a question may be answered twice.
    ///
    /// # Errors
    /// Redis is away.
    pub(crate) async fn ask<T: FromRedisValue>(
        &self,
        key: &str,
        question: &Pipeline,
    ) -> Result<T, KeysAway> {
        if !self.shared.there.load(Ordering::Acquire) {
            return Err(KeysAway);
        }
        let asking = async {
            let desk = self.desk(None).await?;
            match desk.ask(key, question).await {
                Ok(answer) => Ok(answer),
                Err(_) => self.desk(Some(&desk)).await?.ask(key, question).await,
            }
        };
        match tokio::time::timeout(TIME, asking).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::debug!(error = %shown(&error), "a key cannot be asked for");
                Err(KeysAway)
            }
            Err(_elapsed) => Err(KeysAway),
        }
    }

    /// The connections, but not these that failed.
    async fn desk(&self, failed: Option<&Arc<Desk>>) -> Result<Arc<Desk>, RedisError> {
        let mut kept = self.desk.lock().await;
        let session = self.shared.connects.load(Ordering::Relaxed);
        let is_failed = |desk: &Arc<Desk>| failed.is_some_and(|failed| Arc::ptr_eq(failed, desk));
        if let Some(desk) = &*kept
            && desk.session == session
            && !is_failed(desk)
        {
            return Ok(Arc::clone(desk));
        }
        *kept = None;
        // Who asks may be on a runtime that ends before the others.
        let opening = Desk::open(Arc::clone(&self.shared), session);
        let opened = self.runtime.spawn(opening).await;
        let desk = Arc::new(opened.unwrap_or_else(|_| Err(wrong("a task has ended")))?);
        *kept = Some(Arc::clone(&desk));
        Ok(desk)
    }
}

impl Desk {
    async fn open(shared: Arc<Shared>, session: u64) -> Result<Self, RedisError> {
        let (infos, kind) = Kind::find(&shared).await?;
        let mut connections = Vec::with_capacity(infos.len());
        for info in &infos {
            connections.push(dial(info, &patience()).await?);
        }
        Ok(Self {
            session,
            kind,
            connections,
        })
    }

    async fn ask<T: FromRedisValue>(
        &self,
        key: &str,
        question: &Pipeline,
    ) -> Result<T, RedisError> {
        let place = self.connections.get(self.kind.lane_of(key));
        let mut connection = place.ok_or_else(|| wrong("nobody has this key"))?.clone();
        question.query_async(&mut connection).await
    }
}

impl fmt::Debug for RedisKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisKeys({})", self.shared.options.shown())
    }
}

/// What asks waits no longer, connecting included: handshakes wait for it.
const TIME: Duration = Duration::from_millis(500);
