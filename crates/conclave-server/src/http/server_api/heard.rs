//! All rooms and topics, and who hears them (docs/http.md, "What the console asks").

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_core::Search;
use conclave_protocol::{Monitor, Room, RoomId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::connections::{ASK_TIME, PAGE, PAGE_MAX, again, name_silent, search, together};
use super::{Here, permit};
use crate::http::backend::Backend;
use crate::http::fields::QueryFields;
use crate::http::problem::Problem;
use crate::http::rfc3339_millis as date;
use crate::http::rooms::{cut, encoded, limit, link, room};
use crate::http::sessions::{Named, named};
use crate::node::Node;
use crate::nodes::{
    Answered, Heard, HeardTopic as TopicThere, ListedThere, Question, TopicKey, heard_rooms,
    heard_topics, hearing,
};

/// A room as the console shows it.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct HeardRoom {
    id: String,
    /// What it is called.
    name: String,
    /// `DM`, `PRIVATE` or `PUBLIC`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `null` of a DM.
    owner_id: Option<String>,
    members: u64,
    /// Those that are not deleted.
    messages: u64,
    /// The place of its latest event.
    last_seq: u64,
    #[schema(format = "date-time")]
    created_at: String,
    /// Connections that hear it, on all nodes.
    subscribers: u32,
}

/// A topic that is heard.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct HeardTopic {
    /// As clients call it.
    session: String,
    topic: String,
    /// Whether the session is one of clients without a token.
    anonymous: bool,
    /// The `iss` of the tokens that name the session; `null` where there is none.
    issuer: Option<String>,
    /// Connections that hear it, on all nodes.
    subscribers: u32,
}

impl HeardRoom {
    fn new(room: Room, subscribers: u32) -> Self {
        Self {
            id: room.id.as_str().to_owned(),
            name: room.name.into(),
            kind: room.kind.name(),
            owner_id: room.owner.as_ref().map(UserId::as_str).map(str::to_owned),
            members: room.members,
            messages: room.messages,
            last_seq: room.last_seq,
            created_at: date(room.created_at),
            subscribers,
        }
    }
}

/// `GET /api/v1/rooms?search=&after=&limit=`: all rooms, by id.
pub(in crate::http) async fn rooms(
    State(node): Here,
    backend: Backend,
    QueryFields(mut query): QueryFields,
) -> Result<Response, Problem> {
    let permit = permit(&node, &backend, Monitor)?;
    let search = search(&mut query)?;
    let after = query.optional_text("after")?;
    let after = after.map(|id| {
        RoomId::new(&id).map_err(|unfit| Problem::bad_request(format!("after: {unfit}")))
    });
    let after = after.transpose()?;
    let limit = limit(&mut query, PAGE, PAGE_MAX)?;
    query.end()?;
    let many = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = node
        .rooms
        .all_rooms(&permit, search.as_ref(), after, many)
        .await?;
    let mut headers = HeaderMap::new();
    if let Some(next) = &found.next {
        let next = encoded(next.as_str());
        let target = format!("/api/v1/rooms?limit={limit}&after={next}");
        let target = target + &again(search.as_ref().map(Search::as_str));
        link(&mut headers, &target, "next");
    }
    let ids: Vec<_> = found
        .rooms
        .iter()
        .map(|room| room.id.as_str().to_owned())
        .collect();
    let mut counts = heard_rooms(&node, &ids);
    let question = Question::Heard { rooms: ids };
    let answered: Answered<Vec<u32>> = node.nodes.ask(&question, ASK_TIME, |_| false).await;
    for (_, theirs) in &answered.answers {
        for (count, more) in counts.iter_mut().zip(theirs) {
            *count = count.saturating_add(*more);
        }
    }
    name_silent(&mut headers, &answered.silent);
    let rooms = found.rooms.into_iter().zip(counts);
    let rooms: Vec<_> = rooms
        .map(|(room, count)| HeardRoom::new(room, count))
        .collect();
    Ok((headers, Json(rooms)).into_response())
}

/// `GET /api/v1/rooms/{id}/subscribers?limit=`: connections that hear a room.
pub(in crate::http) async fn room_subscribers(
    State(node): Here,
    backend: Backend,
    id: Named<String>,
    QueryFields(mut query): QueryFields,
) -> Result<Response, Problem> {
    permit(&node, &backend, Monitor)?;
    let room = room(&named(id)?)?;
    let limit = limit(&mut query, PAGE, PAGE_MAX)?;
    query.end()?;
    let heard = Heard::Room(room.as_str().to_owned());
    Ok(subscribers(&node, heard, limit).await)
}

/// `GET /api/v1/topics/subscribers?session=&topic=&limit=`: connections that hear a topic.
pub(in crate::http) async fn topic_subscribers(
    State(node): Here,
    backend: Backend,
    QueryFields(mut query): QueryFields,
) -> Result<Response, Problem> {
    permit(&node, &backend, Monitor)?;
    let (session, topic) = (query.text("session")?, query.text("topic")?);
    let limit = limit(&mut query, PAGE, PAGE_MAX)?;
    query.end()?;
    Ok(subscribers(&node, Heard::Topic { session, topic }, limit).await)
}

async fn subscribers(node: &std::sync::Arc<Node>, heard: Heard, limit: u32) -> Response {
    let question = Question::Hearing {
        heard: heard.clone(),
        limit,
    };
    let asked = node
        .nodes
        .ask(&question, ASK_TIME, |_: &Vec<ListedThere>| false);
    let (answered, here) = tokio::join!(asked, hearing(node, &heard, limit));
    let (connections, silent) = together(node, answered, here, limit);
    let mut headers = HeaderMap::new();
    name_silent(&mut headers, &silent);
    (headers, Json(connections)).into_response()
}

/// `GET /api/v1/topics?search=&after=&limit=`: topics that are heard, by session and name.
pub(in crate::http) async fn topics(
    State(node): Here,
    backend: Backend,
    QueryFields(mut query): QueryFields,
) -> Result<Response, Problem> {
    permit(&node, &backend, Monitor)?;
    let search = search(&mut query)?;
    let after = query.optional_text("after")?;
    let after = after.map(|text| place(&text)).transpose()?;
    let limit = limit(&mut query, PAGE, PAGE_MAX)?;
    query.end()?;
    let text = search.as_ref().map(|search| search.as_str().to_owned());
    let question = Question::Topics {
        after: after.clone(),
        limit: limit + 1,
        search: text.clone(),
    };
    let asked = node
        .nodes
        .ask(&question, ASK_TIME, |_: &Vec<TopicThere>| false);
    let here = heard_topics(&node, search, after, limit + 1);
    let (answered, here) = tokio::join!(asked, here);
    let theirs = answered.answers.into_iter().flat_map(|(_, list)| list);
    let mut all: BTreeMap<TopicKey, u32> = BTreeMap::new();
    for (key, count) in here.into_iter().chain(theirs) {
        let sum = all.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }
    let mut all: Vec<_> = all.into_iter().collect();
    let mut headers = HeaderMap::new();
    if cut(&mut all, limit)
        && let Some((last, _)) = all.last()
    {
        let target = format!("/api/v1/topics?limit={limit}&after={}", shown(last)?);
        link(&mut headers, &(target + &again(text.as_deref())), "next");
    }
    name_silent(&mut headers, &answered.silent);
    let topics: Vec<_> = all
        .into_iter()
        .map(|(key, subscribers)| HeardTopic {
            session: key.session,
            topic: key.topic,
            anonymous: key.anonymous,
            issuer: key.issuer,
            subscribers,
        })
        .collect();
    Ok((headers, Json(topics)).into_response())
}

/// A topic's place in the list, for the address of the next page.
fn shown(key: &TopicKey) -> Result<String, Problem> {
    let text = serde_json::to_vec(key).map_err(|_error| Problem::internal())?;
    Ok(URL_SAFE_NO_PAD.encode(text))
}

fn place(text: &str) -> Result<TopicKey, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| Problem::bad_request("after: expected what a list gave"))
}
