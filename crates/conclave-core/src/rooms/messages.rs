//! Messages: send, edit, erase, receipts, offline, typing, and what backends send.

use conclave_protocol::{
    Body, CountOffline, DeliveryState, EditMessage, EraseMessage, EventKind, GiveReceipt,
    ListOffline, ListReceipts, ListTypists, Message, MessageId, MessageKind, Receipt, Refusal,
    RoomId, SendAs, SendMessage, ServerPush, SetTyping, Timestamp, UserId,
};

use super::membership::backend;
use super::{NewMessage, RoomFault, Rooms, Sent, Stamp, checks, fleeting, no_user, powered};
use crate::{Actor, Permit};

impl Rooms {
    /// Stores a message and sends it to all who hear its room. `id` is a fresh one.
    ///
    /// # Errors
    /// What [`super::RoomStore::send`] refuses, content that is none, `rate_limited`.
    pub async fn send(
        &self,
        permit: Permit<SendMessage>,
        id: MessageId,
        stamp: Stamp,
    ) -> Result<Sent, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (message, _, _) = permit.into_parts();
        checks::message(&message, &self.limits)?;
        if !self.of_user.take(&actor.user, stamp.at) {
            return Err(too_fast("you send", self.of_user.per_second()));
        }
        self.store_message(
            &actor,
            NewMessage {
                id,
                message,
                answer: None,
                under: None,
            },
            stamp,
        )
        .await
    }

    /// As [`Rooms::send`], in the name of a user, whom neither membership nor rate binds.
    ///
    /// # Errors
    /// As [`Rooms::send`].
    pub async fn send_as(
        &self,
        permit: Permit<SendAs>,
        id: MessageId,
        stamp: Stamp,
    ) -> Result<Sent, RoomFault> {
        let (SendAs { user, message }, _, _) = permit.into_parts();
        checks::message(&message, &self.limits)?;
        let actor = Actor::plain(user).with(true, false);
        self.clear().await;
        let room = message.room.clone();
        let new = NewMessage {
            id,
            message,
            answer: None,
            under: None,
        };
        let sent = self.store.send(&actor, new, stamp).await?;
        self.stop_typing(room, actor.user, stamp.at);
        Ok(sent)
    }

    async fn store_message(
        &self,
        actor: &Actor,
        new: NewMessage,
        stamp: Stamp,
    ) -> Result<Sent, RoomFault> {
        let room = new.message.room.clone();
        if !self.of_room.take(&room, stamp.at) {
            return Err(too_fast("this room takes", self.of_room.per_second()));
        }
        self.clear().await;
        let sent: Result<Sent, RoomFault> = powered!(self, actor, "send", room.as_str(), |by| self
            .store
            .send(by, new.clone(), stamp));
        match &sent {
            Ok(sent) => {
                if sent.message.kind == MessageKind::System && !sent.repeated {
                    self.witness.power_used(&actor.user, "speak", room.as_str());
                }
                self.stop_typing(room, actor.user.clone(), stamp.at);
            }
            // Or who may not send there could keep from sending those who may.
            Err(_) => self.of_room.give_back(&room),
        }
        sent
    }

    fn stop_typing(&self, room: RoomId, user: UserId, at: Timestamp) {
        if self.typing.end(&room, &user) {
            self.say_typing(room, user, false, at);
        }
    }

    /// Changes the content of one's own message.
    ///
    /// # Errors
    /// What [`super::RoomStore::edit`] refuses, and content that is none.
    pub async fn edit(
        &self,
        permit: Permit<EditMessage>,
        stamp: Stamp,
    ) -> Result<Message, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        let kind = MessageKind::Text;
        checks::content(&ask.content, kind, &self.limits)?;
        let not_before = match u64::from(self.limits.edit_seconds) {
            0 => Timestamp::default(),
            seconds => Timestamp::from_millis(stamp.at.millis().saturating_sub(seconds * 1000)),
        };
        let subject = ask.message.to_string();
        self.clear().await;
        powered!(self, &actor, "edit", subject, |by| self.store.edit(
            by,
            ask.clone(),
            not_before,
            stamp
        ))
    }

    /// Deletes a message.
    ///
    /// # Errors
    /// What [`super::RoomStore::erase`] refuses.
    pub async fn erase(&self, permit: Permit<EraseMessage>, stamp: Stamp) -> Result<(), RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        let subject = ask.message.to_string();
        self.clear().await;
        powered!(self, &actor, "delete message", subject, |by| self
            .store
            .erase(by, ask.clone(), stamp))
    }

    /// Takes a receipt.
    ///
    /// # Errors
    /// What [`super::RoomStore::give_receipt`] refuses; `bad_request` for `Sent`.
    pub async fn give_receipt(
        &self,
        permit: Permit<GiveReceipt>,
        stamp: Stamp,
    ) -> Result<(), RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        if ask.status == DeliveryState::Sent {
            return Err(RoomFault::refused(
                Refusal::BadRequest,
                "status: DELIVERED or READ",
            ));
        }
        self.clear().await;
        self.store.give_receipt(&actor, ask, stamp).await
    }

    /// The recipients' states of a message.
    ///
    /// # Errors
    /// What [`super::RoomStore::receipts`] refuses.
    pub async fn receipts(&self, permit: Permit<ListReceipts>) -> Result<Vec<Receipt>, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let message = permit.command().message;
        powered!(self, &actor, "list receipts", message.to_string(), |by| {
            self.store.receipts(by, message)
        })
    }

    /// Messages one has not received.
    ///
    /// # Errors
    /// What [`super::RoomStore::offline`] refuses.
    pub async fn offline(&self, permit: &Permit<ListOffline>) -> Result<Vec<Message>, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let ask = permit.command();
        let limit = ask.limit.clamp(1, PAGE_MAX);
        self.store.offline(&actor.user, ask.after, limit).await
    }

    /// How many those are.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn offline_count(&self, permit: Permit<CountOffline>) -> Result<u64, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        self.store.offline_count(&actor.user).await
    }

    /// One types, or has stopped; told to all who hear the room. The caller knows that the
    /// connection hears the room, which is to be a member.
    ///
    /// # Errors
    /// `rate_limited` where the user begins to type more often than they may send.
    pub fn set_typing(&self, permit: Permit<SetTyping>, stamp: Stamp) -> Result<(), RoomFault> {
        let (ask, _, user) = permit.into_parts();
        let user = user.ok_or_else(no_user)?;
        let news = if ask.typing {
            if !self.typed_by.take(&user, stamp.at) {
                return Err(too_fast(
                    "you say that you type",
                    self.typed_by.per_second(),
                ));
            }
            let connection = stamp.origin.connection;
            self.typing.begin(&ask.room, &user, connection, stamp.at)
        } else {
            self.typing.end(&ask.room, &user)
        };
        if news {
            self.say_typing(ask.room, user, ask.typing, stamp.at);
        }
        Ok(())
    }

    /// Who types in a room. The caller knows that the connection hears it.
    #[must_use]
    pub fn typists(&self, permit: &Permit<ListTypists>, now: Timestamp) -> Vec<UserId> {
        self.typing.list(&permit.command().room, now)
    }

    /// Sends what a backend pushes to whoever is there.
    ///
    /// # Errors
    /// `not_found` for a room that does not exist.
    pub async fn push(&self, permit: Permit<ServerPush>, at: Timestamp) -> Result<(), RoomFault> {
        let (push, channel, _) = permit.into_parts();
        let (room, kind) = match push {
            ServerPush::Room { room, event, data } => {
                self.store.room(&backend()?, &room).await?;
                (Some(room), EventKind::Named { event, data })
            }
            ServerPush::System { status, message } => {
                (None, EventKind::SystemStatus { status, message })
            }
            ServerPush::User { kind, data, .. } => (None, EventKind::Notice { kind, data }),
        };
        self.clear().await;
        let origin = crate::Origin::default();
        let body: Body = fleeting(room, at, kind);
        self.directory.publish(channel, body, at, origin);
        Ok(())
    }
}

fn too_fast(who: &str, per_second: u32) -> RoomFault {
    RoomFault::Refused {
        refusal: Refusal::RateLimited,
        message: format!("{who} at most {per_second} messages per second").into(),
    }
}

/// Of offline messages asked for at once.
const PAGE_MAX: u32 = 200;
