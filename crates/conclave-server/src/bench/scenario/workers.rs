//! Two workers against one: does the order hold, and what does the second one cost.

use anyhow::Result;

use super::super::audience::{Audience, Cast};
use super::super::bed::{Bed, Setting};
use super::super::measurement::{Case, Measurement};
use super::super::subject::Subject;
use super::fanout;

/// Four publishers: first in turn, one publication at a time (cost), then all at once (order). Two
/// workers have two cores, of which the second is also the generator's.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    if !bed.subjects.contains(&Subject::Conclave) {
        return Ok(rows);
    }
    for (case, workers) in [(Case::WorkersOne, 1), (Case::WorkersTwo, 2)] {
        let cast = Cast {
            subject: Subject::Conclave,
            setting: Setting {
                workers,
                ..Setting::LOADED
            },
            subscribers: bed.sizes.subscribers,
            publishers: PUBLISHERS,
            sample: &[],
        };
        let mut audience = Audience::gather(bed, cast, fanout::BATCH)?;
        let mut row = audience.measure(case, bed.sizes.publications, 1)?;
        row.tally =
            Some(audience.race(u64::try_from(bed.sizes.publications / PUBLISHERS)?, WINDOW)?);
        rows.push(row);
    }
    Ok(rows)
}

const PUBLISHERS: usize = 4;
/// Messages under way for each publisher when all publish at once.
const WINDOW: u64 = 4;
