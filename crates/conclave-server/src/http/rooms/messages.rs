//! `/channels/{id}/messages`, `/messages/{id}…`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use conclave_core::{Messages, Page};
use conclave_protocol::{
    DeliveryState, EditMessage, EraseMessage, GiveReceipt, ListReceipts, MessageId, MessageKind,
    ReadRoom, RoomId, SendMessage,
};

use super::shapes::{DeliveryStatus, Message, all};
use super::{Here, keep_name, limit, link, message, permit, room, stamp};
use crate::http::caller::Caller;
use crate::http::fields::{Fields, JsonFields, QueryFields};
use crate::http::flow::whole;
use crate::http::problem::Problem;
use crate::http::sessions::{Named, named};

/// `GET /channels/{id}/messages?before=&after=&limit=`: newest first.
pub(in crate::http) async fn list(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
    QueryFields(query): QueryFields,
) -> Result<Response, Problem> {
    let room = room(&named(id)?)?;
    let page = page(query)?;
    let permit = permit(&node, &caller, ReadRoom { room: room.clone() })?;
    let found = node.rooms.messages(permit, page).await?;
    Ok(listed("/channels", &room, page, found))
}

/// Takes `before`, `after` and `limit`.
pub(in crate::http) fn page(mut query: Fields) -> Result<Page, Problem> {
    let page = Page {
        before: query.optional_number("before")?,
        after: query.optional_number("after")?,
        limit: limit(&mut query, PAGE, PAGE_MAX)?,
    };
    query.end()?;
    Ok(page)
}

/// Messages, with links to those before (`next`) and after them (`prev`).
pub(in crate::http) fn listed(base: &str, room: &RoomId, page: Page, found: Messages) -> Response {
    let mut headers = HeaderMap::new();
    let newest = found.messages.first().map(|message| message.seq);
    let oldest = found.messages.last().map(|message| message.seq);
    let limit = page.limit;
    if found.older
        && let Some(before) = oldest.or(page.after.map(|after| after + 1))
    {
        let target = format!("{base}/{room}/messages?before={before}&limit={limit}");
        link(&mut headers, &target, "next");
    }
    if found.newer
        && let Some(after) = newest.or(page.before.map(|before| before.saturating_sub(1)))
    {
        let target = format!("{base}/{room}/messages?after={after}&limit={limit}");
        link(&mut headers, &target, "prev");
    }
    (headers, Json(all::<_, Message>(found.messages))).into_response()
}

/// `POST /channels/{id}/messages`: `{"content","parentId"?,"clientId"?,"messageType"?}`; 201, or
/// 200 with the message that the `clientId` stands for.
pub(in crate::http) async fn send(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
    JsonFields(mut fields): JsonFields,
) -> Result<Response, Problem> {
    let ask = content(room(&named(id)?)?, &mut fields, &CAMEL)?;
    fields.end()?;
    keep_name(&node, &caller).await;
    let permit = permit(&node, &caller, ask)?;
    whole(async move {
        let id = MessageId(node.fresh_id());
        let sent = node.rooms.send(permit, id, stamp(&node)).await?;
        node.answers.asked(&caller.principal, &sent);
        Ok(stored(sent))
    })
    .await
}

/// What a surface calls the parts of a message.
pub(in crate::http) struct Names {
    parent: &'static str,
    kind: &'static str,
    client: &'static str,
}

/// As server.md writes.
pub(in crate::http) const SNAKE: Names = Names {
    parent: "reply_to",
    kind: "message_type",
    client: "client_id",
};

/// Takes what a message is made of.
pub(in crate::http) fn content(
    room: RoomId,
    fields: &mut Fields,
    names: &Names,
) -> Result<SendMessage, Problem> {
    let parent = fields.optional_text(names.parent)?.map(|id| {
        let unfit = || Problem::bad_request(format!("{}: expected a UUID", names.parent));
        MessageId::parse(&id).ok_or_else(unfit)
    });
    let kind = fields.optional_text(names.kind)?.map(|kind| {
        let unfit = || {
            Problem::bad_request(format!(
                "{}: expected Text, Image, File or System",
                names.kind
            ))
        };
        MessageKind::parse(&kind).ok_or_else(unfit)
    });
    Ok(SendMessage {
        room,
        content: fields.text("content")?.into(),
        kind: kind.transpose()?.unwrap_or_default(),
        reply_to: parent.transpose()?,
        client_id: fields.optional_text(names.client)?.map(Into::into),
        id: None,
    })
}

/// The answer to a message that was sent.
pub(in crate::http) fn stored(sent: conclave_core::Sent) -> Response {
    let status = if sent.repeated {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    (status, Json(Message::from(sent.message))).into_response()
}

/// `PUT /messages/{id}`: `{"content"}`; the author's.
pub(in crate::http) async fn edit(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
    JsonFields(mut fields): JsonFields,
) -> Result<Json<Message>, Problem> {
    let ask = EditMessage {
        message: message(&named(id)?)?,
        room: None,
        content: fields.text("content")?.into(),
    };
    fields.end()?;
    let permit = permit(&node, &caller, ask)?;
    whole(async move {
        let edited = node.rooms.edit(permit, stamp(&node)).await?;
        Ok(Json(edited.into()))
    })
    .await
}

/// `DELETE /messages/{id}`.
pub(in crate::http) async fn erase(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
) -> Result<StatusCode, Problem> {
    let message = message(&named(id)?)?;
    let room = None;
    let permit = permit(&node, &caller, EraseMessage { message, room })?;
    whole(async move {
        node.rooms.erase(permit, stamp(&node)).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `GET /messages/{id}/receipt`: the recipients' states, at most 200.
pub(in crate::http) async fn receipts(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
) -> Result<Json<Vec<DeliveryStatus>>, Problem> {
    let message = message(&named(id)?)?;
    let permit = permit(&node, &caller, ListReceipts { message })?;
    Ok(Json(all(node.rooms.receipts(permit).await?)))
}

/// `PUT /messages/{id}/receipt`: `{"status"}`, `DELIVERED` or `READ`; for this message and those
/// before it.
pub(in crate::http) async fn give_receipt(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
    JsonFields(mut fields): JsonFields,
) -> Result<StatusCode, Problem> {
    let message = message(&named(id)?)?;
    let given = fields.text("status")?;
    let known = [DeliveryState::Delivered, DeliveryState::Read];
    let status = known.into_iter().find(|state| state.name() == given);
    let unfit = || Problem::bad_request("status: expected DELIVERED or READ");
    let status = status.ok_or_else(unfit)?;
    fields.end()?;
    let ask = GiveReceipt {
        message,
        room: None,
        status,
    };
    let permit = permit(&node, &caller, ask)?;
    whole(async move {
        node.rooms.give_receipt(permit, stamp(&node)).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// As socketio.md writes.
const CAMEL: Names = Names {
    parent: "parentId",
    kind: "messageType",
    client: "clientId",
};
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;
