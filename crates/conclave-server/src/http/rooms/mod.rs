//! REST for rooms (socketio.md, "REST for rooms"): the same service, permissions and events as
//! every dialect has.
//!
//! Reading order: this file (from a request to a permit), `shapes` (answers), `channels`,
//! `members`, `messages`, `invitations`, `profiles`, `assistant`.

pub(super) mod assistant;
mod channels;
mod invitations;
mod members;
pub(super) mod messages;
mod profiles;
pub(super) mod shapes;

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::{HeaderValue, LINK};
use conclave_core::{Guarded, Origin, Permit, Stamp, authorise};
use conclave_protocol::{MessageId, RoomId, UserId};

use super::caller::Caller;
use super::fields::Fields;
use super::pages::Pages;
use super::problem::Problem;
use crate::audit::Kind;
use crate::node::Node;

/// The calls.
pub(super) fn pages(pages: Pages) -> Pages {
    pages
        .get("/channels", channels::list)
        .post("/channels", channels::create)
        .get("/channels/{id}", channels::read)
        .put("/channels/{id}", channels::update)
        .delete("/channels/{id}", channels::delete)
        .post("/channels/{id}/join", channels::join)
        .delete("/channels/{id}/leave", channels::leave)
        .get("/channels/{id}/assistant", assistant::of_room)
        .get("/channels/{id}/members", members::list)
        .put("/channels/{id}/members/{user}", members::set_role)
        .delete("/channels/{id}/members/{user}", members::remove)
        .get("/channels/{id}/presence", members::presence)
        .get("/channels/{id}/messages", messages::list)
        .post("/channels/{id}/messages", messages::send)
        .post("/channels/{id}/invitations", invitations::invite)
        .get("/channels/invitations/pending", invitations::pending)
        .post("/channels/invitations/{id}/accept", invitations::accept)
        .post("/channels/invitations/{id}/reject", invitations::reject)
        .put("/messages/{id}", messages::edit)
        .delete("/messages/{id}", messages::erase)
        .get("/messages/{id}/receipt", messages::receipts)
        .put("/messages/{id}/receipt", messages::give_receipt)
        .get("/users/me", profiles::me)
        .put("/users/me", profiles::update_me)
        .get("/users/me/assistant", assistant::of_user)
        .get("/users/{id}", profiles::of_user)
}

/// Keeps the name that the token gives its user, before anything that shows it.
async fn keep_name(node: &Node, caller: &Caller) {
    if let Some(name) = &caller.principal.name
        && let Some(kept) = node
            .names
            .keep(&node.rooms, &caller.user, name, node.clock.now())
    {
        // It has said itself what went wrong.
        kept.await.ok();
    }
}

/// The permit for what a caller asks; a denial is audited.
pub(super) fn permit<C: Guarded>(
    node: &Node,
    caller: &Caller,
    command: C,
) -> Result<Permit<C>, Problem> {
    authorise(&caller.principal, command).map_err(|denied| {
        let detail = denied.to_string();
        let event = caller
            .client
            .event_of(node, Kind::PermissionDenied, &caller.principal);
        node.audit.record(event.detail(detail.as_str()));
        Problem::refused(denied.refusal(), detail)
    })
}

/// Now, by no connection.
pub(super) fn stamp(node: &Node) -> Stamp {
    Stamp {
        at: node.clock.now(),
        origin: Origin::default(),
    }
}

/// The room of a path. What cannot be one is none.
pub(super) fn room(id: &str) -> Result<RoomId, Problem> {
    RoomId::new(id).map_err(|_unfit| conclave_core::RoomFault::no_room().into())
}

/// The message of a path. What cannot be one is none.
fn message(id: &str) -> Result<MessageId, Problem> {
    MessageId::parse(id).ok_or_else(|| conclave_core::RoomFault::no_message().into())
}

/// A user's id in a field.
pub(super) fn user(field: &str, id: &str) -> Result<UserId, Problem> {
    if id == crate::assistant::USER {
        return Err(Problem::bad_request(format!(
            "{field}: {id} is the server's own"
        )));
    }
    UserId::new(id).map_err(|unfit| Problem::bad_request(format!("{field}: {unfit}")))
}

/// Takes `limit`: 1 to `most`, `default` where it is not said.
pub(super) fn limit(fields: &mut Fields, default: u32, most: u32) -> Result<u32, Problem> {
    let unfit = || Problem::bad_request(format!("limit: expected 1 to {most}"));
    match fields.optional_number("limit")? {
        None => Ok(default),
        Some(given) => u32::try_from(given)
            .ok()
            .filter(|limit| (1..=most).contains(limit))
            .ok_or_else(unfit),
    }
}

/// Cuts a list that was asked for with one entry too many; whether that one was there.
pub(super) fn cut<T>(list: &mut Vec<T>, limit: u32) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = list.len() > limit;
    list.truncate(limit);
    more
}

/// Adds `<target>; rel="…"` (RFC 8288). Targets are made of what is percent-encoded, so that they
/// fit a header.
pub(super) fn link(headers: &mut HeaderMap, target: &str, relation: &'static str) {
    if let Ok(line) = HeaderValue::from_str(&format!("<{target}>; rel=\"{relation}\"")) {
        headers.append(LINK, line);
    }
}

/// An id as a part of a path or query.
pub(super) fn encoded(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, &RESERVED).to_string()
}

/// The node, as handlers get it.
type Here = axum::extract::State<Arc<Node>>;
/// All but the unreserved characters of RFC 3986.
const RESERVED: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
