//! Attacks that every service must withstand. Each gives `Ok` where it was repelled, with the
//! answer that the contract promises, and a [`Breach`] where anything else happened.

use std::fmt;

use serde_json::{Value, json};

use super::harness::schemes;
use super::{Access, Harness, Heard, TestConnection, TestToken};
use crate::address::Address;
use crate::client::ClientError;
use crate::dispatch::Dispatch;
use crate::spec::{Action, OperationSpec, ServiceSpec};
use crate::{AuditKind, ErrorCode};

/// What got through, or went wrong.
#[derive(Clone, PartialEq, Eq)]
pub struct Breach(String);

impl Breach {
    /// With this sentence.
    #[must_use]
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As people read it, since test runners show it so.
impl fmt::Debug for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Breach {}

impl From<ClientError> for Breach {
    fn from(error: ClientError) -> Self {
        Self(error.to_string())
    }
}

impl From<crate::AsyncApiError> for Breach {
    fn from(error: crate::AsyncApiError) -> Self {
        Self(error.to_string())
    }
}

impl From<crate::StartError> for Breach {
    fn from(error: crate::StartError) -> Self {
        Self(error.to_string())
    }
}

/// A message that is as the document describes.
#[derive(Clone, Debug)]
pub struct Sample {
    route: usize,
    address: Address,
    payload: String,
}

impl Sample {
    /// Of the operation at this position, on this channel, with this payload as JSON.
    #[must_use]
    pub fn new(route: usize, address: Address, payload: impl Into<String>) -> Self {
        Self {
            route,
            address,
            payload: payload.into(),
        }
    }

    fn operation(&self, spec: &ServiceSpec) -> Result<&'static OperationSpec, Breach> {
        let operation = spec.operation(self.route);
        operation.ok_or_else(|| Breach::new("the sample is of no operation"))
    }
}

type Outcome = Result<(), Breach>;

/// The control: with every right the message reaches its handler and no error comes back.
///
/// # Errors
/// It is refused.
pub async fn accepted<D: Dispatch>(harness: &Harness<D>, sample: &Sample) -> Outcome {
    let mut connection = harness.connect(&harness.full_access()).await?;
    converse(harness, &mut connection, sample).await
}

/// A good token in the header lets the client in.
///
/// # Errors
/// It does not.
pub async fn valid_by_header<D: Dispatch>(harness: &Harness<D>) -> Outcome {
    if takes_tokens(harness) {
        let token = harness.full_token().mint();
        harness.connect(&harness.credentials(&token, false)).await?;
    }
    Ok(())
}

/// A good token in the query lets the client in.
///
/// # Errors
/// It does not.
pub async fn valid_by_query<D: Dispatch>(harness: &Harness<D>) -> Outcome {
    if takes_tokens(harness) {
        let token = harness.full_token().mint();
        harness.connect(&harness.credentials(&token, true)).await?;
    }
    Ok(())
}

/// No credential: the handshake is refused; where the document lets anybody in, each secured
/// operation is.
///
/// # Errors
/// Somebody got in.
pub async fn no_token<D: Dispatch>(harness: &Harness<D>) -> Outcome {
    let spec = harness.service().spec();
    let is_open = spec.security.is_empty() || spec.security.iter().any(|all| all.is_empty());
    if !is_open {
        return refused(harness, &Access::none(), "no credential").await;
    }
    let mut connection = harness.connect(&Access::none()).await?;
    for operation in received(spec).filter(|operation| operation.is_secured()) {
        let answer = connection.request(operation.name(), None, "{}").await?;
        expect(&answer, ErrorCode::Unauthenticated, operation.name())?;
    }
    Ok(())
}

/// Credentials that are malformed, of another key, or altered.
///
/// # Errors
/// One got in.
pub async fn bad_token<D: Dispatch>(harness: &Harness<D>) -> Outcome {
    if !takes_tokens(harness) {
        return wrong_secret(harness).await;
    }
    let good = harness.full_token().mint();
    let other = harness.full_token().signed_with(&[7; 32]).mint();
    let raised = harness.token().user("mallory").mint();
    // The claims of one token under the signature of another.
    let mixed = match (raised.rsplit_once('.'), good.rsplit_once('.')) {
        (Some((claims, _)), Some((_, signature))) => format!("{claims}.{signature}"),
        _ => String::from("x.y.z"),
    };
    let cut = good.get(..good.len().saturating_sub(4)).unwrap_or_default();
    for token in ["garbage", "a.b.c", &other, &mixed, cut] {
        for in_query in [false, true] {
            let access = harness.credentials(token, in_query);
            refused(harness, &access, "a bad token").await?;
        }
    }
    Ok(())
}

/// A wrong password, or a wrong key.
async fn wrong_secret<D: Dispatch>(harness: &Harness<D>) -> Outcome {
    if schemes(harness.service().spec()).is_empty() {
        return Ok(());
    }
    let mut access = harness.full_access();
    for (name, value) in &mut access.headers {
        if name.eq_ignore_ascii_case("authorization") {
            "Basic YW5uOndyb25n".clone_into(value);
        } else if !name.eq_ignore_ascii_case("origin") {
            value.push_str("-wrong");
        }
    }
    for (_, value) in &mut access.query {
        value.push_str("-wrong");
    }
    refused(harness, &access, "a wrong secret").await
}

/// A token that has ended.
///
/// # Errors
/// It got in.
pub async fn expired_token<D: Dispatch>(harness: &Harness<D>) -> Outcome {
    bad(harness, &harness.full_token().expired(), "an expired token").await
}

/// A token for another service, and one by another issuer.
///
/// # Errors
/// It got in.
pub async fn wrong_audience<D: Dispatch>(harness: &Harness<D>) -> Outcome {
    let token = harness.full_token();
    let elsewhere = token.clone().audience("https://elsewhere.test");
    bad(harness, &elsewhere, "a token for another service").await?;
    let stranger = token.issuer("https://stranger.test");
    bad(harness, &stranger, "a token by another issuer").await
}

/// A token without a signature.
///
/// # Errors
/// It got in.
pub async fn alg_none<D: Dispatch>(harness: &Harness<D>) -> Outcome {
    let token = harness.full_token().unsigned();
    bad(harness, &token, "a token that nobody signed").await
}

async fn bad<D: Dispatch>(harness: &Harness<D>, token: &TestToken, what: &str) -> Outcome {
    if takes_tokens(harness) {
        refused(harness, &harness.access(token), what).await?;
    }
    Ok(())
}

/// With every right but one, for each that the operation needs: its messages are refused, and the
/// audit is told. Operations that need none are passed over.
///
/// # Errors
/// A message got through, or nobody was told.
pub async fn missing_permission<D: Dispatch>(harness: &Harness<D>, sample: &Sample) -> Outcome {
    let operation = sample.operation(harness.service().spec())?;
    if !takes_tokens(harness) {
        return Ok(());
    }
    for needed in operation.permissions {
        let token = without(harness, needed);
        let what = format!("`{}` without `{needed}`", operation.name());
        forbidden(harness, sample, &token, &what).await?;
    }
    let scopes = operation.security.iter().flat_map(|all| all.iter());
    if scopes.clone().any(|by| !by.scopes.is_empty()) {
        let token = harness.full_token().scopes([""; 0]);
        let what = format!("`{}` without scopes", operation.name());
        forbidden(harness, sample, &token, &what).await?;
    }
    Ok(())
}

fn without<D: Dispatch>(harness: &Harness<D>, needed: &str) -> TestToken {
    let operations = harness.service().spec().operations.iter();
    let others = operations
        .flat_map(|operation| operation.permissions)
        .filter(|permission| **permission != needed);
    harness.full_token().permissions(others)
}

async fn forbidden<D: Dispatch>(
    harness: &Harness<D>,
    sample: &Sample,
    token: &TestToken,
    what: &str,
) -> Outcome {
    let mut connection = match harness.connect(&harness.access(token)).await {
        Ok(connection) => connection,
        // The handshake asks for it already.
        Err(ClientError::Refused { code: 4003, .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    harness.witness().clear();
    let operation = sample.operation(harness.service().spec())?;
    if operation.action() == Action::Send {
        connection.connection()?.subscribe(&sample.address)?;
        let reach = publish(harness, sample, &sample.address)?;
        return match reach {
            0 => Ok(()),
            _ => Err(Breach(format!("{what} is heard"))),
        };
    }
    let address = Some(sample.address.as_str());
    let answer = connection
        .request(operation.name(), address, &sample.payload)
        .await?;
    expect(&answer, ErrorCode::Forbidden, what)?;
    let told = harness
        .witness()
        .saw(AuditKind::OperationRefused, Some(ErrorCode::Forbidden));
    if told {
        return Ok(());
    }
    Err(Breach(format!(
        "{what} is refused, but the audit is not told"
    )))
}

/// Operations that the document does not describe, and those that only the service may send, are
/// answered with `unknown_operation` and the message's correlation id.
///
/// # Errors
/// They are not.
pub async fn unknown_operation<D: Dispatch>(harness: &Harness<D>) -> Outcome {
    let spec = harness.service().spec();
    let mut connection = harness.connect(&harness.full_access()).await?;
    let sent = spec.operations.iter();
    let sent = sent.filter(|operation| operation.action() == Action::Send);
    let names = sent.map(OperationSpec::name).chain(["noSuchOperation"]);
    for name in names {
        let answer = connection.request(name, None, "{}").await?;
        expect(&answer, ErrorCode::UnknownOperation, name)?;
    }
    Ok(())
}

/// Frames that are no envelope are answered with `invalid_payload`, and the connection lives on.
///
/// # Errors
/// They are not.
pub async fn malformed_envelope<D: Dispatch>(harness: &Harness<D>) -> Outcome {
    let mut connection = harness.connect(&harness.full_access()).await?;
    let frames = [
        "",
        "null",
        "[]",
        "{",
        "{}",
        r#"{"operation":7}"#,
        r#"{"operation":"a","operation":"b"}"#,
        r#"{"operation":"a","correlation_id":[]}"#,
        r#"{"operation":"a","headers":"b"}"#,
    ];
    for frame in frames {
        connection.send(frame).await?;
        let answer = connection.message().await?;
        let code = TestConnection::error_code(&answer);
        if code != ErrorCode::InvalidPayload.name() {
            return Err(Breach(format!("`{frame}` is answered with `{code}`")));
        }
    }
    connection.ping().await?;
    match connection.next().await? {
        Heard::SignOfLife => Ok(()),
        other => Err(Breach(format!("after malformed frames came {other:?}"))),
    }
}

/// A message over the limit closes the connection with 1009.
///
/// # Errors
/// It does not.
pub async fn oversized_payload<D: Dispatch>(harness: &Harness<D>, sample: &Sample) -> Outcome {
    let operation = sample.operation(harness.service().spec())?;
    let mut connection = harness.connect(&harness.full_access()).await?;
    let filler = "x".repeat(harness.service().limits().message_bytes);
    let envelope = json!({
        "id": "oversized",
        "operation": operation.name(),
        "payload": filler,
        "correlation_id": "oversized",
        "channel": sample.address.as_str(),
    });
    // The service may be gone before it was written.
    let sent = connection.send(&envelope.to_string()).await;
    match connection.next().await? {
        Heard::Closed { code: 1009, .. } => Ok(()),
        Heard::Ended if sent.is_err() => Ok(()),
        other => Err(Breach(format!(
            "an oversized message is met with {other:?}"
        ))),
    }
}

/// Two connections, each subscribed to another address of one channel: each hears its own and
/// nothing of the other's. The sample's payload is what is sent.
///
/// # Errors
/// A message reached somebody whom it is not for.
pub async fn another_rooms_message<D: Dispatch>(
    harness: &Harness<D>,
    sample: &Sample,
    others: &Address,
) -> Outcome {
    let own = &sample.address;
    let bob = harness.access(&harness.full_token().user("bob"));
    let mut first = harness.connect(&harness.full_access()).await?;
    let mut second = harness.connect(&bob).await?;
    first.connection()?.subscribe(own)?;
    second.connection()?.subscribe(others)?;
    publish(harness, sample, others)?;
    publish(harness, sample, own)?;
    publish(harness, sample, others)?;
    heard(&mut first, own).await?;
    heard(&mut second, others).await?;
    heard(&mut second, others).await?;
    for connection in [&mut first, &mut second] {
        connection.ping().await?;
        let next = connection.next().await?;
        if next != Heard::SignOfLife {
            return Err(Breach(format!("one message too many: {next:?}")));
        }
    }
    Ok(())
}

async fn heard(connection: &mut TestConnection, address: &Address) -> Outcome {
    let message = connection.message().await?;
    let channel = message.get("channel").and_then(Value::as_str);
    if channel == Some(address.as_str()) {
        return Ok(());
    }
    Err(Breach(format!("on `{address}` somebody heard {message}")))
}

fn publish<D: Dispatch>(
    harness: &Harness<D>,
    sample: &Sample,
    address: &Address,
) -> Result<usize, Breach> {
    let payload: Value = serde_json::from_str(&sample.payload)
        .map_err(|fault| Breach(format!("the sample is no JSON: {fault}")))?;
    let publisher = harness.service().publisher();
    let reach = publisher.publish(sample.route, address, &payload)?;
    Ok(reach.connections)
}

/// Sends the sample; no error may come back before a pong does.
async fn converse<D: Dispatch>(
    harness: &Harness<D>,
    connection: &mut TestConnection,
    sample: &Sample,
) -> Outcome {
    let operation = sample.operation(harness.service().spec())?;
    let address = Some(sample.address.as_str());
    if operation.has_reply() {
        let answer = connection
            .request(operation.name(), address, &sample.payload)
            .await?;
        return no_error(&answer, operation.name());
    }
    let payload: Value = serde_json::from_str(&sample.payload)
        .map_err(|fault| Breach(format!("the sample is no JSON: {fault}")))?;
    let envelope = json!({
        "id": "sample",
        "operation": operation.name(),
        "payload": payload,
        "correlation_id": "sample",
        "channel": address,
    });
    connection.send(&envelope.to_string()).await?;
    connection.ping().await?;
    loop {
        match connection.next().await? {
            Heard::SignOfLife => return Ok(()),
            Heard::Message(message) => no_error(&message, operation.name())?,
            other => return Err(Breach(format!("the sample is met with {other:?}"))),
        }
    }
}

fn no_error(answer: &Value, what: &str) -> Outcome {
    if answer.get("error").is_none_or(Value::is_null) {
        return Ok(());
    }
    Err(Breach(format!("`{what}` is answered with {answer}")))
}

/// An answer with this code and the correlation id of the request.
fn expect(answer: &Value, code: ErrorCode, what: &str) -> Outcome {
    let has_id = answer
        .get("correlation_id")
        .and_then(Value::as_str)
        .is_some_and(|id| !id.is_empty());
    if TestConnection::error_code(answer) == code.name() && has_id {
        return Ok(());
    }
    Err(Breach(format!("{what} is answered with {answer}")))
}

/// The handshake is refused with 4001, and the audit is told.
async fn refused<D: Dispatch>(harness: &Harness<D>, access: &Access, what: &str) -> Outcome {
    harness.witness().clear();
    match harness.connect(access).await {
        Err(ClientError::Refused { code: 4001, .. }) => {}
        Err(error) => return Err(Breach(format!("{what} is met with: {error}"))),
        Ok(_) => return Err(Breach(format!("{what} got in"))),
    }
    let code = Some(ErrorCode::Unauthenticated);
    if harness.witness().saw(AuditKind::HandshakeRefused, code) {
        return Ok(());
    }
    Err(Breach(format!(
        "{what} is refused, but the audit is not told"
    )))
}

fn takes_tokens<D: Dispatch>(harness: &Harness<D>) -> bool {
    let schemes = schemes(harness.service().spec());
    schemes.iter().any(|by| by.scheme().is_token())
}

fn received(spec: &'static ServiceSpec) -> impl Iterator<Item = &'static OperationSpec> {
    let operations = spec.operations.iter();
    operations.filter(|operation| operation.action() == Action::Receive)
}
