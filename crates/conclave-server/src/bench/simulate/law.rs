//! The model: what a publication costs on nodes and in Redis, fitted to measured points, and how far
//! it is off at each of them.
//!
//! ```text
//! CPU per delivery     = delivery + taking / subscribers of the node   (of one node: publishing / subscribers)
//! CPU per publication  = publishing + sending                          (sending: 0 for one node)
//! CPU of Redis         = passing + handing * nodes that hear it
//! ```

use super::cluster::{Cluster, Point};
use super::figures::Costs;

/// Costs in microseconds of CPU.
#[derive(Clone, Debug)]
pub(super) struct Law {
    pub(super) costs: Costs,
    /// One delivery by a write of its own.
    pub(super) delivery: f64,
    /// Taking one message from the bus, on a node.
    pub(super) taking: f64,
    /// One publication, on the node it comes to.
    pub(super) publishing: f64,
    /// Sending one message to the bus, on a node.
    pub(super) sending: f64,
    /// One message, in Redis.
    pub(super) passing: f64,
    /// The same for each node that it is handed to.
    pub(super) handing: f64,
    pub(super) comparisons: Vec<Comparison>,
    /// What it is held against.
    pub(super) points: Vec<Point>,
    /// Cores of the machine of the points.
    pub(super) cores: u32,
}

/// A measured value and the model's.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    pub(super) nodes: u32,
    /// Of these, with subscribers.
    pub(super) hearing: u32,
    pub(super) quantity: &'static str,
    pub(super) measured: f64,
    pub(super) modelled: f64,
    pub(super) source: Source,
}

/// Where the model's value is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The point took part in the fit.
    Fitted,
    /// It did not.
    Predicted,
}

impl Comparison {
    /// How far the model is off, as a share of what was measured.
    pub(super) fn error(&self) -> f64 {
        (self.modelled - self.measured) / self.measured
    }
}

impl Law {
    /// Of one node without a bus.
    pub(super) const fn of_one(costs: Costs) -> Self {
        Self {
            costs,
            delivery: costs.delivery,
            taking: 0.0,
            publishing: costs.publication,
            sending: 0.0,
            passing: 0.0,
            handing: 0.0,
            comparisons: Vec::new(),
            points: Vec::new(),
            cores: 0,
        }
    }

    /// Fitted to the points of one and two nodes, where these say enough, else to all of them.
    pub(super) fn fitted(costs: Costs, cluster: &Cluster) -> Self {
        let points = &cluster.points;
        let publication = Line::fit(points, |point| {
            let sent = if point.nodes > 1 { 1.0 } else { 0.0 };
            Some((sent, point.node_cpu_us_per_publication?))
        });
        let delivery = Line::fit(points, |point| {
            let subscribers = f64::from(point.subscribers_per_node);
            let taken = if point.nodes > 1 {
                1.0 / subscribers
            } else {
                0.0
            };
            let also = publishing_within(point, publication.start) / subscribers;
            Some((taken, point.node_cpu_us_per_delivery? - also))
        });
        let redis = Line::fit(points, |point| {
            let cost = point.redis_cpu_us_per_publication?;
            // Without a bus there is none.
            (cost > 0.0).then(|| (f64::from(point.hearing()), cost))
        });
        let mut law = Self {
            delivery: delivery.start_or(costs.delivery),
            taking: delivery.slope,
            publishing: publication.start_or(costs.publication),
            sending: publication.slope,
            passing: redis.start,
            handing: redis.slope,
            points: points.clone(),
            cores: cluster.machine.cores,
            ..Self::of_one(costs)
        };
        law.comparisons = points
            .iter()
            .flat_map(|point| law.compare(point, [&delivery, &publication, &redis]))
            .collect();
        law
    }

    /// Why it may not be believed, a line each; nothing where it may.
    pub(super) fn faults(&self) -> Vec<String> {
        let missing = [2, 3]
            .into_iter()
            .filter(|nodes| !self.points.iter().any(|point| point.nodes == *nodes));
        let missing = missing.map(|nodes| format!("no point of {nodes} nodes was measured"));
        let off = self
            .comparisons
            .iter()
            .filter(|comparison| comparison.error().abs() > ERROR_MAX);
        let off = off.map(|comparison| {
            format!(
                "{} nodes, {}: {:+.0} %, at most {:.0} % allowed",
                comparison.nodes,
                comparison.quantity,
                comparison.error() * 100.0,
                ERROR_MAX * 100.0
            )
        });
        missing.chain(off).collect()
    }

    fn compare(&self, point: &Point, lines: [&Line; 3]) -> Vec<Comparison> {
        let [delivery, publication, redis] = lines;
        let (hearing, subscribers) = (
            f64::from(point.hearing()),
            f64::from(point.subscribers_per_node),
        );
        let several = if point.nodes > 1 { 1.0 } else { 0.0 };
        let in_redis = self.passing + self.handing * hearing;
        let compared = |quantity, measured: Option<f64>, modelled, line: Option<&Line>| {
            let measured = measured.filter(|measured| *measured > 0.0)?;
            let fitted = line.is_some_and(|line| line.used(point));
            Some(Comparison {
                nodes: point.nodes,
                hearing: point.hearing(),
                quantity,
                measured,
                modelled,
                source: if fitted {
                    Source::Fitted
                } else {
                    Source::Predicted
                },
            })
        };
        [
            compared(
                "deliveries per second",
                Some(point.deliveries_per_second),
                point.publications_per_second * hearing * subscribers,
                None,
            ),
            compared(
                "CPU per delivery (us)",
                point.node_cpu_us_per_delivery,
                self.delivery
                    + (self.taking * several + publishing_within(point, self.publishing))
                        / subscribers,
                Some(delivery),
            ),
            compared(
                "CPU per publication (us)",
                point.node_cpu_us_per_publication,
                self.publishing + self.sending * several,
                Some(publication),
            ),
            compared(
                "Redis per publication (us)",
                point.redis_cpu_us_per_publication,
                in_redis,
                Some(redis),
            ),
            compared(
                "Redis per delivery to a node (us)",
                point.redis_cpu_us_per_delivery_to_node,
                in_redis / hearing,
                Some(redis),
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// What publishing takes of the CPU that a point counts by deliveries: all of it where one node does
/// both and they were not told apart.
fn publishing_within(point: &Point, publishing: f64) -> f64 {
    if point.nodes == 1 && point.node_cpu_us_per_publication.is_none() {
        publishing
    } else {
        0.0
    }
}

/// A straight line through points, neither end of it below zero.
struct Line {
    start: f64,
    slope: f64,
    /// The most nodes of a point that took part.
    nodes_max: u32,
    is_empty: bool,
}

impl Line {
    fn fit(points: &[Point], sample: impl Fn(&Point) -> Option<(f64, f64)>) -> Self {
        let of = |nodes_max: u32| -> Vec<(f64, f64)> {
            let small = points.iter().filter(|point| point.nodes <= nodes_max);
            small.filter_map(&sample).collect()
        };
        let (mut nodes_max, mut samples) = (CALIBRATED_BY, of(CALIBRATED_BY));
        if !differ(&samples) {
            nodes_max = u32::MAX;
            samples = of(nodes_max);
        }
        let (start, slope) = least_squares(&samples);
        Self {
            start,
            slope,
            nodes_max,
            is_empty: samples.is_empty(),
        }
    }

    fn start_or(&self, otherwise: f64) -> f64 {
        if self.is_empty { otherwise } else { self.start }
    }

    const fn used(&self, point: &Point) -> bool {
        point.nodes <= self.nodes_max
    }
}

/// Whether two samples stand at different places, so that there is a slope.
fn differ(samples: &[(f64, f64)]) -> bool {
    let mut places = samples.iter().map(|(place, _)| *place);
    let first = places.next();
    places.any(|place| first.is_some_and(|first| (place - first).abs() > f64::EPSILON))
}

/// Start and slope, both at least 0.
fn least_squares(samples: &[(f64, f64)]) -> (f64, f64) {
    let sum = |value: fn(&(f64, f64)) -> f64| samples.iter().map(value).sum::<f64>();
    // Counts here stay far below 2^53.
    let count = samples.len() as f64;
    if samples.is_empty() {
        return (0.0, 0.0);
    }
    let (x, y) = (sum(|(x, _)| *x), sum(|(_, y)| *y));
    let (xx, xy) = (sum(|(x, _)| x * x), sum(|(x, y)| x * y));
    let flat = (y / count, 0.0);
    let steep = if xx > 0.0 { (0.0, xy / xx) } else { flat };
    if !differ(samples) {
        return flat;
    }
    let slope = (count * xy - x * y) / (count * xx - x * x);
    let start = (y - slope * x) / count;
    match (start < 0.0, slope < 0.0) {
        (false, false) => (start, slope),
        (true, _) => steep,
        (false, true) => flat,
    }
}

/// How far the model may be off at a measured point.
const ERROR_MAX: f64 = 0.25;
/// Points of at most as many nodes are what the model is fitted to.
const CALIBRATED_BY: u32 = 2;
