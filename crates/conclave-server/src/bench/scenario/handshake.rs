//! Connect, upgrade with a token, close: the whole life of a connection that does nothing.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::bed::{Bed, Setting};
use super::super::crowd::{Arrival, Crowd, Door, Guest, Waiting};
use super::super::frame;
use super::super::latency::Samples;
use super::super::measurement::{Case, Measurement};
use super::super::subject::{Process, Subject};

/// In waves: 32 at a time come in until the wave is in, then the wave says Close and is awaited. CPU
/// is counted for the first half alone and for both. Every limit and the audit are on. The floor
/// accepts, reads, writes, reads, writes and closes. The subjects take turns, a wave each, so that
/// all see the same machine.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let subjects = bed.subjects.iter().copied();
    let mut visits: Vec<Visit> = subjects
        .map(|subject| Visit::open(bed, subject))
        .collect::<Result<_>>()?;
    let waves = bed.sizes.handshakes / WAVE;
    let warm = (waves / 10).max(1);
    for wave in 0..warm + waves {
        for visit in &mut visits {
            if wave == warm {
                visit.samples = Samples::default();
                (visit.upgrade, visit.ending) = (Cost::default(), Cost::default());
            }
            visit.wave(bed, wave)?;
        }
    }
    let count = u64::try_from(waves * WAVE)?;
    Ok(visits
        .into_iter()
        .flat_map(|visit| visit.rows(count))
        .collect())
}

struct Visit {
    subject: Subject,
    process: Process,
    door: Door,
    crowd: Crowd,
    samples: Samples,
    upgrade: Cost,
    ending: Cost,
}

/// CPU of the process and wall clock, summed over the waves.
#[derive(Clone, Copy, Default)]
struct Cost {
    cpu: Duration,
    wall: Duration,
}

impl Visit {
    fn open(bed: &Bed, subject: Subject) -> Result<Self> {
        let process = match subject {
            Subject::Floor => bed.floor("handshake", &[])?,
            server => bed.server(server, Setting::PLAIN)?.0,
        };
        Ok(Self {
            subject,
            door: bed.door(&process, Setting::PLAIN),
            process,
            crowd: Crowd::new(WINDOW, Waiting::Awake)?,
            samples: Samples::default(),
            upgrade: Cost::default(),
            ending: Cost::default(),
        })
    }

    /// One wave comes in and goes.
    fn wave(&mut self, bed: &Bed, wave: usize) -> Result<()> {
        // Made before the clock starts: signing is the generator's work, not the server's.
        let guests: Vec<Guest> = (0..WAVE)
            .map(|number| bed.visitor((wave * WAVE + number) % USERS))
            .collect();
        let (cpu, start) = (self.process.cpu()?, Instant::now());
        let indices = self.enter(guests)?;
        self.upgrade.wall += start.elapsed();
        self.settle()?;
        let (entered, start) = (self.process.cpu()?, Instant::now());
        self.leave(&indices)?;
        self.ending.wall += start.elapsed();
        self.settle()?;
        self.upgrade.cpu += entered.saturating_sub(cpu);
        self.ending.cpu += self.process.cpu()?.saturating_sub(entered);
        Ok(())
    }

    /// Lets all guests in, `WINDOW` at a time; gives their indices.
    fn enter(&mut self, guests: Vec<Guest>) -> Result<Vec<usize>> {
        let mut ready = Vec::with_capacity(guests.len());
        let mut guests = guests.into_iter();
        let mut entered = 0;
        while ready.len() < WAVE {
            while entered - ready.len() < WINDOW {
                let Some(guest) = guests.next() else { break };
                self.crowd.enter(&self.door, guest)?;
                entered += 1;
            }
            let samples = &mut self.samples;
            let mut closed = false;
            let wakes = self
                .crowd
                .poll(PATIENCE, &mut |index, arrival, _| match arrival {
                    Arrival::Ready(latency) => {
                        samples.push(latency);
                        ready.push(index);
                    }
                    Arrival::Closed => closed = true,
                    Arrival::Text(_) => {}
                })?;
            ensure!(
                wakes > 0 && !closed,
                "a handshake failed:\n{}",
                self.process.log_tail()
            );
        }
        Ok(ready)
    }

    /// Says Close on all connections and awaits their end.
    fn leave(&mut self, indices: &[usize]) -> Result<()> {
        let mut farewell = Vec::new();
        frame::close(&mut farewell);
        let (mut said, mut ended) = (0, 0);
        while ended < indices.len() {
            for index in indices.iter().skip(said).take(WINDOW - (said - ended)) {
                self.crowd.send(*index, &farewell)?;
                said += 1;
            }
            let wakes = self.crowd.poll(PATIENCE, &mut |_, arrival, _| {
                ended += usize::from(matches!(arrival, Arrival::Closed));
            })?;
            ensure!(
                wakes > 0,
                "a connection does not end:\n{}",
                self.process.log_tail()
            );
        }
        Ok(())
    }

    /// Lets the process finish what it does after its last answer.
    fn settle(&mut self) -> Result<()> {
        let end = Instant::now() + SETTLE;
        while let Some(rest) = end.checked_duration_since(Instant::now()) {
            self.crowd.poll(rest, &mut |_, _, _| {})?;
        }
        Ok(())
    }

    fn rows(mut self, count: u64) -> [Measurement; 2] {
        let Self {
            subject,
            upgrade,
            ending,
            ..
        } = self;
        let latency = self.samples.percentiles();
        let mut whole = Measurement::new(Case::Handshake, subject).cost(
            count,
            upgrade.cpu + ending.cpu,
            upgrade.wall + ending.wall,
        );
        let mut alone =
            Measurement::new(Case::Upgrade, subject).cost(count, upgrade.cpu, upgrade.wall);
        (whole.latency, alone.latency) = (latency, latency);
        [whole, alone]
    }
}

/// Connections on their way at one time: enough to keep the server busy, few enough to be no storm.
const WINDOW: usize = 32;
/// Connections that are open together.
const WAVE: usize = 500;
/// Distinct users, so that no user comes near the limit of connections.
const USERS: usize = 2_000;
const PATIENCE: Duration = Duration::from_secs(5);
const SETTLE: Duration = Duration::from_millis(3);
