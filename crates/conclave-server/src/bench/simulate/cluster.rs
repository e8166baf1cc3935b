//! Measured points of several nodes on one Redis: `bench/cluster.json`.

use anyhow::{Result, ensure};
use serde::Deserialize;

/// All points, and where they were measured.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Cluster {
    pub(super) machine: Machine,
    pub(super) points: Vec<Point>,
}

/// The machine of the points.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Machine {
    pub(super) cores: u32,
}

/// One measurement: a topic with as many subscribers on each node, one node publishes. What was not
/// measured is absent or null.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Point {
    pub(super) nodes: u32,
    pub(super) publications_per_second: f64,
    /// Over all nodes.
    pub(super) deliveries_per_second: f64,
    pub(super) message_bytes: u32,
    pub(super) subscribers_per_node: u32,
    /// Of a node that only receives (of the one node, where there is one), all its CPU.
    pub(super) node_cpu_us_per_delivery: Option<f64>,
    /// What the publishing node needs beside its deliveries.
    pub(super) node_cpu_us_per_publication: Option<f64>,
    /// All CPU of Redis.
    pub(super) redis_cpu_us_per_publication: Option<f64>,
    /// The same by messages that Redis gave to nodes, the publishing one included.
    pub(super) redis_cpu_us_per_delivery_to_node: Option<f64>,
    pub(super) latency_us: Latency,
}

/// From the write of a publication to the read of a delivery.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

impl Cluster {
    /// Reads the file.
    ///
    /// # Errors
    /// It is no such file, has no point, or a point that cannot have been measured.
    pub(super) fn read(text: &str) -> Result<Self> {
        let cluster: Self = serde_json::from_str(text)?;
        ensure!(!cluster.points.is_empty(), "there is no point in it");
        for (index, point) in cluster.points.iter().enumerate() {
            ensure!(
                point.is_possible(),
                "points[{index}] cannot have been measured"
            );
        }
        Ok(cluster)
    }
}

impl Point {
    fn is_possible(&self) -> bool {
        let rates = [self.publications_per_second, self.deliveries_per_second];
        let costs = [
            self.node_cpu_us_per_delivery,
            self.node_cpu_us_per_publication,
            self.redis_cpu_us_per_publication,
            self.redis_cpu_us_per_delivery_to_node,
        ];
        self.nodes > 0
            && self.subscribers_per_node > 0
            && rates.into_iter().all(|rate| rate.is_finite() && rate > 0.0)
            && costs
                .into_iter()
                .flatten()
                .all(|cost| cost.is_finite() && cost >= 0.0)
    }
}
