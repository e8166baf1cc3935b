//! Echo on other connections while one topic takes all the server can give.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::super::audience::{Audience, Cast};
use super::super::bed::{Bed, Setting};
use super::super::crowd::{Arrival, Crowd, Waiting};
use super::super::frame;
use super::super::latency::Samples;
use super::super::measurement::{Case, Measurement};
use super::super::subject::Subject;

/// Up to 16 publications are under way to every subscriber all the time. Each probe pings on a fixed
/// schedule; a pong is late from the moment its ping was due, so that a stall counts whole.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    for subject in bed
        .subjects
        .iter()
        .copied()
        .filter(|subject| *subject != Subject::Floor)
    {
        let cast = Cast {
            subject,
            setting: Setting::LOADED,
            subscribers: bed.sizes.flood_subscribers,
            publishers: 1,
            sample: &[],
        };
        let mut audience = Audience::gather(bed, cast, BATCH)?;
        let mut probes = Probes::enter(bed, &audience)?;
        flood(&mut audience, &mut probes, WARM_UP)?;
        probes.samples = Samples::default();
        let before = audience.delivered();
        let (cpu, start) = (audience.process.cpu()?, Instant::now());
        flood(&mut audience, &mut probes, bed.sizes.flood)?;
        let (cpu, wall) = (audience.process.cpu()?.saturating_sub(cpu), start.elapsed());
        let delivered = audience.delivered() - before;
        while audience.delivered() < audience.expected() && audience.step(PATIENCE)? > 0 {}
        let mut row = Measurement::new(Case::Flood, subject).cost(delivered, cpu, wall);
        row.latency = probes.samples.percentiles();
        row.tally = Some(audience.tally());
        rows.push(row);
    }
    Ok(rows)
}

fn flood(audience: &mut Audience, probes: &mut Probes, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    let window = IN_FLIGHT * u64::try_from(audience.subscribers)?;
    while Instant::now() < end {
        while audience.expected() - audience.delivered() < window {
            audience.publish(0, 1)?;
        }
        audience.step(Duration::ZERO)?;
        probes.step()?;
    }
    Ok(())
}

/// Connections that only ping.
struct Probes {
    crowd: Crowd,
    /// Per probe when its next ping is due, and when the one under way was.
    schedule: Vec<(Instant, Option<Instant>)>,
    samples: Samples,
    ping: Vec<u8>,
}

impl Probes {
    fn enter(bed: &Bed, audience: &Audience) -> Result<Self> {
        let mut crowd = Crowd::new(PROBES, Waiting::Awake)?;
        let first = audience.subscribers + 1;
        let door = bed.door(&audience.process, Setting::PLAIN);
        crowd.join(&door, (first..first + PROBES).map(|user| bed.visitor(user)))?;
        let mut ping = Vec::new();
        frame::text(b"ping", &mut ping);
        let now = Instant::now();
        let spread = INTERVAL / u32::try_from(PROBES)?;
        let schedule = (0..u32::try_from(PROBES)?).map(|probe| (now + spread * probe, None));
        Ok(Self {
            crowd,
            schedule: schedule.collect(),
            samples: Samples::default(),
            ping,
        })
    }

    /// Takes the pongs that have come and sends the pings that are due.
    fn step(&mut self) -> Result<()> {
        let Self {
            crowd,
            schedule,
            samples,
            ping,
        } = self;
        let mut closed = false;
        crowd.poll(Duration::ZERO, &mut |probe, arrival, at| match arrival {
            Arrival::Text(_) => {
                let under_way = schedule
                    .get_mut(probe)
                    .and_then(|(_, under_way)| under_way.take());
                samples.push(at.duration_since(under_way.unwrap_or(at)));
            }
            Arrival::Closed => closed = true,
            Arrival::Ready(_) => {}
        })?;
        if closed {
            bail!("the process under test closed a probe");
        }
        let now = Instant::now();
        for (probe, (due, under_way)) in schedule.iter_mut().enumerate() {
            if under_way.is_none() && *due <= now {
                *under_way = Some(*due);
                *due += INTERVAL;
                crowd.send(probe, ping)?;
            }
        }
        Ok(())
    }
}

/// Few wakes at a time, so that the generator looks after its probes in between.
const BATCH: usize = 16;
const IN_FLIGHT: u64 = 16;
const PROBES: usize = 20;
const INTERVAL: Duration = Duration::from_millis(10);
const WARM_UP: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(5);
