//! Acked sends into rooms, against what the store does by itself on the same core and disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use conclave_core::{Actor, RoomStore};
use conclave_store::Yardstick;
use tokio::task::JoinSet;

use super::super::bed::Bed;
use super::super::crowd::{Arrival, Crowd, Waiting};
use super::super::frame;
use super::super::house::{self, Folder, Heard, House, Tongue};
use super::super::latency::Samples;
use super::super::ledger::{Ledger, Stamp, Tally};
use super::super::machine::{SERVER_CORE, pin};
use super::super::measurement::{Case, Measurement};
use super::super::postgres::Postgres;
use super::super::subject::Subject;
use crate::stored::Stored;

/// Each sender is a member of a room of two, whose other member is away, and has one message under
/// way: the next follows when its ack has come. The subject `store` does the same by the store's
/// own call, without a server; `floor` inserts one bare row by the same writer.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let mut rows = alone(bed)?;
    for (tongue, cases) in [
        (Tongue::Conversation, CONVERSATION),
        (Tongue::SocketIo, SOCKETIO),
    ] {
        let house = House::open(bed, Subject::Conclave, SENDERS_MAX, MEMBERS)?;
        for (case, senders) in cases.into_iter().zip(SENDERS) {
            rows.push(Senders::enter(bed, &house, tongue, senders)?.measure(bed, case)?);
        }
    }
    rows.extend(over_postgres(bed)?);
    Ok(rows)
}

/// The same in a database, 256 senders, which is on the same core as the store or the server.
fn over_postgres(bed: &Bed) -> Result<Vec<Measurement>> {
    let case = Case::DurablePostgres;
    let Some(postgres) = Postgres::start()? else {
        return Ok(Vec::new());
    };
    let mut rows = on_server_core(bed, postgres.stored()?, vec![(case, SENDERS_MAX)])?;
    drop(postgres);
    let Some(postgres) = Postgres::start()? else {
        return Ok(rows);
    };
    let house = House::over(bed, &postgres, SENDERS_MAX, MEMBERS)?;
    let senders = Senders::enter(bed, &house, Tongue::Conversation, SENDERS_MAX)?;
    rows.push(senders.measure(bed, case)?);
    Ok(rows)
}

/// Connections that send, each in its own room.
struct Senders<'a> {
    house: &'a House,
    tongue: Tongue,
    crowd: Crowd,
    sent: Vec<(u64, Instant)>,
    /// What each heard of its own messages.
    ledgers: Vec<Ledger>,
    acked: u64,
    samples: Samples,
    under_way: usize,
    /// The first message's number: a client id is used once.
    base: u64,
}

impl<'a> Senders<'a> {
    fn enter(bed: &Bed, house: &'a House, tongue: Tongue, count: usize) -> Result<Self> {
        let mut crowd = Crowd::new(SENDERS_MAX, Waiting::Awake)?;
        let guest = |number: usize| tongue.guest(bed, number * MEMBERS, &house::room(number));
        crowd.join(&house.door, (0..count).map(guest))?;
        Ok(Self {
            house,
            tongue,
            crowd,
            sent: vec![(0, Instant::now()); count],
            ledgers: std::iter::repeat_with(Ledger::default)
                .take(count)
                .collect(),
            acked: 0,
            samples: Samples::default(),
            under_way: 0,
            base: RUNS.fetch_add(1, Ordering::Relaxed) * RUN_NUMBERS,
        })
    }

    fn measure(mut self, bed: &Bed, case: Case) -> Result<Measurement> {
        self.press(bed.sizes.durable / 4)?;
        (self.acked, self.samples) = (0, Samples::default());
        let (cpu, start) = (self.house.process.cpu()?, Instant::now());
        self.press(bed.sizes.durable)?;
        let wall = start.elapsed();
        let cpu = self.house.process.cpu()?.saturating_sub(cpu);
        self.step(LATE)?;
        let mut row = Measurement::new(case, Subject::Conclave).cost(self.acked, cpu, wall);
        row.latency = self.samples.percentiles();
        let accounts = self.ledgers.iter().zip(&self.sent);
        let tally: Tally = accounts
            .map(|(ledger, (sent, _))| ledger.close(*sent))
            .sum();
        row.tally = Some(tally);
        Ok(row)
    }

    /// Everybody sends for so long; returns when all is acked.
    fn press(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        let mut due: Vec<usize> = (0..self.sent.len()).collect();
        loop {
            if Instant::now() < end {
                for sender in due.drain(..) {
                    self.send(sender)?;
                }
            } else if self.under_way == 0 {
                return Ok(());
            }
            due = self.step(PATIENCE)?;
        }
    }

    fn send(&mut self, sender: usize) -> Result<()> {
        let Some((sent, at)) = self.sent.get_mut(sender) else {
            bail!("no such sender")
        };
        let stamp = Stamp {
            publisher: 0,
            sequence: self.base + *sent,
        };
        *sent += 1;
        let mut out = Vec::new();
        let text = self.tongue.send(&house::room(sender), stamp);
        frame::text(text.as_bytes(), &mut out);
        *at = Instant::now();
        self.under_way += 1;
        self.crowd.send(sender, &out)
    }

    /// Receives; gives who has an ack.
    fn step(&mut self, timeout: Duration) -> Result<Vec<usize>> {
        let Self {
            crowd,
            tongue,
            sent,
            ledgers,
            acked,
            samples,
            under_way,
            base,
            ..
        } = self;
        let (mut fresh, mut complaint) = (Vec::new(), None);
        let wakes = crowd.poll(timeout, &mut |index, arrival, at| {
            let text = match arrival {
                Arrival::Text(text) => text,
                Arrival::Closed => return complaint = Some("a connection was closed".to_owned()),
                Arrival::Ready(_) => return,
            };
            match tongue.hear(text) {
                Heard::Acked => {
                    let asked = sent.get(index).map_or(at, |(_, asked)| *asked);
                    samples.push(at.duration_since(asked));
                    *acked += 1;
                    *under_way = under_way.saturating_sub(1);
                    fresh.push(index);
                }
                Heard::Message => match (Stamp::find(text), ledgers.get_mut(index)) {
                    (Some(stamp), Some(own)) => own.record(stamp.sequence.wrapping_sub(*base)),
                    _ => complaint = Some(String::from_utf8_lossy(text).into_owned()),
                },
                Heard::Nothing => {}
                Heard::Refused => complaint = Some(String::from_utf8_lossy(text).into_owned()),
            }
        })?;
        if let Some(complaint) = complaint {
            bail!("{complaint}\n{}", self.house.process.log_tail());
        }
        ensure!(
            wakes > 0 || timeout < PATIENCE,
            "no ack for 5 s:\n{}",
            self.house.process.log_tail()
        );
        Ok(fresh)
    }
}

/// The store by itself and bare rows, on a thread with the core that the server gets.
fn alone(bed: &Bed) -> Result<Vec<Measurement>> {
    let folder = Folder::new()?;
    let cases = CONVERSATION.into_iter().zip(SENDERS).collect();
    on_server_core(bed, folder.stored(), cases)
}

fn on_server_core(
    bed: &Bed,
    stored: Stored,
    cases: Vec<(Case, usize)>,
) -> Result<Vec<Measurement>> {
    let time = bed.sizes.durable;
    let thread = std::thread::spawn(move || {
        pin(&[SERVER_CORE])?;
        house::runtime()?.block_on(store_rows(stored, cases, time))
    });
    thread.join().ok().context("the store's thread broke")?
}

async fn store_rows(
    stored: Stored,
    cases: Vec<(Case, usize)>,
    time: Duration,
) -> Result<Vec<Measurement>> {
    let members = |room: usize| (room * MEMBERS..(room + 1) * MEMBERS).map(house::user);
    let filled = stored.clone();
    let furnished = tokio::task::spawn_blocking(move || {
        house::furnish(
            &filled,
            (0..SENDERS_MAX).map(|room| members(room).collect()),
        )
    });
    furnished.await??;
    let (store, rooms) = house::open_store(&stored).await?;
    let bare = Arc::new(Yardstick::new(&store).await?);
    let numbers = Arc::new(AtomicU64::new(0));
    let mut rows = Vec::new();
    for (case, senders) in cases {
        let (rooms, numbers) = (rooms.clone(), Arc::clone(&numbers));
        let send = move |sender: usize| {
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            let stamp = Stamp {
                publisher: 0,
                sequence: number,
            };
            // As ordered as the ids of a server are.
            let message = house::message(house::room(sender), stamp, u128::from(number) << 64);
            let (rooms, by) = (rooms.clone(), Actor::plain(house::user(sender * MEMBERS)));
            async move {
                rooms.send(&by, message, house::now()).await?;
                Ok(())
            }
        };
        rows.push(pace((case, Subject::Store), senders, time, send).await?);
        let bare = Arc::clone(&bare);
        let insert = move |_| {
            let bare = Arc::clone(&bare);
            async move { Ok(bare.insert(BARE).await?) }
        };
        rows.push(pace((case, Subject::Floor), senders, time, insert).await?);
    }
    store.close().await?;
    Ok(rows)
}

/// Each of `senders` does `act` again and again.
async fn pace<F, W>(
    (case, subject): (Case, Subject),
    senders: usize,
    time: Duration,
    act: F,
) -> Result<Measurement>
where
    F: Fn(usize) -> W + Clone + Send + 'static,
    W: Future<Output = Result<()>> + Send,
{
    let warm = Instant::now() + time / 4;
    let end = warm + time;
    let mut running = JoinSet::new();
    for sender in 0..senders {
        let act = act.clone();
        running.spawn(async move {
            let mut waits = Vec::new();
            loop {
                let asked = Instant::now();
                if asked >= end {
                    return anyhow::Ok(waits);
                }
                act(sender).await?;
                if asked >= warm {
                    waits.push(asked.elapsed());
                }
            }
        });
    }
    let mut samples = Samples::default();
    while let Some(waits) = running.join_next().await {
        waits??.into_iter().for_each(|wait| samples.push(wait));
    }
    let mut row = Measurement::new(case, subject);
    // Counts stay far below 2^53.
    row.per_second = Some(samples.count() as f64 / warm.elapsed().as_secs_f64());
    row.latency = samples.percentiles();
    Ok(row)
}

/// As long as a message of the senders.
const BARE: &str = "~0000000000000000000xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
const CONVERSATION: [Case; 3] = [Case::DurableOne, Case::DurableSixteen, Case::DurableMany];
const SOCKETIO: [Case; 3] = [
    Case::DurableSocketIoOne,
    Case::DurableSocketIoSixteen,
    Case::DurableSocketIoMany,
];
const SENDERS: [usize; 3] = [1, 16, SENDERS_MAX];
const SENDERS_MAX: usize = 256;
/// Of a sender's room; the other one is away.
const MEMBERS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(5);
const LATE: Duration = Duration::from_millis(50);
static RUNS: AtomicU64 = AtomicU64::new(0);
/// More than any run sends by one connection.
const RUN_NUMBERS: u64 = 1_000_000_000;
