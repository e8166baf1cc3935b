//! The bounds of several nodes.

use super::super::measurement::{Case, Measurement, Results};
use super::super::subject::Subject::{Conclave, Floor};
use super::{Figure, Unit};

/// Cost, latency and throughput between nodes.
pub(super) fn figures(results: &Results) -> Vec<Figure> {
    let added = |value: fn(&Measurement) -> Option<f64>| {
        let (far, near) = (Case::ClusterAbroad, Case::ClusterNear);
        let added = |far: f64, near: f64| (far - near) / 1000.0;
        results.compared((far, Conclave), (near, Conclave), value, added)
    };
    let p50 = |row: &Measurement| row.latency.map(|latency| latency.p50_us);
    let p99 = |row: &Measurement| row.latency.map(|latency| latency.p99_us);
    let receiving = (Case::ClusterReceiving, Conclave);
    let bus = (Case::ClusterBus, Conclave);
    let client = (Case::ClusterBus, Floor);
    vec![
        Figure::new(
            "nodes: CPU per delivery on a receiving node",
            Unit::TimesAlone,
            1.2,
            results.cpu_ratio(receiving, (Case::ClusterHome, Conclave)),
        ),
        Figure::new(
            "nodes: added latency at half load, p50",
            Unit::Milliseconds,
            1.0,
            added(p50),
        ),
        Figure::new(
            "nodes: added latency at half load, p99",
            Unit::Milliseconds,
            5.0,
            added(p99),
        ),
        Figure::at_least(
            "bus: publications per second through one Redis",
            Unit::TimesClient,
            0.8,
            results.compared(
                bus,
                client,
                |row| row.per_second,
                |bus, client| bus / client,
            ),
        ),
    ]
}
