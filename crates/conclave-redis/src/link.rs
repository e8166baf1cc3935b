//! The connections to Redis: one that publishes, one that listens, made again for as long as the
//! bus lives.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use conclave_core::Arrival;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, Pipeline, PushInfo, PushKind, RedisError, Value};
use tokio::sync::Notify;

use crate::Shared;
use crate::interests::Changes;
use crate::outbox::Outgoing;
use crate::wire::{
    Said, channel_name, notices_name, read, read_sender, write_notice, write_publication,
};

/// Runs until it is dropped.
pub(crate) async fn run(shared: Arc<Shared>) -> Infallible {
    let mut pause = Pause::new(shared.node.0);
    let mut is_news = true;
    loop {
        let Err(error) = session(&shared, &mut pause).await;
        if shared.there.load(Ordering::Acquire) || is_news {
            let redis = shared.options.shown();
            tracing::warn!(redis, error = %shown(&error), "the bus is away");
        }
        is_news = false;
        shared.depart();
        tokio::time::sleep(pause.next()).await;
    }
}

/// What is wrong, without what was sent.
fn shown(error: &RedisError) -> String {
    match error.code() {
        Some(code) => format!("{}: {code}", error.category()),
        None => error.category().to_owned(),
    }
}

/// From connecting to the first thing that goes wrong.
async fn session(shared: &Arc<Shared>, pause: &mut Pause) -> Result<Infallible, RedisError> {
    let client = Client::open(shared.options.info.clone())?;
    let ended = Arc::new(Notify::new());
    let ears = {
        let (shared, ended) = (Arc::clone(shared), Arc::clone(&ended));
        move |push: PushInfo| -> Result<(), Infallible> {
            take(&shared, &ended, push);
            Ok(())
        }
    };
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIME))
        .set_response_timeout(Some(ANSWER_TIME));
    let mouth = client.get_multiplexed_async_connection_with_config(&config);
    let mut mouth = within(mouth).await?;
    let config = config.set_push_sender(ears);
    let ear = client.get_multiplexed_async_connection_with_config(&config);
    let mut ear = within(ear).await?;

    let mut names = shared.interests.all();
    names.push(notices_name(&shared.options.prefix).into());
    for names in names.chunks(NAMES_MAX) {
        subscribe(&mut ear, "SUBSCRIBE", names).await?;
    }
    shared.arrive();
    pause.reset();
    tracing::info!(redis = shared.options.shown(), "the bus is there");

    let mut pinged = ear.clone();
    tokio::select! {
        wrong = publish(shared, &mut mouth) => wrong,
        wrong = follow_interests(shared, &mut ear) => wrong,
        wrong = ping(&mut pinged) => wrong,
        () = ended.notified() => Err(RedisError::from((
            redis::ErrorKind::Io,
            "the connection has ended",
        ))),
    }
}

/// Connecting may hang in more ways than the library's own time counts.
async fn within(
    connecting: impl Future<Output = Result<MultiplexedConnection, RedisError>>,
) -> Result<MultiplexedConnection, RedisError> {
    let late = |_elapsed| RedisError::from((redis::ErrorKind::Io, "connecting took too long"));
    tokio::time::timeout(CONNECT_TIME * 2, connecting)
        .await
        .map_err(late)?
}

async fn publish(
    shared: &Shared,
    connection: &mut MultiplexedConnection,
) -> Result<Infallible, RedisError> {
    let prefix = &shared.options.prefix;
    let mut batch = Vec::new();
    loop {
        shared.outbox.take(&mut batch).await;
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let mut pipeline = Pipeline::with_capacity(batch.len());
        for outgoing in batch.drain(..) {
            let (name, message) = match outgoing {
                Outgoing::Notice(notice) => {
                    (notices_name(prefix), write_notice(shared.node, &notice))
                }
                Outgoing::Publication(parcel) => (
                    channel_name(prefix, &parcel.publication.channel),
                    write_publication(shared.node, parcel.place, &parcel.publication),
                ),
            };
            pipeline.cmd("PUBLISH").arg(name).arg(message).ignore();
        }
        if let Err(error) = pipeline.query_async::<()>(connection).await {
            shared.lost.fetch_add(count, Ordering::Relaxed);
            return Err(error);
        }
        shared.sent.fetch_add(count, Ordering::Relaxed);
    }
}

async fn follow_interests(
    shared: &Shared,
    connection: &mut MultiplexedConnection,
) -> Result<Infallible, RedisError> {
    loop {
        let Changes {
            subscribe: asked,
            unsubscribe: withdrawn,
        } = shared.interests.changes().await;
        for names in withdrawn.chunks(NAMES_MAX) {
            subscribe(connection, "UNSUBSCRIBE", names).await?;
        }
        for names in asked.chunks(NAMES_MAX) {
            subscribe(connection, "SUBSCRIBE", names).await?;
        }
    }
}

/// Redis confirms each name by a push of its own, which comes in order with the messages.
async fn subscribe(
    connection: &mut MultiplexedConnection,
    command: &str,
    names: &[Arc<str>],
) -> Result<(), RedisError> {
    let mut ask = Cmd::new();
    ask.arg(command);
    for name in names {
        ask.arg(&**name);
    }
    connection.send_packed_command(&ask).await.map(drop)
}

/// A Redis that hangs does not close the connection.
async fn ping(connection: &mut MultiplexedConnection) -> Result<Infallible, RedisError> {
    let mut ticks = tokio::time::interval(PING_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        redis::cmd("PING").query_async::<()>(connection).await?;
    }
}

/// Takes what Redis says unasked. Called by the connection: must not wait.
fn take(shared: &Shared, ended: &Notify, push: PushInfo) {
    let PushInfo { kind, data } = push;
    let mut data = data.into_iter();
    let name = data.next();
    match kind {
        PushKind::Disconnection => ended.notify_one(),
        PushKind::Subscribe => {
            if let Some(name) = name.as_ref().and_then(text) {
                shared.interests.confirm(name);
            }
        }
        PushKind::Message => {
            if let (Some(name), Some(Value::BulkString(message))) =
                (name.as_ref().and_then(text), data.next())
            {
                take_message(shared, name, &message);
            }
        }
        _ => {}
    }
}

fn take_message(shared: &Shared, name: &str, message: &[u8]) {
    let arrival = match read_sender(message) {
        // What this node sends to others comes to itself too.
        Ok(node) if node == shared.node => return,
        Ok(_) => read(message),
        Err(error) => Err(error),
    };
    match arrival {
        Ok((from, Said::Notice(notice))) => {
            let arrival = Arrival::Notice { from, notice };
            shared.intake.push(arrival, message.len());
        }
        Ok((from, Said::Publication { place, at, body })) => {
            // Withdrawn meanwhile, where it is not asked for.
            if let Some(channel) = shared.interests.channel(name) {
                let arrival = Arrival::Publication {
                    from,
                    channel,
                    place,
                    at,
                    body,
                };
                shared.intake.push(arrival, message.len());
            }
        }
        Err(error) => {
            tracing::debug!(%error, "a message on the bus cannot be read");
            shared.intake.refuse();
        }
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// How long to wait before the next try: twice as long each time, spread over half of it, so
/// that the nodes of a system do not come back all at once.
#[derive(Debug)]
struct Pause {
    bits: u64,
    millis: u64,
}

impl Pause {
    fn new(seed: u128) -> Self {
        let bits = u64::try_from(seed >> 64).unwrap_or(1) | 1;
        Self {
            bits,
            millis: PAUSE_MILLIS_MIN,
        }
    }

    const fn reset(&mut self) {
        self.millis = PAUSE_MILLIS_MIN;
    }

    /// The next one.
    fn next(&mut self) -> Duration {
        // xorshift64
        self.bits ^= self.bits << 13;
        self.bits ^= self.bits >> 7;
        self.bits ^= self.bits << 17;
        let half = self.millis / 2;
        let pause = half + self.bits % (half + 1);
        self.millis = (self.millis * 2).min(PAUSE_MILLIS_MAX);
        Duration::from_millis(pause)
    }
}

const CONNECT_TIME: Duration = Duration::from_secs(2);
/// A Redis that has not answered within it is taken to be away.
const ANSWER_TIME: Duration = Duration::from_secs(1);
const PING_EVERY: Duration = Duration::from_millis(500);
const PAUSE_MILLIS_MIN: u64 = 50;
const PAUSE_MILLIS_MAX: u64 = 2000;
/// Of one command.
const NAMES_MAX: usize = 1000;
