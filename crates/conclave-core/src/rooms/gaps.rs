//! What other nodes stored and this one has not heard of: read from the store they share.

use std::future::poll_fn;
use std::sync::Arc;

use conclave_protocol::{Channel, Event, EventKind, Refusal, RoomId, UserId};

use super::membership::backend;
use super::{Entered, Head, RoomFault, Rooms, fleeting};
use crate::directory::{Origin, Standing};

impl Rooms {
    /// Brings a room that is heard here up to what is stored: lets through what was missed, or
    /// finds out where its events begin. For the rooms that [`crate::Directory::poll_gaps`]
    /// gives, 20 ms later, since most of what is missing is only late.
    ///
    /// # Errors
    /// `Unavailable`; the room is to be asked for again.
    pub async fn close_gap(&self, room: &RoomId) -> Result<(), RoomFault> {
        let channel = Channel::Room(room.clone());
        let mut after = match self.directory.standing(&channel) {
            None | Some(Standing::Whole(_)) => return Ok(()),
            Some(Standing::Unopened) => return self.open_line(room).await,
            Some(Standing::Missing(after)) => after,
        };
        // What is missed while the store is read is a gap of its own.
        self.directory.trust_line(&channel);
        loop {
            let read = self.store.events(&backend()?, room, after, PAGE).await;
            let replay = match read {
                Ok(replay) => replay,
                Err(fault) if fault.refusal() == Refusal::NotFound => {
                    self.end_line(&channel, room);
                    return Ok(());
                }
                Err(fault) => {
                    self.directory.doubt_line(&channel);
                    return Err(fault);
                }
            };
            let Some(last) = replay.events.last() else {
                return Ok(());
            };
            after = last.seq;
            for event in replay.events {
                self.clear().await;
                self.directory.fill_line(&channel, event);
            }
            if !replay.more {
                return Ok(());
            }
        }
    }

    /// The number of the newest stored event; 0 for none.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn newest_number(&self) -> Result<u64, RoomFault> {
        self.store.newest_number().await
    }

    /// Tells users who hear their feed here of the rooms that they were taken into by an event
    /// after `number`: what should have told them may have been missed.
    ///
    /// # Errors
    /// `Unavailable`; then some were not told.
    pub async fn tell_entered(&self, number: u64) -> Result<(), RoomFault> {
        for users in self.directory.feeds().chunks(USERS) {
            for Entered {
                user,
                room,
                seq,
                at,
            } in self.store.entered(users, number).await?
            {
                self.clear().await;
                let body = fleeting(Some(room), at, EventKind::Entered { seq });
                self.directory
                    .publish_here(Channel::User(user), body, at, Origin::default());
            }
        }
        Ok(())
    }

    /// Of who is about to read a room's history: from then on what happens arrives.
    pub(super) async fn reach(&self, room: &RoomId) -> Result<(), RoomFault> {
        if self.directory.bus().is_none() {
            return Ok(());
        }
        let channel = Channel::Room(room.clone());
        match self.directory.standing(&channel) {
            Some(Standing::Unopened) => self.open_line(room).await,
            None | Some(Standing::Missing(_) | Standing::Whole(_)) => Ok(()),
        }
    }

    /// The same of all rooms of a user, which are read once.
    pub(super) async fn reached_heads(&self, user: &UserId) -> Result<Vec<Head>, RoomFault> {
        if self.directory.bus().is_none() {
            return self.store.heads(user).await;
        }
        for room in self.store.rooms_of(user).await? {
            let channel = Channel::Room(room);
            if self.directory.standing(&channel) == Some(Standing::Unopened) {
                if let Channel::Room(room) = &channel {
                    self.overheard.doubt_room(room);
                }
                self.reached(&channel).await;
            }
        }
        let heads = self.store.heads(user).await?;
        for head in &heads {
            let channel = Channel::Room(head.room.clone());
            self.directory.open_line(&channel, head.last_seq);
        }
        Ok(heads)
    }

    /// Waits until what other nodes publish in a channel that was subscribed to arrives.
    pub(super) async fn reached(&self, channel: &Channel) {
        poll_fn(|context| self.directory.poll_reached(channel, context)).await;
    }

    async fn open_line(&self, room: &RoomId) -> Result<(), RoomFault> {
        self.overheard.doubt_room(room);
        let channel = Channel::Room(room.clone());
        self.reached(&channel).await;
        match self.store.events(&backend()?, room, NO_EVENTS, 1).await {
            Ok(replay) => self.directory.open_line(&channel, replay.last_seq),
            Err(fault) if fault.refusal() == Refusal::NotFound => self.end_line(&channel, room),
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    fn end_line(&self, channel: &Channel, room: &RoomId) {
        self.directory.end_line(channel, |seq| {
            Arc::new(Event {
                room: Some(room.clone()),
                seq,
                number: 0,
                at: conclave_protocol::Timestamp::default(),
                kind: EventKind::Deleted,
            })
        });
    }
}

/// Events of one read.
const PAGE: u32 = 200;
/// Of one read of who was taken into rooms.
const USERS: usize = 500;
/// Above every sequence number.
const NO_EVENTS: u64 = (1 << 53) - 1;
