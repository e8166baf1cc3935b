//! Measured points of several nodes on one Redis: `bench/cluster.json`.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// All points, and where they were measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::bench) struct Cluster {
    pub(in crate::bench) machine: Machine,
    pub(in crate::bench) points: Vec<Point>,
}

/// The machine of the points.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::bench) struct Machine {
    pub(in crate::bench) cores: u32,
}

/// One measurement: a topic with as many subscribers on each node that hears it, the first node
/// publishes. What was not measured is absent or null.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::bench) struct Point {
    pub(in crate::bench) nodes: u32,
    /// Nodes with subscribers; all of them where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::bench) hearing_nodes: Option<u32>,
    pub(in crate::bench) publications_per_second: f64,
    /// Over all nodes.
    pub(in crate::bench) deliveries_per_second: f64,
    pub(in crate::bench) message_bytes: u32,
    pub(in crate::bench) subscribers_per_node: u32,
    /// Of a node that only receives, all its CPU; of one node alone too, where the next is absent.
    pub(in crate::bench) node_cpu_us_per_delivery: Option<f64>,
    /// What the publishing node needs beside its deliveries.
    pub(in crate::bench) node_cpu_us_per_publication: Option<f64>,
    /// All CPU of Redis.
    pub(in crate::bench) redis_cpu_us_per_publication: Option<f64>,
    /// The same by messages that Redis gave to nodes, the publishing one included.
    pub(in crate::bench) redis_cpu_us_per_delivery_to_node: Option<f64>,
    pub(in crate::bench) latency_us: Latency,
}

/// From the write of a publication to the read of a delivery.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(in crate::bench) struct Latency {
    pub(in crate::bench) p50: f64,
    pub(in crate::bench) p99: f64,
}

impl Cluster {
    /// Reads the file.
    ///
    /// # Errors
    /// It is no such file, has no point, or a point that cannot have been measured.
    pub(in crate::bench) fn read(text: &str) -> Result<Self> {
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
    /// Nodes with subscribers.
    pub(in crate::bench) fn hearing(&self) -> u32 {
        self.hearing_nodes.unwrap_or(self.nodes)
    }

    fn is_possible(&self) -> bool {
        let rates = [self.publications_per_second, self.deliveries_per_second];
        let costs = [
            self.node_cpu_us_per_delivery,
            self.node_cpu_us_per_publication,
            self.redis_cpu_us_per_publication,
            self.redis_cpu_us_per_delivery_to_node,
        ];
        (1..=self.nodes).contains(&self.hearing())
            && self.subscribers_per_node > 0
            && rates.into_iter().all(|rate| rate.is_finite() && rate > 0.0)
            && costs
                .into_iter()
                .flatten()
                .all(|cost| cost.is_finite() && cost >= 0.0)
    }
}
