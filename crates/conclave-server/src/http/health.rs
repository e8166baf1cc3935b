//! `GET /health/live`, `GET /health/ready`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use conclave_protocol::Refusal;
use serde::Serialize;

use super::problem::Problem;
use crate::node::Node;

/// The answer of both.
#[derive(Serialize)]
pub(super) struct HealthAnswer {
    status: &'static str,
}

/// The process answers.
pub(super) async fn live() -> Json<HealthAnswer> {
    Json(HealthAnswer { status: "live" })
}

/// It may be sent clients: it is not going away, its store answers and its audit can be written.
/// 503 names what is wrong. Without its bus it is `degraded`: it serves its own clients.
pub(super) async fn ready(State(node): State<Arc<Node>>) -> Result<Json<HealthAnswer>, Problem> {
    let unready = |detail| Err(Problem::refused(Refusal::Unavailable, detail).after(RETRY_AFTER));
    if node.draining.load(Ordering::Relaxed) {
        return unready("the server is going away");
    }
    if node.audit.is_failing() {
        return unready("the audit cannot be written");
    }
    let answers = tokio::time::timeout(STORE_TIME, node.identity.store_answers()).await;
    if answers != Ok(true) {
        return unready("the store does not answer");
    }
    if node.nodes.refuses_handshakes(node.clock.monotonic()) {
        return unready("the bus is away, and what was revoked cannot be known");
    }
    if node.nodes.is_away() {
        return Ok(Json(HealthAnswer { status: "degraded" }));
    }
    Ok(Json(HealthAnswer { status: "ready" }))
}

const RETRY_AFTER: Duration = Duration::from_secs(5);
const STORE_TIME: Duration = Duration::from_secs(1);
