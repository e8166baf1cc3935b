//! Many small topics: ten members each, of whom one publishes.

use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::super::audience::publication;
use super::super::bed::{Bed, Setting};
use super::super::crowd::{Arrival, Crowd, Waiting};
use super::super::frame;
use super::super::latency::Samples;
use super::super::ledger::{Ledger, Stamp};
use super::super::measurement::{Case, Measurement};
use super::super::subject::{Process, Subject, control};
use super::fanout;

/// Each room has one publication under way; the next follows when all ten members have it.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    let mut sample = Vec::new();
    for subject in fanout::subjects(bed) {
        let mut rooms = Rooms::gather(bed, subject, fanout::or_default(&sample))?;
        let publications = bed.sizes.room_publications;
        rooms.play(publications / 10)?;
        rooms.samples = Samples::default();
        let (cpu, wall) = (rooms.process.cpu()?, Instant::now());
        rooms.play(publications)?;
        let (cpu, wall) = (rooms.process.cpu()?.saturating_sub(cpu), wall.elapsed());
        let deliveries = u64::try_from(publications * bed.sizes.rooms * MEMBERS)?;
        let mut row = Measurement::new(Case::Rooms, subject).cost(deliveries, cpu, wall);
        row.latency = rooms.samples.percentiles();
        let sent = rooms
            .rooms
            .iter()
            .flat_map(|room| std::iter::repeat_n(room.sent, MEMBERS));
        row.tally = Some(
            rooms
                .ledgers
                .iter()
                .zip(sent)
                .map(|(own, sent)| own.close(sent))
                .sum(),
        );
        rows.push(row);
        if sample.is_empty() {
            sample.append(&mut rooms.sample);
        }
    }
    Ok(rows)
}

struct Rooms {
    process: Process,
    crowd: Crowd,
    /// The floor's body; servers get a command.
    body: Option<Vec<u8>>,
    rooms: Vec<Room>,
    /// One per member.
    ledgers: Vec<Ledger>,
    samples: Samples,
    sample: Vec<u8>,
}

/// Its connections are the ten from its index times ten; the first of them publishes.
struct Room {
    sent: u64,
    sent_at: Instant,
    awaited: usize,
}

impl Rooms {
    fn gather(bed: &Bed, subject: Subject, sample: &[u8]) -> Result<Self> {
        let count = bed.sizes.rooms;
        let members = count * MEMBERS;
        let mut crowd = Crowd::new(fanout::BATCH, Waiting::Awake)?;
        let (process, body) = if subject == Subject::Floor {
            let process = bed.floor("rooms", &[members, MEMBERS])?;
            let mut control = control(&process)?;
            crowd.join(
                &bed.door(&process, Setting::PLAIN),
                (0..members).map(Bed::socket),
            )?;
            control.read_exact(&mut [0])?;
            (process, Some(sample.to_vec()))
        } else {
            let process = bed.server(subject, Setting::LOADED)?.0;
            // Whoever publishes asks for no acknowledgements: it would get one per publication.
            let guest = |user: usize| match user % MEMBERS {
                0 => bed.visitor(user),
                _ => bed.subscriber(user, &topic(user / MEMBERS)),
            };
            crowd.join(&bed.door(&process, Setting::PLAIN), (0..members).map(guest))?;
            (process, None)
        };
        let now = Instant::now();
        let mut rooms = Self {
            process,
            crowd,
            body,
            rooms: (0..count)
                .map(|_| Room {
                    sent: 0,
                    sent_at: now,
                    awaited: 0,
                })
                .collect(),
            ledgers: std::iter::repeat_with(Ledger::default)
                .take(members)
                .collect(),
            samples: Samples::default(),
            sample: Vec::new(),
        };
        if rooms.body.is_none() {
            rooms.subscribe_publishers()?;
        }
        Ok(rooms)
    }

    /// Publishers are members too. Their first publication comes after this on the same connection,
    /// so nothing has to be awaited.
    fn subscribe_publishers(&mut self) -> Result<()> {
        for room in 0..self.rooms.len() {
            let mut out = Vec::new();
            frame::text(format!("subscribe:{}", topic(room)).as_bytes(), &mut out);
            self.crowd.send(room * MEMBERS, &out)?;
        }
        Ok(())
    }

    /// Publishes `publications` more in every room; ends early when nothing comes for 5 s.
    fn play(&mut self, publications: usize) -> Result<()> {
        let mut left = vec![publications; self.rooms.len()];
        let mut due: Vec<usize> = (0..self.rooms.len()).collect();
        loop {
            for room in due.drain(..) {
                let Some(left) = left.get_mut(room).filter(|left| **left > 0) else {
                    continue;
                };
                *left -= 1;
                self.publish(room)?;
            }
            if self.rooms.iter().all(|room| room.awaited == 0) || !self.step(&mut due)? {
                return Ok(());
            }
        }
    }

    fn publish(&mut self, index: usize) -> Result<()> {
        let Some(room) = self.rooms.get_mut(index) else {
            bail!("no such room")
        };
        let stamp = Stamp {
            publisher: 0,
            sequence: room.sent,
        };
        room.sent += 1;
        room.sent_at = Instant::now();
        room.awaited = MEMBERS;
        let mut out = Vec::new();
        match &mut self.body {
            Some(body) => {
                stamp.overwrite(body);
                frame::served(body, &mut out);
            }
            None => frame::text(publication((&topic(index), 0), stamp).as_bytes(), &mut out),
        }
        self.crowd.send(index * MEMBERS, &out)
    }

    /// Receives what has come; rooms whose members all have it are due. `false`: nothing came.
    fn step(&mut self, due: &mut Vec<usize>) -> Result<bool> {
        let Self {
            crowd,
            rooms,
            ledgers,
            samples,
            sample,
            ..
        } = self;
        let mut complaint = None;
        let wakes = crowd.poll(PATIENCE, &mut |index, arrival, at| {
            let text = match arrival {
                Arrival::Text(text) => text,
                Arrival::Closed => return complaint = Some("a connection was closed".to_owned()),
                Arrival::Ready(_) => return,
            };
            let (Some(stamp), Some(room), Some(ledger)) = (
                Stamp::find(text),
                rooms.get_mut(index / MEMBERS),
                ledgers.get_mut(index),
            ) else {
                return complaint = Some(String::from_utf8_lossy(text).into_owned());
            };
            ledger.record(stamp.sequence);
            samples.push(at.duration_since(room.sent_at));
            room.awaited = room.awaited.saturating_sub(1);
            if room.awaited == 0 {
                due.push(index / MEMBERS);
            }
            if sample.is_empty() {
                sample.extend_from_slice(text);
            }
        })?;
        match complaint {
            Some(complaint) => bail!("{complaint}\n{}", self.process.log_tail()),
            None => Ok(wakes > 0),
        }
    }
}

fn topic(room: usize) -> String {
    format!("room-{room:03}")
}

const MEMBERS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(5);
