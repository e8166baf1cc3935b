//! HTTP: sign-in, tokens, sessions, health, metrics, statistics (identity.md, "HTTP endpoints"),
//! rooms (socketio.md), the server API (server.md), and the document that describes them all.
//!
//! Handlers run on the worker that accepted the socket; what must not stop half-way runs in a
//! task of its own (`flow`). Reading order: this file, `guard` (what every request passes),
//! `client`, `caller` and `backend` (who asks), `repeat` (what happens once), `fields` (bodies),
//! `problem` (errors), then the endpoints; `embedded` is what is served beside them: the pages.

mod account;
mod asyncapi;
mod backend;
mod caller;
mod client;
mod cookies;
mod embedded;
mod exposition;
mod fields;
mod flow;
mod guard;
mod health;
mod html;
mod keys;
mod limiter;
mod openapi;
mod pages;
mod problem;
mod repeat;
mod rooms;
mod server_api;
mod sessions;
mod sign_in;
mod sign_out;
mod stats;
#[cfg(test)]
mod tests;
mod wallets;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};
use conclave_protocol::Timestamp;
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) use limiter::RequestLimiter;
use pages::Pages;
pub(crate) use problem::Problem;
pub(crate) use server_api::Trail;

use crate::node::Node;
use crate::{handshake, polling};

/// Everything that is no WebSocket surface. Requests must carry [`crate::handshake::Peer`].
pub(crate) fn router(node: &Arc<Node>) -> Router {
    let once = |pages: Pages, bytes| repeat::repeatable(pages.into_router(), node, bytes);
    let sockets = &node.setup.config.socketio;
    let mut polled = Router::new();
    if sockets.enabled {
        polled = polled.route(&sockets.path, any(polling::serve));
    }
    if node.setup.profile.conformance {
        polled = polled.route(handshake::ENGINE_ECHO_PATH, any(polling::serve));
    }
    let router = pages()
        .into_router()
        .merge(polled)
        .merge(once(server_api::pages(Pages::default()), BODY_BYTES_MAX))
        .merge(once(
            server_api::batch_pages(Pages::default()),
            server_api::BATCH_BYTES_MAX,
        ));
    finish(router, node)
}

/// What everybody may ask, in the order of the API document.
fn pages() -> Pages {
    let pages = Pages::default()
        .post("/token", sign_in::by_form)
        .post("/auth/token", sign_in::by_json)
        .post(cookies::REFRESH_PATH, sign_in::refresh)
        .post("/auth/logout", sign_out::logout)
        .post("/auth/ticket", account::ticket)
        .get("/auth/me", account::me)
        .post("/auth/password", account::password)
        .get("/auth/sessions", sessions::list)
        .delete("/auth/sessions/{name}", sessions::delete)
        .put("/auth/sessions/{name}/users/{user}", sessions::share)
        .delete("/auth/sessions/{name}/users/{user}", sessions::unshare)
        .get("/.well-known/jwks.json", keys::jwks)
        .get("/test-token", keys::test_token)
        .get("/health/live", health::live)
        .get("/health/ready", health::ready)
        .get("/metrics", exposition::guarded)
        .get("/ws/stats", stats::stats)
        .get("/openapi.json", openapi::document)
        .get("/docs", openapi::page)
        .get("/asyncapi/{document}", asyncapi::document);
    wallets::pages(rooms::pages(pages))
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
    let router = with_fallbacks(router);
    let router = if node.setup.config.pages.enabled {
        router.fallback(embedded::serve)
    } else {
        router
    };
    router
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
pub(crate) fn rfc3339(at: Timestamp) -> String {
    let millis = i64::try_from(at.millis()).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    moment.to_string()
}

/// The same, always with milliseconds.
fn rfc3339_millis(at: Timestamp) -> String {
    let millis = i64::try_from(at.millis()).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    format!("{moment:.3}")
}

/// A moment as Unix seconds with a fraction.
fn unix_seconds(at: Timestamp) -> f64 {
    std::time::Duration::from_millis(at.millis()).as_secs_f64()
}

/// Of every request's body.
const BODY_BYTES_MAX: usize = 64 * 1024;
