//! Several nodes over one Redis: what a delivery costs where it arrives, how much later it comes,
//! and how much goes through.

mod points;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use conclave_redis::Yardstick;

use super::super::audience::Audience;
use super::super::bed::{Bed, Setting};
use super::super::crowd::Door;
use super::super::house::{self, Folder};
use super::super::machine::{SERVER_CORE, pin};
use super::super::measurement::{Case, Measurement};
use super::super::subject::{Launch, Process, Subject};
use super::bus;

pub(in crate::bench) use points::measure as measure_points;

/// Nodes and Redis share the core of the process under test, so that a wait is a wait for CPU and not
/// for a sleeping core; only the CPU of the named process counts. A machine without redis-server
/// measures nothing.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    if !bed.subjects.contains(&Subject::Conclave) {
        return Ok(Vec::new());
    }
    let Ok(redis) = start_redis() else {
        eprintln!("no redis-server: several nodes are not measured");
        return Ok(Vec::new());
    };
    drop(redis);
    let mut rows = deliveries(bed)?;
    rows.extend(latencies(bed)?);
    rows.extend(publications(bed)?);
    Ok(rows)
}

/// Nodes that share a store and a Redis.
struct Cluster {
    nodes: Vec<Process>,
    redis: Process,
    _folder: Folder,
}

impl Cluster {
    fn start(bed: &Bed, count: usize) -> Result<Self> {
        let redis = start_redis().context("redis-server does not start")?;
        let folder = Folder::new()?;
        let nodes = (0..count).map(|_| {
            let url = format!("redis://{}", redis.address);
            bed.node(folder.path(), &url)
        });
        let nodes = nodes.collect::<Result<Vec<_>>>()?;
        Ok(Self {
            nodes,
            redis,
            _folder: folder,
        })
    }

    fn door(&self, bed: &Bed, node: usize) -> Result<Door> {
        let node = self.nodes.get(node).context("no such node")?;
        Ok(bed.door(node, Setting::LOADED))
    }
}

/// To 1,000 subscribers, one publication at a time: of one node without a bus, and of a node whose
/// publisher is on another. The CPU is that of the node which delivers.
fn deliveries(bed: &Bed) -> Result<Vec<Measurement>> {
    let (count, rounds) = (bed.sizes.subscribers, bed.sizes.publications);
    let (alone, _) = bed.server(Subject::Conclave, Setting::LOADED)?;
    let door = bed.door(&alone, Setting::LOADED);
    let (hearing, speaking) = (vec![door.clone(); count], [door]);
    let mut home = Audience::seat(bed, alone, (&hearing, &speaking), 0)?;
    let mut cluster = Cluster::start(bed, 2)?;
    let (hearing, speaking) = (vec![cluster.door(bed, 1)?; count], [cluster.door(bed, 0)?]);
    let receiving = cluster.nodes.pop().context("no second node")?;
    let mut abroad = Audience::seat(bed, receiving, (&hearing, &speaking), 0)?;
    let mut parts = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        let [at_home, from_abroad] = &mut parts;
        at_home.push(home.measure(Case::ClusterHome, rounds / TURNS, 1)?);
        from_abroad.push(abroad.measure(Case::ClusterReceiving, rounds / TURNS, 1)?);
    }
    Ok(parts
        .iter()
        .filter_map(|parts| Measurement::of_parts(parts))
        .collect())
}

/// From a publisher to ten subscribers on its own node, and to ten on another, at half of what goes
/// through to the other.
fn latencies(bed: &Bed) -> Result<Vec<Measurement>> {
    let mut cluster = Cluster::start(bed, 2)?;
    let (here, there) = (cluster.door(bed, 0)?, cluster.door(bed, 1)?);
    let other = cluster.nodes.pop().context("no second node")?;
    let own = cluster.nodes.pop().context("no first node")?;
    let listeners = vec![there; LISTENERS];
    let speaking = std::slice::from_ref(&here);
    let mut abroad = Audience::seat(bed, other, (&listeners, speaking), PADDING)?;
    let full = abroad.race_across(
        Case::ClusterReceiving,
        bed.sizes.cluster_publications,
        WINDOW,
    )?;
    let rate = full.per_second.context("nothing was published")? / 2.0;
    let every = Duration::from_secs_f64(1.0 / rate);
    let count = bed.sizes.cluster_paced;
    let far = abroad.paced(Case::ClusterAbroad, count, every)?;
    drop(abroad);
    let listeners = vec![here.clone(); LISTENERS];
    let mut home = Audience::seat(bed, own, (&listeners, speaking), PADDING)?;
    let near = home.paced(Case::ClusterNear, count, every)?;
    Ok(vec![near, far])
}

/// One publisher and one subscriber on each of one, two and three nodes, all in one topic; the CPU is
/// that of Redis. Then three ends of the bus without their nodes, and of the client library.
fn publications(bed: &Bed) -> Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    for (case, count) in [
        (Case::ClusterOne, 1),
        (Case::ClusterTwo, 2),
        (Case::ClusterThree, 3),
    ] {
        let cluster = Cluster::start(bed, count)?;
        let doors: Vec<Door> = (0..count)
            .map(|node| cluster.door(bed, node))
            .collect::<Result<_>>()?;
        let Cluster {
            redis,
            nodes: _nodes,
            _folder,
        } = cluster;
        let mut audience = Audience::seat(bed, redis, (&doors, &doors), PADDING)?;
        let publications = bed.sizes.cluster_publications;
        rows.push(audience.race_across(case, publications, WINDOW)?);
    }
    rows.push(alone(bed, Subject::Conclave)?);
    rows.push(alone(bed, Subject::Floor)?);
    Ok(rows)
}

/// Three ends of the bus, or of the bare client, in one thread beside Redis.
fn alone(bed: &Bed, subject: Subject) -> Result<Measurement> {
    let redis = start_redis()?;
    let url = format!("redis://{}", redis.address);
    let count = usize::try_from(bed.sizes.cluster_publications)? * 4;
    let (before, start) = (redis.cpu()?, Instant::now());
    let publishing = std::thread::spawn(move || {
        pin(&[SERVER_CORE])?;
        let runtime = house::runtime()?;
        if subject == Subject::Conclave {
            return runtime.block_on(bus::publish(&url, ENDS, (count, BYTES)));
        }
        let yardstick = Yardstick {
            pairs: ENDS,
            bytes: BYTES,
            batch: BATCH,
        };
        Ok(runtime.block_on(yardstick.publish(&url, count / BATCH))?)
    });
    let published = publishing.join().ok().context("a thread broke")??;
    let (cpu, wall) = (redis.cpu()?.saturating_sub(before), start.elapsed());
    let row = Measurement::new(Case::ClusterBus, subject);
    Ok(row.cost(u64::try_from(published)?, cpu, wall))
}

fn start_redis() -> Result<Process> {
    let words = [
        "--bind",
        "127.0.0.1",
        "--port",
        "{port}",
        "--save",
        "",
        "--dir",
        "{folder}",
    ];
    Process::start(&Launch {
        program: PathBuf::from("redis-server"),
        arguments: words.map(str::to_owned).into(),
        environment: Vec::new(),
        cores: vec![SERVER_CORE],
    })
}

/// Bytes of a publication's payload.
const BYTES: usize = 200;
/// Beside the bytes that carry its stamp.
const PADDING: usize = BYTES - 64;
const LISTENERS: usize = 10;
/// Publications under way for each publisher.
const WINDOW: u64 = 256;
/// Publications of one round trip of the bare client.
const BATCH: usize = 64;
const ENDS: usize = 3;
const TURNS: usize = 10;
