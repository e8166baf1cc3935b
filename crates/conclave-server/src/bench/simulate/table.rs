//! What is printed.

use std::fmt::Write as _;

use super::law::{Law, Source};
use super::plan::{Plan, Use};

/// The measured points beside the model's values.
pub(super) fn points(law: &Law) -> String {
    if law.comparisons.is_empty() {
        return "No point of several nodes is compared with: one node alone.\n".to_owned();
    }
    let mut out = format!(
        "Measured points ({} cores for everything), and the model:\n",
        law.cores
    );
    line(
        &mut out,
        format_args!(
            "  {:<5} {:<4} {:<34} {:>12} {:>12} {:>8}",
            "nodes", "hear", "", "measured", "model", "error"
        ),
    );
    for comparison in &law.comparisons {
        let source = match comparison.source {
            Source::Fitted => "fitted",
            Source::Predicted => "predicted",
        };
        line(
            &mut out,
            format_args!(
                "  {:<5} {:<4} {:<34} {:>12.2} {:>12.2} {:>+6.1} %  {source}",
                comparison.nodes,
                comparison.hearing,
                comparison.quantity,
                comparison.measured,
                comparison.modelled,
                comparison.error() * 100.0,
            ),
        );
    }
    for point in &law.points {
        let (nodes, hearing, latency) = (point.nodes, point.hearing(), point.latency_us);
        line(
            &mut out,
            format_args!(
                "  {nodes:<5} {hearing:<4} {:.0} publications/s of {} B: latency p50 {:.0} us, p99 {:.0} us (not modelled)",
                point.publications_per_second, point.message_bytes, latency.p50, latency.p99
            ),
        );
    }
    out
}

/// The plan.
pub(super) fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    let word = if plan.nodes == 1 { "node" } else { "nodes" };
    line(&mut out, format_args!("\n{} {word}", plan.nodes));
    line(
        &mut out,
        format_args!("  {:.0} deliveries per second", plan.deliveries_per_second),
    );
    line(
        &mut out,
        format_args!("  {:<34} {:>12} {:>12} {:>8}", "", "used", "may", ""),
    );
    for one in plan.node.iter().chain(&plan.redis).chain([&plan.store]) {
        line(&mut out, format_args!("  {}", used(one)));
    }
    line(
        &mut out,
        format_args!(
            "  each Redis: {:.0} messages/s in, {:.0} messages/s out, {:.2} MB/s",
            plan.redis_messages_in,
            plan.redis_messages_out,
            plan.redis_bytes / 1e6
        ),
    );
    let verdict = if plan.fits {
        "everything fits"
    } else {
        "this does not fit"
    };
    line(
        &mut out,
        format_args!("  used most: {}; {verdict}", plan.first_bottleneck),
    );
    if plan.redis_needed > 1.0 {
        line(
            &mut out,
            format_args!(
                "  {:.0} shards of a Redis cluster would be enough (redis+cluster://)",
                plan.redis_needed
            ),
        );
    }
    out
}

fn used(one: &Use) -> String {
    let number = |value: f64| match value {
        value if value >= 1e9 => format!("{:.2} G", value / 1e9),
        value if value >= 1e6 => format!("{:.2} M", value / 1e6),
        value => format!("{value:.2}"),
    };
    format!(
        "{:<34} {:>12} {:>12} {:>6.1} %",
        one.what,
        number(one.used),
        number(one.limit),
        one.share() * 100.0
    )
}

fn line(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let written = out.write_fmt(arguments);
    debug_assert!(written.is_ok());
    out.push('\n');
}
