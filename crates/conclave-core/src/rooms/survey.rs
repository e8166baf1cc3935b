//! All rooms, for who monitors the system.

use conclave_protocol::{Monitor, Room, RoomId, UserId};

use super::Rooms;
use super::membership::backend;
use super::port::{RoomFault, Scope};
use crate::{Permit, Search};

/// A part of all rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// Those that were found, by id.
    pub rooms: Vec<Room>,
    /// Behind which one to look on, where not all was looked at.
    pub next: Option<RoomId>,
}

impl Rooms {
    /// Rooms of any kind behind `after`, by id: at most `limit` of those with the search in their
    /// id, name or owner. Looks at 20,000 or a few more, and then says where it ended.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn all_rooms(
        &self,
        _permit: &Permit<Monitor>,
        search: Option<&Search>,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Surveyed, RoomFault> {
        let backend = backend()?;
        let (mut rooms, mut next) = (Vec::new(), after);
        let mut looked_at = 0;
        loop {
            let page = self
                .store
                .rooms(&backend, Scope::All, next.as_ref(), PAGE)
                .await?;
            let more = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
            looked_at += page.len();
            for room in page {
                if rooms.len() == limit {
                    return Ok(Surveyed { rooms, next });
                }
                next = Some(room.id.clone());
                if search.is_none_or(|search| is_in(search, &room)) {
                    rooms.push(room);
                }
            }
            if !more {
                return Ok(Surveyed { rooms, next: None });
            }
            if looked_at >= LOOKED_AT_MAX {
                return Ok(Surveyed { rooms, next });
            }
        }
    }
}

fn is_in(search: &Search, room: &Room) -> bool {
    search.is_in(room.id.as_str())
        || search.is_in(&room.name)
        || room
            .owner
            .as_ref()
            .map(UserId::as_str)
            .is_some_and(|owner| search.is_in(owner))
}

/// Rooms of one question to the store.
const PAGE: u32 = 500;
/// Rooms that one call looks at.
const LOOKED_AT_MAX: usize = 20_000;
