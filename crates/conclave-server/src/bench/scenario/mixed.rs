//! A room whose members are half Socket.IO, half conversation, against a topic of as many.

use anyhow::Result;

use super::super::assembly::{Assembly, PUBLISHERS, Voice};
use super::super::audience::{Audience, Cast};
use super::super::bed::{Bed, Setting};
use super::super::house::Tongue;
use super::super::measurement::{Case, Measurement};
use super::super::subject::Subject;
use super::fanout::BATCH;

/// The topic is measured in the same run, so that the ratio is of one machine in one state.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let sizes = bed.sizes;
    let cast = Cast {
        subject: Subject::Conclave,
        setting: Setting::LOADED,
        subscribers: sizes.subscribers,
        publishers: 1,
        sample: &[],
    };
    let mut topic = Audience::gather(bed, cast, BATCH)?;
    let mut rows = vec![
        topic.measure(Case::MixedTopic, sizes.messages, 1)?,
        topic.measure(Case::MixedTopicInFlight, sizes.message_bursts, PUBLISHERS)?,
    ];
    drop(topic);
    let tongues = [Tongue::SocketIo, Tongue::Conversation].into_iter().cycle();
    let members = tongues.take(sizes.subscribers).collect();
    let mut room = Assembly::gather(bed, Subject::Conclave, members)?;
    let voice = &mut Voice::Members;
    for (case, rounds, burst) in [
        (Case::MixedRoom, sizes.messages, 1),
        (Case::MixedRoomInFlight, sizes.message_bursts, PUBLISHERS),
    ] {
        rows.push(room.measure(bed, case, (rounds, burst), voice)?);
    }
    Ok(rows)
}
