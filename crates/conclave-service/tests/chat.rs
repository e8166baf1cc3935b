//! The documentation's chat service, over a pipe and over sockets, and under attack.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests, and what they are made of"
)]

#[expect(unreachable_pub, reason = "generated, it is a crate of its own")]
#[path = "../examples/chat/service.rs"]
mod service;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use conclave_service::testing::{Access, Breach, Harness, Heard, Sample, TestConnection, attack};
use conclave_service::{
    AsyncApiError, AsyncApiResult, AuditKind, AuthRequest, Client, ClientConfig, ClientError,
    ErrorCode, JwtServerAuthHandler, JwtValidator, Limits, MessageContext, Service, StartError,
};
use service::{
    CHAT_MESSAGES, ChatClient, ChatEvent, ChatMessage, ChatMessagesService, DeliveryStatus,
    MessageDelivered, ProfileUpdateRequest, ProfileUpdateResponse, ProfileUpdateService,
    RECEIVE_CHAT_MESSAGE, ROOM_MESSAGES, RoomMessagesPublisher, Router, SEND_CHAT_MESSAGE, SPEC,
};

/// Delivers at once; `later` is answered twice, `slow` and `broken` as their names say.
#[derive(Clone, Default)]
struct MyChatService {
    publisher: Arc<OnceLock<RoomMessagesPublisher>>,
    gate: Arc<tokio::sync::Notify>,
    entered: Arc<tokio::sync::Notify>,
}

impl MyChatService {
    async fn send_message(
        &self,
        request: ChatMessage,
        user_id: &str,
    ) -> AsyncApiResult<MessageDelivered> {
        let message = ChatMessage {
            user_id: user_id.to_owned(),
            ..request
        };
        if let Some(publisher) = self.publisher.get() {
            publisher.receive_chat_message(&message.room_id, &message)?;
        }
        Ok(MessageDelivered {
            message_id: message.message_id,
            room_id: message.room_id,
            delivered_at: message.timestamp,
            status: DeliveryStatus::Delivered,
            error: None,
        })
    }
}

// As the documentation prints it, but for the rooms that behave in their own way.
#[async_trait]
impl ChatMessagesService for MyChatService {
    async fn handle_send_chat_message(
        &self,
        request: ChatMessage,
        context: &MessageContext,
    ) -> AsyncApiResult<MessageDelivered> {
        // Security context automatically available
        let user_id = context.authenticated_user()?;
        match request.room_id.as_str() {
            "broken" => return Err(AsyncApiError::internal("the disk is on fire")),
            "panics" => panic!("a handler that panics"),
            "slow" => {
                self.entered.notify_one();
                self.gate.notified().await;
            }
            "later" => {
                let later = context.later();
                let delivered = self.send_message(request.clone(), user_id).await?;
                let pending = MessageDelivered {
                    status: DeliveryStatus::Pending,
                    ..delivered.clone()
                };
                later.reply(&delivered)?;
                return Ok(pending);
            }
            _ => {}
        }

        // Business logic with security enforcement
        self.send_message(request, user_id).await
    }
}

struct MyProfiles;

#[async_trait]
impl ProfileUpdateService for MyProfiles {
    async fn handle_update_user_profile(
        &self,
        request: ProfileUpdateRequest,
        context: &MessageContext,
    ) -> AsyncApiResult<ProfileUpdateResponse> {
        Ok(ProfileUpdateResponse {
            request_id: request.request_id,
            success: true,
            updated_fields: Vec::new(),
            timestamp: context.now().into(),
        })
    }
}

type Chat = Harness<Router<MyChatService, MyProfiles>>;

fn harness() -> Result<Chat, Breach> {
    Ok(started().0)
}

fn started() -> (Chat, MyChatService) {
    limited(Limits::default())
}

fn limited(limits: Limits) -> (Chat, MyChatService) {
    let chat = MyChatService::default();
    let router = Router::new(chat.clone(), MyProfiles);
    let harness = Harness::with(&SPEC, router, |builder| builder.limits(limits)).unwrap();
    let publisher = RoomMessagesPublisher::new(harness.service().publisher());
    chat.publisher.get_or_init(|| publisher);
    (harness, chat)
}

fn message(room: &str) -> String {
    format!(
        r#"{{"message_id":"6f9619ff-8b86-d011-b42d-00c04fc964ff","room_id":"{room}",
        "user_id":"x","username":"Ann","content":"Hi","message_type":"Text",
        "timestamp":"2024-01-24T10:25:37Z"}}"#
    )
}

fn typed(room: &str) -> ChatMessage {
    serde_json::from_str(&message(room)).unwrap()
}

fn sample() -> Result<Sample, Breach> {
    let address = SPEC.address(CHAT_MESSAGES, &[])?;
    Ok(Sample::new(SEND_CHAT_MESSAGE, address, message("general")))
}

fn room(name: &str) -> conclave_service::Address {
    SPEC.address(ROOM_MESSAGES, &[("room_id", name)]).unwrap()
}

async fn client(harness: &Chat, user: &str) -> ChatClient {
    let token = harness.full_token().user(user).mint();
    let config = ClientConfig::new("ws://service.test/chat").bearer(&token);
    let stream = harness.stream().await.unwrap();
    ChatClient::new(Client::over(&SPEC, stream, config).await.unwrap())
}

/// What the documentation prints under "Server-Level Authentication" and "Permission Checking".
#[tokio::test]
async fn the_documentations_lines_do_what_they_say() -> Result<(), Box<dyn std::error::Error>> {
    let secret = b"a secret of more than thirty-two bytes, for this test";
    let token = conclave_service::testing::TestToken::at(
        conclave_service::Timestamp::from_seconds(1_700_000_000),
    )
    .user("user123")
    .claim("iss", "chat-service".into())
    .audience("chat-clients")
    .permissions(["chat:send", "profile:update"])
    .signed_with(secret)
    .mint();
    let jwt_validator = JwtValidator::hmac(secret)?
        .issuer("chat-service")
        .audience("chat-clients")
        .clock(conclave_service::testing::TestClock::new())
        .build()?;
    let jwt_validator = Arc::new(jwt_validator);

    let claims = jwt_validator.validate_token(&token)?;
    assert!(claims.has_permission("chat:send"));
    assert!(!claims.has_permission("chat"));
    assert_eq!(claims.subject(), "user123");

    let auth_request = AuthRequest::new(&format!("/chat?token={token}"));
    let server_auth_handler = JwtServerAuthHandler::new(jwt_validator);
    let auth_result = server_auth_handler
        .authenticate_connection(&auth_request)
        .await?;
    assert!(auth_result.claims.has_permission("profile:update"));
    Ok(())
}

#[tokio::test]
async fn every_attack_is_repelled() -> Result<(), Breach> {
    attacked(&harness()?).await
}

#[tokio::test]
async fn every_attack_is_repelled_over_sockets() -> Result<(), Breach> {
    let mut harness = harness()?.on_socket().await?;
    attacked(&harness).await?;
    harness.stop().await;
    Ok(())
}

async fn attacked(harness: &Chat) -> Result<(), Breach> {
    attack::accepted(harness, &sample()?).await?;
    attack::valid_by_header(harness).await?;
    attack::valid_by_query(harness).await?;
    attack::no_token(harness).await?;
    attack::bad_token(harness).await?;
    attack::expired_token(harness).await?;
    attack::wrong_audience(harness).await?;
    attack::alg_none(harness).await?;
    attack::missing_permission(harness, &sample()?).await?;
    attack::unknown_operation(harness).await?;
    attack::malformed_envelope(harness).await?;
    attack::oversized_payload(harness, &sample()?).await?;
    let heard = Sample::new(RECEIVE_CHAT_MESSAGE, room("a"), message("a"));
    attack::missing_permission(harness, &heard).await?;
    attack::another_rooms_message(harness, &heard, &room("b")).await
}

#[tokio::test]
async fn a_request_is_answered_and_the_room_hears_of_it() {
    let (harness, _) = started();
    let ann = client(&harness, "ann").await;
    let bob = client(&harness, "bob").await;
    let mut heard = bob.events();
    // The first answer says that the connection is open.
    bob.send_chat_message(&typed("elsewhere")).await.unwrap();
    for connection in harness.service().connections().of_user("bob") {
        connection.subscribe(&room("general")).unwrap();
    }
    let delivered = ann.send_chat_message(&typed("general")).await.unwrap();
    assert_eq!(delivered.status, DeliveryStatus::Delivered);
    let event = heard.next().await.unwrap().unwrap();
    let ChatEvent::ReceiveChatMessage {
        parameters,
        message,
    } = event
    else {
        panic!("{event:?}");
    };
    assert_eq!(parameters.room_id, "general");
    assert_eq!(message.user_id, "ann", "the token says who, not the client");
}

#[tokio::test]
async fn a_second_reply_comes_as_an_event_with_its_correlation_id() {
    let (harness, _) = started();
    let ann = client(&harness, "ann").await;
    let mut events = ann.events();
    let pending = ann.send_chat_message(&typed("later")).await.unwrap();
    // The second reply was queued first, so either may be the one that answers.
    assert_ne!(pending.status, DeliveryStatus::Failed);
    let event = events.next().await.unwrap().unwrap();
    let ChatEvent::SendChatMessageReply {
        correlation_id,
        reply,
    } = event
    else {
        panic!("{event:?}");
    };
    assert!(correlation_id.is_some());
    assert_eq!(reply.status, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn errors_name_the_field_and_hide_what_is_internal() {
    let (harness, _) = started();
    let ann = client(&harness, "ann").await;
    let error = ann.send_chat_message(&typed("broken")).await.unwrap_err();
    let ClientError::Remote(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("internal", "internal error")
    );
    assert!(
        harness
            .witness()
            .events()
            .iter()
            .any(|event| event.detail == "the disk is on fire")
    );

    let mut raw = harness.connect(&harness.full_access()).await.unwrap();
    let long = message("general").replace("Hi", &"x".repeat(2001));
    let answer = raw.request("sendChatMessage", None, &long).await.unwrap();
    assert_eq!(answer.pointer("/error/details/0/field").unwrap(), "content");
    assert_eq!(
        answer.pointer("/error/details/0/message").unwrap(),
        "must have at most 2000 characters"
    );
    let answer = raw.request("sendChatMessage", None, "{}").await.unwrap();
    assert_eq!(answer.pointer("/error/code").unwrap(), "invalid_payload");
    assert_eq!(
        answer.pointer("/error/details/0/field").unwrap(),
        "message_id"
    );
    assert_eq!(
        answer.pointer("/error/operation").unwrap(),
        "sendChatMessage"
    );
}

#[tokio::test]
async fn pushes_go_out_while_a_handler_works() {
    let (harness, chat) = started();
    let mut raw = harness.connect(&harness.full_access()).await.unwrap();
    raw.connection().unwrap().subscribe(&room("a")).unwrap();
    let slow = format!(
        r#"{{"operation":"sendChatMessage","correlation_id":"s","payload":{}}}"#,
        message("slow")
    );
    raw.send(&slow).await.unwrap();
    chat.entered.notified().await;
    chat.publisher
        .get()
        .unwrap()
        .receive_chat_message("a", &typed("a"))
        .unwrap();
    let push = raw.message().await.unwrap();
    assert_eq!(push.get("operation").unwrap(), "receiveChatMessage");
    chat.gate.notify_one();
    let reply = raw.message().await.unwrap();
    assert_eq!(reply.get("correlation_id").unwrap(), "s");
}

#[tokio::test]
async fn a_token_that_ends_takes_its_connection_along() {
    let (harness, _) = started();
    let mut raw = harness.connect(&harness.full_access()).await.unwrap();
    harness
        .clock()
        .advance(std::time::Duration::from_secs(3700));
    raw.send(r#"{"operation":"sendChatMessage"}"#)
        .await
        .unwrap();
    assert!(matches!(
        raw.next().await.unwrap(),
        Heard::Closed { code: 4001, .. }
    ));
    assert!(harness.witness().saw(AuditKind::ConnectionEnded, None));
}

#[tokio::test]
async fn a_renewal_takes_rights_away_at_once() {
    let (harness, _) = started();
    let mut raw = harness.connect(&harness.full_access()).await.unwrap();
    let connection = raw.connection().unwrap().clone();
    let stranger = conclave_service::Claims::new("mallory");
    assert_eq!(
        connection.renew(stranger).unwrap_err().code(),
        ErrorCode::Forbidden
    );
    connection
        .renew(conclave_service::Claims::new("ann"))
        .unwrap();
    let answer = raw
        .request("sendChatMessage", None, &message("general"))
        .await
        .unwrap();
    assert_eq!(TestConnection::error_code(&answer), "forbidden");
}

#[tokio::test]
async fn limits_hold() {
    let (harness, _) = limited(Limits {
        connections_per_user: 1,
        messages_per_second: 1,
        messages_burst: 2,
        ..Limits::default()
    });
    let mut raw = harness.connect(&harness.full_access()).await.unwrap();
    let second = harness.connect(&harness.full_access()).await.unwrap_err();
    assert!(
        matches!(second, ClientError::Refused { code: 4008, .. }),
        "{second:?}"
    );
    for expected in ["", "", "rate_limited"] {
        let answer = raw
            .request("sendChatMessage", None, &message("general"))
            .await
            .unwrap();
        assert_eq!(TestConnection::error_code(&answer), expected);
    }
    let mut told = 0;
    loop {
        // Whoever is closed may not be able to send any more.
        raw.send("{}").await.unwrap_or_default();
        match raw.next().await.unwrap() {
            Heard::Message(_) => told += 1,
            Heard::Closed { code, .. } => break assert_eq!(code, 1008),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, 99);
}

#[tokio::test]
async fn a_service_that_could_not_check_its_security_does_not_start() {
    let router = || Router::new(MyChatService::default(), MyProfiles);
    let missing = Service::builder(&SPEC, router()).build().unwrap_err();
    assert_eq!(
        missing,
        StartError::AuthenticatorMissing("jwtAuth".to_owned())
    );

    static OPEN: conclave_service::ServiceSpec = conclave_service::ServiceSpec::new("open", "1")
        .channels(&[conclave_service::ChannelSpec::new("c", "c")])
        .operations(
            &[conclave_service::OperationSpec::receive("o", 0).permissions(&["chat:send"])],
        );
    let unprotected = Service::builder(&OPEN, router()).build().unwrap_err();
    assert_eq!(unprotected, StartError::Unprotected("o".to_owned()));
}

#[tokio::test]
async fn another_channels_address_is_refused() {
    let (harness, _) = started();
    let mut raw = harness.connect(&harness.full_access()).await.unwrap();
    let answer = raw
        .request(
            "sendChatMessage",
            Some("profile/update"),
            &message("general"),
        )
        .await
        .unwrap();
    assert_eq!(answer.pointer("/error/details/0/field").unwrap(), "channel");
    // A path that names a channel which nobody may hear is refused.
    let access = harness.full_access().at("chat/rooms/general/messages");
    let refused = harness.connect(&access).await.unwrap_err();
    assert!(
        matches!(refused, ClientError::Refused { code: 4003, .. }),
        "{refused:?}"
    );
    let nowhere = harness
        .connect(&harness.full_access().at("nowhere"))
        .await
        .unwrap_err();
    assert!(
        matches!(nowhere, ClientError::Refused { code: 404, .. }),
        "{nowhere:?}"
    );
    // One that names a channel for everybody binds the connection to it.
    let access = harness.full_access().at("profile/update");
    let mut bound = harness.connect(&access).await.unwrap();
    let answer = bound
        .request(
            "sendChatMessage",
            Some("chat/messages"),
            &message("general"),
        )
        .await
        .unwrap();
    assert_eq!(TestConnection::error_code(&answer), "forbidden");
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let (harness, _) = started();
    let foreign = harness
        .full_access()
        .with_header("Origin", "https://evil.test");
    let refused = harness.connect(&foreign).await.unwrap_err();
    assert!(
        matches!(refused, ClientError::Refused { code: 403, .. }),
        "{refused:?}"
    );
    assert!(
        harness
            .witness()
            .saw(AuditKind::HandshakeRefused, Some(ErrorCode::Forbidden))
    );
    let own = harness
        .full_access()
        .with_header("Origin", "http://service.test");
    harness.connect(&own).await.unwrap();
    let token = harness.full_token();
    let both = Access::token(&token.mint()).with_query("token", &token.user("bob").mint());
    let refused = harness.connect(&both).await.unwrap_err();
    assert!(
        matches!(refused, ClientError::Refused { code: 4001, .. }),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_handler_that_panics_takes_only_its_own_connection_along() {
    let harness = harness().unwrap().on_socket().await.unwrap();
    let mut raw = harness.connect(&harness.full_access()).await.unwrap();
    let mut other = harness.connect(&harness.full_access()).await.unwrap();
    let text = format!(
        r#"{{"operation":"sendChatMessage","payload":{}}}"#,
        message("panics")
    );
    raw.send(&text).await.unwrap();
    assert!(matches!(raw.next().await, Ok(Heard::Ended) | Err(_)));
    let answer = other
        .request("sendChatMessage", None, &message("general"))
        .await
        .unwrap();
    assert_eq!(TestConnection::error_code(&answer), "");
}

#[tokio::test]
async fn an_address_that_is_refused_again_and_again_is_let_in_no_more() {
    let (harness, _) = limited(Limits {
        refused_handshakes_per_minute: 3,
        ..Limits::default()
    });
    let harness = harness.on_socket().await.unwrap();
    for _ in 0..3 {
        let refused = harness.connect(&Access::token("a.b.c")).await.unwrap_err();
        assert!(matches!(refused, ClientError::Refused { code: 4001, .. }));
    }
    // The last refusal is counted once its socket has ended.
    let code = loop {
        match harness.connect(&Access::token("a.b.c")).await {
            Err(ClientError::Refused { code, .. }) if code != 4001 => break code,
            Err(_) => tokio::task::yield_now().await,
            Ok(_) => panic!("a bad token got in"),
        }
    };
    assert_eq!(code, 429);
    let good = harness.connect(&harness.full_access()).await.unwrap_err();
    assert!(
        matches!(
            good,
            ClientError::Refused { code: 429, .. } | ClientError::Connect(_)
        ),
        "{good:?}"
    );
    harness.clock().advance(std::time::Duration::from_secs(60));
    harness.connect(&harness.full_access()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_ends_says_so_to_everybody() {
    let mut harness = harness().unwrap().on_socket().await.unwrap();
    let mut raw = harness.connect(&harness.full_access()).await.unwrap();
    let url = harness.url().unwrap();
    let token = harness.full_token().user("bob").mint();
    let bob = ChatClient::connect(ClientConfig::new(url).bearer(&token))
        .await
        .unwrap();
    let mut events = bob.events();
    bob.send_chat_message(&typed("general")).await.unwrap();
    let stopped = harness.stop();
    let (heard, ()) = tokio::join!(raw.next(), stopped);
    assert!(matches!(heard.unwrap(), Heard::Closed { code: 1001, .. }));
    let end = events.next().await.unwrap().unwrap_err();
    assert!(
        matches!(end, ClientError::Closed { code: 1001, .. }),
        "{end:?}"
    );
    assert!(events.next().await.is_none());
    assert!(bob.close().await.is_err());
    let late = bob.send_chat_message(&typed("general")).await.unwrap_err();
    assert!(
        matches!(late, ClientError::Closed { code: 1001, .. }),
        "{late:?}"
    );
}
