//! The channels that this node asks for, and which of them Redis has confirmed.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use conclave_protocol::{Channel, Position};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::wire::channel_name;

/// All of them. Bounded by what the node's clients hear.
#[derive(Debug)]
pub(crate) struct Interests {
    prefix: String,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    by_name: HashMap<Arc<str>, Interest>,
    names: HashMap<Arc<Channel>, Arc<str>>,
    /// Names to be asked for or withdrawn, the last word of each.
    changes: HashMap<Arc<str>, bool>,
}

#[derive(Debug)]
struct Interest {
    channel: Arc<Channel>,
    progress: Progress,
    waiting: Vec<Waker>,
    /// Whether its record is to be read once it is there, and from where.
    read: Option<Option<Position>>,
}

/// What becomes of the wish to read a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// What is published from now on arrives.
    Now,
    /// It has to wait for Redis to confirm the subscription.
    Later,
    /// There is no connection, or the channel is not asked for.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Wanted,
    Asked,
    There,
}

/// What Redis is to be asked.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) subscribe: Vec<Arc<str>>,
    pub(crate) unsubscribe: Vec<Arc<str>>,
}

impl Interests {
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(crate) fn ask(&self, channel: &Arc<Channel>) {
        let name: Arc<str> = channel_name(&self.prefix, channel).into();
        let interest = Interest {
            channel: Arc::clone(channel),
            progress: Progress::Wanted,
            waiting: Vec::new(),
            read: None,
        };
        let mut state = self.state.lock();
        state.by_name.insert(Arc::clone(&name), interest);
        state.names.insert(Arc::clone(channel), Arc::clone(&name));
        state.changes.insert(name, true);
        drop(state);
        self.changed.notify_one();
    }

    pub(crate) fn withdraw(&self, channel: &Channel) {
        let mut state = self.state.lock();
        let Some(name) = state.names.remove(channel) else {
            return;
        };
        let gone = state.by_name.remove(&name);
        state.changes.insert(name, false);
        drop(state);
        gone.into_iter().for_each(Interest::wake);
        self.changed.notify_one();
    }

    /// Ready when the channel is subscribed to, is not asked for, or `there` says that there is
    /// no connection.
    pub(crate) fn poll_there(
        &self,
        channel: &Channel,
        there: impl FnOnce() -> bool,
        context: &Context<'_>,
    ) -> Poll<()> {
        let mut state = self.state.lock();
        let State { by_name, names, .. } = &mut *state;
        let interest = names.get(channel).and_then(|name| by_name.get_mut(name));
        match interest {
            // Under the lock: who departs wakes all under it, after it has said so.
            Some(interest) if interest.progress != Progress::There && there() => {
                interest.waiting.push(context.waker().clone());
                Poll::Pending
            }
            Some(_) | None => Poll::Ready(()),
        }
    }

    /// Takes the wish to read a channel's record.
    pub(crate) fn read(
        &self,
        channel: &Channel,
        since: Option<Position>,
        there: impl FnOnce() -> bool,
    ) -> Reading {
        let mut state = self.state.lock();
        let State { by_name, names, .. } = &mut *state;
        let interest = names.get(channel).and_then(|name| by_name.get_mut(name));
        match interest {
            // Under the lock, as above.
            Some(interest) if there() => {
                if interest.progress == Progress::There {
                    return Reading::Now;
                }
                interest.read = Some(since);
                Reading::Later
            }
            Some(_) | None => Reading::Never,
        }
    }

    /// The channel of a name, where it is asked for.
    pub(crate) fn channel(&self, name: &str) -> Option<Arc<Channel>> {
        let state = self.state.lock();
        state
            .by_name
            .get(name)
            .map(|known| Arc::clone(&known.channel))
    }

    /// Whether Redis has confirmed it, and it was not withdrawn since.
    pub(crate) fn is_confirmed(&self, name: &str) -> bool {
        let state = self.state.lock();
        let interest = state.by_name.get(name);
        interest.is_some_and(|interest| interest.progress == Progress::There)
    }

    /// Everything, for a new connection.
    pub(crate) fn all(&self) -> Vec<Arc<str>> {
        let mut state = self.state.lock();
        state.changes.clear();
        for interest in state.by_name.values_mut() {
            interest.progress = Progress::Asked;
        }
        state.by_name.keys().map(Arc::clone).collect()
    }

    /// What has changed since the last call, at least one thing; waits for it. What is given is
    /// taken to be asked for: the next call has to come after the answer.
    pub(crate) async fn changes(&self) -> Changes {
        loop {
            let mut changes = Changes::default();
            {
                let mut state = self.state.lock();
                let State {
                    by_name,
                    changes: last,
                    ..
                } = &mut *state;
                for (name, wanted) in last.drain() {
                    match by_name.get_mut(&name) {
                        Some(interest) if wanted => {
                            interest.progress = Progress::Asked;
                            changes.subscribe.push(name);
                        }
                        Some(_) => {}
                        None => changes.unsubscribe.push(name),
                    }
                }
            }
            if !changes.subscribe.is_empty() || !changes.unsubscribe.is_empty() {
                return changes;
            }
            self.changed.notified().await;
        }
    }

    /// Redis has confirmed a subscription: the record that is to be read now.
    pub(crate) fn confirm(&self, name: &str) -> Option<(Arc<Channel>, Option<Position>)> {
        let mut state = self.state.lock();
        let interest = state.by_name.get_mut(name)?;
        // The confirmation of an earlier wish is none of this one.
        if interest.progress != Progress::Asked {
            return None;
        }
        interest.progress = Progress::There;
        let waiting = std::mem::take(&mut interest.waiting);
        let read = interest.read.take();
        let read = read.map(|since| (Arc::clone(&interest.channel), since));
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        read
    }

    /// There is no connection any more: the channels whose records were to be read.
    pub(crate) fn depart(&self) -> Vec<Arc<Channel>> {
        let (mut waiting, mut unread) = (Vec::new(), Vec::new());
        for interest in self.state.lock().by_name.values_mut() {
            interest.progress = Progress::Wanted;
            waiting.append(&mut interest.waiting);
            if interest.read.take().is_some() {
                unread.push(Arc::clone(&interest.channel));
            }
        }
        waiting.into_iter().for_each(Waker::wake);
        unread
    }

    pub(crate) fn len(&self) -> usize {
        self.state.lock().names.len()
    }
}

impl Interest {
    fn wake(self) {
        self.waiting.into_iter().for_each(Waker::wake);
    }
}
