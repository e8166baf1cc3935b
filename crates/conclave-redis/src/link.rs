//! One session after another, for as long as the bus lives: from connecting to the first thing
//! that goes wrong.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::RedisError;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Shared;
use crate::dial::{shown, wrong};
use crate::interests::Changes;
use crate::lanes::{Lanes, Wish};
use crate::outbox::Outgoing;
use crate::pause::Pause;
use crate::records::Records;
use crate::wire::notices_name;

/// Runs until it is dropped.
pub(crate) async fn run(shared: Arc<Shared>) -> Infallible {
    let mut pause = Pause::new(shared.node.0);
    let mut is_news = true;
    loop {
        let began = Instant::now();
        let Err(error) = session(&shared).await;
        let was_there = shared.there.load(Ordering::Acquire);
        if was_there || is_news {
            let redis = shared.options.shown();
            tracing::warn!(redis, error = %shown(&error), "the bus is away");
        }
        is_news = false;
        shared.depart();
        // One that ends at once again, as while slots move, is not tried without end.
        if was_there && began.elapsed() >= WHILE {
            pause.reset();
        }
        tokio::time::sleep(pause.next()).await;
    }
}

async fn session(shared: &Arc<Shared>) -> Result<Infallible, RedisError> {
    let ended = Arc::new(Notify::new());
    let lanes = Lanes::connect(shared, &ended).await?;
    let mut names = shared.interests.all();
    names.push(notices_name(&shared.options.prefix).into());
    lanes.wish(Wish::Subscribe, &names).await?;
    shared.arrive();
    tracing::info!(redis = shared.options.shown(), "the bus is there");
    tokio::select! {
        wrong = publish(shared, &lanes) => wrong,
        wrong = follow_interests(shared, &lanes) => wrong,
        wrong = watch(&lanes) => wrong,
        () = ended.notified() => Err(wrong("a connection has ended")),
    }
}

async fn publish(shared: &Shared, lanes: &Lanes) -> Result<Infallible, RedisError> {
    let mut taken = Vec::new();
    let mut records = Records::new();
    let mut told = None;
    loop {
        // Others may hear nothing later that shows what was lost.
        let is_quiet = told.is_some_and(|told: Instant| told.elapsed() < QUIET);
        let is_lost = !is_quiet && shared.has_lost.swap(false, Ordering::AcqRel);
        if !is_lost {
            shared.outbox.take(&mut taken).await;
        }
        let under_way = UnderWay {
            shared,
            count: u64::try_from(taken.len()).unwrap_or(u64::MAX),
            owes_word: is_lost || taken.iter().any(Outgoing::is_publication),
        };
        let mut batch = lanes.batch();
        for outgoing in taken.drain(..) {
            batch.add(shared, &records, outgoing);
        }
        if is_lost {
            batch.add_lost(shared);
            told = Some(Instant::now());
        }
        batch.send(shared, &mut records).await?;
        under_way.arrived();
    }
}

/// What was taken out of the outbox: lost, unless Redis says that it has it. Nobody waits for
/// that any more once the session has ended.
struct UnderWay<'s> {
    shared: &'s Shared,
    count: u64,
    owes_word: bool,
}

impl UnderWay<'_> {
    fn arrived(mut self) {
        let count = std::mem::take(&mut self.count);
        self.owes_word = false;
        self.shared.sent.fetch_add(count, Ordering::Relaxed);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.shared.lose(self.count, self.owes_word);
    }
}

async fn follow_interests(shared: &Shared, lanes: &Lanes) -> Result<Infallible, RedisError> {
    loop {
        let Changes {
            subscribe,
            unsubscribe,
        } = shared.interests.changes().await;
        lanes.wish(Wish::Unsubscribe, &unsubscribe).await?;
        lanes.wish(Wish::Subscribe, &subscribe).await?;
    }
}

/// A Redis that hangs does not close the connection, and one that is no longer the right one
/// need not either.
async fn watch(lanes: &Lanes) -> Result<Infallible, RedisError> {
    let mut ticks = tokio::time::interval(PING_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for turn in 0.. {
        ticks.tick().await;
        lanes.ping().await?;
        if turn % CHECK_EVERY == 0 {
            lanes.check(turn / CHECK_EVERY).await?;
        }
    }
    Err(wrong("it has been watched for ever"))
}

const PING_EVERY: Duration = Duration::from_millis(500);
/// Pings.
const CHECK_EVERY: usize = 2;
/// How long a session lasts at least after which the next one comes soon.
const WHILE: Duration = Duration::from_secs(2);
/// How long nobody is told again that something was lost.
const QUIET: Duration = Duration::from_secs(1);
