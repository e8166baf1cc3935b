//! Who types where, for as long as 5 seconds.

use std::collections::HashMap;
use std::time::Duration;

use conclave_protocol::{RoomId, Timestamp, UserId};
use parking_lot::Mutex;

/// Typing users by room. Bounded: an entry over the bound is not kept, so that it is never shown
/// as typing.
#[derive(Debug, Default)]
pub(crate) struct Typing {
    rooms: Mutex<HashMap<RoomId, Vec<Typist>>>,
}

#[derive(Debug)]
struct Typist {
    user: UserId,
    connection: u64,
    until: Timestamp,
}

impl Typing {
    /// The user types, at this connection. Whether that is news.
    pub(crate) fn begin(
        &self,
        room: &RoomId,
        user: &UserId,
        connection: u64,
        now: Timestamp,
    ) -> bool {
        let until = now.plus(LIFE);
        let mut rooms = self.rooms.lock();
        if !rooms.contains_key(room) && rooms.len() >= ROOMS_MAX {
            return false;
        }
        let typists = rooms.entry(room.clone()).or_default();
        if let Some(known) = typists.iter_mut().find(|typist| typist.user == *user) {
            let news = known.until <= now;
            (known.connection, known.until) = (connection, until);
            return news;
        }
        if typists.len() >= TYPISTS_MAX {
            return false;
        }
        typists.push(Typist {
            user: user.clone(),
            connection,
            until,
        });
        true
    }

    /// The user has stopped. Whether that is news.
    pub(crate) fn end(&self, room: &RoomId, user: &UserId) -> bool {
        let mut rooms = self.rooms.lock();
        let Some(typists) = rooms.get_mut(room) else {
            return false;
        };
        let before = typists.len();
        typists.retain(|typist| typist.user != *user);
        let news = typists.len() < before;
        if typists.is_empty() {
            rooms.remove(room);
        }
        news
    }

    /// The connection is gone: what it typed has ended.
    pub(crate) fn end_connection(&self, connection: u64) -> Vec<(RoomId, UserId)> {
        self.take(|typist| typist.connection == connection)
    }

    /// What has ended by itself.
    pub(crate) fn expire(&self, now: Timestamp) -> Vec<(RoomId, UserId)> {
        self.take(|typist| typist.until <= now)
    }

    /// Who types in a room.
    pub(crate) fn list(&self, room: &RoomId, now: Timestamp) -> Vec<UserId> {
        let rooms = self.rooms.lock();
        let typists = rooms.get(room).map_or(&[][..], Vec::as_slice);
        let now = typists.iter().filter(|typist| typist.until > now);
        now.map(|typist| typist.user.clone()).collect()
    }

    fn take(&self, gone: impl Fn(&Typist) -> bool) -> Vec<(RoomId, UserId)> {
        let mut ended = Vec::new();
        self.rooms.lock().retain(|room, typists| {
            typists.retain(|typist| {
                if gone(typist) {
                    ended.push((room.clone(), typist.user.clone()));
                    return false;
                }
                true
            });
            !typists.is_empty()
        });
        ended
    }
}

const LIFE: Duration = Duration::from_secs(5);
const ROOMS_MAX: usize = 10_000;
const TYPISTS_MAX: usize = 200;
