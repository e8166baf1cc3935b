//! `POST /api/v1/batch`: many calls in one request, answered one by one, in their order.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use conclave_protocol::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tower::ServiceExt as _;

use super::Here;
use crate::handshake::Peer;
use crate::http::backend::Backend;
use crate::http::fields::expect_type;
use crate::http::flow::whole;
use crate::http::pages::Pages;
use crate::http::problem::{self, Problem};
use crate::node::Node;

/// One of the calls. `call` is a path, with its query where it has one: `/api/v1/…`, the part of
/// it behind `/api/v1/`, or `/auth/revoke`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call<'a> {
    /// `POST` where it is not said.
    method: Option<String>,
    call: String,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

/// The answer to one of them: its status, and its body, which is JSON, or `null`.
#[derive(Serialize)]
pub(super) struct Answer {
    status: u16,
    body: Option<Box<RawValue>>,
}

/// A body over the bound of other calls.
pub(in crate::http) struct Calls(Bytes);

/// `[{"method"?,"call","body"?}]`, at most 1,000, to `[{"status","body"}]`. Each needs its own
/// permission; the request counts as one of its user's.
pub(in crate::http) async fn batch(
    State(node): Here,
    backend: Backend,
    peer: axum::Extension<Peer>,
    Calls(text): Calls,
) -> Result<Response, Problem> {
    let unfit = |_error| Problem::bad_request("the body must be a JSON list");
    let calls: Vec<Box<RawValue>> = serde_json::from_slice(&text).map_err(unfit)?;
    if calls.len() > CALLS_MAX {
        let detail = format!("at most {CALLS_MAX} calls");
        return Err(Problem::refused(Refusal::TooLarge, detail));
    }
    let axum::Extension(peer) = peer;
    whole(async move {
        let desk = Desk {
            router: router(&node),
            backend,
            peer,
        };
        let mut answers = Vec::with_capacity(calls.len());
        for call in &calls {
            answers.push(desk.answer(call).await);
        }
        Ok(axum::Json(answers).into_response())
    })
    .await
}

/// The calls a batch may hold, for who was proved already.
fn router(node: &Arc<Node>) -> Router {
    super::pages(Pages::default())
        .into_router()
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(Arc::clone(node))
}

struct Desk {
    router: Router,
    backend: Backend,
    peer: Peer,
}

impl Desk {
    async fn answer(&self, call: &RawValue) -> Answer {
        let response = match self.request(call) {
            Ok(request) => self.router.clone().oneshot(request).await,
            Err(problem) => Ok(problem.into_response()),
        };
        let response = response.unwrap_or_else(|never| match never {});
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await;
        let body = body.unwrap_or_default();
        Answer {
            status,
            body: serde_json::from_slice(&body).ok(),
        }
    }

    fn request(&self, call: &RawValue) -> Result<Request, Problem> {
        let call: Call<'_> = serde_json::from_str(call.get()).map_err(|error| {
            let detail = error.to_string();
            let detail = detail.split(" at line ").next().unwrap_or_default();
            Problem::bad_request(format!(
                "expected an object of method, call and body: {detail}"
            ))
        })?;
        let method = call.method.as_deref().unwrap_or("POST");
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_unfit| Problem::bad_request("method: expected GET, POST, PUT or DELETE"))?;
        let path = match call.call.as_str() {
            path if path.starts_with('/') => path.to_owned(),
            path => format!("/api/v1/{path}"),
        };
        let uri: Uri = path
            .parse()
            .map_err(|_unfit| Problem::bad_request("call: expected a path"))?;
        let body = call.body.map(|body| body.get().to_owned());
        let mut request = Request::new(Body::from(body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request.headers_mut().insert(
            CONTENT_TYPE,
            axum::http::HeaderValue::from_static("application/json"),
        );
        request.extensions_mut().insert(self.backend.clone());
        request.extensions_mut().insert(self.peer);
        Ok(request)
    }
}

impl<S: Send + Sync> FromRequest<S> for Calls {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers: HeaderMap = request.headers().clone();
        let text = Bytes::from_request(request, state).await.map_err(|error| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let detail = format!("the body is over {BODY_BYTES_MAX} bytes");
                return Problem::refused(Refusal::TooLarge, detail);
            }
            Problem::bad_request("the body cannot be read")
        })?;
        expect_type(&headers, "application/json")?;
        Ok(Self(text))
    }
}

/// Of a whole batch.
pub(in crate::http) const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
const CALLS_MAX: usize = 1000;
