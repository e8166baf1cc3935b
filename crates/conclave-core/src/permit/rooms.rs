//! The rules of rooms (identity.md, "Permissions"): which permission each ask needs. Whether the
//! user is a member of the room, and what they are there, the store says inside the transaction
//! that does what was asked.

use conclave_protocol::{
    AnswerInvitation, AskAssistant, CancelAnswer, Channel, CountOffline, CreateRoom, DeleteRoom,
    EditMessage, EraseMessage, Follow, GiveReceipt, Invite, JoinRoom, LeaveRoom, ListOffline,
    ListPresence, ListReceipts, ListTypists, MessageKind, Monitor, Permission, Principal, ReadOwn,
    ReadRoom, RemoveMember, SendAs, SendMessage, ServerPush, SetRole, SetTyping, Unfollow,
    UpdateProfile, UpdateRoom,
};

use super::{Denied, Guarded, HearAll, need, token};

/// An ask that needs a permission and is about oneself, or about a message whose room only the
/// store knows.
macro_rules! own {
    ($permission:ident: $($command:ident),+) => {$(
        impl Guarded for $command {
            fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
                token(principal)?;
                need(principal, Permission::$permission, "")?;
                own_feed(principal)
            }
        }
    )+};
}

/// An ask that needs a permission and names its room.
macro_rules! room {
    ($permission:ident: $($command:ident),+) => {$(
        impl Guarded for $command {
            fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
                token(principal)?;
                need(principal, Permission::$permission, self.room.as_str())?;
                Ok(Channel::Room(self.room.clone()))
            }
        }
    )+};
}

/// An ask that the room's owner or a moderator may make: the store says who that is.
macro_rules! member {
    ($($command:ident),+) => {$(
        impl Guarded for $command {
            fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
                token(principal)?;
                Ok(Channel::Room(self.room.clone()))
            }
        }
    )+};
}

own!(ConversationRead: AnswerInvitation, CountOffline, GiveReceipt, ListOffline, ListReceipts, ReadOwn);
room!(ConversationRead: Follow, JoinRoom, LeaveRoom, ListPresence, ListTypists, ReadRoom);
own!(ChatSend: EditMessage);
room!(ChatSend: SetTyping);
own!(RoomCreate: CreateRoom);
room!(RoomCreate: Invite);
own!(ProfileUpdate: UpdateProfile);
room!(AssistantUse: AskAssistant);
member!(
    CancelAnswer,
    DeleteRoom,
    RemoveMember,
    SetRole,
    Unfollow,
    UpdateRoom
);

/// A message that is shown as the server's word needs `chat:moderate` beside (service.md).
impl Guarded for SendMessage {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        token(principal)?;
        need(principal, Permission::ChatSend, self.room.as_str())?;
        if self.kind == MessageKind::System {
            need(principal, Permission::ChatModerate, "")?;
        }
        Ok(Channel::Room(self.room.clone()))
    }
}

/// One's own with `chat:send`, others' with `chat:moderate`: the store knows whose it is.
impl Guarded for EraseMessage {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        token(principal)?;
        if !principal.grants.allow(Permission::ChatModerate, "") {
            need(principal, Permission::ChatSend, "")?;
        }
        own_feed(principal)
    }
}

impl Guarded for HearAll {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        token(principal)?;
        own_feed(principal)
    }
}

impl Guarded for Monitor {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        need(principal, Permission::SystemMonitor, "")?;
        Ok(Channel::System)
    }
}

impl Guarded for SendAs {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        let room = self.message.room.clone();
        need(principal, Permission::ServerPublish, room.as_str())?;
        Ok(Channel::Room(room))
    }
}

impl Guarded for ServerPush {
    fn check(&self, principal: &Principal) -> Result<Channel, Denied> {
        let (channel, subject) = match self {
            Self::Room { room, .. } => (Channel::Room(room.clone()), room.as_str()),
            Self::System { .. } => (Channel::System, ""),
            Self::User { user, .. } => (Channel::User(user.clone()), ""),
        };
        need(principal, Permission::ServerPublish, subject)?;
        Ok(channel)
    }
}

fn own_feed(principal: &Principal) -> Result<Channel, Denied> {
    let user = principal.user.clone().ok_or(Denied::Anonymous)?;
    Ok(Channel::User(user))
}
