//! What the console shows.

use axum::http::Method;

use super::Chapter;
use super::operation::{Field, Operation, call, limit, may, must, number, one_of, text, text_of};
use crate::http::server_api::shapes::{
    AssistantFigures, AuditPage, AuditState, Connection, Figures, HeardRoom, HeardTopic, Role,
    Settings, WalletState,
};

pub(super) fn chapter() -> Chapter {
    let mut operations = vec![figures(), assistant()];
    operations.extend(heard());
    operations.extend(kept());
    Chapter {
        tag: "console",
        about: "What the console shows of a server, for who has `system.monitor`.",
        operations,
    }
}

const MONITOR: &str = "system.monitor";

fn figures() -> Operation {
    call(Method::GET, "/api/v1/figures", "Counts of this node")
        .about("Those that only grow do so since it started: rates are the difference of two readings.")
        .backend(MONITOR)
        .gives::<Figures>(200)
}

/// A part of some text, in whatever case.
pub(super) fn search(of: &str) -> Field {
    may(
        "search",
        text_of(1, 128),
        &format!("Those with this in {of}."),
    )
}

fn assistant() -> Operation {
    call(Method::GET, "/api/v1/assistant", "What the assistant does")
        .about("Where it is off, `enabled` alone.")
        .backend(MONITOR)
        .gives::<AssistantFigures>(200)
}

fn heard() -> Vec<Operation> {
    let silent = "Of all nodes. Those that did not answer are named in `Conclave-Silent-Nodes`.";
    vec![
        call(Method::GET, "/api/v1/rooms", "All rooms, by id")
            .about("A page may be short, or empty, and yet have a next one. Subscribers are counted on all nodes.")
            .backend(MONITOR)
            .query(search("their id, name or owner"))
            .paged(50, 200)
            .gives_list::<HeardRoom>(200),
        call(
            Method::GET,
            "/api/v1/rooms/{id}/subscribers",
            "Connections that hear a room",
        )
        .about(silent)
        .backend(MONITOR)
        .query(limit(50, 200))
        .gives_list::<Connection>(200),
        call(
            Method::GET,
            "/api/v1/topics",
            "Topics that are heard, by session and name",
        )
        .about(silent)
        .backend(MONITOR)
        .query(search("their session or name"))
        .paged(50, 200)
        .gives_list::<HeardTopic>(200),
        call(
            Method::GET,
            "/api/v1/topics/subscribers",
            "Connections that hear a topic",
        )
        .about(silent)
        .backend(MONITOR)
        .query(must("session", text(), "As clients call it."))
        .query(must("topic", text(), ""))
        .query(limit(50, 200))
        .gives_list::<Connection>(200),
    ]
}

fn kept() -> Vec<Operation> {
    vec![
        call(Method::GET, "/api/v1/audit", "The audit, newest first")
            .about("Reads a bounded part: `lines` may be short, or empty, and yet `before` say that there is more.")
            .backend(MONITOR)
            .query(search("what happened"))
            .query(may("event", text(), "Those of this event."))
            .query(may(
                "level",
                one_of(&["info", "warning", "critical"]),
                "Those of this level.",
            ))
            .query(may("user", text(), "Those about this user."))
            .query(may("before", number(), "Those with a lower `seq`."))
            .query(limit(50, 200))
            .gives::<AuditPage>(200),
        call(
            Method::GET,
            "/api/v1/audit/state",
            "Does the audit's chain hold?",
        )
        .about("Kept for 10 seconds. It shows what was changed, not that the end was cut: a checkpoint kept elsewhere does.")
        .backend(MONITOR)
        .gives::<AuditState>(200),
        call(
            Method::GET,
            "/api/v1/config",
            "The configuration in force, without secrets",
        )
        .backend(MONITOR)
        .gives::<Settings>(200),
        call(Method::GET, "/api/v1/roles", "What each role grants")
            .backend(MONITOR)
            .gives_list::<Role>(200),
        call(Method::GET, "/api/v1/wallet", "The feed of the chain")
            .backend(MONITOR)
            .gives::<WalletState>(200),
    ]
}
