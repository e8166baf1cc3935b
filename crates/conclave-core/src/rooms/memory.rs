//! Rooms in memory: for tests, and as the plain statement of what every store does.
//!
//! Reading order: this file (one method per ask), `state` (the rows and how they are shown),
//! `membership`, `invitations`, `messages`, `reading`.

mod invitations;
mod membership;
mod messages;
mod reading;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use conclave_protocol::{
    AnswerInvitation, DeleteRoom, EditMessage, EraseMessage, Event, GiveReceipt, Invitation,
    InvitationId, Invite, JoinRoom, LeaveRoom, Limits, Member, Message, MessageId, Person, Receipt,
    RemoveMember, Room, RoomId, SetRole, Timestamp, UpdateProfile, UpdateRoom, UserId,
};
use parking_lot::Mutex;

use super::port::{
    Created, Entered, Head, Messages, NewMessage, NewRoom, NextRoom, Outlet, Page, Replay,
    RoomFault, RoomStore, Scope, Sent, Stamp,
};
use crate::permit::Actor;
use state::State;

/// A [`RoomStore`] that forgets everything when it is dropped. Never `Unavailable`. Its events
/// reach the outlet under its one lock, so that their order is that of the commits; an outlet
/// must not ask the store.
pub struct MemoryRooms {
    outlet: Arc<dyn Outlet>,
    state: Mutex<State>,
}

impl std::fmt::Debug for MemoryRooms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryRooms").finish_non_exhaustive()
    }
}

impl MemoryRooms {
    /// An empty store that obeys `rooms_per_user` and `members_per_room`.
    #[must_use]
    pub fn new(outlet: Arc<dyn Outlet>, limits: &Limits) -> Self {
        Self {
            outlet,
            state: Mutex::new(State::new(limits.rooms_per_user, limits.members_per_room)),
        }
    }

    /// Does something to the state and gives out its events. Who refuses has changed nothing.
    fn change<T>(
        &self,
        stamp: Stamp,
        ask: impl FnOnce(&mut State) -> Result<T, RoomFault>,
    ) -> Result<T, RoomFault> {
        let mut state = self.state.lock();
        let done = ask(&mut state);
        for (channel, event) in state.published.drain(..) {
            self.outlet.publish(channel, event, stamp.origin);
        }
        done
    }
}

#[async_trait]
impl RoomStore for MemoryRooms {
    async fn create(&self, by: &Actor, new: NewRoom, stamp: Stamp) -> Result<Created, RoomFault> {
        self.change(stamp, |state| state.create(by, new, stamp.at))
    }

    async fn update(&self, by: &Actor, ask: UpdateRoom, stamp: Stamp) -> Result<Room, RoomFault> {
        self.change(stamp, |state| state.update(by, ask, stamp.at))
    }

    async fn delete(&self, by: &Actor, ask: DeleteRoom, stamp: Stamp) -> Result<(), RoomFault> {
        self.change(stamp, |state| state.delete(by, &ask, stamp.at))
    }

    async fn join(&self, by: &Actor, ask: JoinRoom, stamp: Stamp) -> Result<(), RoomFault> {
        self.change(stamp, |state| state.join(by, &ask, stamp.at))
    }

    async fn leave(
        &self,
        by: &Actor,
        ask: LeaveRoom,
        stamp: Stamp,
    ) -> Result<Option<NextRoom>, RoomFault> {
        self.change(stamp, |state| state.leave(by, &ask, stamp.at))
    }

    async fn remove(&self, by: &Actor, ask: RemoveMember, stamp: Stamp) -> Result<(), RoomFault> {
        self.change(stamp, |state| state.remove(by, &ask, stamp.at))
    }

    async fn set_role(&self, by: &Actor, ask: SetRole, stamp: Stamp) -> Result<Member, RoomFault> {
        self.change(stamp, |state| state.set_role(by, &ask, stamp.at))
    }

    async fn invite(
        &self,
        by: &Actor,
        ask: Invite,
        id: InvitationId,
        stamp: Stamp,
    ) -> Result<Invitation, RoomFault> {
        self.change(stamp, |state| state.invite(by, ask, id, stamp.at))
    }

    async fn answer(
        &self,
        by: &Actor,
        ask: AnswerInvitation,
        stamp: Stamp,
    ) -> Result<Invitation, RoomFault> {
        self.change(stamp, |state| state.answer(by, &ask, stamp.at))
    }

    async fn invitations(&self, user: &UserId) -> Result<Vec<Invitation>, RoomFault> {
        Ok(self.state.lock().invitations_of(user))
    }

    async fn send(&self, by: &Actor, new: NewMessage, stamp: Stamp) -> Result<Sent, RoomFault> {
        self.change(stamp, |state| state.send(by, new, stamp.at))
    }

    async fn edit(
        &self,
        by: &Actor,
        ask: EditMessage,
        not_before: Timestamp,
        stamp: Stamp,
    ) -> Result<Message, RoomFault> {
        self.change(stamp, |state| state.edit(by, ask, not_before, stamp.at))
    }

    async fn erase(&self, by: &Actor, ask: EraseMessage, stamp: Stamp) -> Result<(), RoomFault> {
        self.change(stamp, |state| state.erase(by, &ask, stamp.at))
    }

    async fn give_receipt(
        &self,
        by: &Actor,
        ask: GiveReceipt,
        stamp: Stamp,
    ) -> Result<(), RoomFault> {
        self.change(stamp, |state| state.give_receipt(by, &ask, stamp.at))
    }

    async fn room(&self, viewer: &Actor, room: &RoomId) -> Result<Room, RoomFault> {
        self.state.lock().room(viewer, room)
    }

    async fn rooms(
        &self,
        viewer: &Actor,
        scope: Scope,
        after: Option<&RoomId>,
        limit: u32,
    ) -> Result<Vec<Room>, RoomFault> {
        Ok(self.state.lock().list(viewer, scope, after, limit))
    }

    async fn members(
        &self,
        viewer: &Actor,
        room: &RoomId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Member>, RoomFault> {
        self.state.lock().members(viewer, room, after, limit)
    }

    async fn messages(
        &self,
        viewer: &Actor,
        room: &RoomId,
        page: Page,
    ) -> Result<Messages, RoomFault> {
        self.state.lock().messages(viewer, room, page)
    }

    async fn events(
        &self,
        viewer: &Actor,
        room: &RoomId,
        after: u64,
        limit: u32,
    ) -> Result<Replay, RoomFault> {
        self.state.lock().events(viewer, room, after, limit)
    }

    async fn missed(
        &self,
        user: &UserId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Arc<Event>>, RoomFault> {
        Ok(self.state.lock().missed(user, after, limit))
    }

    async fn newest_number(&self) -> Result<u64, RoomFault> {
        Ok(self.state.lock().newest_number())
    }

    async fn receipts(
        &self,
        viewer: &Actor,
        message: MessageId,
    ) -> Result<Vec<Receipt>, RoomFault> {
        self.state.lock().receipts(viewer, message)
    }

    async fn offline(
        &self,
        user: &UserId,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>, RoomFault> {
        self.state.lock().offline(user, after, limit)
    }

    async fn offline_count(&self, user: &UserId) -> Result<u64, RoomFault> {
        Ok(self.state.lock().offline_count(user))
    }

    async fn rooms_of(&self, user: &UserId) -> Result<Vec<RoomId>, RoomFault> {
        Ok(self.state.lock().rooms_of(user))
    }

    async fn heads(&self, user: &UserId) -> Result<Vec<Head>, RoomFault> {
        Ok(self.state.lock().heads(user))
    }

    async fn rooms_of_each(&self, users: &[UserId]) -> Result<Vec<(UserId, RoomId)>, RoomFault> {
        let state = self.state.lock();
        let each = users.iter().flat_map(|user| {
            let rooms = state.rooms_of(user).into_iter();
            rooms.map(|room| (user.clone(), room))
        });
        Ok(each.collect())
    }

    async fn entered(&self, users: &[UserId], after: u64) -> Result<Vec<Entered>, RoomFault> {
        Ok(self.state.lock().entered(users, after))
    }

    async fn share_room(&self, one: &UserId, other: &UserId) -> Result<bool, RoomFault> {
        Ok(self.state.lock().share_room(one, other))
    }

    async fn profile(&self, user: &UserId) -> Result<Person, RoomFault> {
        Ok(self.state.lock().users.person(user))
    }

    async fn update_profile(
        &self,
        user: &UserId,
        ask: UpdateProfile,
        at: Timestamp,
    ) -> Result<Person, RoomFault> {
        let users = &mut self.state.lock().users;
        users.change(user, ask, at);
        Ok(users.person(user))
    }

    async fn name(&self, user: &UserId, name: &str, at: Timestamp) -> Result<(), RoomFault> {
        self.state.lock().users.name(user, name, at);
        Ok(())
    }

    async fn seen(&self, users: &[UserId], at: Timestamp) -> Result<(), RoomFault> {
        self.state.lock().users.seen(users, at);
        Ok(())
    }

    async fn last_seen(&self, users: &[UserId]) -> Result<Vec<(UserId, Timestamp)>, RoomFault> {
        Ok(self.state.lock().users.last_seen(users))
    }
}
