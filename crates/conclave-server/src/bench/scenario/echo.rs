//! `ping` and `pong`: one small frame in, one out.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::bed::{Bed, Setting};
use super::super::crowd::{Arrival, Crowd, Guest, Waiting};
use super::super::frame;
use super::super::latency::Samples;
use super::super::measurement::{Case, Measurement};
use super::super::subject::{Process, Subject};

/// A hundred connections, each with one request under way. The floor reads and writes as many bytes
/// as the server's answer has. The subjects take turns, so that all see the same machine.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let subjects = bed.subjects.iter().copied();
    let mut pairs: Vec<Pair> = subjects
        .map(|subject| Pair::open(bed, subject))
        .collect::<Result<_>>()?;
    let count = CONNECTIONS * bed.sizes.echo_requests / TURNS;
    for pair in &mut pairs {
        pair.turn(count)?;
        (pair.cpu, pair.wall) = (Duration::ZERO, Duration::ZERO);
        pair.samples = Samples::default();
    }
    for _ in 0..TURNS {
        for pair in &mut pairs {
            pair.turn(count)?;
        }
    }
    pairs.into_iter().map(Pair::row).collect()
}

/// A subject and those who ask it.
struct Pair {
    subject: Subject,
    process: Process,
    crowd: Crowd,
    request: Vec<u8>,
    cpu: Duration,
    wall: Duration,
    samples: Samples,
}

impl Pair {
    fn open(bed: &Bed, subject: Subject) -> Result<Self> {
        let mut request = Vec::new();
        let process = if subject == Subject::Floor {
            frame::served(b"pong", &mut request);
            bed.floor("echo", &[])?
        } else {
            frame::text(b"ping", &mut request);
            bed.server(subject, Setting::LOADED)?.0
        };
        let guest = |number| -> Guest {
            if subject == Subject::Floor {
                Bed::socket(number)
            } else {
                bed.visitor(number)
            }
        };
        let mut crowd = Crowd::new(CONNECTIONS, Waiting::Awake)?;
        crowd.join(
            &bed.door(&process, Setting::PLAIN),
            (0..CONNECTIONS).map(guest),
        )?;
        Ok(Self {
            subject,
            process,
            crowd,
            request,
            cpu: Duration::ZERO,
            wall: Duration::ZERO,
            samples: Samples::default(),
        })
    }

    fn turn(&mut self, count: usize) -> Result<()> {
        let (cpu, wall) = (self.process.cpu()?, Instant::now());
        let Self { crowd, process, .. } = self;
        exchange(crowd, process, (&self.request, count), &mut self.samples)?;
        self.cpu += self.process.cpu()?.saturating_sub(cpu);
        self.wall += wall.elapsed();
        Ok(())
    }

    fn row(mut self) -> Result<Measurement> {
        let count = u64::try_from(self.samples.count())?;
        let row = Measurement::new(Case::Echo, self.subject);
        let mut row = row.cost(count, self.cpu, self.wall);
        row.latency = self.samples.percentiles();
        Ok(row)
    }
}

/// `count` requests over all connections, each sent when its connection's last one is answered.
fn exchange(
    crowd: &mut Crowd,
    process: &Process,
    (request, count): (&[u8], usize),
    samples: &mut Samples,
) -> Result<()> {
    let whole = samples.count() + count;
    let mut sent_at = vec![Instant::now(); CONNECTIONS];
    let mut due: Vec<usize> = (0..CONNECTIONS).collect();
    let mut sent = 0;
    while samples.count() < whole {
        for index in due.drain(..) {
            if sent == count {
                break;
            }
            sent += 1;
            if let Some(moment) = sent_at.get_mut(index) {
                *moment = Instant::now();
            }
            crowd.send(index, request)?;
        }
        let mut strange = None;
        let wakes = crowd.poll(PATIENCE, &mut |index, arrival, at| match arrival {
            Arrival::Text(b"pong") => {
                let moment = sent_at.get(index).copied().unwrap_or(at);
                samples.push(at.duration_since(moment));
                due.push(index);
            }
            Arrival::Text(text) => strange = Some(String::from_utf8_lossy(text).into_owned()),
            Arrival::Closed => strange = Some("closed".to_owned()),
            Arrival::Ready(_) => {}
        })?;
        ensure!(
            strange.is_none(),
            "no pong but {}",
            strange.unwrap_or_default()
        );
        ensure!(wakes > 0, "echo stalled:\n{}", process.log_tail());
    }
    Ok(())
}

const CONNECTIONS: usize = 100;
const TURNS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(5);
