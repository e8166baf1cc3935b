//! `sendChatMessage` and `updateMessageStatus`.

use std::sync::Arc;
use std::time::Duration;

use conclave_chat::model::{
    ChatMessage, DeliveryStatus, Done, MessageDelivered, MessageStatusUpdate, MessageType,
    ReceiptStatus,
};
use conclave_chat::service::{ChatMessagesService, MessageStatusService};
use conclave_core::{RoomFault, Sent};
use conclave_protocol::{
    DeliveryState, GiveReceipt, MessageId, MessageKind, Refusal, RoomId, SendMessage, Timestamp,
};
use conclave_service::format::{DateTime, Uuid};
use conclave_service::{AsyncApiResult, MessageContext, async_trait};

use super::{Caller, Desk, faults};

/// Which message an answer is about.
struct Named {
    message_id: Uuid,
    room_id: String,
}

#[async_trait]
impl ChatMessagesService for Desk {
    /// The client's id is the stored one, and the key of the message: the same message again is
    /// stored once. Who sends it is whom the token proves, whatever was written.
    async fn handle_send_chat_message(
        &self,
        request: ChatMessage,
        context: &MessageContext,
    ) -> AsyncApiResult<MessageDelivered> {
        let caller = Caller::of(context)?;
        let named = Named {
            message_id: request.message_id,
            room_id: request.room_id.to_string(),
        };
        let id = MessageId(request.message_id.as_u128());
        let send = command(request)?;
        let (permit, stamp) = (caller.permit(send)?, caller.stamp(context));
        let (rooms, answers) = (Arc::clone(&self.rooms), Arc::clone(&self.answers));
        let principal = caller.principal();
        let mut sending = Box::pin(async move {
            let sent = rooms.send(permit, id, stamp).await?;
            answers.asked(&principal, &sent);
            Ok(sent)
        });
        if let Ok(sent) = tokio::time::timeout(PATIENCE, &mut sending).await {
            return named.answer(sent, stamp.at);
        }
        let (later, pending) = (context.later(), named.delivered(stamp.at, PENDING));
        // Ends with the store's answer, which nobody may be left to hear.
        tokio::spawn(async move {
            let outcome = named.outcome(&sending.await, stamp.at);
            if let Err(error) = later.reply(&outcome) {
                tracing::error!(error = %error, "a reply cannot be written");
            }
        });
        Ok(pending)
    }
}

#[async_trait]
impl MessageStatusService for Desk {
    async fn handle_update_message_status(
        &self,
        request: MessageStatusUpdate,
        context: &MessageContext,
    ) -> AsyncApiResult<Done> {
        let caller = Caller::of(context)?;
        let permit = caller.permit(GiveReceipt {
            message: MessageId(request.message_id.as_u128()),
            room: None,
            status: match request.status {
                ReceiptStatus::Delivered => DeliveryState::Delivered,
                ReceiptStatus::Read => DeliveryState::Read,
            },
        })?;
        let given = self.rooms.give_receipt(permit, caller.stamp(context)).await;
        given.map_err(|fault| faults::of_rooms(&fault))?;
        Ok(Done { success: true })
    }
}

/// What a request asks of the core.
fn command(request: ChatMessage) -> AsyncApiResult<SendMessage> {
    let room = RoomId::new(&request.room_id).map_err(|_malformed| {
        // As a room that does not exist: nothing is told of which there are.
        faults::of_rooms(&RoomFault::no_room())
    })?;
    Ok(SendMessage {
        room,
        kind: kind(request.message_type),
        content: String::from(request.content).into(),
        reply_to: request.reply_to.map(|id| MessageId(id.as_u128())),
        client_id: Some(request.message_id.to_string().into()),
        id: Some(MessageId(request.message_id.as_u128())),
    })
}

const fn kind(named: MessageType) -> MessageKind {
    match named {
        MessageType::Text => MessageKind::Text,
        MessageType::Image => MessageKind::Image,
        MessageType::File => MessageKind::File,
        MessageType::System => MessageKind::System,
    }
}

impl Named {
    /// The rules' refusals are errors; what the store could not do is `Failed`.
    fn answer(
        &self,
        sent: Result<Sent, RoomFault>,
        at: Timestamp,
    ) -> AsyncApiResult<MessageDelivered> {
        match &sent {
            Err(fault) if !is_away(fault) => Err(faults::of_rooms(fault)),
            _ => Ok(self.outcome(&sent, at)),
        }
    }

    fn outcome(&self, sent: &Result<Sent, RoomFault>, at: Timestamp) -> MessageDelivered {
        match sent {
            Ok(sent) => self.delivered(sent.message.created_at, DeliveryStatus::Delivered),
            Err(fault) => MessageDelivered {
                error: Some(faults::of_rooms(fault).message().to_owned()),
                ..self.delivered(at, DeliveryStatus::Failed)
            },
        }
    }

    fn delivered(&self, at: Timestamp, status: DeliveryStatus) -> MessageDelivered {
        MessageDelivered {
            message_id: self.message_id,
            room_id: self.room_id.clone(),
            delivered_at: DateTime::from(at),
            status,
            error: None,
        }
    }
}

fn is_away(fault: &RoomFault) -> bool {
    matches!(fault.refusal(), Refusal::Unavailable | Refusal::Internal)
}

const PENDING: DeliveryStatus = DeliveryStatus::Pending;
/// How long a client waits for the store before it is told that it has to.
const PATIENCE: Duration = Duration::from_secs(1);
