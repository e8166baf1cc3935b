//! `Idempotency-Key` (server.md): who repeats a call gets the first one's answer.
//!
//! A call is its caller, method, path and key. While it is under way a repetition is 409, with
//! another query or body always; its answer is kept for 24 h. Answers that a later try could
//! better (401, 403, 408, 429 and 5xx) are not kept.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{DefaultBodyLimit, FromRequestParts as _, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use conclave_auth::{
    ANSWER_KEPT, Begun, CALL_TIME_MAX, CallId, STORED_ANSWER_BYTES_MAX, StoredAnswer,
    hash_call_body,
};
use conclave_protocol::{Refusal, Timestamp};

use super::backend::Backend;
use super::problem::Problem;
use crate::node::Node;

/// Lets calls of these routes be repeated, and takes bodies of at most `body_bytes_max`. Handlers
/// find a [`CallId`] among the request's extensions where the call has a key; what they make is
/// best named after it, so that even a call that a crash cut off makes nothing twice. They run to
/// their end, even where the client goes away.
pub(super) fn repeatable(
    routes: Router<Arc<Node>>,
    node: &Arc<Node>,
    body_bytes_max: usize,
) -> Router<Arc<Node>> {
    let terms = Terms {
        node: Arc::clone(node),
        body_bytes_max,
    };
    routes
        .route_layer(from_fn_with_state(terms, repeat))
        .layer(DefaultBodyLimit::max(body_bytes_max))
}

#[derive(Clone)]
struct Terms {
    node: Arc<Node>,
    body_bytes_max: usize,
}

/// A call that begins.
struct Call {
    id: CallId,
    began: Timestamp,
    request: Request,
}

async fn repeat(State(terms): State<Terms>, request: Request, next: Next) -> Response {
    let changes_nothing = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if changes_nothing || !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return next.run(request).await;
    }
    let answered = match begin(&terms, request).await {
        Ok(Beginning::Answered(answer)) => replayed(answer),
        Ok(Beginning::Started(call)) => {
            // A task of its own: an answer that nobody waits for is kept all the same.
            let node = Arc::clone(&terms.node);
            let done = tokio::spawn(run(node, call, next)).await;
            Ok(done.unwrap_or_else(|_| Problem::internal().into_response()))
        }
        Err(problem) => Err(problem),
    };
    answered.unwrap_or_else(Problem::into_response)
}

enum Beginning {
    Answered(StoredAnswer),
    Started(Box<Call>),
}

async fn begin(terms: &Terms, request: Request) -> Result<Beginning, Problem> {
    let node = &terms.node;
    let (mut parts, body) = request.into_parts();
    let key = key(&parts.headers)?.to_owned();
    let backend = Backend::from_request_parts(&mut parts, node).await?;
    let body = read(body, terms.body_bytes_max).await?;
    let path = parts.uri.path();
    let id = CallId::new(&backend.scope(), parts.method.as_str(), path, &key);
    let hash = hash_call_body(parts.uri.query().unwrap_or_default(), &body);
    let began = node.clock.now();
    let until = began.plus(CALL_TIME_MAX);
    let conflict = |detail: &'static str| Problem::refused(Refusal::Conflict, detail);
    match node.calls.begin(id, hash, began, until).await? {
        Begun::Answered(answer) => Ok(Beginning::Answered(answer)),
        Begun::Different => Err(conflict("Idempotency-Key: used before for something else")),
        Begun::Started => {
            parts.extensions.insert(backend);
            parts.extensions.insert(id);
            let request = Request::from_parts(parts, Body::from(body));
            Ok(Beginning::Started(Box::new(Call { id, began, request })))
        }
        Begun::UnderWay => Err(conflict("Idempotency-Key: the call is still under way")),
    }
}

/// The key: 1 to 255 visible ASCII characters.
fn key(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut lines = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (line, another) = (lines.next(), lines.next());
    let text = line.and_then(|line| line.to_str().ok()).unwrap_or_default();
    let is_fit = (1..=KEY_BYTES_MAX).contains(&text.len());
    if another.is_some() || !is_fit {
        return Err(Problem::bad_request(
            "Idempotency-Key: expected one text of 1 to 255 characters",
        ));
    }
    Ok(text)
}

async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    to_bytes(body, bytes_max).await.map_err(|error| {
        let cause = std::error::Error::source(&error);
        if cause.is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>()) {
            Problem::refused(
                Refusal::TooLarge,
                format!("the body is over {bytes_max} bytes"),
            )
        } else {
            Problem::bad_request("the body cannot be read")
        }
    })
}

/// Runs the handler and keeps its answer.
async fn run(node: Arc<Node>, call: Box<Call>, next: Next) -> Response {
    let Call { id, began, request } = *call;
    // A handler that panics ends its own task only.
    let ran = tokio::spawn(next.run(request)).await;
    let response = ran.unwrap_or_else(|error| {
        tracing::error!(%error, "a request's work failed");
        Problem::internal().into_response()
    });
    let (response, answer) = kept(response).await;
    let done = match &answer {
        Some(answer) => {
            let until = began.plus(ANSWER_KEPT);
            node.calls.finish(id, began, answer, until).await
        }
        None => node.calls.abandon(id, began).await,
    };
    if let Err(error) = done {
        tracing::error!(%error, "the answer of a call with an idempotency key is not kept");
    }
    response
}

/// The response, and what of it is kept.
async fn kept(response: Response) -> (Response, Option<StoredAnswer>) {
    if is_provisional(response.status()) {
        return (response, None);
    }
    let size = response.body().size_hint().upper();
    let fits = |size| usize::try_from(size).is_ok_and(|size| size <= STORED_ANSWER_BYTES_MAX);
    if !size.is_some_and(fits) {
        return (response, Some(too_great()));
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, STORED_ANSWER_BYTES_MAX).await else {
        return (Problem::internal().into_response(), None);
    };
    let headers = KEPT_HEADERS.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let answer = StoredAnswer {
        status: parts.status.as_u16(),
        headers: headers.collect(),
        body: body.to_vec(),
    };
    (Response::from_parts(parts, Body::from(body)), Some(answer))
}

/// Whether a later try may be answered better.
fn is_provisional(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        )
}

/// What is kept instead of an answer over 64 KiB: the call must not happen again.
fn too_great() -> StoredAnswer {
    let problem = Problem::refused(
        Refusal::Conflict,
        "Idempotency-Key: the call was done; its answer was too great to be kept",
    );
    StoredAnswer {
        status: Refusal::Conflict.status(),
        headers: vec![(
            CONTENT_TYPE.as_str().to_owned(),
            Problem::MEDIA_TYPE.to_owned(),
        )],
        body: problem.body().into_bytes(),
    }
}

fn replayed(answer: StoredAnswer) -> Result<Response, Problem> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).map_err(|_invalid| Problem::internal())?;
    for (name, value) in answer.headers {
        let name = HeaderName::try_from(name).map_err(|_invalid| Problem::internal())?;
        let value = HeaderValue::try_from(value).map_err(|_invalid| Problem::internal())?;
        response.headers_mut().insert(name, value);
    }
    let replayed = HeaderValue::from_static("true");
    response
        .headers_mut()
        .insert(IDEMPOTENCY_REPLAYED, replayed);
    Ok(response)
}

pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// On answers that are repeated.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// What a body cannot be read without.
const KEPT_HEADERS: [HeaderName; 2] = [CONTENT_TYPE, LOCATION];
const KEY_BYTES_MAX: usize = 255;
