//! Two stores are asked the same, as chance has it, and must say the same.

use std::fmt::Debug;
use std::sync::Arc;

use conclave_core::{Actor, NewMessage, NewRoom, Page, Replay, RoomFault, RoomStore, Scope, Stamp};
use conclave_protocol::{
    AnswerInvitation, CreateRoom, DeleteRoom, DeliveryState, EditMessage, EraseMessage, Event,
    GiveReceipt, InvitationId, Invite, JoinRoom, LeaveRoom, MemberRole, MessageId, MessageKind,
    Refusal, RemoveMember, RoomId, RoomKind, SendMessage, SetRole, Timestamp, UpdateProfile,
    UpdateRoom, UserId,
};

use super::stage::{Ear, Heard, ORIGIN};
use crate::ports::{second, user};

/// Asks two empty stores the same `steps` things, which `seed` chooses, and compares every answer
/// and every event. Both were made with [`super::room_limits`], each with its own ear. One of
/// them is the plain one that the other is judged by.
///
/// # Panics
/// Where they differ; with the seed, the step and what was asked.
pub async fn rooms_agree(
    one: (&dyn RoomStore, &Ear),
    other: (&dyn RoomStore, &Ear),
    seed: u64,
    steps: u32,
) {
    let mut pair = Pair {
        one,
        other,
        chance: Chance(seed.wrapping_mul(2).wrapping_add(1)),
        seed,
        step: 0,
        rooms: vec![RoomId::new("none").unwrap()],
        messages: vec![(RoomId::new("none").unwrap(), MessageId(0))],
        invitations: vec![(user("ann"), InvitationId(0))],
        numbers: vec![(0, 0)],
    };
    for step in 1..=steps {
        pair.step = step;
        if pair.rooms.len() < ROOMS {
            pair.create().await;
        }
        match pair.chance.of(20) {
            // A few rooms that much happens in, and now and then a new one.
            0 if pair.rooms.len() < ROOMS || pair.chance.of(8) == 0 => pair.create().await,
            0 => pair.send().await,
            1 => pair.govern().await,
            2..=3 => pair.come_and_go().await,
            4 => pair.rule().await,
            5 => pair.invite().await,
            6..=9 => pair.send().await,
            10..=11 => pair.change().await,
            12..=13 => pair.receipt().await,
            14 => pair.profile().await,
            15..=16 => pair.look_at_rooms().await,
            17..=18 => pair.look_at_messages().await,
            _ => pair.look_at_own().await,
        }
    }
}

struct Pair<'s> {
    one: (&'s dyn RoomStore, &'s Ear),
    other: (&'s dyn RoomStore, &'s Ear),
    chance: Chance,
    seed: u64,
    step: u32,
    rooms: Vec<RoomId>,
    messages: Vec<(RoomId, MessageId)>,
    invitations: Vec<(UserId, InvitationId)>,
    /// Of the same event in both.
    numbers: Vec<(u64, u64)>,
}

impl Pair<'_> {
    /// Asks both, and gives back what both say.
    async fn ask<T: Debug + PartialEq>(
        &mut self,
        asked: impl Debug,
        ask: impl AsyncFn(&dyn RoomStore) -> Result<T, RoomFault>,
    ) -> Option<T> {
        let one = ask(self.one.0).await.map_err(|fault| fault.refusal());
        let other = ask(self.other.0).await.map_err(|fault| fault.refusal());
        let at = format!("seed {}, step {}: {asked:?}", self.seed, self.step);
        assert_eq!(one, other, "{at}");
        assert!(
            !matches!(one, Err(Refusal::Unavailable | Refusal::Internal)),
            "{at}"
        );
        let (left, right) = (self.one.1.take(), self.other.1.take());
        let numbers = |heard: &[Heard]| {
            let stored = heard.iter().map(|heard| heard.event.number);
            stored.filter(|number| *number > 0).collect::<Vec<_>>()
        };
        self.numbers
            .extend(numbers(&left).into_iter().zip(numbers(&right)));
        let ordered =
            |numbers: &(u64, u64), next: &(u64, u64)| numbers.0 < next.0 && numbers.1 < next.1;
        assert!(self.numbers.is_sorted_by(ordered), "{at}");
        let plain = |heard: Vec<Heard>| -> Vec<_> {
            let all = heard.into_iter();
            all.map(|heard| (heard.channel, unnumbered(&heard.event), heard.origin))
                .collect()
        };
        assert_eq!(plain(left), plain(right), "{at}");
        one.ok()
    }

    fn actor(&mut self) -> Actor {
        let user = self.user();
        let (any, moderator) = (self.chance.of(12) == 0, self.chance.of(12) == 0);
        Actor::plain(user).with(any, moderator)
    }

    fn user(&mut self) -> UserId {
        user(["ann", "bob", "carol", "dave"][self.chance.of(4)])
    }

    /// Mostly one of the user's.
    async fn room_of(&mut self, by: &Actor) -> RoomId {
        let own = self.one.0.rooms_of(&by.user).await.unwrap();
        if own.is_empty() || self.chance.of(6) == 0 {
            return self.room();
        }
        let index = self.chance.of(own.len());
        own[index].clone()
    }

    /// A message, and mostly a member of its room.
    async fn message_and_actor(&mut self) -> (MessageId, Actor) {
        let index = self.chance.late(self.messages.len());
        let (room, message) = self.messages[index].clone();
        let actor = self.actor();
        let observer = actor.clone().with(true, false);
        let members = self.one.0.members(&observer, &room, None, 9).await;
        let members = members.unwrap_or_default();
        if members.is_empty() || self.chance.of(6) == 0 {
            return (message, actor);
        }
        let index = self.chance.of(members.len());
        let user = members[index].profile.user.clone();
        (message, Actor::plain(user).with(actor.any, actor.moderator))
    }

    /// Mostly one of the newest.
    fn room(&mut self) -> RoomId {
        let index = self.chance.late(self.rooms.len());
        self.rooms[index].clone()
    }

    fn message(&mut self) -> MessageId {
        let index = self.chance.late(self.messages.len());
        self.messages[index].1
    }

    /// Times stand still now and then.
    fn stamp(&mut self) -> Stamp {
        Stamp {
            at: second(u64::from(self.step / 3)),
            origin: ORIGIN,
        }
    }

    fn fresh(&self) -> u128 {
        u128::from(self.step) << 16
    }

    async fn create(&mut self) {
        let (by, stamp) = (self.actor(), self.stamp());
        let kind = [RoomKind::Dm, RoomKind::Private, RoomKind::Public][self.chance.of(3)];
        let mut members: Vec<UserId> = (0..1 + self.chance.of(4)).map(|_| self.user()).collect();
        if kind == RoomKind::Dm {
            members = vec![self.user()];
            if members[0] == by.user {
                return;
            }
        }
        let taken = self.chance.of(10) == 0 && kind != RoomKind::Dm;
        let new = NewRoom {
            id: match taken {
                true => self.room(),
                false => RoomId::new(&format!("room-{}", self.chance.of(1 << 20))).unwrap(),
            },
            room: CreateRoom {
                name: (kind != RoomKind::Dm).then(|| "name".into()),
                description: [None, Some("".into()), Some("d".into())][self.chance.of(3)].clone(),
                kind,
                members,
            },
        };
        let created = self.ask((&by, &new), async |store| {
            store.create(&by, new.clone(), stamp).await
        });
        if let Some(created) = created.await {
            self.rooms.push(created.room.id);
        }
    }

    async fn govern(&mut self) {
        let (by, stamp) = (self.actor(), self.stamp());
        let room = self.room_of(&by).await;
        if self.chance.of(6) == 0 {
            let ask = DeleteRoom { room };
            self.ask((&by, &ask), async |store| {
                store.delete(&by, ask.clone(), stamp).await
            })
            .await;
            return;
        }
        let ask = UpdateRoom {
            room,
            name: [None, Some("other".into())][self.chance.of(2)].clone(),
            description: [None, Some("".into()), Some("e".into())][self.chance.of(3)].clone(),
            assistant: None,
        };
        self.ask((&by, &ask), async |store| {
            store.update(&by, ask.clone(), stamp).await
        })
        .await;
    }

    async fn come_and_go(&mut self) {
        let (by, stamp) = (self.actor(), self.stamp());
        let room = self.room_of(&by).await;
        if self.chance.of(3) > 0 {
            let ask = JoinRoom { room: self.room() };
            self.ask((&by, &ask), async |store| {
                store.join(&by, ask.clone(), stamp).await
            })
            .await;
            return;
        }
        let ask = LeaveRoom {
            room,
            delete: self.chance.of(20) == 0,
        };
        self.ask((&by, &ask), async |store| {
            store.leave(&by, ask.clone(), stamp).await
        })
        .await;
    }

    async fn rule(&mut self) {
        let (by, stamp, user) = (self.actor(), self.stamp(), self.user());
        let room = self.room_of(&by).await;
        if self.chance.of(3) == 0 {
            let ask = RemoveMember {
                room,
                user,
                ban: self.chance.of(6) == 0,
            };
            self.ask((&by, &ask), async |store| {
                store.remove(&by, ask.clone(), stamp).await
            })
            .await;
            return;
        }
        let roles = [MemberRole::Member, MemberRole::Moderator, MemberRole::Owner];
        let ask = SetRole {
            room,
            user,
            role: roles[self.chance.of(3)],
        };
        self.ask((&by, &ask), async |store| {
            store.set_role(&by, ask.clone(), stamp).await
        })
        .await;
    }

    async fn invite(&mut self) {
        let (by, stamp) = (self.actor(), self.stamp());
        if self.chance.of(2) == 0 {
            let ask = Invite {
                room: self.room_of(&by).await,
                invitee: self.user(),
            };
            let id = InvitationId(self.fresh());
            let invited = self.ask((&by, &ask), async |store| {
                store.invite(&by, ask.clone(), id, stamp).await
            });
            if let Some(invitation) = invited.await {
                self.invitations.push((invitation.invitee, invitation.id));
            }
            return;
        }
        let index = self.chance.late(self.invitations.len());
        let (invitee, invitation) = self.invitations[index].clone();
        let by = match self.chance.of(5) {
            0 => by,
            _ => Actor::plain(invitee),
        };
        let ask = AnswerInvitation {
            invitation,
            accept: self.chance.of(3) > 0,
        };
        self.ask((&by, &ask), async |store| {
            store.answer(&by, ask.clone(), stamp).await
        })
        .await;
    }

    async fn send(&mut self) {
        let (by, stamp) = (self.actor(), self.stamp());
        let key = self.chance.of(12);
        let new = NewMessage {
            answer: None,
            under: None,
            id: MessageId(self.fresh()),
            message: SendMessage {
                room: self.room_of(&by).await,
                content: format!("https://text.example/{}", self.chance.of(6)).into(),
                kind: [MessageKind::Text, MessageKind::File][usize::from(self.chance.of(9) == 0)],
                reply_to: (self.chance.of(5) == 0).then(|| self.message()),
                client_id: (key < 6).then(|| format!("k{key}").into()),
                id: (self.chance.of(12) == 0).then(|| self.message()),
            },
        };
        let sent = self.ask((&by, &new), async |store| {
            store.send(&by, new.clone(), stamp).await
        });
        if let Some(sent) = sent.await {
            self.messages.push((sent.message.room, sent.message.id));
        }
    }

    async fn change(&mut self) {
        let stamp = self.stamp();
        let (message, by) = self.message_and_actor().await;
        let room = (self.chance.of(9) == 0).then(|| self.room());
        if self.chance.of(4) == 0 {
            let ask = EraseMessage { message, room };
            self.ask((&by, &ask), async |store| {
                store.erase(&by, ask.clone(), stamp).await
            })
            .await;
            return;
        }
        let ask = EditMessage {
            message,
            room,
            content: ["https://text.example/1", "plain"][self.chance.of(2)].into(),
        };
        let not_before = [Timestamp::from_millis(0), stamp.at][usize::from(self.chance.of(6) == 0)];
        self.ask((&by, &ask), async |store| {
            store.edit(&by, ask.clone(), not_before, stamp).await
        })
        .await;
    }

    async fn receipt(&mut self) {
        let stamp = self.stamp();
        let (message, by) = self.message_and_actor().await;
        let ask = GiveReceipt {
            message,
            room: (self.chance.of(9) == 0).then(|| self.room()),
            status: [DeliveryState::Delivered, DeliveryState::Read][self.chance.of(2)],
        };
        self.ask((&by, &ask), async |store| {
            store.give_receipt(&by, ask.clone(), stamp).await
        })
        .await;
    }

    async fn profile(&mut self) {
        let (user, at) = (self.user(), self.stamp().at);
        let ask = UpdateProfile {
            name: (self.chance.of(4) == 0).then(|| "Name".into()),
            avatar: [None, Some("".into()), Some("https://a.example".into())][self.chance.of(3)]
                .clone(),
            bio: [None, Some("".into()), Some("Bio".into())][self.chance.of(3)].clone(),
        };
        let name = format!("token {}", self.chance.of(3));
        self.ask((&user, &ask), async |store| {
            store.name(&user, &name, at).await?;
            store.seen(std::slice::from_ref(&user), at).await?;
            let changed = store.update_profile(&user, ask.clone(), at).await?;
            let seen = store.last_seen(std::slice::from_ref(&user)).await?;
            Ok((changed, seen, store.profile(&user).await?))
        })
        .await;
    }

    async fn look_at_rooms(&mut self) {
        let (by, other) = (self.actor(), self.user());
        let room = self.room_of(&by).await;
        let after = (self.chance.of(2) == 0).then(|| self.room());
        let limit = u32::try_from(self.chance.of(9) + 1).unwrap();
        self.ask(("rooms", &by, &room, &after, limit), async |store| {
            let own = store.rooms(&by, Scope::Own, after.as_ref(), limit).await?;
            let public = store
                .rooms(&by, Scope::Public, after.as_ref(), limit)
                .await?;
            let heads = store.heads(&by.user).await?;
            let mut of = store
                .rooms_of_each(&[by.user.clone(), other.clone()])
                .await?;
            of.sort_unstable();
            of.dedup();
            let shared = store.share_room(&by.user, &other).await?;
            Ok((own, public, heads, of, shared))
        })
        .await;
        self.ask(("room", &by, &room), async |store| {
            store.room(&by, &room).await
        })
        .await;
        self.ask(("members", &by, &room, &other), async |store| {
            store.members(&by, &room, Some(&other), limit).await
        })
        .await;
        self.ask(("members", &by, &room), async |store| {
            store.members(&by, &room, None, limit).await
        })
        .await;
    }

    async fn look_at_messages(&mut self) {
        let (message, by) = self.message_and_actor().await;
        let room = self.room_of(&by).await;
        let mut place = || {
            let place = self.chance.of(60);
            (place < 30).then(|| u64::try_from(place).unwrap())
        };
        let page = Page {
            before: place(),
            after: place(),
            limit: u32::try_from(self.chance.of(9) + 1).unwrap(),
        };
        self.ask((&by, &room, page), async |store| {
            store.messages(&by, &room, page).await
        })
        .await;
        let (after, limit) = (page.after.unwrap_or(0), page.limit * 3);
        self.ask(("events", &by, &room, after), async |store| {
            let replay = store.events(&by, &room, after, limit).await?;
            let events = replay.events.iter().map(unnumbered).collect();
            Ok(Replay { events, ..replay })
        })
        .await;
        self.ask(("receipts", &by, &message), async |store| {
            store.receipts(&by, message).await
        })
        .await;
    }

    async fn look_at_own(&mut self) {
        let (user, message) = (self.user(), self.message());
        let after = (self.chance.of(2) == 0).then_some(message);
        let limit = u32::try_from(self.chance.of(20) + 1).unwrap();
        self.ask(("offline", &user, after, limit), async |store| {
            store.offline(&user, after, limit).await
        })
        .await;
        self.ask(("count", &user), async |store| {
            let count = store.offline_count(&user).await?;
            Ok((count, store.invitations(&user).await?))
        })
        .await;
        let index = self.chance.late(self.numbers.len());
        let (one, other) = self.numbers[index];
        let first = std::ptr::from_ref(self.one.0).cast::<()>();
        self.ask(("missed", &user, one), async |store| {
            let is_first = std::ptr::from_ref(store).cast::<()>() == first;
            let after = if is_first { one } else { other };
            let missed = store.missed(&user, after, limit).await?;
            Ok(missed.iter().map(unnumbered).collect::<Vec<_>>())
        })
        .await;
    }
}

/// Numbers are the store's own, but for their order.
fn unnumbered(event: &Arc<Event>) -> Arc<Event> {
    Arc::new(Event {
        number: 0,
        ..Event::clone(event)
    })
}

/// A row of numbers that a seed begins.
struct Chance(u64);

impl Chance {
    /// Below `bound`.
    fn of(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let bound = u64::try_from(bound).unwrap();
        usize::try_from((self.0 >> 11) % bound).unwrap()
    }

    /// Below `len`, mostly near it.
    fn late(&mut self, len: usize) -> usize {
        let back = self.of(len).min(self.of(len)).min(self.of(len));
        len - 1 - back
    }
}

/// Places in the list of rooms before fewer are made.
const ROOMS: usize = 6;
