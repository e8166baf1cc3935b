//! Idle connections, authenticated and subscribed: what each keeps, and what all of them cost.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::bed::{Bed, Setting};
use super::super::crowd::{Arrival, Crowd, Door, Guest, Waiting};
use super::super::measurement::{Case, Measurement};
use super::super::subject::{Process, Subject};

/// Memory plain, idle CPU on the same connections, memory with permessage-deflate.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    for subject in bed
        .subjects
        .iter()
        .copied()
        .filter(|subject| *subject != Subject::Floor)
    {
        let mut idle = Idle::gather(bed, subject, Setting::PLAIN, &|user| {
            bed.subscriber(user, TOPIC)
        })?;
        rows.push(idle.memory(Case::Memory, subject));
        if subject == Subject::Conclave {
            let (percent, pings) = idle.watch(bed.sizes.idle)?;
            eprintln!("    idle: {pings} pings answered");
            let mut row = Measurement::new(Case::Idle, subject);
            row.idle_percent = Some(percent);
            rows.push(row);
            drop(idle);
            let deflating = Idle::gather(bed, subject, Setting::PLAIN, &|user| {
                bed.deflating_subscriber(user, TOPIC)
            })?;
            rows.push(deflating.memory(Case::MemoryDeflate, subject));
        }
    }
    Ok(rows)
}

/// Connections that do nothing but answer pings.
pub(super) struct Idle {
    process: Process,
    crowd: Crowd,
    bytes_per_connection: f64,
}

impl Idle {
    /// Brings in the first guests, reads the memory, brings in the others, reads it again.
    ///
    /// # Errors
    /// The process does not start, or refuses somebody.
    pub(super) fn gather(
        bed: &Bed,
        subject: Subject,
        setting: Setting,
        guest: &dyn Fn(usize) -> Guest,
    ) -> Result<Self> {
        let (from, to) = (bed.sizes.memory_from, bed.sizes.memory_to);
        bed.machine.ensure_room(to)?;
        let (process, setting) = bed.server(subject, setting)?;
        let door = bed.door(&process, setting);
        Self::fill(process, &door, (from, to), guest)
    }

    /// The same in a process that runs already.
    ///
    /// # Errors
    /// It refuses somebody.
    pub(super) fn fill(
        process: Process,
        door: &Door,
        (from, to): (usize, usize),
        guest: &dyn Fn(usize) -> Guest,
    ) -> Result<Self> {
        let mut idle = Self {
            process,
            crowd: Crowd::new(BATCH, Waiting::Asleep)?,
            bytes_per_connection: 0.0,
        };
        idle.crowd.join(door, (0..from).map(guest))?;
        let first = idle.settled_bytes()?;
        idle.crowd.join(door, (from..to).map(guest))?;
        let last = idle.settled_bytes()?;
        // Connections and bytes stay far below 2^53.
        idle.bytes_per_connection = (last as f64 - first as f64) / (to - from) as f64;
        Ok(idle)
    }

    /// The row of what was read.
    pub(super) fn memory(&self, case: Case, subject: Subject) -> Measurement {
        let mut row = Measurement::new(case, subject);
        row.bytes = Some(self.bytes_per_connection);
        row
    }

    /// CPU of the process over `time`, in per cent of a core, and the pings answered meanwhile.
    fn watch(&mut self, time: Duration) -> Result<(f64, u64)> {
        // Peers that are woken by the pings would be on the process's account; remote ones are not.
        self.crowd.wait_so(Waiting::Awake);
        let pings = self.crowd.pings;
        let (cpu, start) = (self.process.cpu()?, Instant::now());
        self.answer_pings(time)?;
        let cpu = self.process.cpu()?.saturating_sub(cpu);
        let percent = cpu.as_secs_f64() / start.elapsed().as_secs_f64() * 100.0;
        self.crowd.wait_so(Waiting::Asleep);
        Ok((percent, self.crowd.pings - pings))
    }

    /// The memory once three readings half a second apart agree, or after 10 s.
    fn settled_bytes(&mut self) -> Result<u64> {
        let (mut last, mut agreed) = (0_u64, 0);
        for _ in 0..20 {
            self.answer_pings(Duration::from_millis(500))?;
            let bytes = self.process.anonymous_bytes()?;
            agreed = if bytes.abs_diff(last) <= SETTLED_BYTES {
                agreed + 1
            } else {
                0
            };
            last = bytes;
            if agreed == 2 {
                break;
            }
        }
        Ok(last)
    }

    fn answer_pings(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        let mut closed = 0;
        while let Some(rest) = end.checked_duration_since(Instant::now()) {
            self.crowd.poll(rest, &mut |_, arrival, _| {
                closed += usize::from(matches!(arrival, Arrival::Closed));
            })?;
        }
        ensure!(
            closed == 0,
            "{closed} idle connections were closed:\n{}",
            self.process.log_tail()
        );
        Ok(())
    }
}

const TOPIC: &str = "idle";
const BATCH: usize = 256;
/// Two readings agree when they differ by less.
const SETTLED_BYTES: u64 = 64 * 1024;
