//! What is printed and written: a row as it is measured, the table at the end, the JSON file.

use std::fmt::Write as _;

use serde::Serialize;

use super::figure::{Figure, Verdict, yardstick};
use super::machine::Machine;
use super::measurement::{Case, Measurement, Results};
use super::sizes::Sizes;
use super::subject::Subject;

/// Everything of one `conclave bench`, as the JSON file has it.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) version: &'static str,
    pub(super) machine: &'a Machine,
    pub(super) runs: usize,
    pub(super) quick: bool,
    pub(super) sizes: Sizes,
    /// The only settings that are not defaults, and where they are set.
    pub(super) settings: &'static [&'static str],
    pub(super) figures: Vec<Figure>,
    pub(super) medians: Vec<Measurement>,
    /// Every run: its number and its row.
    pub(super) rows: &'a [(usize, Measurement)],
}

/// The medians of some cases as a table; each case under its title.
pub(super) fn measurements(results: &Results, cases: &[Case]) -> String {
    let mut out = String::new();
    for case in cases {
        let rows: Vec<_> = results
            .medians()
            .into_iter()
            .filter(|row| row.case == *case)
            .collect();
        if rows.is_empty() {
            continue;
        }
        line(&mut out, format_args!("{}", case.title()));
        line(&mut out, format_args!("{HEADER}"));
        for row in rows {
            line(&mut out, format_args!("{}", measurement(results, &row)));
        }
    }
    out
}

fn measurement(results: &Results, row: &Measurement) -> String {
    let ratio =
        yardstick(row.case).and_then(|under| results.cpu_ratio((row.case, row.subject), under));
    let latency = |value: fn(&super::latency::Latency) -> f64| {
        cell(row.latency.as_ref().map(value), |value| {
            duration(value * 1000.0)
        })
    };
    let tally = |value: fn(&super::ledger::Tally) -> u64| {
        row.tally
            .as_ref()
            .map_or_else(|| "-".to_owned(), |tally| value(tally).to_string())
    };
    let cpu = match row.idle_percent {
        Some(percent) => format!("{percent:.2} %"),
        None => cell(row.cpu_ns, duration),
    };
    format!(
        "  {:<9} {:>9} {:>7} {:>9} {:>8} {:>8} {:>8} {:>8} {:>5} {:>5} {:>5}",
        row.subject.name(),
        cpu,
        cell(ratio, |ratio| format!("{ratio:.3}")),
        cell(row.per_second, |rate| format!("{rate:.0}")),
        cell(row.bytes, |bytes| format!("{bytes:.0}")),
        latency(|latency| latency.p50_us),
        latency(|latency| latency.p99_us),
        latency(|latency| latency.p999_us),
        tally(|tally| tally.lost),
        tally(|tally| tally.duplicated),
        tally(|tally| tally.reordered),
    )
}

/// The figures that must be reached, each with its bound and verdict.
pub(super) fn figures(figures: &[Figure]) -> String {
    let mut out = String::new();
    line(
        &mut out,
        format_args!(
            "{:<46} {:>20} {:>22}  verdict",
            "figure", "measured", "bound"
        ),
    );
    for figure in figures {
        line(
            &mut out,
            format_args!(
                "{:<46} {:>20} {:>22}  {}",
                figure.name,
                figure.measured_text(),
                figure.bound_text(),
                figure.verdict
            ),
        );
    }
    out
}

/// Whether no measured figure missed its bound.
pub(super) fn all_reached(figures: &[Figure]) -> bool {
    figures
        .iter()
        .all(|figure| figure.verdict != Verdict::Missed)
}

fn line(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let written = out.write_fmt(arguments);
    debug_assert!(written.is_ok());
    out.push('\n');
}

fn cell(value: Option<f64>, text: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), text)
}

/// A duration in nanoseconds, in the unit that gives it three digits or so.
pub(super) fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e3 => format!("{nanoseconds:.0} ns"),
        1e3..1e6 => format!("{:.2} us", nanoseconds / 1e3),
        _ => format!("{:.2} ms", nanoseconds / 1e6),
    }
}

/// A short name of a subject's colour in the chart.
pub(super) const fn colour(subject: Subject) -> &'static str {
    match subject {
        Subject::Conclave => "#2563eb",
        Subject::Usual => "#9ca3af",
        Subject::Floor => "#10b981",
        Subject::Node => "#84cc16",
        Subject::Store => "#f59e0b",
    }
}

/// The settings of Conclave that are not defaults.
pub(super) const SETTINGS: &[&str] = &[
    "JWT_SECRET_KEY: random, in every scenario",
    "CONCLAVE_LIMITS__HANDSHAKES_PER_SECOND=0, in every scenario",
    "--workers 1, but 2 in the second half of workers",
    "CONCLAVE_LIMITS__MESSAGES_PER_SECOND=0 in fanout, flood, rooms, echo, workers and tls",
    "the same and CONCLAVE_LIMITS__USER_MESSAGES_PER_SECOND=0, \
     CONCLAVE_LIMITS__ROOM_MESSAGES_PER_SECOND=0, CONCLAVE_LIMITS__REQUESTS_PER_SECOND=0 in durable, socketio and mixed",
    "the same and CONCLAVE_ASSISTANT__CONCURRENCY=1000, CONCLAVE_ASSISTANT__QUESTIONS=10000, \
     CONCLAVE_ASSISTANT__USER_TOKENS=0 in answers",
    "all other limits and the audit: as they come",
];
const HEADER: &str =
    "              CPU/op  x yard.  ops/s     B/conn      p50      p99    p99.9  lost  dup reord";

#[cfg(test)]
mod tests {
    use super::super::figure::Figure;
    use super::super::measurement::{Case, Measurement, Results};
    use super::super::subject::Subject;
    use super::{all_reached, duration, figures, measurements};

    #[test]
    fn durations_change_units() {
        assert_eq!(duration(999.0), "999 ns");
        assert_eq!(duration(2_345.0), "2.35 us");
        assert_eq!(duration(3_000_000.0), "3.00 ms");
    }

    #[test]
    fn table_says_missed() {
        let mut results = Results::default();
        let mut row = Measurement::new(Case::Memory, Subject::Conclave);
        row.bytes = Some(1_600.0);
        results.add(0, [row]);
        let all = Figure::all(&results);
        assert!(!all_reached(&all));
        let table = figures(&all);
        let line = table
            .lines()
            .find(|line| line.starts_with("user memory per idle"))
            .unwrap();
        assert!(line.contains("1600 B") && line.contains("<= 1536 B") && line.ends_with("MISSED"));
        assert!(measurements(&results, &[Case::Memory]).contains("1600"));
    }
}
