//! `POST /token`, `POST /auth/token`, `POST /auth/refresh`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use conclave_auth::{Password, Revocation, SignInError, SignInRequest, SignedIn};
use conclave_core::SharedLimit;
use conclave_protocol::{Principal, Refusal};
use serde::Serialize;
use serde_json::json;

use super::caller::count_request;
use super::client::Client;
use super::cookies::{Cookies, refresh_cookie};
use super::fields::{FormFields, JsonFields};
use super::flow::{revoking, whole};
use super::problem::Problem;
use crate::audit::{Event, Kind};
use crate::handshake::Origin;
use crate::metrics::Counter;
use crate::node::Node;

/// A wish to sign in. Has no Debug: it holds a password.
struct Wish {
    name: String,
    password: String,
    session: Option<String>,
    life: Duration,
}

/// Which endpoint answers: they name the same tokens differently.
#[derive(Clone, Copy)]
enum Surface {
    /// `/token`: `access_token`, `token_type`.
    Form,
    /// `/auth/token`: `token`.
    Json,
    /// `/auth/refresh`: both names, `token_type`.
    Refresh,
}

/// The answer of all three.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    expires_in: u64,
    refresh_token: &'a str,
}

/// `POST /token`: the password grant of RFC 6749, a form of `username`, `password`.
pub(super) async fn by_form(
    State(node): State<Arc<Node>>,
    client: Client,
    cookies: Cookies,
    FormFields(mut fields): FormFields,
) -> Result<Response, Problem> {
    client.check_channel(&node)?;
    if fields
        .optional_text("grant_type")?
        .is_some_and(|grant| grant != "password")
    {
        return Err(Problem::bad_request("grant_type: expected password"));
    }
    let wish = Wish {
        name: fields.text("username")?,
        password: fields.text("password")?,
        session: None,
        life: node.setup.config.auth.form_token_life(),
    };
    let signed = whole(sign_in(Arc::clone(&node), client.clone(), wish)).await?;
    Ok(answer(&node, &client, cookies, &signed, Surface::Form))
}

/// `POST /auth/token`: `{"username","password","session_id"?}`.
pub(super) async fn by_json(
    State(node): State<Arc<Node>>,
    client: Client,
    cookies: Cookies,
    JsonFields(mut fields): JsonFields,
) -> Result<Response, Problem> {
    client.check_channel(&node)?;
    let wish = Wish {
        name: fields.text("username")?,
        password: fields.text("password")?,
        session: fields.optional_text("session_id")?,
        life: node.setup.config.auth.json_token_life(),
    };
    fields.end()?;
    let signed = whole(sign_in(Arc::clone(&node), client.clone(), wish)).await?;
    Ok(answer(&node, &client, cookies, &signed, Surface::Json))
}

/// `POST /auth/refresh`: `{"refresh_token"}`, or the cookie, which counts only from an allowed
/// page and is replaced by the answer.
pub(super) async fn refresh(
    State(node): State<Arc<Node>>,
    client: Client,
    headers: HeaderMap,
    JsonFields(mut fields): JsonFields,
) -> Result<Response, Problem> {
    client.check_channel(&node)?;
    let given = fields.optional_text("refresh_token")?;
    fields.end()?;
    let (token, cookies) = match (given, &client.origin) {
        (Some(token), _) => (token, Cookies::Unwanted),
        (None, Origin::Allowed(_)) => {
            let token = refresh_cookie(&headers);
            (token.ok_or_else(missing_refresh_token)?, Cookies::Wanted)
        }
        (None, Origin::Absent | Origin::Refused) => return Err(missing_refresh_token()),
    };
    let signed = whole(renew(Arc::clone(&node), client.clone(), token)).await?;
    Ok(answer(&node, &client, cookies, &signed, Surface::Refresh))
}

/// The tokens by the names of the surface, in cookies too where they are wanted.
fn answer(
    node: &Node,
    client: &Client,
    cookies: Cookies,
    signed: &SignedIn,
    surface: Surface,
) -> Response {
    let access = signed.access_token.as_str();
    let (access_token, token) = match surface {
        Surface::Form => (Some(access), None),
        Surface::Json => (None, Some(access)),
        Surface::Refresh => (Some(access), Some(access)),
    };
    let answer = Json(Answer {
        access_token,
        token,
        token_type: access_token.map(|_| "bearer"),
        expires_in: signed.access_life.as_secs(),
        refresh_token: &signed.refresh_token,
    });
    let mut response = answer.into_response();
    cookies.set(response.headers_mut(), client, signed, node.clock.now());
    response
}

/// Counts, slows, asks, and writes down.
async fn sign_in(node: Arc<Node>, client: Client, wish: Wish) -> Result<SignedIn, Problem> {
    let attempts = node.identity.attempts();
    let attempt = attempts
        .begin(&wish.name, client.address)
        .await
        .map_err(|wait| {
            too_many_failures(
                &node,
                client.event(&node, Kind::LimitHit).user(&wish.name),
                wait,
            )
        })?;
    if attempts.is_slowed(&wish.name) {
        tokio::time::sleep(SLOWED_BY).await;
    }
    let request = SignInRequest {
        name: &wish.name,
        password: Password::new(wish.password),
        session: wish.session.as_deref(),
        access_life: wish.life,
    };
    let signed = node
        .identity
        .sign_in()
        .sign_in(request, node.clock.now())
        .await;
    match signed {
        Ok(signed) => {
            node.counters.add(Counter::SignIns, 1);
            node.audit.record(signed_in(&node, &client, &signed));
            Ok(signed)
        }
        Err(SignInError::Unauthenticated) => {
            let failed = attempt.failed();
            node.nodes.spend(SharedLimit::SignIns, || failed);
            node.counters.add(Counter::SignInsFailed, 1);
            node.audit
                .record(client.event(&node, Kind::SignInFailed).user(&wish.name));
            Err(Problem::refused(Refusal::Unauthenticated, INCORRECT))
        }
        Err(error) => {
            let event = client.event(&node, Kind::SignInFailed).user(&wish.name);
            node.audit.record(event.detail(error.to_string()));
            Err(match error {
                SignInError::Forbidden => {
                    Problem::refused(Refusal::Forbidden, "session_id: another user's session")
                }
                error => error.into(),
            })
        }
    }
}

async fn renew(node: Arc<Node>, client: Client, token: String) -> Result<SignedIn, Problem> {
    let mut signed = None;
    let now = node.clock.now();
    let done = revoking(&node, async {
        signed = Some(node.identity.sign_in().refresh(&token, now).await?);
        Ok(Vec::<Revocation>::new())
    });
    let refused = done.await.err();
    let Some(signed) = signed else {
        let error = refused.unwrap_or(SignInError::Internal);
        let kind = match &error {
            SignInError::Reused(_) => Kind::Revocation,
            _ => Kind::SignInFailed,
        };
        let event = client
            .event(&node, kind)
            .detail(json!({ "refresh": error.to_string() }));
        node.audit.record_waiting(event).await;
        return Err(match error {
            SignInError::Reused(_) | SignInError::Unauthenticated => {
                Problem::refused(Refusal::Unauthenticated, "Invalid or expired refresh token")
            }
            error => error.into(),
        });
    };
    // The token just used gives the same successor for a while: who is told to wait loses nothing.
    count_request(&node, &client, &signed.user)?;
    node.audit
        .record(signed_in(&node, &client, &signed).detail("refresh"));
    Ok(signed)
}

/// For a password that may be tried no more, here or in `/auth/password`.
pub(super) fn too_many_failures(node: &Node, event: Event, wait: Duration) -> Problem {
    node.counters.add(Counter::SignInsLimited, 1);
    node.audit.record(event.detail("failed sign-ins"));
    Problem::too_often("too many failed sign-ins", wait)
}

/// An event about a principal whose password was tried.
pub(super) fn failed_password(node: &Node, client: &Client, principal: &Principal) {
    node.counters.add(Counter::SignInsFailed, 1);
    node.audit.record(
        client
            .event_of(node, Kind::SignInFailed, principal)
            .detail("old password"),
    );
}

fn signed_in(node: &Node, client: &Client, signed: &SignedIn) -> Event {
    let event = client
        .event(node, Kind::SignInOk)
        .user(signed.user.as_str());
    event.session(&signed.session.shown())
}

fn missing_refresh_token() -> Problem {
    Problem::refused(Refusal::Unauthenticated, "refresh_token: missing")
}

/// The words of the seed.
const INCORRECT: &str = "Incorrect username or password";
/// How much later a user with many failures over all addresses is answered.
const SLOWED_BY: Duration = Duration::from_secs(1);
