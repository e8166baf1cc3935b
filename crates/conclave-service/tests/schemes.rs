//! Every kind of security that a document may ask for, under every attack.

use async_trait::async_trait;
use conclave_service::testing::{Breach, Harness, Sample, attack};
use conclave_service::{
    AsyncApiError, AsyncApiResult, AuthError, Authenticator, Call, ChannelSpec, Claims, Connection,
    Credential, Dispatch, OperationSpec, Requirement, Scheme, ServiceSpec, Subscriptions,
};

const JWT: Requirement = Requirement::new("jwt", Scheme::HttpBearer);
const OAUTH: Requirement = Requirement::new("oauth", Scheme::OAuth2);
const OPEN_ID: Requirement = Requirement::new("openId", Scheme::OpenIdConnect);
const BASIC: Requirement = Requirement::new("basic", Scheme::HttpBasic);
const PASSWORD: Requirement = Requirement::new("password", Scheme::UserPassword);
const IN_HEADER: Requirement = Requirement::new("inHeader", Scheme::ApiKeyHeader("X-Api-Key"));
const IN_QUERY: Requirement = Requirement::new("inQuery", Scheme::ApiKeyQuery("api_key"));
const IN_COOKIE: Requirement = Requirement::new("inCookie", Scheme::ApiKeyCookie("sid"));

const ASK: usize = 0;
const TELL: usize = 1;

const CHANNELS: &[ChannelSpec] = &[ChannelSpec::new("room", "rooms/{room}")];
const OPERATIONS: &[OperationSpec] = &[
    OperationSpec::receive("ask", 0)
        .replies()
        .permissions(&["room:ask", "room:write"]),
    OperationSpec::send("tell", 0).permissions(&["room:read"]),
    OperationSpec::receive("note", 0),
];

const fn spec(security: &'static [&'static [Requirement]]) -> ServiceSpec {
    ServiceSpec::new("Schemes", "1")
        .path("/v1/stream")
        .security(security)
        .channels(CHANNELS)
        .operations(OPERATIONS)
}

struct Echo;

impl Dispatch for Echo {
    async fn dispatch(&self, route: usize, call: &mut Call<'_>) -> AsyncApiResult<()> {
        match route {
            ASK => call.reply(call.raw_payload()),
            _ => Err(AsyncApiError::unknown_operation()),
        }
    }
}

async fn attacked(spec: &'static ServiceSpec) -> Result<(), Breach> {
    let harness = Harness::new(spec, Echo)?;
    let room = |name| spec.address(0, &[("room", name)]);
    let ask = Sample::new(ASK, room("a")?, r#"{"a":[1]}"#);
    let tell = Sample::new(TELL, room("a")?, r#"{"a":[1]}"#);
    attack::accepted(&harness, &ask).await?;
    attack::valid_by_header(&harness).await?;
    attack::valid_by_query(&harness).await?;
    attack::no_token(&harness).await?;
    attack::bad_token(&harness).await?;
    attack::expired_token(&harness).await?;
    attack::wrong_audience(&harness).await?;
    attack::alg_none(&harness).await?;
    attack::missing_permission(&harness, &ask).await?;
    attack::missing_permission(&harness, &tell).await?;
    attack::unknown_operation(&harness).await?;
    attack::malformed_envelope(&harness).await?;
    attack::oversized_payload(&harness, &ask).await?;
    attack::another_rooms_message(&harness, &tell, &room("b")?).await
}

macro_rules! under_attack {
    ($($name:ident: $security:expr;)*) => {$(
        #[tokio::test]
        async fn $name() -> Result<(), Breach> {
            static SPEC: ServiceSpec = spec($security);
            attacked(&SPEC).await
        }
    )*};
}

under_attack! {
    a_bearer_token_holds: &[&[JWT]];
    oauth_with_scopes_holds: &[&[OAUTH.scopes(&["read", "write"])]];
    open_id_holds: &[&[OPEN_ID]];
    basic_holds: &[&[BASIC]];
    user_and_password_hold: &[&[PASSWORD]];
    a_key_in_the_header_holds: &[&[IN_HEADER]];
    a_key_in_the_query_holds: &[&[IN_QUERY]];
    a_key_in_a_cookie_holds: &[&[IN_COOKIE]];
    a_token_beside_a_key_holds: &[&[JWT, IN_HEADER]];
    a_token_beside_a_password_holds: &[&[JWT, BASIC]];
    a_key_or_a_token_holds: &[&[IN_QUERY], &[JWT]];
    two_kinds_of_token_hold: &[&[JWT], &[OAUTH.scopes(&["read"])]];
    a_token_that_is_not_asked_for_at_the_door_holds: &[&[], &[JWT]];
}

#[tokio::test]
async fn security_of_one_operation_alone_holds() -> Result<(), Breach> {
    const WRITE: Requirement = OAUTH.scopes(&["write"]);
    static SPEC: ServiceSpec = ServiceSpec::new("Schemes", "1")
        .channels(CHANNELS)
        .operations(&[
            OperationSpec::receive("ask", 0)
                .replies()
                .security(&[&[WRITE]]),
            OperationSpec::send("tell", 0).security(&[&[WRITE]]),
        ]);
    attacked(&SPEC).await
}

#[tokio::test]
async fn a_service_without_security_answers_what_it_must() -> Result<(), Breach> {
    static SPEC: ServiceSpec = ServiceSpec::new("Schemes", "1")
        .channels(CHANNELS)
        .operations(&[
            OperationSpec::receive("ask", 0).replies(),
            OperationSpec::send("tell", 0),
        ]);
    attacked(&SPEC).await
}

/// Believes anybody, and grants them everything.
struct Gullible;

#[async_trait]
impl Authenticator for Gullible {
    async fn authenticate(&self, _: &Credential) -> Result<Claims, AuthError> {
        Ok(Claims::new("ann").with_permissions(["room:ask", "room:write", "room:read"]))
    }
}

/// Lets everybody hear two rooms.
struct Talkative;

#[async_trait]
impl Subscriptions for Talkative {
    async fn opened(&self, connection: &Connection) -> AsyncApiResult<()> {
        for room in ["a", "b"] {
            connection.subscribe(&BEARER.address(0, &[("room", room)])?)?;
        }
        Ok(())
    }
}

static BEARER: ServiceSpec = spec(&[&[JWT]]);

#[tokio::test]
async fn the_attacks_get_through_where_they_can() -> Result<(), Breach> {
    let gullible = Harness::with(&BEARER, Echo, |builder| {
        builder.authenticator("jwt", Gullible)
    })?;
    let room = |name| BEARER.address(0, &[("room", name)]);
    let ask = Sample::new(ASK, room("a")?, "{}");
    let tell = Sample::new(TELL, room("a")?, "{}");
    assert!(attack::bad_token(&gullible).await.is_err());
    assert!(attack::expired_token(&gullible).await.is_err());
    assert!(attack::wrong_audience(&gullible).await.is_err());
    assert!(attack::alg_none(&gullible).await.is_err());
    assert!(attack::missing_permission(&gullible, &ask).await.is_err());
    assert!(attack::missing_permission(&gullible, &tell).await.is_err());
    let talkative = Harness::with(&BEARER, Echo, |builder| builder.subscriptions(Talkative))?;
    let heard = attack::another_rooms_message(&talkative, &tell, &room("b")?).await;
    assert!(heard.is_err());
    // A message that its handler does not know how to serve is no accepted one.
    let broken = Sample::new(2, room("a")?, "{}");
    let accepted = attack::accepted(&Harness::new(&BEARER, Echo)?, &broken).await;
    assert!(accepted.is_err());
    Ok(())
}
