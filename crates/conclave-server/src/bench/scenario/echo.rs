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
/// as the server's answer has.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    for subject in bed.subjects.iter().copied() {
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
        let count = CONNECTIONS * bed.sizes.echo_requests;
        exchange(&mut crowd, &process, &request, count / 10)?;
        let (cpu, wall) = (process.cpu()?, Instant::now());
        let mut samples = exchange(&mut crowd, &process, &request, count)?;
        let (cpu, wall) = (process.cpu()?.saturating_sub(cpu), wall.elapsed());
        let mut row = Measurement::new(Case::Echo, subject).cost(u64::try_from(count)?, cpu, wall);
        row.latency = samples.percentiles();
        rows.push(row);
    }
    Ok(rows)
}

/// `count` requests over all connections, each sent when its connection's last one is answered.
fn exchange(crowd: &mut Crowd, process: &Process, request: &[u8], count: usize) -> Result<Samples> {
    let mut samples = Samples::default();
    let mut sent_at = vec![Instant::now(); CONNECTIONS];
    let mut due: Vec<usize> = (0..CONNECTIONS).collect();
    let mut sent = 0;
    while samples.count() < count {
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
    Ok(samples)
}

const CONNECTIONS: usize = 100;
const PATIENCE: Duration = Duration::from_secs(5);
