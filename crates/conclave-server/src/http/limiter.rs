//! Requests of one user per second.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use conclave_protocol::{Clock, UserId};
use governor::clock::{Clock as GovernorClock, Reference as _};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;

/// Lets each user ask so often a second, all of a second's share at once after a pause
/// (identity.md, "Limits"). Users that paused are forgotten; beyond [`USERS_MAX`] those who are
/// new share one place.
pub(crate) struct RequestLimiter {
    limiter: Option<Limiter>,
    swept: Mutex<Duration>,
    clock: Arc<dyn Clock>,
}

/// `None` is the shared place.
type Limiter =
    RateLimiter<Option<UserId>, HashMapStateStore<Option<UserId>>, Ticks, NoOpMiddleware<Duration>>;

impl RequestLimiter {
    /// At most `per_second` requests; 0 means no limit.
    pub(crate) fn new(per_second: u32, clock: Arc<dyn Clock>) -> Self {
        let quota = NonZeroU32::new(per_second).map(Quota::per_second);
        let ticks = Ticks(Arc::clone(&clock));
        let limiter = quota.map(|quota| RateLimiter::hashmap_with_clock(quota, ticks));
        let swept = Mutex::new(clock.monotonic());
        Self {
            limiter,
            swept,
            clock,
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// How long to wait, where it is one too many; then it is not counted.
    pub(crate) fn count(&self, user: &UserId) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        let now = self.clock.monotonic();
        self.sweep(limiter, now);
        let key = (limiter.len() < USERS_MAX).then(|| user.clone());
        limiter
            .check_key(&key)
            .map_err(|refused| refused.earliest_possible().duration_since(now).into())
    }

    /// Counts requests of which another node has told.
    pub(crate) fn charge(&self, user: &UserId, count: u32) {
        // Once nothing is left the rest makes no difference.
        (0..count).all(|_| self.count(user).is_ok());
    }

    /// How many users are remembered.
    pub(crate) fn users(&self) -> usize {
        self.limiter.as_ref().map_or(0, RateLimiter::len)
    }

    /// Once in a while, since governor forgets nobody by itself.
    fn sweep(&self, limiter: &Limiter, now: Duration) {
        let mut swept = self.swept.lock();
        let every = if limiter.len() < USERS_MAX {
            SWEEP_EVERY
        } else {
            SWEEP_FULL_EVERY
        };
        if now.saturating_sub(*swept) < every {
            return;
        }
        *swept = now;
        drop(swept);
        limiter.retain_recent();
    }
}

/// The monotonic face of the server's clock, for governor.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl GovernorClock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

const USERS_MAX: usize = 100_000;
const SWEEP_EVERY: Duration = Duration::from_secs(10);
const SWEEP_FULL_EVERY: Duration = Duration::from_secs(1);
