//! A bus of nodes in one process: what one node publishes is at once in the feeds of the others.
//!
//! It can be cut, as a network can: then nothing arrives, and what is sent is lost.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use conclave_protocol::{Channel, Position};
use parking_lot::Mutex;

use super::{Arrival, Bus, BusFigures, Feed, Keeping, NodeId, Notice, Parcel, Record, Recorded};

/// What the nodes share.
#[derive(Debug, Default)]
pub struct MemoryBus {
    state: Mutex<State>,
}

/// One node's way to the others.
#[derive(Debug)]
pub struct MemoryNode {
    node: NodeId,
    bus: Arc<MemoryBus>,
}

/// One node's end. Dropping it takes the node off the bus.
#[derive(Debug)]
pub struct MemoryFeed {
    node: NodeId,
    bus: Arc<MemoryBus>,
}

#[derive(Debug, Default)]
struct State {
    nodes: HashMap<NodeId, End>,
    cut: bool,
    records: HashMap<Arc<Channel>, Kept>,
    /// Of the newest record.
    epoch: u64,
}

#[derive(Debug, Default)]
struct Kept {
    head: Position,
    list: VecDeque<Recorded>,
}

#[derive(Debug, Default)]
struct End {
    channels: HashSet<Arc<Channel>>,
    arrived: VecDeque<Arrival>,
    waker: Option<Waker>,
}

impl MemoryBus {
    /// Without nodes.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Puts a node on the bus.
    #[must_use]
    pub fn join(self: &Arc<Self>, node: NodeId) -> (Arc<MemoryNode>, MemoryFeed) {
        let mut end = End::default();
        end.arrived.push_back(Arrival::Missed);
        self.state.lock().nodes.insert(node, end);
        let bus = Arc::clone(self);
        let feed = MemoryFeed {
            node,
            bus: Arc::clone(self),
        };
        (Arc::new(MemoryNode { node, bus }), feed)
    }

    /// Cuts all nodes off from each other.
    pub fn cut(&self) {
        self.state.lock().cut = true;
    }

    /// Brings them together again.
    pub fn mend(&self) {
        let mut state = self.state.lock();
        state.cut = false;
        for end in state.nodes.values_mut() {
            end.push(Arrival::Missed);
        }
    }

    /// Loses all records, as a Redis does that fails over to an empty one.
    pub fn forget_records(&self) {
        self.state.lock().records.clear();
    }

    /// Whether any node has asked for the channel.
    #[must_use]
    pub fn is_asked_for(&self, channel: &Channel) -> bool {
        let state = self.state.lock();
        state
            .nodes
            .values()
            .any(|end| end.channels.contains(channel))
    }
}

impl MemoryNode {
    fn send(&self, is_for: impl Fn(&End) -> bool, arrival: impl Fn() -> Arrival) -> bool {
        let mut state = self.bus.state.lock();
        if state.cut {
            return false;
        }
        for (node, end) in &mut state.nodes {
            if *node != self.node && is_for(end) {
                end.push(arrival());
            }
        }
        true
    }
}

impl Bus for MemoryNode {
    fn publish(&self, parcel: Parcel) -> bool {
        let Parcel { publication, place } = parcel;
        let channel = &publication.channel;
        self.send(
            |end| end.channels.contains(channel),
            || Arrival::Publication {
                from: self.node,
                channel: Arc::clone(channel),
                place,
                at: publication.at,
                body: publication.body.clone(),
            },
        )
    }

    fn record(&self, parcel: Parcel, keeping: Keeping) -> bool {
        let Parcel { publication, place } = parcel;
        let mut state = self.bus.state.lock();
        if state.cut {
            return false;
        }
        let State {
            nodes,
            records,
            epoch,
            ..
        } = &mut *state;
        let channel = &publication.channel;
        let kept = records.entry(Arc::clone(channel)).or_insert_with(|| {
            *epoch += 1;
            let head = Position {
                offset: 0,
                epoch: *epoch,
            };
            let list = VecDeque::new();
            Kept { head, list }
        });
        kept.head.offset += 1 + u64::from(place.after_loss);
        let recorded = Recorded {
            position: kept.head,
            after_loss: place.after_loss,
            at: publication.at,
            body: publication.body.clone(),
        };
        if keeping.messages > 0 {
            kept.list.push_back(recorded.clone());
            while kept.list.len() > keeping.messages {
                kept.list.pop_front();
            }
        }
        for end in nodes.values_mut() {
            if end.channels.contains(channel) {
                let (channel, recorded) = (Arc::clone(channel), recorded.clone());
                end.push(Arrival::Recorded { channel, recorded });
            }
        }
        true
    }

    fn read_record(&self, channel: &Arc<Channel>, since: Option<Position>) {
        let mut state = self.bus.state.lock();
        let record = if state.cut {
            None
        } else {
            Some(
                state
                    .records
                    .get(channel)
                    .map_or_else(Record::default, |kept| {
                        let from = since.filter(|since| since.epoch == kept.head.epoch);
                        let from = from.map_or(0, |since| since.offset);
                        let after = kept.list.iter().filter(|one| one.position.offset > from);
                        Record {
                            head: kept.head,
                            kept: after.cloned().collect(),
                        }
                    }),
            )
        };
        if let Some(end) = state.nodes.get_mut(&self.node) {
            let channel = Arc::clone(channel);
            end.push(Arrival::Record { channel, record });
        }
    }

    fn tell(&self, notice: Notice) -> bool {
        self.send(
            |_| true,
            || Arrival::Notice {
                from: self.node,
                notice: notice.clone(),
            },
        )
    }

    fn subscribe(&self, channel: &Arc<Channel>) {
        if let Some(end) = self.bus.state.lock().nodes.get_mut(&self.node) {
            end.channels.insert(Arc::clone(channel));
        }
    }

    fn unsubscribe(&self, channel: &Arc<Channel>) {
        if let Some(end) = self.bus.state.lock().nodes.get_mut(&self.node) {
            end.channels.remove(channel);
        }
    }

    fn poll_reached(&self, _: &Channel, _: &Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn is_there(&self) -> bool {
        !self.bus.state.lock().cut
    }

    fn figures(&self) -> BusFigures {
        let state = self.bus.state.lock();
        let channels = state
            .nodes
            .get(&self.node)
            .map_or(0, |end| end.channels.len());
        BusFigures {
            channels,
            ..BusFigures::default()
        }
    }
}

#[async_trait]
impl Feed for MemoryFeed {
    async fn next(&mut self, into: &mut Vec<Arrival>) -> bool {
        poll_fn(|context| {
            let mut state = self.bus.state.lock();
            let Some(end) = state.nodes.get_mut(&self.node) else {
                return Poll::Ready(false);
            };
            if end.arrived.is_empty() {
                end.waker = Some(context.waker().clone());
                return Poll::Pending;
            }
            into.extend(end.arrived.drain(..));
            Poll::Ready(true)
        })
        .await
    }
}

impl Drop for MemoryFeed {
    fn drop(&mut self) {
        self.bus.state.lock().nodes.remove(&self.node);
    }
}

impl End {
    fn push(&mut self, arrival: Arrival) {
        self.arrived.push_back(arrival);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
