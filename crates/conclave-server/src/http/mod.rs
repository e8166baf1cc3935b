//! HTTP: sign-in, tokens, sessions, health, metrics, statistics (identity.md, "HTTP endpoints").
//!
//! Handlers run on the worker that accepted the socket; what must not stop half-way runs in a
//! task of its own (`flow`). Reading order: this file, `guard` (what every request passes),
//! `client` and `caller` (who asks), `fields` (bodies), `problem` (errors), then the endpoints.

mod account;
mod caller;
mod client;
mod cookies;
mod exposition;
mod fields;
mod flow;
mod guard;
mod health;
mod keys;
mod limiter;
mod problem;
mod sessions;
mod sign_in;
mod sign_out;
mod stats;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post, put};
use conclave_protocol::Timestamp;
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) use limiter::RequestLimiter;
pub(crate) use problem::Problem;

use crate::node::Node;

/// Everything that is no WebSocket surface. Requests must carry [`crate::handshake::Peer`].
pub(crate) fn router(node: &Arc<Node>) -> Router {
    let router = Router::new()
        .route("/token", post(sign_in::by_form))
        .route("/auth/token", post(sign_in::by_json))
        .route(cookies::REFRESH_PATH, post(sign_in::refresh))
        .route("/auth/logout", post(sign_out::logout))
        .route("/auth/revoke", post(sign_out::revoke))
        .route("/auth/ticket", post(account::ticket))
        .route("/auth/me", get(account::me))
        .route("/auth/password", post(account::password))
        .route("/auth/sessions", get(sessions::list))
        .route("/auth/sessions/{name}", delete(sessions::delete))
        .route(
            "/auth/sessions/{name}/users/{user}",
            put(sessions::share).delete(sessions::unshare),
        )
        .route("/.well-known/jwks.json", get(keys::jwks))
        .route("/test-token", get(keys::test_token))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(exposition::guarded))
        .route("/ws/stats", get(stats::stats));
    finish(router, node)
}

/// `/metrics` and the health of a listener of their own (`metrics.listen`), open to whoever
/// reaches it.
pub(crate) fn metrics_router(node: &Arc<Node>) -> Router {
    let router = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(exposition::open));
    with_fallbacks(router).with_state(Arc::clone(node))
}

fn finish(router: Router<Arc<Node>>, node: &Arc<Node>) -> Router {
    with_fallbacks(router)
        .layer(from_fn_with_state(Arc::clone(node), guard::guard))
        .with_state(Arc::clone(node))
}

fn with_fallbacks(router: Router<Arc<Node>>) -> Router<Arc<Node>> {
    router
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(problem::panicked))
}

/// A moment as RFC 3339, in UTC.
fn rfc3339(at: Timestamp) -> String {
    let millis = i64::try_from(at.millis()).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    moment.to_string()
}

/// A moment as Unix seconds with a fraction.
fn unix_seconds(at: Timestamp) -> f64 {
    std::time::Duration::from_millis(at.millis()).as_secs_f64()
}

/// Of every request's body.
const BODY_BYTES_MAX: usize = 64 * 1024;
