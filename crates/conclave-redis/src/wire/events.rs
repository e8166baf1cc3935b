//! Events of rooms and users in bytes.

use conclave_protocol::{
    AnswerFailed, AnswerPart, AnswerRecord, DeliveryState, Event, EventKind, Finish, Invitation,
    InvitationId, InvitationState, MemberRole, Message, MessageKind, NoticeKind, Presence, Profile,
    Receipt, Room, RoomKind, Transcript, Usage,
};

use super::WireError;
use super::bytes::{Reader, Writer};

impl Writer {
    pub(super) fn event(&mut self, event: &Event) {
        self.maybe(event.room.as_ref(), |out, room| out.text(room.as_str()));
        self.number(event.seq);
        self.number(event.number);
        self.time(event.at);
        self.kind(&event.kind);
    }

    fn kind(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Created(room) => self.tagged(1, |out| out.whole_room(room)),
            EventKind::Message(message) => self.tagged(2, |out| out.whole_message(message)),
            EventKind::Edited(message) => self.tagged(3, |out| out.whole_message(message)),
            EventKind::Erased { message, by } => self.tagged(4, |out| {
                out.id(message.0);
                out.text(by.as_str());
            }),
            EventKind::Joined { user } => self.tagged(5, |out| out.text(user.as_str())),
            EventKind::Left { user } => self.tagged(6, |out| out.text(user.as_str())),
            EventKind::RoleChanged { user, role } => self.tagged(7, |out| {
                out.text(user.as_str());
                out.text(role.name());
            }),
            EventKind::Updated(room) => self.tagged(8, |out| out.whole_room(room)),
            EventKind::Deleted => self.byte(9),
            EventKind::Receipt(receipt) => self.tagged(10, |out| out.receipt(receipt)),
            EventKind::Entered { seq } => self.tagged(11, |out| out.number(*seq)),
            EventKind::Invited(invitation) => self.tagged(12, |out| out.invitation(invitation)),
            EventKind::Typing { user, typing } => self.tagged(13, |out| {
                out.text(user.as_str());
                out.flag(*typing);
            }),
            EventKind::Presence(presence) => self.tagged(14, |out| {
                out.text(presence.user.as_str());
                out.flag(presence.online);
                out.maybe(presence.last_seen, Self::time);
            }),
            EventKind::Named { event, data } => self.tagged(15, |out| {
                out.text(event);
                out.text(data);
            }),
            EventKind::Notice { kind, data } => self.tagged(16, |out| {
                out.text(kind.name());
                out.text(data);
            }),
            EventKind::SystemStatus { status, message } => self.tagged(17, |out| {
                out.text(status);
                out.text(message);
            }),
            EventKind::Answering { message, typing } => self.tagged(18, |out| {
                out.id(message.0);
                out.flag(*typing);
            }),
            EventKind::AnswerPart(part) => self.tagged(19, |out| {
                out.id(part.message.0);
                out.number(part.start);
                out.text(&part.delta);
            }),
            EventKind::AnswerFailed(failed) => self.tagged(20, |out| {
                out.id(failed.message.0);
                out.text(&failed.code);
                out.text(&failed.text);
            }),
            EventKind::ContextUsed { used, limit } => self.tagged(21, |out| {
                out.number((*used).into());
                out.number((*limit).into());
            }),
        }
    }

    fn tagged(&mut self, tag: u8, write: impl FnOnce(&mut Self)) {
        self.byte(tag);
        write(self);
    }

    fn whole_room(&mut self, room: &Room) {
        self.text(room.id.as_str());
        self.text(&room.name);
        self.maybe(room.description.as_deref(), Self::text);
        self.text(room.kind.name());
        self.maybe(room.owner.as_ref(), |out, owner| out.text(owner.as_str()));
        self.flag(room.assistant);
        self.time(room.created_at);
        self.number(room.last_seq);
        self.number(room.unread);
        self.maybe(room.role, |out, role| out.text(role.name()));
        self.number(room.members);
        self.number(room.messages);
    }

    fn whole_message(&mut self, message: &Message) {
        self.id(message.id.0);
        self.text(message.room.as_str());
        self.number(message.seq);
        self.text(message.author.user.as_str());
        self.text(&message.author.name);
        self.maybe(message.author.avatar.as_deref(), Self::text);
        self.text(message.kind.name());
        self.text(&message.content);
        self.maybe(message.reply_to, |out, id| out.id(id.0));
        self.maybe(message.client_id.as_deref(), Self::text);
        self.time(message.created_at);
        self.time(message.updated_at);
        self.maybe(message.deleted_at, Self::time);
        self.text(message.status.name());
        self.maybe(message.answer.as_deref(), Self::answer);
    }

    fn answer(&mut self, answer: &AnswerRecord) {
        self.text(answer.asker.as_str());
        self.text(&answer.model);
        self.text(answer.finish.name());
        self.number(answer.usage.prompt);
        self.number(answer.usage.completion);
        self.number(answer.context_tokens.into());
        self.number(answer.context_limit.into());
    }

    fn receipt(&mut self, receipt: &Receipt) {
        self.id(receipt.message.0);
        self.text(receipt.recipient.as_str());
        self.text(receipt.status.name());
        self.time(receipt.at);
    }

    fn invitation(&mut self, invitation: &Invitation) {
        self.id(invitation.id.0);
        self.text(invitation.room.as_str());
        self.text(invitation.inviter.as_str());
        self.text(invitation.invitee.as_str());
        self.text(invitation.state.name());
        self.time(invitation.created_at);
    }
}

impl Reader<'_> {
    pub(super) fn event(&mut self) -> Result<Event, WireError> {
        Ok(Event {
            room: self.maybe(Self::room)?,
            seq: self.number()?,
            number: self.number()?,
            at: self.time()?,
            kind: self.kind()?,
        })
    }

    fn kind(&mut self) -> Result<EventKind, WireError> {
        let kind = match self.byte()? {
            1 => EventKind::Created(Box::new(self.whole_room()?)),
            2 => EventKind::Message(Box::new(self.whole_message()?)),
            3 => EventKind::Edited(Box::new(self.whole_message()?)),
            4 => EventKind::Erased {
                message: self.message()?,
                by: self.user()?,
            },
            5 => EventKind::Joined { user: self.user()? },
            6 => EventKind::Left { user: self.user()? },
            7 => EventKind::RoleChanged {
                user: self.user()?,
                role: self.word(MemberRole::parse)?,
            },
            8 => EventKind::Updated(Box::new(self.whole_room()?)),
            9 => EventKind::Deleted,
            10 => EventKind::Receipt(Receipt {
                message: self.message()?,
                recipient: self.user()?,
                status: self.word(state)?,
                at: self.time()?,
            }),
            11 => EventKind::Entered {
                seq: self.number()?,
            },
            12 => EventKind::Invited(self.invitation()?),
            13 => EventKind::Typing {
                user: self.user()?,
                typing: self.flag()?,
            },
            14 => EventKind::Presence(Presence {
                user: self.user()?,
                online: self.flag()?,
                last_seen: self.maybe(Self::time)?,
            }),
            15 => EventKind::Named {
                event: self.text()?.into(),
                data: self.text()?.into(),
            },
            16 => EventKind::Notice {
                kind: self.word(notice)?,
                data: self.text()?.into(),
            },
            17 => EventKind::SystemStatus {
                status: self.text()?.into(),
                message: self.text()?.into(),
            },
            other => return self.answering(other),
        };
        Ok(kind)
    }

    /// What an assistant does.
    fn answering(&mut self, kind: u8) -> Result<EventKind, WireError> {
        let kind = match kind {
            18 => EventKind::Answering {
                message: self.message()?,
                typing: self.flag()?,
            },
            19 => EventKind::AnswerPart(Box::new(AnswerPart {
                message: self.message()?,
                start: self.number()?,
                delta: self.text()?.into(),
                // What came before this node began to hear the room is not known here.
                so_far: Transcript::default(),
            })),
            20 => EventKind::AnswerFailed(Box::new(AnswerFailed {
                message: self.message()?,
                code: self.text()?.into(),
                text: self.text()?.into(),
            })),
            21 => EventKind::ContextUsed {
                used: self.count()?,
                limit: self.count()?,
            },
            _ => return Err(WireError::Unknown),
        };
        Ok(kind)
    }

    fn whole_room(&mut self) -> Result<Room, WireError> {
        Ok(Room {
            id: self.room()?,
            name: self.text()?.into(),
            description: self.maybe(|reader| Ok(reader.text()?.into()))?,
            kind: self.word(RoomKind::parse)?,
            owner: self.maybe(Self::user)?,
            assistant: self.flag()?,
            created_at: self.time()?,
            last_seq: self.number()?,
            unread: self.number()?,
            role: self.maybe(|reader| reader.word(MemberRole::parse))?,
            members: self.number()?,
            messages: self.number()?,
        })
    }

    fn whole_message(&mut self) -> Result<Message, WireError> {
        Ok(Message {
            id: self.message()?,
            room: self.room()?,
            seq: self.number()?,
            author: Profile {
                user: self.user()?,
                name: self.text()?.into(),
                avatar: self.maybe(|reader| Ok(reader.text()?.into()))?,
            },
            kind: self.word(MessageKind::parse)?,
            content: self.text()?.into(),
            reply_to: self.maybe(Self::message)?,
            client_id: self.maybe(|reader| Ok(reader.text()?.into()))?,
            created_at: self.time()?,
            updated_at: self.time()?,
            deleted_at: self.maybe(Self::time)?,
            status: self.word(state)?,
            answer: self.maybe(|reader| Ok(Box::new(reader.answer()?)))?,
        })
    }

    fn answer(&mut self) -> Result<AnswerRecord, WireError> {
        Ok(AnswerRecord {
            asker: self.user()?,
            model: self.text()?.into(),
            finish: self.word(Finish::parse)?,
            usage: Usage {
                prompt: self.number()?,
                completion: self.number()?,
            },
            context_tokens: self.count()?,
            context_limit: self.count()?,
        })
    }

    /// Of tokens.
    fn count(&mut self) -> Result<u32, WireError> {
        u32::try_from(self.number()?).map_err(|_large| WireError::Value)
    }

    fn invitation(&mut self) -> Result<Invitation, WireError> {
        Ok(Invitation {
            id: InvitationId(self.id()?),
            room: self.room()?,
            inviter: self.user()?,
            invitee: self.user()?,
            state: self.word(InvitationState::parse)?,
            created_at: self.time()?,
        })
    }

    fn word<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, WireError> {
        parse(self.text()?).ok_or(WireError::Value)
    }
}

fn state(text: &str) -> Option<DeliveryState> {
    let states = [
        DeliveryState::Sent,
        DeliveryState::Delivered,
        DeliveryState::Read,
    ];
    states.into_iter().find(|state| state.name() == text)
}

fn notice(text: &str) -> Option<NoticeKind> {
    let kinds = [NoticeKind::LiveUpdate, NoticeKind::Notification];
    kinds.into_iter().find(|kind| kind.name() == text)
}
