//! Tokens that other services of the application have ended, and that they are told of.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_auth::{SecretHash, TokenBlacklist};

use super::Unproved;
use crate::config::BusRevocations;

/// The list on the bus, where there is one.
#[derive(Debug, Default)]
pub(crate) struct Blacklist {
    list: Option<Box<dyn TokenBlacklist>>,
    /// What is done while it cannot be read; `None` where it never is.
    reads: Option<BusRevocations>,
    /// Milliseconds of the monotonic clock when it first could not be read, 1 at least; 0 where
    /// it could the last time.
    failing_since: AtomicU64,
}

impl Blacklist {
    /// On this list.
    pub(crate) fn new(list: Box<dyn TokenBlacklist>, reads: Option<BusRevocations>) -> Self {
        Self {
            list: Some(list),
            reads,
            failing_since: AtomicU64::new(0),
        }
    }

    /// Whether tokens are looked for there.
    pub(super) const fn is_read(&self) -> bool {
        self.list.is_some() && self.reads.is_some()
    }

    /// Tells other services that a token has ended, `left` before it would have. What cannot be
    /// told is said in the log: to this system's nodes the store says it.
    pub(crate) async fn add(&self, token: &str, left: Duration) {
        if let Some(list) = &self.list
            && let Err(error) = list.add(SecretHash::of(token), left).await
        {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "other services cannot be told of a revoked token");
        }
    }

    /// Refuses a token that is there, and, by `bus.revocations`, one that cannot be looked for.
    pub(super) async fn check(&self, token: &str, now: Duration) -> Result<(), Unproved> {
        let (Some(list), Some(policy)) = (&self.list, self.reads) else {
            return Ok(());
        };
        match list.has(SecretHash::of(token)).await {
            Ok(found) => {
                self.failing_since.store(0, Ordering::Relaxed);
                if found {
                    Err(Unproved::Invalid)
                } else {
                    Ok(())
                }
            }
            Err(_away) => self.unread(policy, now),
        }
    }

    fn unread(&self, policy: BusRevocations, now: Duration) -> Result<(), Unproved> {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX).max(1);
        let since = &self.failing_since;
        let known = since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        let since = known.err().unwrap_or(now);
        match policy {
            BusRevocations::Grace if now.saturating_sub(since) <= GRACE_MILLIS => Ok(()),
            BusRevocations::Grace | BusRevocations::Strict => Err(Unproved::Unavailable),
        }
    }
}

const GRACE_MILLIS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use conclave_auth::PortError;
    use parking_lot::Mutex;

    use super::*;

    /// `None` while it is away.
    #[derive(Debug)]
    struct Listed(std::sync::Arc<Mutex<Option<Vec<SecretHash>>>>);

    #[async_trait]
    impl TokenBlacklist for Listed {
        async fn add(&self, token: SecretHash, _life: Duration) -> Result<(), PortError> {
            let mut listed = self.0.lock();
            listed.as_mut().ok_or(PortError::NotFound)?.push(token);
            Ok(())
        }

        async fn has(&self, token: SecretHash) -> Result<bool, PortError> {
            let listed = self.0.lock();
            let listed = listed.as_ref().ok_or(PortError::NotFound)?;
            Ok(listed.contains(&token))
        }
    }

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn a_listed_token_is_refused_where_the_list_is_read() {
        for reads in [None, Some(BusRevocations::Grace)] {
            let listed = std::sync::Arc::new(Mutex::new(Some(Vec::new())));
            let list = Blacklist::new(Box::new(Listed(listed)), reads);
            assert_eq!(list.is_read(), reads.is_some());
            list.add("t", second(9)).await;
            let refused = list.check("t", second(0)).await;
            assert_eq!(refused.is_err(), reads.is_some());
            assert_eq!(list.check("u", second(0)).await, Ok(()));
        }
        let none = Blacklist::default();
        none.add("t", second(9)).await;
        assert_eq!(none.check("t", second(0)).await, Ok(()));
    }

    #[tokio::test]
    async fn while_the_list_cannot_be_read_tokens_count_for_a_minute_or_not_at_all() {
        let away = || std::sync::Arc::new(Mutex::new(None));
        let strict = Some(BusRevocations::Strict);
        let list = Blacklist::new(Box::new(Listed(away())), strict);
        let refused = Err(Unproved::Unavailable);
        assert_eq!(list.check("t", second(0)).await, refused);

        let shared = away();
        let list = Listed(std::sync::Arc::clone(&shared));
        let list = Blacklist::new(Box::new(list), Some(BusRevocations::Grace));
        assert_eq!(list.check("t", second(0)).await, Ok(()));
        assert_eq!(list.check("t", second(60)).await, Ok(()));
        assert_eq!(list.check("t", second(61)).await, refused);
        *shared.lock() = Some(Vec::new());
        assert_eq!(list.check("t", second(62)).await, Ok(()));
        *shared.lock() = None;
        assert_eq!(list.check("t", second(100)).await, Ok(()), "it begins anew");
        assert_eq!(list.check("t", second(161)).await, refused);
    }
}
