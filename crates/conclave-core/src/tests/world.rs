//! A directory and the hubs of its workers on one thread, and beside them a naive model that
//! remembers everything: each subscription has the list of what it still has to hear.

use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use conclave_protocol::{Channel, Form, Limits, Position, Principal, Publication, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::model::{Entry, number};
use super::{broadcast, member, publish, subscribe};
use crate::{Directory, Hub, Listen, Membership, Publisher, Subscribed, Topics, Walk, authorise};

/// What happens next. Connections, topics and workers are taken modulo how many there are.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A connection subscribes, or listens where the topic is [`BROADCAST`].
    Subscribe {
        connection: usize,
        topic: usize,
        since: Since,
    },
    /// A connection drops its membership.
    Unsubscribe { connection: usize, topic: usize },
    /// A connection publishes so many bytes.
    Publish {
        connection: usize,
        topic: usize,
        bytes: usize,
    },
    /// A worker empties its inbox into its hub.
    Take { worker: usize },
    /// A worker gives a channel a turn of at most so many members; before the turn ends
    /// something else happens.
    Turn {
        worker: usize,
        members: usize,
        inside: Option<Box<Self>>,
    },
    /// Time passes, and old history is forgotten.
    Expire { millis: u64 },
    /// Time passes.
    Wait { millis: u64 },
}

/// What a subscription asks to replay.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    Nothing,
    /// What came after the position that is so many publications back.
    Back(u64),
    /// A position that is not reached yet.
    Ahead,
    /// A position of another epoch.
    Elsewhere,
}

pub(super) const BROADCAST: usize = 2;
const TOPICS: usize = 3;
const NAMES: [&str; 2] = ["a", "b"];
const CONNECTIONS: usize = 8;

/// What a subscription still has to hear, and what may not reach it.
struct Subscription {
    membership: Membership,
    due: VecDeque<(u64, Position)>,
}

type Encoding = (usize, Form, bool);

pub(super) struct World {
    topics: Topics,
    limits: Limits,
    workers: usize,
    hubs: Vec<Rc<Hub>>,
    /// Of each connection.
    users: Vec<Arc<Principal>>,
    /// Of each connection, by topic.
    channels: Vec<[Channel; TOPICS]>,
    now: u64,
    published: u64,
    entries: HashMap<Channel, Entry>,
    epochs: HashSet<u64>,
    subscriptions: HashMap<(usize, usize), Subscription>,
    /// Bytes pushed to each worker and not released.
    outstanding: Vec<usize>,
    /// The newest publication each worker took.
    newest: Vec<u64>,
    /// Keeps publications alive, so that an address names one.
    all: Vec<Arc<Publication>>,
    encoded: HashMap<Encoding, usize>,
    pub(super) delivered: usize,
}

impl World {
    pub(super) fn new(workers: usize, limits: Limits) -> Self {
        let directory = Arc::new(Directory::new(workers, &limits, 1));
        // Two sessions, each on all workers.
        let sessions = [Arc::new(member("ann")), Arc::new(member("bob"))];
        let users: Vec<_> = (0..CONNECTIONS)
            .map(|connection| Arc::clone(&sessions[connection / 2 % 2]))
            .collect();
        Self {
            hubs: (0..workers)
                .map(|worker| Hub::new(Arc::clone(&directory), worker))
                .collect(),
            topics: Topics::new(directory),
            limits,
            workers,
            channels: users.iter().map(|user| channels(user)).collect(),
            users,
            now: 1_000_000,
            published: 0,
            entries: HashMap::new(),
            epochs: HashSet::new(),
            subscriptions: HashMap::new(),
            outstanding: vec![0; workers],
            newest: vec![0; workers],
            all: Vec::new(),
            encoded: HashMap::new(),
            delivered: 0,
        }
    }

    pub(super) fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Subscribe {
                connection,
                topic,
                since,
            } => {
                self.subscribe(connection % CONNECTIONS, topic % TOPICS, *since)?;
            }
            Step::Unsubscribe { connection, topic } => {
                self.unsubscribe(connection % CONNECTIONS, topic % TOPICS);
            }
            Step::Publish {
                connection,
                topic,
                bytes,
            } => {
                self.publish(connection % CONNECTIONS, topic % TOPICS, *bytes)?;
            }
            Step::Take { worker } => self.take(worker % self.workers)?,
            Step::Turn {
                worker,
                members,
                inside,
            } => {
                self.turn(worker % self.workers, *members, inside.as_deref())?;
            }
            Step::Expire { millis } => {
                self.now += millis;
                self.expire();
            }
            Step::Wait { millis } => self.now += millis,
        }
        self.agree()
    }

    /// Delivers everything: then nobody has anything left to hear.
    pub(super) fn settle(&mut self) -> Result<(), TestCaseError> {
        for worker in 0..self.workers {
            self.take(worker)?;
            while self.turn(worker, 3, None)? {}
        }
        for ((connection, topic), subscription) in &self.subscriptions {
            let due = &subscription.due;
            prop_assert!(
                due.is_empty(),
                "{connection} never heard {due:?} of {topic}"
            );
        }
        prop_assert!(
            self.outstanding.iter().all(|bytes| *bytes == 0),
            "bytes are still counted"
        );
        self.agree()
    }

    /// Ends all subscriptions and forgets all history: then nothing is left.
    pub(super) fn end(&mut self) -> Result<(), TestCaseError> {
        let held: Vec<_> = self.subscriptions.keys().copied().collect();
        for (connection, topic) in held {
            self.unsubscribe(connection, topic);
        }
        self.now += u64::from(self.limits.history_seconds) * 1000 + 1;
        self.expire();
        self.settle()?;
        prop_assert_eq!(self.topics.directory().channels(), 0);
        prop_assert!(self.hubs.iter().all(|hub| hub.channels() == 0));
        Ok(())
    }

    fn worker_of(&self, connection: usize) -> usize {
        connection % self.workers
    }

    fn channel(&self, connection: usize, topic: usize) -> &Channel {
        &self.channels[connection][topic]
    }

    fn subscribers(&self, channel: &Channel) -> Vec<(usize, usize)> {
        let held = self.subscriptions.keys().copied();
        held.filter(|(connection, topic)| self.channel(*connection, *topic) == channel)
            .collect()
    }

    fn subscribe(
        &mut self,
        connection: usize,
        topic: usize,
        since: Since,
    ) -> Result<(), TestCaseError> {
        let channel = self.channel(connection, topic).clone();
        if self.subscriptions.contains_key(&(connection, topic)) {
            if matches!(since, Since::Nothing) {
                return Ok(());
            }
            self.unsubscribe(connection, topic);
        }
        let since = self.position(&channel, since);
        let worker = self.worker_of(connection);
        let user = Arc::clone(&self.users[connection]);
        let subscribed = if topic == BROADCAST {
            self.topics
                .listen(authorise(&user, Listen).unwrap(), worker)
        } else {
            let permit = authorise(&user, subscribe(NAMES[topic], since)).unwrap();
            self.topics.subscribe(permit, worker)
        };
        let since = since.filter(|_| topic != BROADCAST);
        self.check_start(&channel, &subscribed, since)?;
        let slot = u32::try_from(connection).unwrap();
        let membership = self.hubs[worker].join(&subscribed, slot);
        let subscription = Subscription {
            membership,
            due: VecDeque::new(),
        };
        self.subscriptions.insert((connection, topic), subscription);
        Ok(())
    }

    fn position(&self, channel: &Channel, since: Since) -> Option<Position> {
        let entry = self.entries.get(channel);
        let newest = entry.map_or_else(Position::default, Entry::position);
        let Position { offset, epoch } = newest;
        match since {
            Since::Nothing => None,
            Since::Back(back) => Some(Position {
                offset: offset.saturating_sub(back),
                epoch,
            }),
            Since::Ahead => Some(Position {
                offset: offset + 1,
                epoch,
            }),
            Since::Elsewhere => Some(Position {
                offset,
                epoch: epoch.wrapping_sub(1),
            }),
        }
    }

    /// The start of a subscription is exactly what the model says.
    fn check_start(
        &mut self,
        channel: &Channel,
        subscribed: &Subscribed,
        since: Option<Position>,
    ) -> Result<(), TestCaseError> {
        self.begin(channel);
        let entry = self.entries.get_mut(channel).unwrap();
        if entry.epoch == 0 {
            entry.epoch = subscribed.position.epoch;
            prop_assert!(self.epochs.insert(entry.epoch), "an epoch begins twice");
        }
        prop_assert_eq!(&*subscribed.channel, channel);
        prop_assert_eq!(subscribed.position, entry.position());
        let (replay, gap) = entry.replay(since, &self.limits);
        let came: Vec<_> = subscribed
            .replay
            .iter()
            .map(|p| (number(p), p.position))
            .collect();
        prop_assert_eq!(came, replay, "replay since {:?}", since);
        prop_assert_eq!(subscribed.gap, gap, "gap since {:?}", since);
        Ok(())
    }

    /// The entry of a channel, new where the directory has to make one now.
    fn begin(&mut self, channel: &Channel) {
        let kept = self.entries.values().filter(|entry| entry.keeps).count();
        let keeps = *channel != Channel::Broadcast
            && self.limits.history_messages > 0
            && kept < self.limits.history_topics;
        self.entries
            .entry(channel.clone())
            .or_insert_with(|| Entry::new(keeps));
    }

    fn unsubscribe(&mut self, connection: usize, topic: usize) {
        if self.subscriptions.remove(&(connection, topic)).is_none() {
            return;
        }
        let channel = self.channel(connection, topic).clone();
        if self.subscribers(&channel).is_empty() && !self.entries[&channel].keeps {
            self.entries.remove(&channel);
        }
    }

    fn publish(
        &mut self,
        connection: usize,
        topic: usize,
        bytes: usize,
    ) -> Result<(), TestCaseError> {
        let channel = self.channel(connection, topic).clone();
        let user = Arc::clone(&self.users[connection]);
        let worker = self.worker_of(connection);
        let from = Publisher {
            connection: 1,
            worker,
            principal: &user,
            name: None,
        };
        let at = Timestamp::from_millis(self.now);
        self.published += 1;
        let text = format!("{} {:bytes$}", self.published, "");
        let published = if topic == BROADCAST {
            let permit = authorise(&user, broadcast(&text)).unwrap();
            self.topics.broadcast(permit, from, at, 0)
        } else {
            let permit = authorise(&user, publish(NAMES[topic], &text)).unwrap();
            self.topics.publish(permit, from, at)
        };

        let subscribers = self.subscribers(&channel);
        let mut workers: Vec<_> = subscribers
            .iter()
            .map(|(connection, _)| self.worker_of(*connection))
            .collect();
        workers.sort_unstable();
        workers.dedup();
        prop_assert_eq!(published.workers, workers.len());
        prop_assert_eq!(published.here, workers.contains(&worker));
        self.begin(&channel);
        let entry = self.entries.get_mut(&channel).unwrap();
        if subscribers.is_empty() && !entry.keeps {
            self.entries.remove(&channel);
            return Ok(());
        }
        entry.log.push((self.published, self.now));
        entry.horizon = self.now;
        let position = entry.position();
        for key in subscribers {
            let due = &mut self.subscriptions.get_mut(&key).unwrap().due;
            due.push_back((self.published, position));
        }
        let mut weights = HashSet::new();
        for worker in workers {
            let outstanding = self.topics.directory().inbox(worker).unwrap().outstanding();
            weights.insert(outstanding - self.outstanding[worker]);
            self.outstanding[worker] = outstanding;
        }
        prop_assert!(weights.len() <= 1 && weights.iter().all(|weight| *weight > bytes));
        Ok(())
    }

    fn take(&mut self, worker: usize) -> Result<(), TestCaseError> {
        let mut taken = Vec::new();
        self.topics
            .directory()
            .inbox(worker)
            .unwrap()
            .take(&mut taken);
        for publication in taken {
            // Numbers are given in the order of publishing: so all workers see that one.
            prop_assert!(
                number(&publication) > self.newest[worker],
                "out of order, or twice"
            );
            self.newest[worker] = number(&publication);
            self.all.push(Arc::clone(&publication));
            let weight = publication.weight();
            if !self.hubs[worker].offer(publication) {
                self.release(worker, weight);
            }
        }
        Ok(())
    }

    fn release(&mut self, worker: usize, weight: usize) {
        self.topics
            .directory()
            .inbox(worker)
            .unwrap()
            .release(weight);
        self.outstanding[worker] -= weight;
    }

    fn turn(
        &mut self,
        worker: usize,
        members: usize,
        inside: Option<&Step>,
    ) -> Result<bool, TestCaseError> {
        let Some(walk) = self.hubs[worker].turn() else {
            return Ok(false);
        };
        for _ in 0..members {
            if !self.deliver(worker, &walk)? {
                break;
            }
        }
        if let Some(inside) = inside {
            self.step(inside)?;
        }
        if let Some(done) = self.hubs[worker].end_turn(walk) {
            self.release(worker, done.weight());
        }
        Ok(true)
    }

    /// Gives the next member of a walk what it has to get.
    fn deliver(&mut self, worker: usize, walk: &Walk) -> Result<bool, TestCaseError> {
        let Some(member) = walk.next_member() else {
            return Ok(false);
        };
        let batch = walk.batch();
        let connection = usize::try_from(member.slot).unwrap();
        prop_assert_eq!(self.worker_of(connection), worker);
        let channel = &batch.publications()[0].channel;
        let (form, deflated) = (Form(u8::from(connection >= 4)), connection % 4 == 3);
        let bytes = batch.bytes(form, deflated, member.from, |publication, out| {
            let frame = publication.frame(form, deflated, || {
                let address = std::ptr::from_ref(publication).addr();
                *self.encoded.entry((address, form, deflated)).or_default() += 1;
                number(publication).to_be_bytes().into()
            });
            out.extend_from_slice(frame);
        });
        prop_assert!(!bytes.is_empty(), "a member that has nothing to get");
        let topic = (0..TOPICS).find(|topic| self.channel(connection, *topic) == &**channel);
        prop_assert!(topic.is_some(), "{channel:?} is of another session");
        let heard = self.subscriptions.get_mut(&(connection, topic.unwrap()));
        prop_assert!(heard.is_some(), "{connection} hears {channel:?} no more");
        let due = &mut heard.unwrap().due;
        for frame in bytes.as_chunks::<8>().0 {
            let number = u64::from_be_bytes(*frame);
            let publication = batch
                .publications()
                .iter()
                .find(|p| self::number(p) == number);
            let came = (number, publication.unwrap().position);
            prop_assert_eq!(due.pop_front(), Some(came), "delivered to {}", connection);
            self.delivered += 1;
        }
        Ok(true)
    }

    fn expire(&mut self) {
        self.topics
            .directory()
            .expire(Timestamp::from_millis(self.now));
        let heard: HashSet<_> = self
            .subscriptions
            .keys()
            .map(|(c, topic)| self.channel(*c, *topic).clone())
            .collect();
        let (now, limits) = (self.now, self.limits.clone());
        self.entries.retain(|channel, entry| {
            entry.horizon = now;
            heard.contains(channel) || !entry.kept(&limits).is_empty()
        });
    }

    /// The counters of the directory, the inboxes and the hubs are the model's.
    fn agree(&self) -> Result<(), TestCaseError> {
        let directory = self.topics.directory();
        prop_assert_eq!(directory.channels(), self.entries.len());
        for (worker, hub) in self.hubs.iter().enumerate() {
            let heard: HashSet<_> = self
                .subscriptions
                .keys()
                .filter(|(connection, _)| self.worker_of(*connection) == worker)
                .map(|(connection, topic)| self.channel(*connection, *topic))
                .collect();
            prop_assert_eq!(hub.channels(), heard.len());
            for channel in &heard {
                prop_assert!(directory.workers_of(channel).contains(&worker));
            }
            let outstanding = directory.inbox(worker).unwrap().outstanding();
            prop_assert_eq!(outstanding, self.outstanding[worker]);
        }
        for ((connection, topic), subscription) in &self.subscriptions {
            let channel = self.channel(*connection, *topic);
            prop_assert_eq!(&**subscription.membership.channel(), channel);
        }
        let most = self.encoded.values().max();
        prop_assert!(
            most.is_none_or(|times| *times == 1),
            "encoded {most:?} times"
        );
        Ok(())
    }
}

fn channels(user: &Principal) -> [Channel; TOPICS] {
    let topic = |name| {
        let permit = authorise(user, subscribe(name, None)).unwrap();
        permit.channel().clone()
    };
    [topic(NAMES[0]), topic(NAMES[1]), Channel::Broadcast]
}
