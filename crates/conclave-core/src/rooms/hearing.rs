//! Hearing rooms: the live part from the directory, what came before from the store.
//!
//! Whoever begins to hear a room first subscribes, holding what arrives, then reads the store:
//! what was committed before the read is in the answer, what comes after is in the hub. The
//! same read says whether they may hear the room at all; until then nothing is shown.

use std::sync::Arc;

use conclave_protocol::{
    Channel, Event, Follow, ListOffline, Message, ReadOwn, RoomId, Timestamp, UserId,
};

use super::{Head, Replay, RoomFault, Rooms, checks, no_user, powered};
use crate::{HearAll, Permit, Subscribed};

impl Rooms {
    /// Counts a connection that hears a room. Nothing of it may be shown before
    /// [`Rooms::replay`] has said yes.
    #[must_use]
    pub fn hear(&self, permit: &Permit<Follow>, worker: usize) -> Subscribed {
        self.directory.hear(permit.channel().clone(), worker)
    }

    /// Counts a connection that hears what is meant for its user in a room.
    #[must_use]
    pub fn hear_own(&self, permit: &Permit<Follow>, worker: usize) -> Option<Subscribed> {
        let user = permit.actor()?.user;
        let room = permit.command().room.clone();
        Some(self.directory.hear(Channel::Own { room, user }, worker))
    }

    /// Counts a connection that hears its user's feed, and what is meant for everybody.
    #[must_use]
    pub fn hear_feed(&self, permit: &Permit<HearAll>, worker: usize) -> [Subscribed; 2] {
        let feed = permit.channel().clone();
        [feed, Channel::System].map(|channel| self.directory.hear(channel, worker))
    }

    /// Stored events of a room after a sequence number; `u64::MAX` asks only whether the user
    /// may hear it, and for its last number.
    ///
    /// # Errors
    /// What [`super::RoomStore::events`] refuses.
    pub async fn replay(
        &self,
        permit: &Permit<Follow>,
        after: u64,
        limit: u32,
    ) -> Result<Replay, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let room = &permit.command().room;
        self.reach(room).await?;
        powered!(self, &actor, "hear room", room.as_str(), |by| self
            .store
            .events(by, room, after, limit))
    }

    /// The rooms one is a member of.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn rooms_of(&self, permit: &Permit<ReadOwn>) -> Result<Vec<RoomId>, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        // Who hears their feed is told of a room that is entered after this.
        self.reached(&Channel::User(actor.user.clone())).await;
        self.store.rooms_of(&actor.user).await
    }

    /// The same, as one finds them. Read after they are heard: what is up to the highest sequence
    /// number is history, what is above it arrives.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn heads(&self, permit: &Permit<ReadOwn>) -> Result<Vec<Head>, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        self.reached_heads(&actor.user).await
    }

    /// Stored events of all one's rooms after a number.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn missed(
        &self,
        permit: &Permit<ReadOwn>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Arc<Event>>, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        self.store.missed(&actor.user, after, limit).await
    }

    /// The next of the messages one has not received, and how many there are in all.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn unreceived(
        &self,
        permit: &Permit<ListOffline>,
    ) -> Result<(Vec<Message>, u64), RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let messages = self.offline(permit).await?;
        let none = messages.is_empty() && permit.command().after.is_none();
        let count = match none {
            true => 0,
            false => self.store.offline_count(&actor.user).await?,
        };
        Ok((messages, count))
    }

    /// Keeps the name that a connection's token gives its user: its first 100 characters without
    /// control ones, where anything is left.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn keep_name(
        &self,
        user: &UserId,
        name: &str,
        at: Timestamp,
    ) -> Result<(), RoomFault> {
        let name = checks::shown_name(name);
        if name.is_empty() {
            return Ok(());
        }
        self.store.name(user, &name, at).await
    }
}
