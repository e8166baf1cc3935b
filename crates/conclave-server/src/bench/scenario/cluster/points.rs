//! Points for `conclave bench simulate`: what a publication costs each node and Redis, of one, two and
//! three nodes.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::super::super::audience::Audience;
use super::super::super::bed::Bed;
use super::super::super::crowd::Door;
use super::super::super::latency::median;
use super::super::super::measurement::Case;
use super::super::super::simulate::{Cluster as Measured, Latency, Machine, Point};
use super::{BYTES, Cluster, PADDING};

/// A topic, and where its publisher and its subscribers are.
#[derive(Clone, Copy)]
struct Shape {
    nodes: usize,
    /// The last so many of the nodes hear it; the first one publishes.
    hearing: usize,
}

/// Measures each shape `runs` times; a point is the median, value by value.
///
/// # Errors
/// Redis or a node does not start, or somebody is refused.
pub(in crate::bench) fn measure(bed: &Bed, runs: usize) -> Result<Measured> {
    let mut points = Vec::new();
    for shape in SHAPES {
        let Shape { nodes, hearing, .. } = shape;
        let mut measured = Vec::new();
        for run in 0..runs {
            eprintln!("{nodes} nodes, {hearing} hear, run {} of {runs}", run + 1);
            measured.push(shape.measure(bed)?);
        }
        points.push(middle(&measured).context("no run")?);
    }
    Ok(Measured {
        machine: Machine {
            cores: u32::try_from(bed.machine.cores)?,
        },
        points,
    })
}

impl Shape {
    fn measure(self, bed: &Bed) -> Result<Point> {
        let mut cluster = Cluster::start(bed, self.nodes)?;
        let first = self.nodes - self.hearing;
        let mut hearing = Vec::new();
        for node in first..self.nodes {
            let door = cluster.door(bed, node)?;
            hearing.extend((0..SUBSCRIBERS).map(|_| door.clone()));
        }
        let speaking: [Door; 1] = [cluster.door(bed, 0)?];
        // The last node receives what the first one publishes; of one node it is the same.
        let receiving = cluster.nodes.pop().context("no node")?;
        let mut audience = Audience::seat(bed, receiving, (&hearing, &speaking), PADDING)?;
        let quiet = cluster.nodes.first().filter(|_| first > 0);
        let before = (
            audience.process.cpu()?,
            quiet.map_or(Ok(Duration::ZERO), |node| node.cpu())?,
            cluster.redis.cpu()?,
        );
        let count = bed.sizes.cluster_paced;
        let row = audience.paced(Case::ClusterAbroad, count, Duration::from_secs(1) / RATE)?;
        let spent =
            |now: Duration, before: Duration| now.saturating_sub(before).as_secs_f64() * 1e6;
        let receiver = spent(audience.process.cpu()?, before.0);
        let publisher = quiet.map_or(Ok(Duration::ZERO), |node| node.cpu())?;
        let publisher = spent(publisher, before.1);
        let redis = spent(cluster.redis.cpu()?, before.2);
        // A tenth as many were published before, to warm up. Counts stay far below 2^53.
        let published = (count + (count / 10).max(1)) as f64;
        let (hearers, subscribers) = (self.hearing as f64, f64::from(SUBSCRIBERS));
        let deliveries = row.per_second.context("nothing was delivered")?;
        let latency = row.latency.context("nothing was delivered")?;
        Ok(Point {
            nodes: u32::try_from(self.nodes)?,
            hearing_nodes: Some(u32::try_from(self.hearing)?),
            publications_per_second: f64::from(RATE),
            deliveries_per_second: deliveries,
            message_bytes: u32::try_from(BYTES)?,
            subscribers_per_node: SUBSCRIBERS,
            node_cpu_us_per_delivery: Some(receiver / published / subscribers),
            node_cpu_us_per_publication: quiet.map(|_| publisher / published),
            redis_cpu_us_per_publication: Some(redis / published),
            redis_cpu_us_per_delivery_to_node: Some(redis / published / hearers),
            latency_us: Latency {
                p50: latency.p50_us,
                p99: latency.p99_us,
            },
        })
    }
}

/// The median of runs of one shape, value by value.
fn middle(runs: &[Point]) -> Option<Point> {
    let value = |value: fn(&Point) -> Option<f64>| median(runs.iter().filter_map(value));
    let first = runs.first()?;
    Some(Point {
        deliveries_per_second: value(|point| Some(point.deliveries_per_second))?,
        node_cpu_us_per_delivery: value(|point| point.node_cpu_us_per_delivery),
        node_cpu_us_per_publication: value(|point| point.node_cpu_us_per_publication),
        redis_cpu_us_per_publication: value(|point| point.redis_cpu_us_per_publication),
        redis_cpu_us_per_delivery_to_node: value(|point| point.redis_cpu_us_per_delivery_to_node),
        latency_us: Latency {
            p50: value(|point| Some(point.latency_us.p50))?,
            p99: value(|point| Some(point.latency_us.p99))?,
        },
        ..first.clone()
    })
}

/// The publisher's node apart, and all nodes alike; of one node alone both are in one figure. The rate
/// is the same everywhere, since Redis and nodes take what comes together in one go, and slow enough
/// for two cores, one of them the generator's.
const SHAPES: [Shape; 5] = [
    Shape::new(1, 1),
    Shape::new(2, 1),
    Shape::new(2, 2),
    Shape::new(3, 2),
    Shape::new(3, 3),
];
/// On each node that hears.
const SUBSCRIBERS: u32 = 10;
/// Publications per second.
const RATE: u32 = 1000;

impl Shape {
    const fn new(nodes: usize, hearing: usize) -> Self {
        Self { nodes, hearing }
    }
}
