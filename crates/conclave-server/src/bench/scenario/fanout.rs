//! One topic, one publisher, many subscribers.

use anyhow::Result;

use super::super::audience::{Audience, Cast};
use super::super::bed::{Bed, Setting};
use super::super::measurement::{Case, Measurement};
use super::super::subject::Subject;

/// 1,000 subscribers one publication at a time, the same with 16 in flight; here the subjects take
/// turns, so that all see the same machine. Then 9,900 one at a time, one subject after the other:
/// there are no more sockets. The floor sends what Conclave delivered, in its 16-in-flight case all
/// 16 by one `send`.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let sizes = bed.sizes;
    let mut audiences = gather(bed, subjects(bed), Setting::LOADED)?;
    let mut rows = in_turns(&mut audiences, (Case::Fanout, sizes.publications, 1))?;
    let in_flight = (Case::FanoutInFlight, sizes.bursts, IN_FLIGHT);
    rows.extend(in_turns(&mut audiences, in_flight)?);
    drop(audiences);
    let mut sample = Vec::new();
    for subject in subjects(bed) {
        let cast = Cast {
            subject,
            setting: Setting::LOADED,
            subscribers: sizes.wide_subscribers,
            publishers: 1,
            sample: or_default(&sample),
        };
        let mut audience = Audience::gather(bed, cast, BATCH)?;
        rows.push(audience.measure(Case::FanoutWide, sizes.wide_publications, 1)?);
        if sample.is_empty() {
            sample.extend_from_slice(audience.sample());
        }
    }
    Ok(rows)
}

/// An audience of each subject, all at once. Servers come first and deliver something, for the floor
/// to repeat.
pub(super) fn gather(
    bed: &Bed,
    subjects: impl Iterator<Item = Subject>,
    setting: Setting,
) -> Result<Vec<Audience>> {
    let mut audiences: Vec<Audience> = Vec::new();
    for subject in subjects {
        let sample = audiences.first().map_or(&[][..], Audience::sample).to_vec();
        let cast = Cast {
            subject,
            setting,
            subscribers: bed.sizes.subscribers,
            publishers: 1,
            sample: or_default(&sample),
        };
        let mut audience = Audience::gather(bed, cast, BATCH)?;
        audience.measure(Case::Fanout, WARM, 1)?;
        audiences.push(audience);
    }
    Ok(audiences)
}

/// The case in `TURNS` parts of all audiences by turns.
pub(super) fn in_turns(
    audiences: &mut [Audience],
    (case, rounds, burst): (Case, usize, usize),
) -> Result<Vec<Measurement>> {
    let mut parts: Vec<Vec<Measurement>> = audiences.iter().map(|_| Vec::new()).collect();
    for _ in 0..TURNS {
        for (audience, parts) in audiences.iter_mut().zip(&mut parts) {
            parts.push(audience.measure(case, rounds / TURNS, burst)?);
        }
    }
    Ok(parts
        .iter()
        .filter_map(|parts| Measurement::of_parts(parts))
        .collect())
}

/// The subjects, servers first: the floor repeats what the first of them delivered.
pub(super) fn subjects(bed: &Bed) -> impl Iterator<Item = Subject> {
    [Subject::Conclave, Subject::Usual, Subject::Floor]
        .into_iter()
        .filter(|subject| bed.subjects.contains(subject))
}

/// The delivered message, or, where no server ran before the floor, one of the contract's shape.
pub(super) const fn or_default(sample: &[u8]) -> &[u8] {
    if sample.is_empty() {
        DEFAULT_SAMPLE
    } else {
        sample
    }
}

pub(super) const BATCH: usize = 256;
const IN_FLIGHT: usize = 16;
const TURNS: usize = 10;
const WARM: usize = 10;
const DEFAULT_SAMPLE: &[u8] = br#"{"publisher_name":"bench","topic":"bench","payload":"~0000000000000000000xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","timestamp":"2024-01-24T10:25:37Z","session_id":"bench","user":"u1000"}"#;
