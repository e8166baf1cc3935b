//! Rooms themselves: create, change, enter, leave, invite, profiles.

use std::collections::HashMap;

use conclave_protocol::{
    AnswerInvitation, CreateRoom, DeleteRoom, Invitation, InvitationId, Invite, JoinRoom,
    LeaveRoom, ListPresence, Member, Monitor, Person, Presence, ReadOwn, ReadRoom, Refusal,
    RemoveMember, Room, RoomId, SetRole, Timestamp, UpdateProfile, UpdateRoom, UserId,
};

use super::{
    Created, Messages, NewRoom, NextRoom, Page, RoomFault, Rooms, Scope, Stamp, checks, no_user,
    powered,
};
use crate::{Actor, Permit};

impl Rooms {
    /// Creates a room under a fresh id, or gives back the DM of the pair.
    ///
    /// # Errors
    /// What [`super::RoomStore::create`] refuses; `bad_request` names the field.
    pub async fn create(
        &self,
        permit: Permit<CreateRoom>,
        id: RoomId,
        stamp: Stamp,
    ) -> Result<Created, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (mut room, _, _) = permit.into_parts();
        checks::room(&mut room, &actor.user)?;
        self.clear().await;
        self.store
            .create(&actor.plainly(), NewRoom { id, room }, stamp)
            .await
    }

    /// Changes a room.
    ///
    /// # Errors
    /// What [`super::RoomStore::update`] refuses; `bad_request` names the field.
    pub async fn update(
        &self,
        permit: Permit<UpdateRoom>,
        stamp: Stamp,
    ) -> Result<Room, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        checks::change(&ask)?;
        self.clear().await;
        powered!(self, &actor, "update room", ask.room.as_str(), |by| self
            .store
            .update(by, ask.clone(), stamp))
    }

    /// Deletes a room.
    ///
    /// # Errors
    /// What [`super::RoomStore::delete`] refuses.
    pub async fn delete(&self, permit: Permit<DeleteRoom>, stamp: Stamp) -> Result<(), RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        self.clear().await;
        powered!(self, &actor, "delete room", ask.room.as_str(), |by| self
            .store
            .delete(by, ask.clone(), stamp))
    }

    /// Becomes a member. `room.any` opens rooms, but makes nobody a member.
    ///
    /// # Errors
    /// What [`super::RoomStore::join`] refuses.
    pub async fn join(&self, permit: Permit<JoinRoom>, stamp: Stamp) -> Result<(), RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        self.clear().await;
        self.store.join(&actor.plainly(), ask, stamp).await
    }

    /// Stops being a member; says where to go next.
    ///
    /// # Errors
    /// What [`super::RoomStore::leave`] refuses.
    pub async fn leave(
        &self,
        permit: Permit<LeaveRoom>,
        stamp: Stamp,
    ) -> Result<Option<NextRoom>, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        if self.typing.end(&ask.room, &actor.user) {
            self.say_typing(ask.room.clone(), actor.user.clone(), false, stamp.at);
        }
        self.clear().await;
        self.store.leave(&actor.plainly(), ask, stamp).await
    }

    /// Removes a member.
    ///
    /// # Errors
    /// What [`super::RoomStore::remove`] refuses.
    pub async fn remove(
        &self,
        permit: Permit<RemoveMember>,
        stamp: Stamp,
    ) -> Result<(), RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        self.clear().await;
        powered!(self, &actor, "remove member", ask.room.as_str(), |by| self
            .store
            .remove(by, ask.clone(), stamp))?;
        if self.typing.end(&ask.room, &ask.user) {
            self.say_typing(ask.room, ask.user, false, stamp.at);
        }
        Ok(())
    }

    /// Gives a member a role.
    ///
    /// # Errors
    /// What [`super::RoomStore::set_role`] refuses.
    pub async fn set_role(
        &self,
        permit: Permit<SetRole>,
        stamp: Stamp,
    ) -> Result<Member, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        self.clear().await;
        powered!(self, &actor, "set role", ask.room.as_str(), |by| self
            .store
            .set_role(by, ask.clone(), stamp))
    }

    /// Invites a user, under a fresh id.
    ///
    /// # Errors
    /// What [`super::RoomStore::invite`] refuses.
    pub async fn invite(
        &self,
        permit: Permit<Invite>,
        id: InvitationId,
        stamp: Stamp,
    ) -> Result<Invitation, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        self.clear().await;
        self.store.invite(&actor.plainly(), ask, id, stamp).await
    }

    /// Answers an invitation.
    ///
    /// # Errors
    /// What [`super::RoomStore::answer`] refuses.
    pub async fn answer(
        &self,
        permit: Permit<AnswerInvitation>,
        stamp: Stamp,
    ) -> Result<Invitation, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        self.clear().await;
        self.store.answer(&actor.plainly(), ask, stamp).await
    }

    /// One's own pending invitations.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn invitations(&self, permit: Permit<ReadOwn>) -> Result<Vec<Invitation>, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        self.store.invitations(&actor.user).await
    }

    /// One's own rooms, or the public ones.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list(
        &self,
        permit: Permit<ReadOwn>,
        scope: Scope,
        after: Option<&RoomId>,
        limit: u32,
    ) -> Result<Vec<Room>, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        self.store
            .rooms(&actor.plainly(), scope, after, limit)
            .await
    }

    /// One room.
    ///
    /// # Errors
    /// What [`super::RoomStore::room`] refuses.
    pub async fn room(&self, permit: Permit<ReadRoom>) -> Result<Room, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let room = &permit.command().room;
        powered!(self, &actor, "read room", room.as_str(), |by| self
            .store
            .room(by, room))
    }

    /// A room's members.
    ///
    /// # Errors
    /// What [`super::RoomStore::members`] refuses.
    pub async fn members(
        &self,
        permit: Permit<ReadRoom>,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Member>, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let room = &permit.command().room;
        powered!(self, &actor, "list members", room.as_str(), |by| self
            .store
            .members(by, room, after, limit))
    }

    /// A page of a room's messages.
    ///
    /// # Errors
    /// What [`super::RoomStore::messages`] refuses.
    pub async fn messages(
        &self,
        permit: Permit<ReadRoom>,
        page: Page,
    ) -> Result<Messages, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let room = &permit.command().room;
        powered!(self, &actor, "read messages", room.as_str(), |by| self
            .store
            .messages(by, room, page))
    }

    /// A page of any room's messages, for a backend.
    ///
    /// # Errors
    /// What [`super::RoomStore::messages`] refuses.
    pub async fn messages_of_any(
        &self,
        _permit: Permit<Monitor>,
        room: &RoomId,
        page: Page,
    ) -> Result<Messages, RoomFault> {
        self.store.messages(&backend()?, room, page).await
    }

    /// Who of any room's members is there, for a backend.
    ///
    /// # Errors
    /// What [`super::RoomStore::members`] refuses.
    pub async fn presence_of_any(
        &self,
        _permit: Permit<Monitor>,
        room: &RoomId,
    ) -> Result<Vec<Presence>, RoomFault> {
        let limit = self.presence_entries();
        let members = self.store.members(&backend()?, room, None, limit).await?;
        self.present(members).await
    }

    /// What any user shows, and whether they are there, for a backend.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn user_of_any(
        &self,
        _permit: Permit<Monitor>,
        user: &UserId,
    ) -> Result<(Person, Presence), RoomFault> {
        let person = self.store.profile(user).await?;
        let online = self.attendance.is_online(user);
        let seen = self.store.last_seen(std::slice::from_ref(user)).await?;
        let last_seen = seen.first().map(|(_, at)| *at).filter(|_| !online);
        let user = user.clone();
        let presence = Presence {
            user,
            online,
            last_seen,
        };
        Ok((person, presence))
    }

    /// Whether a user is a member of a room, for a backend that asks why.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn is_member(
        &self,
        _permit: Permit<Monitor>,
        user: &UserId,
        room: &RoomId,
    ) -> Result<bool, RoomFault> {
        Ok(self.store.rooms_of(user).await?.contains(room))
    }

    /// Who of a room's members is there; the first by user id, as many as
    /// `limits.presence_entries`.
    ///
    /// # Errors
    /// What [`super::RoomStore::members`] refuses.
    pub async fn presence(&self, permit: Permit<ListPresence>) -> Result<Vec<Presence>, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let room = &permit.command().room;
        let limit = self.presence_entries();
        let members: Result<_, RoomFault> =
            powered!(self, &actor, "list presence", room.as_str(), |by| self
                .store
                .members(by, room, None, limit));
        self.present(members?).await
    }

    /// What a user shows: to themselves, and to who shares a room with them.
    ///
    /// # Errors
    /// `not_found` where they share none.
    pub async fn profile(
        &self,
        permit: Permit<ReadOwn>,
        user: &UserId,
    ) -> Result<Person, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        if actor.user != *user && !self.store.share_room(&actor.user, user).await? {
            if !actor.any {
                return Err(RoomFault::refused(Refusal::NotFound, "no such user"));
            }
            self.witness
                .power_used(&actor.user, "read profile", user.as_str());
        }
        self.store.profile(user).await
    }

    /// Changes one's own profile.
    ///
    /// # Errors
    /// `bad_request` names the field.
    pub async fn update_profile(
        &self,
        permit: Permit<UpdateProfile>,
        at: Timestamp,
    ) -> Result<Person, RoomFault> {
        let actor = permit.actor().ok_or_else(no_user)?;
        let (ask, _, _) = permit.into_parts();
        checks::profile(&ask)?;
        self.store.update_profile(&actor.user, ask, at).await
    }

    async fn present(&self, members: Vec<Member>) -> Result<Vec<Presence>, RoomFault> {
        let users: Vec<UserId> = members
            .into_iter()
            .map(|member| member.profile.user)
            .collect();
        let seen = self.store.last_seen(&users).await?;
        let seen: HashMap<UserId, Timestamp> = seen.into_iter().collect();
        let presence = users.into_iter().map(|user| {
            let online = self.is_online(&user);
            Presence {
                online,
                last_seen: seen.get(&user).copied().filter(|_| !online),
                user,
            }
        });
        Ok(presence.collect())
    }

    /// Whether a user has a connection, or had one within the last 10 seconds.
    #[must_use]
    pub fn is_online(&self, user: &UserId) -> bool {
        self.connections.of_user(user) > 0
            || self.connections.has_changed(user)
            || self.attendance.is_online(user)
    }

    fn presence_entries(&self) -> u32 {
        match u32::try_from(self.limits.presence_entries) {
            Ok(0) | Err(_) => u32::MAX,
            Ok(entries) => entries,
        }
    }
}

/// Who reads for a backend: sees every room, is a member of none.
pub(super) fn backend() -> Result<Actor, RoomFault> {
    let user = UserId::new("backend").map_err(|_error| no_user())?;
    Ok(Actor::plain(user).with(true, false))
}
