//! The rows, how they are shown, and how an event gets its place.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use conclave_protocol::{
    AnswerRecord, Channel, DeliveryState, Event, EventKind, Invitation, MemberRole, Message,
    MessageId, MessageKind, Person, Profile, Room, RoomId, RoomKind, Timestamp, UpdateProfile,
    UserId,
};

use super::super::port::RoomFault;
use crate::permit::Actor;

/// All that is kept.
#[derive(Debug)]
pub(super) struct State {
    pub(super) rooms: BTreeMap<RoomId, RoomRow>,
    /// Where each message is.
    pub(super) places: HashMap<MessageId, (RoomId, u64)>,
    /// In the order in which they were made.
    pub(super) invitations: Vec<Invitation>,
    pub(super) users: Users,
    /// What the change under way has to tell.
    pub(super) published: Vec<(Channel, Arc<Event>)>,
    pub(super) rooms_per_user: u32,
    pub(super) members_per_room: u32,
    number: u64,
}

#[derive(Debug)]
pub(super) struct RoomRow {
    pub(super) id: RoomId,
    pub(super) name: Box<str>,
    pub(super) description: Option<Box<str>>,
    pub(super) assistant: bool,
    pub(super) kind: RoomKind,
    pub(super) created_at: Timestamp,
    pub(super) members: BTreeMap<UserId, MemberRow>,
    /// The two of a DM, whether they are members now or not; of other rooms none.
    pub(super) pair: BTreeSet<UserId>,
    pub(super) banned: BTreeSet<UserId>,
    /// The first has the sequence number 1.
    pub(super) events: Vec<EventRow>,
    /// By sequence number.
    pub(super) messages: BTreeMap<u64, MessageRow>,
    /// Sequence numbers by author and the author's own key.
    pub(super) keys: HashMap<(UserId, Box<str>), u64>,
    /// Receipts that added something, oldest first.
    pub(super) log: Vec<Logged>,
}

#[derive(Debug)]
pub(super) struct MemberRow {
    pub(super) role: MemberRole,
    pub(super) joined_at: Timestamp,
    pub(super) joined_seq: u64,
    pub(super) delivered_seq: u64,
    pub(super) seen_seq: u64,
    pub(super) viewed_at: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct MessageRow {
    pub(super) id: MessageId,
    pub(super) author: UserId,
    pub(super) kind: MessageKind,
    pub(super) content: Box<str>,
    /// Of the content as it was first sent, to know a repeated ask by; gone with the text.
    pub(super) fingerprint: Option<u64>,
    pub(super) reply_to: Option<MessageId>,
    pub(super) client_id: Option<Box<str>>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) deleted_at: Option<Timestamp>,
    pub(super) answer: Option<Box<AnswerRecord>>,
}

#[derive(Debug)]
pub(super) struct Logged {
    pub(super) user: UserId,
    pub(super) status: DeliveryState,
    pub(super) seq: u64,
    pub(super) at: Timestamp,
}

#[derive(Debug)]
pub(super) struct EventRow {
    pub(super) number: u64,
    at: Timestamp,
    what: What,
}

/// What happened; messages and rooms are shown as they are when somebody looks.
#[derive(Debug)]
pub(super) enum What {
    Created,
    Edited(u64),
    Erased { message: MessageId, by: UserId },
    Joined(UserId),
    Left(UserId),
    Message,
    RoleChanged { user: UserId, role: MemberRole },
    Updated,
}

/// For whom something is shown: what is published is for everybody, the author's key included.
#[derive(Clone, Copy, Debug)]
pub(super) enum Viewer<'a> {
    All,
    One(&'a UserId),
}

impl State {
    pub(super) fn new(rooms_per_user: u32, members_per_room: u32) -> Self {
        Self {
            rooms: BTreeMap::new(),
            places: HashMap::new(),
            invitations: Vec::new(),
            users: Users::default(),
            published: Vec::new(),
            rooms_per_user,
            members_per_room,
            number: 0,
        }
    }

    /// A room the actor reads and writes in: as a member, or by `any`.
    pub(super) fn open(&self, by: &Actor, room: &RoomId) -> Result<&RoomRow, RoomFault> {
        let row = self.rooms.get(room).ok_or_else(RoomFault::no_room)?;
        if row.members.contains_key(&by.user) || by.any {
            return Ok(row);
        }
        Err(RoomFault::no_room())
    }

    /// A room and message the actor sees, or may moderate where `power` says so; deleted ones
    /// too.
    pub(super) fn find(
        &self,
        message: MessageId,
        seen: impl Fn(&RoomRow) -> bool,
    ) -> Result<(&RoomRow, u64, &MessageRow), RoomFault> {
        let place = self.places.get(&message);
        let (room, seq) = place.ok_or_else(RoomFault::no_message)?;
        let row = self.rooms.get(room).filter(|row| seen(row));
        let row = row.ok_or_else(RoomFault::no_message)?;
        let message = row.messages.get(seq).ok_or_else(RoomFault::no_message)?;
        Ok((row, *seq, message))
    }

    /// The greatest number that was given.
    pub(super) const fn newest_number(&self) -> u64 {
        self.number
    }

    /// Gives what happened its place, and tells the room. Its sequence number.
    pub(super) fn record(&mut self, room: &RoomId, at: Timestamp, what: What) -> u64 {
        let Some(row) = self.rooms.get_mut(room) else {
            return 0;
        };
        self.number += 1;
        let number = self.number;
        row.events.push(EventRow { number, at, what });
        let seq = row.last_seq();
        let event = row.event(seq, Viewer::All, &self.users);
        let channel = Channel::Room(room.clone());
        self.published
            .extend(event.map(|event| (channel, Arc::new(event))));
        seq
    }

    /// The last event of a room that is gone.
    pub(super) fn record_end(&mut self, row: &RoomRow, at: Timestamp) {
        self.number += 1;
        let event = Event {
            room: Some(row.id.clone()),
            seq: row.last_seq() + 1,
            number: self.number,
            at,
            kind: EventKind::Deleted,
        };
        let channel = Channel::Room(row.id.clone());
        self.published.push((channel, Arc::new(event)));
    }

    /// Tells what is not stored.
    pub(super) fn tell(&mut self, channel: Channel, room: &RoomId, at: Timestamp, kind: EventKind) {
        let event = Event {
            room: Some(room.clone()),
            seq: 0,
            number: 0,
            at,
            kind,
        };
        self.published.push((channel, Arc::new(event)));
    }
}

impl RoomRow {
    pub(super) fn last_seq(&self) -> u64 {
        count(self.events.len())
    }

    pub(super) fn role(&self, user: &UserId) -> Option<MemberRole> {
        self.members.get(user).map(|member| member.role)
    }

    pub(super) fn owner(&self) -> Option<&UserId> {
        let mut members = self.members.iter();
        let owner = members.find(|(_, member)| member.role == MemberRole::Owner);
        owner.map(|(user, _)| user)
    }

    /// Whether the user is a recipient of a message.
    fn receives(&self, user: &UserId, member: &MemberRow, seq: u64) -> bool {
        let author = self.messages.get(&seq).map(|message| &message.author);
        author != Some(user) && member.joined_seq < seq
    }

    /// The recipients of a message, by user id, and how far it has come for each.
    pub(super) fn recipients(
        &self,
        seq: u64,
    ) -> impl Iterator<Item = (&UserId, DeliveryState)> + '_ {
        let recipients = self.members.iter();
        recipients
            .filter(move |(user, member)| self.receives(user, member, seq))
            .map(move |(user, member)| (user, member.state(seq)))
    }

    /// Messages of others that are not deleted, after a sequence number.
    pub(super) fn of_others<'a>(
        &'a self,
        user: &'a UserId,
        after: u64,
    ) -> impl Iterator<Item = (u64, &'a MessageRow)> + 'a {
        let later = self.messages.range(after.saturating_add(1)..);
        later
            .filter(move |(_, message)| message.author != *user && message.deleted_at.is_none())
            .map(|(seq, message)| (*seq, message))
    }

    pub(super) fn shown(&self, viewer: Viewer<'_>) -> Room {
        let member = match viewer {
            Viewer::All => None,
            Viewer::One(user) => self.members.get_key_value(user),
        };
        let unread = member.map_or(0, |(user, member)| {
            self.of_others(user, member.seen_seq).count()
        });
        let messages = self.messages.values();
        Room {
            id: self.id.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            kind: self.kind,
            owner: self.owner().cloned(),
            assistant: self.assistant,
            created_at: self.created_at,
            last_seq: self.last_seq(),
            unread: count(unread),
            role: member.map(|(_, member)| member.role),
            members: count(self.members.len()),
            messages: count(messages.filter(|m| m.deleted_at.is_none()).count()),
        }
    }

    pub(super) fn message(&self, seq: u64, viewer: Viewer<'_>, users: &Users) -> Option<Message> {
        let row = self.messages.get(&seq)?;
        let keyed = match viewer {
            Viewer::All => true,
            Viewer::One(user) => *user == row.author,
        };
        let lowest = self.recipients(seq).map(|(_, state)| state).min();
        Some(Message {
            id: row.id,
            room: self.id.clone(),
            seq,
            author: users.profile(&row.author),
            kind: row.kind,
            content: row.content.clone(),
            reply_to: row.reply_to,
            client_id: row.client_id.clone().filter(|_| keyed),
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
            status: lowest.unwrap_or(DeliveryState::Sent),
            answer: row.answer.clone(),
        })
    }

    /// A stored event as it looks now.
    pub(super) fn event(&self, seq: u64, viewer: Viewer<'_>, users: &Users) -> Option<Event> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        let row = self.events.get(index)?;
        let shown = |seq| self.message(seq, viewer, users).map(Box::new);
        let kind = match &row.what {
            What::Created => EventKind::Created(Box::new(self.shown(Viewer::All))),
            What::Edited(message) => EventKind::Edited(shown(*message)?),
            What::Erased { message, by } => EventKind::Erased {
                message: *message,
                by: by.clone(),
            },
            What::Joined(user) => EventKind::Joined { user: user.clone() },
            What::Left(user) => EventKind::Left { user: user.clone() },
            What::Message => EventKind::Message(shown(seq)?),
            What::RoleChanged { user, role } => EventKind::RoleChanged {
                user: user.clone(),
                role: *role,
            },
            What::Updated => EventKind::Updated(Box::new(self.shown(Viewer::All))),
        };
        Some(Event {
            room: Some(self.id.clone()),
            seq,
            number: row.number,
            at: row.at,
            kind,
        })
    }
}

impl MemberRow {
    pub(super) const fn new(role: MemberRole, at: Timestamp, seq: u64) -> Self {
        Self {
            role,
            joined_at: at,
            joined_seq: seq,
            delivered_seq: seq,
            seen_seq: seq,
            viewed_at: None,
        }
    }

    /// How far a message has come for this recipient.
    pub(super) const fn state(&self, seq: u64) -> DeliveryState {
        if self.seen_seq >= seq {
            DeliveryState::Read
        } else if self.delivered_seq >= seq {
            DeliveryState::Delivered
        } else {
            DeliveryState::Sent
        }
    }
}

/// What users show, and when they were last there.
#[derive(Debug, Default)]
pub(super) struct Users(HashMap<UserId, UserRow>);

#[derive(Debug, Default)]
struct UserRow {
    /// Set by the user.
    name: Option<Box<str>>,
    /// Given by a token.
    token_name: Option<Box<str>>,
    avatar: Option<Box<str>>,
    bio: Option<Box<str>>,
    seen_at: Option<Timestamp>,
    joined_at: Option<Timestamp>,
}

impl Users {
    pub(super) fn profile(&self, user: &UserId) -> Profile {
        let row = self.0.get(user);
        let name = row.and_then(|row| row.name.as_ref().or(row.token_name.as_ref()));
        Profile {
            user: user.clone(),
            name: name.cloned().unwrap_or_else(|| user.as_str().into()),
            avatar: row.and_then(|row| row.avatar.clone()),
        }
    }

    pub(super) fn person(&self, user: &UserId) -> Person {
        let row = self.0.get(user);
        Person {
            profile: self.profile(user),
            bio: row.and_then(|row| row.bio.clone()),
            joined_at: row.and_then(|row| row.joined_at),
        }
    }

    /// Whoever is heard of first joins.
    fn row(&mut self, user: &UserId, at: Timestamp) -> &mut UserRow {
        self.0.entry(user.clone()).or_insert_with(|| UserRow {
            joined_at: Some(at),
            ..UserRow::default()
        })
    }

    pub(super) fn change(&mut self, user: &UserId, ask: UpdateProfile, at: Timestamp) {
        let row = self.row(user, at);
        if let Some(name) = ask.name {
            row.name = Some(name);
        }
        if let Some(avatar) = ask.avatar {
            row.avatar = Some(avatar).filter(|url| !url.is_empty());
        }
        if let Some(bio) = ask.bio {
            row.bio = Some(bio).filter(|text| !text.is_empty());
        }
    }

    pub(super) fn name(&mut self, user: &UserId, name: &str, at: Timestamp) {
        let row = self.row(user, at);
        row.token_name = Some(name.into());
    }

    pub(super) fn seen(&mut self, users: &[UserId], at: Timestamp) {
        for user in users {
            let row = self.row(user, at);
            row.seen_at = row.seen_at.max(Some(at));
        }
    }

    pub(super) fn last_seen(&self, users: &[UserId]) -> Vec<(UserId, Timestamp)> {
        let seen = users.iter().filter_map(|user| {
            let at = self.0.get(user)?.seen_at?;
            Some((user.clone(), at))
        });
        seen.collect()
    }
}

pub(super) fn count(many: usize) -> u64 {
    u64::try_from(many).unwrap_or(u64::MAX)
}
