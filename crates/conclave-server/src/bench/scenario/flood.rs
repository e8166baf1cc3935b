//! Echo on other connections while one topic takes all the server can give.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

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
        (probes.samples, probes.set_aside) = (Samples::default(), 0);
        let before = audience.delivered();
        let (cpu, start) = (audience.process.cpu()?, Instant::now());
        flood(&mut audience, &mut probes, bed.sizes.flood)?;
        let (cpu, wall) = (audience.process.cpu()?.saturating_sub(cpu), start.elapsed());
        let delivered = audience.delivered() - before;
        while audience.delivered() < audience.expected() && audience.step(PATIENCE)? > 0 {}
        let mut row = Measurement::new(Case::Flood, subject).cost(delivered, cpu, wall);
        eprintln!(
            "    flood: {} pongs, {} more set aside",
            probes.samples.count(),
            probes.set_aside
        );
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
        // Neither waits for the process under test.
        let round = Instant::now();
        audience.step(Duration::ZERO)?;
        probes.step()?;
        let was_away = round.elapsed() >= ABSENCE && probes.was_away()?;
        probes.take_in(was_away);
    }
    Ok(())
}

/// Connections that only ping.
struct Probes {
    crowd: Crowd,
    schedule: Vec<Probe>,
    samples: Samples,
    /// Of this round.
    fresh: Vec<Duration>,
    /// How many more there were, whose pings or pongs waited for the generator itself.
    set_aside: usize,
    /// How long the generator has waited for its core so far.
    waited: Duration,
    ping: Vec<u8>,
}

struct Probe {
    /// When its next ping is due.
    due: Instant,
    /// When the one under way was.
    under_way: Option<Instant>,
    /// Whether the generator was away since then, so that the time is not the server's alone.
    is_blurred: bool,
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
        let schedule = (0..u32::try_from(PROBES)?).map(|probe| Probe {
            due: now + spread * probe,
            under_way: None,
            is_blurred: false,
        });
        Ok(Self {
            crowd,
            schedule: schedule.collect(),
            samples: Samples::default(),
            fresh: Vec::new(),
            set_aside: 0,
            waited: waited_for_core()?,
            ping,
        })
    }

    /// Whether the scheduler says that another program had the generator's core in this round,
    /// which took longer than its work can.
    fn was_away(&mut self) -> Result<bool> {
        let waited = waited_for_core()?;
        let absence = waited.saturating_sub(self.waited);
        self.waited = waited;
        Ok(absence >= ABSENCE / 2)
    }

    /// Counts the round's samples; those of a round without the generator are set aside, with
    /// the pings that are under way or due since.
    fn take_in(&mut self, was_away: bool) {
        if !was_away {
            self.fresh
                .drain(..)
                .for_each(|sample| self.samples.push(sample));
            return;
        }
        self.set_aside += self.fresh.len();
        self.fresh.clear();
        let now = Instant::now();
        for probe in &mut self.schedule {
            probe.is_blurred |= probe.under_way.is_some() || probe.due <= now;
        }
    }

    /// Takes the pongs that have come and sends the pings that are due.
    fn step(&mut self) -> Result<()> {
        let Self {
            crowd,
            schedule,
            fresh,
            set_aside,
            ping,
            ..
        } = self;
        let mut closed = false;
        crowd.poll(Duration::ZERO, &mut |probe, arrival, at| match arrival {
            Arrival::Text(_) => {
                let Some(probe) = schedule.get_mut(probe) else {
                    return;
                };
                let under_way = probe.under_way.take();
                if std::mem::take(&mut probe.is_blurred) {
                    *set_aside += 1;
                } else {
                    fresh.push(at.duration_since(under_way.unwrap_or(at)));
                }
            }
            Arrival::Closed => closed = true,
            Arrival::Ready(_) => {}
        })?;
        if closed {
            bail!("the process under test closed a probe");
        }
        let now = Instant::now();
        for (index, probe) in schedule.iter_mut().enumerate() {
            if probe.under_way.is_none() && probe.due <= now {
                probe.under_way = Some(probe.due);
                probe.due += INTERVAL;
                crowd.send(index, ping)?;
            }
        }
        Ok(())
    }
}

/// How long the calling thread has been ready to run while others had its core, as the scheduler
/// counts it.
fn waited_for_core() -> Result<Duration> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let waited = statistics.split_ascii_whitespace().nth(1);
    let nanoseconds = waited.context("empty schedstat")?.parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// A round of the generator takes a tenth of it.
const ABSENCE: Duration = Duration::from_millis(1);
/// Few wakes at a time, so that the generator looks after its probes in between.
const BATCH: usize = 16;
const IN_FLIGHT: u64 = 16;
const PROBES: usize = 20;
const INTERVAL: Duration = Duration::from_millis(10);
const WARM_UP: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(5);
