//! What backends say: to topics, rooms, users, everybody.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use conclave_auth::CallId;
use conclave_protocol::{
    IssuerId, MessageId, NoticeKind, PublishAs, SendAs, ServerPush, SessionId, SessionKind,
    SessionName, TopicMessage, TopicName, UserId,
};

use super::{Here, permit};
use crate::http::backend::Backend;
use crate::http::fields::{JsonFields, JsonText};
use crate::http::flow::whole;
use crate::http::problem::Problem;
use crate::http::rooms::messages::{SNAKE, content, stored};
use crate::http::rooms::{room, stamp, user};
use crate::http::sessions::{Named, named};
use crate::node::Node;

/// `POST /api/v1/topics/publish`: `{"session","topic","payload","publisher_name"?}`, and
/// `"anonymous"?` for the session of clients without a token, `"issuer"?` for the `iss` whose
/// tokens name the session.
pub(in crate::http) async fn topic(
    State(node): Here,
    backend: Backend,
    mut text: JsonText,
) -> Result<StatusCode, Problem> {
    let payload = text.raw("payload")?;
    let payload = payload.ok_or_else(|| Problem::bad_request("payload: missing"))?;
    let mut fields = text.fields;
    let wanted = Wanted {
        name: fields.text("session")?,
        anonymous: fields.flag("anonymous")?,
        issuer: fields.optional_text("issuer")?,
    };
    let topic = fields.text("topic")?;
    let topic =
        TopicName::new(&topic).map_err(|unfit| Problem::bad_request(format!("topic: {unfit}")))?;
    let name = fields.optional_text("publisher_name")?;
    fields.end()?;
    if name
        .as_ref()
        .is_some_and(|name| name.len() > NAME_BYTES_MAX)
    {
        return Err(Problem::bad_request("publisher_name: at most 255 bytes"));
    }
    let name = name.or_else(|| backend.principal.name.as_deref().map(str::to_owned));
    let message = TopicMessage {
        publisher_name: name.map(Into::into),
        payload,
        timestamp: None,
        user: None,
    };
    let mut permits = Vec::new();
    for session in wanted.sessions(&node)? {
        let ask = PublishAs {
            session,
            topic: topic.clone(),
            message: message.clone(),
        };
        permits.push(permit(&node, &backend, ask)?);
    }
    whole(async move {
        for permit in permits {
            node.topics.publish_as(permit, node.clock.now()).await;
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// A session as a backend names it.
struct Wanted {
    name: String,
    anonymous: bool,
    issuer: Option<String>,
}

impl Wanted {
    /// `session-USER` is the default session of that user, as for clients; issuers that share
    /// their users have one each. Any other name is a session that tokens name.
    fn sessions(self, node: &Node) -> Result<Vec<SessionId>, Problem> {
        let unfit = |unfit| Problem::bad_request(format!("session: {unfit}"));
        let session = |kind, issuer, name: &str| {
            let name = SessionName::new(name).map_err(unfit)?;
            Ok(SessionId { kind, issuer, name })
        };
        if self.anonymous {
            return Ok(vec![session(
                SessionKind::Anonymous,
                IssuerId(0),
                &self.name,
            )?]);
        }
        let verifier = node.identity.verifier();
        let issuer = self.issuer.map(|iss| {
            let found = verifier
                .issuers()
                .find(|issuer| issuer.iss.as_ref() == Some(&iss));
            found.ok_or_else(|| Problem::bad_request("issuer: none that is configured"))
        });
        let issuer = issuer.transpose()?;
        let Some(user) = self.name.strip_prefix("session-") else {
            let issuer = issuer.map_or(IssuerId(0), |issuer| issuer.id);
            return Ok(vec![session(SessionKind::Named, issuer, &self.name)?]);
        };
        let of = match issuer {
            Some(issuer) => vec![issuer.id],
            None => node.identity.issuers_of(user),
        };
        of.into_iter()
            .map(|issuer| session(SessionKind::Default, issuer, user))
            .collect()
    }
}

/// `POST /api/v1/rooms/{id}/messages`: `{"user_id","content","reply_to"?,"client_id"?,
/// "message_type"?}`; 201, or 200 where it was stored before.
pub(in crate::http) async fn message(
    State(node): Here,
    backend: Backend,
    id: Named<String>,
    call: Option<Extension<CallId>>,
    JsonFields(mut fields): JsonFields,
) -> Result<Response, Problem> {
    let user = user("user_id", &fields.text("user_id")?)?;
    let mut message = content(room(&named(id)?)?, &mut fields, &SNAKE)?;
    fields.end()?;
    // A crash between the message and the call's answer must not let it be stored twice.
    if message.client_id.is_none()
        && let Some(Extension(call)) = call
    {
        message.client_id = Some(named_after(call));
    }
    let permit = permit(&node, &backend, SendAs { user, message })?;
    whole(async move {
        let id = MessageId(node.fresh_id());
        Ok(stored(node.rooms.send_as(permit, id, stamp(&node)).await?))
    })
    .await
}

fn named_after(CallId(hash): CallId) -> Box<str> {
    let digits = hash.0.iter().take(16).map(|byte| format!("{byte:02x}"));
    format!("call-{}", digits.collect::<String>()).into()
}

/// `POST /api/v1/rooms/{id}/events`: `{"event","data"?}`.
pub(in crate::http) async fn event(
    State(node): Here,
    backend: Backend,
    id: Named<String>,
    mut text: JsonText,
) -> Result<StatusCode, Problem> {
    let data = text.raw("data")?.unwrap_or_else(|| "null".into());
    let event = text.fields.text("event")?;
    text.fields.end()?;
    if !is_event_name(&event) {
        return Err(Problem::bad_request(
            "event: expected 1 to 64 of letters, digits and .:_- that name none of the server's \
             own events",
        ));
    }
    let room = room(&named(id)?)?;
    let event = event.into();
    send(node, backend, ServerPush::Room { room, event, data }).await
}

/// `POST /api/v1/users/{id}/push`: `{"type":"notification"|"live_update","data":{…}}`.
pub(in crate::http) async fn push(
    State(node): Here,
    backend: Backend,
    id: Named<String>,
    mut text: JsonText,
) -> Result<StatusCode, Problem> {
    let data = text.raw("data")?.unwrap_or_else(|| "{}".into());
    let given = text.fields.text("type")?;
    text.fields.end()?;
    let kind = [NoticeKind::Notification, NoticeKind::LiveUpdate]
        .into_iter()
        .find(|kind| kind.name() == given);
    let unfit = || Problem::bad_request("type: expected notification or live_update");
    let kind = kind.ok_or_else(unfit)?;
    if !data.starts_with('{') {
        return Err(Problem::bad_request("data: expected an object"));
    }
    let user = UserId::new(&named(id)?)
        .map_err(|unfit| Problem::bad_request(format!("the user {unfit}")))?;
    send(node, backend, ServerPush::User { user, kind, data }).await
}

/// `POST /api/v1/system-status`: `{"status","message"}`.
pub(in crate::http) async fn system_status(
    State(node): Here,
    backend: Backend,
    JsonFields(mut fields): JsonFields,
) -> Result<StatusCode, Problem> {
    let status = fields.text("status")?;
    let message = fields.text("message")?;
    fields.end()?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !(1..=64).contains(&status.len()) || !status.bytes().all(is_word) {
        return Err(Problem::bad_request(
            "status: expected a word of 1 to 64 letters, digits, _ and -",
        ));
    }
    if message.chars().nth(MESSAGE_CHARS_MAX).is_some() {
        return Err(Problem::bad_request("message: at most 2000 characters"));
    }
    let push = ServerPush::System {
        status: status.into(),
        message: message.into(),
    };
    send(node, backend, push).await
}

async fn send(
    node: std::sync::Arc<Node>,
    backend: Backend,
    push: ServerPush,
) -> Result<StatusCode, Problem> {
    let permit = permit(&node, &backend, push)?;
    whole(async move {
        node.rooms.push(permit, node.clock.now()).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Names that clients' libraries or the server itself use mean something else there.
fn is_event_name(name: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'_' | b'-');
    (1..=64).contains(&name.len())
        && name.bytes().all(plain)
        && !RESERVED.contains(&name)
        && !RESERVED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

const NAME_BYTES_MAX: usize = 255;
const MESSAGE_CHARS_MAX: usize = 2000;
const RESERVED: [&str; 12] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "error",
    "live_update",
    "newListener",
    "notification",
    "offline.end",
    "removeListener",
    "system_status",
    "user:typing",
];
const RESERVED_PREFIXES: [&str; 4] = ["channel.", "invitation.", "message.", "presence."];
