//! `GET /.well-known/jwks.json`, `GET /test-token`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use conclave_protocol::Refusal;
use serde::Serialize;

use super::problem::Problem;
use crate::node::Node;

/// The answer of `/test-token`.
#[derive(Serialize)]
struct TestTokenAnswer<'a> {
    test_token: &'a str,
    note: &'static str,
}

/// Our issuer's public keys (RFC 7517); 404 where the key is a shared secret.
pub(super) async fn jwks(State(node): State<Arc<Node>>) -> Result<impl IntoResponse, Problem> {
    if node.setup.config.auth.algorithm.is_symmetric() {
        return Err(Problem::refused(
            Refusal::NotFound,
            "tokens are signed with a shared secret",
        ));
    }
    let headers = [
        (CONTENT_TYPE, "application/jwk-set+json"),
        (CACHE_CONTROL, "public, max-age=300"),
    ];
    Ok((headers, node.identity.signer().jwks()))
}

/// A token to try things with; 404 outside dev mode.
pub(super) async fn test_token(State(node): State<Arc<Node>>) -> Result<Response, Problem> {
    let Some(token) = node.identity.test_token() else {
        return Err(Problem::refused(
            Refusal::NotFound,
            "there is nothing at this path",
        ));
    };
    let note = if node.setup.test_token.is_some() {
        GIVEN_NOTE
    } else {
        OWN_NOTE
    };
    Ok(Json(TestTokenAnswer {
        test_token: token.reveal(),
        note,
    })
    .into_response())
}

const OWN_NOTE: &str = "For trying things out in dev mode only. It stands for the account 'user' \
                        and lives ten years, or until the server's key changes.";
const GIVEN_NOTE: &str = "For trying things out in dev mode only. It was given as WS_TEST_TOKEN.";
