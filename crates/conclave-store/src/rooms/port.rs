//! The port, method by method: a write or a view, and the part that knows the rule.

use std::sync::Arc;

use async_trait::async_trait;
use conclave_core::{
    Actor, Created, Entered, Head, Messages, NewMessage, NewRoom, NextRoom, Page, Replay,
    RoomFault, RoomStore, Scope, Sent, Stamp,
};
use conclave_protocol::{
    AnswerInvitation, DeleteRoom, EditMessage, EraseMessage, Event, GiveReceipt, Invitation,
    InvitationId, Invite, JoinRoom, LeaveRoom, Member, Message, MessageId, Person, Receipt,
    RemoveMember, Room, RoomId, SetRole, Timestamp, UpdateProfile, UpdateRoom, UserId,
};

use super::{
    Guard, SendAsk, StoredRooms, creation, history, invitations, listing, membership, profiles,
    receipts, sending, standing,
};
use crate::column;
use crate::store::Replica;

#[async_trait]
impl RoomStore for StoredRooms {
    async fn create(&self, by: &Actor, new: NewRoom, stamp: Stamp) -> Result<Created, RoomFault> {
        let by = by.clone();
        let created = self.act(Guard::Savepoint, stamp, async move |act| {
            creation::create(act, &by, &new).await
        });
        created.await
    }

    async fn update(&self, by: &Actor, ask: UpdateRoom, stamp: Stamp) -> Result<Room, RoomFault> {
        let by = by.clone();
        let updated = self.act(Guard::Savepoint, stamp, async move |act| {
            creation::update(act, &by, &ask).await
        });
        updated.await
    }

    async fn delete(&self, by: &Actor, ask: DeleteRoom, stamp: Stamp) -> Result<(), RoomFault> {
        let by = by.clone();
        let deleted = self.act(Guard::Savepoint, stamp, async move |act| {
            creation::delete(act, &by, &ask).await
        });
        deleted.await?;
        self.sweep_soon().await;
        Ok(())
    }

    async fn join(&self, by: &Actor, ask: JoinRoom, stamp: Stamp) -> Result<(), RoomFault> {
        let by = by.clone();
        let joined = self.act(Guard::Savepoint, stamp, async move |act| {
            membership::join(act, &by, &ask).await
        });
        joined.await
    }

    async fn leave(
        &self,
        by: &Actor,
        ask: LeaveRoom,
        stamp: Stamp,
    ) -> Result<Option<NextRoom>, RoomFault> {
        let by = by.clone();
        let left = self.act(Guard::Savepoint, stamp, async move |act| {
            membership::leave(act, &by, &ask).await
        });
        let next = left.await?;
        self.sweep_soon().await;
        Ok(next)
    }

    async fn remove(&self, by: &Actor, ask: RemoveMember, stamp: Stamp) -> Result<(), RoomFault> {
        let by = by.clone();
        let removed = self.act(Guard::Savepoint, stamp, async move |act| {
            membership::remove(act, &by, &ask).await
        });
        removed.await
    }

    async fn set_role(&self, by: &Actor, ask: SetRole, stamp: Stamp) -> Result<Member, RoomFault> {
        let by = by.clone();
        let set = self.act(Guard::Savepoint, stamp, async move |act| {
            membership::set_role(act, &by, &ask).await
        });
        set.await
    }

    async fn invite(
        &self,
        by: &Actor,
        ask: Invite,
        id: InvitationId,
        stamp: Stamp,
    ) -> Result<Invitation, RoomFault> {
        let by = by.clone();
        let invited = self.act(Guard::Savepoint, stamp, async move |act| {
            invitations::invite(act, &by, &ask, id).await
        });
        invited.await
    }

    async fn answer(
        &self,
        by: &Actor,
        ask: AnswerInvitation,
        stamp: Stamp,
    ) -> Result<Invitation, RoomFault> {
        let by = by.clone();
        let answered = self.act(Guard::Savepoint, stamp, async move |act| {
            invitations::answer(act, &by, &ask).await
        });
        answered.await
    }

    async fn invitations(&self, user: &UserId) -> Result<Vec<Invitation>, RoomFault> {
        Ok(invitations::pending(&mut self.view().await?, user).await?)
    }

    async fn send(&self, by: &Actor, new: NewMessage, stamp: Stamp) -> Result<Sent, RoomFault> {
        let by = by.clone();
        let joins_others = self.store.is_postgres() && sending::is_plain(&new);
        let together = joins_others.then(|| {
            let (ask, id) = (&new.message, new.message.id.unwrap_or(new.id));
            Arc::new(SendAsk::new(&by.user, ask, id, column::millis(stamp.at)))
        });
        let guard = together.clone().map_or(Guard::None, Guard::Together);
        let sent = self.act(guard, stamp, async move |act| {
            sending::send(act, &by, &new, together.as_deref()).await
        });
        sent.await
    }

    async fn edit(
        &self,
        by: &Actor,
        ask: EditMessage,
        not_before: Timestamp,
        stamp: Stamp,
    ) -> Result<Message, RoomFault> {
        let by = by.clone();
        let edited = self.act(Guard::None, stamp, async move |act| {
            sending::edit(act, &by, &ask, not_before).await
        });
        edited.await
    }

    async fn erase(&self, by: &Actor, ask: EraseMessage, stamp: Stamp) -> Result<(), RoomFault> {
        let by = by.clone();
        let erased = self.act(Guard::None, stamp, async move |act| {
            sending::erase(act, &by, &ask).await
        });
        erased.await
    }

    async fn give_receipt(
        &self,
        by: &Actor,
        ask: GiveReceipt,
        stamp: Stamp,
    ) -> Result<(), RoomFault> {
        let by = by.clone();
        let given = self.act(Guard::None, stamp, async move |act| {
            receipts::give(act, &by, &ask).await
        });
        given.await
    }

    async fn room(&self, viewer: &Actor, room: &RoomId) -> Result<Room, RoomFault> {
        Ok(listing::visible(&mut self.view().await?, viewer, room).await?)
    }

    async fn rooms(
        &self,
        viewer: &Actor,
        scope: Scope,
        after: Option<&RoomId>,
        limit: u32,
    ) -> Result<Vec<Room>, RoomFault> {
        Ok(listing::page(&mut self.view().await?, viewer, scope, (after, limit)).await?)
    }

    async fn members(
        &self,
        viewer: &Actor,
        room: &RoomId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Member>, RoomFault> {
        Ok(listing::members(&mut self.view().await?, viewer, room, (after, limit)).await?)
    }

    async fn messages(
        &self,
        viewer: &Actor,
        room: &RoomId,
        page: Page,
    ) -> Result<Messages, RoomFault> {
        if let Some(replica) = self.store.replica() {
            let needed = history::needed(&mut self.glance().await?, viewer, room, page).await?;
            if let Some(messages) = of_replica(replica, viewer, room, (page, needed)).await {
                return Ok(messages);
            }
        }
        Ok(history::page(&mut self.view().await?, viewer, room, page).await?)
    }

    async fn events(
        &self,
        viewer: &Actor,
        room: &RoomId,
        after: u64,
        limit: u32,
    ) -> Result<Replay, RoomFault> {
        Ok(history::replay(&mut self.view().await?, viewer, room, (after, limit)).await?)
    }

    async fn missed(
        &self,
        user: &UserId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Arc<Event>>, RoomFault> {
        Ok(history::missed(&mut self.view().await?, user, after, limit).await?)
    }

    async fn newest_number(&self) -> Result<u64, RoomFault> {
        Ok(history::newest_number(&mut self.glance().await?).await?)
    }

    async fn receipts(
        &self,
        viewer: &Actor,
        message: MessageId,
    ) -> Result<Vec<Receipt>, RoomFault> {
        Ok(receipts::list(&mut self.view().await?, viewer, message).await?)
    }

    async fn offline(
        &self,
        user: &UserId,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>, RoomFault> {
        // Asked by each Socket.IO client that comes, and most have received everything.
        if after.is_none() && !history::any_offline(&mut self.glance().await?, user).await? {
            return Ok(Vec::new());
        }
        Ok(history::offline(&mut self.view().await?, user, (after, limit)).await?)
    }

    async fn offline_count(&self, user: &UserId) -> Result<u64, RoomFault> {
        Ok(history::offline_count(&mut self.glance().await?, user).await?)
    }

    async fn rooms_of(&self, user: &UserId) -> Result<Vec<RoomId>, RoomFault> {
        Ok(listing::rooms_of(&mut self.glance().await?, user).await?)
    }

    async fn heads(&self, user: &UserId) -> Result<Vec<Head>, RoomFault> {
        Ok(listing::heads(&mut self.glance().await?, user).await?)
    }

    async fn rooms_of_each(&self, users: &[UserId]) -> Result<Vec<(UserId, RoomId)>, RoomFault> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        Ok(listing::rooms_of_each(&mut self.glance().await?, users).await?)
    }

    async fn entered(&self, users: &[UserId], after: u64) -> Result<Vec<Entered>, RoomFault> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        Ok(listing::entered(&mut self.glance().await?, users, after).await?)
    }

    async fn share_room(&self, one: &UserId, other: &UserId) -> Result<bool, RoomFault> {
        Ok(listing::share_room(&mut self.view().await?, one, other).await?)
    }

    async fn profile(&self, user: &UserId) -> Result<Person, RoomFault> {
        Ok(profiles::find(&mut self.view().await?, user).await?)
    }

    async fn update_profile(
        &self,
        user: &UserId,
        ask: UpdateProfile,
        at: Timestamp,
    ) -> Result<Person, RoomFault> {
        let user = user.clone();
        let updated = self.act(Guard::None, at_no_connection(at), async move |act| {
            profiles::update(act.connection, &user, &ask, at).await
        });
        updated.await
    }

    /// Most tokens say what is known already: then nothing is written.
    async fn name(&self, user: &UserId, name: &str, at: Timestamp) -> Result<(), RoomFault> {
        let known = profiles::stored(&mut self.view().await?, user).await?;
        if known.is_some_and(|row| row.token_name.as_deref() == Some(name)) {
            return Ok(());
        }
        let (user, name) = (user.clone(), name.to_owned());
        let named = self.act(Guard::None, at_no_connection(at), async move |act| {
            profiles::name(act.connection, &user, &name, at).await
        });
        named.await
    }

    async fn seen(&self, users: &[UserId], at: Timestamp) -> Result<(), RoomFault> {
        if users.is_empty() {
            return Ok(());
        }
        let users = users.to_vec();
        let written = self.act(Guard::None, at_no_connection(at), async move |act| {
            profiles::seen(act.connection, &users, at).await
        });
        written.await
    }

    async fn last_seen(&self, users: &[UserId]) -> Result<Vec<(UserId, Timestamp)>, RoomFault> {
        Ok(profiles::last_seen(&mut self.glance().await?, users).await?)
    }
}

/// A page of history, where the replica is there and has all up to `needed`.
async fn of_replica(
    replica: &Replica,
    viewer: &Actor,
    room: &RoomId,
    (page, needed): (Page, i64),
) -> Option<Messages> {
    let mut view = replica.view().await?;
    let standing = standing::of(&mut view, room, &viewer.user).await.ok()?;
    if standing.room.last_seq < needed {
        return None;
    }
    history::page(&mut view, viewer, room, page).await.ok()
}

fn at_no_connection(at: Timestamp) -> Stamp {
    Stamp {
        at,
        ..Stamp::default()
    }
}
