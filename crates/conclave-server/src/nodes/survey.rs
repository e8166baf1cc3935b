//! What is heard on this node, for who monitors the system.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_core::Search;
use conclave_protocol::{Channel, RoomId, SessionId, SessionKind};
use serde::{Deserialize, Serialize};

use crate::node::Node;
use crate::worker::{Control, Listed};

/// A channel as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Heard {
    /// A room's id.
    Room(String),
    /// Topics of that name in every session that is shown so.
    Topic {
        /// As clients call it.
        session: String,
        /// The topic's name.
        topic: String,
    },
}

/// Tells topics apart, and orders them: by session, then by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct TopicKey {
    /// As clients call it.
    pub(crate) session: String,
    /// The topic's name.
    pub(crate) topic: String,
    /// Whether the session is one of clients without a token.
    pub(crate) anonymous: bool,
    /// The `iss` of the tokens that name the session, where it has one.
    pub(crate) issuer: Option<String>,
}

/// A topic and how many connections hear it.
pub(crate) type HeardTopic = (TopicKey, u32);

/// How many connections of this node hear each of these rooms.
pub(crate) fn heard_rooms(node: &Node, rooms: &[String]) -> Vec<u32> {
    let directory = node.topics.directory();
    let count = |id: &String| {
        let room = RoomId::new(id).ok();
        room.map_or(0, |room| directory.subscribers(&Channel::Room(room)))
    };
    rooms.iter().map(count).collect()
}

/// The first topics of this node behind a place, in their order.
pub(crate) async fn heard_topics(
    node: &Arc<Node>,
    search: Option<Search>,
    after: Option<TopicKey>,
    limit: u32,
) -> Vec<HeardTopic> {
    let node = Arc::clone(node);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    // There may be a million, and this may be a worker.
    let found = tokio::task::spawn_blocking(move || {
        let mut found = BTreeMap::new();
        node.topics.directory().each_heard(|channel, listeners| {
            let Some(key) = key(&node, channel) else {
                return;
            };
            if after.as_ref().is_some_and(|after| key <= *after) || !has(&key, search.as_ref()) {
                return;
            }
            let count = found.entry(key).or_insert(0_u32);
            *count = count.saturating_add(listeners);
            if found.len() > limit {
                found.pop_last();
            }
        });
        found.into_iter().collect()
    });
    found.await.unwrap_or_default()
}

fn has(key: &TopicKey, search: Option<&Search>) -> bool {
    search.is_none_or(|search| search.is_in(&key.topic) || search.is_in(&key.session))
}

fn key(node: &Node, channel: &Channel) -> Option<TopicKey> {
    let Channel::Topic { session, name } = channel else {
        return None;
    };
    let anonymous = session.kind == SessionKind::Anonymous;
    Some(TopicKey {
        session: session.shown(),
        topic: name.as_str().to_owned(),
        anonymous,
        issuer: issuer(node, session).filter(|_| !anonymous),
    })
}

fn issuer(node: &Node, session: &SessionId) -> Option<String> {
    let mut issuers = node.identity.verifier().issuers();
    let issuer = issuers.find(|issuer| issuer.id == session.issuer)?;
    issuer.iss.as_ref().map(ToString::to_string)
}

/// Connections of this node that hear a channel.
pub(crate) async fn hearing(node: &Arc<Node>, heard: &Heard, limit: u32) -> Vec<Listed> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut list = Vec::new();
    for channel in channels(node, heard).await {
        let ask = |answer| Control::Hearing {
            channel: Arc::clone(&channel),
            limit,
            answer,
        };
        let workers = node.topics.directory().workers_of(&channel);
        let answers = node.ask(workers, ask).await;
        list.extend(answers.into_iter().flatten());
    }
    list.sort_by_key(|listed| listed.id);
    list.truncate(limit);
    list
}

async fn channels(node: &Arc<Node>, heard: &Heard) -> Vec<Arc<Channel>> {
    let (wanted, name) = match heard {
        Heard::Room(id) => {
            let room = RoomId::new(id).ok();
            return room
                .into_iter()
                .map(|room| Arc::new(Channel::Room(room)))
                .collect();
        }
        Heard::Topic { session, topic } => (session.clone(), topic.clone()),
    };
    let node = Arc::clone(node);
    let found = tokio::task::spawn_blocking(move || {
        let mut found = Vec::new();
        node.topics.directory().each_heard(|channel, _| {
            if let Channel::Topic {
                session,
                name: topic,
            } = &**channel
                && topic.as_str() == name
                && session.is_shown_as(&wanted)
            {
                found.push(Arc::clone(channel));
            }
        });
        found
    });
    found.await.unwrap_or_default()
}
