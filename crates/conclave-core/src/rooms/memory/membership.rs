//! Rooms and their members change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use conclave_protocol::{
    Channel, DeleteRoom, EventKind, InvitationState, JoinRoom, LeaveRoom, Member, MemberRole,
    Refusal, RemoveMember, Room, RoomId, RoomKind, SetRole, Timestamp, UpdateRoom, UserId,
};

use super::super::port::{Created, NewRoom, NextRoom, RoomFault};
use super::state::{MemberRow, RoomRow, State, Viewer, What};
use crate::permit::Actor;

impl State {
    pub(super) fn create(
        &mut self,
        by: &Actor,
        new: NewRoom,
        at: Timestamp,
    ) -> Result<Created, RoomFault> {
        let NewRoom { id, room: ask } = new;
        let mut members: BTreeSet<UserId> = ask.members.into_iter().collect();
        members.insert(by.user.clone());
        let is_dm = ask.kind == RoomKind::Dm;
        if is_dm && members.len() != 2 {
            let words = "a DM has exactly one other member";
            return Err(refused(Refusal::BadRequest, words));
        }
        if is_dm && let Some(dm) = self.dm_of(&members) {
            return self.back_in_dm(&dm, by, at);
        }
        if self.rooms.contains_key(&id) {
            return Err(refused(Refusal::Conflict, "the room's id is used already"));
        }
        let too_many = self.members_per_room != 0
            && members.len() > usize::try_from(self.members_per_room).unwrap_or(usize::MAX);
        if too_many {
            return Err(room_full());
        }
        members
            .iter()
            .try_for_each(|user| self.check_rooms_of(user))?;
        let role = |user: &UserId| match user == &by.user && !is_dm {
            true => MemberRole::Owner,
            false => MemberRole::Member,
        };
        let rows = members
            .iter()
            .map(|user| (user.clone(), MemberRow::new(role(user), at, 1)));
        let row = RoomRow {
            id: id.clone(),
            name: ask.name.unwrap_or_default(),
            description: ask.description.filter(|text| !text.is_empty()),
            assistant: false,
            kind: ask.kind,
            created_at: at,
            members: rows.collect(),
            pair: members.iter().filter(|_| is_dm).cloned().collect(),
            banned: BTreeSet::new(),
            events: Vec::new(),
            messages: BTreeMap::new(),
            keys: HashMap::new(),
            log: Vec::new(),
        };
        self.rooms.insert(id.clone(), row);
        let seq = self.record(&id, at, What::Created);
        for user in members {
            let entered = EventKind::Entered { seq };
            self.tell(Channel::User(user), &id, at, entered);
        }
        self.created(&id, by, false)
    }

    fn created(&self, id: &RoomId, by: &Actor, existing: bool) -> Result<Created, RoomFault> {
        let row = self.rooms.get(id).ok_or_else(RoomFault::no_room)?;
        let room = row.shown(Viewer::One(&by.user));
        Ok(Created { room, existing })
    }

    fn dm_of(&self, pair: &BTreeSet<UserId>) -> Option<RoomId> {
        let mut rooms = self.rooms.values();
        let dm = rooms.find(|row| row.kind == RoomKind::Dm && row.pair == *pair)?;
        Some(dm.id.clone())
    }

    fn back_in_dm(&mut self, dm: &RoomId, by: &Actor, at: Timestamp) -> Result<Created, RoomFault> {
        let row = self.rooms.get(dm).ok_or_else(RoomFault::no_room)?;
        if !row.members.contains_key(&by.user) {
            self.check_rooms_of(&by.user)?;
            self.enter(dm, &by.user, at);
        }
        self.created(dm, by, true)
    }

    pub(super) fn update(
        &mut self,
        by: &Actor,
        ask: UpdateRoom,
        at: Timestamp,
    ) -> Result<Room, RoomFault> {
        self.governed(by, &ask.room)?;
        let row = self.rooms.get_mut(&ask.room);
        let row = row.ok_or_else(RoomFault::no_room)?;
        if let Some(name) = ask.name {
            row.name = name;
        }
        if let Some(description) = ask.description {
            row.description = Some(description).filter(|text| !text.is_empty());
        }
        row.assistant = ask.assistant.unwrap_or(row.assistant);
        self.record(&ask.room, at, What::Updated);
        let row = self.rooms.get(&ask.room).ok_or_else(RoomFault::no_room)?;
        Ok(row.shown(Viewer::One(&by.user)))
    }

    pub(super) fn delete(
        &mut self,
        by: &Actor,
        ask: &DeleteRoom,
        at: Timestamp,
    ) -> Result<(), RoomFault> {
        self.governed(by, &ask.room)?;
        self.drop_room(&ask.room, at);
        Ok(())
    }

    fn drop_room(&mut self, room: &RoomId, at: Timestamp) {
        let Some(row) = self.rooms.remove(room) else {
            return;
        };
        for message in row.messages.values() {
            self.places.remove(&message.id);
        }
        self.invitations.retain(|other| other.room != *room);
        self.record_end(&row, at);
    }

    pub(super) fn join(
        &mut self,
        by: &Actor,
        ask: &JoinRoom,
        at: Timestamp,
    ) -> Result<(), RoomFault> {
        let row = self.rooms.get(&ask.room).ok_or_else(RoomFault::no_room)?;
        if row.members.contains_key(&by.user) {
            return Ok(());
        }
        let invited = self.invitation(&ask.room, &by.user).is_some();
        if row.kind != RoomKind::Public && !invited {
            return Err(match by.any {
                true => refused(Refusal::Forbidden, "only who is invited can join"),
                false => RoomFault::no_room(),
            });
        }
        self.check_entry(row, &by.user)?;
        self.enter(&ask.room, &by.user, at);
        Ok(())
    }

    /// What keeps a user who may enter from doing so.
    pub(super) fn check_entry(&self, row: &RoomRow, user: &UserId) -> Result<(), RoomFault> {
        if row.banned.contains(user) {
            return Err(refused(Refusal::Forbidden, "banned from this room"));
        }
        let most = usize::try_from(self.members_per_room).unwrap_or(usize::MAX);
        if most != 0 && row.members.len() >= most {
            return Err(room_full());
        }
        self.check_rooms_of(user)
    }

    /// A pending invitation is accepted by whatever way one enters.
    pub(super) fn enter(&mut self, room: &RoomId, user: &UserId, at: Timestamp) {
        let Some(row) = self.rooms.get_mut(room) else {
            return;
        };
        let seq = row.last_seq() + 1;
        let member = MemberRow::new(MemberRole::Member, at, seq);
        row.members.insert(user.clone(), member);
        self.answer_pending(room, user, InvitationState::Accepted);
        self.record(room, at, What::Joined(user.clone()));
        let entered = EventKind::Entered { seq };
        self.tell(Channel::User(user.clone()), room, at, entered);
    }

    pub(super) fn leave(
        &mut self,
        by: &Actor,
        ask: &LeaveRoom,
        at: Timestamp,
    ) -> Result<Option<NextRoom>, RoomFault> {
        let row = self.rooms.get_mut(&ask.room);
        let row = row.ok_or_else(RoomFault::no_room)?;
        let role = row.role(&by.user).ok_or_else(RoomFault::no_room)?;
        let owner = role == MemberRole::Owner;
        if owner && (ask.delete || row.members.len() == 1) {
            self.drop_room(&ask.room, at);
            return Ok(self.next_room(&by.user));
        }
        row.forget(&by.user);
        let members = row.members.iter_mut();
        let eldest = members
            .filter(|_| owner)
            .min_by_key(|(_, member)| member.joined_seq);
        let heir = eldest.map(|(user, member)| {
            member.role = MemberRole::Owner;
            user.clone()
        });
        self.record(&ask.room, at, What::Left(by.user.clone()));
        if let Some(user) = heir {
            let role = MemberRole::Owner;
            self.record(&ask.room, at, What::RoleChanged { user, role });
        }
        Ok(self.next_room(&by.user))
    }

    /// Public rooms first, then private ones, then DMs; of these the first by id.
    fn next_room(&self, user: &UserId) -> Option<NextRoom> {
        let own = self.rooms.values();
        let own = own.filter_map(|row| Some((row, row.members.get(user)?)));
        let (row, member) = own.min_by_key(|(row, _)| match row.kind {
            RoomKind::Public => 0,
            RoomKind::Private => 1,
            RoomKind::Dm => 2,
        })?;
        Some(NextRoom {
            room: row.id.clone(),
            kind: row.kind,
            last_viewed_at: member.viewed_at,
            unread: row.of_others(user, member.seen_seq).next().is_some(),
        })
    }

    pub(super) fn remove(
        &mut self,
        by: &Actor,
        ask: &RemoveMember,
        at: Timestamp,
    ) -> Result<(), RoomFault> {
        let row = self.ruled(by, &ask.room)?;
        if ask.user == by.user {
            let words = "one leaves a room, and is not removed by oneself";
            return Err(refused(Refusal::BadRequest, words));
        }
        let target = row.role(&ask.user);
        let may = match row.role(&by.user) {
            Some(MemberRole::Owner) => true,
            Some(MemberRole::Moderator) => by.moderator || target != Some(MemberRole::Moderator),
            Some(MemberRole::Member) | None => by.moderator,
        };
        if !may || target == Some(MemberRole::Owner) {
            let words = "only the owner and moderators remove members, and nobody the owner";
            return Err(refused(Refusal::Forbidden, words));
        }
        if target.is_none() && !ask.ban {
            return Err(no_member());
        }
        if let Some(row) = self.rooms.get_mut(&ask.room) {
            if ask.ban {
                row.banned.insert(ask.user.clone());
            }
            row.forget(&ask.user);
        }
        if ask.ban {
            self.answer_pending(&ask.room, &ask.user, InvitationState::Rejected);
        }
        if target.is_some() {
            self.record(&ask.room, at, What::Left(ask.user.clone()));
        }
        Ok(())
    }

    pub(super) fn set_role(
        &mut self,
        by: &Actor,
        ask: &SetRole,
        at: Timestamp,
    ) -> Result<Member, RoomFault> {
        let row = self.ruled(by, &ask.room)?;
        let owner = row.role(&by.user) == Some(MemberRole::Owner);
        if !owner && (!by.moderator || ask.role == MemberRole::Owner) {
            return Err(refused(Refusal::Forbidden, "only the owner gives roles"));
        }
        let had = row.role(&ask.user).ok_or_else(no_member)?;
        if had == MemberRole::Owner && ask.role != MemberRole::Owner {
            let words = "an owner hands the room over to another member";
            return Err(refused(Refusal::Forbidden, words));
        }
        if had != ask.role {
            self.give(&ask.room, &ask.user, ask.role, at);
            if ask.role == MemberRole::Owner {
                self.give(&ask.room, &by.user, MemberRole::Moderator, at);
            }
        }
        let row = self.rooms.get(&ask.room).ok_or_else(RoomFault::no_room)?;
        let member = row.members.get(&ask.user).ok_or_else(no_member)?;
        Ok(Member {
            profile: self.users.profile(&ask.user),
            role: member.role,
            joined_at: member.joined_at,
        })
    }

    fn give(&mut self, room: &RoomId, user: &UserId, role: MemberRole, at: Timestamp) {
        let row = self.rooms.get_mut(room);
        if let Some(member) = row.and_then(|row| row.members.get_mut(user)) {
            member.role = role;
        }
        let user = user.clone();
        self.record(room, at, What::RoleChanged { user, role });
    }

    /// A room whose members somebody with power there may change: never a DM.
    fn ruled(&self, by: &Actor, room: &RoomId) -> Result<&RoomRow, RoomFault> {
        let row = match by.moderator {
            true => self.rooms.get(room).ok_or_else(RoomFault::no_room)?,
            false => self.open(by, room)?,
        };
        match row.kind {
            RoomKind::Dm => Err(refused(Refusal::Forbidden, "a DM stays as it is")),
            RoomKind::Private | RoomKind::Public => Ok(row),
        }
    }

    /// A room that the actor may change or delete.
    fn governed(&self, by: &Actor, room: &RoomId) -> Result<(), RoomFault> {
        let row = self.ruled(by, room)?;
        if by.moderator || row.role(&by.user) == Some(MemberRole::Owner) {
            return Ok(());
        }
        Err(refused(Refusal::Forbidden, "only the owner may do this"))
    }

    fn check_rooms_of(&self, user: &UserId) -> Result<(), RoomFault> {
        let most = usize::try_from(self.rooms_per_user).unwrap_or(usize::MAX);
        if most != 0 && self.rooms_of(user).len() >= most {
            return Err(refused(Refusal::TooLarge, "a member of too many rooms"));
        }
        Ok(())
    }
}

impl RoomRow {
    /// Ends a membership, and what was known of its receipts.
    fn forget(&mut self, user: &UserId) {
        self.members.remove(user);
        self.log.retain(|entry| entry.user != *user);
    }
}

pub(super) const fn refused(refusal: Refusal, message: &'static str) -> RoomFault {
    RoomFault::refused(refusal, message)
}

const fn no_member() -> RoomFault {
    refused(Refusal::NotFound, "no such member")
}

const fn room_full() -> RoomFault {
    refused(Refusal::TooLarge, "the room has as many members as it can")
}
