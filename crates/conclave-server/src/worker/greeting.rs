//! What a connection of a surface of rooms is told first, and what has to wait for it.

use std::sync::Arc;

use conclave_protocol::{Principal, Push, RoomId, RoomReply, Start, Welcome};

use super::answer::Answer;
use super::connection::Connection;
use super::gateway::Gateway;
use super::hearing::Catch;
use super::rooms::Asked;

/// What is said when it is known that the room may be heard.
pub(super) enum Greeting {
    /// Nothing.
    Quiet,
    /// The answer to the command that asked for it.
    Reply(Asked),
    /// The connection's first frame.
    Welcome,
}

impl Connection {
    pub(super) fn greet(
        &self,
        room: &RoomId,
        greeting: Option<Greeting>,
        last_seq: u64,
        answer: &mut Answer<'_>,
    ) {
        match greeting {
            None | Some(Greeting::Quiet) => {}
            Some(Greeting::Welcome) => self.welcome_into(Some((room, last_seq)), answer),
            Some(Greeting::Reply(asked)) => {
                let room = room.clone();
                self.room_reply(&asked, &RoomReply::Followed { room, last_seq }, answer);
            }
        }
    }

    /// Keeps the name that the token gives its user, once for each.
    pub(super) fn keep_name(&self, principal: &Principal) {
        let node = &self.worker.node;
        let (Some(user), Some(name)) = (&principal.user, &principal.name) else {
            return;
        };
        node.names.keep(&node.rooms, user, name, node.clock.now());
    }

    pub(super) fn welcome(&self, room: Option<(&RoomId, u64)>) {
        let (mut out, mut payload) = (Vec::new(), Vec::new());
        let answer = &mut Answer {
            out: &mut out,
            payload: &mut payload,
        };
        self.welcome_into(room, answer);
        self.send(&out);
    }

    pub(super) fn welcome_into(&self, room: Option<(&RoomId, u64)>, answer: &mut Answer<'_>) {
        let principal = Arc::clone(&self.principal.borrow());
        let (sid, secret) = self.side().map_or((0, 0), |mut side| {
            side.greeted = true;
            side.gateway.as_ref().map_or((0, 0), Gateway::names)
        });
        let welcome = Welcome {
            principal: &principal,
            connection: self.id,
            room,
            sid,
            secret,
            at: self.worker.node.clock.now(),
        };
        self.push(&Push::Welcome(welcome), answer);
        self.keep_name(&principal);
    }

    /// Whether what is to be said next must come first: its first frame, or that a room is heard.
    /// A message that is sent behind a subscription is then above what the subscription has read.
    pub(super) fn is_waiting_to_greet(&self) -> bool {
        self.side().is_some_and(|side| match self.start_kind {
            Start::Room => !side.greeted,
            Start::Feed => side.catches.iter().any(Catch::has_asker),
            Start::Connect | Start::Opened | Start::Rooms | Start::Topics | Start::Wallet => false,
        })
    }
}
