//! What backends call (server.md), under `/api/v1`.
//!
//! Reading order: this file (from a backend to a permit), `publish`, `reading`, `connections`
//! (and `place`, what one is called), `accounts`, `explain`; `figures`, `assistant`, `heard`, `trail` and
//! `settings` (what the console shows); `batch` (many of the above in one).

mod accounts;
mod assistant;
mod batch;
mod connections;
mod explain;
mod figures;
mod heard;
mod place;
mod publish;
mod reading;
mod settings;
pub(super) mod shapes;
mod trail;
mod wallet;

use std::sync::Arc;

use conclave_core::{Guarded, Permit, authorise};

use super::backend::Backend;
use super::pages::Pages;
use super::problem::Problem;
use super::sign_out;
use crate::audit::Kind;
use crate::node::Node;

pub(super) use batch::BODY_BYTES_MAX as BATCH_BYTES_MAX;
pub(crate) use trail::Trail;

/// The calls, each of which a batch may hold.
pub(super) fn pages(pages: Pages) -> Pages {
    pages
        .post("/auth/revoke", sign_out::revoke)
        .post("/api/v1/topics/publish", publish::topic)
        .get("/api/v1/rooms/{id}/messages", reading::messages)
        .post("/api/v1/rooms/{id}/messages", publish::message)
        .post("/api/v1/rooms/{id}/events", publish::event)
        .get("/api/v1/rooms/{id}/presence", reading::presence)
        .post("/api/v1/users/{id}/push", publish::push)
        .post("/api/v1/system-status", publish::system_status)
        .get("/api/v1/connections", connections::list)
        .post("/api/v1/disconnect", connections::disconnect)
        .get("/api/v1/users", accounts::list)
        .post("/api/v1/users", accounts::add)
        .get("/api/v1/users/{id}", reading::user)
        .put("/api/v1/users/{id}", accounts::change)
        .delete("/api/v1/users/{id}", accounts::remove)
        .get("/api/v1/explain", explain::explain)
        .get("/api/v1/figures", figures::figures)
        .get("/api/v1/assistant", assistant::figures)
        .get("/api/v1/audit", trail::lines)
        .get("/api/v1/audit/state", trail::state)
        .get("/api/v1/config", settings::config)
        .get("/api/v1/roles", settings::roles)
        .get("/api/v1/wallet", wallet::wallet)
        .get("/api/v1/rooms", heard::rooms)
        .get("/api/v1/rooms/{id}/subscribers", heard::room_subscribers)
        .get("/api/v1/topics", heard::topics)
        .get("/api/v1/topics/subscribers", heard::topic_subscribers)
}

/// Many of them.
pub(super) fn batch_pages(pages: Pages) -> Pages {
    pages.post("/api/v1/batch", batch::batch)
}

/// The permit for what a backend asks; a denial is audited.
fn permit<C: Guarded>(node: &Node, backend: &Backend, command: C) -> Result<Permit<C>, Problem> {
    authorise(&backend.principal, command).map_err(|denied| {
        let detail = denied.to_string();
        let event = backend.event(node, Kind::PermissionDenied);
        node.audit.record(event.detail(detail.as_str()));
        Problem::refused(denied.refusal(), detail)
    })
}

/// The node, as handlers get it.
type Here = axum::extract::State<Arc<Node>>;
