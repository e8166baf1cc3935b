//! One topic, one publisher, many subscribers.

use anyhow::Result;

use super::super::audience::{Audience, Cast};
use super::super::bed::{Bed, Setting};
use super::super::measurement::{Case, Measurement};
use super::super::subject::Subject;

/// 1,000 subscribers one publication at a time, the same with 16 in flight, 9,900 one at a time.
/// The floor sends what Conclave delivered, in its 16-in-flight case all 16 by one `send`.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let sizes = bed.sizes;
    let mut sample = Vec::new();
    let mut rows = Vec::new();
    for (subscribers, wide) in [(sizes.subscribers, false), (sizes.wide_subscribers, true)] {
        for subject in subjects(bed) {
            let mut audience = Audience::gather(
                bed,
                Cast {
                    subject,
                    setting: Setting::LOADED,
                    subscribers,
                    publishers: 1,
                    sample: or_default(&sample),
                },
                BATCH,
            )?;
            if wide {
                rows.push(audience.measure(Case::FanoutWide, sizes.wide_publications, 1)?);
            } else {
                rows.push(audience.measure(Case::Fanout, sizes.publications, 1)?);
                rows.push(audience.measure(Case::FanoutInFlight, sizes.bursts, IN_FLIGHT)?);
            }
            if sample.is_empty() {
                sample.extend_from_slice(audience.sample());
            }
        }
    }
    Ok(rows)
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
const DEFAULT_SAMPLE: &[u8] = br#"{"publisher_name":"bench","topic":"bench","payload":"~0000000000000000000xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","timestamp":"2024-01-24T10:25:37Z","session_id":"bench","user":"u1000"}"#;
