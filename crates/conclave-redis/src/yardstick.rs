//! What the client library reaches by itself: for `conclave bench`, beside what nodes reach.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Pipeline, PushInfo, PushKind, RedisError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Publishers and subscribers of one channel of Redis.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Yardstick {
    /// Connections that publish, and as many that subscribe.
    pub pairs: usize,
    /// Bytes of a message.
    pub bytes: usize,
    /// Publications of one round trip of a publisher.
    pub batch: usize,
}

impl Yardstick {
    /// Every publisher publishes so many batches on the Redis at `url`; returns when all has come to
    /// every subscriber. How many publications that were.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn publish(self, url: &str, batches: usize) -> Result<usize, RedisError> {
        let client = Client::open(format!("{url}/?protocol=resp3"))?;
        let (came, mut arrivals) = mpsc::unbounded_channel();
        let mut ears: Vec<MultiplexedConnection> = Vec::new();
        for ear in 0..self.pairs {
            let came = came.clone();
            let hear = move |push: PushInfo| {
                if push.kind == PushKind::Message {
                    came.send(ear).ok();
                }
                Ok::<(), std::convert::Infallible>(())
            };
            let config = AsyncConnectionConfig::new().set_push_sender(hear);
            let connecting = client.get_multiplexed_async_connection_with_config(&config);
            let mut connection = connecting.await?;
            connection.subscribe(CHANNEL).await?;
            ears.push(connection);
        }
        let mut publishing = JoinSet::new();
        for _ in 0..self.pairs {
            let mouth = client.get_multiplexed_async_connection().await?;
            publishing.spawn(self.publish_batches(mouth, batches));
        }
        let mut sent = 0;
        while let Some(count) = publishing.join_next().await {
            sent += count.unwrap_or(Ok(0))?;
        }
        let mut left = sent * self.pairs;
        while left > 0 && arrivals.recv().await.is_some() {
            left -= 1;
        }
        drop(ears);
        Ok(sent)
    }

    async fn publish_batches(
        self,
        mut mouth: MultiplexedConnection,
        batches: usize,
    ) -> Result<usize, RedisError> {
        let message = vec![b'x'; self.bytes];
        let mut pipeline = Pipeline::with_capacity(self.batch);
        for _ in 0..self.batch {
            let publish = pipeline.cmd("PUBLISH");
            publish.arg(CHANNEL).arg(&message).ignore();
        }
        for _ in 0..batches {
            pipeline.query_async::<()>(&mut mouth).await?;
        }
        Ok(batches * self.batch)
    }
}

const CHANNEL: &str = "yardstick";
