//! Names that tokens give users who have set none.

use std::collections::HashSet;
use std::sync::Arc;

use conclave_core::Rooms;
use conclave_protocol::{Timestamp, UserId};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

/// Names that were kept already, so that each is written once. Bounded; forgotten whole when
/// full, which costs a write for each name seen again.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<HashSet<(UserId, Arc<str>)>>);

impl Names {
    /// Has the name kept, in a task of its own on this thread's runtime; gives that task, where
    /// the name was not kept before.
    pub(crate) fn keep(
        &self,
        rooms: &Arc<Rooms>,
        user: &UserId,
        name: &Arc<str>,
        at: Timestamp,
    ) -> Option<JoinHandle<()>> {
        {
            let mut known = self.0.lock();
            if known.len() >= NAMES_MAX {
                known.clear();
            }
            if !known.insert((user.clone(), Arc::clone(name))) {
                return None;
            }
        }
        let (rooms, user, name) = (Arc::clone(rooms), user.clone(), Arc::clone(name));
        Some(tokio::spawn(async move {
            if let Err(error) = rooms.keep_name(&user, &name, at).await {
                tracing::warn!(%error, "cannot keep a user's name");
            }
        }))
    }
}

const NAMES_MAX: usize = 20_000;
