//! The chat service of the documentation, written by hand as a generated crate holds it: the
//! document as constants, types, one trait per channel, router, publisher and client.

use async_trait::async_trait;
use conclave_service::format::{DateTime, Uuid};
use conclave_service::{
    AsyncApiError, AsyncApiResult, Call, ChannelSpec, Client, ClientConfig, ClientError, Dispatch,
    Events, FromParameters, FromPush, MessageContext, OperationSpec, Parameters, Publisher, Push,
    Reach, Requirement, Scheme, ServiceSpec,
};
use serde::{Deserialize, Serialize};

/// The channel `chatMessages`.
pub const CHAT_MESSAGES: usize = 0;
/// The channel `profileUpdate`.
pub const PROFILE_UPDATE: usize = 1;
/// The channel `roomMessages`.
pub const ROOM_MESSAGES: usize = 2;

/// The operation `sendChatMessage`.
pub const SEND_CHAT_MESSAGE: usize = 0;
/// The operation `updateUserProfile`.
pub const UPDATE_USER_PROFILE: usize = 1;
/// The operation `receiveChatMessage`.
pub const RECEIVE_CHAT_MESSAGE: usize = 2;

const JWT_AUTH: Requirement = Requirement::new("jwtAuth", Scheme::HttpBearer);

/// What the document says.
pub static SPEC: ServiceSpec = ServiceSpec::new("WebSocket Secure Chat Service", "1.0.0")
    .path("/chat")
    .security(&[&[JWT_AUTH]])
    .channels(&[
        ChannelSpec::new("chatMessages", "chat/messages"),
        ChannelSpec::new("profileUpdate", "profile/update"),
        ChannelSpec::new("roomMessages", "chat/rooms/{room_id}/messages"),
    ])
    .operations(&[
        OperationSpec::receive("sendChatMessage", CHAT_MESSAGES)
            .replies()
            .permissions(&["chat:send"]),
        OperationSpec::receive("updateUserProfile", PROFILE_UPDATE)
            .replies()
            .permissions(&["profile:update"]),
        OperationSpec::send("receiveChatMessage", ROOM_MESSAGES)
            .permissions(&["conversation.read"]),
    ]);

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageType {
    /// Text.
    Text,
    /// An image.
    Image,
    /// A file.
    File,
    /// Of the service itself.
    System,
}

/// A text of at most 2,000 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Content(String);

impl TryFrom<String> for Content {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().count() > 2000 {
            return Err("must have at most 2000 characters");
        }
        Ok(Self(text))
    }
}

impl From<Content> for String {
    fn from(content: Content) -> Self {
        content.0
    }
}

/// A chat message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Its id.
    pub message_id: Uuid,
    /// The room.
    pub room_id: String,
    /// Who sent it.
    pub user_id: String,
    /// The sender's name.
    pub username: String,
    /// The text.
    pub content: Content,
    /// What it is.
    pub message_type: MessageType,
    /// When it was sent.
    pub timestamp: DateTime,
    /// What it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Uuid>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveryStatus {
    /// It is stored.
    Delivered,
    /// It is not.
    Failed,
    /// It will be said later.
    Pending,
}

/// A delivery confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDelivered {
    /// The message.
    pub message_id: Uuid,
    /// The room.
    pub room_id: String,
    /// When.
    pub delivered_at: DateTime,
    /// What became of it.
    pub status: DeliveryStatus,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What is changed in a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileUpdates {
    /// The name that others see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// A few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
}

/// A change of one's profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileUpdateRequest {
    /// Its id.
    pub request_id: Uuid,
    /// What is changed.
    pub updates: ProfileUpdates,
    /// When it was sent.
    pub timestamp: DateTime,
}

/// What became of the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileUpdateResponse {
    /// Of the request.
    pub request_id: Uuid,
    /// Whether it was done.
    pub success: bool,
    /// What was changed.
    #[serde(default)]
    pub updated_fields: Vec<String>,
    /// When.
    pub timestamp: DateTime,
}

/// The channel `chatMessages`.
#[async_trait]
pub trait ChatMessagesService: Send + Sync + 'static {
    /// `sendChatMessage`: needs `chat:send`.
    async fn handle_send_chat_message(
        &self,
        request: ChatMessage,
        context: &MessageContext,
    ) -> AsyncApiResult<MessageDelivered>;
}

/// The channel `profileUpdate`.
#[async_trait]
pub trait ProfileUpdateService: Send + Sync + 'static {
    /// `updateUserProfile`: needs `profile:update`.
    async fn handle_update_user_profile(
        &self,
        request: ProfileUpdateRequest,
        context: &MessageContext,
    ) -> AsyncApiResult<ProfileUpdateResponse>;
}

/// Hands each message to its handler.
#[derive(Clone, Debug)]
pub struct Router<C, P> {
    chat_messages: C,
    profile_update: P,
}

impl<C, P> Router<C, P> {
    /// With these handlers.
    #[must_use]
    pub const fn new(chat_messages: C, profile_update: P) -> Self {
        Self {
            chat_messages,
            profile_update,
        }
    }
}

impl<C: ChatMessagesService, P: ProfileUpdateService> Dispatch for Router<C, P> {
    async fn dispatch(&self, route: usize, call: &mut Call<'_>) -> AsyncApiResult<()> {
        match route {
            SEND_CHAT_MESSAGE => {
                let reply = self
                    .chat_messages
                    .handle_send_chat_message(call.payload()?, call.context())
                    .await?;
                call.reply(&reply)
            }
            UPDATE_USER_PROFILE => {
                let reply = self
                    .profile_update
                    .handle_update_user_profile(call.payload()?, call.context())
                    .await?;
                call.reply(&reply)
            }
            _ => Err(AsyncApiError::unknown_operation()),
        }
    }
}

/// The parameters of `chat/rooms/{room_id}/messages`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomMessagesParameters {
    /// The room.
    pub room_id: String,
}

impl FromParameters for RoomMessagesParameters {
    fn from_parameters(parameters: &Parameters<'_>) -> AsyncApiResult<Self> {
        Ok(Self {
            room_id: parameters.parse("room_id")?,
        })
    }
}

/// Publishes on `roomMessages`.
#[derive(Clone, Debug)]
pub struct RoomMessagesPublisher {
    publisher: Publisher,
}

impl RoomMessagesPublisher {
    /// Of this service.
    #[must_use]
    pub const fn new(publisher: Publisher) -> Self {
        Self { publisher }
    }

    /// `receiveChatMessage`, to those who hear this room.
    ///
    /// # Errors
    /// The room's name is empty or too long.
    pub fn receive_chat_message(
        &self,
        room_id: &str,
        message: &ChatMessage,
    ) -> AsyncApiResult<Reach> {
        let address = SPEC.address(ROOM_MESSAGES, &[("room_id", room_id)])?;
        self.publisher
            .publish(RECEIVE_CHAT_MESSAGE, &address, message)
    }
}

/// A client of the service.
#[derive(Clone, Debug)]
pub struct ChatClient {
    client: Client,
}

impl ChatClient {
    /// Connects.
    ///
    /// # Errors
    /// No connection, or a refused handshake.
    pub async fn connect(config: ClientConfig) -> Result<Self, ClientError> {
        let client = Client::connect(&SPEC, config).await?;
        Ok(Self { client })
    }

    /// Over a connection that is there already.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    /// `sendChatMessage`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn send_chat_message(
        &self,
        request: &ChatMessage,
    ) -> Result<MessageDelivered, ClientError> {
        let address = SPEC.address(CHAT_MESSAGES, &[])?;
        self.client
            .request(SEND_CHAT_MESSAGE, &address, request)
            .await
    }

    /// What the service sends by itself.
    #[must_use]
    pub fn events(&self) -> Events<ChatEvent> {
        self.client.events()
    }

    /// Ends the connection.
    ///
    /// # Errors
    /// It had ended already.
    pub async fn close(&self) -> Result<(), ClientError> {
        self.client.close().await
    }
}

/// What the service sends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatEvent {
    /// `receiveChatMessage`.
    ReceiveChatMessage {
        /// Where.
        parameters: RoomMessagesParameters,
        /// The message.
        message: ChatMessage,
    },
    /// A further reply of `sendChatMessage`.
    SendChatMessageReply {
        /// Of the request.
        correlation_id: Option<String>,
        /// The reply.
        reply: MessageDelivered,
    },
}

impl FromPush for ChatEvent {
    fn from_push(push: &Push) -> Result<Self, ClientError> {
        match push.route() {
            RECEIVE_CHAT_MESSAGE => Ok(Self::ReceiveChatMessage {
                parameters: push.parameters()?,
                message: push.payload()?,
            }),
            SEND_CHAT_MESSAGE => Ok(Self::SendChatMessageReply {
                correlation_id: push.correlation_id().map(str::to_owned),
                reply: push.payload()?,
            }),
            _ => Err(push.unknown()),
        }
    }
}
