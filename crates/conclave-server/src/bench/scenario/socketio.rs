//! Socket.IO against socket.io on Node: handshake, fan-out in a room, idle memory.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::assembly::{Assembly, PUBLISHERS, Voice};
use super::super::bed::Bed;
use super::super::crowd::{Arrival, Crowd, Guest, Waiting};
use super::super::frame;
use super::super::house::{self, House, Tongue};
use super::super::latency::Samples;
use super::super::measurement::{Case, Measurement};
use super::super::subject::Subject;
use super::memory::Idle;

/// Both do the same for the same clients: check the token, put the user into their room, give a
/// message to all in the room and its sender an ack. Conclave also stores the message and tells
/// the room who came, and nothing is taken off for that.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    for subject in house::subjects(bed) {
        rows.push(handshakes(bed, subject)?);
        rows.extend(fan_out(bed, subject)?);
        rows.push(memory(bed, subject)?);
    }
    Ok(rows)
}

fn fan_out(bed: &Bed, subject: Subject) -> Result<Vec<Measurement>> {
    let members = vec![Tongue::SocketIo; bed.sizes.subscribers];
    let mut assembly = Assembly::gather(bed, subject, members)?;
    let (one, many) = (
        (bed.sizes.messages, 1),
        (bed.sizes.message_bursts, PUBLISHERS),
    );
    let voice = &mut Voice::Members;
    let mut rows = vec![
        assembly.measure(bed, Case::SocketIoFanout, one, voice)?,
        assembly.measure(bed, Case::SocketIoInFlight, many, voice)?,
    ];
    if subject == Subject::Conclave {
        let voice = &mut assembly.backend()?;
        rows.push(assembly.measure(bed, Case::SocketIoEvent, one, voice)?);
        rows.push(assembly.measure(bed, Case::SocketIoEventInFlight, many, voice)?);
    }
    Ok(rows)
}

fn memory(bed: &Bed, subject: Subject) -> Result<Measurement> {
    let (from, to) = (bed.sizes.socketio_memory_from, bed.sizes.socketio_memory_to);
    bed.machine.ensure_room(to)?;
    let House {
        process,
        door,
        folder,
    } = House::open(bed, subject, to.div_ceil(SMALL), SMALL)?;
    let guest = |user: usize| Tongue::SocketIo.guest(bed, user, &house::room(user / SMALL));
    let idle = Idle::fill(process, &door, (from, to), &guest)?;
    let row = idle.memory(Case::SocketIoMemory, subject);
    drop(idle);
    drop(folder);
    Ok(row)
}

/// In waves of 500, 32 at a time. CPU is counted from the first packet of a wave until everything
/// that its connects cause is over: what was missed is read, who came is told.
fn handshakes(bed: &Bed, subject: Subject) -> Result<Measurement> {
    let house = House::open(bed, subject, USERS, 1)?;
    let mut crowd = Crowd::new(WINDOW, Waiting::Awake)?;
    let mut samples = Samples::default();
    let waves = (bed.sizes.socketio_handshakes / WAVE).max(1);
    let warm = (waves / 10).max(1);
    let (mut cpu, mut wall) = (Duration::ZERO, Duration::ZERO);
    for wave in 0..warm + waves {
        let user = |number: usize| (wave * WAVE + number) % USERS;
        let guest = |number| Tongue::SocketIo.guest(bed, user(number), &house::room(user(number)));
        let guests: Vec<Guest> = (0..WAVE).map(guest).collect();
        let (before, start) = (house.process.cpu()?, Instant::now());
        let ready = enter(&house, &mut crowd, guests, &mut samples)?;
        let entered = start.elapsed();
        quiet(&mut crowd, SETTLE)?;
        let after = house.process.cpu()?;
        if wave < warm {
            samples = Samples::default();
        } else {
            wall += entered;
            cpu += after.saturating_sub(before);
        }
        leave(&mut crowd, &ready)?;
        quiet(&mut crowd, SETTLE)?;
    }
    let count = u64::try_from(waves * WAVE)?;
    let mut row = Measurement::new(Case::SocketIoHandshake, subject).cost(count, cpu, wall);
    row.latency = samples.percentiles();
    Ok(row)
}

/// Lets all guests in; gives their indices.
fn enter(
    house: &House,
    crowd: &mut Crowd,
    guests: Vec<Guest>,
    samples: &mut Samples,
) -> Result<Vec<usize>> {
    let (total, mut entered, mut ready) = (guests.len(), 0, Vec::new());
    let mut guests = guests.into_iter();
    while ready.len() < total {
        for guest in guests.by_ref().take(WINDOW - (entered - ready.len())) {
            crowd.enter(&house.door, guest)?;
            entered += 1;
        }
        let mut closed = false;
        let wakes = crowd.poll(PATIENCE, &mut |index, arrival, _| match arrival {
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
            house.process.log_tail()
        );
    }
    Ok(ready)
}

/// Says Close on all connections and awaits their end.
fn leave(crowd: &mut Crowd, indices: &[usize]) -> Result<()> {
    let mut farewell = Vec::new();
    frame::close(&mut farewell);
    for index in indices {
        crowd.send(*index, &farewell)?;
    }
    let mut ended = 0;
    while ended < indices.len() {
        let wakes = crowd.poll(PATIENCE, &mut |_, arrival, _| {
            ended += usize::from(matches!(arrival, Arrival::Closed));
        })?;
        ensure!(wakes > 0, "a connection does not end");
    }
    Ok(())
}

/// Receives for so long.
fn quiet(crowd: &mut Crowd, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while let Some(rest) = end.checked_duration_since(Instant::now()) {
        crowd.poll(rest, &mut |_, _, _| {})?;
    }
    Ok(())
}

/// Members of a room of the idle ones.
const SMALL: usize = 10;
const WINDOW: usize = 32;
const WAVE: usize = 500;
/// Distinct users, each alone in a room.
const USERS: usize = 2_000;
/// Longer than the server gathers who came and went.
const SETTLE: Duration = Duration::from_millis(350);
const PATIENCE: Duration = Duration::from_secs(5);
