//! The bus by itself: three nodes' ends in one thread, against the bare client library in the same
//! place.

use std::sync::Arc;

use anyhow::{Context, Result};
use conclave_core::{Arrival, Bus as _, Feed as _, NodeId, Parcel, Place};
use conclave_protocol::{
    Body, Channel, IssuerId, Position, Publication, SessionId, SessionKind, SessionName, Timestamp,
    TopicMessage, TopicName,
};
use conclave_redis::{RedisBus, RedisOptions};
use tokio::task::JoinSet;

/// Every end publishes `count` publications of `bytes` in a topic that all hear; returns when each
/// has all of the others. How many publications that were.
///
/// # Errors
/// Redis is away.
pub(super) async fn publish(
    url: &str,
    ends: usize,
    (count, bytes): (usize, usize),
) -> Result<usize> {
    let channel = Arc::new(topic()?);
    let mut running = JoinSet::new();
    let mut links = JoinSet::new();
    let (mut buses, mut feeds) = (Vec::new(), Vec::new());
    for end in 0..ends {
        let options = RedisOptions::new(url)?;
        let node = NodeId(u128::try_from(end)? + 1);
        let (bus, feed, link) = RedisBus::new(options, node);
        bus.subscribe(&channel);
        links.spawn(link.run());
        buses.push(bus);
        feeds.push(feed);
    }
    for (bus, feed) in buses.iter().zip(&mut feeds) {
        let mut arrived = Vec::new();
        while !bus.is_there() {
            feed.next(&mut arrived).await;
        }
        std::future::poll_fn(|context| bus.poll_reached(&channel, context)).await;
    }
    for mut feed in feeds {
        running.spawn(async move {
            let (mut arrived, mut left) = (Vec::new(), count * (ends - 1));
            while left > 0 && feed.next(&mut arrived).await {
                let publications = arrived.drain(..).filter(is_publication);
                left = left.saturating_sub(publications.count());
            }
        });
    }
    let publication = publication(&channel, bytes);
    for bus in buses {
        let publication = Arc::clone(&publication);
        running.spawn(async move {
            for number in 0..count {
                while bus.figures().waiting > WAITING_MAX {
                    tokio::task::yield_now().await;
                }
                let place = Place {
                    epoch: 1,
                    seq: number as u64 + 1,
                    after_loss: false,
                };
                bus.publish(Parcel {
                    publication: Arc::clone(&publication),
                    place,
                });
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended?;
    }
    Ok(count * ends)
}

const fn is_publication(arrival: &Arrival) -> bool {
    matches!(arrival, Arrival::Publication { .. })
}

fn topic() -> Result<Channel> {
    Ok(Channel::Topic {
        session: SessionId {
            kind: SessionKind::Named,
            issuer: IssuerId(0),
            name: SessionName::new("bench").context("a name")?,
        },
        name: TopicName::new("bench").context("a name")?,
    })
}

fn publication(channel: &Arc<Channel>, bytes: usize) -> Arc<Publication> {
    let message = TopicMessage {
        publisher_name: None,
        payload: format!("\"{:x<1$}\"", "", bytes.saturating_sub(2)).into(),
        timestamp: None,
        user: None,
    };
    let (position, at) = (Position::default(), Timestamp::from_seconds(1_800_000_000));
    let channel = Arc::clone(channel);
    Arc::new(Publication::new(
        channel,
        position,
        at,
        Body::Topic(message),
        0,
    ))
}

/// Bytes that wait in one end before it publishes more.
const WAITING_MAX: usize = 64 << 10;
