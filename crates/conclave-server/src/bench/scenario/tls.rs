//! The same over TLS; the floor stays plain, so that the ratio holds the whole price of TLS.

use anyhow::Result;

use super::super::audience::{Audience, Cast};
use super::super::bed::{Bed, Setting};
use super::super::measurement::{Case, Measurement};
use super::super::subject::Subject;
use super::fanout;
use super::memory::Idle;

/// Idle memory, then fan-out against the plain floor of the same run.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    let mut sample = Vec::new();
    for subject in fanout::subjects(bed).filter(|subject| *subject != Subject::Usual) {
        if subject == Subject::Conclave {
            let setting = Setting {
                tls: true,
                ..Setting::PLAIN
            };
            let guest = |user| bed.subscriber(user, "idle");
            rows.push(
                Idle::gather(bed, subject, setting, &guest)?.memory(Case::TlsMemory, subject),
            );
        }
        let cast = Cast {
            subject,
            setting: Setting {
                tls: true,
                ..Setting::LOADED
            },
            subscribers: bed.sizes.subscribers,
            publishers: 1,
            sample: fanout::or_default(&sample),
        };
        let mut audience = Audience::gather(bed, cast, fanout::BATCH)?;
        rows.push(audience.measure(Case::TlsFanout, bed.sizes.publications / 2, 1)?);
        sample.extend_from_slice(audience.sample());
    }
    Ok(rows)
}
