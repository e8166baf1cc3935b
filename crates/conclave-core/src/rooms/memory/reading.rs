//! What is read.

use std::ops::Bound;
use std::sync::Arc;

use conclave_protocol::{
    DeliveryState, Event, Member, Message, MessageId, Receipt, Room, RoomId, RoomKind, Timestamp,
    UserId,
};

use super::super::port::{Entered, Head, Messages, Page, Replay, RoomFault, Scope};
use super::state::{RoomRow, State, Viewer, count};
use crate::permit::Actor;

impl State {
    pub(super) fn room(&self, viewer: &Actor, room: &RoomId) -> Result<Room, RoomFault> {
        let row = self.rooms.get(room).ok_or_else(RoomFault::no_room)?;
        match row.kind == RoomKind::Public || row.is_open_to(viewer) {
            true => Ok(row.shown(Viewer::One(&viewer.user))),
            false => Err(RoomFault::no_room()),
        }
    }

    pub(super) fn list(
        &self,
        viewer: &Actor,
        scope: Scope,
        after: Option<&RoomId>,
        limit: u32,
    ) -> Vec<Room> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.rooms.range::<RoomId, _>((from, Bound::Unbounded));
        let listed = later.map(|(_, row)| row).filter(|row| match scope {
            Scope::All => viewer.any,
            Scope::Own => row.members.contains_key(&viewer.user),
            Scope::Public => row.kind == RoomKind::Public,
        });
        listed
            .take(many(limit))
            .map(|row| row.shown(Viewer::One(&viewer.user)))
            .collect()
    }

    pub(super) fn members(
        &self,
        viewer: &Actor,
        room: &RoomId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Member>, RoomFault> {
        let row = self.open(viewer, room)?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let later = row.members.range::<UserId, _>((from, Bound::Unbounded));
        let members = later.take(many(limit)).map(|(user, member)| Member {
            profile: self.users.profile(user),
            role: member.role,
            joined_at: member.joined_at,
        });
        Ok(members.collect())
    }

    pub(super) fn messages(
        &self,
        viewer: &Actor,
        room: &RoomId,
        page: Page,
    ) -> Result<Messages, RoomFault> {
        let row = self.open(viewer, room)?;
        let limit = many(page.limit.max(1));
        let lower = page.after.map_or(Bound::Unbounded, Bound::Excluded);
        let upper = page.before.map_or(Bound::Unbounded, Bound::Excluded);
        let seqs = row.messages.keys().copied();
        let fit = seqs.filter(|seq| std::ops::RangeBounds::contains(&(lower, upper), seq));
        let mut chosen: Vec<u64> = fit.collect();
        if page.after.is_some() {
            chosen.truncate(limit);
        } else {
            chosen.drain(..chosen.len().saturating_sub(limit));
        }
        // Of an empty page the bounds say what is beside it.
        let (first, last) = (chosen.first().copied(), chosen.last().copied());
        let first = first.or_else(|| page.after.map(|after| after.saturating_add(1)));
        let last = last.or_else(|| page.before.map(|before| before.saturating_sub(1)));
        let oldest = row.messages.keys().next();
        let newest = row.messages.keys().next_back();
        let older = first.is_some_and(|first| oldest.is_some_and(|seq| *seq < first));
        let newer = last.is_some_and(|last| newest.is_some_and(|seq| *seq > last));
        let viewer = Viewer::One(&viewer.user);
        let shown = chosen.into_iter().rev();
        let shown = shown.filter_map(|seq| row.message(seq, viewer, &self.users));
        Ok(Messages {
            messages: shown.collect(),
            older,
            newer,
        })
    }

    pub(super) fn events(
        &self,
        viewer: &Actor,
        room: &RoomId,
        after: u64,
        limit: u32,
    ) -> Result<Replay, RoomFault> {
        let row = self.open(viewer, room)?;
        let last_seq = row.last_seq();
        let first = after.saturating_add(1);
        let end = after.saturating_add(u64::from(limit)).min(last_seq);
        let shown = |seq| row.event(seq, Viewer::One(&viewer.user), &self.users);
        let events = (first..=end).filter_map(shown);
        Ok(Replay {
            last_seq,
            events: events.map(Arc::new).collect(),
            more: after < last_seq && end < last_seq,
            by_any: !row.members.contains_key(&viewer.user),
        })
    }

    pub(super) fn entered(&self, users: &[UserId], after: u64) -> Vec<Entered> {
        let of_room = |(id, row): (&RoomId, &RoomRow)| -> Vec<Entered> {
            let members = users
                .iter()
                .filter_map(|user| Some((user, row.members.get(user)?)));
            let late = members.filter(|(_, member)| {
                let index = usize::try_from(member.joined_seq.saturating_sub(1));
                let event = index.ok().and_then(|index| row.events.get(index));
                event.is_some_and(|event| event.number > after)
            });
            late.map(|(user, member)| Entered {
                user: user.clone(),
                room: id.clone(),
                seq: member.joined_seq,
                at: member.joined_at,
            })
            .collect()
        };
        self.rooms.iter().flat_map(of_room).collect()
    }

    pub(super) fn missed(&self, user: &UserId, after: u64, limit: u32) -> Vec<Arc<Event>> {
        let own = self.own(user);
        let events = own.flat_map(|row| {
            let from = row.events.partition_point(|event| event.number <= after);
            let seqs = count(from) + 1..=row.last_seq();
            seqs.filter_map(|seq| row.event(seq, Viewer::One(user), &self.users))
        });
        let mut events: Vec<Arc<Event>> = events.map(Arc::new).collect();
        events.sort_unstable_by_key(|event| event.number);
        events.truncate(many(limit));
        events
    }

    pub(super) fn receipts(
        &self,
        viewer: &Actor,
        message: MessageId,
    ) -> Result<Vec<Receipt>, RoomFault> {
        let (row, seq, kept) = self.find(message, |row| row.is_open_to(viewer))?;
        let first = row.recipients(seq).take(RECEIPTS_MAX);
        let receipts = first.map(|(user, status)| Receipt {
            message,
            recipient: user.clone(),
            status,
            at: row.reached(user, status, seq).unwrap_or(kept.created_at),
        });
        Ok(receipts.collect())
    }

    pub(super) fn offline(
        &self,
        user: &UserId,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>, RoomFault> {
        let start = match after {
            None => None,
            Some(message) => {
                let seen = |row: &RoomRow| row.members.contains_key(user);
                let (row, seq, _) = self.find(message, seen)?;
                Some((&row.id, seq))
            }
        };
        let messages = self.unreceived(user).filter(|(row, seq)| match start {
            None => true,
            Some(start) => (&row.id, *seq) > start,
        });
        let viewer = Viewer::One(user);
        Ok(messages
            .take(many(limit))
            .filter_map(|(row, seq)| row.message(seq, viewer, &self.users))
            .collect())
    }

    pub(super) fn offline_count(&self, user: &UserId) -> u64 {
        count(self.unreceived(user).count())
    }

    fn unreceived<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = (&'a RoomRow, u64)> {
        self.own(user)
            .flat_map(move |row| row.unreceived(user).map(move |seq| (row, seq)))
    }

    /// The rooms a user is a member of, by id.
    fn own<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = &'a RoomRow> {
        let rooms = self.rooms.values();
        rooms.filter(move |row| row.members.contains_key(user))
    }

    pub(super) fn rooms_of(&self, user: &UserId) -> Vec<RoomId> {
        self.own(user).map(|row| row.id.clone()).collect()
    }

    pub(super) fn heads(&self, user: &UserId) -> Vec<Head> {
        let heads = self.own(user).map(|row| Head {
            room: row.id.clone(),
            last_seq: row.last_seq(),
            offline: row.unreceived(user).next().is_some(),
        });
        heads.collect()
    }

    pub(super) fn share_room(&self, one: &UserId, other: &UserId) -> bool {
        self.own(one).any(|row| row.members.contains_key(other))
    }
}

impl RoomRow {
    /// The places of what a member has not received.
    fn unreceived<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = u64> + use<'a> {
        let received = self.members.get(user).map_or(0, |m| m.delivered_seq);
        self.of_others(user, received).map(|(seq, _)| seq)
    }

    /// When a recipient reached this state of a message; `None` where it is only sent.
    fn reached(&self, user: &UserId, status: DeliveryState, seq: u64) -> Option<Timestamp> {
        if status == DeliveryState::Sent {
            return None;
        }
        let mut log = self.log.iter();
        let first =
            log.find(|entry| entry.user == *user && entry.status >= status && entry.seq >= seq)?;
        Some(first.at)
    }
}

/// An ask for so many.
fn many(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Entries in the list of a message's recipients.
const RECEIPTS_MAX: usize = 200;
