//! `conclave bench simulate`: what a system of many nodes needs, from what was measured.
//!
//! A second of traffic is drawn with a seed and laid on nodes; what it costs comes from
//! `bench/results.json` (one node) and `bench/cluster.json` (several nodes and their Redis). Before
//! it says anything of several nodes the model is held against every measured point; where it is off
//! by more than a quarter it says nothing more.
//!
//! Reading order: `figures` (one node's costs), `cluster` (measured points), `law` (the model and how
//! far it is off), `traffic` (a second of it), `plan` (what nodes, Redis and store have to do),
//! `table` (how it is printed).

mod cluster;
mod figures;
mod law;
mod plan;
mod table;
#[cfg(test)]
mod tests;
mod traffic;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

pub(super) use cluster::{Cluster, Latency, Machine, Point};
use figures::{Costs, Dialect};
use law::Law;
use plan::{Demand, Limits, Plan};
use traffic::Mix;

/// Say what a number of clients needs: nodes, CPU, memory, Redis, and what is short first
///
/// One node's costs are those of bench/results.json, built in; those of several nodes are measured
/// points in bench/cluster.json. The model must reproduce each point within 25 % before it goes beyond
/// them. The same arguments give the same answer.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  conclave bench simulate --connections 1000000 --publications 10000
  conclave bench simulate --connections 10000000 --cores 32 --memory-gib 64 --channels 10:0.99,100000:0.01
  conclave bench simulate --nodes 3 --cores 2 --json
  conclave bench simulate --nodes 1 --connections 100000      needs no bench/cluster.json

Exit codes:
  0  answered
  1  the model does not reproduce what was measured, or there is nothing measured
  2  the command line is wrong")]
pub(super) struct SimulateArguments {
    /// Nodes; if not given, as many as are needed
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=NODES_MAX))]
    nodes: Option<u32>,
    /// Cores of a node
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024))]
    cores: u32,
    /// Memory of a node
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    memory_gib: u32,
    /// Network of a node, each way
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    network_gbit: u32,
    /// Connections that one node is let have
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    connections_per_node: u32,
    /// How much of cores, memory and network is to be used, in per cent
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u8).range(1..=100))]
    load_percent: u8,
    /// Open connections of the whole system, each a user of its own
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX))]
    connections: u32,
    /// New connections per second
    #[arg(long, default_value_t = 1000)]
    handshakes: u32,
    /// Publications per second of the whole system
    #[arg(long, default_value_t = 10_000)]
    publications: u32,
    /// Bytes of a message
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    message_bytes: u32,
    /// Whom publications reach: MEMBERS:SHARE, shares together 1
    #[arg(
        long,
        value_name = "LIST",
        default_value = "2:0.6,10:0.3,100:0.09,10000:0.01"
    )]
    channels: Mix,
    /// How many deliveries join a write that is under way, in per cent; 0 is the worst case
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    merged_percent: u8,
    /// How many publications are stored (rooms), in per cent
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    stored_percent: u8,
    /// Messages per second that the store takes [default: as measured: PostgreSQL's where it was, else a file's]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    store_rate: Option<u32>,
    /// Redis servers that channels are spread over, as the shards of a cluster are
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    redis: u32,
    /// What clients speak
    #[arg(long, value_enum, default_value = "topics")]
    dialect: Dialect,
    /// Where the drawing begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Measured figures of one node, as `conclave bench --json` writes them [default: built in]
    #[arg(long, value_name = "FILE")]
    figures: Option<PathBuf>,
    /// Measured points of several nodes
    #[arg(long, value_name = "FILE", default_value = "bench/cluster.json")]
    cluster: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Answers on stdout.
///
/// # Errors
/// A file cannot be read or holds no figures, or the model is off at a measured point.
pub(super) fn run(arguments: &SimulateArguments) -> Result<ExitCode> {
    print!("{}", arguments.answer()?);
    Ok(ExitCode::SUCCESS)
}

impl SimulateArguments {
    /// What is printed.
    fn answer(&self) -> Result<String> {
        let costs = self.costs()?;
        let law = self.law(costs)?;
        let (demand, limits) = (self.demand(), self.limits(&costs));
        let nodes = match self.nodes {
            Some(nodes) => nodes,
            None => plan::nodes_needed(&law, &demand, &limits),
        };
        let plan = Plan::draw(&law, &demand, &limits, nodes);
        Ok(if self.json {
            serde_json::to_string_pretty(&plan)? + "\n"
        } else {
            table::points(&law) + &table::plan(&plan)
        })
    }

    fn costs(&self) -> Result<Costs> {
        let text = match &self.figures {
            Some(file) => std::fs::read_to_string(file)
                .with_context(|| format!("--figures: {}", file.display()))?,
            None => MEASURED.to_owned(),
        };
        Costs::read(&text, self.dialect).context("the figures of one node")
    }

    /// The model, where it may say something.
    fn law(&self, costs: Costs) -> Result<Law> {
        let file = self.cluster.display();
        let text = match std::fs::read_to_string(&self.cluster) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if self.nodes == Some(1) {
                    return Ok(Law::of_one(costs));
                }
                bail!(
                    "{file} is not there: several nodes were not measured, so nothing can be said of \
                     them; `conclave bench --points {file}` measures them, --nodes 1 needs no such file"
                );
            }
            text => text.with_context(|| format!("--cluster: {file}"))?,
        };
        let cluster = Cluster::read(&text).with_context(|| format!("--cluster: {file}"))?;
        let law = Law::fitted(costs, &cluster);
        let off = law.faults();
        if !off.is_empty() {
            bail!(
                "{}the model does not reproduce what was measured, so it says nothing beyond it:\n  {}",
                table::points(&law),
                off.join("\n  ")
            );
        }
        Ok(law)
    }

    fn demand(&self) -> Demand {
        Demand {
            connections: self.connections,
            handshakes: f64::from(self.handshakes),
            publications: f64::from(self.publications),
            message_bytes: f64::from(self.message_bytes),
            mix: self.channels.clone(),
            merged: f64::from(self.merged_percent) / 100.0,
            stored: f64::from(self.stored_percent) / 100.0,
            seed: self.seed,
        }
    }

    fn limits(&self, costs: &Costs) -> Limits {
        let share = f64::from(self.load_percent) / 100.0;
        let stored = match costs.stored_shared_per_second {
            Some(shared) if self.nodes != Some(1) => shared,
            Some(_) | None => costs.stored_per_second,
        };
        Limits {
            node_cpu: f64::from(self.cores) * share,
            node_bytes: f64::from(self.memory_gib) * GIB * share,
            node_bytes_per_second: f64::from(self.network_gbit) * 1e9 / 8.0 * share,
            node_connections: f64::from(self.connections_per_node),
            // Redis is one thread.
            redis_cpu: share,
            redis: self.redis,
            store_per_second: self.store_rate.map_or(stored, f64::from) * share,
        }
    }
}

/// What `conclave bench` measured last.
const MEASURED: &str = include_str!("../../../../../bench/results.json");
const GIB: f64 = 1_073_741_824.0;
/// As many as a node listens to.
const NODES_MAX: i64 = 1000;
const CONNECTIONS_MAX: i64 = 1_000_000_000;
