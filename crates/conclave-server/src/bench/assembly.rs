//! The members of one room, all connected, and the account of every delivery to them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use conclave_protocol::RoomId;

use super::bed::Bed;
use super::crowd::{Arrival, Crowd, Waiting};
use super::frame;
use super::house::{self, EVENT, Heard, House, Tongue};
use super::latency::Samples;
use super::ledger::{Ledger, Stamp, Tally};
use super::measurement::{Case, Measurement};
use super::subject::{Subject, control};

/// A house with one room, whose members hear each other.
pub(super) struct Assembly {
    house: House,
    subject: Subject,
    crowd: Crowd,
    room: RoomId,
    tongues: Vec<Tongue>,
    /// Messages of each publisher so far.
    sent: [u64; PUBLISHERS],
    account: Account,
}

/// Who sends.
pub(super) enum Voice {
    /// The first members, one message each.
    Members,
    /// A backend by the server API: named events, which are not stored.
    Backend(TcpStream),
}

struct Account {
    /// One per member and publisher.
    ledgers: Vec<Ledger>,
    /// When each publisher sent last.
    moments: [Instant; PUBLISHERS],
    samples: Samples,
    delivered: u64,
    complaint: Option<String>,
}

impl Assembly {
    /// Starts `subject` with one room and brings its members in, each by its dialect.
    ///
    /// # Errors
    /// The server does not start, or refuses somebody.
    pub(super) fn gather(bed: &Bed, subject: Subject, tongues: Vec<Tongue>) -> Result<Self> {
        bed.machine.ensure_room(tongues.len())?;
        let house = House::open(bed, subject, 1, tongues.len())?;
        let mut crowd = Crowd::new(BATCH, Waiting::Awake)?;
        let room = house::room(0);
        let members = tongues.iter().enumerate();
        crowd.join(
            &house.door,
            members.map(|(number, tongue)| tongue.guest(bed, number, &room)),
        )?;
        // Until all are told who came.
        crowd.settle(QUIET)?;
        let account = Account {
            ledgers: std::iter::repeat_with(Ledger::default)
                .take(tongues.len() * PUBLISHERS)
                .collect(),
            moments: [Instant::now(); PUBLISHERS],
            samples: Samples::default(),
            delivered: 0,
            complaint: None,
        };
        Ok(Self {
            house,
            subject,
            crowd,
            room,
            tongues,
            sent: [0; PUBLISHERS],
            account,
        })
    }

    /// The way of a backend into the room.
    ///
    /// # Errors
    /// The server does not accept.
    pub(super) fn backend(&self) -> Result<Voice> {
        Ok(Voice::Backend(control(&self.house.process)?))
    }

    /// `rounds` times `burst` messages, each burst when the one before is delivered to all; a
    /// tenth as many before to warm up.
    ///
    /// # Errors
    /// The server is gone, or refuses a message.
    pub(super) fn measure(
        &mut self,
        bed: &Bed,
        case: Case,
        (rounds, burst): (usize, usize),
        voice: &mut Voice,
    ) -> Result<Measurement> {
        for _ in 0..(rounds / 10).max(1) {
            self.round(bed, burst, voice)?;
        }
        self.account.samples = Samples::default();
        let before = self.account.delivered;
        let (cpu, wall) = (self.house.process.cpu()?, Instant::now());
        for _ in 0..rounds {
            if !self.round(bed, burst, voice)? {
                break;
            }
        }
        let cpu = self.house.process.cpu()?.saturating_sub(cpu);
        let wall = wall.elapsed();
        let delivered = self.account.delivered - before;
        self.step(LATE)?;
        let mut row = Measurement::new(case, self.subject).cost(delivered, cpu, wall);
        row.latency = self.account.samples.percentiles();
        row.tally = Some(self.tally());
        Ok(row)
    }

    /// One burst; `false` if it is not delivered to all within the patience of 5 s.
    fn round(&mut self, bed: &Bed, burst: usize, voice: &mut Voice) -> Result<bool> {
        match voice {
            Voice::Members => (0..burst).try_for_each(|publisher| self.say(publisher))?,
            Voice::Backend(backend) => self.call(bed, burst, backend)?,
        }
        let expected = self.sent.iter().sum::<u64>() * u64::try_from(self.tongues.len())?;
        if let Voice::Backend(backend) = voice {
            await_answers(backend, burst)?;
        }
        // Pings wake too: only deliveries are progress.
        let (mut latest, mut delivered) = (Instant::now(), self.account.delivered);
        while self.account.delivered < expected {
            self.step(PATIENCE)?;
            if self.account.delivered > delivered {
                (latest, delivered) = (Instant::now(), self.account.delivered);
            } else if latest.elapsed() >= PATIENCE {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A member sends a message.
    fn say(&mut self, publisher: usize) -> Result<()> {
        let Some(tongue) = self.tongues.get(publisher).copied() else {
            bail!("no such member")
        };
        let stamp = self.next(publisher)?;
        let mut out = Vec::new();
        frame::text(tongue.send(&self.room, stamp).as_bytes(), &mut out);
        self.crowd.send(publisher, &out)
    }

    /// A backend sends events, all in one write.
    fn call(&mut self, bed: &Bed, burst: usize, backend: &mut TcpStream) -> Result<()> {
        let mut out = String::new();
        let token = bed.mint.backend_token();
        for _ in 0..burst {
            let stamp = self.next(0)?;
            let body = format!(
                r#"{{"event":"{EVENT}","data":{{"content":"{}"}}}}"#,
                stamp.payload()
            );
            out += &format!(
                "POST /api/v1/rooms/{}/events HTTP/1.1\r\nHost: localhost\r\n\
                 Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                self.room.as_str(),
                body.len()
            );
        }
        Ok(backend.write_all(out.as_bytes())?)
    }

    fn next(&mut self, publisher: usize) -> Result<Stamp> {
        let (Some(sent), Some(moment)) = (
            self.sent.get_mut(publisher),
            self.account.moments.get_mut(publisher),
        ) else {
            bail!("no such publisher")
        };
        let sequence = *sent;
        *sent += 1;
        *moment = Instant::now();
        Ok(Stamp {
            publisher,
            sequence,
        })
    }

    fn step(&mut self, timeout: Duration) -> Result<usize> {
        let Self {
            crowd,
            account,
            tongues,
            ..
        } = self;
        let count = crowd.poll(timeout, &mut |index, arrival, at| match arrival {
            Arrival::Text(text) => account.take((index, tongues.get(index).copied()), text, at),
            Arrival::Closed => account.complain("a connection was closed"),
            Arrival::Ready(_) => {}
        })?;
        match &self.account.complaint {
            Some(complaint) => bail!("{complaint}\n{}", self.house.process.log_tail()),
            None => Ok(count),
        }
    }

    fn tally(&self) -> Tally {
        let sent = self.sent.iter().cycle();
        let accounts = self.account.ledgers.iter().zip(sent);
        accounts.map(|(ledger, sent)| ledger.close(*sent)).sum()
    }
}

impl Account {
    fn take(&mut self, (member, tongue): (usize, Option<Tongue>), text: &[u8], at: Instant) {
        match tongue.map_or(Heard::Refused, |tongue| tongue.hear(text)) {
            Heard::Message => {}
            Heard::Acked | Heard::Nothing => return,
            Heard::Refused => return self.complain(&String::from_utf8_lossy(text)),
        }
        let Some(stamp) = Stamp::find(text) else {
            return self.complain(&String::from_utf8_lossy(text));
        };
        let ledger = self.ledgers.get_mut(member * PUBLISHERS + stamp.publisher);
        let (Some(ledger), Some(moment)) = (ledger, self.moments.get(stamp.publisher)) else {
            return self.complain("a message of somebody who does not exist");
        };
        ledger.record(stamp.sequence);
        self.delivered += 1;
        self.samples.push(at.duration_since(*moment));
    }

    fn complain(&mut self, complaint: &str) {
        self.complaint.get_or_insert_with(|| complaint.to_owned());
    }
}

/// Reads so many answers, each of which must be a success.
fn await_answers(backend: &mut TcpStream, count: usize) -> Result<()> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        let answers = text.matches(STATUS).count();
        ensure!(
            text.matches(SUCCESS).count() == answers,
            "an event was refused: {text}"
        );
        // The last answer's body may be on its way: it comes before the next answer.
        if answers >= count {
            return Ok(());
        }
        let read = backend.read(&mut buffer)?;
        ensure!(read > 0, "the server ended the backend's connection");
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
}

const STATUS: &str = "HTTP/1.1 ";
const SUCCESS: &str = "HTTP/1.1 2";
const BATCH: usize = 256;
/// Members that send; each has at most one message under way.
pub(super) const PUBLISHERS: usize = 16;
/// Nobody was told anything for so long: longer than the server gathers who came and went.
const QUIET: Duration = Duration::from_millis(700);
const PATIENCE: Duration = Duration::from_secs(5);
const LATE: Duration = Duration::from_millis(20);
