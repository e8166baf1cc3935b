//! `GET /api/v1/connections`, `POST /api/v1/disconnect`.

use std::cmp::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use conclave_core::{NodeId, Notice, Search};
use conclave_protocol::{Monitor, Permission, Refusal};
use serde_json::{Value, json};

use super::place::Place;
use super::shapes::{Connection, Disconnected};
use super::{Here, permit};
use crate::audit::Kind;
use crate::http::backend::Backend;
use crate::http::fields::{Fields, JsonFields, QueryFields};
use crate::http::flow::whole;
use crate::http::problem::Problem;
use crate::http::rooms::{cut, encoded, limit, link, user};
use crate::node::Node;
use crate::nodes::{Answered, ListedThere, Question, open_connections};
use crate::worker::{Kick, Listed, Target};

/// `GET /api/v1/connections?search=&after=&limit=`: the open connections of all nodes, by node and
/// then by id. Nodes that did not say theirs in time are named in `Conclave-Silent-Nodes`.
pub(in crate::http) async fn list(
    State(node): Here,
    backend: Backend,
    QueryFields(mut query): QueryFields,
) -> Result<Response, Problem> {
    permit(&node, &backend, Monitor)?;
    let after = query.optional_text("after")?;
    let after = after.map_or_else(|| Ok(Place::default()), |id| Place::read("after", &id))?;
    let limit = limit(&mut query, PAGE, PAGE_MAX)?;
    let search = search(&mut query)?;
    query.end()?;
    let asked = search.as_ref().map(Search::as_str);
    let (mut connections, silent) = all_open(&node, after, limit + 1, asked).await;
    let mut headers = HeaderMap::new();
    if cut(&mut connections, limit)
        && let Some(last) = connections.last()
    {
        let target = format!("/api/v1/connections?limit={limit}&after={}", last.id);
        link(&mut headers, &(target + &again(asked)), "next");
    }
    name_silent(&mut headers, &silent);
    Ok((headers, Json(connections)).into_response())
}

/// Takes `search`.
pub(super) fn search(query: &mut Fields) -> Result<Option<Search>, Problem> {
    let text = query.optional_text("search")?;
    if text
        .as_ref()
        .is_some_and(|text| text.chars().count() > SEARCH_CHARS_MAX)
    {
        return Err(Problem::bad_request("search: at most 128 characters"));
    }
    Ok(text.map(|text| Search::new(&text)))
}

/// The same search, for the address of the next page.
pub(super) fn again(search: Option<&str>) -> String {
    search.map_or_else(String::new, |text| format!("&search={}", encoded(text)))
}

/// Names the nodes that did not say theirs in time.
pub(super) fn name_silent(headers: &mut HeaderMap, silent: &[NodeId]) {
    let mut names: Vec<_> = silent.iter().map(NodeId::to_string).collect();
    names.sort();
    if let Ok(names) = HeaderValue::from_str(&names.join(", "))
        && !silent.is_empty()
    {
        headers.insert(SILENT_NODES, names);
    }
}

/// Connections of all nodes, and the nodes that did not answer.
async fn all_open(
    node: &Node,
    after: Place,
    limit: u32,
    search: Option<&str>,
) -> (Vec<Connection>, Vec<NodeId>) {
    let own = node.nodes.name();
    let place = after
        .node
        .clone()
        .or_else(|| own.clone().filter(|_| after.number > 0));
    let place = place.unwrap_or_default();
    let question = Question::Connections {
        node: place.clone(),
        after: after.number,
        limit,
        search: search.map(str::to_owned),
    };
    let search = search.map(Search::new);
    let asked = node
        .nodes
        .ask(&question, ASK_TIME, |_: &Vec<ListedThere>| false);
    let here = async {
        match own.as_deref().unwrap_or_default().cmp(&place) {
            Ordering::Less => Vec::new(),
            Ordering::Equal => open_connections(node, after.number, limit, search.as_ref()).await,
            Ordering::Greater => open_connections(node, 0, limit, search.as_ref()).await,
        }
    };
    let (answered, here) = tokio::join!(asked, here);
    together(node, answered, here, limit)
}

/// What this node and the others have, by node; and the nodes that did not answer.
pub(super) fn together(
    node: &Node,
    answered: Answered<Vec<ListedThere>>,
    here: Vec<Listed>,
    limit: u32,
) -> (Vec<Connection>, Vec<NodeId>) {
    let own = node.nodes.name();
    let mut by_node: Vec<(String, Vec<Listed>)> = answered
        .answers
        .into_iter()
        .map(|(from, list)| {
            let list = list.into_iter().filter_map(|there| there.listed(node));
            (from.to_string(), list.collect())
        })
        .collect();
    by_node.push((own.clone().unwrap_or_default(), here));
    by_node.sort_by(|(one, _), (other, _)| one.cmp(other));
    let all = by_node.into_iter().flat_map(|(name, list)| {
        let name = own.is_some().then_some(name);
        list.into_iter()
            .map(move |listed| Connection::new(listed, name.as_deref()))
    });
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    (all.take(limit).collect(), answered.silent)
}

/// `POST /api/v1/disconnect`: `{"user_id"}` or `{"connection_id"}`, and `"code"?`, `"reason"?`
/// for the Close; 200 with how many.
pub(in crate::http) async fn disconnect(
    State(node): Here,
    backend: Backend,
    JsonFields(fields): JsonFields,
) -> Result<Json<Disconnected>, Problem> {
    backend.check(&node, Permission::ServerDisconnect, "")?;
    let (kick, elsewhere, detail) = wanted(fields)?;
    whole(async move {
        if let Target::User(user) = &kick.target {
            node.nodes.tell(Notice::Disconnect {
                user: user.clone(),
                code: kick.code,
                reason: kick.reason.clone(),
            });
        }
        let closed =
            match elsewhere.and_then(|place| Some((place.elsewhere(&node)?.to_owned(), place))) {
                Some((there, place)) => disconnect_there(&node, there, place.number, kick).await?,
                None => crate::nodes::kick(&node, kick).await,
            };
        let event = backend.event(&node, Kind::AdminAction);
        let detail = json!({ "action": "disconnect", "target": detail, "closed": closed });
        node.audit.record_waiting(event.detail(detail)).await;
        Ok(Json(Disconnected { closed }))
    })
    .await
}

/// Ends a connection of another node: 1, or 0 where it has none of that name or is not heard any
/// more.
///
/// # Errors
/// 503 where the node does not answer.
async fn disconnect_there(
    node: &Node,
    there: String,
    connection: u64,
    kick: Kick,
) -> Result<usize, Problem> {
    let question = Question::Disconnect {
        node: there.clone(),
        connection,
        code: kick.code,
        reason: kick.reason,
    };
    let closed = |closed: &usize| *closed > 0;
    let answered: Answered<usize> = node.nodes.ask(&question, ASK_TIME, closed).await;
    let count = answered.answers.iter().map(|(_, closed)| *closed).sum();
    let is_silent = answered.silent.iter().any(|node| node.to_string() == there);
    if count == 0 && is_silent {
        let text = "the node that has this connection does not answer";
        return Err(Problem::refused(Refusal::Unavailable, text));
    }
    Ok(count)
}

fn wanted(mut fields: Fields) -> Result<(Kick, Option<Place>, Value), Problem> {
    let mut place = None;
    let given = (
        fields.optional_text("user_id")?,
        fields.optional_text("connection_id")?,
    );
    let (target, detail) = match given {
        (Some(id), None) => (
            Target::User(user("user_id", &id)?),
            json!({ "user_id": id }),
        ),
        (None, Some(id)) => {
            let meant = place.insert(Place::read("connection_id", &id)?);
            let target = Target::Connection(meant.number);
            (target, json!({ "connection_id": id }))
        }
        _ => {
            return Err(Problem::bad_request(
                "expected one of user_id, connection_id",
            ));
        }
    };
    let code = fields.optional_number("code")?.map(|code| {
        let code = u16::try_from(code).ok();
        code.filter(|code| *code == 1000 || (3000..=4999).contains(code))
            .ok_or_else(|| Problem::bad_request("code: expected 1000, or 3000 to 4999"))
    });
    let reason = fields.optional_text("reason")?;
    fields.end()?;
    if reason
        .as_ref()
        .is_some_and(|reason| reason.len() > REASON_BYTES_MAX)
    {
        return Err(Problem::bad_request("reason: at most 123 bytes"));
    }
    let kick = Kick {
        target,
        code: code.transpose()?,
        reason: reason.map(Into::into),
    };
    Ok((kick, place, detail))
}

pub(super) const PAGE: u32 = 50;
pub(super) const PAGE_MAX: u32 = 200;
const SEARCH_CHARS_MAX: usize = 128;
/// How long other nodes are waited for.
pub(super) const ASK_TIME: Duration = Duration::from_secs(1);
const SILENT_NODES: HeaderName = HeaderName::from_static("conclave-silent-nodes");
/// Of a Close (RFC 6455, section 5.5).
const REASON_BYTES_MAX: usize = 123;
