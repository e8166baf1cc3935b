//! The connections of one session: for each shard one that publishes and one that listens. What
//! is no cluster is one shard.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use conclave_core::Parcel;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, ConnectionInfo, Pipeline, RedisError};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::Shared;
use crate::address::{Address, Sentinels, host, moved};
use crate::dial::{checked, dial, patience, wrong};
use crate::ears::with_ears;
use crate::outbox::Outgoing;
use crate::records::{Asked, Records, Unanswered};
use crate::sentinel::Master;
use crate::slots::{Shard, Slots};
use crate::wire::{channel_name, notices_name, write_lost, write_notice, write_publication};

/// The connections, and how it is known that they are the right ones.
pub(crate) struct Lanes {
    /// At least one.
    lanes: Vec<Lane>,
    kind: Kind,
}

#[derive(Clone)]
struct Lane {
    mouth: MultiplexedConnection,
    ear: MultiplexedConnection,
}

/// What Redis is made of.
pub(crate) enum Kind {
    One,
    Sentinels(Box<(Sentinels, Master)>),
    /// Its places are in the order of the shards.
    Cluster(Slots),
}

/// The messages of one round trip to each shard.
pub(crate) struct Batch<'a> {
    lanes: &'a Lanes,
    pipelines: Vec<Pipeline>,
    /// What each command of each pipeline is about.
    asked: Vec<Vec<Asked>>,
    has_records: bool,
}

/// What a name is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Subscribe,
    Unsubscribe,
}

impl Lanes {
    /// Connects to all of Redis. `ended` is rung when one of the connections ends.
    pub(crate) async fn connect(
        shared: &Arc<Shared>,
        ended: &Arc<Notify>,
    ) -> Result<Self, RedisError> {
        let (infos, kind) = Kind::find(shared).await?;
        let mut lanes = Vec::with_capacity(infos.len());
        for info in &infos {
            let mouth = dial(info, &patience()).await?;
            let ear = dial(info, &with_ears(patience(), shared, ended)).await?;
            lanes.push(Lane { mouth, ear });
        }
        Ok(Self { lanes, kind })
    }

    /// Asks for names or withdraws them, and waits until all are confirmed or refused. Each
    /// confirmation is a push of its own, which comes in order with the messages.
    pub(crate) async fn wish(&self, wish: Wish, names: &[Arc<str>]) -> Result<(), RedisError> {
        let Kind::Cluster(slots) = &self.kind else {
            let command = match wish {
                Wish::Subscribe => "SUBSCRIBE",
                Wish::Unsubscribe => "UNSUBSCRIBE",
            };
            let mut ear = self.lane(0)?.ear.clone();
            for names in names.chunks(NAMES_MAX) {
                let ask = named(command, names);
                checked(ear.send_packed_command(&ask).await?)?;
            }
            return Ok(());
        };
        let command = match wish {
            Wish::Subscribe => "SSUBSCRIBE",
            Wish::Unsubscribe => "SUNSUBSCRIBE",
        };
        // A command cannot name what is in different slots.
        for names in names.chunks(NAMES_MAX) {
            let mut pipelines = self.pipelines();
            for name in names {
                let pipeline = pipelines.get_mut(slots.shard_of(name));
                pipeline
                    .ok_or_else(|| wrong(NO_SUCH))?
                    .add_command(named(command, std::slice::from_ref(name)));
            }
            self.ask_all(pipelines, |lane| lane.ear).await?;
        }
        Ok(())
    }

    /// A batch, to be filled and sent.
    pub(crate) fn batch(&self) -> Batch<'_> {
        Batch {
            lanes: self,
            pipelines: self.pipelines(),
            asked: self.lanes.iter().map(|_| Vec::new()).collect(),
            has_records: false,
        }
    }

    /// That every shard answers on the connection that hears. One that hangs does not close it.
    pub(crate) async fn ping(&self) -> Result<(), RedisError> {
        let mut pipelines = self.pipelines();
        for pipeline in &mut pipelines {
            pipeline.cmd("PING");
        }
        self.ask_all(pipelines, |lane| lane.ear).await
    }

    /// That these still are the right places to be connected to; `turn` grows by one each time.
    pub(crate) async fn check(&self, turn: usize) -> Result<(), RedisError> {
        match &self.kind {
            Kind::One => Ok(()),
            Kind::Sentinels(found) => {
                let (known, master) = &**found;
                let mut mouth = self.lane(0)?.mouth.clone();
                master.check(&mut mouth, known).await
            }
            // Each is asked in turn: one that is cut off from the others does not know.
            Kind::Cluster(slots) => {
                let number = turn.checked_rem(self.lanes.len()).unwrap_or(0);
                let mut mouth = self.lane(number)?.mouth.clone();
                let shard = slots.shards().get(number);
                let host = shard.map_or("", |shard| &shard.host);
                if read_slots(&mut mouth, host).await? == *slots {
                    Ok(())
                } else {
                    Err(wrong("the slots of the cluster have moved"))
                }
            }
        }
    }

    const fn publish_command(&self) -> &'static str {
        match self.kind {
            Kind::Cluster(_) => "SPUBLISH",
            Kind::One | Kind::Sentinels(..) => "PUBLISH",
        }
    }

    fn lane(&self, number: usize) -> Result<&Lane, RedisError> {
        self.lanes.get(number).ok_or_else(|| wrong(NO_SUCH))
    }

    /// An empty one for each lane.
    fn pipelines(&self) -> Vec<Pipeline> {
        self.lanes.iter().map(|_| Pipeline::new()).collect()
    }

    /// Sends each its own, all at once, and waits for all; the first error is that of all.
    async fn ask_all(
        &self,
        pipelines: Vec<Pipeline>,
        side: impl Fn(Lane) -> MultiplexedConnection,
    ) -> Result<(), RedisError> {
        let mut asked = JoinSet::new();
        let mut result = Ok(());
        let filled = |(_, pipeline): &(_, Pipeline)| !pipeline.is_empty();
        for (lane, pipeline) in self.lanes.iter().zip(pipelines).filter(filled) {
            let connection = side(lane.clone());
            // What goes to one place goes there without a task.
            if let [_] = self.lanes.as_slice() {
                return ask(connection, pipeline).await;
            }
            asked.spawn(ask(connection, pipeline));
        }
        while let Some(answer) = asked.join_next().await {
            result = result.and(answer.unwrap_or_else(|_| Err(wrong("a task has ended"))));
        }
        result
    }
}

impl Kind {
    /// Finds Redis: each place to be connected to.
    pub(crate) async fn find(shared: &Shared) -> Result<(Vec<ConnectionInfo>, Self), RedisError> {
        Ok(match &shared.options.address {
            Address::One(info) => (vec![info.clone()], Self::One),
            Address::Sentinels(known) => {
                let master = Master::find(known).await?;
                let info = master.info.clone();
                let found = Box::new((known.clone(), master));
                (vec![info], Self::Sentinels(found))
            }
            Address::Cluster(nodes) => {
                let turn = shared.turns.fetch_add(1, Ordering::Relaxed);
                let (slots, infos) = find_slots(nodes, turn).await?;
                (infos, Self::Cluster(slots))
            }
        })
    }

    /// The number of the place that has a name.
    pub(crate) fn lane_of(&self, name: &str) -> usize {
        match self {
            Self::Cluster(slots) => slots.shard_of(name),
            Self::One | Self::Sentinels(..) => 0,
        }
    }
}

impl Batch<'_> {
    /// Adds one thing that is to be sent.
    pub(crate) fn add(&mut self, shared: &Shared, records: &Records, outgoing: Outgoing) {
        let prefix = &shared.options.prefix;
        match outgoing {
            Outgoing::Notice(notice) => {
                let message = write_notice(shared.node, &notice);
                self.put(&notices_name(prefix), &message);
            }
            Outgoing::Publication(Parcel { publication, place }) => {
                let name = channel_name(prefix, &publication.channel);
                let message = write_publication(shared.node, place, &publication);
                self.put(&name, &message);
            }
            Outgoing::Record(parcel, keeping) => {
                let name = channel_name(prefix, &parcel.publication.channel);
                let publish = (&*name, self.lanes.publish_command());
                let (command, asked) = records.give(shared, publish, (&parcel, keeping));
                self.ask(&name, command, asked);
            }
            Outgoing::Read(channel, since) => {
                let name = channel_name(prefix, &channel);
                let (command, asked) = records.read(prefix, (&channel, since));
                self.ask(&name, command, asked);
            }
        }
    }

    /// Adds the word that something before was lost.
    pub(crate) fn add_lost(&mut self, shared: &Shared) {
        let message = write_lost(shared.node);
        self.put(&notices_name(&shared.options.prefix), &message);
    }

    /// Sends it, and takes what records answer.
    pub(crate) async fn send(
        self,
        shared: &Shared,
        records: &mut Records,
    ) -> Result<(), RedisError> {
        if !self.has_records {
            return self.lanes.ask_all(self.pipelines, |lane| lane.mouth).await;
        }
        let mut unanswered = Unanswered::new(shared, self.asked);
        let mouths = self.lanes.lanes.iter().map(|lane| &lane.mouth);
        records.load(mouths.cloned()).await?;
        let mut sending = JoinSet::new();
        let parts = self.lanes.lanes.iter().zip(self.pipelines).enumerate();
        for (number, (lane, pipeline)) in parts.filter(|(_, (_, pipeline))| !pipeline.is_empty()) {
            let mut mouth = lane.mouth.clone();
            sending.spawn(async move {
                let count = pipeline.len();
                let answers = mouth.send_packed_commands(&pipeline, 0, count).await;
                (number, answers)
            });
        }
        let mut result = Ok(());
        while let Some(sent) = sending.join_next().await {
            let taken = match sent {
                Ok((number, Ok(answers))) => records.take(shared, unanswered.take(number), answers),
                Ok((_, Err(error))) => Err(error),
                Err(_) => Err(wrong("a task has ended")),
            };
            result = result.and(taken);
        }
        result
    }

    fn put(&mut self, name: &str, message: &[u8]) {
        let mut command = redis::cmd(self.lanes.publish_command());
        command.arg(name).arg(message);
        self.ask(name, command, Asked::Nothing);
    }

    fn ask(&mut self, name: &str, command: Cmd, asked: Asked) {
        let number = self.lanes.kind.lane_of(name);
        let parts = self.pipelines.get_mut(number);
        if let (Some(pipeline), Some(list)) = (parts, self.asked.get_mut(number)) {
            self.has_records |= !matches!(asked, Asked::Nothing);
            pipeline.add_command(command);
            list.push(asked);
        }
    }
}

async fn ask(mut connection: MultiplexedConnection, pipeline: Pipeline) -> Result<(), RedisError> {
    let count = pipeline.len();
    let answers = connection.send_packed_commands(&pipeline, 0, count).await?;
    answers
        .into_iter()
        .try_for_each(|answer| checked(answer).map(drop))
}

fn named(command: &str, names: &[Arc<str>]) -> Cmd {
    let mut ask = Cmd::new();
    ask.arg(command);
    for name in names {
        ask.arg(&**name);
    }
    ask
}

/// The slots of a cluster by the first of its nodes that tells, and where its shards are. Each
/// turn begins with another: one that is cut off from the others tells what was.
async fn find_slots(
    nodes: &[ConnectionInfo],
    turn: usize,
) -> Result<(Slots, Vec<ConnectionInfo>), RedisError> {
    let mut last = wrong(NO_SUCH);
    let first = turn.checked_rem(nodes.len()).unwrap_or(0);
    for node in nodes.iter().cycle().skip(first).take(nodes.len()) {
        let asked = async {
            let mut connection = dial(node, &patience()).await?;
            read_slots(&mut connection, host(node)).await
        };
        match asked.await {
            Ok(slots) => {
                let at = |shard: &Shard| moved(node, &shard.host, shard.port);
                let infos = slots.shards().iter().map(at).collect();
                return Ok((slots, infos));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn read_slots(
    connection: &mut MultiplexedConnection,
    host: &str,
) -> Result<Slots, RedisError> {
    let mut question = redis::cmd("CLUSTER");
    question.arg("SLOTS");
    let answer = checked(connection.send_packed_command(&question).await?)?;
    Slots::read(&answer, host).ok_or_else(|| wrong("slots of the cluster have no node"))
}

/// Names of one command, or of one pipeline.
const NAMES_MAX: usize = 1000;
const NO_SUCH: &str = "the cluster has no such shard";
