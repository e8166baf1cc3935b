//! What becomes of the answers of a node that has gone: another takes the room's lease, so that
//! the answer cannot be stored any more, and then says that it was interrupted.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use conclave_core::{Elsewhere, LeaseName};
use conclave_protocol::RoomId;
use parking_lot::Mutex;
use tokio::sync::{Mutex as Turnstile, Semaphore};

use super::{Answers, Desk, hash};
use crate::nodes::Nodes;
use crate::tenure::Tenant;

/// Which rooms this node holds the lease of, or waits for it, and why.
#[derive(Debug)]
pub(super) struct Succession {
    /// By room: one at a time holds its lease in this process.
    lanes: Mutex<HashMap<RoomId, Weak<Turnstile<()>>>>,
    /// Answers whose giver has gone and whose end was not told.
    gone: Mutex<HashMap<RoomId, Elsewhere>>,
    /// For the waits of this node alone: each asks the store every second.
    waits: Semaphore,
}

impl Default for Succession {
    fn default() -> Self {
        Self {
            lanes: Mutex::default(),
            gone: Mutex::default(),
            waits: Semaphore::new(WAITS_MAX),
        }
    }
}

impl Succession {
    /// Where those stand in line who want the lease of a room.
    pub(super) fn lane(&self, room: &RoomId) -> Arc<Turnstile<()>> {
        let mut lanes = self.lanes.lock();
        if let Some(lane) = lanes.get(room).and_then(Weak::upgrade) {
            return lane;
        }
        let lane = Arc::default();
        lanes.insert(room.clone(), Arc::downgrade(&lane));
        lane
    }

    /// Gives a place in line back.
    pub(super) fn leave(&self, room: &RoomId, lane: Arc<Turnstile<()>>) {
        let mut lanes = self.lanes.lock();
        drop(lane);
        if lanes.get(room).is_some_and(|lane| lane.strong_count() == 0) {
            lanes.remove(room);
        }
    }
}

impl Answers {
    /// A node has fallen silent: sees to the answers of those that are not heard any more.
    pub(crate) fn look_for_gone(&self, nodes: &Nodes) {
        let Some(desk) = &self.0 else { return };
        if desk.leases.is_none() {
            return;
        }
        for answer in desk.rooms.answers_elsewhere() {
            if nodes.hears(answer.by) {
                continue;
            }
            let known = desk
                .succession
                .gone
                .lock()
                .insert(answer.room.clone(), answer.clone());
            if known.as_ref() != Some(&answer) {
                desk.runtime.spawn(Arc::clone(desk).succeed(answer));
            }
        }
    }
}

impl Desk {
    /// Waits for the room's lease, and then says that the answer was interrupted. A giver that is
    /// there after all keeps its lease until its answer has ended.
    async fn succeed(self: Arc<Self>, answer: Elsewhere) {
        let Ok(_place) = self.succession.waits.acquire().await else {
            return;
        };
        let lane = self.succession.lane(&answer.room);
        {
            let _alone = lane.lock().await;
            let is_open = self.succession.gone.lock().get(&answer.room) == Some(&answer);
            if is_open && let Some((node, leases)) = &self.leases {
                let lease = LeaseName::answers(hash(&answer.room));
                let clock = Arc::clone(&self.clock);
                let (tenant, mut tenure) = Tenant::start(lease, *node, Arc::clone(leases), clock);
                tenure.held().await;
                self.interrupt_gone(&answer.room).await;
                tenant.finish().await;
            }
        }
        self.succession.leave(&answer.room, lane);
    }

    /// Of who has the lease of a room: says that the answer was interrupted of a node that has
    /// gone.
    pub(super) async fn interrupt_gone(&self, room: &RoomId) {
        let answer = self.succession.gone.lock().remove(room);
        let Some(answer) = answer else { return };
        let user = &self.assistant.policy().user;
        for _ in 0..TRIES {
            let now = self.clock.now();
            match self.rooms.interrupt(user, &answer, now).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(%error, room = room.as_str(), "cannot look how an answer ended");
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// Leases of gone nodes that are waited for at once.
const WAITS_MAX: usize = 256;
const TRIES: usize = 5;
const AGAIN: Duration = Duration::from_secs(1);
