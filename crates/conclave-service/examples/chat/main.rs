//! A chat service: `cargo run -p conclave-service --example chat -- 127.0.0.1:8090`, with the
//! tokens' secret in the file that the second argument names.
//!
//! Everybody is in the rooms that their token lists as roles `room:NAME`.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "generated, it is a crate of its own, with a client too"
)]
mod service;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::OnceLock;

use async_trait::async_trait;
use conclave_service::{
    AsyncApiError, AsyncApiResult, Connection, JwtServerAuthHandler, JwtValidator, MessageContext,
    Server, ServerConfig, Service, Subscriptions,
};
use service::{
    ChatMessage, ChatMessagesService, DeliveryStatus, MessageDelivered, ProfileUpdateRequest,
    ProfileUpdateResponse, ProfileUpdateService, ROOM_MESSAGES, RoomMessagesPublisher, Router,
    SPEC,
};
use std::sync::Arc;

/// The rooms: what is sent into one is told to those who are in it.
#[derive(Clone, Default)]
struct MyChatService {
    publisher: Arc<OnceLock<RoomMessagesPublisher>>,
}

impl MyChatService {
    async fn send_message(
        &self,
        request: ChatMessage,
        user_id: &str,
    ) -> AsyncApiResult<MessageDelivered> {
        let publisher = self.publisher.get();
        let publisher = publisher.ok_or_else(|| AsyncApiError::unavailable("starting"))?;
        let message = ChatMessage {
            user_id: user_id.to_owned(),
            ..request
        };
        publisher.receive_chat_message(&message.room_id, &message)?;
        Ok(MessageDelivered {
            message_id: message.message_id,
            room_id: message.room_id,
            delivered_at: message.timestamp,
            status: DeliveryStatus::Delivered,
            error: None,
        })
    }
}

#[async_trait]
impl ChatMessagesService for MyChatService {
    async fn handle_send_chat_message(
        &self,
        request: ChatMessage,
        context: &MessageContext,
    ) -> AsyncApiResult<MessageDelivered> {
        // Security context automatically available
        let user_id = context.authenticated_user()?;
        if !context
            .claims()?
            .has_role(&format!("room:{}", request.room_id))
        {
            return Err(AsyncApiError::not_found("no such room"));
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
        let changed = [
            ("display_name", request.updates.display_name.is_some()),
            ("bio", request.updates.bio.is_some()),
        ];
        Ok(ProfileUpdateResponse {
            request_id: request.request_id,
            success: true,
            updated_fields: changed
                .into_iter()
                .filter(|(_, is_changed)| *is_changed)
                .map(|(name, _)| name.to_owned())
                .collect(),
            timestamp: context.now().into(),
        })
    }
}

/// Everybody hears the rooms of their token.
struct Memberships;

#[async_trait]
impl Subscriptions for Memberships {
    async fn opened(&self, connection: &Connection) -> AsyncApiResult<()> {
        if let Some(claims) = connection.claims() {
            for room in claims.roles().filter_map(|role| role.strip_prefix("room:")) {
                connection.subscribe(&SPEC.address(ROOM_MESSAGES, &[("room_id", room)])?)?;
            }
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: chat ADDRESS:PORT SECRET_FILE";
    let listen: SocketAddr = arguments.next().ok_or(usage)?.parse()?;
    let secret = std::fs::read(arguments.next().ok_or(usage)?)?;
    let jwt_validator = JwtValidator::hmac(&secret)?
        .issuer("chat-service")
        .audience("chat-clients")
        .build()?;

    let chat = MyChatService::default();
    let service = Service::builder(&SPEC, Router::new(chat.clone(), MyProfiles))
        .authenticator("jwtAuth", JwtServerAuthHandler::new(jwt_validator))
        .subscriptions(Memberships)
        .build()?;
    let publisher = RoomMessagesPublisher::new(service.publisher());
    chat.publisher.get_or_init(|| publisher);

    let server = Server::bind(service, ServerConfig::listen(listen)).await?;
    println!("ws://{}{}", server.local_addr(), SPEC.base_path());
    server
        .run(async {
            tokio::signal::ctrl_c().await.unwrap_or_default();
        })
        .await;
    Ok(())
}
