//! Messages and receipts change.

use std::hash::{DefaultHasher, Hash, Hasher};

use conclave_protocol::{
    Channel, DeliveryState, EditMessage, EraseMessage, EventKind, GiveReceipt, MemberRole, Message,
    MessageId, Receipt, Refusal, RoomId, SendMessage, Timestamp, UserId,
};

use super::super::port::{NewMessage, RoomFault, Sent};
use super::membership::refused;
use super::state::{Logged, MessageRow, RoomRow, State, Viewer, What};
use crate::permit::Actor;

impl State {
    pub(super) fn send(
        &mut self,
        by: &Actor,
        new: NewMessage,
        at: Timestamp,
    ) -> Result<Sent, RoomFault> {
        let ask = new.message;
        let row = self.open(by, &ask.room)?;
        let key = ask.client_id.clone().map(|key| (by.user.clone(), key));
        if let Some(seq) = key.as_ref().and_then(|key| row.keys.get(key)) {
            if !row.messages.get(seq).is_some_and(|sent| sent.is_of(&ask)) {
                let words = "the client's id names another message";
                return Err(refused(Refusal::Conflict, words));
            }
            return Ok(Sent {
                message: self.shown(&ask.room, *seq, by)?,
                repeated: true,
            });
        }
        let id = ask.id.unwrap_or(new.id);
        if self.places.contains_key(&id) {
            return Err(refused(
                Refusal::Conflict,
                "the message's id is used already",
            ));
        }
        if let Some(other) = ask.reply_to {
            let place = self.places.get(&other);
            place
                .filter(|(room, _)| *room == ask.room)
                .ok_or_else(RoomFault::no_message)?;
        }
        let pair = row.pair.iter();
        let away = pair.filter(|user| **user != by.user && !row.members.contains_key(*user));
        for user in away.cloned().collect::<Vec<_>>() {
            self.enter(&ask.room, &user, at);
        }
        let message = MessageRow {
            id,
            author: by.user.clone(),
            kind: ask.kind,
            fingerprint: Some(fingerprint(&ask.content)),
            content: ask.content,
            reply_to: ask.reply_to,
            client_id: ask.client_id,
            created_at: at,
            updated_at: at,
            deleted_at: None,
            answer: new.answer,
        };
        let seq = self.keep(&ask.room, message, key);
        self.record(&ask.room, at, What::Message);
        Ok(Sent {
            message: self.shown(&ask.room, seq, by)?,
            repeated: false,
        })
    }

    /// Puts a message at the place that its event is about to take.
    fn keep(&mut self, room: &RoomId, message: MessageRow, key: Option<(UserId, Box<str>)>) -> u64 {
        let Some(row) = self.rooms.get_mut(room) else {
            return 0;
        };
        let seq = row.last_seq() + 1;
        self.places.insert(message.id, (room.clone(), seq));
        row.messages.insert(seq, message);
        row.keys.extend(key.map(|key| (key, seq)));
        seq
    }

    fn shown(&self, room: &RoomId, seq: u64, by: &Actor) -> Result<Message, RoomFault> {
        let row = self.rooms.get(room).ok_or_else(RoomFault::no_room)?;
        let viewer = Viewer::One(&by.user);
        row.message(seq, viewer, &self.users)
            .ok_or_else(RoomFault::no_message)
    }

    pub(super) fn edit(
        &mut self,
        by: &Actor,
        ask: EditMessage,
        not_before: Timestamp,
        at: Timestamp,
    ) -> Result<Message, RoomFault> {
        let (row, seq, message) = self.find(ask.message, |row| row.is_open_to(by))?;
        row.check_whole(message, ask.room.as_ref())?;
        if message.author != by.user {
            return Err(refused(
                Refusal::Forbidden,
                "only its author edits a message",
            ));
        }
        if message.created_at < not_before {
            return Err(refused(Refusal::Forbidden, "too old to be edited"));
        }
        super::super::suited(message.kind, &ask.content)?;
        let room = row.id.clone();
        if message.content == ask.content {
            return self.shown(&room, seq, by);
        }
        if let Some(message) = self.message_mut(&room, seq) {
            message.content = ask.content;
            message.updated_at = at;
        }
        self.record(&room, at, What::Edited(seq));
        self.shown(&room, seq, by)
    }

    pub(super) fn erase(
        &mut self,
        by: &Actor,
        ask: &EraseMessage,
        at: Timestamp,
    ) -> Result<(), RoomFault> {
        let (row, seq, message) =
            self.find(ask.message, |row| by.moderator || row.is_open_to(by))?;
        row.check_whole(message, ask.room.as_ref())?;
        let may = match row.role(&by.user) {
            Some(MemberRole::Moderator | MemberRole::Owner) => true,
            Some(MemberRole::Member) | None => message.author == by.user || by.moderator,
        };
        if !may {
            let words = "only its author and moderators delete a message";
            return Err(refused(Refusal::Forbidden, words));
        }
        let room = row.id.clone();
        if let Some(message) = self.message_mut(&room, seq) {
            message.content = Box::default();
            message.fingerprint = None;
            message.deleted_at = Some(at);
        }
        let what = What::Erased {
            message: ask.message,
            by: by.user.clone(),
        };
        self.record(&room, at, what);
        Ok(())
    }

    fn message_mut(&mut self, room: &RoomId, seq: u64) -> Option<&mut MessageRow> {
        self.rooms.get_mut(room)?.messages.get_mut(&seq)
    }

    pub(super) fn give_receipt(
        &mut self,
        by: &Actor,
        ask: &GiveReceipt,
        at: Timestamp,
    ) -> Result<(), RoomFault> {
        if ask.status == DeliveryState::Sent {
            let words = "a receipt says DELIVERED or READ";
            return Err(refused(Refusal::BadRequest, words));
        }
        let (row, seq, message) = self.find(ask.message, |row| row.is_open_to(by))?;
        row.check_whole(message, ask.room.as_ref())?;
        let member = row.members.get(&by.user);
        let recipient = member.filter(|m| m.joined_seq < seq && message.author != by.user);
        let Some(member) = recipient else {
            let words = "only a recipient of a message gives receipts for it";
            return Err(refused(Refusal::Forbidden, words));
        };
        let read = ask.status == DeliveryState::Read;
        let before = match read {
            true => member.seen_seq,
            false => member.delivered_seq,
        };
        let mut covered: Vec<(MessageId, UserId)> = row
            .of_others(&by.user, before)
            .take_while(|(covered, _)| *covered <= seq)
            .map(|(_, message)| (message.id, message.author.clone()))
            .collect();
        let room = row.id.clone();
        if let Some(row) = self.rooms.get_mut(&room) {
            row.advance(by, ask.status, seq, at);
            if let Some(member) = row.members.get_mut(&by.user).filter(|_| read) {
                member.viewed_at = Some(at);
            }
        }
        let older = covered.len().saturating_sub(RECEIPTS_TOLD_MAX);
        for (message, author) in covered.drain(..).skip(older) {
            let receipt = Receipt {
                message,
                recipient: by.user.clone(),
                status: ask.status,
                at,
            };
            let own = Channel::Own {
                room: room.clone(),
                user: author.clone(),
            };
            for channel in [Channel::User(author), own] {
                let receipt = EventKind::Receipt(receipt.clone());
                self.tell(channel, &room, at, receipt);
            }
        }
        Ok(())
    }
}

impl RoomRow {
    pub(super) fn is_open_to(&self, by: &Actor) -> bool {
        by.any || self.members.contains_key(&by.user)
    }

    /// Whether the message is where it should be and not deleted.
    fn check_whole(&self, message: &MessageRow, room: Option<&RoomId>) -> Result<(), RoomFault> {
        let here = room.is_none_or(|room| *room == self.id);
        match here && message.deleted_at.is_none() {
            true => Ok(()),
            false => Err(RoomFault::no_message()),
        }
    }

    fn advance(&mut self, by: &Actor, status: DeliveryState, seq: u64, at: Timestamp) {
        let Some(member) = self.members.get_mut(&by.user) else {
            return;
        };
        if member.state(seq) >= status {
            return;
        }
        member.delivered_seq = member.delivered_seq.max(seq);
        if status == DeliveryState::Read {
            member.seen_seq = member.seen_seq.max(seq);
        }
        self.log.push(Logged {
            user: by.user.clone(),
            status,
            seq,
            at,
        });
    }
}

impl MessageRow {
    /// Whether this ask was for this message; of a deleted one the content is no longer known.
    fn is_of(&self, ask: &SendMessage) -> bool {
        let content = self.fingerprint;
        (self.kind, self.reply_to) == (ask.kind, ask.reply_to)
            && content.is_none_or(|content| content == fingerprint(&ask.content))
    }
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Receipts told to authors at once: the newest.
const RECEIPTS_TOLD_MAX: usize = 50;
