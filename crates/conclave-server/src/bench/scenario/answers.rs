//! Answers of the assistant, token by token: one that a thousand hear, and a thousand at once.

mod account;
mod provider;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use conclave_core::{Actor, RoomStore as _};
use conclave_protocol::UpdateRoom;

use super::super::bed::{Bed, Setting};
use super::super::crowd::{Arrival, Crowd, Waiting};
use super::super::frame;
use super::super::house::{self, Folder, House, Tongue};
use super::super::measurement::{Case, Measurement};
use super::super::subject::Subject;
use super::fanout;
use crate::stored::Stored;
use account::Account;
use provider::Provider;

/// The provider gives 50 tokens a second in each answer. The latency is from its write of a token
/// to the read at the subscriber; CPU is all of the server's, from the first token to the last.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    if !bed.subjects.contains(&Subject::Conclave) {
        return Ok(Vec::new());
    }
    let mut rows = one_for_many(bed)?;
    rows.extend(many_at_once(bed)?);
    Ok(rows)
}

/// One answer, a topic of as many, and the floor of as many, by turns, so that all see the same
/// machine. The topic one at a time as in the fan-out, then like the floor at the pace of the
/// tokens.
fn one_for_many(bed: &Bed) -> Result<Vec<Measurement>> {
    let subjects = fanout::subjects(bed).filter(|subject| *subject != Subject::Usual);
    let mut audiences = fanout::gather(bed, subjects, Setting::LOADED)?;
    let mut hall = Hall::gather(bed, 1, bed.sizes.subscribers)?;
    let (publications, tokens) = (bed.sizes.publications, bed.sizes.answer_tokens);
    hall.answer(tokens / 10)?;
    let mut flat_out = Vec::new();
    let mut paced: Vec<Vec<Measurement>> = audiences.iter().map(|_| Vec::new()).collect();
    let (mut answers, mut medians) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        for (audience, paced) in audiences.iter_mut().zip(&mut paced) {
            if audience.subject() == Subject::Conclave {
                flat_out.push(audience.measure(Case::AnswerTopic, publications / TURNS, 1)?);
            }
            paced.push(audience.paced(Case::AnswerTopicPaced, tokens / TURNS, PACE)?);
        }
        let (answer, median) = hall.told(tokens / TURNS)?;
        answers.push(answer);
        medians.push(median);
    }
    let paced = paced.iter().map(|parts| Measurement::of_parts(parts));
    let rows = [Measurement::of_parts(&flat_out)].into_iter().chain(paced);
    let rows = rows.chain([Measurement::median(&answers), Measurement::median(&medians)]);
    Ok(rows.flatten().collect())
}

fn many_at_once(bed: &Bed) -> Result<[Measurement; 2]> {
    let rooms = bed.sizes.answer_rooms;
    let mut hall = Hall::gather(bed, rooms, 1)?;
    hall.answer(bed.sizes.answer_tokens / 10)?;
    let (cpu, wall) = hall.answer(bed.sizes.answer_tokens)?;
    let row = Measurement::new(Case::AnswersAtOnce, Subject::Conclave);
    let row = row.cost(hall.account.tokens, cpu, wall);
    let mut last = Measurement::new(Case::AnswersLast, Subject::Conclave);
    last.idle_percent = Some(cpu.as_secs_f64() / wall.as_secs_f64() * 100.0);
    last.latency = hall.account.last.percentiles();
    Ok([hall.account.close(row), last])
}

/// A server with its provider, and who hears the answers.
struct Hall {
    house: House,
    provider: Provider,
    crowd: Crowd,
    rooms: usize,
    account: Account,
}

impl Hall {
    /// Starts a server with so many rooms, in each of which the assistant is, and brings their
    /// members in.
    fn gather(bed: &Bed, rooms: usize, members: usize) -> Result<Self> {
        bed.machine.ensure_room(rooms * (members + 1))?;
        let (provider, folder) = (Provider::start(rooms)?, Folder::new()?);
        let of = |room: usize| (room * members..(room + 1) * members).map(house::user);
        house::furnish(&folder.stored(), (0..rooms).map(|room| of(room).collect()))?;
        attach(&folder.stored(), rooms, members)?;
        let mut settings = vec![("CONCLAVE_ASSISTANT__BASE_URL", provider.base_url()?)];
        settings.extend(SETTINGS.map(|(name, value)| (name, value.to_owned())));
        let house = House::serve_with(bed, folder, settings)?;
        let mut crowd = Crowd::new(BATCH, Waiting::Awake)?;
        let guest =
            |number: usize| Tongue::Conversation.guest(bed, number, &house::room(number / members));
        crowd.join(&house.door, (0..rooms * members).map(guest))?;
        // Until all are told who came.
        crowd.settle(QUIET)?;
        let account = Account::new(&provider, (rooms, rooms * members), 0);
        Ok(Self {
            house,
            provider,
            crowd,
            rooms,
            account,
        })
    }

    /// One answer of so many tokens to all who are there, and the median of what each of them saw.
    /// CPU is counted by frames, so that tokens that share one are no gain.
    fn told(&mut self, tokens: usize) -> Result<(Measurement, Measurement)> {
        let (cpu, wall) = self.answer(tokens)?;
        let account = &mut self.account;
        let row = Measurement::new(Case::AnswerRoom, Subject::Conclave);
        let row = row.cost(account.frames, cpu, wall);
        let own = Measurement::new(Case::AnswerRoomMedian, Subject::Conclave);
        let each = account.members.iter_mut().map(|member| Measurement {
            latency: member.samples.percentiles(),
            ..own
        });
        let each: Vec<Measurement> = each.collect();
        let median = Measurement::median(&each).unwrap_or(own);
        Ok((account.close(row), median))
    }

    /// Asks in every room, and has all answers given at once, each with so many tokens; the tokens
    /// of one beat are spread over it. CPU and time until all have come, or none has for 5 s.
    fn answer(&mut self, tokens: usize) -> Result<(Duration, Duration)> {
        let (rooms, members) = (self.rooms, self.account.members.len());
        let tokens = u64::try_from(tokens)?;
        self.account = Account::new(&self.provider, (rooms, members), tokens);
        self.ask()?;
        let (cpu, start) = (self.house.process.cpu()?, Instant::now());
        let apart = PACE / u32::try_from(rooms)?;
        for sequence in 0..tokens {
            for room in 0..rooms {
                let due = start + PACE * u32::try_from(sequence)? + apart * u32::try_from(room)?;
                loop {
                    self.step(due.saturating_duration_since(Instant::now()))?;
                    if due <= Instant::now() {
                        break;
                    }
                }
                self.provider.say(room, sequence)?;
            }
        }
        let all = tokens * u64::try_from(members)?;
        self.until(|hall| hall.account.tokens >= all)?;
        let (cpu, wall) = (
            self.house.process.cpu()?.saturating_sub(cpu),
            start.elapsed(),
        );
        self.provider.end(tokens)?;
        self.until(|hall| hall.account.ends >= members)?;
        let ends = self.account.ends;
        ensure!(ends == members, "{ends} of {members} were told the end");
        Ok((cpu, wall))
    }

    /// The first member of each room asks, few at a time; gives back when all answers have begun.
    fn ask(&mut self) -> Result<()> {
        for room in 0..self.rooms {
            let mut out = Vec::new();
            let ask = format!(r##"{{"type":"send_message","content":"#{room}"}}"##);
            frame::text(ask.as_bytes(), &mut out);
            self.crowd.send(room, &out)?;
            self.until(|hall| room < hall.provider.under_way() + ASKED_AT_ONCE)?;
        }
        self.until(|hall| hall.provider.under_way() == hall.rooms)?;
        let begun = self.provider.under_way();
        let tail = || self.house.process.log_tail();
        ensure!(
            begun == self.rooms,
            "{begun} of {} were answered:\n{}",
            self.rooms,
            tail()
        );
        Ok(())
    }

    /// Waits until that is so, or nothing of an answer has come for 5 s.
    fn until(&mut self, done: impl Fn(&Self) -> bool) -> Result<()> {
        let progress = |hall: &Self| {
            let Account { tokens, ends, .. } = hall.account;
            (tokens, ends, hall.provider.under_way())
        };
        let (mut latest, mut before) = (Instant::now(), progress(self));
        while !done(self) && latest.elapsed() < PATIENCE {
            self.provider.look()?;
            self.step(LOOK)?;
            if progress(self) != before {
                (latest, before) = (Instant::now(), progress(self));
            }
        }
        Ok(())
    }

    /// Receives what has come, waiting up to `timeout`.
    fn step(&mut self, timeout: Duration) -> Result<()> {
        let Self { crowd, account, .. } = self;
        crowd.poll(timeout, &mut |index, arrival, at| match arrival {
            Arrival::Text(text) => account.take(index, text, at),
            Arrival::Closed => account.complain("a connection was closed"),
            Arrival::Ready(_) => {}
        })?;
        let complaint = self.account.complaint.as_deref();
        let tail = || self.house.process.log_tail();
        ensure!(
            complaint.is_none(),
            "{}\n{}",
            complaint.unwrap_or_default(),
            tail()
        );
        Ok(())
    }
}

/// The assistant comes into the rooms, as their owners let it.
fn attach(stored: &Stored, rooms: usize, members: usize) -> Result<()> {
    house::runtime()?.block_on(async {
        let (store, handle) = house::open_store(stored).await?;
        for room in 0..rooms {
            let ask = UpdateRoom {
                room: house::room(room),
                name: None,
                description: None,
                assistant: Some(true),
            };
            let owner = Actor::plain(house::user(room * members));
            handle.update(&owner, ask, house::now()).await?;
        }
        store.close().await?;
        Ok(())
    })
}

/// 50 tokens a second.
const PACE: Duration = Duration::from_millis(20);
const BATCH: usize = 64;
const TURNS: usize = 5;
const ASKED_AT_ONCE: usize = 32;
const QUIET: Duration = Duration::from_millis(700);
const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(5);
const SETTINGS: [(&str, &str); 6] = [
    ("CONCLAVE_ASSISTANT__ENABLED", "true"),
    ("CONCLAVE_ASSISTANT__MODEL", "bench"),
    ("CONCLAVE_ASSISTANT__CONCURRENCY", "1000"),
    ("CONCLAVE_ASSISTANT__QUESTIONS", "10000"),
    ("CONCLAVE_ASSISTANT__USER_TOKENS", "0"),
    ("CONCLAVE_ASSISTANT__IDLE_SECONDS", "60"),
];
