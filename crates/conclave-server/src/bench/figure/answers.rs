//! The bounds of streamed answers.

use super::super::measurement::{Case, Measurement, Results};
use super::super::subject::Subject::{Conclave, Floor};
use super::{Figure, Unit};

/// One answer that many hear, beside the floor at the same pace; many answers at once. What is
/// added is what comes on top of the floor's: its own time grows with the readers.
pub(super) fn figures(results: &Results) -> Vec<Figure> {
    let p50 = |row: &Measurement| row.latency.map(|latency| latency.p50_us / 1000.0);
    let p99 = |row: &Measurement| row.latency.map(|latency| latency.p99_us / 1000.0);
    let (room, floor) = (
        (Case::AnswerRoom, Conclave),
        (Case::AnswerTopicPaced, Floor),
    );
    let added = |value: fn(&Measurement) -> Option<f64>| {
        results.compared(room, floor, value, |room, floor| room - floor)
    };
    let rate = results.median(Case::AnswersAtOnce, Conclave, |row| row.per_second);
    vec![
        Figure::new(
            "answer to 1,000: latency added to a token, p50",
            Unit::Milliseconds,
            1.0,
            added(p50),
        ),
        Figure::new(
            "answer to 1,000: latency added to a token, p99",
            Unit::Milliseconds,
            5.0,
            added(p99),
        ),
        Figure::new(
            "answer to 1,000: CPU per delivery",
            Unit::TimesFloor,
            DELIVERY,
            results.cpu_ratio(room, floor),
        ),
        Figure::at_least(
            "1,000 answers at once: tokens a second",
            Unit::Messages,
            TOKENS,
            rate,
        ),
        Figure::new(
            "1,000 answers at once: last token's p99",
            Unit::Milliseconds,
            BEAT,
            results.median(Case::AnswersLast, Conclave, p99),
        ),
    ]
}

/// The bound of a topic's delivery.
const DELIVERY: f64 = 1.15;
/// 50 each, less a hundredth for the way of the last.
const TOKENS: f64 = 49_500.0;
/// From one token to the next, in milliseconds: who is further behind falls back.
const BEAT: f64 = 20.0;
