//! A room is filled with messages, for `conclave bench`: by the statement that sends them, many
//! in one commit.

use conclave_core::{RoomFault, Stamp};
use conclave_protocol::{MessageId, MessageKind, Profile, RoomId, SendMessage, UserId};

use super::act::Act;
use super::{Guard, Halt, StoredRooms, sending, standing};

impl StoredRooms {
    /// Appends `messages` messages of about a hundred bytes to a room, its members by turns; ids
    /// grow from 1. Nothing is checked, and no client id given.
    ///
    /// # Errors
    /// `not_found`, `Unavailable`; what was committed before stays.
    #[doc(hidden)]
    pub async fn fill(
        &self,
        room: &RoomId,
        members: Vec<UserId>,
        messages: u64,
        stamp: Stamp,
    ) -> Result<(), RoomFault> {
        let mut first = 1;
        while first <= messages {
            let last = messages.min(first + AT_ONCE - 1);
            let (room, members) = (room.clone(), members.clone());
            let filled = self.act(Guard::None, stamp, async move |act| {
                append(act, &room, &members, first..=last).await
            });
            filled.await?;
            first = last + 1;
        }
        Ok(())
    }
}

async fn append(
    act: &mut Act<'_>,
    id: &RoomId,
    members: &[UserId],
    numbers: std::ops::RangeInclusive<u64>,
) -> Result<(), Halt> {
    let Some(reader) = members.first() else {
        return Err(Halt::no_room());
    };
    let mut room = standing::of(act.connection, id, reader).await?.room;
    for (number, author) in numbers.zip(members.iter().cycle()) {
        let ask = SendMessage {
            room: id.clone(),
            content: format!("Message {number}: {TEXT}").into(),
            kind: MessageKind::Text,
            reply_to: None,
            client_id: None,
            id: None,
        };
        let author = Profile {
            user: author.clone(),
            name: author.as_str().into(),
            avatar: None,
        };
        let message = MessageId(u128::from(number) << 64);
        let message = sending::unplaced(act, &ask, (message, author));
        sending::store(act, &mut room, message).await?;
    }
    Ok(())
}

/// Messages of one commit.
const AT_ONCE: u64 = 20_000;
const TEXT: &str = "as long as what people write to each other in rooms where much is said.";
