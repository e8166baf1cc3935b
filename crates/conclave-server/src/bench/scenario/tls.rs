//! The same over TLS; the floor stays plain, so that the ratio holds the whole price of TLS.

use anyhow::Result;

use super::super::bed::{Bed, Setting};
use super::super::measurement::{Case, Measurement};
use super::super::subject::Subject;
use super::fanout;
use super::memory::Idle;

/// Idle memory, then fan-out in turns with the plain floor.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    if bed.subjects.contains(&Subject::Conclave) {
        let setting = Setting {
            tls: true,
            ..Setting::PLAIN
        };
        let guest = |user| bed.subscriber(user, "idle");
        let idle = Idle::gather(bed, Subject::Conclave, setting, &guest)?;
        rows.push(idle.memory(Case::TlsMemory, Subject::Conclave));
    }
    let setting = Setting {
        tls: true,
        ..Setting::LOADED
    };
    let subjects = fanout::subjects(bed).filter(|subject| *subject != Subject::Usual);
    let mut audiences = fanout::gather(bed, subjects, setting)?;
    let case = (Case::TlsFanout, bed.sizes.publications / 2, 1);
    rows.extend(fanout::in_turns(&mut audiences, case)?);
    Ok(rows)
}
