//! What the console shows.

use axum::http::Method;

use super::Chapter;
use super::operation::{Operation, call};
use crate::http::server_api::shapes::Figures;

pub(super) fn chapter() -> Chapter {
    Chapter {
        tag: "console",
        about: "What the console shows of a server, for who has `system.monitor`.",
        operations: vec![figures()],
    }
}

const MONITOR: &str = "system.monitor";

fn figures() -> Operation {
    call(Method::GET, "/api/v1/figures", "Counts of this node")
        .about("Those that only grow do so since it started: rates are the difference of two readings.")
        .backend(MONITOR)
        .gives::<Figures>(200)
}
