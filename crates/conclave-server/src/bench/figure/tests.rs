use super::super::latency::Latency;
use super::super::ledger::Tally;
use super::super::measurement::{Case, Measurement, Results};
use super::super::subject::Subject::{self, Conclave, Floor};
use super::{Figure, Verdict};

fn row(case: Case, subject: Subject, cpu_ns: f64) -> Measurement {
    let mut row = Measurement::new(case, subject);
    row.cpu_ns = Some(cpu_ns);
    row
}

fn figure(results: &Results, name: &str) -> Figure {
    Figure::all(results)
        .into_iter()
        .find(|figure| figure.name == name)
        .unwrap()
}

#[test]
fn nothing_measured_is_no_verdict() {
    let figures = Figure::all(&Results::default());
    assert!(
        figures
            .iter()
            .all(|figure| figure.verdict == Verdict::NotMeasured)
    );
    assert_eq!(figures.len(), 35);
}

#[test]
fn ratio_is_the_median_of_ratios_within_runs() {
    let mut results = Results::default();
    for (run, (conclave, floor)) in [(2.2, 2.0), (6.0, 4.0), (1.0, 1.0)].into_iter().enumerate() {
        results.add(
            run,
            [
                row(Case::Fanout, Conclave, conclave),
                row(Case::Fanout, Floor, floor),
            ],
        );
    }
    let figure = figure(&results, "CPU per delivery, one publication at a time");
    assert!((figure.measured.unwrap() - 1.1).abs() < 1e-9);
    assert_eq!(figure.verdict, Verdict::Ok);
}

#[test]
fn in_flight_is_judged_by_the_floor_one_at_a_time() {
    let mut results = Results::default();
    results.add(
        0,
        [
            row(Case::FanoutInFlight, Conclave, 300.0),
            row(Case::FanoutInFlight, Floor, 150.0),
            row(Case::Fanout, Floor, 2000.0),
        ],
    );
    let figure = figure(&results, "the same, 16 in flight");
    assert_eq!(figure.measured, Some(0.15));
    assert_eq!(figure.verdict, Verdict::Missed);
    assert_eq!(figure.measured_text(), "0.150 x floor");
    assert_eq!(figure.bound_text(), "<= 0.120 x floor");
}

#[test]
fn one_lost_message_in_any_run_is_missed() {
    let mut results = Results::default();
    for run in 0..3 {
        let mut row = Measurement::new(Case::Rooms, Conclave);
        row.tally = Some(Tally {
            delivered: 10,
            lost: u64::from(run == 1),
            ..Tally::default()
        });
        results.add(run, [row]);
    }
    assert_eq!(
        figure(&results, "lost, duplicated, reordered").verdict,
        Verdict::Missed
    );
    let median = results.medians()[0];
    assert_eq!(median.tally.unwrap().lost, 1);
    assert_eq!(median.tally.unwrap().delivered, 30);
}

#[test]
fn what_the_yardsticks_lose_is_theirs() {
    let mut results = Results::default();
    let mut row = Measurement::new(Case::Rooms, Subject::Usual);
    row.tally = Some(Tally {
        lost: 5,
        ..Tally::default()
    });
    results.add(0, [row]);
    assert_eq!(
        figure(&results, "lost, duplicated, reordered").verdict,
        Verdict::NotMeasured
    );
}

#[test]
fn medians_are_taken_field_by_field() {
    let runs = [(3.0, 30.0), (1.0, 20.0), (2.0, 10.0)].map(|(cpu, p99_us)| {
        let mut row = row(Case::Flood, Conclave, cpu);
        row.latency = Some(Latency {
            p50_us: 1.0,
            p99_us,
            p999_us: 99.0,
        });
        row
    });
    let median = Measurement::median(&runs).unwrap();
    assert_eq!(median.cpu_ns, Some(2.0));
    assert_eq!(median.latency.unwrap().p99_us, 20.0);
}
