//! Subscribers of one topic, its publishers, and the account of every delivery.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::bed::{Bed, Setting};
use super::crowd::{Arrival, Crowd, Door, Waiting};
use super::frame;
use super::latency::Samples;
use super::ledger::{Ledger, Stamp, Tally};
use super::measurement::{Case, Measurement};
use super::subject::{Process, Subject, control};

/// Who comes together for a scenario.
#[derive(Clone, Copy)]
pub(super) struct Cast<'a> {
    pub(super) subject: Subject,
    /// How Conclave is started; the yardsticks know no settings.
    pub(super) setting: Setting,
    pub(super) subscribers: usize,
    pub(super) publishers: usize,
    /// A message as Conclave delivered it, which the floor repeats.
    pub(super) sample: &'a [u8],
}

/// The subscribers, their publishers and the process between them.
pub(super) struct Audience {
    /// The one whose CPU counts.
    pub(super) process: Process,
    subject: Subject,
    crowd: Crowd,
    voice: Voice,
    /// Bytes of payload beside the 64 that carry the stamp.
    padding: usize,
    pub(super) subscribers: usize,
    receipts: Receipts,
    sent: Vec<u64>,
    out: Vec<u8>,
}

/// How a publication reaches the process.
enum Voice {
    /// By the floor's control connection, as the bytes to repeat.
    Control { control: TcpStream, sample: Vec<u8> },
    /// By these connections, as commands.
    Members(Vec<usize>),
}

/// What the subscribers received.
struct Receipts {
    publishers: usize,
    /// One per subscriber and publisher.
    ledgers: Vec<Ledger>,
    /// When a publisher's last publications were sent, by sequence modulo `MOMENTS`.
    moments: Vec<Instant>,
    /// `None` where they do not count: they take memory, and to get it takes time.
    samples: Option<Samples>,
    /// Deliveries per publisher.
    delivered: Vec<u64>,
    /// Per subscriber a digest of everything in the order of its arrival.
    orders: Vec<u64>,
    sample: Vec<u8>,
    complaint: Option<String>,
}

impl Audience {
    /// Starts the process and brings everybody in. At most `batch` wakes are handled at a time.
    ///
    /// # Errors
    /// The process does not start, or refuses somebody.
    pub(super) fn gather(bed: &Bed, cast: Cast<'_>, batch: usize) -> Result<Self> {
        let Cast {
            subject,
            setting,
            subscribers,
            publishers,
            sample,
        } = cast;
        bed.machine.ensure_room(subscribers + publishers)?;
        let mut crowd = Crowd::new(batch, Waiting::Awake)?;
        let (process, voice) = if subject == Subject::Floor {
            let process = bed.floor("fanout", &[subscribers])?;
            let mut control = control(&process)?;
            let door = bed.door(&process, Setting::PLAIN);
            crowd.join(&door, (0..subscribers).map(Bed::socket))?;
            control.read_exact(&mut [0])?;
            (
                process,
                Voice::Control {
                    control,
                    sample: sample.to_vec(),
                },
            )
        } else {
            let (process, setting) = bed.server(subject, setting)?;
            let door = bed.door(&process, setting);
            crowd.join(
                &door,
                (0..subscribers).map(|user| bed.subscriber(user, TOPIC)),
            )?;
            let indices = subscribers..subscribers + publishers;
            crowd.join(&door, indices.clone().map(|user| bed.visitor(user)))?;
            (process, Voice::Members(indices.collect()))
        };
        Ok(Self {
            process,
            subject,
            crowd,
            voice,
            padding: 0,
            subscribers,
            receipts: Receipts::new(subscribers, publishers),
            sent: vec![0; publishers],
            out: Vec::new(),
        })
    }

    /// Brings in subscribers and publishers, each by a door of its own, of nodes that are there;
    /// `process` is the one whose CPU counts. A payload has `padding` bytes more than the 64 that
    /// carry its stamp.
    ///
    /// # Errors
    /// Somebody is refused.
    pub(super) fn seat(
        bed: &Bed,
        process: Process,
        (hearing, speaking): (&[Door], &[Door]),
        padding: usize,
    ) -> Result<Self> {
        let (subscribers, publishers) = (hearing.len(), speaking.len());
        bed.machine.ensure_room(subscribers + publishers)?;
        let mut crowd = Crowd::new(BATCH, Waiting::Awake)?;
        for (user, door) in hearing.iter().enumerate() {
            crowd.join(door, std::iter::once(bed.subscriber(user, TOPIC)))?;
        }
        for (user, door) in speaking.iter().enumerate() {
            crowd.join(door, std::iter::once(bed.visitor(subscribers + user)))?;
        }
        Ok(Self {
            process,
            subject: Subject::Conclave,
            crowd,
            voice: Voice::Members((subscribers..subscribers + publishers).collect()),
            padding,
            subscribers,
            receipts: Receipts::new(subscribers, publishers),
            sent: vec![0; publishers],
            out: Vec::new(),
        })
    }

    /// One publication every `every`, `count` of them, whether or not those before have arrived.
    ///
    /// # Errors
    /// The process is gone, or answers with an error.
    pub(super) fn paced(
        &mut self,
        case: Case,
        count: usize,
        every: Duration,
    ) -> Result<Measurement> {
        for round in 0..(count / 10).max(1) {
            self.round(round, 1)?;
        }
        self.receipts.samples = Some(Samples::default());
        let (before, cpu) = (self.delivered(), self.process.cpu()?);
        let start = Instant::now();
        for number in 0..count {
            let due = start + every * u32::try_from(number)?;
            while Instant::now() < due {
                self.step(due.saturating_duration_since(Instant::now()))?;
            }
            self.publish(number % self.sent.len(), 1)?;
        }
        while self.delivered() < self.expected() && self.step(PATIENCE)? > 0 {}
        let (cpu, wall) = (self.process.cpu()?.saturating_sub(cpu), start.elapsed());
        let delivered = self.delivered() - before;
        let row = Measurement::new(case, self.subject).cost(delivered, cpu, wall);
        Ok(self.accounted(row))
    }

    /// Publishes `rounds` bursts of `burst` messages, each when the one before is delivered to all,
    /// publishers in turn; a tenth as many before to warm up.
    ///
    /// # Errors
    /// The process is gone, or answers with an error.
    pub(super) fn measure(
        &mut self,
        case: Case,
        rounds: usize,
        burst: usize,
    ) -> Result<Measurement> {
        for round in 0..(rounds / 10).max(1) {
            self.round(round, burst)?;
        }
        self.receipts.samples = Some(Samples::default());
        let before = self.delivered();
        let (cpu, wall) = (self.process.cpu()?, Instant::now());
        for round in 0..rounds {
            if !self.round(round, burst)? {
                break;
            }
        }
        let (cpu, wall) = (self.process.cpu()?.saturating_sub(cpu), wall.elapsed());
        let delivered = self.delivered() - before;
        self.step(LATE)?;
        let row = Measurement::new(case, self.subject).cost(delivered, cpu, wall);
        Ok(self.accounted(row))
    }

    /// With how long the deliveries took, and what went wrong.
    fn accounted(&mut self, row: Measurement) -> Measurement {
        let samples = self.receipts.samples.as_mut();
        Measurement {
            latency: samples.and_then(Samples::percentiles),
            tally: Some(self.tally()),
            ..row
        }
    }

    /// One burst; `false` if it is not delivered to all within the patience of 5 s.
    fn round(&mut self, round: usize, burst: usize) -> Result<bool> {
        self.publish(round % self.sent.len(), burst)?;
        while self.delivered() < self.expected() {
            if self.step(PATIENCE)? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All publishers at once, each with up to `window` messages under way, until each has sent
    /// `publications` more and all are delivered, or nothing has come for 5 s. A subscriber whose
    /// order across publishers differs from the first one's counts as one reordered.
    ///
    /// # Errors
    /// The process is gone, or answers with an error.
    pub(super) fn race(&mut self, publications: u64, window: u64) -> Result<Tally> {
        self.rush(publications, window)?;
        let mut tally = self.tally();
        let first = self.receipts.orders.first();
        let strays = self
            .receipts
            .orders
            .iter()
            .filter(|order| Some(*order) != first)
            .count();
        tally.reordered += u64::try_from(strays)?;
        Ok(tally)
    }

    /// The same, of nodes that each have an order of their own; publications per second.
    ///
    /// # Errors
    /// As for [`Audience::race`].
    pub(super) fn race_across(
        &mut self,
        case: Case,
        publications: u64,
        window: u64,
    ) -> Result<Measurement> {
        self.rush(publications / 10, window)?;
        let (cpu, start) = (self.process.cpu()?, Instant::now());
        self.rush(publications, window)?;
        let (cpu, wall) = (self.process.cpu()?.saturating_sub(cpu), start.elapsed());
        let published = publications * u64::try_from(self.sent.len())?;
        self.step(LATE)?;
        let mut row = Measurement::new(case, self.subject).cost(published, cpu, wall);
        row.tally = Some(self.tally());
        Ok(row)
    }

    fn rush(&mut self, publications: u64, window: u64) -> Result<()> {
        let until: Vec<u64> = self.sent.iter().map(|sent| sent + publications).collect();
        let subscribers = u64::try_from(self.subscribers)?;
        loop {
            for (publisher, until) in until.iter().enumerate() {
                let sent = self.sent.get(publisher).copied().unwrap_or_default();
                let delivered = self
                    .receipts
                    .delivered
                    .get(publisher)
                    .copied()
                    .unwrap_or_default();
                if sent < *until && sent - delivered / subscribers < window {
                    self.publish(publisher, 1)?;
                }
            }
            let sent_all = self
                .sent
                .iter()
                .zip(&until)
                .all(|(sent, until)| sent == until);
            if sent_all && self.delivered() >= self.expected() || self.step(PATIENCE)? == 0 {
                return Ok(());
            }
        }
    }

    /// Publishes `burst` messages in one write.
    ///
    /// # Errors
    /// The publisher's connection is gone, or not read for 10 s.
    pub(super) fn publish(&mut self, publisher: usize, burst: usize) -> Result<()> {
        self.out.clear();
        let now = Instant::now();
        for _ in 0..burst {
            let Some(sent) = self.sent.get_mut(publisher) else {
                bail!("no such publisher")
            };
            let stamp = Stamp {
                publisher,
                sequence: *sent,
            };
            *sent += 1;
            self.receipts.sent(stamp, now);
            match &mut self.voice {
                Voice::Control { sample, .. } => {
                    stamp.overwrite(sample);
                    frame::served(sample, &mut self.out);
                }
                Voice::Members(_) => frame::text(
                    publication((TOPIC, self.padding), stamp).as_bytes(),
                    &mut self.out,
                ),
            }
        }
        match &mut self.voice {
            Voice::Control { control, .. } => {
                let length = u32::try_from(self.out.len())?.to_le_bytes();
                self.out.splice(..0, length);
                control.write_all(&self.out)?;
            }
            Voice::Members(indices) => {
                let Some(index) = indices.get(publisher) else {
                    bail!("no such publisher")
                };
                self.crowd.send(*index, &self.out)?;
            }
        }
        Ok(())
    }

    /// Receives what has come, waiting up to `timeout`; gives the number of wakes.
    ///
    /// # Errors
    /// The process closed a connection or answered with an error.
    pub(super) fn step(&mut self, timeout: Duration) -> Result<usize> {
        let Self {
            crowd,
            receipts,
            subscribers,
            ..
        } = self;
        let count = crowd.poll(timeout, &mut |index, arrival, at| match arrival {
            Arrival::Text(text) if index < *subscribers => receipts.take(index, text, at),
            Arrival::Text(text) => receipts.complain(&String::from_utf8_lossy(text)),
            Arrival::Closed => receipts.complain("a connection was closed"),
            Arrival::Ready(_) => {}
        })?;
        match &self.receipts.complaint {
            Some(complaint) => bail!("{complaint}\n{}", self.process.log_tail()),
            None => Ok(count),
        }
    }

    /// Deliveries so far.
    pub(super) fn delivered(&self) -> u64 {
        self.receipts.delivered.iter().sum()
    }

    /// Deliveries if nothing is lost.
    pub(super) fn expected(&self) -> u64 {
        self.sent.iter().sum::<u64>() * u64::try_from(self.subscribers).unwrap_or(u64::MAX)
    }

    /// The account of all subscribers and publishers.
    pub(super) fn tally(&self) -> Tally {
        let sent = self.sent.iter().cycle();
        self.receipts
            .ledgers
            .iter()
            .zip(sent)
            .map(|(ledger, sent)| ledger.close(*sent))
            .sum()
    }

    /// Which server it hears.
    pub(super) const fn subject(&self) -> Subject {
        self.subject
    }

    /// A message as it was delivered.
    pub(super) fn sample(&self) -> &[u8] {
        &self.receipts.sample
    }
}

impl Receipts {
    fn new(subscribers: usize, publishers: usize) -> Self {
        Self {
            publishers,
            ledgers: std::iter::repeat_with(Ledger::default)
                .take(subscribers * publishers)
                .collect(),
            moments: vec![Instant::now(); publishers * MOMENTS],
            samples: None,
            delivered: vec![0; publishers],
            orders: vec![0; subscribers],
            sample: Vec::new(),
            complaint: None,
        }
    }

    fn sent(&mut self, stamp: Stamp, at: Instant) {
        if let Some(moment) = self.moments.get_mut(moment(stamp)) {
            *moment = at;
        }
    }

    fn take(&mut self, subscriber: usize, text: &[u8], at: Instant) {
        let Some(stamp) = Stamp::find(text) else {
            return self.complain(&String::from_utf8_lossy(text));
        };
        let place = subscriber * self.publishers + stamp.publisher;
        let (Some(ledger), Some(delivered), Some(order), Some(moment)) = (
            self.ledgers.get_mut(place),
            self.delivered.get_mut(stamp.publisher),
            self.orders.get_mut(subscriber),
            self.moments.get(moment(stamp)),
        ) else {
            return self.complain("a delivery of a publisher that does not exist");
        };
        ledger.record(stamp.sequence);
        *delivered += 1;
        *order = (order.rotate_left(7) ^ stamp.sequence)
            .wrapping_mul(DIGEST)
            .wrapping_add(u64::try_from(stamp.publisher).unwrap_or_default());
        if let Some(samples) = &mut self.samples {
            samples.push(at.duration_since(*moment));
        }
        if self.sample.is_empty() {
            self.sample.extend_from_slice(text);
        }
    }

    fn complain(&mut self, complaint: &str) {
        self.complaint.get_or_insert_with(|| complaint.to_owned());
    }
}

/// The command that publishes 64 bytes of payload, and `padding` more.
pub(super) fn publication((topic, padding): (&str, usize), stamp: Stamp) -> String {
    format!(
        r#"publish-json:{{"publisher_name":"bench","topic":"{topic}","payload":"{}{:x<padding$}","timestamp":"2024-01-24T10:25:37Z"}}"#,
        stamp.payload(),
        ""
    )
}

fn moment(stamp: Stamp) -> usize {
    let sequence = usize::try_from(stamp.sequence).unwrap_or_default();
    stamp.publisher * MOMENTS + sequence % MOMENTS
}

const TOPIC: &str = "bench";
const BATCH: usize = 256;
/// More than any scenario has under way for one publisher.
const MOMENTS: usize = 64;
const DIGEST: u64 = 0x9e37_79b9_7f4a_7c15;
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a duplicate may come after the last delivery.
const LATE: Duration = Duration::from_millis(20);
