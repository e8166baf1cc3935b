//! `GET /api/v1/connections`, `POST /api/v1/disconnect`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use conclave_core::Notice;
use conclave_protocol::{Monitor, Permission};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::shapes::{Connection, Disconnected};
use super::{Here, permit};
use crate::audit::Kind;
use crate::http::backend::Backend;
use crate::http::fields::{Fields, JsonFields, QueryFields};
use crate::http::flow::whole;
use crate::http::problem::Problem;
use crate::http::rooms::shapes::all;
use crate::http::rooms::{cut, limit, link, user};
use crate::node::Node;
use crate::worker::{Control, Kick, Listed, Target, worker_of};

/// `GET /api/v1/connections?after=&limit=`: the open connections of this node, by id.
pub(in crate::http) async fn list(
    State(node): Here,
    backend: Backend,
    QueryFields(mut query): QueryFields,
) -> Result<Response, Problem> {
    permit(&node, &backend, Monitor)?;
    let after = query.optional_text("after")?;
    let after = after.map_or(Ok(0), |id| connection("after", &id))?;
    let limit = limit(&mut query, PAGE, PAGE_MAX)?;
    query.end()?;
    let mut connections = open(&node, after, limit + 1).await;
    let mut headers = HeaderMap::new();
    if cut(&mut connections, limit)
        && let Some(last) = connections.last()
    {
        let target = format!("/api/v1/connections?limit={limit}&after={}", last.id);
        link(&mut headers, &target, "next");
    }
    Ok((headers, Json(all::<_, Connection>(connections))).into_response())
}

async fn open(node: &Node, after: u64, limit: u32) -> Vec<Listed> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for worker in worker_of(after)..node.controls.len() {
        let (answer, answered) = oneshot::channel();
        let limit = limit.saturating_sub(found.len());
        if limit == 0 {
            break;
        }
        let ask = Control::List {
            after,
            limit,
            answer,
        };
        node.tell(worker, ask);
        // A worker that has ended has no connections.
        found.extend(answered.await.unwrap_or_default());
    }
    found
}

/// `POST /api/v1/disconnect`: `{"user_id"}` or `{"connection_id"}`, and `"code"?`, `"reason"?`
/// for the Close; 200 with how many.
pub(in crate::http) async fn disconnect(
    State(node): Here,
    backend: Backend,
    JsonFields(fields): JsonFields,
) -> Result<Json<Disconnected>, Problem> {
    backend.check(&node, Permission::ServerDisconnect, "")?;
    let (kick, detail) = wanted(fields)?;
    whole(async move {
        let workers = match kick.target {
            Target::Connection(id) => worker_of(id)..worker_of(id).saturating_add(1),
            Target::User(_) => 0..node.controls.len(),
        };
        if let Target::User(user) = &kick.target {
            node.nodes.tell(Notice::Disconnect {
                user: user.clone(),
                code: kick.code,
                reason: kick.reason.clone(),
            });
        }
        let ask = |answer| Control::Kick {
            kick: kick.clone(),
            answer,
        };
        let closed: usize = node.ask(workers, ask).await.into_iter().sum();
        let event = backend.event(&node, Kind::AdminAction);
        let detail = json!({ "action": "disconnect", "target": detail, "closed": closed });
        node.audit.record_waiting(event.detail(detail)).await;
        Ok(Json(Disconnected { closed }))
    })
    .await
}

fn wanted(mut fields: Fields) -> Result<(Kick, Value), Problem> {
    let given = (
        fields.optional_text("user_id")?,
        fields.optional_text("connection_id")?,
    );
    let (target, detail) = match given {
        (Some(id), None) => (
            Target::User(user("user_id", &id)?),
            json!({ "user_id": id }),
        ),
        (None, Some(id)) => (
            Target::Connection(connection("connection_id", &id)?),
            json!({ "connection_id": id }),
        ),
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
    Ok((kick, detail))
}

fn connection(field: &str, id: &str) -> Result<u64, Problem> {
    let number = id.bytes().all(|byte| byte.is_ascii_digit());
    let unfit = || Problem::bad_request(format!("{field}: expected the id of a connection"));
    number.then(|| id.parse().ok()).flatten().ok_or_else(unfit)
}

const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;
/// Of a Close (RFC 6455, section 5.5).
const REASON_BYTES_MAX: usize = 123;
