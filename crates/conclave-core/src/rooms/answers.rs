//! Answers under way: what of each has been said, for those who come later.

use std::collections::HashMap;

use conclave_protocol::{
    AnswerPart, AnswerRecord, EventKind, Message, MessageId, MessageKind, Room, RoomId,
    SendMessage, Timestamp, Transcript, UserId,
};
use parking_lot::Mutex;

use super::overheard::AnswerPiece;
use super::{NewMessage, Page, RoomFault, Rooms, Stamp};
use crate::{Actor, Fence, LeaseName};

/// By room. Bounded by the answers that are given at a time.
#[derive(Debug, Default)]
pub(super) struct Transcripts(Mutex<HashMap<RoomId, (MessageId, Transcript)>>);

impl Transcripts {
    pub(super) fn has(&self, room: &RoomId) -> bool {
        self.0.lock().contains_key(room)
    }
}

impl Rooms {
    /// What has been said of the answer that is under way in a room, as one part; `None` where
    /// there is none. What is published later follows it; what was published before is in it.
    /// The caller knows that the asker hears the room.
    #[must_use]
    pub fn answer_so_far(&self, room: &RoomId) -> Option<AnswerPart> {
        let own = self.transcripts.0.lock().get(room).cloned();
        let (message, so_far) = own.or_else(|| self.overheard.so_far(room))?;
        let delta = so_far.to_string().into_boxed_str();
        (!delta.is_empty()).then_some(AnswerPart {
            message,
            start: 0,
            delta,
            so_far,
        })
    }

    /// What has been said behind `after` bytes of the answer that this node gives in a room, at
    /// most so many bytes of it; `None` where it gives none that has so many.
    #[must_use]
    pub fn own_answer(&self, room: &RoomId, after: usize, bytes: usize) -> Option<AnswerPiece> {
        let (message, so_far) = self.transcripts.0.lock().get(room).cloned()?;
        let said = so_far.to_string();
        let rest = said.get(after..)?;
        let text = rest.get(..rest.floor_char_boundary(bytes))?;
        Some(AnswerPiece {
            message,
            text: text.into(),
            more: text.len() < rest.len(),
        })
    }

    /// Says the next part of an answer to all who hear the room.
    pub(crate) async fn say_part(
        &self,
        room: &RoomId,
        message: MessageId,
        delta: Box<str>,
        at: Timestamp,
    ) {
        // Whoever comes while this waits gets it with what came before, or behind that.
        let part = {
            let mut answers = self.transcripts.0.lock();
            let fresh = || (message, Transcript::default());
            let (_, so_far) = answers.entry(room.clone()).or_insert_with(fresh);
            AnswerPart {
                message,
                start: so_far.push(&delta),
                delta,
                so_far: so_far.clone(),
            }
        };
        self.say_of_answer(room, EventKind::AnswerPart(Box::new(part)), at)
            .await;
    }

    /// Says something of an answer, which is not stored.
    pub(crate) async fn say_of_answer(&self, room: &RoomId, kind: EventKind, at: Timestamp) {
        self.clear().await;
        self.say_at_once(room, kind, at);
    }

    /// The same, without waiting for workers that have much to deliver.
    pub(crate) fn say_at_once(&self, room: &RoomId, kind: EventKind, at: Timestamp) {
        self.say(Some(room.clone()), at, kind);
    }

    /// A room as the actor sees it, by membership alone.
    pub(crate) async fn seen_by(&self, actor: &Actor, room: &RoomId) -> Result<Room, RoomFault> {
        self.store.room(&actor.plainly(), room).await
    }

    /// A room, and a page of its messages before a place, newest first: for the assistant, which
    /// is no member.
    pub(crate) async fn told_to(
        &self,
        assistant: &UserId,
        room: &RoomId,
        before: u64,
    ) -> Result<Vec<Message>, RoomFault> {
        let page = Page {
            before: Some(before),
            after: None,
            limit: PAGE,
        };
        let viewer = Actor::plain(assistant.clone()).with(true, false);
        Ok(self.store.messages(&viewer, room, page).await?.messages)
    }

    /// A room as the assistant sees it, which is no member.
    pub(crate) async fn seen_by_assistant(
        &self,
        assistant: &UserId,
        room: &RoomId,
    ) -> Result<Room, RoomFault> {
        let viewer = Actor::plain(assistant.clone()).with(true, false);
        self.store.room(&viewer, room).await
    }

    /// Stores a whole answer and sends it to all who hear its room. Neither membership nor rates
    /// bind the assistant, and its texts may be longer than those of members. `conflict` where it is
    /// under a lease that was taken again since.
    pub(crate) async fn store_answer(
        &self,
        assistant: &UserId,
        (message, reply_to): (MessageId, MessageId),
        (room, content): (&RoomId, String),
        (answer, at, under): (AnswerRecord, Timestamp, Option<(LeaseName, Fence)>),
    ) -> Result<(), RoomFault> {
        let new = NewMessage {
            id: message,
            message: SendMessage {
                room: room.clone(),
                content: content.into_boxed_str(),
                kind: MessageKind::Text,
                reply_to: Some(reply_to),
                client_id: None,
                id: Some(message),
            },
            answer: Some(Box::new(answer)),
            under,
        };
        let stamp = Stamp {
            at,
            ..Stamp::default()
        };
        self.clear().await;
        let by = Actor::plain(assistant.clone()).with(true, false);
        self.store.send(&by, new, stamp).await?;
        Ok(())
    }

    /// Tells the witness that a moderator ended another's answer.
    pub(crate) fn witness_cancel(&self, user: &UserId, room: &RoomId) {
        self.witness
            .power_used(user, "cancel answer", room.as_str());
    }

    /// Who comes from now on is told nothing of the answer but its end. What was said.
    pub(crate) fn end_answer(&self, room: &RoomId) -> String {
        let ended = self.transcripts.0.lock().remove(room);
        ended.map_or_else(String::new, |(_, so_far)| so_far.to_string())
    }
}

/// Messages read at once.
const PAGE: u32 = 100;
